"""A record makes as many events as it likes, and the buffer and the step stay as long as they are meant to be."""

from connector.core.records import Entry, Fate, Record, TopicPartition, Transformed
from connector.core.sending.backpressure import Bounds
from connector.loop import MOMENT
from tests.support.fakes import Harness
from tests.support.simulation import USUAL

P0, P1 = TopicPartition("clicks", 0), TopicPartition("clicks", 1)
EVENTS = 100  # of one record
BOUND = 1_000


def fan_out(record: Record, _: float) -> Fate:
    where = f"{record.partition}-{record.offset}"
    entries = tuple(Entry("t", f"{where}-{number}", None, b"{}", number) for number in range(EVENTS))
    return Transformed("p", "r", entries)


def harness() -> Harness:
    return Harness(USUAL._replace(linger=0.0, requests_per_second=1e6), Bounds(BOUND, 1 << 30, 10_000), fan_out)


def test_records_that_make_many_events_fill_the_buffer_and_no_more() -> None:
    it = harness()
    for number in range(200):
        it.source.produce(P0, str(number))
    it.assign(P0)
    most = 0
    for _ in range(20_000):
        it.loop.step()
        most = max(most, it.loop.delivery.destinations.waiting)
        if it.committed(P0) == 200:
            break
    assert it.committed(P0) == 200, "all of it gets through"
    assert len(it.sender.delivered) == 200 * EVENTS
    assert most <= BOUND + EVENTS


def test_records_that_take_long_to_map_do_not_keep_answers_waiting_for_a_whole_poll() -> None:
    it = Harness(transform=lambda record, wall: slowly(it, record, wall))
    for number in range(100):
        it.source.produce(P0, str(number))
    it.assign(P0)
    longest = 0.0
    while it.committed(P0) < 100:
        before = it.clock.now
        it.loop.step()
        longest = max(longest, it.clock.now - before)
    assert longest < 1.0, "a poll of a hundred would take three seconds"


def slowly(it: Harness, record: Record, wall: float) -> Fate:
    it.clock.wait(MOMENT / 3)
    return fan_out(record, wall)


def test_what_is_held_of_a_partition_is_for_its_next_owner() -> None:
    it = harness()
    for number in range(50):
        it.source.produce(P0, str(number))
        it.source.produce(P1, str(number))
    it.assign(P0, P1)
    it.loop.step()
    assert it.loop._held, "more was read than there was room for"
    it.revoke(P0)
    assert {record.topic_partition for record in it.loop._held} <= {P1}
    open_ones = it.loop.offsets.open_records
    it.run(20)
    assert it.committed(P1) == 50
    assert it.committed(P0) <= open_ones, "nothing that was only held was committed"
    it.assign(P0)
    it.run(20)
    assert it.committed(P0) == 50
    assert {(batch.lane) for batch in it.sender.calls} >= {f"0-{number}-0" for number in range(50)}


def test_a_drain_leaves_what_is_held_uncommitted() -> None:
    it = harness()
    for number in range(50):
        it.source.produce(P0, str(number))
    it.assign(P0)
    it.loop.step()
    held = len(it.loop._held)
    assert held
    assert it.loop.drain(10)
    assert it.committed(P0) == 50 - held


def test_what_is_held_makes_no_copies_of_a_partition_that_is_assigned_anew_without_a_word() -> None:
    it = harness()
    for number in range(50):
        it.source.produce(P0, str(number))
    it.assign(P0)
    it.loop.step()
    assert it.loop._held
    it.assign(P0)  # the client reads from the committed offset again
    it.run(20)
    assert it.committed(P0) == 50
    repeated = it.metrics.records_repeated.labels(P0.topic)
    assert repeated._value.get() == 0, "a copy is dropped, and these were not delivered yet"
