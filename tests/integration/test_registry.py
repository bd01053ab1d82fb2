"""The whole chain, and nothing of it a stub but AWS: Confluent's serializers, Kafka, a registry, the process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from connector.core.records import TopicPartition
from tests.support.apicurio import running_apicurio
from tests.support.clickstream import AVRO, FORMS, STREAM, Form
from tests.support.kafka.jars import MissingError
from tests.support.mock_cluster import committed
from tests.support.processes import Connector, Endpoint, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.clickstream import Click, Client
    from tests.support.kafka.admin import Kafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
PATIENCE = 60.0
# The click with its list of products as a type of its own, under a subject of its own.
PRODUCTS = {"type": "record", "name": "Products", "namespace": "shop", "fields": [
    {"name": "list", "type": {"type": "array", "items": "string"}},
]}  # fmt: skip


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        with running_apicurio() as url:
            yield url
    except MissingError as missing:
        pytest.skip(str(missing))


def referring(client: Client, _: Path) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Avro whose schema names a type of another subject."""
    client.register_schema("products", Schema(json.dumps(PRODUCTS), "AVRO"))
    fields = [{**each, "type": "shop.Products"} if each["name"] == "items" else each for each in AVRO["fields"]]
    schema = Schema(json.dumps({**AVRO, "fields": fields}), "AVRO", [SchemaReference("shop.Products", "products", 1)])
    serialize = AvroSerializer(client, schema)
    context = SerializationContext("referring", MessageField.VALUE)

    def written(click: Click) -> bytes:
        return serialize({**click._asdict(), "items": {"list": click.items}}, context) or b""

    return ((written(click), {}) for click in STREAM)


REFERRING = Form("format: avro", referring, each="value.items.list")
REAL = {
    **{name: FORMS[name] for name in ("json", "avro", "protobuf", "json schema, validated", "debezium, avro")},
    "avro, with references": REFERRING,
}


def accepted(kafka: Kafka, folder: Path, url: str, form: Form) -> list[dict[str, Any]]:
    """What the service accepts of the stream in this form, by ``putevents run``."""
    topic, dead = kafka.create_topic(), kafka.create_topic()
    with SchemaRegistryClient({"url": url}) as client:
        producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
        for value, headers in form.records(client, folder):
            producer.produce(topic, value, headers=list(headers.items()), partition=0)
        producer.flush(PATIENCE)
    pipeline = yaml.safe_load(f"value: {{{form.setting}}}\n{form.rules().replace('    rules', 'rules', 1)}")
    config: dict[str, Any] = {
        "kafka": {"bootstrap_servers": [kafka.bootstrap_servers], "group_id": kafka.unique_name("group")},
        "dead_letter": {"topic": dead},
        "schema_registry": {"url": url},
        "pipelines": [{"name": "clicks", "topics": [topic], **pipeline}],
    }
    with Endpoint(folder, "--ledger") as endpoint:
        config["personalize"] = {"tracking_id": "tracker", "endpoint_url": endpoint.url}
        with Connector(folder, config) as connector:
            connector.wait_until_ready(PATIENCE)
            place, group = TopicPartition(topic, 0), config["kafka"]["group_id"]

            def done() -> bool:
                return committed(kafka.bootstrap_servers, place, group=group) == [len(STREAM)]

            wait_until(done, PATIENCE, "committed", connector.running)
            assert connector.metric("putevents_dead_letter_records_total") == 0, connector.logged()[-3000:]
            assert connector.stop(PATIENCE) == 0
        rows = endpoint.accepted()
    return sorted(rows, key=lambda row: row["eventId"])


def calls(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Whose event it is, and the digest of its bytes."""
    return [(row["trackingId"], row["sessionId"], row["userId"], row["eventId"], row["sha256"]) for row in rows]


@pytest.fixture(scope="module")
def expected() -> dict[str, list[tuple[Any, ...]]]:
    """What JSON becomes; filled by the first test that asks."""
    return {}


@pytest.mark.parametrize("name", [name for name in REAL if name != "json"])
def test_the_same_clickstream_through_kafka_and_a_real_registry_becomes_the_same_events(
    kafka: Kafka, tmp_path: Path, url: str, expected: dict[str, list[tuple[Any, ...]]], name: str
) -> None:
    if not expected:
        (tmp_path / "json").mkdir()
        expected["json"] = calls(accepted(kafka, tmp_path / "json", url, REAL["json"]))
    found = calls(accepted(kafka, tmp_path, url, REAL[name]))
    assert len(found) == sum(len(click.items) for click in STREAM)
    assert found == expected["json"]
