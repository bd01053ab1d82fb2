"""Traces as a collector gets them from the connector's process, and what that process does where nobody takes them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from connector.local.endpoint.server import running_endpoint
from connector.local.mock_cluster import MockCluster
from tests.processes import Connector, wait_until
from tests.wire.kafka import PATIENCE, produce, read_all
from tests.wire.web import running_web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from tests.wire.web import Web

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = [("traceparent", f"00-{TRACE}-{SPAN}-01".encode())]


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with MockCluster() as cluster:
        cluster.create_topic("clicks", 1)
        cluster.create_topic("clicks.dead", 1)
        yield cluster


def config(cluster: MockCluster, url: str) -> dict[str, Any]:
    members = {"sessionId": "value.session", "eventType": {"const": "View"}, "sentAt": {"const": 1_700_000_000}}
    return {
        "kafka": {
            "bootstrap_servers": cluster.bootstrap_servers,
            "group_id": "readers",
            "librdkafka": {"session.timeout.ms": 3000, "heartbeat.interval.ms": 100},
        },
        "personalize": {"tracking_id": "tracker-1", "endpoint_url": url},
        "delivery": {"linger": "10ms", "shutdown_timeout": "8s"},
        "dead_letter": {"topic": "clicks.dead"},
        "pipelines": [{"name": "web", "topics": ["clicks"], "rules": [{"name": "view", "put_events": members}]}],
    }


def spans(collector: Web) -> list[Span]:
    found: list[Span] = []
    for asked in collector.asked:
        request = ExportTraceServiceRequest.FromString(asked.body)
        found += [span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans]
    return found


def test_the_trace_of_a_record_reaches_the_collector_and_the_dead_letters(cluster: MockCluster, tmp_path: Path) -> None:
    with running_web() as collector, running_endpoint() as endpoint:
        file = config(cluster, endpoint.url)
        with Connector(tmp_path, file, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as connector:
            connector.wait_until_ready()
            produce(cluster.bootstrap_servers, "clicks", b'{"session": "SECRET"}', b"nonsense", headers=HEADERS)
            wait_until(lambda: endpoint.stats()["events"] == 1, PATIENCE, "the event", connector.running)
            (letter,) = read_all(cluster.bootstrap_servers, "clicks.dead", 1)
            assert connector.stop(20) == 0
        (span,) = spans(collector)
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
        assert [asked.target for asked in collector.asked] == ["/v1/traces"]
        assert b"SECRET" not in collector.asked[0].body
        assert dict(letter.headers() or ())["traceparent"] == HEADERS[0][1]


def test_a_collector_that_is_not_there_costs_two_seconds_of_the_exit_at_most(
    cluster: MockCluster, tmp_path: Path
) -> None:
    with running_endpoint() as endpoint:
        file = config(cluster, endpoint.url)
        nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY": "50"}
        with Connector(tmp_path, file, **nobody) as connector:
            connector.wait_until_ready()
            produce(cluster.bootstrap_servers, "clicks", b'{"session": "s"}', headers=HEADERS)
            wait_until(lambda: endpoint.stats()["events"] == 1, PATIENCE, "the event", connector.running)
            began = time.monotonic()
            assert connector.stop(20) == 0
        assert time.monotonic() - began < 6  # the two, and those of leaving the group on a busy machine
        messages = [json.loads(line)["message"] for line in connector.logged().splitlines()]
        assert messages[-1] == "stopped"
        assert not any("stopping took too long" in message for message in messages)
