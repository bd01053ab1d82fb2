"""Each state of the group and of Kafka beside each fault of the endpoint: the page says what is true, and all of it.

What is true is known here from how the house was set up, not from the code that finds it out.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import pytest
from structlog.testing import capture_logs

from connector.core.records import Fate, Transformed
from connector.core.sending.outcomes import Delivered, Outcome, Rejected, Retryable, Status, Throttled
from connector.ports import Reach
from connector.status.board import STALLED
from connector.status.conditions import LASTING
from connector.status.document import document
from connector.status.model import Kind
from connector.status.page import render
from tests.support.fakes import EPOCH, P0, P1, P2, QUICK, transform
from tests.support.views import Looked

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.records import Record, TopicPartition
    from connector.core.sending.lanes import Batch
    from connector.status.model import View

WAITING = 40  # records
LONG = 30.0  # seconds, by which every state has set in
HEARD = 5.0  # seconds before anybody noticed that Kafka is away
LATE = 12.0  # seconds that a look may be late where a rebalance waits for calls
NEVER = 10_000.0
ENDPOINTS: dict[str, Callable[[Batch], Outcome]] = {
    "well": lambda _: Delivered(),
    "away": lambda _: Retryable("ConnectError", Status.CONNECTION),
    "hangs": lambda _: Delivered(),
    "rejects": lambda _: Rejected("InvalidInputException"),
    "throttles": lambda _: Throttled("ThrottlingException"),
}
OF_ENDPOINT = {"away": Kind.OUTAGE, "hangs": Kind.FAILING, "rejects": Kind.REJECTIONS_HELD, "throttles": Kind.THROTTLED}
GROUPS = ("joining", "assigned", "none", "lost", "taken")


class Case(NamedTuple):
    """How things are: what the group has given, whether Kafka answers, what the endpoint does, whether records wait."""

    group: str
    kafka: bool
    endpoint: str
    records: bool

    @property
    def read(self) -> bool:
        """Whether the records come to be read before Kafka goes away."""
        return self.records and self.group in {"assigned", "lost", "taken"}


CASES = [Case(*each) for each in itertools.product(GROUPS, (True, False), ENDPOINTS, (True, False))]


def seen(case: Case) -> tuple[Looked, View]:
    """A house in that state for a while, and its page."""
    harness = Looked(limits=QUICK._replace(linger=0.0, stop_after_rejections=10 * WAITING))
    harness.sender.outcome = ENDPOINTS[case.endpoint]
    harness.sender.latency = NEVER if case.endpoint == "hangs" else 0.01
    if case.group in {"assigned", "lost", "taken"}:
        harness.assign(P0, P1)
    elif case.group == "none":
        harness.assign()
    for number in range(WAITING if case.records else 0):
        harness.source.produce(P0, "1", session=str(number))
    harness.pass_time(LONG)
    if not case.kafka:
        harness.source.reached = Reach(harness.clock.now - HEARD)
    if case.group == "lost":
        harness.lose(P0, P1)
    elif case.group == "taken":
        harness.revoke(P0, P1)
    return harness, harness.pass_time(LONG)


def true_kinds(case: Case) -> set[Kind]:
    """What holds of Kafka, the group and the endpoint."""
    of_group = {"joining": {Kind.STARTING}, "none": {Kind.UNASSIGNED}, "assigned": set[Kind]()}
    kinds = set() if case.kafka else {Kind.KAFKA_AWAY}
    kinds |= of_group.get(case.group, {Kind.REJOINING})
    if case.read and case.endpoint != "well":
        kinds |= (STILL_SENT if case.group == "assigned" else NO_LONGER_SENT)[case.endpoint]
    return kinds


# What shows of the endpoint's fault while there is something to send, and half a minute after all of it was given up.
STILL_SENT = {
    "away": {Kind.OUTAGE},
    "hangs": {Kind.FAILING},
    "rejects": {Kind.REJECTIONS_HELD},
    "throttles": {Kind.THROTTLED},
}
NO_LONGER_SENT = {
    "away": {Kind.OUTAGE_UNKNOWN},
    "hangs": {Kind.FAILING},  # the calls are still under way
    "rejects": set[Kind](),
    "throttles": set[Kind](),
}


@pytest.mark.grid
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_the_page_says_what_is_true_and_nothing_else(case: Case) -> None:
    with capture_logs():
        harness, view = seen(case)
    shown = {condition.kind for condition in view.conditions}
    # Nothing was delivered of late, so only who has nothing else to say is idle, and nobody delivers.
    assert shown == (true_kinds(case) or {Kind.IDLE})
    open_records = WAITING if case.read and case.endpoint != "well" else 0
    if case.group == "joining":
        assert (view.lags.records, view.lags.seconds, view.lags.as_of) == (None, None, None)
    else:
        assert view.lags.records == open_records
        now = EPOCH + harness.clock.now
        known_until = {
            (True, True): None,
            (False, True): LONG,
            (True, False): LONG + HEARD,
            (False, False): LONG + HEARD,
        }
        age = known_until[case.group in {"assigned", "none"}, case.kafka]
        assert view.lags.as_of == (None if age is None else pytest.approx(now - age, abs=LATE))
    page, lag = render(view), document(view)["lag"]
    assert (
        ("unknown" in page.partition("<dt>Lag</dt>")[2][:40]) == (case.group == "joining") == (lag["records"] is None)
    )
    assert ("the last known" in page) == (view.lags.as_of is not None) == (lag["as_of"] is not None)


# -- what the table does not have -----------------------------------------------------------------------------


def house_of(*topic_partitions: TopicPartition) -> Looked:
    harness = Looked(limits=QUICK._replace(linger=0.0))
    harness.assign(*topic_partitions)
    return harness


def test_a_tracking_id_that_delivers_is_told_beside_one_that_does_not() -> None:
    """The first letter of a session says which tracking id it goes to."""

    def two(record: Record, wall: float) -> Fate:
        fate = transform(record, wall)
        assert isinstance(fate, Transformed)
        name = "bad" if (record.key or b"").startswith(b"b") else "good"
        return fate._replace(entries=tuple(each._replace(target=name) for each in fate.entries))

    harness = Looked(limits=QUICK._replace(linger=0.0), transform=two)
    harness.assign(P0)
    harness.sender.outcome = lambda batch: ENDPOINTS["away" if batch.target == "bad" else "well"](batch)
    for number in range(WAITING):
        harness.source.produce(P0, "1", session=f"b{number}")
    with capture_logs():
        harness.pass_time(LONG)
        assert harness.kinds == ["outage"]
        seen = []
        for number in range(10):
            harness.source.produce(P0, "1", session=f"g{number}")
            harness.pass_time(1.0)
            seen.append(harness.kinds)
    assert ["outage", "delivering"] in seen
    detail = harness.board.latest.conditions[0].detail
    assert detail == "PutEvents to tracking id bad; the last calls ended with ConnectError"


def test_a_partition_of_which_nothing_is_heard_is_not_called_caught_up() -> None:
    harness = house_of(P0, P1)
    del harness.source.positions[P1]  # its broker has not answered the first fetch
    view = harness.pass_time(LASTING - 2)
    assert harness.kinds == ["delivering"]
    assert (view.lags.records, view.lags.unknown) == (0, 1)
    view = harness.pass_time(4)
    assert harness.kinds == ["partitions_unheard"]
    assert view.conditions[0].detail == "1 of 2 partitions"
    assert "0 or more" in render(view)
    assert {row.topic_partition: row.records for row in view.lags.worst} == {P0: 0, P1: None}


def test_partitions_whose_broker_does_not_answer_are_told_and_the_others_go_on() -> None:
    harness = house_of(P0, P1)
    harness.pass_time(2)
    harness.source.reached = Reach(None, frozenset({P1, P2}))  # P2 is another member's
    harness.source.produce(P0, "1")
    view = harness.pass_time(1.5)
    assert harness.kinds == ["partitions_cut_off", "delivering"]
    assert view.conditions[0].detail == "1 of 2 partitions"
    assert {row.topic_partition: row.cut_off for row in view.lags.worst} == {P0: False, P1: True}
    assert view.lags.as_of is None
    assert "no answer" in render(view)


@pytest.mark.parametrize("how", ["stopping", "stalled"])
def test_who_stops_or_stands_still_is_not_said_to_deliver(how: str) -> None:
    harness = house_of(P0)
    harness.source.produce(P0, "1")
    harness.pass_time(2)
    assert harness.kinds == ["delivering"]
    if how == "stopping":
        harness.stopping = True
    else:
        harness.clock.now += 2 * STALLED
    assert harness.kinds == [how]


def test_patterns_that_match_no_topic_wait_for_topics_and_not_for_the_group() -> None:
    harness = Looked(limits=QUICK)
    harness.source.reached = Reach(topics=False)
    harness.pass_time(3)
    assert harness.kinds == ["no_topics"]
    harness.assign(P0)
    harness.pass_time(LASTING + 2)
    assert harness.kinds == ["idle"]


def test_a_member_that_gets_partitions_back_counts_its_lag_anew() -> None:
    harness = house_of(P0)
    for number in range(WAITING):
        harness.source.produce(P0, "1", session=str(number))
    harness.sender.outcome = ENDPOINTS["away"]
    with capture_logs():
        harness.pass_time(LONG)
        harness.lose(P0)
        assert harness.pass_time(5).lags[:2] == (0, WAITING)
        harness.sender.outcome = ENDPOINTS["well"]
        harness.assign(P0)
        lags = harness.pass_time(LONG).lags
    assert (lags.partitions, lags.records, lags.as_of) == (1, 0, None)
    assert harness.kinds == ["idle"]
