"""In which time all records of all partitions were read: only of that time calls a second can be counted.

Partitions are read one beside the other, and not in the order of time: of a hundred records each, one partition's may
be of a second and another's of a day. The window begins with the latest first record and ends with the earliest last
one; a partition that was read from its beginning, or to its end, sets no limit on that side.
"""

from typing import NamedTuple

from connector.core.records import Record, TopicPartition


class Partition(NamedTuple):
    """What is to be read of a partition: offsets, and whether its first and last record are limits of the window."""

    begin: int
    end: int
    from_beginning: bool
    to_end: bool


class Window:
    """Follows which records were read.

    Args:
        partitions: what is read.
    """

    def __init__(self, partitions: dict[TopicPartition, Partition]) -> None:
        self._partitions = partitions
        self._first: dict[TopicPartition, float] = {}
        self._last: dict[TopicPartition, float] = {}
        self._offset = {place: each.begin - 1 for place, each in partitions.items()}
        self._finished = False

    def add(self, record: Record) -> None:
        """A record was read."""
        place = record.topic_partition
        self._offset[place] = record.offset
        if record.timestamp is not None:
            at = record.timestamp / 1000
            self._first.setdefault(place, at)
            self._last[place] = max(at, self._last.get(place, at))

    def finish(self) -> None:
        """All that was to be read was read. At the end of a partition there may be offsets without a record."""
        self._finished = True

    def between(self) -> tuple[float, float] | None:
        """Its beginning and its end (Unix seconds); None where the partitions have no time in common."""
        if not self._first:
            return None
        since = [at for place, at in self._first.items() if not self._partitions[place].from_beginning]
        until = [self._last.get(place, 0.0) for place in self._partitions if not self._is_done(place)]
        found = max(since, default=min(self._first.values())), min(until, default=max(self._last.values()))
        return found if found[0] < found[1] else None

    def _is_done(self, place: TopicPartition) -> bool:
        partition = self._partitions[place]
        return partition.to_end and (self._finished or self._offset[place] >= partition.end - 1)
