"""Once a second, the loop's state becomes gauges, and its changes become log lines.

Called from the loop's thread, so nothing here needs a lock; a scrape reads what was written last.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from connector.core.records import Record, TopicPartition
from connector.core.sending.offsets import OpenRecord, PartitionOffsets
from connector.holding import MEND
from connector.logs import LogLimiter
from connector.loop import Loop
from connector.metrics import Metrics
from connector.ports import Environment, Reach, Source
from connector.troubles import Troubles

log = structlog.get_logger()

INTERVAL = 1.0  # seconds
HELD = "a pipeline is held: nearly all of its records turned invalid for one cause"


class Lag(NamedTuple):
    """How far behind a partition is; ``records`` is None until its end was heard of.

    ``cut_off``: its broker does not answer, and this is what was known last. ``schema``: what it waits for, "" where it
    does not wait.
    """

    topic_partition: TopicPartition
    records: int | None
    seconds: float
    open_records: int
    cut_off: bool = False
    schema: str = ""


class Oldest(NamedTuple):
    """The oldest unfinished record's offset, None without one, and since when (on the clock) it was seen to be that."""

    offset: int | None
    since: float


class Wait(NamedTuple):
    """Something that is waited for: since when, and whether a line has said so."""

    since: float
    said: bool = False


class Watch:
    """Looks at a loop and reports what changed; ``report`` gets the lag of each partition at every look."""

    def __init__(
        self,
        loop: Loop,
        source: Source,
        metrics: Metrics,
        environment: Environment,
        report: Callable[[Sequence[Lag]], None] = lambda _: None,
    ) -> None:
        self._loop = loop
        self._source = source
        self._metrics = metrics
        self._environment = environment
        self._report = report
        self._next = environment.clock()
        self._waited = 0.0
        self._topics: set[str] = set()
        self._limiter = LogLimiter(60.0, environment.clock)
        self._troubles = Troubles(self._limiter)
        self._away_since: float | None = None
        self._registry: Wait | None = None  # while it is away
        self._waits: dict[tuple[str, str], Wait] = {}  # by topic and schema
        self._held: set[str] = set()  # pipelines of which a line has said that they are held
        self._seen: dict[PartitionOffsets, Oldest] = {}

    def look(self) -> None:
        """Write gauges and log lines, if it is time."""
        now = self._environment.clock()
        if now < self._next:
            return
        self._next = now + INTERVAL
        self._gauges()
        reach = self._source.reach()
        lags = self._lags(now, reach)
        self._note_kafka(reach, now)
        self._note_registry(now)
        self._note_waiting(now)
        self._note_held()
        self._troubles.look(list(self._loop.delivery.destinations), now)
        self._report(lags)

    def closed(self) -> None:
        """The process has left its group and sends nothing: the gauges show that until it ends."""
        self._gauges()
        self._metrics.in_flight_requests.set(0)
        self._metrics.buffered_events.set(0)

    def _gauges(self) -> None:
        metrics, loop = self._metrics, self._loop
        destinations = loop.delivery.destinations
        metrics.in_flight_requests.set(destinations.in_flight)
        metrics.buffered_events.set(destinations.waiting)
        metrics.open_records.set(loop.offsets.open_records)
        metrics.request_rate_limit.set(destinations.rate)
        waited = sum(destination.rate_wait for destination in destinations)
        metrics.rate_limit_wait.inc(max(0.0, waited - self._waited))
        self._waited = waited
        assigned = Counter(partition.topic_partition.topic for partition in loop.offsets)
        paused = Counter(topic for topic, _ in loop.crowded)
        waiting = Counter(topic for topic, _ in loop.waiting.places)
        kept: Counter[str] = Counter()
        for (topic, _), each in loop.waiting:
            kept[topic] += len(each.records)
        self._topics |= set(assigned)
        for topic in self._topics:
            metrics.assigned_partitions.labels(topic).set(assigned[topic])
            metrics.paused_partitions.labels(topic).set(paused[topic])
            metrics.schema_waiting_partitions.labels(topic).set(waiting[topic])
            metrics.schema_waiting_records.labels(topic).set(kept[topic])

    def _lags(self, now: float, reach: Reach) -> list[Lag]:
        partitions = list(self._loop.offsets)
        ends = self._source.end_offsets(partition.topic_partition for partition in partitions)
        wall = self._environment.wall()
        # An assignment is an object of its own: what was seen in one before does not count.
        oldest = {each: each.oldest or self._first_kept(each) for each in partitions}
        self._seen = {each: _since(oldest[each], self._seen.get(each), now) for each in partitions}
        lags = []
        for partition in partitions:
            topic, number = partition.topic_partition
            seconds, records = _age(oldest[partition], wall, now - self._seen[partition].since), None
            self._metrics.lag_seconds.labels(topic, str(number)).set(seconds)
            end, done = ends.get(partition.topic_partition), partition.committable
            if end is not None and done is not None:
                records = max(0, end - done)
                self._metrics.lag_records.labels(topic, str(number)).set(records)
            cut_off = reach.away_since is not None or partition.topic_partition in reach.cut_off
            kept = self._loop.waiting.of(partition.topic_partition)
            schema = "" if kept is None else kept.schema
            lags.append(Lag(partition.topic_partition, records, seconds, partition.open_count, cut_off, schema))
        return lags

    def _first_kept(self, partition: PartitionOffsets) -> Record | None:
        """The record that waits for a schema: the oldest that is unfinished, where none before it is open."""
        kept = self._loop.waiting.of(partition.topic_partition)
        return None if kept is None else kept.first

    def _note_kafka(self, reach: Reach, now: float) -> None:
        if reach.away_since is not None and self._away_since is None:
            self._away_since = reach.away_since
            log.warning(
                "Kafka does not answer: nothing is read or committed until it does; nothing is lost",
                last_heard_seconds_ago=round(now - reach.away_since, 1),
            )
        elif reach.away_since is None and self._away_since is not None:
            log.info("Kafka answers again", after_seconds=round(now - self._away_since, 1))
            self._away_since = None

    def _note_registry(self, now: float) -> None:
        reach = self._loop.waiting.reach()
        away, before = reach.away_since, self._registry
        self._metrics.schema_registry_away.set(0.0 if away is None else now - away)
        if away is None:
            if before is not None and before.said:
                log.info("the schema registry answers again", after_seconds=round(now - before.since, 1))
            self._registry = None
            return
        said = before is not None and before.said
        if not said and self._limiter.allow(("registry",)):
            log.warning(
                "the schema registry does not answer: records that need an unknown schema wait; nothing is lost",
                last_heard_seconds_ago=round(now - away, 1),
                why=reach.trouble,
            )
            said = True
        self._registry = Wait(away, said)

    def _note_waiting(self, now: float) -> None:
        """A line when partitions of a topic begin to wait for a schema, and one when all of them go on."""
        numbers: dict[tuple[str, str], list[int]] = {}
        for (topic, number), kept in self._loop.waiting:
            numbers.setdefault((topic, kept.schema), []).append(number)
        for (topic, schema), wait in self._waits.items():
            if (topic, schema) not in numbers and wait.said:
                seconds = round(now - wait.since, 1)
                log.info("partitions no longer wait for a schema", topic=topic, schema=schema, after_seconds=seconds)
        waits = {}
        for (topic, schema), partitions in numbers.items():
            wait = self._waits.get((topic, schema), Wait(now))
            # By topic: which schemas there are is up to the records. One that was left out is said when it lasts.
            if not wait.said and self._limiter.allow(("schema", topic)):
                log.info("partitions wait for a schema", topic=topic, partitions=sorted(partitions), schema=schema)
                wait = Wait(wait.since, said=True)
            waits[topic, schema] = wait
        self._waits = waits

    def _note_held(self) -> None:
        for name, guard in self._loop.holding.held.items():
            self._metrics.pipeline_held.labels(name).set(1)
            if name not in self._held:
                self._held.add(name)
                log.error(HELD, **guard.told(), what_to_do=MEND)


def _since(oldest: OpenRecord | Record | None, before: Oldest | None, now: float) -> Oldest:
    offset = oldest.offset if oldest is not None else None
    return before if before is not None and before.offset == offset else Oldest(offset, now)


def _age(oldest: OpenRecord | Record | None, wall: float, held: float) -> float:
    """Seconds since the oldest unfinished record was written, and no less than it was seen to hold the others back.

    The producer chooses a record's timestamp: it can be missing, or lie in the future.
    """
    if oldest is None:
        return 0.0
    return held if oldest.timestamp is None else max(held, wall - oldest.timestamp / 1000)
