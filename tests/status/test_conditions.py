"""What the page says of the process is what the process does, and since when."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from connector.core.operations import PUT_ITEMS
from connector.core.sending.backpressure import Bounds
from connector.core.sending.outcomes import IN_USE, Delivered, Fatal, Outcome, Rejected, Retryable, Status, Throttled
from connector.ports import Reach, SchemaReach
from connector.status.board import STALLED
from connector.status.conditions import LASTING
from connector.status.model import Kind
from connector.status.wording import STATES
from tests.support.fakes import EPOCH, P0, P1, QUICK, FakeFetcher
from tests.support.views import Looked


@pytest.fixture
def harness() -> Looked:
    return Looked(limits=QUICK._replace(linger=0.0))


def fill(harness: Looked, records: int = 20) -> None:
    for number in range(records):
        harness.source.produce(P0, "1", session=str(number))


def test_a_process_starts_by_joining_its_group(harness: Looked) -> None:
    assert harness.kinds == ["starting"]
    view = harness.pass_time(3)
    assert harness.kinds == ["starting"]
    assert view.conditions[0].since == view.facts.started


def test_what_keeps_a_process_from_joining_is_said_where_it_is_known(harness: Looked) -> None:
    harness.source.reached = Reach(trouble="_RESOLVE: the brokers advertise kafka-0.x")
    view = harness.pass_time(2)
    assert view.conditions[0][0::2] == (Kind.STARTING, "_RESOLVE: the brokers advertise kafka-0.x")


def test_topics_that_are_gone_are_told_and_nothing_is_called_caught_up(harness: Looked) -> None:
    harness.assign(P0)
    harness.source.reached = Reach(gone=("orders", "web"))
    view = harness.pass_time(LASTING + 2)
    assert harness.kinds == ["topics_gone"]
    assert view.conditions[0].detail == "orders, web"
    harness.source.reached = Reach()
    harness.pass_time(2)
    assert harness.kinds == ["idle"]


def test_a_member_without_partitions_is_idle_for_want_of_them(harness: Looked) -> None:
    harness.assign()
    harness.pass_time(2)
    assert harness.kinds == ["unassigned"]


def test_records_are_delivered_and_then_there_is_nothing_to_do(harness: Looked) -> None:
    harness.assign(P0, P1)
    fill(harness)
    harness.pass_time(2)
    assert harness.kinds == ["delivering"]
    view = harness.pass_time(LASTING + 2)
    assert harness.kinds == ["idle"]
    assert view.at - LASTING < view.conditions[0].since <= view.at


def test_between_two_events_of_a_quiet_topic_the_process_is_not_idle(harness: Looked) -> None:
    harness.assign(P0)
    seen = []
    for number in range(6):
        harness.source.produce(P0, "1", session=str(number))
        harness.pass_time(LASTING / 2)
        seen += harness.kinds
    assert set(seen[1:]) == {"delivering"}


@pytest.mark.parametrize(
    ("outcome", "kind", "detail"),
    [
        (
            Retryable("ConnectError", Status.CONNECTION),
            "outage",
            "PutEvents to tracking id tracker; the last calls ended with ConnectError",
        ),
        (Throttled("ThrottlingException"), "throttled", "PutEvents to tracking id tracker"),
        (Rejected("InvalidInputException"), "in_doubt", "PutEvents to tracking id tracker; events held: 5"),
    ],
)
def test_a_trouble_comes_before_the_delivery_that_it_holds_up(
    harness: Looked, outcome: Outcome, kind: str, detail: str
) -> None:
    harness.assign(P0)
    fill(harness, 5 if kind == "in_doubt" else 20)
    harness.sender.outcome = lambda _: outcome
    first = harness.pass_time(5).conditions[0]
    assert (first.kind.value, first.detail) == (kind, detail)
    again = harness.pass_time(20).conditions[0]
    assert again.since == first.since
    harness.sender.outcome = lambda _: Delivered()
    fill(harness, 1)  # a doubt ends with a success
    harness.pass_time(120)
    assert harness.kinds == ["idle"]


def test_a_busy_dataset_is_told_by_its_operation_and_clicks_are_delivered_beside_it(harness: Looked) -> None:
    harness.assign(P0, P1)
    in_use = Retryable(IN_USE, Status.SERVER_ERROR)
    harness.sender.outcome = lambda batch: in_use if batch.operation is PUT_ITEMS else Delivered()
    for number in range(20):
        harness.source.produce(P1, "item", session=f"i-{number}")
    harness.pass_time(20)
    fill(harness, 5)
    view = harness.pass_time(1)
    assert harness.kinds == ["dataset_busy", "delivering"]
    assert view.conditions[0].detail == "PutItems to dataset shop/ITEMS"
    harness.sender.outcome = lambda _: Delivered()
    harness.pass_time(120)
    assert harness.kinds == ["idle"]


def test_an_outage_of_one_operation_names_it_and_no_other(harness: Looked) -> None:
    harness.assign(P0, P1)
    away = Retryable("ConnectError", Status.CONNECTION)
    harness.sender.outcome = lambda batch: away if batch.operation is PUT_ITEMS else Delivered()
    for number in range(20):
        harness.source.produce(P1, "item", session=f"i-{number}")
    fill(harness, 20)
    view = harness.pass_time(5)
    assert view.conditions[0].kind is Kind.OUTAGE
    assert view.conditions[0].detail == "PutItems to dataset shop/ITEMS; the last calls ended with ConnectError"
    rows = {(each.operation, each.name): each.waiting for each in view.pacing}
    assert rows == {("put_events", "tracker"): 0, ("put_items", "shop/ITEMS"): 20}


def test_a_pause_for_backpressure_is_told_beside_its_cause() -> None:
    harness = Looked(limits=QUICK._replace(linger=0.0), bounds=Bounds(20, 1 << 20, 1000))
    harness.assign(P0, P1)
    fill(harness, 50)
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    view = harness.pass_time(10)
    assert harness.kinds[:2] == ["outage", "paused"]
    assert view.conditions[1].detail == "1 of 2 partitions"
    assert [lag.paused for lag in view.lags.worst] == [True, False]


def test_dead_letters_that_nobody_takes_are_a_trouble_after_a_while(harness: Looked) -> None:
    harness.assign(P0)
    harness.dead_letters.latency = 1000.0
    harness.source.produce(P0, "invalid")
    assert "dead_letters_wait" not in [each.kind.value for each in harness.pass_time(2).conditions]
    view = harness.pass_time(LASTING + 2)
    assert harness.kinds[0] == "dead_letters_wait"
    assert view.letters_waiting == 1


@pytest.fixture
def registered() -> Looked:
    fetcher = FakeFetcher()
    harness = Looked(transform=fetcher.transform, fetcher=fetcher)
    harness.assign(P0, P1)
    return harness


def fetcher_of(harness: Looked) -> FakeFetcher:
    fetcher = harness.loop.waiting._fetcher
    assert isinstance(fetcher, FakeFetcher)
    return fetcher


def test_a_registry_that_does_not_answer_is_told_with_what_waits_for_it_and_since_when(registered: Looked) -> None:
    registered.source.produce(P0, "needs 7 1")
    registered.pass_time(1)
    fetcher_of(registered).reached = SchemaReach(registered.clock.now - 20, "no connection", ("schema 7",))
    since = EPOCH + registered.clock.now - 20
    view = registered.pass_time(2)
    assert registered.kinds == ["schema_registry_away"]
    assert view.conditions[0].since == pytest.approx(since)
    assert view.conditions[0].detail == "no connection; 1 of 2 partitions wait for schema 7"
    assert view.registry is not None
    assert view.registry.away_since == pytest.approx(since)
    assert view.registry[1:] == ("no connection", 1, 1, ("schema 7",))
    registered.source.produce(P1, "1")
    registered.pass_time(2)
    assert registered.kinds == ["schema_registry_away", "delivering"], "the others go on"
    fetcher_of(registered).reached = SchemaReach()
    fetcher_of(registered).answer("7")
    registered.pass_time(3 * LASTING)
    assert registered.kinds == ["idle"]


def test_a_schema_that_takes_long_is_told_and_one_that_comes_soon_is_not(registered: Looked) -> None:
    registered.source.produce(P0, "needs 7 1")
    registered.pass_time(2)
    assert "schema_awaited" not in registered.kinds
    view = registered.pass_time(LASTING + 1)
    assert view.conditions[0][0::2] == (Kind.SCHEMA_AWAITED, "1 of 2 partitions wait for schema 7")
    assert "paused" not in registered.kinds, "it is not for backpressure"
    assert [(lag.paused, lag.schema) for lag in view.lags.worst] == [(True, "schema 7"), (False, "")]
    assert "partitions_unheard" not in registered.kinds, "its lag is known, though nothing of it was opened"
    fetcher_of(registered).answer("7")
    registered.pass_time(2)
    assert "schema_awaited" not in registered.kinds


def test_a_refusal_of_the_registry_says_what_to_do(registered: Looked) -> None:
    fetcher_of(registered).refusal = Fatal("401", "check schema_registry.basic_auth")
    view = registered.pass_time(2)
    assert view.conditions[0][0::2] == (Kind.REFUSED, "401: check schema_registry.basic_auth")


def test_a_signal_shows_at_once_and_without_another_look(harness: Looked) -> None:
    harness.assign(P0)
    harness.pass_time(2)
    harness.stopping = True
    assert harness.kinds[0] == "stopping"
    harness.clock.now += 10 * STALLED
    assert "stalled" not in harness.kinds


def test_a_refusal_says_what_to_do(harness: Looked) -> None:
    harness.assign(P0)
    fill(harness, 1)
    harness.sender.outcome = lambda _: Fatal("AccessDeniedException", "allow it")
    with capture_logs():
        view = harness.pass_time(5)
    assert view.conditions[0][0::2] == (Kind.REFUSED, "AccessDeniedException: allow it")


def test_a_loop_that_does_not_turn_is_stalled(harness: Looked) -> None:
    harness.assign(P0)
    harness.pass_time(2)
    harness.clock.now += STALLED + 1
    assert harness.kinds[0] == "stalled"
    harness.pass_time(2)
    assert "stalled" not in harness.kinds


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_is_set_changes_no_state(harness: Looked, hours: int) -> None:
    harness.assign(P0)
    harness.dead_letters.latency = LASTING + 5
    harness.source.produce(P0, "invalid")
    harness.pass_time(2)
    harness.set_wall(hours * 3600.0)
    harness.pass_time(2)
    assert harness.kinds == ["delivering"]
    harness.pass_time(LASTING)
    assert harness.kinds[0] == "dead_letters_wait"
    harness.pass_time(2 * LASTING)
    assert harness.kinds == ["idle"]


def test_every_state_has_words() -> None:
    assert set(STATES) == set(Kind)


def test_times_are_of_the_wall(harness: Looked) -> None:
    harness.assign(P0)
    view = harness.pass_time(3)
    assert abs(view.at - (EPOCH + harness.clock.now)) < 1.5
