"""What answers in the service's place: no record is taken for delivered or for bad because of it."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import SSLError

from connector.aws import failures
from connector.aws.credentials import NotConfigured
from connector.core.sending.answers import CERTIFICATE_GRACE
from connector.core.sending.outcomes import Delivered, Fatal, Outcome, Retryable, described
from connector.local.endpoint.server import running_endpoint
from tests.support.batches import batch
from tests.support.http_server import AWS, HttpServer, Response, running_http_server
from tests.support.kafka.certificates import Authority, Pair
from tests.wire.clients import ROLE, InOneLoop, free_port, new_client

pytestmark = pytest.mark.usefixtures("aws")

HTML = ("Content-Type", "text/html; charset=utf-8")
PAGE = b"<html><body>Please log in, dear user u-1"


@pytest.mark.parametrize(
    "response",
    [
        Response(200, (), b""),  # a stub that knows only statuses
        Response(200, (), b"{}"),
        Response(200, (HTML,), PAGE),
        Response(200, (*AWS, HTML), PAGE),  # a page behind API Gateway
        Response(200, (("x-amzn-trace-id", "Root=1"),), b""),  # AWS's load balancer in front of anything
        Response(201, AWS, b""),
        Response(202, (), b""),
        Response(204, AWS, b""),
        Response(301, (("x-amz-request-id", "1"), ("Location", "http://127.0.0.1:1/")), b""),  # S3, another region
        Response(302, (("Location", "http://login.example/"),), b""),
        Response(400, (HTML, ("Server", "awselb/2.0")), b"<html>400 Bad Request"),
        Response(401, (HTML,), PAGE),
        Response(403, (HTML, ("Server", "squid")), PAGE),
        Response(403, (("Content-Type", "application/json"),), b'{"message":"Forbidden"}'),
        Response(404, (("Content-Type", "application/json"),), b'{"message":"no Route matched with those values"}'),
        Response(405, (), b""),
        Response(407, (HTML, ("Proxy-Authenticate", "Basic")), PAGE),
        Response(413, (HTML, ("Server", "nginx")), b"<html>413 Request Entity Too Large"),
        Response(422, (("Content-Type", "application/json"),), b'{"code":"ValidationError"}'),
        Response(502, (HTML,), b"<html>bad gateway"),
        Response(503, (), b"\xff\x00 not text"),
    ],
    ids=lambda response: f"{response.status}-{len(response.body)}",
)
def test_a_response_of_another_server_is_an_outage_whatever_its_status(web: HttpServer, response: Response) -> None:
    web.respond = lambda _: response
    outcome = new_client(web.url).send(batch())
    assert isinstance(outcome, Retryable)
    said = described(outcome)
    assert said.startswith(f"HTTP {response.status}: this answer of {web.url.removeprefix('http://')} is not Amazon")
    assert "check personalize.endpoint_url" in said
    for word in ("log in", "u-1", "Forbidden", "Route", "login.example"):
        assert word not in said
    assert len(web.requests) == 1, "it is the loop that repeats"


@pytest.mark.parametrize("name", ["x-amzn-RequestId", "X-AMZN-REQUESTID", "x-amzn-request-id", "x-amz-request-id"])
@pytest.mark.parametrize("content", [b"", b"{}"])
def test_an_acceptance_is_known_by_its_request_id_in_any_spelling(web: HttpServer, name: str, content: bytes) -> None:
    web.respond = lambda _: Response(200, ((name, "1"),), content)
    assert new_client(web.url).send(batch()) == Delivered()


def test_the_local_endpoint_answers_as_the_service_does() -> None:
    with running_endpoint() as endpoint:
        assert new_client(endpoint.url).send(batch()) == Delivered()


# -- who hands out credentials ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        Response(200, (HTML,), PAGE),
        Response(200, (HTML,), b"<html><body>well formed</body></html>"),
        Response(200, (), b""),
        Response(302, (("Location", "http://login.example/"),), b""),
        Response(403, (HTML,), b"<html><body>well formed</body></html>"),
        Response(400, (HTML,), PAGE),
        Response(407, (), b""),
    ],
    ids=lambda response: f"{response.status}-{len(response.body)}",
)
def test_a_page_in_place_of_a_role_is_an_outage(aws: pytest.MonkeyPatch, response: Response) -> None:
    with running_http_server(lambda _: response) as token_service, running_endpoint() as endpoint:
        aws.setenv("AWS_ENDPOINT_URL_STS", token_service.url)
        outcome = new_client(endpoint.url, role=ROLE).send(batch())
        assert isinstance(outcome, Retryable), outcome
        assert "no AWS credentials" in described(outcome)
        assert "log in" not in described(outcome)
        assert endpoint.stats()["calls"] == {}


CREDENTIALS = b'{"AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"2096-11-24T12:00:00Z"}'


@pytest.mark.parametrize(
    "response",
    [Response(200, (HTML,), PAGE), Response(200, (), b"{}"), Response(200, (), b"[]"), Response(403, (HTML,), PAGE)],
    ids=lambda response: f"{response.status}-{len(response.body)}",
)
def test_an_agent_that_hands_out_pages_is_reported_at_the_start_without_its_page(
    aws: pytest.MonkeyPatch, web: HttpServer, response: Response
) -> None:
    _ask(aws, web)
    web.respond = lambda _: response
    with pytest.raises(NotConfigured, match=r"no AWS credentials: .*container") as caught:
        new_client("http://127.0.0.1:1")
    assert "log in" not in str(caught.value)
    web.respond = lambda _: Response(200, (), CREDENTIALS)
    new_client("http://127.0.0.1:1")


def _ask(aws: pytest.MonkeyPatch, web: HttpServer) -> None:
    """Have the chain ask this agent."""
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    aws.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{web.url}/v1/credentials")
    aws.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)


def test_a_file_with_the_agents_token_that_is_not_there_is_reported_at_the_start(
    aws: pytest.MonkeyPatch, web: HttpServer, tmp_path: Path
) -> None:
    _ask(aws, web)
    aws.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(NotConfigured, match="no AWS credentials: No such file"):
        new_client("http://127.0.0.1:1")


# -- certificates -----------------------------------------------------------------------------------------------------

ANSWER = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Secure:
    """A server that shows the certificate it is given, and answers as the service does."""

    def __init__(self, folder: Path, server: socket.socket) -> None:
        self._folder, self._server = folder, server
        self.port: int = server.getsockname()[1]
        self._tls: ssl.SSLContext | None = None

    def show(self, pair: Pair) -> None:
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(*pair.write(self._folder, "server"))

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:  # the test is over
                return
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        assert self._tls is not None
        try:
            with self._tls.wrap_socket(connection, server_side=True) as secure:
                secure.recv(65536)
                secure.sendall(ANSWER)
        except OSError:
            connection.close()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Secure]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        served = Secure(tmp_path, server)
        thread = threading.Thread(target=served.serve)
        thread.start()
        try:
            yield served
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture
def authority(aws: pytest.MonkeyPatch, tmp_path: Path) -> Authority:
    """One that is trusted."""
    trusted = Authority()
    (tmp_path / "bundle.pem").write_bytes(trusted.certificate)
    aws.setenv("AWS_CA_BUNDLE", str(tmp_path / "bundle.pem"))
    return trusted


def _why(outcome: Outcome) -> str:
    assert isinstance(outcome, Fatal)
    assert outcome.code == "SSLError"
    assert "AWS_CA_BUNDLE" in outcome.advice
    return outcome.advice


@pytest.mark.usefixtures("authority")
def test_a_certificate_of_an_unknown_authority_is_a_wrong_configuration(secure: Secure) -> None:
    secure.show(Authority("a stranger").issue("server"))
    said = _why(new_client(f"https://127.0.0.1:{secure.port}").send(batch()))
    assert said.startswith(f"tls: the certificate of 127.0.0.1:{secure.port} is not trusted (")


def test_a_certificate_of_another_host_is_a_wrong_configuration(
    aws: pytest.MonkeyPatch, authority: Authority, secure: Secure
) -> None:
    secure.show(authority.issue("server"))
    aws.setattr(socket, "getaddrinfo", _always_here)
    said = _why(new_client(f"https://personalize.example:{secure.port}").send(batch()))
    assert "personalize.example" in said
    assert "Hostname mismatch" in said


def _always_here(_host: object, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]


def test_a_certificate_that_expired_before_the_start_is_a_wrong_configuration(
    authority: Authority, secure: Secure
) -> None:
    secure.show(authority.issue("server", expires=timedelta(hours=-1)))
    assert "expired" in _why(new_client(f"https://127.0.0.1:{secure.port}").send(batch()))


def test_a_certificate_that_is_not_trusted_any_more_is_an_outage_for_a_while(
    aws: pytest.MonkeyPatch, authority: Authority, secure: Secure
) -> None:
    secure.show(authority.issue("server"))
    sender = new_client(f"https://127.0.0.1:{secure.port}")
    assert sender.send(batch()) == Delivered()
    secure.show(authority.issue("server", expires=timedelta(hours=-1)))
    outcome = sender.send(batch())
    assert isinstance(outcome, Retryable)
    assert "expired" in described(outcome)
    secure.show(authority.issue("server"))
    assert sender.send(batch()) == Delivered(), "it was renewed"
    secure.show(Authority("a stranger").issue("server"))
    assert isinstance(sender.send(batch()), Retryable)
    aws.setattr(sender.client, "_clock", lambda: time.monotonic() + CERTIFICATE_GRACE)
    assert "is not trusted" in _why(sender.send(batch()))


@pytest.mark.usefixtures("authority")
def test_a_token_service_whose_certificate_is_not_trusted_is_a_wrong_configuration(
    aws: pytest.MonkeyPatch, secure: Secure
) -> None:
    secure.show(Authority("a stranger").issue("server"))
    aws.setenv("AWS_ENDPOINT_URL_STS", f"https://127.0.0.1:{secure.port}")
    with running_endpoint() as endpoint:
        assert "no AWS credentials" in _why(new_client(endpoint.url, role=ROLE).send(batch()))


# -- where it went wrong ----------------------------------------------------------------------------------------------


@contextmanager
def saying(answer: bytes) -> Iterator[int]:
    """A server that says this to whoever connects, and hangs up; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def _said(sender: InOneLoop) -> str:
    outcome = sender.send(batch())
    assert isinstance(outcome, Retryable)
    return described(outcome)


