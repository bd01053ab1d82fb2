"""Topics of dead letters to hold the contract of ``ports.DeadLetters`` against."""

import time
from contextlib import ExitStack
from typing import Any, Protocol, Self

from confluent_kafka import KafkaError

from connector.kafka.dead_letters import KafkaDeadLetters
from connector.local.mock_cluster import ApiKey, MockCluster
from connector.metrics import Metrics
from connector.ports import DeadLetters
from tests.support.fakes import Clock, FakeDeadLetters
from tests.support.kafka.admin import Kafka
from tests.support.mock_cluster import read_all


class LettersBackend(Protocol):
    """Dead letters, a topic behind them, and time."""

    @property
    def letters(self) -> DeadLetters: ...

    def pass_time(self) -> None:
        """A moment."""

    def refuse(self) -> None:
        """The topic takes no letter from now on."""

    def failures(self) -> float:
        """Attempts to write that have failed."""

    def accept(self) -> None:
        """The topic takes letters again."""

    def written(self, count: int) -> list[bytes | None]:
        """The values of the first so many letters of the topic."""


class FakeLetters:
    def __init__(self) -> None:
        self._clock = Clock()
        self.letters = FakeDeadLetters(self._clock)

    def pass_time(self) -> None:
        self._clock.wait(0.01)

    def refuse(self) -> None:
        self.letters.failing = True

    def failures(self) -> float:
        return self.letters.failures

    def accept(self) -> None:
        self.letters.failing = False

    def written(self, count: int) -> list[bytes | None]:
        return [record.value for record, _ in self.letters.written[:count]]


class _Cluster(ExitStack):
    topic = "clicks.dead"
    bootstrap_servers = ""

    def _write_to(self, servers: str, **properties: Any) -> None:
        self.bootstrap_servers = servers
        self._metrics = Metrics()
        options: dict[str, Any] = {"connect_headers": False, "group_id": "g"}
        connection = {"bootstrap.servers": servers, "retry.backoff.ms": 20, "retry.backoff.max.ms": 50, **properties}
        self.letters = KafkaDeadLetters(connection, self.topic, metrics=self._metrics, **options)
        self.callback(self.letters.close, 5)

    def pass_time(self) -> None:
        time.sleep(0.01)

    def failures(self) -> float:
        return self._metrics.registry.get_sample_value("putevents_dead_letter_errors_total") or 0.0

    def written(self, count: int) -> list[bytes | None]:
        return [message.value() for message in read_all(self.bootstrap_servers, self.topic, count)]


class MockLetters(_Cluster):
    def __enter__(self) -> Self:
        self._cluster = self.enter_context(MockCluster())
        self._cluster.create_topic(self.topic, 1)
        self._write_to(self._cluster.bootstrap_servers)
        return self

    def refuse(self) -> None:
        refused = [KafkaError.TOPIC_AUTHORIZATION_FAILED] * 1000
        self._cluster.push_request_errors(ApiKey.PRODUCE, *refused)

    def accept(self) -> None:
        self._cluster.clear_request_errors(ApiKey.PRODUCE)


class KafkaLetters(_Cluster):
    """Refuses by having no such topic, and accepts again by having one."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__()
        self._kafka = kafka
        self.topic = kafka.create_topic()
        self._write_to(kafka.bootstrap_servers, **{"message.timeout.ms": 500})

    def refuse(self) -> None:
        self._kafka.delete_topics(self.topic)

    def accept(self) -> None:
        self._kafka.create_topic(self.topic)
