"""What is in memory stays bounded, and nothing stops that need not."""

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.core.records import TopicPartition
from connector.core.sending.backpressure import BREATH, HOLD, RESUME, WINDOW, Backpressure, Bounds, Change, Load
from tests.support.examples import examples
from tests.support.simulation import Random

BOUNDS = Bounds(events=1_000, bytes=100_000, span=700)
A, B, C = (TopicPartition("topic", number) for number in range(3))


def load(partition: TopicPartition, events: int = 0, size: int = 0, span: int = 0) -> Load:
    return Load(partition, events, size, span)


def pressed(*loads: Load) -> Backpressure:
    backpressure = Backpressure(BOUNDS)
    backpressure.decide(loads, 0.0)
    backpressure.decide(loads, HOLD)
    return backpressure


# -- reading ----------------------------------------------------------------------------------------------------------


def test_reading_stops_when_the_buffer_is_full_and_goes_on_when_it_is_not() -> None:
    backpressure = Backpressure(BOUNDS)
    backpressure.decide([load(A, 999)], 0.0)
    assert backpressure.may_read
    backpressure.decide([load(A, 1_000)], 0.1)
    assert not backpressure.may_read
    assert backpressure.paused == frozenset()
    backpressure.decide([load(A, 970)], 0.11)
    assert backpressure.may_read


def test_a_full_buffer_is_not_refilled_record_by_record_but_never_stands_still() -> None:
    backpressure = Backpressure(BOUNDS)
    backpressure.decide([load(A, 1_000)], 0.0)
    backpressure.decide([load(A, 999)], 0.01)
    assert not backpressure.may_read, "a poll for one record costs as much as a poll for hundreds"
    backpressure.decide([load(A, 999)], BREATH)
    assert backpressure.may_read, "where nothing more is delivered, what room there is is used"
    backpressure.decide([load(A, 999)], BREATH + 0.01)
    assert backpressure.may_read


def test_bytes_fill_the_buffer_as_events_do() -> None:
    backpressure = Backpressure(BOUNDS)
    backpressure.decide([load(A, 1, 60_000), load(B, 1, 40_000)], 0.0)
    assert not backpressure.may_read


def test_a_buffer_that_is_full_for_a_moment_pauses_nothing() -> None:
    backpressure = Backpressure(BOUNDS)
    for number in range(20):
        backpressure.decide([load(A, 1_000)], number * 0.4)
        backpressure.decide([load(A, 999)], number * 0.4 + 0.3)
        assert backpressure.paused == frozenset()


def test_a_buffer_that_stays_full_pauses_partitions_until_it_is_well_below() -> None:
    backpressure = Backpressure(BOUNDS)
    assert backpressure.decide([load(A, 1_000)], 0.0) == Change(frozenset(), frozenset())
    assert backpressure.decide([load(A, 1_000)], HOLD) == Change(frozenset({A}), frozenset())
    assert backpressure.all_paused(1)
    assert not backpressure.may_read
    assert backpressure.decide([load(A, 800)], 2.0) == Change(frozenset(), frozenset())
    assert backpressure.decide([load(A, 700)], 3.0) == Change(frozenset(), frozenset({A}))
    assert backpressure.may_read
    assert not backpressure.all_paused(1)


def test_who_holds_its_share_pauses_and_the_others_are_read() -> None:
    backpressure = pressed(load(A, 900), load(B, 100), load(C, 0))
    assert backpressure.paused == {A}
    assert backpressure.may_read


def test_a_stuck_partition_does_not_stop_the_others_ever() -> None:
    """What pauses for its own share resumes by its own load, since the total never falls."""
    backpressure = pressed(load(A, 1_000), load(B), load(C))
    backpressure.decide([load(A, 1_000), load(B, 400), load(C)], 2.0)
    assert backpressure.paused == {A, B}
    assert backpressure.may_read
    change = backpressure.decide([load(A, 1_000), load(B, 200), load(C)], 3.0)
    assert change.resume == {B}
    backpressure.decide([load(A, 1_000), load(B, 400), load(C, 400)], 4.0)
    assert not backpressure.may_read
    backpressure.decide([load(A, 1_000), load(B, 100), load(C, 100)], 5.0)
    assert backpressure.may_read
    assert backpressure.paused == {A}


def test_a_partition_far_ahead_of_its_oldest_record_pauses_alone() -> None:
    backpressure = Backpressure(BOUNDS)
    assert backpressure.decide([load(A, 10, span=700), load(B)], 0.0).pause == {A}
    assert backpressure.may_read
    assert not backpressure.decide([load(A, 10, span=600), load(B)], 0.1).resume
    assert backpressure.decide([load(A, 10, span=int(700 * RESUME) - 1), load(B)], 0.2).resume == {A}


