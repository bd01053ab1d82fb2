"""Warns where reading begins in old data: a new group on an old topic, or one that has not run for weeks.

The service takes such events, and its real-time recommendations then follow what people wanted long ago.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final

import structlog

from connector.core.records import Record, TopicPartition

log = structlog.get_logger()

OLD = 14 * 86_400.0  # seconds
WITHIN = 60.0  # seconds after an assignment in which a first record counts as where reading begins
GATHERED = 2.0  # seconds in which the partitions of a topic are gathered for one line
BEGINS_OLD: Final = "reading begins in data older than 14 days"
WHAT_TO_DO: Final = (
    "nothing, if that is meant; else stop and set max_age, which leaves old events out, or move the group's offsets; "
    "for training, old events are better imported in bulk"
)


class Beginnings:
    """Looks at the first record of each partition that is assigned; times in seconds.

    Args:
        bounded: whether old events of a topic are left out anyway, so that there is nothing to warn of.
    """

    def __init__(self, bounded: Callable[[str], bool]) -> None:
        self._bounded = bounded
        self._awaited: set[tuple[str, int]] = set()
        self._until = 0.0
        self._old: dict[str, list[float]] = {}  # topic to the ages where its partitions begin
        self._report_at = 0.0

    def assigned(self, places: Collection[TopicPartition], now: float) -> None:
        """Of these a first record will come."""
        self._awaited.update(places)
        self._until = now + WITHIN

    def look(self, records: Sequence[Record], now: float, wall: float) -> None:
        """These were read; and it may be time to say what was found."""
        if self._awaited:
            self._look(records, now, wall)
        if self._old and (now >= self._report_at or not self._awaited):
            self._report()

    def _look(self, records: Sequence[Record], now: float, wall: float) -> None:
        for record in records:
            place = record.topic, record.partition
            if place in self._awaited:
                self._awaited.discard(place)
                self._first(record, now, wall)
        if now >= self._until:
            self._awaited.clear()

    def _first(self, record: Record, now: float, wall: float) -> None:
        age = 0.0 if record.timestamp is None else wall - record.timestamp / 1000
        if age > OLD and not self._bounded(record.topic):
            if not self._old:
                self._report_at = now + GATHERED
            self._old.setdefault(record.topic, []).append(age)

    def _report(self) -> None:
        for topic, ages in self._old.items():
            days = round(max(ages) / 86_400)
            log.warning(BEGINS_OLD, topic=topic, partitions=len(ages), oldest_days=days, what_to_do=WHAT_TO_DO)
        self._old = {}
