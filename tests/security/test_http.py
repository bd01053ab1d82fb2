"""The HTTP server shows four pages to whoever asks for one, and costs little whoever asks."""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING

import pytest

from connector.metrics import Metrics
from connector.server import ASKING, MOST_CONNECTIONS, Health, Server
from connector.status import Answers
from tests.support.views import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVE = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def port() -> Iterator[int]:
    health = Health(True, "well")
    home = Answers(lambda: EMPTY)
    server = Server("127.0.0.1", 0, Metrics().registry, lambda: health, lambda: health, home)
    yield server.port
    server.close()


def answer(port: int, request: bytes) -> bytes:
    """All that comes until the server hangs up; so this returns only where it does."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as client:
        client.settimeout(15)
        received = b""
        try:
            client.sendall(request)
            while piece := client.recv(65_536):
                received += piece
        except (BrokenPipeError, ConnectionResetError):  # it may hang up before it has read all
            pass
        return received


@pytest.mark.parametrize("path", ["/", "/?format=json", "/livez", "/readyz", "/metrics", "/metrics?name[]=x"])
def test_the_four_pages_are_there_and_the_connection_ends(port: int, path: str) -> None:
    assert b" 200 " in answer(port, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/config",
        "/debug",
        "/metrics/../etc/passwd",
        "/%2e%2e/etc/passwd",
        "*",
        "http://a/livez",
        "/livez\x00",
    ],
)
def test_nothing_else_is_there(port: int, path: str) -> None:
    first = answer(port, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).partition(b"\r\n")[0]
    assert b" 404 " in first or b" 400 " in first


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "NOPE"])
def test_other_methods_are_refused_and_the_connection_ends(port: int, method: str) -> None:
    head = f"{method} /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n".encode()
    assert b" 405 " in answer(port, head).partition(b"\r\n")[0]
    received = answer(port, head + b"x")  # a body that nobody reads may cut the answer off
    assert received == b"" or b" 405 " in received.partition(b"\r\n")[0]
    assert b"well" not in received


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b" 414 "),
        (b"GET /livez HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b" 431 "),
        (b"GET /livez HTTP/1.1\r\n" + b"X: a\r\n" * 500 + b"\r\n", b" 431 "),
    ],
    ids=["long line", "long header", "many headers"],
)
def test_a_request_that_is_too_much_is_refused(port: int, request_bytes: bytes, status: bytes) -> None:
    received = answer(port, request_bytes)
    assert received == b"" or status in received.partition(b"\r\n")[0]  # it need not read all, and may cut itself off
    assert b" 200 " in answer(port, LIVE).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /livez HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", b" 431 "),
        (b"GET /livez HTTP/9.9\r\n\r\n", b" 505 "),
        (b"GET /livez nonsense\r\n\r\n", b" 400 "),
    ],
    ids=["many headers", "version", "nonsense"],
)
def test_a_request_that_is_read_and_makes_no_sense_is_answered(port: int, request_bytes: bytes, status: bytes) -> None:
    assert status in answer(port, request_bytes).partition(b"\r\n")[0]


def test_clients_that_send_a_byte_at_a_time_keep_no_probe_away(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(2 * MOST_CONNECTIONS)]
    for number in range(3):
        for client in slow:
            try:
                client.send(LIVE[number : number + 1])
            except OSError:  # pushed out by a later one
                continue
        began = time.monotonic()
        assert b" 200 " in answer(port, LIVE).partition(b"\r\n")[0]
        assert time.monotonic() - began < 3
    for client in slow:
        client.close()


def test_an_answer_tells_no_version_of_what_runs_here(port: int) -> None:
    received = answer(port, LIVE) + answer(port, b"GET /nope HTTP/1.1\r\n\r\n")
    assert b"Python" not in received
    assert b"BaseHTTP" not in received


def test_what_a_client_sends_comes_back_as_no_markup(port: int) -> None:
    for request in (
        b"GET /<script> HTTP/1.1\r\n\r\n",
        b"<script> /livez HTTP/1.1\r\n\r\n",
        b"GET /livez <script>\r\n\r\n",
        b"GET /?format=<script>planted HTTP/1.1\r\nAccept: <script>planted\r\n\r\n",
    ):
        head, _, body = answer(port, request).partition(b"\r\n\r\n")
        assert b"<script>planted" not in body
        assert b"<script>" not in body or b"Content-Security-Policy: default-src 'none'" in head


def test_clients_that_trickle_for_as_long_as_they_may_keep_no_probe_away(port: int) -> None:
    """Each holds a thread for the seconds that it has for its request; probes come in between."""
    slow = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(MOST_CONNECTIONS - 1)]
    ends = time.monotonic() + ASKING + 3
    slowest = 0.0
    still = list(slow)
    while still and time.monotonic() < ends:
        answered = select.select(still, [], [], 0.05)[0]  # as slow as their bytes may come
        for client in list(still):
            try:
                client.send(b"X")
                if client in answered and not client.recv(1000):
                    still.remove(client)
            except OSError:
                still.remove(client)
        began = time.monotonic()
        assert b" 200 " in answer(port, LIVE).partition(b"\r\n")[0]
        slowest = max(slowest, time.monotonic() - began)
    for client in slow:
        client.close()
    assert still == [], "a client that trickles is let go"
    assert slowest < 2
