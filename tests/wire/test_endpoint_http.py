"""The endpoint among strangers: whatever arrives, it answers what it can and goes on."""

import socket
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.local.endpoint.connection import MAX_BODY_BYTES
from connector.local.endpoint.faults import Faults
from connector.local.endpoint.server import Endpoint, running_endpoint
from tests.support.examples import examples
from tests.wire.endpoint_support import (
    call,
    connect,
    event,
    post,
    raw_request,
    read_all,
    request,
    signed_headers,
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/health", "/_local/health"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_readiness_is_answered_without_a_signature(endpoint: Endpoint, path: str, method: str) -> None:
    answer = request(endpoint.url, method, path)
    assert (answer.status, bool(answer.body)) == (200, method == "GET")


def test_an_unknown_local_page_names_those_that_exist(endpoint: Endpoint) -> None:
    answer = request(endpoint.url, "GET", "/_local/stat")
    assert answer.status == 404
    assert b"/_local/stats" in answer.body


def test_pipelined_requests_are_answered_in_their_order_also_while_answers_wait(endpoint: Endpoint) -> None:
    bodies = [call() if number % 2 else call(*[event()] * 11) for number in range(200)]
    endpoint.control({"latency": "0ms-2ms"})
    try:
        with connect(endpoint.url) as connection:
            connection.sendall(b"".join(raw_request(endpoint.url, orjson.dumps(body)) for body in bodies))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answers = read_all(connection)
    finally:
        endpoint.control({"latency": None})
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"400", b"200"] * 100 + [b"200"]


def test_a_request_that_comes_byte_by_byte_is_answered(endpoint: Endpoint) -> None:
    with connect(endpoint.url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in raw_request(endpoint.url, orjson.dumps(call())):
            connection.sendall(bytes([byte]))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")


def test_a_chunked_body_is_read(endpoint: Endpoint) -> None:
    body = orjson.dumps(call())
    lines = [f"{name}: {value}" for name, value in signed_headers(endpoint.url, body).items()]
    host = endpoint.url.removeprefix("http://")
    head = "\r\n".join(["POST /events HTTP/1.1", f"Host: {host}", "Transfer-Encoding: chunked", *lines])
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\nTrailer: x\r\n\r\n"
    with connect(endpoint.url) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + chunks)
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_expects_100_continue_is_told_to_go_on(endpoint: Endpoint) -> None:
    body = orjson.dumps(call())
    head, _, _ = raw_request(endpoint.url, body).partition(b"\r\n\r\n")
    with connect(endpoint.url) as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")


def test_a_body_of_a_megabyte_is_read_and_one_byte_more_is_too_large(endpoint: Endpoint) -> None:
    assert post(endpoint.url, b" " * MAX_BODY_BYTES).code == "SerializationException"
    answer = post(endpoint.url, b" " * (MAX_BODY_BYTES + 1))
    assert (answer.status, answer.code) == (413, "RequestEntityTooLargeException")


