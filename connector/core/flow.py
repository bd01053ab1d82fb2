"""When to stop reading, and which partitions to pause.

What is read and not yet finished lives in memory, so there are bounds: on events and bytes in all, and on how far a
partition may run ahead of its oldest open record (a crash reads that much again).

Pausing a partition throws its prefetched records away, so it is for lasting states only. A full buffer first just
stops the reading; only when it has been full for ``HOLD`` seconds are partitions paused, so that the consumer can be
polled for the sake of its group membership. Those that hold their share or more pause first, and the others go on
being read up to theirs: one partition whose events cannot be delivered must not stop the rest.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from connector.core.records import TopicPartition

RESUME = 0.7  # of a bound: well below where pausing begins, or it would flutter
HOLD = 1.0  # seconds


class Bounds(NamedTuple):
    """Events and bytes in memory, over all partitions; records of one partition past its oldest open one."""

    events: int
    bytes: int
    span: int


class Load(NamedTuple):
    """What one partition holds in memory: open events and bytes, and records from its oldest open one on."""

    topic_partition: TopicPartition
    events: int
    bytes: int
    span: int


class Change(NamedTuple):
    """Partitions to pause and to resume now."""

    pause: frozenset[TopicPartition]
    resume: frozenset[TopicPartition]


class Flow:
    """Decides from the loads; remembers what is paused, since Kafka's client cannot be asked."""

    def __init__(self, bounds: Bounds) -> None:
        self.paused: frozenset[TopicPartition] = frozenset()
        self.may_read = True
        self._bounds = bounds
        self._pressed = False
        self._full_since: float | None = None

    def all_paused(self, assigned: int) -> bool:
        """Whether a poll can be for the sake of membership only, and bring no records."""
        return len(self.paused) >= assigned

    def room(self, events: int) -> int:
        """How many more records may be read at once; at least one, since one record may be of any size anyway."""
        return max(1, self._bounds.events - events)

    def decide(self, loads: Sequence[Load], now: float) -> Change:
        """Look at the loads of all assigned partitions; what is returned counts as done."""
        level = max(self._level(loads), 0.0)
        if level < 1.0:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = now
        if self._full_since is not None and now - self._full_since >= HOLD:
            self._pressed = True
        elif level <= RESUME:
            self._pressed = False
        paused = frozenset(load.topic_partition for load in loads if self._pauses(load, 1.0 / len(loads)))
        ours = frozenset(load.topic_partition for load in loads)
        change = Change(paused - self.paused, (self.paused & ours) - paused)
        self.paused = paused
        self.may_read = level < 1.0 or (self._pressed and len(paused) < len(loads))
        return change

    def _level(self, loads: Iterable[Load]) -> float:
        events = size = 0
        for load in loads:
            events += load.events
            size += load.bytes
        return max(events / self._bounds.events, size / self._bounds.bytes)

    def _pauses(self, load: Load, share: float) -> bool:
        # Each resumes by its own load: with one stuck, the total may never fall to where all of them would.
        part = RESUME if load.topic_partition in self.paused else 1.0
        return load.span >= self._bounds.span * part or (self._pressed and self._level((load,)) >= share * part)

    def forget(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """These are no longer ours: whoever gets them finds them unpaused."""
        self.paused -= frozenset(topic_partitions)
