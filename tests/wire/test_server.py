"""Probes and scrapes are answered, whoever else holds connections open."""

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from structlog.testing import capture_logs

from connector import server
from connector.metrics import Metrics
from connector.server import MOST_BYTES, MOST_CONNECTIONS, Asked, Health, Page, Server

LIVE = b"GET /livez HTTP/1.1\r\nHost: a\r\n"


class Running:
    """A server, and what it believes."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.metrics.initialise(["clicks"], [("web", "view")])
        self.alive, self.ready = Health(True, "turning"), Health(False, "waiting to join the consumer group")
        self.home: Callable[[Asked], Page] = lambda asked: Page(HTTPStatus.OK, "text/html", str(asked).encode())
        self.server = Server(
            "127.0.0.1",
            0,
            self.metrics.registry,
            lambda: self.alive,
            lambda: self.ready,
            lambda asked: self.home(asked),  # noqa: PLW0108  tests change it
        )

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=10)

    def headers(self, path: str, method: str = "GET") -> dict[str, str]:
        with self.connect() as client:
            client.sendall(f"{method} {path} HTTP/1.1\r\n\r\n".encode())
            head = all_of(client).partition(b"\r\n\r\n")[0].decode()
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in head.splitlines()[1:])}

    def ask(self, path: str, method: str = "GET", accept: str = "") -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        connection.request(method, path, headers={"Accept": accept})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers["Content-Type"], body


def all_of(client: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    received = b""
    try:
        while piece := client.recv(65_536):
            received += piece
    except ConnectionResetError:  # it need not read what it refuses
        pass
    return received


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


@pytest.mark.parametrize("path", ["/index.html", "/metrics/", "/livez/../etc", "/admin", "/%6civez"])
def test_other_paths_are_not_found(running: Running, path: str) -> None:
    assert running.ask(path)[0] == 404


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "NOPE"])
def test_other_methods_are_refused_and_told_which_ones_are_not(running: Running, method: str, path: str) -> None:
    status, _, body = running.ask(path, method)
    assert (status, body) == (405, b"expected GET or HEAD\n")
    assert running.headers(path, method)["allow"] == "GET, HEAD"


def test_another_method_on_an_unknown_path_is_not_found(running: Running) -> None:
    assert running.ask("/nope", "POST")[0] == 404


@pytest.mark.parametrize("path", ["/", "/livez", "/metrics", "/nope"])
def test_head_is_get_without_the_body(running: Running, path: str) -> None:
    with running.connect() as client:
        client.sendall(f"HEAD {path} HTTP/1.1\r\n\r\n".encode())
        head, _, body = all_of(client).partition(b"\r\n\r\n")
    status, content_type, content = running.ask(path)
    assert head.startswith(f"HTTP/1.0 {status} ".encode())
    assert f"Content-Type: {content_type}".encode() in head
    assert path == "/metrics" or f"Content-Length: {len(content)}".encode() in head
    assert body == b""


def test_the_home_page_is_told_what_was_asked(running: Running) -> None:
    assert running.ask("/?format=json&x=1", accept="text/html") == (
        200, "text/html", b"Asked(query='format=json&x=1', accept='text/html')",
    )  # fmt: skip


def test_a_server_without_a_home_page_has_none() -> None:
    lonely = Server("127.0.0.1", 0, Metrics().registry, lambda: Health(True, ""), lambda: Health(True, ""))
    connection = http.client.HTTPConnection("127.0.0.1", lonely.port, timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().status == 404
    connection.close()
    lonely.close()


@pytest.mark.parametrize("path", ["/", "/livez", "/metrics", "/nope", "/ nonsense"])
def test_every_answer_is_of_this_moment_and_nobody_elses_to_embed(running: Running, path: str) -> None:
    headers = running.headers(path)
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_a_page_that_cannot_be_made_is_an_answer_and_a_line_of_the_log(running: Running) -> None:
    def broken(_: Asked) -> Page:
        raise ValueError

    running.home = broken
    with capture_logs() as lines:
        assert running.ask("/")[0] == 500
        running.server.close()
    assert [line["event"] for line in lines] == ["a page could not be made: a bug of the connector"]


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"G" * 70_000, b"\r\n" * 10])
def test_noise_does_no_harm(running: Running, noise: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running.server.port), timeout=5) as client:
        client.sendall(noise)
    assert running.ask("/livez")[0] == 200


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00 hunter2\x01\n\r\n", b"400 Bad Request"),  # a hello of TLS
        (b"GET / HTTP/hunter2\r\n\r\n", b"400 Bad Request"),
        (b"GET / hunter2 HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"PUT hunter2\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/9.0\r\n\r\n", b"505 HTTP Version Not Supported"),
        (b"GET / HTTP/1.1\r\n" + b"hunter2: x\r\n" * 200 + b"\r\n", b"431 Request Header Fields Too Large"),
    ],
)
def test_what_is_no_request_gets_a_fixed_reason_that_quotes_nothing(
    running: Running, said: bytes, answered: bytes
) -> None:
    with running.connect() as client:
        client.sendall(said)
        answer = all_of(client)
    assert answer.partition(b"\r\n")[0].partition(b" ")[2] == answered
    assert b"hunter2" not in answer
    assert b"\x16" not in answer


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


@pytest.mark.parametrize("pieces", [[b""], [LIVE], [bytes([each]) for each in LIVE * 100]])
def test_a_request_has_a_deadline_however_it_trickles_in(
    running: Running, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    monkeypatch.setattr(server, "ASKING", 0.5)
    began = time.monotonic()
    with running.connect() as client:
        client.settimeout(0.1)
        received = b""
        for piece in pieces:
            try:
                client.sendall(piece)
                received += client.recv(1000)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
            if received:
                break
        client.settimeout(10)
        received += all_of(client)
    assert time.monotonic() - began < 5
    # Where bytes are still coming, the end of the connection may overtake the answer.
    assert (received == b"" and len(pieces) > 1) or b" 408 " in received.partition(b"\r\n")[0]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"a" * MOST_BYTES, b" 414 "),
        (LIVE + b"X: " + b"a" * MOST_BYTES, b" 431 "),
        (LIVE + b"X: a\r\n" * (MOST_BYTES // 6), b" 431 "),
        (LIVE + b"X: a\r\n" * 200 + b"\r\n", b" 431 "),
    ],
    ids=["line", "header", "headers", "many headers"],
)
def test_a_request_has_a_size(running: Running, request_bytes: bytes, status: bytes) -> None:
    with running.connect() as client:
        client.sendall(request_bytes)
        received = all_of(client)
    assert received == b"" or status in received.partition(b"\r\n")[0]


@pytest.mark.parametrize(("start", "status"), [(b"GET /", b" 414 "), (LIVE + b"X: ", b" 431 ")], ids=["line", "header"])
def test_whoever_sends_a_byte_too_many_is_told_of_what(running: Running, start: bytes, status: bytes) -> None:
    with running.connect() as client:
        client.sendall(start.ljust(MOST_BYTES + 1, b"a"))  # all of it is read: nothing can overtake the answer
        assert status in all_of(client).partition(b"\r\n")[0]


@pytest.mark.parametrize(("size", "status"), [(MOST_BYTES, b" 200 "), (MOST_BYTES + 1, b" 431 ")])
def test_a_request_may_have_the_most_bytes_and_not_one_more(running: Running, size: int, status: bytes) -> None:
    with running.connect() as client:
        client.sendall((LIVE + b"Cookie: ").ljust(size - 4, b"a") + b"\r\n\r\n")
        assert status in all_of(client).partition(b"\r\n")[0]


def test_a_request_of_an_ordinary_browser_is_not_too_large(running: Running) -> None:
    with running.connect() as client:
        client.sendall(LIVE + b"Cookie: " + b"a" * 8000 + b"\r\n\r\n")
        assert all_of(client).endswith(b"turning\n")


def test_a_request_may_come_in_pieces(running: Running) -> None:
    with running.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for each in LIVE + b"\r\n":
            client.sendall(bytes([each]))
        assert all_of(client).endswith(b"turning\n")


def test_a_client_that_never_reads_is_let_go(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "READING", 0.5)
    running.home = lambda _: Page(HTTPStatus.OK, "text/plain", b"x" * 50_000_000)
    with running.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        deadline = time.monotonic() + 10
        while running.server._http._open and time.monotonic() < deadline:
            assert running.ask("/livez")[0] == 200  # meanwhile
        assert not running.server._http._open


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
