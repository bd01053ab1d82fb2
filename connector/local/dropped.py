"""Reports messages that the embedded broker drops. It drops them silently, and unread ones are lost."""

from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException, TopicPartition

KEPT = "5 MiB, or 100,000 batches of messages"  # a partition, by the mock cluster of librdkafka
TIMEOUT = 5.0  # seconds to wait for the broker at most


class Dropped:
    """Looks at the first offset of each partition: where it is not 0, the broker has dropped messages.

    The consumer joins no group and reads nothing.
    """

    def __init__(self, servers: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": "putevents-broker", "log_level": 0})
        self._reported: set[tuple[str, int]] = set()

    def look(self) -> Iterator[str]:
        """A message for each partition that has dropped messages and is not reported yet."""
        try:
            for name, number in self._partitions():
                oldest = self._consumer.get_watermark_offsets(TopicPartition(name, number), TIMEOUT)[0]
                if oldest > 0:
                    self._reported.add((name, number))
                    yield (
                        f"topic {name}, partition {number}: the oldest {oldest:,} messages were dropped, because "
                        f"a partition keeps {KEPT}. Use more partitions, or fewer or smaller messages"
                    )
        except KafkaException:  # the broker is busy; the next look may find it free
            return

    def _partitions(self) -> list[tuple[str, int]]:
        topics = self._consumer.list_topics(timeout=TIMEOUT).topics
        found = [(name, number) for name, topic in topics.items() for number in topic.partitions]
        return [place for place in found if place not in self._reported]
