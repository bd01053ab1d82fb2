"""Whether records were deleted before they were read: counted and loud, because nothing else will ever tell.

When retention overtakes a consumer, the broker lets it go on at the oldest record that is left. A gap in the offsets
alone proves nothing, since compaction and transactions leave gaps, too; so where one matters, the broker is
asked where the partition begins now.
"""

import time
from collections.abc import Callable, Iterable

import structlog
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.records import Record, TopicPartition
from connector.metrics import Metrics

log = structlog.get_logger()

WORTH_ASKING = 100  # offsets: markers of transactions leave gaps of a few at every moment
ASKED = 5.0  # seconds to wait for the broker's answer, and between two questions about a partition


class Retention:
    """Follows the positions of the assigned partitions.

    Args:
        consumer: to ask; a member of the group.
        metrics: where missed records are counted.
        clock: seconds that never go back.
    """

    def __init__(self, consumer: Consumer, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._consumer = consumer
        self._metrics = metrics
        self._clock = clock
        self._next: dict[tuple[str, int], int] = {}
        self._first: set[tuple[str, int]] = set()  # of these no record came yet
        self._asked: dict[tuple[str, int], float] = {}

    def assigned(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """These are ours: where the group stands in them is where reading begins."""
        places = [ClientTopicPartition(topic, partition) for topic, partition in topic_partitions]
        try:
            found = self._consumer.committed(places, timeout=ASKED) if places else []
        except KafkaException:
            found = []  # then the first gap of a partition goes unnoticed, and nothing else
        for place in found:
            if place.offset >= 0:
                self._next[place.topic, place.partition] = place.offset
                self._first.add((place.topic, place.partition))

    def forget(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """These are no longer ours."""
        for place in topic_partitions:
            self._next.pop(place, None)
            self._first.discard(place)
            self._asked.pop(place, None)

    def read(self, record: Record) -> None:
        """A record came; look at the gap before it, if there is one."""
        place = (record.topic, record.partition)
        expected = self._next.get(place, record.offset)
        self._next[place] = record.offset + 1
        gap = record.offset - expected
        if gap > 0 and (gap >= WORTH_ASKING or place in self._first):
            self._ask(TopicPartition(*place), expected, record.offset)
        self._first.discard(place)

    def _ask(self, place: TopicPartition, expected: int, came: int) -> None:
        now = self._clock()
        if now - self._asked.get(place, now - ASKED) < ASKED:
            return
        self._asked[place] = now
        try:
            begins, _ = self._consumer.get_watermark_offsets(
                ClientTopicPartition(place.topic, place.partition), timeout=ASKED
            )
        except KafkaException:
            return
        missed = min(begins, came) - expected
        if missed > 0:
            self._metrics.records_missed.labels(place.topic).inc(missed)
            log.error(
                "records were deleted before they were read: retention has overtaken this group",
                topic=place.topic,
                partition=place.partition,
                records=missed,
                from_offset=expected,
                to_offset=expected + missed,
                what_to_do="longer retention, or more replicas; kafka.auto_offset_reset: error stops instead",
            )
