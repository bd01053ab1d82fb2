"""The real broker does what the other integration tests count on, wherever it came from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.support.kafka.admin import Kafka
from tests.support.kafka.jars import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.kafka.broker import KafkaCluster

pytestmark = pytest.mark.integration

_FAILS_AFTER = 30.0


def _produce(servers: str, topic: str, *values: bytes) -> list[str]:
    """The errors that the broker reported; none if all are acknowledged by every copy in sync."""
    errors: list[str] = []

    def note(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            errors.append(error.str())

    settings: dict[str, str | int] = {"acks": "all", "linger.ms": 0, "reconnect.backoff.max.ms": 200}
    producer = Producer({"bootstrap.servers": servers, "log_level": 0, **settings})
    for value in values:
        producer.produce(topic, value, headers=[("n", value)], on_delivery=note)
    assert producer.flush(_FAILS_AFTER) == 0
    return errors


def _consumer(servers: str, group_id: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group_id,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,
        }
    )


def _read(consumer: Consumer, count: int) -> list[Message]:
    messages: list[Message] = []
    deadline = time.monotonic() + _FAILS_AFTER
    while len(messages) < count:
        assert time.monotonic() < deadline
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            messages.append(message)
    return messages


def test_records_come_back_and_a_group_continues_after_its_commit(kafka: Kafka) -> None:
    topic, group = kafka.create_topic(), kafka.unique_name("group")
    assert _produce(kafka.bootstrap_servers, topic, b"one", b"two", b"three") == []
    first = _consumer(kafka.bootstrap_servers, group)
    first.subscribe([topic])
    messages = _read(first, 3)
    assert [(each.value(), each.headers()) for each in messages] == [
        (value, [("n", value)]) for value in (b"one", b"two", b"three")
    ]
    first.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
    first.close()
    assert kafka.committed_offsets(group, topic) == {0: 2}
    assert kafka.end_offsets(topic) == {0: 3}
    second = _consumer(kafka.bootstrap_servers, group)
    second.subscribe([topic])
    assert _read(second, 1)[0].value() == b"three"
    second.close()


def test_a_topic_has_the_settings_it_was_created_with(kafka: Kafka) -> None:
    topic = kafka.create_topic(partitions=3, cleanup_policy="compact", min_cleanable_dirty_ratio="0.01")
    settings = kafka.topic_settings(topic)
    assert settings["cleanup.policy"] == "compact"
    assert settings["min.cleanable.dirty.ratio"] == "0.01"
    assert kafka.end_offsets(topic) == {0: 0, 1: 0, 2: 0}


def test_topics_do_not_appear_by_themselves(kafka: Kafka) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "message.timeout.ms": 1000, "log_level": 0})
    missing = kafka.unique_name("missing")
    assert missing not in producer.list_topics(timeout=_FAILS_AFTER).topics
    error = producer.list_topics(missing, timeout=_FAILS_AFTER).topics[missing].error
    assert error is not None


def test_partitions_grow_and_records_expire_on_request(kafka: Kafka) -> None:
    topic = kafka.create_topic()
    _produce(kafka.bootstrap_servers, topic, b"old", b"new")
    kafka.add_partitions(topic, 2)
    kafka.delete_records(topic, 0, before=1)
    assert kafka.end_offsets(topic) == {0: 2, 1: 0}
    reader = _consumer(kafka.bootstrap_servers, kafka.unique_name("group"))
    reader.assign([TopicPartition(topic, 0, 0), TopicPartition(topic, 1, 0)])
    assert _read(reader, 1)[0].value() == b"new"
    reader.close()


def test_the_others_take_over_from_a_killed_leader_and_it_comes_back(
    start_cluster: Callable[..., KafkaCluster],
) -> None:
    cluster = start_cluster(nodes=3)
    kafka = Kafka(cluster.bootstrap_servers, cluster.admin_servers)
    topic = kafka.create_topic(replication=3, min_insync_replicas="2")
    assert _produce(kafka.bootstrap_servers, topic, b"before") == []
    leader = cluster.nodes[kafka.leader(topic) - 1]
    leader.kill()
    assert _produce(kafka.bootstrap_servers, topic, b"after") == []
    assert kafka.leader(topic) != leader.node_id
    leader.start()
    cluster.wait_until_ready()
    reader = _consumer(kafka.bootstrap_servers, kafka.unique_name("group"))
    reader.subscribe([topic])
    assert [each.value() for each in _read(reader, 2)] == [b"before", b"after"]
    reader.close()


def _answers(address: str) -> bool:
    try:
        AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=1)
    except KafkaException:
        return False
    return True


def _wait_until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _FAILS_AFTER
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
@pytest.mark.usefixtures("kafka_jars")
def test_a_broker_and_its_data_go_with_its_owner(tmp_path: Path, number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "tests.support.kafka"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(  # this interpreter, our module, no shell
        command, stdout=subprocess.PIPE, cwd=REPOSITORY, env=environment
    ) as owner:
        assert owner.stdout is not None
        address = owner.stdout.readline().decode().strip().removeprefix("bootstrap.servers=")
        assert _answers(address)
        owner.send_signal(number)
        assert owner.wait(_FAILS_AFTER) == code
    _wait_until(lambda: not _answers(address))
    _wait_until(lambda: list(tmp_path.iterdir()) == [])
