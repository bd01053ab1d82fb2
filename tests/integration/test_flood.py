"""A renamed field on real Apache Kafka: one pipeline is held, the other goes on, and a mended mapping delivers all."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

import orjson
import pytest
from confluent_kafka import Producer

from tests.support.processes import Connector, Endpoint, wait_until
from tests.support.renamed import MENDED, OLD, configuration
from tests.support.traffic import PARTITIONS, SENT_AT, dead_letters_in, lag

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.kafka.admin import Kafka

pytestmark = pytest.mark.integration

SESSIONS = 20


def produce(kafka: Kafka, topic: str, prefix: str, field: str, first: int, count: int) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 20})
    for number in range(first, first + count):
        session = f"{prefix}-{number % SESSIONS}"
        value = {"id": f"{prefix}-{number:06}", "session": session, field: "item-1", "at": SENT_AT}
        producer.produce(topic, key=session.encode(), value=orjson.dumps(value))
        producer.poll(0)
    assert producer.flush(60) == 0


@pytest.fixture
def names(kafka: Kafka) -> dict[str, str]:
    return {
        "web": kafka.create_topic(kafka.unique_name("web"), PARTITIONS),
        "shop": kafka.create_topic(kafka.unique_name("shop"), PARTITIONS),
        "dead": kafka.create_topic(kafka.unique_name("dead")),
    }


@pytest.mark.timeout(400)
@pytest.mark.parametrize("of_last", [1000, 60], ids=["default", "small"])
def test_a_renamed_field_holds_its_pipeline_until_the_mapping_is_mended(
    kafka: Kafka, names: dict[str, str], tmp_path: Path, of_last: int
) -> None:
    flood = {} if of_last == 1000 else {"of_last": of_last}
    good, renamed = 2 * of_last, 3 * of_last
    with Endpoint(tmp_path, "--ledger", "--latency", "5ms") as endpoint:
        old = configuration(kafka, names, endpoint.url, OLD, flood)
        with Connector(tmp_path, old, "first") as connector:
            connector.wait_until_ready()
            produce(kafka, names["web"], "web", "product_id", 0, good)
            wait_until(lambda: lag(kafka, names["web"]) == 0, 60, "no lag", connector.running)
            produce(kafka, names["web"], "web", "productId", good, renamed)

            def held() -> bool:
                return connector.metric("putevents_pipeline_held", pipeline="web") == 1

            wait_until(held, 60, "the pipeline is held", connector.running)
            produce(kafka, names["shop"], "shop", "product_id", 0, good)
            wait_until(lambda: endpoint.stats()["events"] == 2 * good, 60, "the other goes on", connector.running)
            _assert_told(connector)
            assert connector.stop(25) == 0
        letters = dead_letters_in(kafka, names["dead"])
        assert 0 < len(letters) < of_last
        with Connector(tmp_path, old, "second") as connector:
            connector.wait_until_ready()
            wait_until(lambda: connector.metric("putevents_pipeline_held", pipeline="web") == 1, 60, "held again")
            assert connector.stop(25) == 0
        assert len(dead_letters_in(kafka, names["dead"])) == len(letters), "a restart writes no more of them"
        mended = configuration(kafka, names, endpoint.url, MENDED, flood)
        with Connector(tmp_path, mended, "third") as connector:
            wait_until(lambda: lag(kafka, names["web"]) == 0, 120, "all is delivered", connector.running)
            assert connector.stop(25) == 0
        assert endpoint.stats()["duplicates"] == 0
        _assert_delivered(endpoint, good + renamed - len(letters), good)


def _assert_told(connector: Connector) -> None:
    [told] = json.loads(connector.get("/?format=json")[1])["held_pipelines"]
    assert (told["pipeline"], told["reason"], told["rule"]) == ("web", "missing_member", "view")
    assert told["member"] == "itemId"
    assert told["changed"] == "value.product_id is gone, value.productId appeared"


def _assert_delivered(endpoint: Endpoint, web: int, shop: int) -> None:
    """As many as there are, and each session's in order."""
    by_session: dict[str, list[str]] = defaultdict(list)
    for call in endpoint.accepted():
        by_session[call["sessionId"]].append(call["event"]["eventId"])
    for prefix, events in (("web", web), ("shop", shop)):
        assert sum(len(ids) for name, ids in by_session.items() if name.startswith(prefix)) == events
    for ids in by_session.values():
        assert ids == sorted(ids)
