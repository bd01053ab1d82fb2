"""An offset is committed only when every record before it is done.

Records finish in any order. So a partition may commit the offset of its first open record or, with none open, the
offset after the last one received. Kafka commits the *next* offset to read; so does everything here.

Offsets that never arrived (compaction, transaction markers) count as done: the consumer gives records in order, so a
gap holds no record.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from connector.core.records import Record, Rejection, TopicPartition

_CLOSED = 1_000  # records that closed behind open ones before they are worth sweeping; 50,000 took 14 MiB more


class OpenRecord:
    """A record on its way: how many of its entries are unsettled, and what was wrong with those that failed.

    ``unsettled`` counts entries that are neither delivered nor rejected. The payload is freed when the record closes,
    even behind an open one.
    """

    __slots__ = (
        "closed_behind",
        "events",
        "offset",
        "owner",
        "pipeline",
        "record",
        "rejections",
        "rule",
        "size",
        "superseded",
        "timestamp",
        "unsettled",
    )

    def __init__(self, record: Record, owner: "PartitionOffsets") -> None:
        self.record: Record | None = record
        self.offset = record.offset
        self.timestamp = record.timestamp
        self.size = record.size
        self.owner = owner
        self.pipeline: str | None = None
        self.rule: str | None = None
        self.events = 1
        self.unsettled = 0
        self.superseded = 0  # entries that were never sent, since a newer version of their id was
        self.closed_behind = 0  # records between this and the next open one
        self.rejections: tuple[Rejection, ...] = ()

    def reject(self, rejection: Rejection) -> None:
        """Something is wrong with one of its entries, or with several."""
        self.rejections += (rejection,)

    def await_entries(self, entries: int, pipeline: str, rule: str) -> None:
        """A rule made entries of it: so many must be settled before it can close."""
        self.pipeline, self.rule = pipeline, rule
        self.unsettled = entries
        self.owner.open_events += entries - self.events
        self.events = entries

    def settle_entry(self) -> bool:
        """One of its entries is delivered or rejected for good; True where it was the last."""
        self.unsettled -= 1
        return not self.unsettled

    @property
    def revoking(self) -> bool:
        """Its partition is being revoked, or has been: no new call may carry it."""
        return self.owner.revoking

    @property
    def revoked(self) -> bool:
        """Its partition has been revoked: the next owner counts and commits it."""
        return self.owner.revoked

    def shrink(self) -> None:
        """Free what the record holds, though it stays open: whatever comes, nothing of it will be sent or buried."""
        if self.record is None or self.unsettled > 1 or self.rejections:
            return
        self.owner.open_bytes -= self.size
        self.size = 0
        self.record = _SHRUNK

    def close(self) -> None:
        """The record is done: delivered, superseded, filtered, skipped, or safe in the dead letters."""
        self.owner.close(self)


_SHRUNK = Record("", 0, 0, None, None, None)


class PartitionOffsets:
    """The open records of one partition, for as long as it is assigned.

    ``revoking``: it is about to be revoked. Calls under way still count, new ones are for its next owner.
    ``revoked``: it has been. What happens to its records now changes nothing here.
    """

    __slots__ = (
        "_latest",
        "_next",
        "_open",
        "_span",
        "abandoned",
        "copies",
        "events_done",
        "open_bytes",
        "open_count",
        "open_events",
        "revoked",
        "revoking",
        "topic_partition",
    )

    def __init__(self, topic_partition: TopicPartition) -> None:
        self.topic_partition = topic_partition
        self.revoking = False
        self.revoked = False
        self.abandoned = 0  # open records that were dropped when the topic was recreated, until they are counted
        self.copies = 0  # records that came again and were dropped, until they are counted
        self.events_done = 0
        self.open_count = 0  # records
        self.open_events = 0  # what they make: at least one each, for the record itself
        self.open_bytes = 0
        self._open: deque[OpenRecord] = deque()  # from the first open one on, closed ones between included
        self._span = 0  # all of them, and those between that were swept
        self._next: int | None = None
        self._latest = -1  # the latest timestamp that was read, in milliseconds

    def track(self, record: Record) -> OpenRecord | None:
        """Open the record's offset; None for a copy of one that was received in this assignment already.

        A record that lies before what was read is a copy, or the topic was recreated, truncated or overtaken by
        retention and is read from its start. A copy is no younger than what was read; a younger record is new, and
        taking it for a copy would lose it. (Taking a copy for a new one only repeats it, under the same event id.)
        """
        if self._next is not None and record.offset < self._next:
            if record.timestamp is not None and record.timestamp <= self._latest:
                self.copies += 1
                return None
            self._restart()
        self._next = record.offset + 1
        if record.timestamp is not None and record.timestamp > self._latest:
            self._latest = record.timestamp
        opened = OpenRecord(record, self)
        self._open.append(opened)
        self._span += 1
        self.open_count += 1
        self.open_events += 1
        self.open_bytes += opened.size
        return opened

    def _restart(self) -> None:
        former = PartitionOffsets(self.topic_partition)
        former.revoking = former.revoked = True
        for opened in self._open:
            opened.owner = former
        self.abandoned += self.open_count
        self._open.clear()
        self._span = 0
        self._next = None
        self.open_count = self.open_events = self.open_bytes = 0

    def close(self, opened: OpenRecord) -> None:
        """The record is done: delivered, filtered, skipped, or safe in the dead letters. Idempotent."""
        if opened.record is None:
            return
        opened.record = None
        self.open_count -= 1
        self.open_events -= opened.events
        self.events_done += opened.events
        self.open_bytes -= opened.size
        while self._open and self._open[0].record is None:
            self._span -= 1 + self._open.popleft().closed_behind
        if len(self._open) > 2 * self.open_count + _CLOSED:
            self._sweep()

    def _sweep(self) -> None:
        """Forget records that closed behind open ones, but for their number: there may be millions."""
        kept: deque[OpenRecord] = deque()
        for opened in self._open:
            if opened.record is not None:
                kept.append(opened)
            else:
                kept[-1].closed_behind += 1 + opened.closed_behind
        self._open = kept

    def reached(self, offset: int) -> None:
        """The consumer stands at ``offset`` with nothing before it to come: the end, past trailing markers."""
        if self._next is None or offset > self._next:
            self._next = offset

    @property
    def committable(self) -> int | None:
        """The next offset to read after everything that is done; None before the first record."""
        return self._open[0].offset if self._open else self._next

    @property
    def oldest(self) -> OpenRecord | None:
        """The record that holds the commit back."""
        return self._open[0] if self._open else None

    @property
    def span(self) -> int:
        """How many records from the oldest open one to the newest: what a crash would read again."""
        return self._span


class Offsets:
    """The assigned partitions and their open records."""

    def __init__(self) -> None:
        self._partitions: dict[TopicPartition, PartitionOffsets] = {}
        self._latest: PartitionOffsets | None = None  # of the record that came last
        self._committed: dict[TopicPartition, int] = {}

    def __iter__(self) -> Iterator[PartitionOffsets]:
        return iter(self._partitions.values())

    def __len__(self) -> int:
        return len(self._partitions)

    def __contains__(self, topic_partition: TopicPartition) -> bool:
        return topic_partition in self._partitions

    def assign(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """Partitions are assigned; earlier state of the same ones is dropped."""
        for topic_partition in topic_partitions:
            self.forget((topic_partition,))
            self._partitions[topic_partition] = PartitionOffsets(topic_partition)

    def leave(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """Partitions are about to be revoked; see ``PartitionOffsets.revoking``."""
        for topic_partition in topic_partitions:
            if topic_partition in self._partitions:
                self._partitions[topic_partition].revoking = True

    def forget(self, topic_partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Partitions are revoked; returns how many records of each were open. Those change nothing any more."""
        abandoned: dict[TopicPartition, int] = {}
        for topic_partition in topic_partitions:
            self._committed.pop(topic_partition, None)
            partition = self._partitions.pop(topic_partition, None)
            if partition is not None:
                partition.revoking = partition.revoked = True
                abandoned[topic_partition] = partition.open_count
        return abandoned

    def track(self, record: Record) -> OpenRecord | None:
        """Open the record; None where it is a copy, or of a partition that is not ours."""
        # Records come in runs of one partition, and a look is cheaper than a key.
        latest = self._latest
        if latest is None or latest.revoked or latest.topic_partition != (record.topic, record.partition):
            latest = self._latest = self._partitions.get(record.topic_partition)
        return latest.track(record) if latest is not None else None

    def reached(self, topic_partition: TopicPartition, offset: int) -> None:
        """The consumer has read everything before ``offset``."""
        if topic_partition in self._partitions:
            self._partitions[topic_partition].reached(offset)

    def stands(self, topic_partition: TopicPartition, offset: int) -> None:
        """What is read from ``offset`` on is dropped. Only the first such offset counts: no commit may pass it."""
        partition = self._partitions.get(topic_partition)
        if partition is not None and partition.committable is None:
            partition.reached(offset)

    def committable(self, among: Iterable[TopicPartition] | None = None) -> dict[TopicPartition, int]:
        """Per partition the offset to commit, where that is news; of all, or ``among`` some."""
        chosen = self._partitions if among is None else among
        news: dict[TopicPartition, int] = {}
        for topic_partition in chosen:
            partition = self._partitions.get(topic_partition)
            if partition is None or partition.committable is None:
                continue
            if partition.committable != self._committed.get(topic_partition):
                news[topic_partition] = partition.committable
        return news

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """The broker has acknowledged these."""
        for topic_partition, offset in offsets.items():
            if topic_partition in self._partitions:
                self._committed[topic_partition] = offset

    @property
    def open_records(self) -> int:
        """How many records are open, over all partitions."""
        return sum(partition.open_count for partition in self._partitions.values())
