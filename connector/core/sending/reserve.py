"""Partitions whose records replace earlier ones have a buffer of their own.

A dataset takes a hundred entries a second, an event tracker ten thousand. In one buffer, a backlog of items would leave
events no room. And it has to be large: only versions that wait at the same time supersede one another.
"""

from collections.abc import Sequence

from connector.core.records import TopicPartition
from connector.core.sending.backpressure import RESUME, Bounds, Load


class Reserve:
    """Decides which of these partitions pause: all of them, while their buffer is full."""

    def __init__(self, bounds: Bounds) -> None:
        self.paused: frozenset[TopicPartition] = frozenset()
        self._bounds = bounds
        self._full = False

    def decide(self, loads: Sequence[Load]) -> frozenset[TopicPartition]:
        """Look at the loads of all of these partitions that are assigned; ``paused`` is what is returned."""
        events, size = sum(load.events for load in loads), sum(load.bytes for load in loads)
        level = max(events / self._bounds.events, size / self._bounds.bytes)
        self._full = level > RESUME if self._full else level >= 1.0
        self.paused = frozenset(load.topic_partition for load in loads) if self._full else frozenset()
        return self.paused
