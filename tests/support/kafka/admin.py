"""What an integration test asks of a broker besides reading and writing.

Topics get names that nobody else has, so that tests share one broker and one that fails leaves nothing that
another could stumble over.
"""

from __future__ import annotations

import itertools
import time
import uuid
from typing import TYPE_CHECKING, Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not marked as exported
    AdminClient,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

_SECONDS = 30.0
_NOT_YET = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._NOENT,  # no partition has a leader yet
}
_LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the package's, without types


class Kafka:
    """A running broker as tests see it.

    Args:
        bootstrap_servers: what the code under test connects to.
        admin_servers: what this object connects to; the same, unless clients need credentials.
    """

    def __init__(self, bootstrap_servers: str, admin_servers: str | None = None) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._admin = AdminClient({"bootstrap.servers": admin_servers or bootstrap_servers, "log_level": 0})
        self._prefix = uuid.uuid4().hex[:8]
        self._numbers = itertools.count(1)
        self._topics: list[str] = []

    def unique_name(self, hint: str = "topic") -> str:
        """A name for a topic or a group that was not given before, by any process."""
        return f"{hint}-{self._prefix}-{next(self._numbers)}"

    def create_topic(self, name: str | None = None, partitions: int = 1, replication: int = -1, **configs: str) -> str:
        """Make a topic and return its name once every partition has a leader.

        Args:
            name: as it is, or a `unique_name` if there is none.
            partitions: how many.
            replication: copies; -1 is the broker's default.
            configs: topic settings with underscores for dots, e.g. ``cleanup_policy="compact"``.
        """
        name = name or self.unique_name()
        settings = {key.replace("_", "."): value for key, value in configs.items()}
        self._done(self._admin.create_topics([NewTopic(name, partitions, replication, config=settings)]))
        self._topics.append(name)
        self._wait_for_leaders(name, partitions)
        return name

    def add_partitions(self, topic: str, total: int) -> None:
        """Let a topic have this many partitions in all."""
        self._done(self._admin.create_partitions([NewPartitions(topic, total)]))
        self._wait_for_leaders(topic, total)

    def delete_topics(self, *topics: str) -> None:
        """Delete these, or, with none named, all that this object made and still has."""
        names = list(topics or self._topics)
        self._topics = [name for name in self._topics if name not in names]
        if names:
            self._done(self._admin.delete_topics(names))

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Drop what lies before an offset, as retention would."""
        self._done(self._admin.delete_records([TopicPartition(topic, partition, before)]))

    def topic_settings(self, topic: str) -> dict[str, str]:
        """The settings of a topic, with the broker's defaults where it has none of its own."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        entries = self._admin.describe_configs([resource])[resource].result(_SECONDS)
        return {name: entry.value for name, entry in entries.items()}

    def leader(self, topic: str, partition: int = 0) -> int:
        """The id of the node that leads a partition; -1 while there is none."""
        leader: int = self._admin.list_topics(topic, timeout=_SECONDS).topics[topic].partitions[partition].leader
        return leader

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Partition → the offset that the next record will get."""
        partitions = self._admin.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
        wanted = {TopicPartition(topic, number): _LATEST for number in partitions}
        futures = self._admin.list_offsets(wanted)
        return {each.partition: future.result(_SECONDS).offset for each, future in futures.items()}

    def committed_offsets(self, group_id: str, topic: str) -> dict[int, int]:
        """Partition → the offset that a group has committed, without the partitions where it has none."""
        futures = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group_id)])
        result = futures[group_id].result(_SECONDS)
        return {each.partition: each.offset for each in result.topic_partitions if each.topic == topic}

    def _wait_for_leaders(self, topic: str, partitions: int) -> None:
        deadline = time.monotonic() + _SECONDS
        while not self._is_led(topic, partitions):
            if time.monotonic() > deadline:
                raise TimeoutError(f"expected {partitions} partitions with leaders within {_SECONDS:g} s")
            # Nothing tells when a broker has taken up what the controller decided.
            time.sleep(0.02)

    def _is_led(self, topic: str, partitions: int) -> bool:
        # Metadata names a leader before that broker knows; asking it for an offset is the proof.
        try:
            return len(self.end_offsets(topic)) == partitions
        except KafkaException as error:
            if error.args[0].retriable() or error.args[0].code() in _NOT_YET:
                return False
            raise

    @staticmethod
    def _done(futures: Mapping[Any, Future[Any]]) -> None:
        for future in futures.values():
            future.result(_SECONDS)
