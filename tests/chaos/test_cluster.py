"""The three brokers do what the scenarios count on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.kafka.admin import Kafka
from tests.support.kafka.talk import consumer, produce, read

if TYPE_CHECKING:
    from tests.support.kafka.broker import KafkaCluster

pytestmark = [pytest.mark.chaos, pytest.mark.integration]


def test_the_others_take_over_from_a_killed_leader_and_it_comes_back(brokers: KafkaCluster) -> None:
    kafka = Kafka(brokers.bootstrap_servers, brokers.admin_servers)
    topic = kafka.create_topic(replication=3, min_insync_replicas="2")
    assert produce(kafka.bootstrap_servers, topic, b"before") == []
    leader = brokers.nodes[kafka.leader(topic) - 1]
    leader.kill()
    assert produce(kafka.bootstrap_servers, topic, b"after") == []
    assert kafka.leader(topic) != leader.node_id
    leader.start()
    brokers.wait_until_ready()
    reader = consumer(kafka.bootstrap_servers, kafka.unique_name("group"))
    reader.subscribe([topic])
    assert [each.value() for each in read(reader, 2)] == [b"before", b"after"]
    reader.close()
