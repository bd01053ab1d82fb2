"""Partitions of users, items and actions pause together, while their own buffer is full."""

import pytest

from connector.core.records import TopicPartition
from connector.core.sending.backpressure import Backpressure, Bounds, Load
from connector.core.sending.reserve import Reserve

ITEMS = [TopicPartition("items", number) for number in range(2)]
CLICKS = TopicPartition("clicks", 0)
BOUNDS = Bounds(100, 1_000, 0)


def loads(events: int, size: int = 0) -> list[Load]:
    return [Load(place, events // 2, size // 2, span=10**9) for place in ITEMS]


@pytest.mark.parametrize(("events", "size"), [(100, 0), (2, 1_000)], ids=["events", "bytes"])
def test_all_of_them_pause_while_their_buffer_is_full_and_until_there_is_room_again(events: int, size: int) -> None:
    reserve = Reserve(BOUNDS)
    assert reserve.decide(loads(events - 2, size - 2)) == frozenset()
    assert reserve.decide(loads(events, size)) == reserve.paused == set(ITEMS)
    assert reserve.decide(loads(events * 8 // 10, size * 8 // 10)) == set(ITEMS)
    assert reserve.decide(loads(events * 6 // 10, size * 6 // 10)) == frozenset()


def test_no_partition_is_no_load() -> None:
    assert Reserve(BOUNDS).decide([]) == frozenset()


def test_a_full_buffer_of_events_lets_the_others_be_read_once_its_own_partitions_pause() -> None:
    pressure, full = Backpressure(Bounds(100, 1_000, 100)), [Load(CLICKS, 200, 100, 50)]
    pressure.decide(full, 0.0, frozenset(), frozenset(ITEMS))
    assert not pressure.may_read
    pressure.decide(full, 5.0, frozenset(), frozenset(ITEMS))
    assert pressure.paused == {CLICKS}
    assert pressure.may_read
    assert pressure.room(full) == 100


def test_others_that_are_held_are_not_read_and_resume_when_they_are_not() -> None:
    pressure, full = Backpressure(Bounds(100, 1_000, 100)), [Load(CLICKS, 200, 100, 50)]
    pressure.decide(full, 0.0, frozenset(ITEMS), frozenset(ITEMS))
    change = pressure.decide(full, 5.0, frozenset(ITEMS), frozenset(ITEMS))
    assert change.pause == {CLICKS}
    assert pressure.paused == {CLICKS, *ITEMS}
    assert not pressure.may_read
    assert pressure.room(full) == 1
    assert pressure.decide([], 6.0, frozenset(), frozenset(ITEMS)).resume == set(ITEMS)
