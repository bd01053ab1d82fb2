"""Requests over real sockets: what is late, cut off or not HTTP is an outage in words, and certificates rotate."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connector.aws.credentials import NotConfigured
from connector.config.registry import ConfluentRegistry
from connector.config.tls import CertificateFiles
from connector.metrics import Metrics
from connector.registry import http as http_module
from connector.registry.answers import Away, Request
from connector.registry.certificates import Certificates
from connector.registry.http import Http, Response
from connector.registry.opening import open_registry
from tests.registry.support import environment, settings
from tests.support.fakes import Clock
from tests.support.http_server import HttpServer, running_http_server
from tests.support.http_server import Response as Said
from tests.support.kafka.certificates import Authority, Pair
from tests.support.registry import REGISTRY

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"
Talk = Callable[[socket.socket], object]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def talking(talk: Talk) -> Iterator[str]:
    """A server of raw bytes: ``talk`` gets each connection, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(30)
        assert not thread.is_alive()


def new_http(tls: CertificateFiles | None = None, timeout: float = 30.0, clock: Clock | None = None) -> Http:
    return Http(Certificates(tls or CertificateFiles()), environment(clock or Clock()).clock, timeout)


def get(url: str, http: Http) -> Response | Away:
    try:
        return http.get(url, {})
    finally:
        http.close()


def away(url: str, http: Http) -> Away:
    answer = get(url, http)
    assert isinstance(answer, Away), answer
    return answer


def test_nobody_there_is_a_connection_that_was_refused() -> None:
    assert away("http://127.0.0.1:1/x", new_http()) == Away(
        Request.CONNECTION, "refused: 127.0.0.1:1 takes no connections"
    )


def test_a_name_that_does_not_resolve_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert away("http://registry.invalid:8081/x", new_http()) == Away(
        Request.CONNECTION, "dns: no address for registry.invalid:8081"
    )


def test_a_server_that_says_nothing_is_a_time_out() -> None:
    over = threading.Event()
    with talking(lambda _: over.wait(30)) as url:
        found = away(url, new_http(timeout=0.05))
        over.set()
    assert found.request is Request.TIMEOUT
    assert found.detail == f"timeout: no answer from {url.removeprefix('http://')} within 0.05 s"


def test_a_response_that_drips_is_a_time_out_in_all() -> None:
    """Each byte comes in time, the whole does not: without a bound on the whole the thread would wait for hours."""
    clock = Clock()
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HEAD + b"{")
        clock.now += 31
        connection.sendall(b" ")
        over.wait(30)

    with talking(drip) as url:
        found = away(url, new_http(clock=clock))
        over.set()
    assert found.request is Request.TIMEOUT


CUT: dict[str, bytes] = {
    "nothing": b"",
    "half of the body": HEAD + b'{"schema',
    "not HTTP": b"\x15\x03\x01\x00\x02\x02\x46",
    "half of a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{",
    "a chunk of no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "endless heads": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: x\r\n" % number for number in range(200)) + b"\r\n",
}


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT.keys())
def test_half_an_answer_is_an_outage(answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with talking(talk) as url:
        found = away(url, new_http())
    assert found.request is Request.CONNECTION
    assert url.removeprefix("http://") in found.detail


def test_a_connection_that_is_reset_is_an_outage() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    with talking(reset) as url:
        assert away(url, new_http()).request is Request.CONNECTION


def test_a_response_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "MAX_RESPONSE", 1000)
    with running_http_server(lambda _: Said(200, REGISTRY, b"x" * 1001)) as server:
        assert away(server.url, new_http()).request is Request.GARBAGE
    with running_http_server(lambda _: Said(200, REGISTRY, b"x" * 1000)) as server:
        answer = get(server.url, new_http())
        assert isinstance(answer, Response)
        assert len(answer.content) == 1000