def test_what_is_not_tls_is_named() -> None:
    with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        said = _said(new_client(f"https://127.0.0.1:{port}"))
    assert said.startswith(f"SSLError: tls: no TLS with 127.0.0.1:{port} (")


def test_what_is_not_http_is_named() -> None:
    with saying(b"SSH-2.0-OpenSSH\r\n") as port:
        said = _said(new_client(f"http://127.0.0.1:{port}"))
    assert said == f"ConnectionClosedError: closed: 127.0.0.1:{port} answers, but not in HTTP/1.1"


def test_a_call_that_takes_too_long_is_named() -> None:
    with running_endpoint() as endpoint:
        endpoint.control({"outage": "hang"})
        said = _said(new_client(endpoint.url, timeout=0.2))
    where = endpoint.url.removeprefix("http://")
    assert said == f"ReadTimeoutError: timeout: no answer from {where} within 0.2 s"


def test_a_region_that_does_not_exist_is_named_by_its_host(aws: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    aws.setenv("AWS_REGION", "eu-wset-1")
    sender = new_client(None)
    aws.setattr(socket, "getaddrinfo", unknown)
    said = _said(sender)
    assert said == "EndpointConnectionError: dns: no address for personalize-events.eu-wset-1.amazonaws.com:443"


def test_a_name_with_several_addresses_that_all_refuse_is_refused(aws: pytest.MonkeyPatch) -> None:
    def two(_host: object, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for address in ("127.0.0.1", "127.0.0.2")
        ]

    port = free_port()
    sender = new_client(f"http://localhost:{port}")
    aws.setattr(socket, "getaddrinfo", two)
    assert _said(sender) == f"EndpointConnectionError: refused: localhost:{port} takes no connections"


def test_a_proxy_that_is_away_is_named_without_its_password(aws: pytest.MonkeyPatch) -> None:
    port = free_port()
    aws.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{port}")
    said = _said(new_client("https://personalize.example"))
    assert said == f"EndpointConnectionError: refused: the proxy 127.0.0.1:{port} takes no connections"


def test_an_error_is_told_by_what_it_wraps() -> None:
    inner = ssl.SSLCertVerificationError(1, "certificate verify failed")
    inner.verify_message = "certificate has expired"
    outer = SSLError(endpoint_url="https://sts.example", error=OSError("wrapped", inner))
    assert failures.untrusted(outer) is inner
    assert failures.untrusted(ValueError()) is None
    reset = failures.connecting(ConnectionResetError(), "h:1")
    assert (reset.code, reset.detail) == (
        "EndpointConnectionError",
        "closed: h:1 closed the connection while it was made",
    )
    assert failures.connecting(OSError(113, "No route"), "h:1").detail == (
        "unreachable: no connection to h:1 (EHOSTUNREACH)"
    )
    assert failures.connecting(ssl.SSLError(1, "odd"), "h:1").detail == "tls: no TLS with h:1 (no reason given)"
