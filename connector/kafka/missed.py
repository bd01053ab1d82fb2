"""Detects records that retention deleted before they were read: nothing else reports them.

When retention overtakes a consumer, it continues at the oldest record that is left, or at the end, depending on
auto_offset_reset. A gap in the offsets alone proves nothing, since compaction and transactions leave gaps, too. So for
a gap that matters the broker is asked where the partition begins now, never from within a callback, and for a limited
time: a slow broker must hold up neither a rebalance nor the loop.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.records import Record, TopicPartition
from connector.metrics import Metrics
from connector.ports import NO_NOTES

log = structlog.get_logger()

Place = tuple[str, int]  # topic and partition; a TopicPartition is one, and costs five times as much to make

WORTH_ASKING = 100  # offsets: markers of transactions leave gaps of a few at every moment
ASKED = 5.0  # seconds between two questions about the beginning of a partition
AGAIN = 1.0  # seconds after which the group's position is asked for again, where that failed
ANSWERED_WITHIN = 0.5  # seconds to wait for one answer
ALLOWANCE = 1.0  # seconds that all answers together may take in a row
SHARE = 0.1  # of the time that passes, which is added to the allowance again
UNKNOWN = -1
BEGINNING = -2  # in place of a time: the protocol's word for where a partition begins
GAPS = 100  # of a partition, kept until there is an answer; the latest


class Gap(NamedTuple):
    """Offsets that were expected, and the one that came instead."""

    expected: int
    came: int


class MissedRecords:
    """Follows the positions of the assigned partitions.

    Args:
        consumer: to ask; a member of the group.
        metrics: where missed records are counted.
        latest: whether reading goes on at the end of a partition, not at its beginning, once retention has overtaken.
        clock: seconds that never go back.
    """

    def __init__(
        self, consumer: Consumer, metrics: Metrics, *, latest: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._consumer = consumer
        self._metrics = metrics
        self._latest = latest
        self._clock = clock
        self._next: dict[Place, int] = {}
        self._first: set[Place] = set()  # of these no record came since the group's position is known
        self._unknown: dict[Place, int | None] = {}  # the group's position; and the first offset that came
        self._notes: dict[TopicPartition, str] = {}
        self._gaps: dict[Place, deque[Gap]] = {}
        self._begins: dict[Place, int] = {}  # as of the last answer
        self._answered_at = clock() - ASKED
        self._asked: dict[Place, float] = {}
        self._learn_at = clock()
        self._allowance = ALLOWANCE
        self._allowed_at = clock()

    def assigned(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """These were assigned: reading begins at the group's position. Only noted here, see ``look``."""
        self._unknown.update(dict.fromkeys(topic_partitions))
        self._learn_at = self._clock()

    def forget(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """These are no longer assigned."""
        for place in topic_partitions:
            self._first.discard(place)
            for kept in (self._next, self._unknown, self._gaps, self._begins, self._asked):
                kept.pop(place, None)

    def read(self, record: Record) -> None:
        """A record was read: check for a gap before it."""
        place = record.topic, record.partition
        if self._unknown:
            self._learn()
            if place in self._unknown and self._unknown[place] is None:
                self._unknown[place] = record.offset
        expected = self._next.get(place, record.offset)
        self._next[place] = record.offset + 1
        gap = record.offset - expected
        if gap > 0 and (gap >= WORTH_ASKING or place in self._first):
            self._note(place, Gap(expected, record.offset))
        self._first.discard(place)
        if self._gaps:
            self.look()

    def look(self) -> None:
        """Ask the broker what is due now; takes at most ``ALLOWANCE`` seconds."""
        if self._unknown:
            self._learn()
        now = self._clock()
        due = [place for place in self._gaps if now - self._asked.get(place, now - ASKED) >= ASKED]
        if due and self._may_ask(now):
            self._asked.update(dict.fromkeys(due, now))
            self._compare()

    def take_notes(self) -> Mapping[TopicPartition, str]:
        """What went with the commits of the partitions whose positions were learnt since the last call."""
        if not self._notes:
            return NO_NOTES
        notes, self._notes = self._notes, {}
        return notes

    def _note(self, place: Place, gap: Gap) -> None:
        # The topic may have been deleted and created again since an old answer.
        fresh = self._clock() - self._answered_at < ASKED
        if fresh and self._begins.get(place, UNKNOWN) >= gap.came:
            self._report(place, gap.expected, gap.came - gap.expected)
            return
        self._gaps.setdefault(place, deque(maxlen=GAPS)).append(gap)

    # -- questions --------------------------------------------------------------------------------------------

    def _may_ask(self, now: float) -> bool:
        self._allowance = min(ALLOWANCE, self._allowance + SHARE * (now - self._allowed_at))
        self._allowed_at = now
        return self._allowance >= ANSWERED_WITHIN

    def _spent(self, since: float) -> None:
        self._allowed_at = self._clock()
        self._allowance -= self._allowed_at - since

    def _learn(self) -> None:
        """Ask for the group's positions: with the first record, so before this process commits anything."""
        now = self._clock()
        if now < self._learn_at or not self._may_ask(now):
            return
        self._learn_at = now + AGAIN
        places = [ClientTopicPartition(*place) for place in self._unknown]
        try:
            found = self._consumer.committed(places, timeout=ANSWERED_WITHIN)
        except KafkaException:
            return
        finally:
            self._spent(now)
        for each in found:
            if each.error is None:
                self._notes[TopicPartition(each.topic, each.partition)] = each.metadata or ""
            self._learnt((each.topic, each.partition), each.offset if each.error is None else UNKNOWN)

    def _learnt(self, place: Place, committed: int) -> None:
        came = self._unknown.pop(place, None)
        if committed < 0:
            return
        if came is None:
            self._next[place] = committed
            self._first.add(place)
        elif committed < came:
            self._note(place, Gap(committed, came))

    def _compare(self) -> None:
        now = self._clock()
        # Of all that are assigned: where retention has passed one, it has mostly passed the others as well.
        asked = [ClientTopicPartition(*place, BEGINNING) for place in self._next]
        try:
            found = self._consumer.offsets_for_times(asked, timeout=ANSWERED_WITHIN)
        except KafkaException:
            return  # and is asked again
        finally:
            self._spent(now)
        self._answered_at = now
        for each in found:
            if each.error is None and each.offset >= 0:
                place = each.topic, each.partition
                self._begins[place] = each.offset
                self._compared(place, each.offset)

    def _compared(self, place: Place, begins: int) -> None:
        for expected, came in self._gaps.pop(place, ()):
            # What was deleted and, where reading went on at the end, what lay between as well.
            missed = came - expected if self._latest and begins > expected else min(begins, came) - expected
            if missed > 0:
                self._report(place, expected, missed)

    def _report(self, place: Place, expected: int, missed: int) -> None:
        topic, partition = place
        self._metrics.records_missed.labels(topic).inc(missed)
        log.error(
            "records were deleted before they were read: retention has overtaken this group",
            topic=topic,
            partition=partition,
            records=missed,
            from_offset=expected,
            to_offset=expected + missed,
            what_to_do="set a longer retention, or run more replicas; kafka.auto_offset_reset: error stops instead",
        )
