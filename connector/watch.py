"""Once a second, the loop's state becomes gauges, and its changes become log lines.

Called from the loop's thread, so nothing here needs a lock; a scrape reads what was written last.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from connector.core.channel import Channel
from connector.core.offsets import PartitionOffsets
from connector.core.records import TopicPartition
from connector.logs import Repeats
from connector.loop import Loop
from connector.metrics import Metrics
from connector.ports import Outside, Source

log = structlog.get_logger()

INTERVAL = 1.0  # seconds


class Lag(NamedTuple):
    """How far behind a partition is; ``records`` is None until its end was heard of."""

    topic_partition: TopicPartition
    records: int | None
    seconds: float
    open_records: int


class Oldest(NamedTuple):
    """The oldest open record's offset, None without one, and since when (on the clock) it was seen to be that."""

    offset: int | None
    since: float


class Watch:
    """Looks at a loop and says what it sees; ``tell`` is given the lag of each partition at every look."""

    def __init__(
        self,
        loop: Loop,
        source: Source,
        metrics: Metrics,
        outside: Outside,
        tell: Callable[[Sequence[Lag]], None] = lambda _: None,
    ) -> None:
        self._loop = loop
        self._source = source
        self._metrics = metrics
        self._outside = outside
        self._tell = tell
        self._next = outside.clock()
        self._waited = 0.0
        self._topics: set[str] = set()
        self._repeats = Repeats(60.0, outside.clock)
        self._noted: dict[tuple[str, str], float] = {}  # (what, tracking id) -> since when
        self._seen: dict[PartitionOffsets, Oldest] = {}

    def look(self) -> None:
        """Write gauges and log lines, if it is time."""
        now = self._outside.clock()
        if now < self._next:
            return
        self._next = now + INTERVAL
        self._gauges()
        lags = self._lags(now)
        channels = list(self._loop.delivery.channels)
        for channel in channels:
            self._note(channel, now)
        there = {channel.tracking_id for channel in channels}
        self._noted = {key: since for key, since in self._noted.items() if key[1] in there}
        self._tell(lags)

    def _gauges(self) -> None:
        metrics, loop = self._metrics, self._loop
        channels = loop.delivery.channels
        metrics.in_flight_requests.set(channels.on_the_wire)
        metrics.buffered_events.set(channels.waiting)
        metrics.open_records.set(loop.offsets.open_records)
        metrics.request_rate_limit.set(channels.rate)
        waited = sum(channel.rate_wait for channel in channels)
        metrics.rate_limit_wait.inc(max(0.0, waited - self._waited))
        self._waited = waited
        assigned = Counter(partition.topic_partition.topic for partition in loop.offsets)
        paused = Counter(topic for topic, _ in loop.flow.paused)
        self._topics |= set(assigned)
        for topic in self._topics:
            metrics.assigned_partitions.labels(topic).set(assigned[topic])
            metrics.paused_partitions.labels(topic).set(paused[topic])

    def _lags(self, now: float) -> list[Lag]:
        partitions = list(self._loop.offsets)
        ends = self._source.end_offsets(partition.topic_partition for partition in partitions)
        wall = self._outside.wall()
        # An assignment is an object of its own: what was seen in one before does not count.
        self._seen = {each: _oldest(each, self._seen.get(each), now) for each in partitions}
        lags = []
        for partition in partitions:
            topic, number = partition.topic_partition
            seconds, records = _age(partition, wall, now - self._seen[partition].since), None
            self._metrics.lag_seconds.labels(topic, str(number)).set(seconds)
            end, done = ends.get(partition.topic_partition), partition.committable
            if end is not None and done is not None:
                records = max(0, end - done)
                self._metrics.lag_records.labels(topic, str(number)).set(records)
            lags.append(Lag(partition.topic_partition, records, seconds, partition.open_count))
        return lags

    def _note(self, channel: Channel, now: float) -> None:
        channel.pace.advance(now)  # an idle channel's rate grows back without anybody asking for it
        rate = round(channel.pace.rate, 1)
        self._change("throttled", channel, now, holds=channel.pace.throttled, calls_a_second=rate)
        failure = self._loop.delivery.last_failure
        self._change("outage", channel, now, holds=channel.outage.since is not None, last_failure=failure)
        held = 0 if channel.proven else channel.in_doubt
        if held and self._repeats.written(("doubt", channel.tracking_id)):
            log.warning(
                "rejected events are held: no call to this tracking id has succeeded yet, so it may be wrong",
                tracking_id=channel.name,
                events=held,
                what_to_do="check personalize.tracking_id and personalize.region; nothing after these is committed",
            )

    def _change(self, what: str, channel: Channel, now: float, *, holds: bool, **fields: object) -> None:
        key = (what, channel.tracking_id)
        if holds and key not in self._noted:
            self._noted[key] = now
            log.warning(_BEGINS[what], tracking_id=channel.name, **fields)
        elif not holds and key in self._noted:
            seconds = round(now - self._noted.pop(key), 1)
            log.info(_ENDS[what], tracking_id=channel.name, after_seconds=seconds)


_BEGINS = {
    "throttled": "throttled: calls go slower until the quota has room",
    "outage": "outage: Amazon Personalize does not answer; nothing is lost, one call at a time asks again",
}
_ENDS = {
    "throttled": "throttling has ended",
    "outage": "outage has ended",
}


def _oldest(partition: PartitionOffsets, before: Oldest | None, now: float) -> Oldest:
    offset = partition.oldest.offset if partition.oldest is not None else None
    return before if before is not None and before.offset == offset else Oldest(offset, now)


def _age(partition: PartitionOffsets, wall: float, held: float) -> float:
    """Seconds since the oldest open record was written, and no less than it has been seen to hold the others back.

    Its timestamp is whoever wrote it's to choose: there may be none, or one to come.
    """
    oldest = partition.oldest
    if oldest is None:
        return 0.0
    return held if oldest.timestamp is None else max(held, wall - oldest.timestamp / 1000)
