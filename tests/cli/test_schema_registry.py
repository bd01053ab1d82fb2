"""The schema registry of the file: asked by ``run`` and ``map`` for what records need, and waited for."""

import base64
import functools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli import mapping
from connector.core.records import TopicPartition
from connector.local.endpoint.server import Endpoint
from connector.local.mock_cluster import MockCluster
from connector.schema_wait import SchemaWait
from tests.cli.test_commands import Line, line  # noqa: F401  a fixture
from tests.support.config_files import build, run_config
from tests.support.http_server import HttpServer
from tests.support.mock_cluster import committed, produce
from tests.support.processes import Connector, wait_until
from tests.support.registry import CLICK, Schemas, error, running_registry

P0 = TopicPartition("clicks", 0)
PATIENCE = 30.0
PIPELINES = """\
pipelines:
  - name: web
    topics: [clicks]
    value: {format: avro}
    rules:
      - name: view
        put_events: {sessionId: value.session, eventType: {const: View}, sentAt: {const: 1700000000}}
"""


def framed(session: str, schema: int = 7) -> bytes:
    text = session.encode()
    return b"\x00" + schema.to_bytes(4, "big") + bytes([len(text) * 2]) + text


def lines(*values: bytes) -> bytes:
    return b"".join(base64.b64encode(value) + b"\n" for value in values)


@pytest.fixture
def schemas() -> Schemas:
    held = Schemas()
    held.add(7, CLICK)
    return held


@pytest.fixture
def registry(schemas: Schemas) -> Iterator[HttpServer]:
    with running_registry(schemas) as server:
        yield server


@pytest.fixture
def config(registry: HttpServer, tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(build(pipelines=PIPELINES) + f"schema_registry: {{url: '{registry.url}'}}\n")
    return str(path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "SchemaWait", functools.partial(SchemaWait, seconds=0.3))


def test_map_asks_the_registry_once_for_each_schema(line: Line, config: str, registry: HttpServer) -> None:  # noqa: F811
    ran = line("map", config, "--encoding", "base64", "--explain", stdin=lines(framed("s1"), framed("s2")))
    assert [shown["calls"][0]["sessionId"] for shown in ran.lines] == ["s1", "s2"]
    assert (ran.code, len(registry.requests)) == (0, 1)


def test_map_asks_for_nothing_where_no_record_needs_it(line: Line, config: str, registry: HttpServer) -> None:  # noqa: F811
    ran = line("map", config, "--records", stdin=b'{"key":"k"}\n{"value":"{}"}\n')
    assert [shown["outcome"] for shown in ran.lines] == ["skipped", "dead_letter"]
    assert registry.requests == []


@pytest.mark.usefixtures("impatient")
def test_map_ends_with_69_where_the_registry_does_not_answer(line: Line, config: str, schemas: Schemas) -> None:  # noqa: F811
    schemas.fault = lambda _: error(503, 50003)
    ran = line("map", config, "--encoding", "base64", stdin=lines(framed("SECRET")))
    assert (ran.code, ran.out) == (69, "")
    assert "the schema registry did not give schema 7 within 0.3 s" in ran.err
    assert "503" in ran.err
    assert "SECRET" not in ran.err


def test_map_ends_with_77_where_the_registry_refuses(line: Line, config: str, schemas: Schemas) -> None:  # noqa: F811
    schemas.fault = lambda _: error(403, 40301)
    ran = line("map", config, "--encoding", "base64", stdin=lines(framed("s1")))
    assert (ran.code, ran.out) == (77, "")
    assert "the schema registry refuses to give schema 7: " in ran.err
    assert "Traceback" not in ran.err


def test_no_registry_is_opened_for_a_file_whose_pipelines_need_none(
    line: Line,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "connector.cli.schemas", None)  # its import would fail
    path = tmp_path / "config.yaml"
    path.write_text(build() + "schema_registry: {url: 'http://127.0.0.1:1'}\n")
    assert line("map", str(path), stdin=b'{"session":"s"}\n').lines[0]["outcome"] == "mapped"


# -- run ------------------------------------------------------------------------------------------------------


def run_with(cluster: MockCluster, endpoint: Endpoint, registry: HttpServer) -> dict[str, Any]:
    config = run_config(cluster.bootstrap_servers, endpoint.url)
    config["pipelines"][0]["value"] = {"format": "avro"}
    return {**config, "schema_registry": {"url": registry.url}}


@pytest.mark.usefixtures("aws")
def test_records_wait_for_a_registry_that_is_away_and_are_delivered_in_order_when_it_is_back(
    cluster: MockCluster, endpoint: Endpoint, schemas: Schemas, registry: HttpServer, tmp_path: Path
) -> None:
    schemas.fault = lambda _: error(503, 50003)
    produce(cluster.bootstrap_servers, "clicks", framed("a"), framed("b"), framed("c"))
    with Connector(tmp_path, run_with(cluster, endpoint, registry)) as connector:
        wait_until(lambda: len(registry.requests) > 1, PATIENCE, "asked again", connector.running)
        assert endpoint.accepted() == []
        schemas.fault = lambda _: None
        wait_until(lambda: committed(cluster.bootstrap_servers, P0) == [3], PATIENCE, "committed", connector.running)
        assert connector.metric("putevents_records_total", outcome="dead_lettered", topic="clicks") == 0
        assert connector.stop(PATIENCE) == 0
    assert [row.session_id for row in endpoint.accepted()] == ["a", "b", "c"]


@pytest.mark.usefixtures("aws")
def test_a_registry_that_refuses_ends_the_process_with_77_and_nothing_committed(
    cluster: MockCluster, endpoint: Endpoint, schemas: Schemas, registry: HttpServer, tmp_path: Path
) -> None:
    schemas.fault = lambda _: error(401, 401)
    produce(cluster.bootstrap_servers, "clicks", framed("a"))
    with Connector(tmp_path, run_with(cluster, endpoint, registry)) as connector:
        assert connector.exit_code(PATIENCE) == 77
        last = json.loads(connector.logged().splitlines()[-1])
    assert last["exit_code"] == 77
    assert "schema registry" in last["message"]
    assert max(committed(cluster.bootstrap_servers, P0)) <= 0
