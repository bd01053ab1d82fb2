"""Users, items and actions: the newest version of an id wins, and no offset closes before its own or a newer one."""

import tracemalloc
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.operations import PUT_ITEMS
from connector.core.records import MAX_EVENTS_PER_CALL, Entry, Record, TopicPartition
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.offsets import OpenRecord, PartitionOffsets
from connector.core.sending.versions import KEPT_BYTES, Versions
from tests.support.examples import examples
from tests.support.simulation import Random

LINGER = 1.0
POISON = b"poison"


class Shop:
    """A dataset, the records that feed it, and what an honest service has of it; each step asserts every law."""

    def __init__(self, kept_bytes: int = KEPT_BYTES, partitions: int = 1) -> None:
        self.lanes = Versions(PUT_ITEMS, "arn", LINGER, kept_bytes)
        self.owners = [PartitionOffsets(TopicPartition("items", number)) for number in range(partitions)]
        self.now = 0.0
        self.items: list[Item] = []  # all that was ever added, in order
        self.flying: list[Batch] = []
        self.state: dict[str, int] = {}  # id → number of the newest version that the service has
        self.rejected: set[int] = set()
        self.calls = 0
        self.closed: set[int] = set()
        self.numbers: dict[int, int] = {}  # id() of an opened record → its number
        self._next = [0] * partitions

    def add(self, name: str, *, partition: int = 0, poison: bool = False) -> int:
        number = len(self.items)
        record = Record("items", partition, self._next[partition], None, name.encode(), b"x" * 100)
        self._next[partition] += 1
        opened = self.owners[partition].track(record)
        assert opened is not None
        opened.await_entries(1, "catalogue", "item")
        self.items.append(
            Item(Entry("arn", name, None, POISON if poison else b"{}", None, PUT_ITEMS), opened, self.now)
        )
        self.numbers[id(opened)] = number
        self.lanes.add(self.items[-1])
        self._close_let_go()
        return number

    def _number(self, item: Item) -> int:
        return self.numbers[id(item.opened)]

    def take(self) -> Batch | None:
        batch = self.lanes.take(self.now)
        if batch is None:
            return None
        names = [each.entry.lane for each in batch.items]
        assert 1 <= len(names) <= MAX_EVENTS_PER_CALL
        assert len(set(names)) == len(names), "a call holds an id twice"
        busy = {each.entry.lane for other in self.flying for each in other.items}
        assert busy.isdisjoint(names), "two calls of an id are in flight"
        for each in batch.items:
            self._check_newest(each)
        self.flying.append(batch)
        self.calls += 1
        return batch

    def _check_newest(self, item: Item) -> None:
        versions = [self._number(other) for other in self.items if other.entry.lane == item.entry.lane]
        newest = max(number for number in versions if self._can_go(number))
        assert self._number(item) == newest, "a version goes although a newer one waits"

    def _can_go(self, number: int) -> bool:
        record = self.items[number].opened.record
        return record is not None and record.value is not None and not self._revoked(number)

    def _revoked(self, number: int) -> bool:
        return self.items[number].opened.revoking

    def deliver(self, batch: Batch) -> None:
        self.flying.remove(batch)
        for each in batch.items:
            number = self._number(each)
            assert number > self.state.get(each.entry.lane, -1), "an older version replaced a newer one"
            self.state[each.entry.lane] = number
        self.lanes.delivered(batch)
        for each in batch.items:
            self._close(each.opened)
        self._close_let_go()

    def answer(self, batch: Batch) -> None:
        """As the service does: a call with poison in it is rejected, any other accepted."""
        if not any(each.entry.body == POISON for each in batch.items):
            self.deliver(batch)
            return
        self.flying.remove(batch)
        culprit = self.lanes.split(batch)
        if culprit is not None:
            assert culprit.entry.body == POISON
            self.rejected.add(self._number(culprit))
            self._close(culprit.opened)
        self._close_let_go()

    def fail(self, batch: Batch) -> None:
        self.flying.remove(batch)
        self.lanes.failed(batch)
        self.lanes.postpone(batch, self.now + 0.5)

    def revoke(self, partition: int) -> None:
        owner = self.owners[partition]
        owner.revoking = True
        self.lanes.discard(lambda item: item.opened.revoking)
        self._close_let_go()
        self.owners[partition] = PartitionOffsets(owner.topic_partition)

    def _close_let_go(self) -> None:
        for opened in self.lanes.let_go():
            self._close(opened)

    def _close(self, opened: OpenRecord) -> None:
        number = self.numbers[id(opened)]
        assert number not in self.closed, "closed twice"
        self.closed.add(number)
        assert opened.settle_entry()
        opened.close()
        self.check_commits()

    def check_commits(self) -> None:
        """What a crash would read again has the newest good version of every id that the service lacks."""
        for owner in self.owners:
            committable = owner.committable or 0
            for number, item in enumerate(self.items):
                if item.opened.owner is owner and item.opened.offset < committable and number not in self.rejected:
                    assert self.state.get(item.entry.lane, -1) >= number or self._given_up(number), (
                        "committed past a version, and neither it nor a newer one is delivered"
                    )

    def _given_up(self, number: int) -> bool:
        """For a newer one that was rejected, with nothing kept; or that lies in a revoked partition, uncommitted."""
        name = self.items[number].entry.lane
        later = [other for other in range(number + 1, len(self.items)) if self.items[other].entry.lane == name]
        return any(other in self.rejected or self._revoked(other) for other in later)

    def run(self) -> None:
        """Until nothing is left."""
        for _ in range(100_000):
            while (batch := self.take()) is not None:
                self.answer(batch)
            at = self.lanes.ready_at(self.now)
            if at is None:
                break
            assert at > self.now
            self.now = at
        assert len(self.lanes) == 0
        assert self.lanes.waiting == 0
        assert self.lanes.ready_at(self.now) is None