@pytest.mark.parametrize(
    ("head", "rest", "status"),
    [
        (b"POST /events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n", b"413"),
        (b"POST /events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 65_536, b"413"),
        (b"POST /events HTTP/1.1\r\n", b"A: " + b"x" * 60_000 + b"\r\n", b"431"),
        (b"POST /events HTTP/1.1\r\nA: ", b"x" * 60_000, b"431"),
        (b"GET /", b"x" * 60_000, b"431"),
        (b"POST /events HTTP/1.1\r\nContent-Length: 99999999999999999\r\n\r\n", b"x", b"413"),
        (b"POST /events HTTP/1.1\r\nContent-Length: 12x\r\n\r\n", b"", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"", b"400"),
        (b"HELLO\r\n\r\n", b"", b"400"),
    ],
    ids=["chunks", "chunk extension", "headers", "one header", "target", "length", "no length", "tls", "no http"],
)
def test_what_grows_without_end_or_is_no_http_is_turned_away(
    endpoint: Endpoint, head: bytes, rest: bytes, status: bytes
) -> None:
    with connect(endpoint.url) as connection:
        connection.sendall(head)
        answer = b""
        for _ in range(200 if rest else 0):
            try:
                connection.sendall(rest)
            except OSError:  # turned away while still sending
                break
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert post(endpoint.url, call()).status == 200


def test_a_client_that_shuts_its_side_down_still_gets_a_late_answer() -> None:
    with running_endpoint(Faults(latency=(0.05, 0.05))) as endpoint, connect(endpoint.url) as connection:
        connection.sendall(raw_request(endpoint.url, orjson.dumps(call())))
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_connection_closes_where_the_client_wants_it_to(endpoint: Endpoint, version: bytes) -> None:
    with connect(endpoint.url) as connection:
        connection.sendall(b"GET / HTTP/%b\r\nHost: x\r\nConnection: close\r\n\r\n" % version)
        assert b"Connection: close" in read_all(connection)


def test_an_upgrade_is_answered_as_http_1_1_and_closed(endpoint: Endpoint) -> None:
    with connect(endpoint.url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI *")
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


def test_a_ledger_streams_to_a_reader_that_pauses_and_calls_go_on() -> None:
    with running_endpoint() as endpoint:
        body = call(*[event(padding="x" * 9_000)] * 10)
        for _ in range(100):
            assert post(endpoint.url, body).status == 200
        with connect(endpoint.url) as reader:
            reader.sendall(b"GET /_local/accepted HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert reader.recv(100)
            assert post(endpoint.url, call()).status == 200  # the reader has not read what was sent to it
            rest = read_all(reader)
        assert rest.endswith(b"0\r\n\r\n")
        assert rest.count(b'"sessionId":"s"') == 1_000


def test_a_reader_that_leaves_in_the_middle_of_the_ledger_harms_nobody() -> None:
    with running_endpoint() as endpoint:
        for _ in range(100):
            post(endpoint.url, call(*[event(padding="x" * 9_000)] * 10))
        with connect(endpoint.url) as reader:
            reader.sendall(b"GET /_local/accepted HTTP/1.1\r\nHost: x\r\n\r\n")
            assert reader.recv(100)
        assert post(endpoint.url, call()).status == 200


def test_a_reader_that_never_reads_does_not_keep_the_endpoint_from_stopping() -> None:
    with running_endpoint() as endpoint:
        for _ in range(200):
            post(endpoint.url, call(*[event(padding="x" * 9_000)] * 10))
        reader = connect(endpoint.url)
        reader.sendall(b"GET /_local/accepted HTTP/1.1\r\nHost: x\r\n\r\n")
        assert reader.recv(100)
    with reader, pytest.raises(ConnectionRefusedError):
        connect(endpoint.url)


REQUEST_PARTS = st.sampled_from(
    [b"POST ", b"GET ", b"/events", b"/_local/control", b" HTTP/1.1\r\n", b"\r\n", b"Content-Length: 5\r\n",
     b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\nConnection: upgrade\r\n",
     b"Authorization: AWS4-HMAC-SHA256 Credential=a/b/c/personalize/aws4_request, ", b"0\r\n\r\n"]
)  # fmt: skip


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(REQUEST_PARTS | st.binary(max_size=40), max_size=12))
def test_no_bytes_stop_the_endpoint(endpoint: Endpoint, parts: list[bytes]) -> None:
    with connect(endpoint.url) as connection:
        try:
            connection.sendall(b"".join(parts))
            connection.shutdown(socket.SHUT_WR)
            read_all(connection)
        except ConnectionError:  # it may close before everything was sent
            pass
    assert request(endpoint.url, "GET", "/").status == 200
    assert "InternalFailure" not in endpoint.stats()["errors"]
    assert "500" not in endpoint.stats()["calls"]
