"""How many calls a second a stream needs: as the connector would send it, from the times of its records."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.operations import PUT_EVENTS, PUT_ITEMS
from connector.core.records import Entry
from connector.core.sending.needed import Calls, NeededCalls

INFINITY = float("inf")


def event(session: str, user: str | None = None, tracker: str = "t") -> Entry:
    return Entry(tracker, session, user, b"{}")


def needed(events: Iterable[tuple[float, Entry]], linger: float = 1.0, most: int = 1000) -> NeededCalls:
    found = NeededCalls(linger, most)
    for at, entry in events:
        found.add(at, [entry])
    return found


@pytest.mark.parametrize(
    ("times", "linger", "calls"),
    [
        ([0.0, 0.5, 0.9], 1.0, 1),
        ([0.0, 0.5, 0.9], 0.0, 3),
        ([0.0, 0.9, 1.8, 2.7], 1.0, 2),
        ([0.0] * 25, 1.0, 3),
        ([], 1.0, 0),
    ],
)
def test_events_of_a_session_share_a_call_while_the_first_lingers(
    times: list[float], linger: float, calls: int
) -> None:
    found = needed([(at, event("s")) for at in times], linger).calls(0.0, 10.0)
    assert found == ({(PUT_EVENTS, "t"): Calls(calls, len(times), 1, 10.0)} if times else {})


def test_two_users_of_a_session_and_two_trackers_share_no_call() -> None:
    found = needed([(0.0, event("s")), (0.1, event("s", "u")), (0.2, event("s", tracker="other"))]).calls(0.0, 4.0)
    assert found == {(PUT_EVENTS, "t"): Calls(2, 2, 1, 4.0), (PUT_EVENTS, "other"): Calls(1, 1, 1, 4.0)}
    assert found[PUT_EVENTS, "t"].a_second == 0.5
    assert Calls(1, 1, 1, 0.0).a_second == 0.0


def test_only_what_lies_between_the_times_counts_in_whatever_order_it_came() -> None:
    found = needed([(9.0, event("s")), (3.0, event("s")), (2.2, event("s")), (1.0, event("s"))])
    assert found.calls(2.0, 3.0) == {(PUT_EVENTS, "t"): Calls(1, 2, 1, 1.0)}


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), min_size=1), st.floats(0, 10))
def test_calls_are_neither_fewer_than_full_ones_nor_more_than_events(
    stream: list[tuple[int, int]], linger: float
) -> None:
    found = needed([(float(at), event(f"s{session}")) for at, session in stream], linger).calls(0.0, 50.0)[
        PUT_EVENTS, "t"
    ]
    assert found.events == len(stream)
    assert -(-found.events // 10) <= found.calls <= found.events
    assert found.calls >= found.sessions


def test_beyond_its_memory_it_counts_some_sessions_and_multiplies() -> None:
    stream = [(float(number % 60), event(f"session-{number % 997}")) for number in range(20_000)]
    whole = needed(stream, most=100_000).calls(0.0, 60.0)[PUT_EVENTS, "t"]
    part = needed(stream, most=1_500)
    assert len(part._kept) <= 1_500
    found = part.calls(0.0, 60.0)[PUT_EVENTS, "t"]
    assert abs(found.calls - whole.calls) < whole.calls * 0.35
    assert abs(found.sessions - whole.sessions) < whole.sessions * 0.35


def test_one_session_that_is_larger_than_the_memory_does_not_outgrow_it() -> None:
    found = needed([(0.0, event(f"s{number % 2}")) for number in range(20_000)], most=5)
    assert len(found._kept) <= 5


def test_items_of_one_dataset_share_calls_and_versions_supersede_each_other() -> None:
    def item(name: str) -> Entry:
        return Entry("arn", name, None, b"{}", operation=PUT_ITEMS)

    changes = [(0.0, item(f"item-{number % 5}")) for number in range(45)]
    found = needed([*changes, (0.0, event("s"))]).calls(0.0, 10.0)
    assert found == {(PUT_ITEMS, "arn"): Calls(1, 45, 5, 10.0), (PUT_EVENTS, "t"): Calls(1, 1, 1, 10.0)}
