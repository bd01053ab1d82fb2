"""A shop's three topics: history as files of three datasets, then `run`; the state is that of all records."""

from __future__ import annotations

import csv
import json
import random
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from confluent_kafka import Producer

from connector.cli import main
from connector.exits import Exit
from tests.support.processes import Connector, Endpoint, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.kafka.admin import Kafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420), pytest.mark.usefixtures("logs_as_before")]
ARN = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/{}"
PATIENCE = 120.0
PARTITIONS = 2
SIZES = {"clicks": 4_000, "catalogue": 3_000, "profiles": 2_000}
LATER = {"clicks": 300, "catalogue": 200, "profiles": 100}
DATASETS = {"clicks": "interactions", "catalogue": "items", "profiles": "users"}


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    with Endpoint(tmp_path, "--ledger") as running:
        yield running


class Shop:
    """Topics, the file about them, and every value that was written, by topic."""

    def __init__(self, kafka: Kafka, folder: Path, url: str) -> None:
        self.kafka, self.folder = kafka, folder
        self.topics = {name: kafka.create_topic(kafka.unique_name(name), PARTITIONS) for name in SIZES}
        self.group = f"{self.topics['clicks']}-group"
        self.values: dict[str, list[dict[str, Any]]] = {name: [] for name in SIZES}
        self.config = self._config(url)
        self.path = folder / "shop.yaml"
        self.path.write_text(yaml.safe_dump(self.config))
        self._chance = random.Random(1)

    def _config(self, url: str) -> dict[str, Any]:
        put_events = {
            "sessionId": "value.session",
            "userId": "value.user",
            "eventType": {"const": "View"},
            "itemId": "value.item",
            "eventId": "value.id",
        }
        rules = {
            "clicks": {"put_events": put_events},
            "catalogue": {"put_items": {"itemId": "value.item", "properties": {"price": "value.price"}}},
            "profiles": {"put_users": {"userId": "value.user", "properties": {"tier": "value.tier"}}},
        }
        return {
            "kafka": {"bootstrap_servers": self.kafka.bootstrap_servers, "group_id": self.group},
            "personalize": {
                "tracking_id": "tracker-1",
                "region": "eu-west-1",
                "endpoint_url": url,
                "users_dataset_arn": ARN.format("USERS"),
                "items_dataset_arn": ARN.format("ITEMS"),
            },
            "delivery": {"linger": "50ms", "commit_interval": "200ms"},
            "dead_letter": {"topic": self.kafka.create_topic(self.kafka.unique_name("dead"))},
            "pipelines": [
                {"name": name, "topics": [self.topics[name]], "rules": [{"name": name, **rule}]}
                for name, rule in rules.items()
            ],
        }

    def produce(self, sizes: dict[str, int]) -> None:
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap_servers, "log_level": 0})
        for name, count in sizes.items():
            for _ in range(count):
                value = self._value(name)
                self.values[name].append(value)
                key = str(value.get("session") or value.get("item") or value.get("user")).encode()
                producer.produce(self.topics[name], orjson.dumps(value), key)
        assert producer.flush(PATIENCE) == 0

    def _value(self, name: str) -> dict[str, Any]:
        number, chance = len(self.values[name]), self._chance
        if name == "catalogue":
            return {"item": f"i{chance.randrange(90)}", "price": number}
        if name == "profiles":
            return {"user": f"u{chance.randrange(60)}", "tier": f"t{number}"}
        session = chance.randrange(200)
        return {"session": f"s{session}", "user": f"u{session % 60}", "item": f"i{number % 90}", "id": f"e{number}"}

    def export(self, name: str) -> None:
        to = str(self.folder / name)
        assert main(["export", str(self.path), "--to", to, "--dataset", DATASETS[name]]) == Exit.OK

    def rows(self, name: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        for path in sorted((self.folder / name).glob("*.csv")):
            with path.open(newline="") as lines:
                found += csv.DictReader(lines)
        return found

    def newest(self, name: str, key: str, member: str) -> dict[str, str]:
        return {value[key]: str(value[member]) for value in self.values[name]}


def test_files_of_three_datasets_and_then_run_end_in_the_state_of_all_records(
    kafka: Kafka, tmp_path: Path, endpoint: Endpoint
) -> None:
    shop = Shop(kafka, tmp_path, endpoint.url)
    shop.produce(SIZES)
    for name in SIZES:
        shop.export(name)
        assert main(["offsets", "set", str(shop.path), str(shop.folder / name / "cutover.json")]) == Exit.OK
    assert sorted(row["USER_ID"] for row in shop.rows("clicks")) == sorted(
        each["user"] for each in shop.values["clicks"]
    )
    state = {
        "items": {row["ITEM_ID"]: row["PRICE"] for row in shop.rows("catalogue")},
        "users": {row["USER_ID"]: row["TIER"] for row in shop.rows("profiles")},
    }
    assert state == {
        "items": shop.newest("catalogue", "item", "price"),
        "users": shop.newest("profiles", "user", "tier"),
    }
    shop.produce(LATER)
    with Connector(shop.folder, shop.config) as connector:
        ends = {topic: kafka.end_offsets(topic) for topic in shop.topics.values()}

        def committed() -> bool:
            return all(kafka.committed_offsets(shop.group, topic) == end for topic, end in ends.items())

        wait_until(committed, PATIENCE, "all delivered", connector.running)
        assert connector.stop(30) == 0
    assert {row["eventId"] for row in endpoint.accepted() if "eventId" in row} == {
        each["id"] for each in shop.values["clicks"][SIZES["clicks"] :]
    }, "what the files have was not streamed, and nothing else is missing"
    streamed = json.loads(endpoint._get("state"))
    for entry in streamed[ARN.format("ITEMS")].values():
        state["items"][entry["itemId"]] = str(json.loads(entry["properties"])["price"])
    for entry in streamed[ARN.format("USERS")].values():
        state["users"][entry["userId"]] = json.loads(entry["properties"])["tier"]
    assert state == {
        "items": shop.newest("catalogue", "item", "price"),
        "users": shop.newest("profiles", "user", "tier"),
    }
