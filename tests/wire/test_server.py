"""Probes and scrapes are answered, whoever else holds connections open."""

import http.client
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from connector.metrics import Metrics
from connector.server import MOST_CONNECTIONS, Health, Server


class Running:
    """A server, and what it believes."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.metrics.initialise(["clicks"], [("web", "view")])
        self.alive, self.ready = Health(True, "turning"), Health(False, "waiting to join the consumer group")
        self.server = Server("127.0.0.1", 0, self.metrics.registry, lambda: self.alive, lambda: self.ready)

    def ask(self, path: str, method: str = "GET", accept: str = "") -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        connection.request(method, path, headers={"Accept": accept})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers["Content-Type"], body


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.server.close()


def test_each_probe_says_whether_and_why(running: Running) -> None:
    assert running.ask("/livez") == (200, "text/plain; charset=utf-8", b"turning\n")
    assert running.ask("/readyz")[0::2] == (503, b"waiting to join the consumer group\n")
    running.alive, running.ready = Health(False, "stalled"), Health(True, "joined")
    assert [running.ask(path)[0] for path in ("/livez", "/readyz")] == [503, 200]


def test_a_query_does_not_matter(running: Running) -> None:
    assert running.ask("/livez?verbose=1")[0] == 200


@pytest.mark.parametrize(
    ("accept", "parse"),
    [("", parse_text), ("application/openmetrics-text; version=1.0.0", parse_openmetrics)],
)
def test_metrics_are_what_prometheus_reads(
    running: Running, accept: str, parse: Callable[[str], Iterator[object]]
) -> None:
    status, content_type, body = running.ask("/metrics", accept=accept)
    assert status == 200
    assert content_type.startswith("application/openmetrics-text" if accept else "text/plain")
    names = {getattr(family, "name", "") for family in parse(body.decode())}
    plain = {name.removesuffix("_total").removesuffix("_info") for name in names}
    assert {"putevents_records", "putevents_build"} <= plain


@pytest.mark.parametrize("path", ["/", "/metrics/", "/livez/../etc", "/admin", "/%6civez"])
def test_other_paths_are_not_found(running: Running, path: str) -> None:
    assert running.ask(path)[0] == 404


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_other_methods_are_refused(running: Running, method: str) -> None:
    status, _, body = running.ask("/livez", method)
    assert status in {405, 501}
    assert b"turning" not in body


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"G" * 70_000, b"\r\n" * 10])
def test_noise_does_no_harm(running: Running, noise: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running.server.port), timeout=5) as client:
        client.sendall(noise)
    assert running.ask("/livez")[0] == 200


def test_no_number_of_slow_clients_keeps_a_probe_away(running: Running) -> None:
    slow = []
    for _ in range(3 * MOST_CONNECTIONS):
        client = socket.create_connection(("127.0.0.1", running.server.port), timeout=5)
        client.sendall(b"GET /met")
        slow.append(client)
    started = time.monotonic()
    assert running.ask("/livez")[0] == 200
    assert time.monotonic() - started < 2
    for client in slow:
        client.close()


def test_a_client_that_is_pushed_out_is_told_by_the_end_of_its_connection(running: Running) -> None:
    first = socket.create_connection(("127.0.0.1", running.server.port), timeout=5)
    others = [
        socket.create_connection(("127.0.0.1", running.server.port), timeout=5) for _ in range(MOST_CONNECTIONS + 1)
    ]
    assert first.recv(1) == b""
    for client in (first, *others):
        client.close()


def test_a_taken_port_is_an_error_of_the_system(running: Running) -> None:
    with pytest.raises(OSError, match="in use"):
        Server("127.0.0.1", running.server.port, running.metrics.registry, lambda: running.alive, lambda: running.ready)


def test_a_host_may_be_of_ipv6() -> None:
    try:
        server = Server("::1", 0, Metrics().registry, lambda: Health(True, ""), lambda: Health(True, ""))
    except OSError:
        pytest.skip("no IPv6 here")
    with socket.create_connection(("::1", server.port), timeout=5) as client:
        client.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        assert client.recv(12).startswith(b"HTTP/1.0 200")
    server.close()