def test_the_newest_of_the_versions_that_wait_goes_and_all_of_them_close_with_it() -> None:
    shop = Shop()
    numbers = [shop.add("a") for _ in range(5)]
    shop.now = LINGER
    batch = shop.take()
    assert batch is not None
    assert [each.opened.offset for each in batch.items] == [4]
    assert not shop.closed
    shop.deliver(batch)
    assert shop.closed == set(numbers)
    assert shop.calls == 1


def test_ten_ids_are_one_call_at_once() -> None:
    shop = Shop()
    for number in range(9):
        shop.add(f"i{number}")
    assert shop.take() is None
    shop.add("i9")
    batch = shop.take()
    assert batch is not None
    assert len(batch.items) == MAX_EVENTS_PER_CALL
    assert (batch.operation, batch.target, batch.lane, batch.user_id) == (PUT_ITEMS, "arn", "", None)


def test_what_comes_while_a_version_is_in_flight_goes_after_it_and_only_the_newest_of_that() -> None:
    shop = Shop()
    shop.add("a")
    shop.now = LINGER
    first = shop.take()
    assert first is not None
    for _ in range(3):
        shop.add("a")
    shop.now = 10.0
    assert shop.take() is None, "one call of an id at a time"
    shop.deliver(first)
    assert shop.closed == {0}
    second = shop.take()
    assert second is not None
    shop.deliver(second)
    assert shop.state == {"a": 3}
    assert shop.calls == 2


def test_a_version_whose_call_failed_is_superseded_by_one_that_came_meanwhile() -> None:
    shop = Shop()
    shop.add("a")
    shop.now = LINGER
    first = shop.take()
    assert first is not None
    shop.add("a")
    shop.fail(first)
    assert not shop.closed
    shop.now = 2.0
    second = shop.take()
    assert second is not None
    assert [each.opened.offset for each in second.items] == [1]
    shop.deliver(second)
    assert shop.closed == {0, 1}


