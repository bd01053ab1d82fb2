"""The schema registry of the file: asked by ``run`` and ``map`` for what records need, and waited for."""

import base64
import functools
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli import mapping
from connector.core.records import TopicPartition
from connector.local.endpoint.server import Endpoint
from connector.local.mock_cluster import MockCluster
from connector.registry.fetching import CONFIRMATIONS
from connector.schema_wait import SchemaWait
from tests.cli.test_commands import Line, line  # noqa: F401  a fixture
from tests.support.config_files import build, run_config
from tests.support.http_server import HttpServer, Request, Response
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


@pytest.mark.usefixtures("aws")
def test_an_unknown_id_is_a_dead_letter_of_its_own_and_all_others_are_delivered(
    cluster: MockCluster, endpoint: Endpoint, registry: HttpServer, tmp_path: Path
) -> None:
    produce(cluster.bootstrap_servers, "clicks", framed("a"), framed("SECRET", schema=8), framed("c"))
    with Connector(tmp_path, run_with(cluster, endpoint, registry)) as connector:
        wait_until(lambda: committed(cluster.bootstrap_servers, P0) == [3], PATIENCE, "committed", connector.running)
        assert connector.metric("putevents_dead_letter_records_total", reason="unknown_schema") == 1
        assert connector.metric("putevents_schema_registry_requests_total", outcome="not_found") == CONFIRMATIONS
        assert connector.stop(PATIENCE) == 0
        logged = connector.logged()
    assert [row.session_id for row in endpoint.accepted()] == ["a", "c"]
    assert "it does not have schema 8" in logged
    assert "SECRET" not in logged


@pytest.mark.usefixtures("aws")
def test_a_registry_that_refuses_in_the_middle_ends_the_process_with_77_and_what_is_known_delivered(
    cluster: MockCluster, endpoint: Endpoint, schemas: Schemas, registry: HttpServer, tmp_path: Path
) -> None:
    produce(cluster.bootstrap_servers, "clicks", framed("a"))
    config = run_with(cluster, endpoint, registry)
    config["server"] = {"linger_after_refusal": "60s"}  # as by default: Prometheus is to see why
    with Connector(tmp_path, config) as connector:
        wait_until(lambda: committed(cluster.bootstrap_servers, P0) == [1], PATIENCE, "committed", connector.running)
        schemas.fault = lambda _: error(401, 40101)
        produce(cluster.bootstrap_servers, "clicks", framed("b"), framed("c", schema=8), framed("d"))

        def refused() -> bool:
            return connector.metric("putevents_refused", by="schema_registry") == 1

        wait_until(refused, PATIENCE, "refused", connector.running)
        assert connector.get("/readyz")[0] == 503
        assert connector.stop(PATIENCE) == 77
        last = json.loads(connector.logged().splitlines()[-1])
    assert last["exit_code"] == 77
    assert "schema registry" in last["message"]
    # What was being sent when the registry refused is left to the next process; what nobody can read yet is, always.
    assert [row.session_id for row in endpoint.accepted()] in (["a"], ["a", "b"])
    assert committed(cluster.bootstrap_servers, P0) in ([1], [2])


@pytest.mark.usefixtures("aws")
def test_while_a_registry_is_slow_the_member_is_ready_others_go_on_and_the_page_says_what_waits(
    cluster: MockCluster, endpoint: Endpoint, schemas: Schemas, registry: HttpServer, tmp_path: Path
) -> None:
    answer = threading.Event()

    def slow(request: Request) -> None:
        if request.path.endswith("/8"):
            answer.wait(PATIENCE)

    schemas.add(8, CLICK)
    schemas.fault = slow
    servers = cluster.bootstrap_servers
    cluster.create_topic("orders", 1)
    config = run_with(cluster, endpoint, registry)
    config["pipelines"][0]["topics"] = ["clicks", "orders"]
    produce(servers, "clicks", framed("a"), framed("b", schema=8), framed("c"))
    try:
        with Connector(tmp_path, config) as connector:
            waiting = "putevents_schema_waiting_partitions"
            connector.wait_until_ready()
            wait_until(lambda: connector.metric(waiting) == 1, PATIENCE, "a partition waits", connector.running)
            produce(servers, "orders", framed("other"))
            orders = TopicPartition("orders", 0)
            wait_until(lambda: committed(servers, orders) == [1], PATIENCE, "the other topic", connector.running)
            assert [connector.get(path)[0] for path in ("/livez", "/readyz")] == [200, 200]
            status = json.loads(connector.get("/?format=json")[1])
            assert status["schema_registry"]["waiting_partitions"] == 1
            assert status["schema_registry"]["waits_for"] == ["schema 8"]
            answer.set()
            wait_until(lambda: committed(servers, P0) == [3], PATIENCE, "committed", connector.running)
            wait_until(lambda: connector.metric(waiting) == 0, PATIENCE, "no partition waits", connector.running)
            assert connector.stop(PATIENCE) == 0
    finally:
        answer.set()
    sessions = [row.session_id for row in endpoint.accepted()]
    assert [each for each in sessions if each != "other"] == ["a", "b", "c"]


@pytest.mark.usefixtures("aws")
def test_a_password_that_is_rotated_is_used_for_the_next_schema_without_a_restart(
    cluster: MockCluster, endpoint: Endpoint, schemas: Schemas, registry: HttpServer, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("old-secret")
    valid = ["old-secret"]

    def guarded(request: Request) -> Response | None:
        given = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        return None if given == f"key:{valid[0]}" else error(401, 40101)

    schemas.add(8, CLICK)
    schemas.fault = guarded
    config = run_with(cluster, endpoint, registry)
    config["schema_registry"]["auth"] = {"type": "basic", "username": "key", "password": {"file": str(password)}}
    produce(cluster.bootstrap_servers, "clicks", framed("a"))
    with Connector(tmp_path, config) as connector:
        wait_until(lambda: committed(cluster.bootstrap_servers, P0) == [1], PATIENCE, "committed", connector.running)
        valid[0] = "new-secret"
        password.write_text("new-secret")
        produce(cluster.bootstrap_servers, "clicks", framed("b", schema=8))
        wait_until(lambda: committed(cluster.bootstrap_servers, P0) == [2], PATIENCE, "committed", connector.running)
        assert connector.stop(PATIENCE) == 0
        logged = connector.logged()
    assert [row.session_id for row in endpoint.accepted()] == ["a", "b"]
    assert "old-secret" not in logged
    assert "new-secret" not in logged
