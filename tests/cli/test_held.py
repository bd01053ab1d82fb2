"""`putevents lag` names the pipelines that are held, from what a connector committed: while it runs, and afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from connector.cli import main
from connector.exits import Exit
from tests.support.mock_cluster import produce
from tests.support.processes import Connector, wait_until
from tests.support.renamed import MENDED, OLD, configuration

if TYPE_CHECKING:
    from pathlib import Path

    from connector.local.endpoint.server import Endpoint
    from connector.local.mock_cluster import MockCluster

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("logs_as_before", "aws")]

NAMES = {"web": "clicks-web", "shop": "clicks-shop", "dead": "dead"}
CAUSE = {"pipeline": "web", "reason": "missing_member", "rule": "view", "member": "itemId"}
Capture = pytest.CaptureFixture[str]


class World:
    """Two topics of two partitions, and the connector's file."""

    def __init__(self, cluster: MockCluster, endpoint: Endpoint, folder: Path) -> None:
        self.bootstrap_servers = cluster.bootstrap_servers
        for name in ("web", "shop"):
            cluster.create_topic(NAMES[name], 2)
        cluster.create_topic(NAMES["dead"], 1)
        self._url, self._folder = endpoint.url, folder

    def config(self, item: str) -> dict[str, Any]:
        config = configuration(self, NAMES, self._url, item, {"of_last": 20})
        config["kafka"]["group_id"] = "readers"
        config["delivery"]["commit_interval"] = "100ms"
        return config

    def write(self, name: str, field: str, count: int, partition: int = 0) -> None:
        value = json.dumps({"id": None, "session": "jane", field: "item-1", "at": 1_795_509_011}).encode()
        produce(self.bootstrap_servers, NAMES[name], *[value] * count, partition=partition)

    def connector(self, name: str, item: str = OLD) -> Connector:
        return Connector(self._folder, self.config(item), name)

    def lag(self, *options: str) -> int:
        path = self._folder / "lag.yaml"
        path.write_text(yaml.safe_dump(self.config(OLD)))
        return main(["lag", str(path), "--interval", "100ms", *options])


@pytest.fixture
def world(cluster: MockCluster, endpoint: Endpoint, tmp_path: Path) -> World:
    return World(cluster, endpoint, tmp_path)


def held_of(capsys: Capture, world: World) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert world.lag("--output", "json") == Exit.OK
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["held_pipelines"]
    return found


def test_a_held_pipeline_is_named_with_its_cause_while_it_is_held_and_no_longer(world: World, capsys: Capture) -> None:
    world.write("web", "product_id", 100)
    world.write("web", "productId", 100)
    world.write("shop", "product_id", 10)
    with world.connector("first") as connector:
        connector.wait_until_ready()
        wait_until(lambda: connector.metric("putevents_pipeline_held", pipeline="web") == 1, 60, "it is held")
        wait_until(lambda: held_of(capsys, world) != [], 60, "it is noted", connector.running)
        assert held_of(capsys, world) == [{**CAUSE, "since": "clicks-web-0@100"}]
        assert connector.stop(30) == 0
    assert world.lag() == Exit.OK
    out = capsys.readouterr().out
    assert "\npipeline web is held: missing_member in rule view, member itemId, since clicks-web-0@100\n" in out
    assert "jane" not in out
    with world.connector("second", MENDED) as connector:
        wait_until(lambda: held_of(capsys, world) == [], 60, "it goes on", connector.running)
        assert connector.stop(30) == 0
    assert world.lag("--output", "json") == Exit.OK
    assert json.loads(capsys.readouterr().out)["lag_records"] == 0
