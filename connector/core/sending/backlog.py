"""The calls of a backlog are counted by the same lanes that send.

With a backlog the connector reads ahead until its buffer is full, so that the entries of a session meet in one lane,
and versions of an id supersede each other. A full buffer sends a call to where most wait; at the end the rest is
sent. Each operation has a buffer of its own.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from connector.core.operations import Operation
from connector.core.records import Entry, Record, TopicPartition
from connector.core.sending.destination import lanes_for
from connector.core.sending.lanes import Item, Lanes
from connector.core.sending.mixed import MixedLanes
from connector.core.sending.offsets import OpenRecord, PartitionOffsets

# Lanes look at the record of an entry only when a partition is revoked, which does not happen here.
ANY_RECORD = OpenRecord(Record("", 0, 0, 0, None, None), PartitionOffsets(TopicPartition("", 0)))


class Count(NamedTuple):
    """How many calls, and how many entries for them: those that a newer version superseded included."""

    calls: int = 0
    events: int = 0


@dataclass
class _Of:
    """What waits of one operation, by its target, and what was counted."""

    lanes: dict[str, Lanes | MixedLanes] = field(default_factory=dict)
    waiting: int = 0
    calls: int = 0
    entries: int = 0

    def send(self, lanes: Lanes | MixedLanes) -> bool:
        """Make the next call of these lanes, if any is left."""
        batch = lanes.take(now=0.0)
        if batch is None:
            return False
        before = lanes.waiting
        lanes.delivered(batch)
        lanes.let_go()
        self.calls += 1
        self.waiting -= before - lanes.waiting
        return True


class Backlog:
    """Counts the calls of entries that are added in the order in which they would be read.

    Args:
        buffer: how many entries of an operation are held at most, ``delivery.max_buffered_events``.
    """

    def __init__(self, buffer: int) -> None:
        self._buffer = buffer
        self._found: dict[Operation, _Of] = {}

    def add(self, entries: tuple[Entry, ...]) -> None:
        """Put the entries of one record into their lanes."""
        for entry in entries:
            found = self._found.setdefault(entry.operation, _Of())
            lanes = found.lanes.get(entry.target)
            if lanes is None:
                lanes = found.lanes[entry.target] = lanes_for(entry.operation, entry.target, linger=0.0)
            before = lanes.waiting
            lanes.add(Item(entry, ANY_RECORD, since=0.0))
            lanes.let_go()
            found.waiting += lanes.waiting - before
            found.entries += 1
        for found in self._found.values():
            while found.waiting > self._buffer:
                found.send(max(found.lanes.values(), key=lambda lanes: lanes.waiting))

    def count(self) -> dict[Operation, Count]:
        """All calls of each operation, once the last entry is added: nothing waits afterwards."""
        for found in self._found.values():
            for lanes in found.lanes.values():
                while found.send(lanes):
                    pass
        return {operation: Count(found.calls, found.entries) for operation, found in self._found.items()}