def test_after_the_newest_is_rejected_the_one_before_it_goes() -> None:
    shop = Shop()
    shop.add("a")
    shop.add("a")
    shop.add("a", poison=True)
    shop.now = LINGER
    shop.run()
    assert shop.state == {"a": 1}
    assert shop.rejected == {2}
    assert shop.closed == {0, 1, 2}


def test_with_every_version_rejected_nothing_stays_open() -> None:
    shop = Shop(kept_bytes=0)
    shop.add("a")
    shop.add("a", poison=True)
    shop.now = LINGER
    shop.run()
    assert shop.closed == {0, 1}
    assert shop.owners[0].committable == 2


def test_a_rejected_call_of_ten_is_halved_until_the_culprit_stands_alone() -> None:
    shop = Shop()
    for number in range(MAX_EVENTS_PER_CALL):
        shop.add(f"i{number}", poison=number == 7)
    shop.run()
    assert shop.rejected == {7}
    assert len(shop.state) == 9
    assert shop.calls <= 9
    assert all(lane.limit == MAX_EVENTS_PER_CALL for lane in shop.lanes._lanes.values())


@pytest.mark.parametrize("kept_bytes", [0, KEPT_BYTES])
def test_a_backlog_of_many_changes_to_few_items_takes_the_calls_of_the_items(kept_bytes: int) -> None:
    shop, random = Shop(kept_bytes), Random(1)
    for _ in range(2_000):
        shop.add(f"i{random.randrange(50)}")
    shop.run()
    assert shop.calls == 5
    assert shop.closed == set(range(2_000))


def test_of_a_long_backlog_little_is_held() -> None:
    """Of each id the newest version with its payload, and the oldest, which holds the commit, without."""
    shop, random = Shop(kept_bytes=0), Random(1)
    for _ in range(20_000):
        shop.lanes.add(_bare(shop, f"i{random.randrange(50)}"))
        for opened in shop.lanes.let_go():
            opened.settle_entry()
            opened.close()
    owner = shop.owners[0]
    assert owner.open_count <= 2 * 50
    assert owner.open_bytes <= 50 * 103
    assert owner.span == 20_000
    assert len(owner._open) < 2_000
    assert owner.committable == 0
    assert shop.lanes.waiting <= 2 * 50


def _bare(shop: Shop, name: str) -> Item:
    """A version as the loop makes it, in which no object is shared with another one."""
    owner, number = shop.owners[0], shop._next[0]
    timestamp = 1_700_000_000_000 + number
    record = Record("items", 0, number, timestamp, name.encode(), f"{number:0100}".encode())
    shop._next[0] += 1
    opened = owner.track(record)
    assert opened is not None
    opened.await_entries(1, "catalogue", "item")
    return Item(Entry("arn", f"{name} ".strip(), None, f"{number:060}".encode(), None, PUT_ITEMS), opened, 0.0)


def test_kept_versions_take_no_more_memory_than_they_may() -> None:
    """However small they are: a version of a hundred bytes takes seven times as much in objects."""
    most = 2 * 1024 * 1024
    shop = Shop(kept_bytes=most)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(10_000):
            shop.lanes.add(_bare(shop, f"i{number % 50}"))
            for opened in shop.lanes.let_go():
                opened.settle_entry()
                opened.close()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert shop.lanes._kept_bytes > most * 0.99
    assert most * 0.8 < after - before < most * 1.2


def test_the_oldest_version_holds_the_commit_in_each_partition_it_came_from() -> None:
    shop = Shop(kept_bytes=0, partitions=2)
    for number in range(10):
        shop.add("a", partition=number % 2)
    assert [owner.committable for owner in shop.owners] == [0, 0]
    shop.run()
    assert [owner.committable for owner in shop.owners] == [5, 5]


