"""Topics that come, go and come again on real Apache Kafka, and a dead-letter topic that is deleted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.mock_cluster import produce, read_all
from tests.support.processes import Connector, Endpoint, wait_until
from tests.support.traffic import configuration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.kafka.admin import Kafka

pytestmark = pytest.mark.integration

OFTEN = {"topic.metadata.refresh.interval.ms": 1_000}
KIP_848 = {"group.protocol": "consumer"}
STATIC = {"group.instance.id": "one", "session.timeout.ms": 10_000}


def view(session: str) -> bytes:
    at = 1_795_509_011
    return json.dumps({"id": f"e-{session}", "session": session, "item": "i", "at": at}).encode()


def state(connector: Connector) -> dict[str, str]:
    """Kinds that hold, each with its detail."""
    page = json.loads(connector.get("/?format=json")[1])
    return {each["kind"]: each["detail"] for each in [page["state"], *page["also"]]}


def reading(config: dict[str, Any], *topics: str, exclude: tuple[str, ...] = (), **librdkafka: Any) -> dict[str, Any]:
    config["pipelines"][0] |= {"topics": list(topics), "exclude": list(exclude)}
    config["kafka"]["librdkafka"] = OFTEN | librdkafka
    return config


@pytest.mark.timeout(180)
@pytest.mark.parametrize("properties", [{}, KIP_848, STATIC], ids=["classic", "kip-848", "static"])
def test_topics_that_a_pattern_takes_come_and_go(kafka: Kafka, tmp_path: Path, properties: dict[str, Any]) -> None:
    family = kafka.unique_name("family")
    one, two, left_out, dead = (f"{family}-{end}" for end in ("1", "2", "internal", "dead"))
    for topic in (one, left_out, dead):
        kafka.create_topic(topic)
    servers = kafka.bootstrap_servers
    with Endpoint(tmp_path, "--ledger") as endpoint:
        config = configuration(kafka, family, dead, endpoint.url)
        config = reading(config, f"^{family}.*", exclude=("^.*-internal",), **properties)
        with Connector(tmp_path, config) as connector:
            connector.wait_until_ready()
            produce(servers, one, view("first"), b"broken")
            produce(servers, left_out, view("internal"))
            wait_until(lambda: endpoint.stats()["events"] == 1, 60, "the first event", connector.running)
            wait_until(lambda: kafka.end_offsets(dead)[0] == 1, 60, "a dead letter", connector.running)
            kafka.create_topic(two)
            produce(servers, two, view("second"))
            wait_until(lambda: endpoint.stats()["events"] == 2, 60, "the second", connector.running)
            kafka.delete_topics(one)
            wait_until(lambda: one in state(connector).get("topics_gone", ""), 60, "told", connector.running)
            assert "topics that are read are gone" in connector.logged()
            produce(servers, two, view("third"))
            wait_until(lambda: endpoint.stats()["events"] == 3, 60, "the third", connector.running)
            kafka.create_topic(one)
            produce(servers, one, view("fourth"))
            wait_until(lambda: endpoint.stats()["events"] == 4, 60, "the fourth", connector.running)
            wait_until(lambda: "topics_gone" not in state(connector), 60, "all is well", connector.running)
            assert kafka.end_offsets(dead)[0] == 1, "dead letters were read"
            assert connector.stop(25) == 0
        assert [event["sessionId"] for event in endpoint.accepted()] == ["first", "second", "third", "fourth"]


@pytest.mark.timeout(180)
def test_a_named_topic_that_is_deleted_is_told_and_read_again_when_it_is_back(kafka: Kafka, tmp_path: Path) -> None:
    topic, dead = kafka.create_topic(), kafka.create_topic()
    with Endpoint(tmp_path, "--ledger") as endpoint:
        config = reading(configuration(kafka, topic, dead, endpoint.url), topic)
        with Connector(tmp_path, config) as connector:
            connector.wait_until_ready()
            produce(kafka.bootstrap_servers, topic, view("first"))
            wait_until(lambda: endpoint.stats()["events"] == 1, 60, "an event", connector.running)
            kafka.delete_topics(topic)
            wait_until(lambda: state(connector).get("topics_gone") == topic, 60, "told", connector.running)
            assert "idle" not in state(connector)
            kafka.create_topic(topic)
            produce(kafka.bootstrap_servers, topic, view("second"))
            wait_until(lambda: endpoint.stats()["events"] == 2, 60, "read again", connector.running)
            wait_until(lambda: "topics_gone" not in state(connector), 60, "all is well", connector.running)
            assert "topics exist again" in connector.logged()
            assert connector.stop(25) == 0


@pytest.mark.timeout(180)
def test_a_dead_letter_topic_that_is_deleted_is_told_and_gets_its_letters_once_it_is_back(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic, dead = kafka.create_topic(), kafka.create_topic()
    with Endpoint(tmp_path, "--ledger") as endpoint:
        short: dict[str, Any] = {"message.timeout.ms": 3_000}
        config = reading(configuration(kafka, topic, dead, endpoint.url), topic, **short)
        with Connector(tmp_path, config) as connector:
            connector.wait_until_ready()
            produce(kafka.bootstrap_servers, topic, b"broken 1")
            wait_until(lambda: kafka.end_offsets(dead)[0] == 1, 60, "a dead letter", connector.running)
            kafka.delete_topics(dead)
            produce(kafka.bootstrap_servers, topic, b"broken 2", view("first"))
            said = f"the topic {dead} does not exist: create it; until then dead letters wait"
            wait_until(lambda: said in connector.logged(), 60, "told", connector.running)
            wait_until(lambda: state(connector).get("dead_letters_wait") == said, 60, "on the page", connector.running)
            assert endpoint.stats()["events"] == 1
            kafka.create_topic(dead)
            [letter] = read_all(kafka.bootstrap_servers, dead, 1)
            assert letter.value() == b"broken 2"
            wait_until(lambda: "dead_letters_wait" not in state(connector), 60, "all is well", connector.running)
            assert connector.stop(25) == 0
