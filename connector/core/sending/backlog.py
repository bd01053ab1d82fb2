"""The calls of a backlog are counted by the same lanes that send.

With a backlog the connector reads ahead until its buffer is full, so that the entries of a session meet in one lane. A
full buffer sends the call with the most events; at the end the rest is sent.
"""

from typing import NamedTuple

from connector.core.records import Entry, Record, TopicPartition
from connector.core.sending.lanes import Item, Lanes
from connector.core.sending.offsets import OpenRecord, PartitionOffsets

# Lanes look at the record of an entry only when a partition is revoked, which does not happen here.
ANY_RECORD = OpenRecord(Record("", 0, 0, 0, None, None), PartitionOffsets(TopicPartition("", 0)))


class Count(NamedTuple):
    """How many calls, and how many events in them."""

    calls: int
    events: int


class Backlog:
    """Counts the calls of entries that are added in the order in which they would be read.

    Args:
        buffer: how many events are held at most, ``delivery.max_buffered_events``.
    """

    def __init__(self, buffer: int) -> None:
        self._buffer = buffer
        self._lanes: dict[str, Lanes] = {}
        self._waiting = 0
        self._calls = 0
        self._events = 0

    def add(self, entries: tuple[Entry, ...]) -> None:
        """Put the entries of one record into their lanes."""
        for entry in entries:
            lanes = self._lanes.get(entry.target)
            if lanes is None:
                lanes = self._lanes[entry.target] = Lanes(entry.target, linger=0.0)
            lanes.add(Item(entry, ANY_RECORD, since=0.0))
        self._waiting += len(entries)
        self._events += len(entries)
        while self._waiting > self._buffer:
            self._send(max(self._lanes.values(), key=lambda lanes: lanes.waiting))

    def count(self) -> Count:
        """All calls, once the last entry is added: nothing waits afterwards."""
        for lanes in self._lanes.values():
            while self._send(lanes):
                pass
        return Count(self._calls, self._events)

    def _send(self, lanes: Lanes) -> bool:
        """Make the call with the most events, if any is left."""
        batch = lanes.take(now=0.0)
        if batch is None:
            return False
        lanes.delivered(batch)
        self._calls += 1
        self._waiting -= len(batch.items)
        return True
