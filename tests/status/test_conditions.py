"""What the page says of the process is what the process does, and since when."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from connector.core.sending.backpressure import Bounds
from connector.core.sending.outcomes import Delivered, Fatal, Outcome, Rejected, Retryable, Status, Throttled
from connector.ports import Reach
from connector.status.board import STALLED
from connector.status.conditions import PATIENCE
from connector.status.model import Kind
from connector.status.wording import STATES
from tests.loop.fakes import EPOCH, P0, P1, QUICK
from tests.status.views import Looked


@pytest.fixture
def house() -> Looked:
    return Looked(limits=QUICK._replace(linger=0.0))


def fill(house: Looked, records: int = 20) -> None:
    for number in range(records):
        house.source.produce(P0, "1", session=str(number))


def test_a_process_starts_by_joining_its_group(house: Looked) -> None:
    assert house.kinds == ["starting"]
    view = house.pass_time(3)
    assert house.kinds == ["starting"]
    assert view.conditions[0].since == view.facts.started


def test_what_keeps_a_process_from_joining_is_said_where_it_is_known(house: Looked) -> None:
    house.source.reached = Reach(trouble="_RESOLVE: the brokers advertise kafka-0.x")
    view = house.pass_time(2)
    assert view.conditions[0][0::2] == (Kind.STARTING, "_RESOLVE: the brokers advertise kafka-0.x")


def test_topics_that_are_gone_are_told_and_nothing_is_called_caught_up(house: Looked) -> None:
    house.assign(P0)
    house.source.reached = Reach(gone=("orders", "web"))
    view = house.pass_time(PATIENCE + 2)
    assert house.kinds == ["topics_gone"]
    assert view.conditions[0].detail == "orders, web"
    house.source.reached = Reach()
    house.pass_time(2)
    assert house.kinds == ["idle"]


def test_a_member_without_partitions_is_idle_for_want_of_them(house: Looked) -> None:
    house.assign()
    house.pass_time(2)
    assert house.kinds == ["unassigned"]


def test_records_are_delivered_and_then_there_is_nothing_to_do(house: Looked) -> None:
    house.assign(P0, P1)
    fill(house)
    house.pass_time(2)
    assert house.kinds == ["delivering"]
    view = house.pass_time(PATIENCE + 2)
    assert house.kinds == ["idle"]
    assert view.at - PATIENCE < view.conditions[0].since <= view.at


def test_between_two_events_of_a_quiet_topic_the_process_is_not_idle(house: Looked) -> None:
    house.assign(P0)
    seen = []
    for number in range(6):
        house.source.produce(P0, "1", session=str(number))
        house.pass_time(PATIENCE / 2)
        seen += house.kinds
    assert set(seen[1:]) == {"delivering"}


@pytest.mark.parametrize(
    ("outcome", "kind", "detail"),
    [
        (
            Retryable("ConnectError", Status.CONNECTION),
            "outage",
            "tracking id tracker; the last calls ended with ConnectError",
        ),
        (Throttled("ThrottlingException"), "throttled", "tracking id tracker"),
        (Rejected("InvalidInputException"), "in_doubt", "tracking id tracker; events held: 5"),
    ],
)
def test_a_trouble_comes_before_the_delivery_that_it_holds_up(
    house: Looked, outcome: Outcome, kind: str, detail: str
) -> None:
    house.assign(P0)
    fill(house, 5 if kind == "in_doubt" else 20)
    house.sender.outcome = lambda _: outcome
    first = house.pass_time(5).conditions[0]
    assert (first.kind.value, first.detail) == (kind, detail)
    again = house.pass_time(20).conditions[0]
    assert again.since == first.since
    house.sender.outcome = lambda _: Delivered()
    fill(house, 1)  # a doubt ends with a success
    house.pass_time(120)
    assert house.kinds == ["idle"]


def test_a_pause_for_backpressure_is_told_beside_its_cause() -> None:
    house = Looked(limits=QUICK._replace(linger=0.0), bounds=Bounds(20, 1 << 20, 1000))
    house.assign(P0, P1)
    fill(house, 50)
    house.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    view = house.pass_time(10)
    assert house.kinds[:2] == ["outage", "paused"]
    assert view.conditions[1].detail == "1 of 2 partitions"
    assert [lag.paused for lag in view.lags.worst] == [True, False]


def test_dead_letters_that_nobody_takes_are_a_trouble_after_a_while(house: Looked) -> None:
    house.assign(P0)
    house.dead_letters.latency = 1000.0
    house.source.produce(P0, "invalid")
    assert "dead_letters_wait" not in [each.kind.value for each in house.pass_time(2).conditions]
    view = house.pass_time(PATIENCE + 2)
    assert house.kinds[0] == "dead_letters_wait"
    assert view.letters_waiting == 1


def test_a_signal_shows_at_once_and_without_another_look(house: Looked) -> None:
    house.assign(P0)
    house.pass_time(2)
    house.stopping = True
    assert house.kinds[0] == "stopping"
    house.clock.now += 10 * STALLED
    assert "stalled" not in house.kinds


def test_a_refusal_says_what_to_do(house: Looked) -> None:
    house.assign(P0)
    fill(house, 1)
    house.sender.outcome = lambda _: Fatal("AccessDeniedException", "allow it")
    with capture_logs():
        view = house.pass_time(5)
    assert view.conditions[0][0::2] == (Kind.REFUSED, "AccessDeniedException: allow it")


def test_a_loop_that_does_not_turn_is_stalled(house: Looked) -> None:
    house.assign(P0)
    house.pass_time(2)
    house.clock.now += STALLED + 1
    assert house.kinds[0] == "stalled"
    house.pass_time(2)
    assert "stalled" not in house.kinds


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_is_set_changes_no_state(house: Looked, hours: int) -> None:
    house.assign(P0)
    house.dead_letters.latency = PATIENCE + 5
    house.source.produce(P0, "invalid")
    house.pass_time(2)
    house.set_wall(hours * 3600.0)
    house.pass_time(2)
    assert house.kinds == ["delivering"]
    house.pass_time(PATIENCE)
    assert house.kinds[0] == "dead_letters_wait"
    house.pass_time(2 * PATIENCE)
    assert house.kinds == ["idle"]


def test_every_state_has_words() -> None:
    assert set(STATES) == set(Kind)


def test_times_are_of_the_wall(house: Looked) -> None:
    house.assign(P0)
    view = house.pass_time(3)
    assert abs(view.at - (EPOCH + house.clock.now)) < 1.5