# -- a proxy


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_http_server(lambda _: Said(200, REGISTRY, b"{}")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:hun%20ter2@127.0.0.1:{proxy.port}")
        assert isinstance(get("http://registry.invalid:8081/x", new_http()), Response)
        assert proxy.requests[0].target == "http://registry.invalid:8081/x"
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6aHVuIHRlcjI="
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with running_http_server(lambda _: Said(200, REGISTRY, b"{}")) as server:
            assert isinstance(get(f"{server.url}/x", new_http()), Response)
            assert server.requests[0].target == "/x"
        assert len(proxy.requests) == 1


def test_no_message_shows_the_proxys_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:hunter2@127.0.0.1:1")
    found = away("https://registry.invalid:8081/x", new_http())
    assert found.request is Request.CONNECTION
    assert "hunter2" not in found.detail


# -- TLS


class Place:
    """A server with TLS that asks for a certificate, and the files of a client, which a test may replace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.clients = Authority("an authority for clients")
        self.put("ca", Pair(self.authority.certificate, b""))
        self.put("me", self.clients.issue("me"))

    def put(self, name: str, pair: Pair) -> None:
        pair.write(self.folder, name)

    @property
    def tls(self) -> ConfluentRegistry:
        me, key, ca = self.folder / "me.crt", self.folder / "me.key", self.folder / "ca.crt"
        found = settings(f"{{url: https://x, tls: {{ca_file: {ca}, cert_file: {me}, key_file: {key}}}}}")
        assert isinstance(found, ConfluentRegistry)
        return found

    @contextmanager
    def server(self, trusts: Authority | None = None) -> Iterator[HttpServer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.authority.issue("registry").write(self.folder, "server"))
        context.load_verify_locations(cadata=(trusts or self.clients).certificate.decode())
        context.verify_mode = ssl.CERT_REQUIRED
        with running_http_server(lambda _: Said(200, REGISTRY, b"{}"), context) as server:
            yield server


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_client_shows_its_certificate(place: Place) -> None:
    with place.server() as server:
        assert isinstance(get(server.url, new_http(place.tls.tls)), Response)


def test_an_untrusted_certificate_is_an_outage_that_names_the_setting(place: Place) -> None:
    place.put("ca", Pair(Authority().certificate, b""))
    with place.server() as server:
        found = away(server.url, new_http(place.tls.tls))
    assert found.request is Request.CONNECTION
    assert found.detail.startswith(f"tls: the certificate of 127.0.0.1:{server.port} is not trusted (")
    assert found.detail.endswith("check schema_registry.tls.ca_file, and the host in the URL")


def test_a_client_that_the_server_does_not_trust_is_an_outage(place: Place) -> None:
    with place.server(trusts=place.authority) as server:
        assert away(server.url, new_http(place.tls.tls)).request is Request.CONNECTION


def test_certificates_that_rotate_are_taken_up_without_a_restart(place: Place) -> None:
    http = new_http(place.tls.tls)
    with place.server() as server:
        assert isinstance(http.get(server.url, {}), Response)
    place.authority, place.clients = Authority("another"), Authority("another for clients")
    with place.server() as server:
        assert isinstance(http.get(server.url, {}), Away)
        place.put("ca", Pair(place.authority.certificate, b""))
        place.put("me", place.clients.issue("me again"))
        with capture_logs() as logs:
            assert isinstance(http.get(server.url, {}), Response)
            assert isinstance(http.get(server.url, {}), Response)
    http.close()
    assert [line["event"] for line in logs] == [
        "the certificates for the schema registry have changed: new connections use them"
    ]


def test_files_in_the_middle_of_a_change_are_left_alone(place: Place) -> None:
    certificates = Certificates(place.tls.tls)
    before = certificates.context()
    other = place.clients.issue("me again")
    (place.folder / "me.crt").write_bytes(other.certificate)
    with capture_logs() as logs:
        assert certificates.context() is before
        assert certificates.context() is before
    assert len(logs) == 1
    assert "do not fit together" in logs[0]["event"]
    (place.folder / "me.key").write_bytes(other.key)
    assert certificates.context() is not before


def test_a_file_that_vanishes_is_a_change_that_does_not_fit(place: Place) -> None:
    certificates = Certificates(place.tls.tls)
    before = certificates.context()
    (place.folder / "ca.crt").unlink()
    with capture_logs():
        assert certificates.context() is before


def test_the_password_of_a_key_is_read_again_with_it(tmp_path: Path) -> None:
    authority = Authority()
    secret = tmp_path / "password"

    def put(password: str) -> None:
        authority.issue("me", password=password).write(tmp_path, "me")
        secret.write_text(f"{password}\n")

    put("first")
    files = f"cert_file: {tmp_path / 'me.crt'}, key_file: {tmp_path / 'me.key'}, key_password: {{file: {secret}}}"
    found = settings(f"{{url: https://x, tls: {{{files}}}}}")
    assert isinstance(found, ConfluentRegistry)
    certificates = Certificates(found.tls)
    before = certificates.context()
    put("second")
    assert certificates.context() is not before


def test_files_that_are_gone_since_the_file_was_checked_are_told(place: Place) -> None:
    found = place.tls
    (place.folder / "ca.crt").unlink()
    with pytest.raises(NotConfigured, match=r"the files of schema_registry.tls cannot be used: No such file"):
        open_registry(found, Metrics(), environment(Clock()))
