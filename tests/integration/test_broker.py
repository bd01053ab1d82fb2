"""The real broker does what the other integration tests count on, wherever it came from."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer, TopicPartition

from tests.support.kafka.admin import Kafka
from tests.support.kafka.talk import FAILS_AFTER, consumer, produce, read

pytestmark = pytest.mark.integration


def test_records_come_back_and_a_group_continues_after_its_commit(kafka: Kafka) -> None:
    topic, group = kafka.create_topic(), kafka.unique_name("group")
    assert produce(kafka.bootstrap_servers, topic, b"one", b"two", b"three") == []
    first = consumer(kafka.bootstrap_servers, group)
    first.subscribe([topic])
    messages = read(first, 3)
    assert [(each.value(), each.headers()) for each in messages] == [
        (value, [("n", value)]) for value in (b"one", b"two", b"three")
    ]
    first.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
    first.close()
    assert kafka.committed_offsets(group, topic) == {0: 2}
    assert kafka.end_offsets(topic) == {0: 3}
    second = consumer(kafka.bootstrap_servers, group)
    second.subscribe([topic])
    assert read(second, 1)[0].value() == b"three"
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
    assert missing not in producer.list_topics(timeout=FAILS_AFTER).topics
    error = producer.list_topics(missing, timeout=FAILS_AFTER).topics[missing].error
    assert error is not None


def test_partitions_grow_and_records_expire_on_request(kafka: Kafka) -> None:
    topic = kafka.create_topic()
    produce(kafka.bootstrap_servers, topic, b"old", b"new")
    kafka.add_partitions(topic, 2)
    kafka.delete_records(topic, 0, before=1)
    assert kafka.end_offsets(topic) == {0: 2, 1: 0}
    reader = consumer(kafka.bootstrap_servers, kafka.unique_name("group"))
    reader.assign([TopicPartition(topic, 0, 0), TopicPartition(topic, 1, 0)])
    assert read(reader, 1)[0].value() == b"new"
    reader.close()
