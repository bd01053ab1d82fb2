"""A shop: clicks, a catalogue by Debezium and profiles feed one connector, through kills, throttling and rebalances."""

from __future__ import annotations

import json
import random
import threading
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Producer

from tests.chaos.sizes import scaled, time_limit
from tests.chaos.world import QUIET
from tests.support.traffic import dead_letters_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.chaos.world import World
    from tests.support.kafka.admin import Kafka

pytestmark = [pytest.mark.chaos, pytest.mark.integration]

ITEMS = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/ITEMS"
USERS = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/USERS"
RATE = 40  # calls a second of each dataset, in the endpoint and in the file: four times AWS's, to be done sooner
A_CALL = 10
PARTITIONS = 3


class Rows:
    """What was written to a topic of rows, and what must be the state of each id at the end."""

    def __init__(
        self, kafka: Kafka, topic: str, make: Callable[[str, int], tuple[dict[str, Any], dict[str, Any]]]
    ) -> None:
        self.topic = topic
        self.state: dict[str, dict[str, Any]] = {}
        self.deleted = 0
        self.poisoned = 0
        self._make = make
        self._version = 0
        self._lock = threading.Lock()
        self._producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})

    def write(self, name: str) -> None:
        """One more version of this id."""
        self._version += 1
        value, members = self._make(name, self._version)
        self._produce(name, value)
        self.state[name] = members

    def delete(self, name: str) -> None:
        """What Debezium writes of a deleted row, and the tombstone after it: the service knows no deletion."""
        self._produce(name, {"op": "d", "before": {"sku": name}, "after": None, "source": {}})
        self._produce(name, None)
        self.deleted += 2

    def _produce(self, name: str, value: Mapping[str, Any] | None) -> None:
        body = None if value is None else json.dumps(value).encode()
        while True:
            try:
                self._producer.produce(self.topic, body, name.encode())
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)

    def flush(self) -> None:
        assert self._producer.flush(60) == 0


def product(name: str, version: int) -> tuple[dict[str, Any], dict[str, Any]]:
    row = {"sku": name, "price": version, "tags": ["a", f"v{version}"]}
    members = {"itemId": name, "properties": {"price": version, "tags": f"a|v{version}"}}
    return {"op": "u", "before": None, "after": row, "source": {}}, members


def profile(name: str, version: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"id": name, "age": version}, {"userId": name, "properties": {"age": version}}


def add_pipelines(world: World, items: str, users: str) -> None:
    """The catalogue and the profiles beside the clicks."""
    config = world.config
    config["personalize"] |= {"region": "eu-west-1", "items_dataset_arn": ITEMS, "users_dataset_arn": USERS}
    config["delivery"]["rates"] = {"put_items": RATE, "put_users": RATE}
    put_items = {"itemId": "value.sku", "properties": {"price": "value.price", "tags": "value.tags"}}
    put_users = {"userId": "value.id", "properties": {"age": "value.age"}}
    config["pipelines"] += [
        {
            "name": "catalogue",
            "topics": [items],
            "value": {"envelope": "debezium"},
            "rules": [{"name": "product", "put_items": put_items}],
        },
        {"name": "profiles", "topics": [users], "rules": [{"name": "profile", "put_users": put_users}]},
    ]


def final_state(rows: list[dict[str, Any]], operation: str) -> dict[str, dict[str, Any]]:
    """What the service has of each id, and that no call held an id twice."""
    state: dict[str, dict[str, Any]] = {}
    in_call: set[tuple[int, str]] = set()
    for row in rows:
        if row.get("operation") == operation:
            assert (row["call"], row["id"]) not in in_call, "a call holds an id twice"
            in_call.add((row["call"], row["id"]))
            entry = dict(row["entry"])
            if "properties" in entry:
                entry["properties"] = json.loads(entry["properties"])
            state[row["id"]] = entry
    return state


def calls_of(rows: list[dict[str, Any]], operation: str) -> int:
    return len({row["call"] for row in rows if row.get("operation") == operation})


