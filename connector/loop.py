"""The loop: poll, transform, deliver, commit. It owns all state, in one thread.

Only calls to Amazon Personalize run in other threads; they share nothing, and their results come back as values. So
there are no locks, and a record's whole way can be read from ``step`` downwards, here and in delivery.py. What the loop
needs of Kafka and AWS is declared in ports.py. Records that wait for a schema, or to learn whether their partition was
held, are in waiting.py, pipelines that are held in holding.py.

Above 300 lines: the order of things in a step can only be judged where all of them stand together.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog

from connector.beginnings import Beginnings
from connector.core.records import Fate, Pending, Record, TopicPartition, Transform
from connector.core.sending.backpressure import Backpressure, Bounds, Load
from connector.core.sending.destination import Limits
from connector.core.sending.offsets import Offsets
from connector.core.sending.outcomes import Fatal
from connector.core.sending.reserve import Reserve
from connector.delivery import Delivery
from connector.holding import Holding
from connector.logs import LogLimiter
from connector.metrics import Metrics
from connector.pacing import Pace
from connector.ports import DeadLetters, Environment, Polled, SchemaFetcher, Sender, Source
from connector.waiting import Waiting

log = structlog.get_logger()

RECORDS_A_STEP = 500  # enough to make a step's own cost small, few enough for a step of milliseconds
MOMENT = 0.1  # seconds that records may be mapped before results are read
NAP = 0.005  # seconds that a result may wait while the loop waits for records
GRAIN = 0.004  # seconds that a call may wait so that one step sends several: a step costs as much as a call
TICK = 0.5  # seconds without anything to do
GLANCE = 0.05  # seconds that an answer of the schema registry may wait while records wait for it


# Records in memory that replace earlier ones. Events are a bound for what they cost beside their bytes, 150 MiB here.
RESERVE = Bounds(events=100_000, bytes=64 * 1024 * 1024, span=0)


def _none(_: str) -> bool:
    return False


class Settings(NamedTuple):
    """Limits and intervals of the loop. Times in seconds.

    ``replaces``: whether all that a topic's records make is users, items or actions, which have a buffer of their own.
    """

    limits: Limits
    max_in_flight: int
    bounds: Bounds
    commit_interval: float
    revoke_budget: float  # how long a rebalance may wait for calls in flight
    replaces: Callable[[str], bool] = _none
    reserve: Bounds = RESERVE


class Loop:
    """Carries records from a source to a sender.

    Args:
        source, sender, dead_letters, environment: see ports.py.
        transform: record and Unix time to what becomes of the record.
        settings: limits and intervals.
        metrics: where everything is counted.
        fetcher: what fetches schemas; None where no pipeline needs any.
        holding: decides which pipelines are held; by default none ever is.
    """

    def __init__(
        self,
        source: Source,
        sender: Sender,
        dead_letters: DeadLetters,
        transform: Transform,
        settings: Settings,
        metrics: Metrics,
        environment: Environment,
        fetcher: SchemaFetcher | None = None,
        holding: Holding | None = None,
        beginnings: Beginnings | None = None,
    ) -> None:
        self.offsets = Offsets()
        self.waiting = Waiting(fetcher)
        self.holding = holding or Holding()
        self.unplaced = Waiting(None)  # records that wait until it is known whether their partition was held
        self._beginnings = beginnings or Beginnings(lambda _: True)
        self.backpressure = Backpressure(settings.bounds)
        self._reserve = Reserve(settings.reserve)
        self.delivery = Delivery(sender, dead_letters, settings.limits, settings.max_in_flight, metrics, environment)
        self.ticked_at = environment.clock()
        self.joined = False
        self.placed = False  # whether the group's last word was an assignment, be it of nothing
        self._source = source
        self._transform = transform
        self._settings = settings
        self._metrics = metrics
        self._environment = environment
        self._commit_at = environment.clock() + settings.commit_interval
        self._leave_without_commit = False
        self._limiter = LogLimiter(60.0, environment.clock)  # a steady backlog pauses and resumes all the time
        self._pace = Pace(settings.limits.linger, settings.max_in_flight)
        self._rested = 0.0  # seconds for which the records of the last poll may have waited already
        self._room = settings.bounds.events  # how many events may come in at once
        self._held: deque[Record] = deque()  # read, and not looked at yet
        self._ends: dict[TopicPartition, int] = {}  # reached once nothing is held

    @property
    def fatal(self) -> Fatal | None:
        """Why the process must stop; None while all is well."""
        return self.delivery.fatal or self.waiting.refused

    @property
    def crowded(self) -> frozenset[TopicPartition]:
        """Partitions that are paused since more of them is read than can be delivered."""
        return self.backpressure.crowded | self._reserve.paused

    # -- one step ---------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Read what there is, send what may go, take in what came back, commit what is done."""
        self.waiting.look()
        if self.backpressure.may_read:
            if not self._held:
                self._read()
            self._accept()
            self._work()
        else:
            # Nothing can be read now, so only a result can come: wait for that, not for records. An acknowledged dead
            # letter does not end the wait.
            timeout = self._idle_for(GRAIN)
            self._work(min(timeout, NAP) if self.delivery.letters_expected else timeout)
            if self.backpressure.all_paused(len(self.offsets)):
                self._hold(self._source.poll(1, 0))
        self._report_oddities()
        self._apply_backpressure()
        self._commit()

    def _idle_for(self, grain: float) -> float:
        """Seconds until there is something to do, if neither a record nor a result comes; a call may wait ``grain``."""
        now = self._environment.clock()
        ready_at = self.delivery.destinations.ready_at(now)
        if ready_at is not None and ready_at <= now:
            return 0.0
        until = self._commit_at if ready_at is None else min(ready_at, self._commit_at)
        return min(GLANCE if self.waiting else TICK, max(grain, until - now))

    def _read(self) -> None:
        """Poll. Then look again at one partition that has waited for a schema: however many do, the polls go on."""
        ready = self.waiting.ready or self.unplaced.ready
        timeout = 0.0 if ready else self._wait_to_read()
        limit = min(RECORDS_A_STEP, self._room)
        polled = self._source.poll(limit, timeout)
        self._pace.polled(len(polled.records), limit, self._environment.clock())
        self._hold(polled)
        if self.unplaced:
            self.unplaced.go_on(self.holding.overdue(self._environment.clock()))
        again = self.waiting.take() or self.unplaced.take()
        if again is not None:
            self._held.extend(again[0])
            self._ends.update(again[1])

    def _wait_to_read(self) -> float:
        """At a light load, let records gather. Then the seconds that a poll may wait for a first one."""
        expected = self.delivery.results_expected
        if not self._pace.light(self.delivery.destinations.in_flight, self.delivery.full):
            timeout = self._idle_for(GRAIN)
            return min(timeout, NAP) if expected else timeout
        stride = self._pace.stride
        timeout = self._idle_for(stride)
        self._rested = min(timeout, self._pace.rest(self._environment.clock()))
        if self._rested:
            self._environment.rest(self._rested)
        return min(timeout, stride) - self._rested if expected else timeout - self._rested

    def _hold(self, polled: Polled) -> None:
        self._beginnings.look(polled.records, self._environment.clock(), self._environment.wall())
        if polled.notes:
            self.holding.recall(polled.notes)
            self.unplaced.go_on(polled.notes)
        if self.holding.held:
            polled = self._without_held(polled)
        for waiting in filter(None, (self.waiting, self.unplaced)):
            polled = waiting.keep(polled)
        self._held.extend(polled.records)
        self._ends.update(polled.ends)

    def _without_held(self, polled: Polled) -> Polled:
        """None is opened, or a commit would pass those that were dropped. The first says where its partition stands."""
        holds = self.holding.holds
        records, ends = list[Record](), dict[TopicPartition, int]()
        for record in polled.records:
            if holds(record.topic):
                self.offsets.stands(record.topic_partition, record.offset)
            else:
                records.append(record)
        for place, end in polled.ends.items():
            if holds(place.topic):
                self.offsets.stands(place, end)
            else:
                ends[place] = end
        return Polled(records, ends)

    def _accept(self) -> None:
        """Open and map what was read: as much as there is room for, and for a moment at most.

        How many events a record makes is known only then, and a poll's worth of those that make a thousand would be a
        process that neither answers nor stays within its memory. What is left is held, and was never opened.
        """
        clock, holding, transform, later = self._environment.clock, self.holding, self._transform, self._later
        now, wall = clock(), self._environment.wall()
        since, self._rested = now - self._rested, 0.0
        room = self._room
        while self._held and room > 0 and clock() - now < MOMENT:
            record = self._held.popleft()
            fate = transform(record, wall)
            if isinstance(fate, Pending):
                self._park(record, fate.schema)
                continue
            if holding.unknown and holding.waits(record, fate, now):
                self._keep(self.unplaced, record, "")
                continue
            if holding.stops(record, fate, later):
                self._stop_flood(record)
                continue
            opened = self.offsets.track(record)
            if opened is not None:
                self.delivery.accept(opened, record.topic, fate, since)
                room -= opened.events
        if not self._held:
            for topic_partition, offset in self._ends.items():
                self.offsets.reached(topic_partition, offset)
            self._ends.clear()

    def _park(self, record: Record, schema: str) -> None:
        """Keep the record, and what was read after it of its partition, until the schema is here."""
        # Opening a record asks for its schema, and nothing else comes of it here.
        for each in self.waiting.ahead(self._keep(self.waiting, record, schema), self._environment.clock):
            self._transform(each, self._environment.wall())

    def _keep(self, waiting: Waiting, record: Record, what: str) -> list[Record]:
        """Keep the record, and what was read after it of its partition, which is returned."""
        place = record.topic_partition
        if place not in self.offsets:
            return []  # it was revoked since the record was read
        later = [each for each in self._held if each.topic_partition == place]
        if later:
            self._held = deque(each for each in self._held if each.topic_partition != place)
        self.offsets.reached(place, record.offset)  # the lag is known from here, even if nothing was opened yet
        waiting.park(what, [record, *later], self._ends.pop(place, None))
        return later

    def _later(self, place: TopicPartition) -> Iterator[Fate | Pending]:
        wall = self._environment.wall()
        return (self._transform(each, wall) for each in list(self._held) if each.topic_partition == place)

    def _stop_flood(self, record: Record) -> None:
        """The pipeline is held from this record on: drop what is here of it unopened, so that no commit passes that."""
        first: dict[TopicPartition, int] = {}
        for each in (record, *self._held):
            if self.holding.holds(each.topic):
                first.setdefault(each.topic_partition, each.offset)
        for place, offset in first.items():
            self.offsets.reached(place, offset)
        self._let_go(self._held_places)

    @property
    def _held_places(self) -> frozenset[TopicPartition]:
        """The partitions of pipelines that are held; one of which nothing is known is read until it is.

        Without an offset there is nothing to commit, and so no note that it is held.
        """
        if not self.holding.held:
            return frozenset()
        return frozenset(
            each.topic_partition
            for each in self.offsets
            if each.committable is not None and self.holding.holds(each.topic_partition.topic)
        )

    def _work(self, wait: float = 0.0) -> None:
        self.ticked_at = self._environment.clock()
        self.delivery.work(wait)

    # -- backpressure and commit ------------------------------------------------------------------------------

    def _report_oddities(self) -> None:
        for partition in self.offsets:
            topic, number = partition.topic_partition
            if partition.abandoned:
                log.warning(
                    "a partition is read again: its topic was recreated or truncated", topic=topic, partition=number
                )
                self._metrics.records_abandoned.labels(topic).inc(partition.abandoned)
                partition.abandoned = 0
            if partition.copies:
                log.warning(
                    "dropped records that the client delivered twice",
                    topic=topic,
                    partition=number,
                    records=partition.copies,
                )
                self._metrics.records_repeated.labels(topic).inc(partition.copies)
                partition.copies = 0

    def _apply_backpressure(self) -> None:
        loads: Sequence[Load] = [
            Load(each.topic_partition, each.open_events, each.open_bytes, each.span, each.events_done)
            for each in self.offsets
        ]
        crowded, replaces = self.crowded, self._settings.replaces
        loads = self.waiting.weigh(loads, self._settings.bounds)
        apart = [load for load in loads if replaces(load.topic_partition.topic)]
        if apart:
            loads = [load for load in loads if not replaces(load.topic_partition.topic)]
        held = self.waiting.places | self.unplaced.places | self._held_places | self._reserve.decide(apart)
        others = frozenset(load.topic_partition for load in apart)
        change = self.backpressure.decide(loads, self._environment.clock(), held, others)
        self._room = self.backpressure.room(loads)
        if change.pause:
            self._source.pause(change.pause)
        if change.resume:
            self._source.resume(change.resume)
        # watch.py reports those that wait for a schema, and pipelines that are held.
        paused, resumed = change.pause & self.crowded, change.resume & crowded
        if paused and self._limiter.allow(("pause",)):
            log.info("partitions paused: more is read than can be delivered", partitions=_names(paused))
        if resumed and self._limiter.allow(("resume",)):
            log.info("partitions resumed", partitions=_names(resumed))

    def _commit(self) -> None:
        self._committed(self._source.committed())
        now = self._environment.clock()
        if now < self._commit_at:
            return
        self._commit_at = now + self._settings.commit_interval
        offsets = self._news()
        if offsets:
            self._source.commit(offsets, self.holding.notes(offsets))

    def _news(self, among: Collection[TopicPartition] | None = None) -> Mapping[TopicPartition, int]:
        """What is to be committed: what is done, and where the note is to be written again (see holding.py)."""
        offsets = self.offsets.committable(among)
        for each in self.offsets:
            place = each.topic_partition
            if each.committable is not None and self.holding.renews(place) and (among is None or place in among):
                offsets[place] = each.committable
        return offsets

    def _committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.offsets.committed(offsets)
        self.holding.noted(offsets)

    def _commit_now(self, among: Collection[TopicPartition] | None = None) -> None:
        offsets = self._news(among)
        self._committed(self._source.commit_now(offsets, self.holding.notes(offsets)))

    # -- rebalances: called by the source, from within its poll and close -----------------------------------------

    def on_assign(self, topic_partitions: Collection[TopicPartition]) -> None:
        """These are ours from now on."""
        self.joined = self.placed = True
        # Reading restarts at the committed offset: records still held from before would look like duplicates.
        self._let_go(topic_partitions)
        self.backpressure.forget(topic_partitions)  # they arrive unpaused
        self.offsets.assign(topic_partitions)
        self._beginnings.assigned(topic_partitions, self._environment.clock())
        self.holding.assigned(topic_partitions, self._environment.clock())
        self._metrics.rebalances.labels("assign").inc()
        log.info("partitions assigned", partitions=_names(topic_partitions), total=len(self.offsets))

    def on_revoke(self, topic_partitions: Collection[TopicPartition]) -> None:
        """These will be another's once this returns: finish calls in flight, commit, forget.

        What was not sent is dropped at once, since the next owner reads it again. The loop waits for
        calls and dead letters in flight: otherwise their records would be delivered twice.
        """
        self._metrics.rebalances.labels("revoke").inc()
        if not self._leave_without_commit:
            self.offsets.leave(topic_partitions)
            self.delivery.discard_revoked()
            deadline = self._environment.clock() + self._settings.revoke_budget
            while self._environment.clock() < deadline and self.delivery.revoking_in_flight():
                self._work(NAP)
            self._commit_now(topic_partitions)
        self._forget("partitions revoked", topic_partitions)

    def on_lost(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Another member owns these already: nothing of them may be committed."""
        self._metrics.rebalances.labels("lost").inc()
        self._forget("partitions lost", topic_partitions)

    def _forget(self, how: str, topic_partitions: Collection[TopicPartition]) -> None:
        self._let_go(topic_partitions)
        abandoned = self.offsets.forget(topic_partitions)
        self.delivery.discard_revoked()
        self.backpressure.forget(topic_partitions)
        for topic_partition, count in abandoned.items():
            self._metrics.records_abandoned.labels(topic_partition.topic).inc(count)
        self._metrics.forget(topic_partitions)
        self.placed = self.placed and len(self.offsets) > 0
        unfinished = sum(abandoned.values())
        log.info(how, partitions=_names(topic_partitions), unfinished=unfinished, total=len(self.offsets))

    def _let_go(self, topic_partitions: Collection[TopicPartition]) -> None:
        """What is held of these was never opened: whoever owns them next reads it."""
        gone = frozenset(topic_partitions)
        self._held = deque(record for record in self._held if record.topic_partition not in gone)
        self._ends = {place: offset for place, offset in self._ends.items() if place not in gone}
        self.waiting.let_go(gone)
        self.unplaced.let_go(gone)

    # -- the way out ------------------------------------------------------------------------------------------

    def drain(self, seconds: float) -> bool:
        """Deliver what is read, then commit; True where all of it was done within ``seconds``.

        What is left stays uncommitted: it is read again, and its event ids make the repeat harmless.
        """
        deadline = self._environment.clock() + seconds
        self._let_go([partition.topic_partition for partition in self.offsets])
        self.delivery.destinations.drain()
        self._source.pause([partition.topic_partition for partition in self.offsets])
        while self.delivery.unfinished and self.fatal is None and self._environment.clock() < deadline:
            self._work(NAP)
            self._source.poll(RECORDS_A_STEP, 0)  # for the sake of membership; what it brings is not ours to start
        self._work()
        if self.fatal is None:
            self._commit_now()
        return self.offsets.open_records == 0

    def give_up(self) -> None:
        """The process cannot continue: send and commit nothing more, only leave the group."""
        self._leave_without_commit = True


def _names(topic_partitions: Iterable[TopicPartition]) -> list[str]:
    return [f"{topic}-{partition}" for topic, partition in sorted(topic_partitions)]