@pytest.mark.parametrize(("events", "room"), [(0, 1_000), (999, 1), (1_000, 1), (5_000, 1)])
def test_there_is_room_for_what_is_left_and_always_for_one(events: int, room: int) -> None:
    assert Backpressure(BOUNDS).room([load(A, events)]) == room


def test_there_is_less_room_for_large_records() -> None:
    half = BOUNDS.bytes // 2
    assert Backpressure(BOUNDS).room([Load(A, 10, half, 10)]) == 10
    assert Backpressure(BOUNDS).room([Load(A, 10, 2 * BOUNDS.bytes, 10)]) == 1


def test_without_partitions_there_is_nothing_to_decide() -> None:
    backpressure = Backpressure(BOUNDS)
    assert backpressure.decide([], 0.0) == Change(frozenset(), frozenset())
    assert backpressure.may_read


@pytest.mark.parametrize("told", [True, False])
def test_nobody_resumes_a_partition_that_is_not_ours(told: bool) -> None:  # noqa: FBT001  a parameter of the test
    backpressure = pressed(load(A, 500), load(B, 500))
    assert backpressure.paused == {A, B}
    if told:
        backpressure.forget([A])
    change = backpressure.decide([load(B, 0)], 5.0)
    assert change == Change(frozenset(), frozenset({B}))


def test_a_partition_that_comes_back_is_taken_for_unpaused() -> None:
    backpressure = pressed(load(A, 500), load(B, 500))
    backpressure.forget([A])
    change = backpressure.decide([load(A, 500), load(B, 500)], 5.0)
    assert change == Change(frozenset({A}), frozenset())


def test_one_that_is_slow_and_crowds_the_others_out_pauses_at_once() -> None:
    backpressure = Backpressure(BOUNDS)
    slow, fast = load(A, 900), load(B, 50)._replace(done=0)
    backpressure.decide([slow, fast], 0.0)
    backpressure.decide(
        [slow._replace(done=5), fast._replace(done=2_000)], WINDOW
    )  # it would need minutes for what it holds
    change = backpressure.decide([slow._replace(events=960, done=5), fast._replace(done=2_000)], WINDOW + 0.1)
    assert change.pause == {A}
    assert backpressure.may_read
    slow, fast = slow._replace(done=5), fast._replace(done=2_000)
    assert backpressure.decide([slow._replace(events=800), fast], WINDOW + 0.2).resume == frozenset()
    assert backpressure.decide([slow._replace(events=600), fast], WINDOW + 0.3).resume == {A}


def test_beside_a_slow_one_the_others_are_read_up_to_their_share_and_no_further() -> None:
    backpressure = Backpressure(BOUNDS)
    slow, fast, idle = load(A, 600), load(B, 390), load(C)
    backpressure.decide([slow, fast, idle], 0.0)
    slow, fast = slow._replace(done=5), fast._replace(done=2_000)
    backpressure.decide([slow, fast, idle], WINDOW)
    loads = [slow, fast._replace(events=400), idle]
    assert backpressure.decide(loads, WINDOW + 0.1).pause == {A, B}
    assert backpressure.may_read
    assert backpressure.room(loads) == 333


def test_a_full_buffer_is_not_read_past_because_those_that_fill_it_are_far_ahead() -> None:
    """What they hold is being delivered, and makes room; where it is not for ``HOLD``, the others are read on."""
    backpressure = Backpressure(BOUNDS)
    loads = [load(A, 500, span=700), load(B, 500, span=700), load(C)]
    assert backpressure.decide(loads, 0.0).pause == {A, B}
    assert not backpressure.may_read
    assert backpressure.room(loads) == 1
    delivered = [load(A, 400, span=700), load(B, 500, span=700), load(C)]
    assert backpressure.decide(delivered, 0.1) == Change(frozenset(), frozenset())
    assert (backpressure.may_read, backpressure.room(delivered)) == (True, 100)
    backpressure.decide(loads, 0.2)
    backpressure.decide(loads, 0.2 + HOLD)
    assert (backpressure.may_read, backpressure.room(loads)) == (True, 333)


def test_one_that_is_busy_and_quick_does_not_pause() -> None:
    backpressure = Backpressure(BOUNDS)
    busy, idle = load(A, 990), load(B)
    backpressure.decide([busy, idle], 0.0)
    backpressure.decide([busy._replace(done=5_000), idle], WINDOW)
    assert backpressure.decide([busy._replace(events=1_000, done=5_100), idle], WINDOW + 0.1).pause == frozenset()