def test_records_of_two_ids_keep_what_they_hold_until_the_other_is_sent() -> None:
    """A record is shrunk only where nothing of it can go to the dead letters any more."""
    shop = Shop(kept_bytes=0)
    opened = shop.owners[0].track(Record("items", 0, 0, None, None, b"x" * 100))
    assert opened is not None
    opened.await_entries(2, "catalogue", "item")
    for name in ("a", "b"):
        shop.lanes.add(Item(Entry("arn", name, None, b"{}", None, PUT_ITEMS), opened, 0.0))
    shop._next[0] = 1
    shop.add("a")
    assert opened.record is not None
    assert opened.record.value == b"x" * 100


def test_a_shorter_retry_does_not_overtake_what_waits_longer() -> None:
    shop = Shop()
    shop.add("a")
    shop.now = LINGER
    failed = shop.take()
    assert failed is not None
    shop.fail(failed)
    assert shop.lanes.ready_at(shop.now) == shop.now + 0.5
    shop.lanes.wake()
    assert shop.take() is not None, "an outage has ended: what waited for that goes"


def test_what_drains_goes_at_once() -> None:
    shop = Shop()
    shop.add("a")
    assert shop.lanes.ready_at(0.0) == LINGER
    shop.lanes.draining = True
    assert shop.lanes.ready_at(0.0) == 0.0
    assert shop.take() is not None


def test_revoked_versions_are_not_sent_and_others_of_their_id_are() -> None:
    shop = Shop(partitions=2)
    shop.add("a", partition=0)
    shop.add("a", partition=1)
    shop.add("b", partition=1)
    shop.revoke(1)
    shop.run()
    assert shop.state == {"a": 0}
    assert shop.closed == {0}


def test_a_version_that_was_let_go_for_one_that_is_revoked_closes() -> None:
    shop = Shop(kept_bytes=0, partitions=2)
    shop.add("a", partition=0)
    shop.add("a", partition=1)
    shop.revoke(1)
    assert shop.closed == {0}
    assert len(shop.lanes) == 0


class World(NamedTuple):
    seed: int
    ids: int
    changes: int
    poison: float
    fails: float
    kept_bytes: int
    partitions: int
    revocations: int


WORLDS = st.builds(
    World,
    seed=st.integers(0, 2**32),
    ids=st.integers(1, 30),
    changes=st.integers(1, 150),
    poison=st.sampled_from([0.0, 0.05, 0.5]),
    fails=st.sampled_from([0.0, 0.1, 0.6]),
    kept_bytes=st.sampled_from([0, 3_000, KEPT_BYTES]),
    partitions=st.integers(1, 3),
    revocations=st.integers(0, 4),
)


@settings(max_examples=examples(150))
@given(WORLDS)
def test_the_service_ends_with_the_newest_good_version_of_every_id(world: World) -> None:
    random = Random(world.seed)
    shop = Shop(world.kept_bytes, world.partitions)
    revoked_at = {random.randrange(world.changes) for _ in range(world.revocations)}
    for number in range(world.changes):
        if number in revoked_at:
            shop.revoke(random.randrange(world.partitions))
        name = random.randrange(world.ids)
        # As with a key: an id comes from one partition.
        shop.add(f"i{name}", partition=name % world.partitions, poison=random.random() < world.poison)
        shop.now += random.choice([0.0, 0.0, 0.1, 1.0]) * random.random()
        for _ in range(random.randrange(3)):
            shop.take()
        while shop.flying and random.once_in(2):
            batch = random.choice(shop.flying)
            (shop.fail if random.random() < world.fails else shop.answer)(batch)
    while shop.flying:
        shop.answer(shop.flying[0])
    shop.run()
    _judge(shop, world)


def _judge(shop: Shop, world: World) -> None:
    open_ones = {n for n, item in enumerate(shop.items) if n not in shop.closed}
    assert all(shop.items[n].opened.revoking for n in open_ones), "left open"
    for name in {item.entry.lane for item in shop.items}:
        mine = [n for n, item in enumerate(shop.items) if item.entry.lane == name]
        good = [n for n in mine if shop.items[n].entry.body != POISON and not shop.items[n].opened.revoking]
        if good and (world.kept_bytes == KEPT_BYTES or not world.poison):
            assert shop.state.get(name, -1) >= max(good)
