"""Traces as a collector gets them from the connector's process, and what that process does where nobody takes them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from connector.local.endpoint.server import running_endpoint
from connector.local.mock_cluster import MockCluster
from tests.support.config_files import run_config
from tests.support.http_server import running_http_server
from tests.support.mock_cluster import FAILS_AFTER, produce, read_all
from tests.support.processes import Connector, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from tests.support.http_server import HttpServer

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = [("traceparent", f"00-{TRACE}-{SPAN}-01".encode())]


def spans(collector: HttpServer) -> list[Span]:
    found: list[Span] = []
    for request in collector.requests:
        export = ExportTraceServiceRequest.FromString(request.body)
        found += [span for each in export.resource_spans for scope in each.scope_spans for span in scope.spans]
    return found


def test_the_trace_of_a_record_reaches_the_collector_and_the_dead_letters(cluster: MockCluster, tmp_path: Path) -> None:
    with running_http_server() as collector, running_endpoint() as endpoint:
        file = run_config(cluster.bootstrap_servers, endpoint.url)
        with Connector(tmp_path, file, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as connector:
            connector.wait_until_ready()
            produce(cluster.bootstrap_servers, "clicks", b'{"session": "SECRET"}', b"nonsense", headers=HEADERS)
            wait_until(lambda: endpoint.stats()["events"] == 1, FAILS_AFTER, "the event", connector.running)
            (letter,) = read_all(cluster.bootstrap_servers, "clicks.dead", 1)
            assert connector.stop(20) == 0
        (span,) = spans(collector)
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
        assert [request.target for request in collector.requests] == ["/v1/traces"]
        assert b"SECRET" not in collector.requests[0].body
        assert dict(letter.headers() or ())["traceparent"] == HEADERS[0][1]


def test_a_collector_that_is_not_there_costs_two_seconds_of_the_exit_at_most(
    cluster: MockCluster, tmp_path: Path
) -> None:
    with running_endpoint() as endpoint:
        file = run_config(cluster.bootstrap_servers, endpoint.url)
        nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY": "50"}
        with Connector(tmp_path, file, **nobody) as connector:
            connector.wait_until_ready()
            produce(cluster.bootstrap_servers, "clicks", b'{"session": "s"}', headers=HEADERS)
            wait_until(lambda: endpoint.stats()["events"] == 1, FAILS_AFTER, "the event", connector.running)
            began = time.monotonic()
            assert connector.stop(20) == 0
        assert time.monotonic() - began < 6  # the two, and those of leaving the group on a busy machine
        messages = [json.loads(line)["message"] for line in connector.logged().splitlines()]
        assert messages[-1] == "stopped"
        assert not any("stopping took too long" in message for message in messages)
