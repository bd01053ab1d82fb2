"""A mock cluster to produce to, and members of a group that are quick to notice each other."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from confluent_kafka import Consumer, Message, Producer
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.topics import Topics
from connector.core.records import Record, TopicPartition
from connector.kafka.source import KafkaSource
from connector.metrics import Metrics

FAILS_AFTER = 60.0  # seconds; only a test that fails waits as long
QUICK = {
    "session.timeout.ms": 2000,
    "heartbeat.interval.ms": 100,
    "auto.offset.reset": "earliest",
    "retry.backoff.ms": 20,
    "retry.backoff.max.ms": 50,
}


def reading(*topics: str, exclude: Sequence[str] = (), dead_letter: str = "") -> Topics:
    """What a single pipeline of these topics reads."""
    rule = {"name": "all", "skip": "all"}
    pipeline = {"name": "p", "topics": list(topics), "exclude": list(exclude), "rules": [rule]}
    return Topics([PipelineSpec.model_validate(pipeline)], dead_letter)


class Listening:
    """Records every change of the assignment; ``on_revoke`` may be given something to do."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[TopicPartition]]] = []
        self.owned: set[TopicPartition] = set()
        self.revoking: Callable[[Collection[TopicPartition]], None] = lambda _: None

    def on_assign(self, topic_partitions: Collection[TopicPartition]) -> None:
        self.told.append(("assign", list(topic_partitions)))
        self.owned |= set(topic_partitions)

    def on_revoke(self, topic_partitions: Collection[TopicPartition]) -> None:
        self.told.append(("revoke", list(topic_partitions)))
        self.revoking(topic_partitions)
        self.owned -= set(topic_partitions)

    def on_lost(self, topic_partitions: Collection[TopicPartition]) -> None:
        self.told.append(("lost", list(topic_partitions)))
        self.owned -= set(topic_partitions)


class Cluster(Protocol):
    """What members connect to."""

    @property
    def bootstrap_servers(self) -> str:
        """Addresses with commas between them."""


class Member:
    """A source, who listens to it, and the records that it brought of partitions that were its own."""

    def __init__(
        self,
        cluster: Cluster,
        *names: str,
        topics: Topics | None = None,
        listening: Listening | None = None,
        **properties: Any,
    ) -> None:
        self.metrics = Metrics()
        self.listening = listening or Listening()
        self.records: list[Record] = []
        self.ends: dict[TopicPartition, int] = {}
        more = {name.replace("_", "."): value for name, value in properties.items()}
        servers = {"bootstrap.servers": cluster.bootstrap_servers, "group.id": "readers"}
        self.source = KafkaSource({**servers, **QUICK, **more}, topics or reading(*names or ("clicks",)), self.metrics)
        self.source.subscribe(self.listening)

    def poll(self, limit: int = 500, timeout: float = 0.02) -> Sequence[Record]:
        polled = self.source.poll(limit, timeout)
        self.records += [record for record in polled.records if record.topic_partition in self.listening.owned]
        self.ends.update(polled.ends)
        return polled.records


def until(claim: Callable[[], object], *members: Member, patience: float = FAILS_AFTER) -> None:
    """Poll the members until the claim holds."""
    deadline = time.monotonic() + patience
    while not claim():
        assert time.monotonic() < deadline, [member.listening.told for member in members]
        for member in members:
            member.poll()
        if not members:
            time.sleep(0.01)


def produce(servers: str, topic: str, *values: bytes | None, partition: int = 0, **more: Any) -> None:
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 0, "log_level": 0})
    for value in values:
        producer.produce(topic, value, partition=partition, **more)
    assert producer.flush(FAILS_AFTER) == 0


def committed(servers: str, *topic_partitions: TopicPartition, group: str = "readers") -> list[int]:
    asker = Consumer({"bootstrap.servers": servers, "group.id": group, "log_level": 0})
    places = [ClientTopicPartition(topic, partition) for topic, partition in topic_partitions]
    offsets = [each.offset for each in asker.committed(places, timeout=FAILS_AFTER)]
    asker.close()
    return offsets


def end_of(servers: str, topic: str, partition: int = 0) -> int:
    """The end offset of a partition: how many messages were ever written to one that nobody trims."""
    asker = Consumer({"bootstrap.servers": servers, "group.id": "tester", "log_level": 0})
    _, end = asker.get_watermark_offsets(ClientTopicPartition(topic, partition), timeout=FAILS_AFTER)
    asker.close()
    return int(end)


def read_all(servers: str, topic: str, count: int, partition: int = 0) -> list[Message]:
    """The first so many messages of a partition."""
    reader = Consumer({"bootstrap.servers": servers, "group.id": "tester", "log_level": 0})
    reader.assign([ClientTopicPartition(topic, partition, 0)])
    messages: list[Message] = []
    deadline = time.monotonic() + FAILS_AFTER
    while len(messages) < count:
        assert time.monotonic() < deadline, f"{len(messages)} of {count}"
        messages += [each for each in reader.consume(count, 0.1) if each.error() is None]
    reader.close()
    return messages
