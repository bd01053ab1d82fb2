"""One process sends events, items and users: each is seen, and refused, under its own operation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.records import TopicPartition
from tests.support.batches import ARN
from tests.support.config_files import VIEW, run_config
from tests.support.mock_cluster import committed, end_of, produce
from tests.support.processes import Connector, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from connector.local.endpoint.server import Endpoint
    from connector.local.mock_cluster import MockCluster

pytestmark = pytest.mark.usefixtures("aws")

PATIENCE = 30.0
USERS = ARN.replace("ITEMS", "USERS")
ITEM = {"name": "item", "put_items": {"itemId": "value.id", "properties": {"price": "value.price"}}}
USER = {"name": "user", "put_users": {"userId": "value.id", "properties": {"tier": "value.tier"}}}
SECRET = "jane-doe-4711"
ROWS = {("put_events", "tracker-1"), ("put_items", "shop/ITEMS"), ("put_users", "shop/USERS")}


def configuration(cluster: MockCluster, endpoint: Endpoint) -> dict[str, Any]:
    config = run_config(
        cluster.bootstrap_servers,
        endpoint.url,
        personalize={"items_dataset_arn": ARN, "users_dataset_arn": USERS, "region": "eu-west-1"},
        server={"linger_after_refusal": "0s"},
    )
    config["pipelines"] = [
        {"name": "web", "topics": ["clicks"], "rules": [VIEW]},
        {"name": "catalogue", "topics": ["items"], "rules": [ITEM]},
        {"name": "profiles", "topics": ["users"], "rules": [USER]},
    ]
    return config


def fill(cluster: MockCluster) -> None:
    servers = cluster.bootstrap_servers
    for topic in ("items", "users"):
        cluster.create_topic(topic, 1)
    produce(servers, "clicks", *[json.dumps({"session": f"s-{number}"}).encode() for number in range(5)])
    produce(servers, "items", *[json.dumps({"id": f"i-{number}", "price": 1}).encode() for number in range(5)])
    produce(servers, "users", json.dumps({"id": SECRET, "tier": "gold"}).encode())


def delivered(connector: Connector, operation: str) -> float:
    return connector.metric("putevents_events_total", operation=operation, outcome="delivered")


def rows(connector: Connector) -> set[tuple[str, str]]:
    """The destinations of the page, by operation and name."""
    return {(each["operation"], each["name"]) for each in json.loads(connector.get("/?format=json")[1])["pace"]}


def states(connector: Connector) -> list[tuple[str, str]]:
    page = json.loads(connector.get("/?format=json")[1])
    return [(each["kind"], each["detail"]) for each in (page["state"], *page["also"])]


def test_every_operation_is_delivered_counted_and_shown_by_its_name(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    fill(cluster)
    with Connector(tmp_path, configuration(cluster, endpoint)) as connector:
        connector.wait_until_ready()
        for operation, count in (("put_events", 5), ("put_items", 5), ("put_users", 1)):
            wait_until(lambda: delivered(connector, operation) == count, PATIENCE, operation, connector.running)  # noqa: B023
        wait_until(lambda: rows(connector) == ROWS, PATIENCE, "the page looks", connector.running)
        page = json.loads(connector.get("/?format=json")[1])
        pages = connector.get("/")[1] + connector.get("/metrics")[1] + str(page)
        assert connector.stop(PATIENCE) == 0
        [started] = [line for line in map(json.loads, connector.logged().splitlines()) if "setup" in line]
    assert page["setup"]["rates"] == [["PutEvents", 1000.0], ["PutUsers", 10.0], ["PutItems", 10.0]]
    assert 'operation="put_actions"' not in pages, "what no rule uses has no series"
    assert SECRET not in pages
    assert SECRET not in connector.logged()
    assert started["setup"]["datasets"] == ["shop/USERS", "shop/ITEMS"]
    assert started["setup"]["calls_a_second"] == "put_events 1000, put_users 10, put_items 10, up to 64 in flight"
    assert endpoint.state() == {
        ARN: {f"i-{number}": {"itemId": f"i-{number}", "properties": '{"price":1}'} for number in range(5)},
        USERS: {SECRET: {"userId": SECRET, "properties": '{"tier":"gold"}'}},
    }


def test_a_wrong_arn_ends_with_77_and_its_setting_and_nothing_is_dead_lettered_or_committed_past(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.control({"dataset_arns": [USERS]})
    fill(cluster)
    with Connector(tmp_path, configuration(cluster, endpoint)) as connector:
        assert connector.exit_code(PATIENCE) == 77
        last = json.loads(connector.logged().splitlines()[-1])
    assert last["code"] == "ResourceNotFoundException"
    assert "check personalize.items_dataset_arn" in last["what_to_do"]
    [offset] = committed(cluster.bootstrap_servers, TopicPartition("items", 0))
    assert offset <= 0
    assert end_of(cluster.bootstrap_servers, "clicks.dead") == 0


def test_a_busy_dataset_delays_no_click_and_is_told_by_its_name(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.control({"datasets": {ARN: {"busy": True}}})
    fill(cluster)
    with Connector(tmp_path, configuration(cluster, endpoint)) as connector:
        connector.wait_until_ready()
        wait_until(lambda: delivered(connector, "put_events") == 5, PATIENCE, "clicks", connector.running)
        wait_until(lambda: "a dataset is busy" in connector.logged(), PATIENCE, "the line", connector.running)
        busy = ("dataset_busy", "PutItems to dataset shop/ITEMS")
        wait_until(lambda: busy in states(connector), PATIENCE, "the state", connector.running)
        assert delivered(connector, "put_items") == 0
        endpoint.control({"datasets": None})
        wait_until(lambda: delivered(connector, "put_items") == 5, PATIENCE, "items", connector.running)
        assert connector.stop(PATIENCE) == 0
    lines = [json.loads(line) for line in connector.logged().splitlines()]
    said = [(line["message"], line["operation"], line["dataset"]) for line in lines if "dataset" in line]
    assert [each[0] for each in said][:1] == [
        "a dataset is busy and takes nothing; nothing is lost, one call at a time asks again"
    ]
    assert {each[1:] for each in said} == {("put_items", "shop/ITEMS")}