@pytest.mark.timeout(time_limit(180, 1200))
def test_a_shop_of_three_topics_ends_with_every_event_and_the_newest_of_every_item_and_user(
    make_world: Callable[..., World], chance: random.Random, report: Callable[..., None]
) -> None:
    world = make_world(faults={**QUIET, "fail_rate": 0.03, "reset_after_rate": 0.01})
    world.endpoint.control(quotas={"PutItems": RATE, "PutUsers": RATE})
    kafka = world.kafka
    items, users = (kafka.create_topic(kafka.unique_name(name), PARTITIONS) for name in ("catalogue", "profiles"))
    add_pipelines(world, items, users)
    catalogue, profiles = Rows(kafka, items, product), Rows(kafka, users, profile)
    ids, changes = scaled(600, 5_000), scaled(9_000, 200_000)
    world.feed(rate=300)
    for _ in range(2):
        world.join()
    for number in range(changes):
        catalogue.write(f"sku-{chance.randrange(ids)}")
        if number % 3 == 0:
            profiles.write(f"user-{chance.randrange(ids)}")
        if number % 500 == 499:
            catalogue.delete(f"gone-{number}")
        if number in {changes // 4, changes // 2, changes * 3 // 4}:
            world.wait_for_progress(200)
            world.kill(chance.choice(world.members))
            world.join()
    catalogue.flush()
    profiles.flush()
    world.wait_for_progress(500)
    world.join()  # a rebalance while datasets have a backlog
    world.wait(lambda: committed(kafka, world, items) and committed(kafka, world, users), 240, "all rows committed")
    figures = world.finish()
    rows = world.entries()
    assert final_state(rows, "PutItems") == catalogue.state
    assert final_state(rows, "PutUsers") == profiles.state
    assert not [value for headers, value in dead_letters_in(kafka, world.dead_letters) if of(headers, items, users)]
    fewest = -(-len(catalogue.state) // A_CALL)
    report(
        item_changes=changes,
        items=len(catalogue.state),
        item_calls=calls_of(rows, "PutItems"),
        fewest=fewest,
        **figures._asdict(),
    )


def of(headers: Mapping[str, str], *topics: str) -> bool:
    return headers["putevents.source.topic"] in topics


def committed(kafka: Kafka, world: World, topic: str) -> bool:
    """Whether all that is in the topic is committed."""
    done, ends = kafka.committed_offsets(world.config["kafka"]["group_id"], topic), kafka.end_offsets(topic)
    return all(done.get(partition, 0) >= end for partition, end in ends.items())


@pytest.mark.timeout(time_limit(120, 600))
def test_a_backlog_of_changes_takes_about_the_calls_that_its_items_need(
    make_world: Callable[..., World], chance: random.Random, report: Callable[..., None]
) -> None:
    world = make_world()
    world.endpoint.control(quotas={"PutItems": RATE, "PutUsers": RATE})
    kafka = world.kafka
    items, users = (kafka.create_topic(kafka.unique_name(name), PARTITIONS) for name in ("catalogue", "profiles"))
    add_pipelines(world, items, users)
    catalogue = Rows(kafka, items, product)
    ids, changes = scaled(2_000, 20_000), scaled(20_000, 400_000)
    for _ in range(changes):
        catalogue.write(f"sku-{chance.randrange(ids)}")
    catalogue.flush()
    world.feed(rate=300)
    member = world.join()
    member.wait_until_ready(60)
    consumed = "putevents_records_consumed_total"
    world.wait(lambda: member.metric(consumed, topic=items) >= changes, 240, "all changes read")
    early = world.endpoint.stats()["calls_by_operation"]["PutItems"]
    world.wait(lambda: committed(kafka, world, items), 240 + scaled(0, 400), "all changes committed")
    superseded = member.metric("putevents_events_total", operation="put_items", outcome="superseded")
    delivered = member.metric("putevents_events_total", operation="put_items", outcome="delivered")
    figures = world.finish()
    rows = world.entries()
    assert final_state(rows, "PutItems") == catalogue.state
    assert superseded + delivered == changes
    # What goes before the backlog is read may be replaced later; no call before that could have known.
    fewest = -(-len(catalogue.state) // A_CALL)
    calls = calls_of(rows, "PutItems")
    report(changes=changes, items=len(catalogue.state), calls=calls, early=early, fewest=fewest, **figures._asdict())
    assert calls - early <= 1.1 * fewest


@pytest.mark.timeout(time_limit(120, 300))
def test_a_wrong_dataset_stops_with_77_and_events_and_rows_are_all_there_after_it_is_mended(
    make_world: Callable[..., World],
) -> None:
    world = make_world(faults={"latency": "10ms"})
    kafka = world.kafka
    items, users = (kafka.create_topic(kafka.unique_name(name), PARTITIONS) for name in ("catalogue", "profiles"))
    add_pipelines(world, items, users)
    catalogue = Rows(kafka, items, product)
    for number in range(300):
        catalogue.write(f"sku-{number}")
    catalogue.flush()
    world.config["personalize"]["items_dataset_arn"] = ITEMS.replace("shop", "shoop")
    world.endpoint.control(dataset_arns=[ITEMS, USERS])
    member = world.join()
    world.members.remove(member)
    assert member.exit_code(60) == 77
    assert "personalize.items_dataset_arn" in member.logged()
    assert not dead_letters_in(kafka, world.dead_letters)
    assert not any(kafka.committed_offsets(world.config["kafka"]["group_id"], items).values())
    world.config["personalize"]["items_dataset_arn"] = ITEMS
    world.join()
    world.wait(lambda: committed(kafka, world, items), 120, "all rows committed")
    world.finish()
    assert final_state(world.entries(), "PutItems") == catalogue.state
