"""The calls of a backlog: what lanes would make of it, within a buffer."""

import pytest

from connector.core.operations import PUT_ACTION_INTERACTIONS, PUT_EVENTS, PUT_ITEMS, Operation
from connector.core.records import Entry
from connector.core.sending.backlog import Backlog, Count


def entry(session: str, user: str | None = None, tracker: str = "t") -> Entry:
    return Entry(tracker, session, user, b"{}")


def other(lane: str, operation: Operation = PUT_ITEMS) -> Entry:
    return Entry("target", lane, None, b"{}", operation=operation)


def backlog_of(entries: list[Entry], buffer: int = 1_000) -> Backlog:
    backlog = Backlog(buffer)
    for each in entries:
        backlog.add((each,))
    return backlog


def counted(entries: list[Entry], buffer: int = 1_000) -> Count:
    return backlog_of(entries, buffer).count()[PUT_EVENTS]


def test_interleaved_sessions_take_one_call_each_for_ten_events() -> None:
    assert counted([entry(f"s{number % 3}") for number in range(30)]) == Count(calls=3, events=30)
    assert counted([entry(f"s{number % 3}") for number in range(31)]) == Count(calls=4, events=31)


def test_another_user_and_another_tracker_begin_a_call() -> None:
    assert counted([entry("s"), entry("s", "u"), entry("s", "u"), entry("s")]) == Count(calls=3, events=4)
    assert counted([entry("s", tracker="a"), entry("s", tracker="b")]) == Count(calls=2, events=2)


@pytest.mark.parametrize(("buffer", "calls"), [(10, 200), (60, 44), (200, 20)])
def test_the_smaller_the_buffer_the_more_calls_go_before_they_are_full(buffer: int, calls: int) -> None:
    """Twenty sessions in turn, ten events each."""
    assert counted([entry(f"s{number % 20}") for number in range(200)], buffer) == Count(calls, 200)


def test_a_record_of_many_events_fills_calls_by_itself() -> None:
    backlog = Backlog(10)
    backlog.add(tuple(entry("s") for _ in range(25)))
    assert backlog.count() == {PUT_EVENTS: Count(calls=3, events=25)}


def test_nothing_takes_no_call() -> None:
    assert Backlog(10).count() == {}


def test_versions_of_an_item_supersede_each_other_while_they_wait() -> None:
    changes = [other(f"item-{number % 20}") for number in range(1_000)]
    assert backlog_of(changes, buffer=1_000).count() == {PUT_ITEMS: Count(calls=2, events=1_000)}
    assert backlog_of(changes, buffer=100).count()[PUT_ITEMS].calls > 2


def test_action_interactions_of_all_sessions_share_calls() -> None:
    taken = [other(f"s{number}", PUT_ACTION_INTERACTIONS) for number in range(25)]
    assert backlog_of(taken).count() == {PUT_ACTION_INTERACTIONS: Count(calls=3, events=25)}


def test_each_operation_has_a_buffer_of_its_own() -> None:
    events = [entry(f"s{number % 20}") for number in range(200)]
    items = [other(f"item-{number}") for number in range(200)]
    mixed = [each for pair in zip(events, items, strict=True) for each in pair]
    assert backlog_of(mixed, buffer=200).count() == {PUT_EVENTS: Count(20, 200), PUT_ITEMS: Count(20, 200)}