def test_under_a_quota_nobody_is_slow_however_much_it_holds() -> None:
    """40 events a second, and 1,000 in the buffer: whoever was read last waits for 25 s, as everybody did."""
    backpressure, now = Backpressure(BOUNDS), 0.0
    done = dict.fromkeys((A, B), 0)
    for turn in range(40):
        now += 5.0
        done[(A, B)[turn // 3 % 2]] += 200  # a chunk of one partition, then one of the other
        change = backpressure.decide([load(A, 800)._replace(done=done[A]), load(B, 199)._replace(done=done[B])], now)
        assert change.pause == frozenset()


def test_with_some_paused_the_others_are_read_up_to_their_shares_in_strides_and_no_further() -> None:
    backpressure = pressed(load(A, 900), load(B, 100))
    assert backpressure.paused == {A}
    loads = [load(A, 900), load(B, 100)]
    backpressure.decide(loads, HOLD + 0.1)
    assert (backpressure.may_read, backpressure.room(loads)) == (True, 400)
    backpressure.decide([load(A, 900), load(B, 500)], HOLD + 0.2)
    assert not backpressure.may_read or backpressure.room([load(A, 900), load(B, 500)]) == 1


# -- partitions that are held -------------------------------------------------------------------------------------


def test_one_that_is_held_pauses_however_little_it_holds_and_resumes_when_it_is_let_go() -> None:
    backpressure = Backpressure(BOUNDS)
    loads = [load(A), load(B)]
    assert backpressure.decide(loads, 0.0, {A}) == Change(frozenset({A}), frozenset())
    assert backpressure.may_read
    assert backpressure.decide(loads, 1.0, {A}) == Change(frozenset(), frozenset())
    assert backpressure.crowded == frozenset(), "it is not the load that pauses it"
    assert not backpressure.all_paused(2)
    assert backpressure.decide(loads, 2.0, {A, B}).pause == {B}
    assert backpressure.all_paused(2)
    assert backpressure.decide(loads, 3.0).resume == {A, B}


def test_neither_reason_resumes_what_the_other_has_paused() -> None:
    backpressure = pressed(load(A, 900), load(B, 100))
    assert backpressure.decide([load(A, 900), load(B, 100)], 2.0, {A}) == Change(frozenset(), frozenset())
    assert backpressure.decide([load(A), load(B)], 3.0, {A}).resume == frozenset(), "held"
    assert backpressure.crowded == frozenset()
    backpressure.decide([load(A, 900), load(B, 100)], 4.0, {A})
    backpressure.decide([load(A, 900), load(B, 100)], 4.0 + HOLD, {A})
    assert backpressure.crowded == {A}
    assert backpressure.decide([load(A, 900), load(B, 100)], 6.0).resume == frozenset(), "crowded"
    assert backpressure.decide([load(A), load(B)], 7.0).resume == {A}


def test_a_full_buffer_is_not_read_past_because_a_partition_is_held() -> None:
    backpressure = Backpressure(BOUNDS)
    backpressure.decide([load(A), load(B, 1_000), load(C)], 0.0, {A})
    assert not backpressure.may_read, "B is not paused yet and would take it all"
    backpressure.decide([load(A), load(B, 1_000), load(C)], HOLD, {A})
    assert backpressure.may_read
    assert backpressure.paused == {A, B}


def test_nobody_holds_a_partition_that_is_not_ours() -> None:
    backpressure = Backpressure(BOUNDS)
    assert backpressure.decide([load(A)], 0.0, {A, B}).pause == {A}
    backpressure.forget([A])
    assert backpressure.decide([load(A)], 1.0, {A}).pause == {A}, "it has come back, unpaused"


def test_while_some_are_held_a_read_past_a_full_buffer_is_one_share_at_most() -> None:
    backpressure = Backpressure(BOUNDS)
    loads = [load(A, 1_000), load(B), load(C)]
    backpressure.decide(loads, 0.0, {A})
    backpressure.decide(loads, HOLD, {A})
    assert backpressure.room(loads) == 333
    backpressure.decide(loads, HOLD + 0.1)
    assert backpressure.room(loads) == 666


def test_a_read_past_a_full_buffer_is_as_much_as_there_are_bytes_for() -> None:
    backpressure = Backpressure(BOUNDS)
    loads = [load(A, 100, BOUNDS.bytes), load(B)]
    backpressure.decide(loads, 0.0)
    backpressure.decide(loads, HOLD)
    assert backpressure.crowded == {A}
    assert backpressure.room(loads) == 50


# -- simulation -------------------------------------------------------------------------------------------------------


@dataclass
class Consumer:
    """Partitions with endless records, read as ``Loop.step`` reads them; some finish nothing."""

    bounds: Bounds
    random: Random
    stuck: set[TopicPartition]
    partitions: list[TopicPartition]
    speed: int
    held: dict[TopicPartition, list[tuple[int, int]]] = field(default_factory=dict)
    read: dict[TopicPartition, int] = field(default_factory=dict)
    done: dict[TopicPartition, int] = field(default_factory=dict)
    paused: set[TopicPartition] = field(default_factory=set)
    waiting: set[TopicPartition] = field(default_factory=set)  # held for another reason
    most: int = 0

    def __post_init__(self) -> None:
        self.backpressure = Backpressure(self.bounds)

    def loads(self) -> list[Load]:
        loads = []
        for each in self.partitions:
            held = self.held.get(each, [])
            events, size = sum(events for events, _ in held), sum(size for _, size in held)
            loads.append(Load(each, events, size, len(held), self.done.get(each, 0)))
        return loads

    def step(self, now: float) -> None:
        if self.backpressure.may_read:
            self._poll(min(50, self.backpressure.room(self.loads())))
        elif self.backpressure.all_paused(len(self.partitions)):
            assert set(self.partitions) <= self.paused, "a poll for membership only would bring records"
        self._finish()
        self.most = max(self.most, sum(each.events for each in self.loads()))
        change = self.backpressure.decide(self.loads(), now, self.waiting)
        assert change.pause.isdisjoint(self.paused)
        assert change.resume <= self.paused & set(self.partitions)
        self.paused = (self.paused | change.pause) - change.resume
        assert self.backpressure.paused == self.paused & set(self.partitions)
        assert self.backpressure.paused >= self.waiting & set(self.partitions)
        assert self.backpressure.paused <= self.waiting | self.backpressure.crowded

    def _poll(self, room: int) -> None:
        # As the loop does it: records are opened until their events have used up the room, whatever each makes.
        open_to = [each for each in self.partitions if each not in self.paused]
        while open_to and room > 0:
            chosen, events = self.random.choice(open_to), self.random.choice([1, 1, 3])
            self.held.setdefault(chosen, []).append((events, self.random.randrange(50)))
            self.read[chosen] = self.read.get(chosen, 0) + 1
            room -= events

    def _finish(self) -> None:
        for each in self.partitions:
            if each not in self.stuck:
                finished = self.held.get(each, [])[: self.random.randrange(self.speed + 1)]
                del self.held.get(each, [])[: len(finished)]
                self.done[each] = self.done.get(each, 0) + sum(events for events, _ in finished)

    def revoke(self, partition: TopicPartition) -> None:
        self.partitions.remove(partition)
        self.held.pop(partition, None)
        self.paused.discard(partition)
        self.backpressure.forget([partition])


@settings(max_examples=examples(40))
@example(seed=192738, count=4, stuck=2, speed=37)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 6), stuck=st.integers(0, 5), speed=st.integers(0, 60))
def test_memory_is_bounded_and_who_can_move_moves(seed: int, count: int, stuck: int, speed: int) -> None:
    partitions = [TopicPartition("topic", number) for number in range(count)]
    random = Random(seed)
    bounds = Bounds(events=300, bytes=20_000, span=random.choice([50, 150, 10_000]))
    consumer = Consumer(bounds, random, set(partitions[:stuck]), list(partitions), speed)
    for step in range(300):
        settled = step >= 150  # from here on each has the time to move
        if not settled and random.once_in(100) and consumer.partitions:
            consumer.revoke(random.choice(consumer.partitions))
        if not settled and random.once_in(20):
            consumer.waiting ^= {random.choice(partitions)}
        if not settled and random.once_in(100):
            consumer.partitions += [each for each in partitions if each not in consumer.partitions][:1]
        consumer.step(step * 0.05)
        if step == 150:
            consumer.read.clear()
            consumer.waiting.clear()
    # A full buffer, then each of the others its share; a record of three, and one poll of them, on top.
    assert consumer.most <= 2.5 * bounds.events + 3 * 50 + count * 3
    if speed > 1:  # at one record a step or none it takes longer than this to give a share back
        for each in set(consumer.partitions) - consumer.stuck:
            assert consumer.read.get(each, 0) > 0, "a partition that can move stands still"
