"""The loop's outside in a few lines each, on one simulated clock: who waits moves it."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from connector.beginnings import Beginnings
from connector.core.operations import PUT_ITEMS
from connector.core.records import (
    Entry,
    Fate,
    Filtered,
    Pending,
    Reason,
    Record,
    Rejection,
    Skipped,
    Stage,
    TopicPartition,
    Transform,
    Transformed,
)
from connector.core.sending.backpressure import Bounds
from connector.core.sending.destination import Limits
from connector.core.sending.lanes import Batch
from connector.core.sending.offsets import OpenRecord
from connector.core.sending.outcomes import Delivered, Fatal, Outcome
from connector.holding import Holding
from connector.loop import Loop, Settings
from connector.metrics import OUTCOMES, Metrics
from connector.ports import (
    NO_NOTES,
    CallResult,
    Environment,
    Notes,
    Polled,
    Reach,
    SchemaFetcher,
    SchemaReach,
)
from tests.support.batches import ARN
from tests.support.simulation import USUAL

TOPIC = "clicks"
P0, P1, P2 = (TopicPartition(TOPIC, number) for number in range(3))
EPOCH = 1_795_500_000.0
QUICK = USUAL._replace(linger=0.1, retry_initial=0.1, retry_maximum=20.0)
INTERVALS: dict[str, Any] = {"commit_interval": 1.0, "revoke_budget": 10.0}
ROOMY = Bounds(1000, 1 << 20, 1000)


class Listener(Protocol):
    def on_assign(self, topic_partitions: Collection[TopicPartition]) -> None: ...
    def on_revoke(self, topic_partitions: Collection[TopicPartition]) -> None: ...
    def on_lost(self, topic_partitions: Collection[TopicPartition]) -> None: ...


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def wait(self, seconds: float) -> None:
        self.now += max(seconds, 1e-6)  # no wait of a real clock takes no time at all


class FakeSource:
    """A log for each partition, read from the committed offset on; what is paused or not ours is not read.

    tests/contract holds this and the other fakes to what Kafka and the real client do.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.logs: dict[TopicPartition, list[Record]] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()
        self.stored: dict[TopicPartition, int] = {}
        self.notes: dict[TopicPartition, str] = {}  # what went with the commits
        self.answers = True  # whether the group's coordinator says what was committed
        self._learnt: dict[TopicPartition, str] = {}
        self.commits: list[dict[TopicPartition, int]] = []
        self.on_commit: Callable[[Mapping[TopicPartition, int]], None] = lambda _: None
        self.during_poll: list[Callable[[], None]] = []  # what happens from within the next polls
        self.polls: list[tuple[float, int, float]] = []  # when, limit, timeout
        self.reached = Reach()
        self._acknowledged: dict[TopicPartition, int] = {}
        self._under_way: dict[TopicPartition, int] = {}  # a commit that the next poll acknowledges
        self._ends: dict[TopicPartition, int] = {}  # reported already

    def assign(self, listener: Listener, *topic_partitions: TopicPartition) -> None:
        for each in topic_partitions:
            self.positions[each] = self.stored.get(each, 0)
            self._learnt[each] = self.notes.get(each, "")
        listener.on_assign(topic_partitions)
        self.resume(topic_partitions)  # newly assigned partitions arrive unpaused

    def revoke(self, listener: Listener, *topic_partitions: TopicPartition) -> None:
        listener.on_revoke(topic_partitions)
        self._forget(topic_partitions)

    def lose(self, listener: Listener, *topic_partitions: TopicPartition) -> None:
        self._forget(topic_partitions)
        listener.on_lost(topic_partitions)

    def _forget(self, topic_partitions: Iterable[TopicPartition]) -> None:
        for each in topic_partitions:
            self.positions.pop(each)
            self._ends.pop(each, None)

    def produce(self, topic_partition: TopicPartition, value: str = "1", session: str = "s") -> Record:
        log = self.logs.setdefault(topic_partition, [])
        timestamp = int((EPOCH + self.clock.now) * 1000)
        log.append(Record(*topic_partition, len(log), timestamp, session.encode(), value.encode()))
        return log[-1]

    def poll(self, limit: int, timeout: float) -> Polled:
        self.polls.append((self.clock.now, limit, timeout))
        self._acknowledged.update(self._under_way)
        self._under_way = {}
        if self.during_poll:
            self.during_poll.pop(0)()
        records: list[Record] = []
        reading = {place: at for place, at in self.positions.items() if place not in self.paused}
        for topic_partition, position in reading.items():
            records += self.logs.get(topic_partition, [])[position:][: limit - len(records)]
        for record in records:
            self.positions[record.topic_partition] = record.offset + 1
        ends = self._new_ends(reading)
        if not records and not ends:
            self.clock.wait(timeout)
        notes = {place: note for place, note in self._learnt.items() if self.answers}
        self._learnt = {place: note for place, note in self._learnt.items() if place not in notes}
        return Polled(records, ends, notes)

    def _new_ends(self, reading: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Those that are reached and were not reported yet."""
        places = [each for each in reading if self.positions[each] == len(self.logs.get(each, ()))]
        ends = {each: self.positions[each] for each in places if self._ends.get(each) != self.positions[each]}
        self._ends.update(ends)
        return ends

    def pause(self, topic_partitions: Collection[TopicPartition]) -> None:
        self.paused |= set(topic_partitions)

    def resume(self, topic_partitions: Collection[TopicPartition]) -> None:
        self.paused -= set(topic_partitions)

    def commit(self, offsets: Mapping[TopicPartition, int], notes: Notes = NO_NOTES) -> bool:
        if self._under_way:
            return False
        self._under_way = dict(self.commit_now(offsets, notes))
        return True

    def committed(self) -> Mapping[TopicPartition, int]:
        acknowledged, self._acknowledged = self._acknowledged, {}
        return acknowledged

    def commit_now(
        self, offsets: Mapping[TopicPartition, int], notes: Notes = NO_NOTES
    ) -> Mapping[TopicPartition, int]:
        if not offsets:
            return {}
        self.on_commit(offsets)
        self.commits.append(dict(offsets))
        self.stored.update(offsets)
        self.notes.update({place: notes.get(place, "") for place in offsets})
        return offsets

    def end_offsets(self, topic_partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {each: len(self.logs.get(each, ())) for each in topic_partitions}

    def reach(self) -> Reach:
        return self.reached


class FakeSender:
    """Answers each call after ``latency`` seconds with what ``outcome`` says of it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.latency = 0.01
        self.outcome: Callable[[Batch], Outcome] = lambda _: Delivered()
        self.calls: list[Batch] = []
        self.delivered: list[bytes] = []  # bodies, in the order in which they were accepted
        self._under_way: list[tuple[float, CallResult]] = []

    def submit(self, batch: Batch) -> None:
        self.calls.append(batch)
        outcome = self.outcome(batch)
        if isinstance(outcome, Delivered):
            self.delivered += [item.entry.body for item in batch.items]
        self._under_way.append((self.clock.now + self.latency, CallResult(batch, outcome, self.latency)))

    def wait(self, timeout: float) -> Sequence[CallResult]:
        first = min((at for at, _ in self._under_way), default=float("inf"))
        if timeout > 0 and first > self.clock.now:
            self.clock.wait(min(first - self.clock.now, timeout))
        there = [answer for at, answer in self._under_way if at <= self.clock.now]
        self._under_way = [each for each in self._under_way if each[0] > self.clock.now]
        return there


class FakeDeadLetters:
    """Has each letter ``latency`` seconds after it was put; while ``failing`` it tries again, as late."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.latency = 0.01
        self.failing = False
        self.failures = 0
        self.written: list[tuple[Record, Rejection]] = []
        self._waiting: list[tuple[float, OpenRecord, Rejection]] = []

    def put(self, opened: OpenRecord, rejection: Rejection) -> None:
        if opened.record is not None:
            self._waiting.append((self.clock.now + self.latency, opened, rejection))

    def acknowledged(self) -> Sequence[tuple[OpenRecord, Rejection]]:
        there = [(opened, why) for at, opened, why in self._waiting if at <= self.clock.now]
        self._waiting = [each for each in self._waiting if each[0] > self.clock.now]
        if self.failing:
            self.failures += len(there)
            again = self.clock.now + self.latency
            self._waiting += [(again, opened, why) for opened, why in there if not opened.revoked]
            return ()
        self.written += [(opened.record, why) for opened, why in there if opened.record is not None]
        return there

    def pending(self) -> Collection[OpenRecord]:
        return [opened for _, opened, _ in self._waiting]


class FakeFetcher:
    """A registry whose answers the test gives. ``transform`` lets records wait: those of value ``needs ID ...``."""

    def __init__(self) -> None:
        self.here: set[str] = set()
        self.asked: list[str] = []
        self.count = 0
        self.refusal: Fatal | None = None
        self.reached = SchemaReach()

    def answer(self, *schemas: str) -> None:
        """These are here from now on; without any, something else was answered."""
        self.here |= set(schemas)
        self.count += 1

    def answers(self) -> int:
        return self.count

    def refused(self) -> Fatal | None:
        return self.refusal

    def reach(self) -> SchemaReach:
        return self.reached

    def transform(self, record: Record, wall: float) -> Fate | Pending:
        words = (record.value or b"").decode().split()
        if words[0] != "needs":
            return transform(record, wall)
        if words[1] not in self.here:
            self.asked.append(words[1])
            return Pending(f"schema {words[1]}", "web")
        return transform(record._replace(value=" ".join(words[2:]).encode()), wall)


def body(record: Record, element: int | None = None) -> bytes:
    return f"{record.topic}/{record.partition}/{record.offset}/{element}".encode()


def transform(record: Record, _: float) -> Fate:
    """The value says what becomes of it: a word for a fate, or a number of events and which of them are bad.

    ``item`` makes an item, whose id is the record's key.
    """
    words = (record.value or b"").decode().split()
    if words[0] == "item":
        item = Entry(ARN, (record.key or b"").decode(), None, body(record), operation=PUT_ITEMS)
        return Transformed("catalogue", "item", (item,))
    fates: Mapping[str, Fate] = {
        "filtered": Filtered(),
        "skipped": Skipped("tombstone"),
        "invalid": Rejection(Stage.DECODE, Reason.NOT_JSON, "expected JSON"),
    }
    if words[0] in fates:
        return fates[words[0]]
    bad = tuple(int(word) for word in words[1:])
    elements = [element for element in range(int(words[0])) if element not in bad]
    session = (record.key or b"").decode()
    entries = tuple(Entry("tracker", session, None, body(record, element), element) for element in elements)
    rejection = Rejection(Stage.MAP, Reason.MISSING_MEMBER, "no itemId", "itemId", "web", "view", bad)
    return Transformed("web", "view", entries, rejection if bad else None)


class Harness:
    """A loop with its fakes around it."""

    def __init__(
        self,
        limits: Limits = QUICK,
        bounds: Bounds = ROOMY,
        transform: Transform = transform,
        fetcher: SchemaFetcher | None = None,
        holding: Holding | None = None,
        beginnings: Beginnings | None = None,
        **settings: Any,
    ) -> None:
        self.clock = Clock()
        self.source = FakeSource(self.clock)
        self.sender = FakeSender(self.clock)
        self.dead_letters = FakeDeadLetters(self.clock)
        self.metrics = Metrics()
        wall, chance = lambda: EPOCH + self.clock.now, random.Random(7).random
        self.environment = Environment(lambda: self.clock.now, wall, chance, self.clock.wait)
        chosen = Settings(**{"limits": limits, "max_in_flight": 8, "bounds": bounds, **INTERVALS, **settings})
        ports = (self.source, self.sender, self.dead_letters)
        self.loop = Loop(*ports, transform, chosen, self.metrics, self.environment, fetcher, holding, beginnings)

    def assign(self, *topic_partitions: TopicPartition) -> None:
        self.source.assign(self.loop, *topic_partitions)

    def revoke(self, *topic_partitions: TopicPartition) -> None:
        self.source.revoke(self.loop, *topic_partitions)

    def lose(self, *topic_partitions: TopicPartition) -> None:
        self.source.lose(self.loop, *topic_partitions)

    def committed(self, topic_partition: TopicPartition) -> int:
        return self.source.stored.get(topic_partition, 0)

    def run(self, seconds: float) -> None:
        """Step until so much time has passed; a loop that never waits would never get there."""
        until = self.clock.now + seconds
        for _ in range(100_000):
            if self.clock.now >= until or self.loop.fatal:
                return
            self.loop.step()
        raise AssertionError("the loop spins: time does not pass")

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"putevents_{name}", labels) or 0.0

    def counted(self) -> Counter[str]:
        """Records by what became of them, as the metrics say."""
        families = {family.name: family for family in self.metrics.registry.collect()}
        counts: Counter[str] = Counter()
        for sample in families["putevents_records"].samples:
            if sample.name.endswith("_total"):
                counts[sample.labels["outcome"]] += int(sample.value)
        for name in ("records_consumed", "records_abandoned"):
            samples = families[f"putevents_{name}"].samples
            counts[name] = int(sum(sample.value for sample in samples if sample.name.endswith("_total")))
        return counts

    def assert_balanced(self) -> None:
        counts = self.counted()
        done = sum(counts[outcome] for outcome in OUTCOMES)
        open_records = self.loop.offsets.open_records
        assert counts["records_consumed"] == done + counts["records_abandoned"] + open_records, counts
