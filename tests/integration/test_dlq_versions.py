"""A replay puts no older version of an item over a newer one: real Apache Kafka and the local endpoint."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import orjson
import pytest
import yaml
from confluent_kafka import Producer

from connector.core.records import Record
from tests.support.dead_letters import TIMESTAMP, Shop, missing
from tests.support.processes import Connector, Endpoint, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.kafka.admin import Kafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
DATASET = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/ITEMS"


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    with Endpoint(tmp_path, "--ledger") as running:
        yield running


@pytest.fixture
def shop(kafka: Kafka, tmp_path: Path, endpoint: Endpoint) -> Shop:
    topic, dead = kafka.create_topic(kafka.unique_name("clicks")), kafka.create_topic(kafka.unique_name("dead"))
    found = Shop(kafka, tmp_path, topic, dead, endpoint.url)
    found.write()
    return found


def catalogue(shop: Shop, endpoint: Endpoint, versions: Sequence[tuple[str, int]]) -> list[Record]:
    """Versions of items by their price, as records that the connector has delivered and committed."""
    rule = {"name": "product", "put_items": {"itemId": "value.item", "properties": {"price": "value.price"}}}
    shop.write(
        personalize={"items_dataset_arn": DATASET, "region": "eu-west-1", "endpoint_url": shop.url},
        pipelines=[{"name": "clicks", "topics": [shop.topic], "rules": [rule]}],
    )
    producer = Producer({"bootstrap.servers": shop.kafka.bootstrap_servers})
    records = []
    for offset, (item, price) in enumerate(versions):
        value = orjson.dumps({"item": item, "price": price})
        producer.produce(shop.topic, key=item, value=value, partition=0)
        records.append(Record(shop.topic, 0, offset, TIMESTAMP + offset, item.encode(), value))
    assert not producer.flush(60)
    with Connector(shop.folder, yaml.safe_load(shop.path.read_text()), "run") as connector:
        wait_until(lambda: prices(endpoint) == dict(versions), 60, "all delivered", connector.running)
        assert connector.stop(25) == 0
    return records


def prices(endpoint: Endpoint) -> dict[str, int]:
    """The state that the service would have: each item with its price."""
    with urllib.request.urlopen(f"{endpoint.url}/_local/state", timeout=60) as answer:
        state = orjson.loads(answer.read())
    return {item: orjson.loads(row["properties"])["price"] for item, row in state.get(DATASET, {}).items()}


def old_price(record: Record, price: int) -> Record:
    """A dead letter of this record, which has another price now: so it can be told whether it was sent."""
    return record._replace(value=orjson.dumps({**orjson.loads(record.value or b""), "price": price}))


@pytest.mark.parametrize("to", ["putevents", "topic"])
def test_an_item_whose_newer_version_was_delivered_is_superseded_and_the_service_keeps_the_newer(
    shop: Shop, endpoint: Endpoint, to: str
) -> None:
    records = catalogue(shop, endpoint, [("a", 1), ("b", 1), ("a", 2), ("b", 2)])
    # Of b the newer version is a dead letter as well: it supersedes nothing, and both go in their order.
    shop.bury([records[0], records[1], old_price(records[3], 33)], missing("price", "product"))
    tried = shop.dlq("replay", "--to", to, "--output", "json").json
    assert (tried["superseded"], tried["left"], tried["newer_versions"]) == (1, {}, 1)
    done = shop.dlq("replay", "--execute", "--to", to, "--output", "json")
    assert (done.code, done.json["superseded"], done.json["left"]) == (0, 1, {}), done.err
    assert "0 letters to replay, 3 replayed already" in shop.dlq("list").err
    if to == "topic":
        assert shop.kafka.end_offsets(shop.topic)[0] == 6, "both of b, none of a"
    else:
        assert prices(endpoint) == {"a": 2, "b": 33}


def test_items_of_which_it_is_not_known_stay_letters_until_older_ones_are_allowed(
    shop: Shop, endpoint: Endpoint
) -> None:
    records = catalogue(shop, endpoint, [("a", 1), ("b", 1), ("c", 1), ("a", 2)])
    shop.bury([records[0], old_price(records[1], 11), old_price(records[2], 12)], missing("price", "product"))
    left = shop.dlq("replay", "--execute", "--look", "1", "--output", "json")
    assert (left.code, left.json["left"]) == (1, {"newer_unknown": ["0:0", "0:1", "0:2"]}), left.err
    assert "2 records of the source not looked at: raise --look" in shop.dlq("replay", "--execute", "--look", "1").out
    assert "3 letters to replay" in shop.dlq("list").err, "none is lost"
    assert prices(endpoint) == {"a": 2, "b": 1, "c": 1}
    sent = shop.dlq("replay", "--execute", "--allow-older", "--output", "json")
    assert (sent.code, sent.json["superseded"], sent.json["delivered"]) == (0, 1, 2), sent.err
    assert prices(endpoint) == {"a": 2, "b": 11, "c": 12}
    assert "0 letters to replay" in shop.dlq("list").err


def test_where_the_records_after_a_letter_are_deleted_its_item_is_left(shop: Shop, endpoint: Endpoint) -> None:
    records = catalogue(shop, endpoint, [("a", 1), ("a", 2), ("b", 1)])
    shop.bury([old_price(records[0], 9), old_price(records[2], 8)], missing("price", "product"))
    shop.kafka.delete_records(shop.topic, 0, 2)
    done = shop.dlq("replay", "--execute")
    assert done.code == 1
    assert "1 left: not known whether newer versions" in done.out
    assert "records of that time are deleted" in done.out
    assert prices(endpoint) == {"a": 2, "b": 8}
    assert "1 letter to replay" in shop.dlq("list").err, "the other one is done, though it lies behind"
