"""Tokens for MSK: AWS's own, always an answer, renewed; and at a broker's listener they arrive."""

import base64
import importlib
import os
import random
import re
import signal
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from botocore.credentials import Credentials
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from connector.aws.credentials import NotConfigured
from connector.config.models import KafkaConfig
from connector.kafka import clients as auth_module
from connector.kafka import msk_tokens as msk
from connector.kafka.certificates import expires
from connector.kafka.clients import ClientFactory
from connector.kafka.errors import LOGIN_REFUSED_FOR, MENDED_ELSEWHERE, REFUSALS_APART, ErrorClassifier
from connector.kafka.msk_tokens import CLAIMED, SIGNED_FOR, Tokens, sign
from connector.metrics import Metrics
from connector.ports import Environment, Unavailable
from connector.signals import Signals
from tests.support.fixtures import KEY
from tests.support.http_server import HttpServer, Response, running_http_server
from tests.support.kafka.certificates import Authority

pytestmark = pytest.mark.usefixtures("aws")

ROLE = "arn:aws:iam::123456789012:role/kafka"


@pytest.fixture
def sts(aws: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    with running_http_server() as web:
        aws.setenv("AWS_ENDPOINT_URL_STS", web.url)
        yield web


def assumed(seconds: float, key: str = "ASIAROLE") -> Response:
    expiration = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    body = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
    <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
    <Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
    return Response(200, (), body.encode())


def denied(code: str = "AccessDenied", status: int = 403) -> Response:
    return Response(status, (), f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode())


def url_of(token: str) -> str:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()


def parts_of(token: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url_of(token)).query).items()}


# -- the token ------------------------------------------------------------------------------------------------


def library() -> Any:
    try:
        return importlib.import_module("aws_msk_iam_sasl_signer.MSKAuthTokenProvider")
    except ImportError:
        why = "needs AWS's own signer: pip install aws-msk-iam-sasl-signer-python"
        if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
            pytest.fail(why, pytrace=False)
        pytest.skip(why)


@pytest.mark.parametrize("token", [None, "session+token/=="])
def test_a_token_is_the_one_of_aws_s_own_library(aws: pytest.MonkeyPatch, token: str | None) -> None:
    if token:
        aws.setenv("AWS_SESSION_TOKEN", token)
    theirs, theirs_expires = library().generate_auth_token("eu-west-1")
    ours = Tokens("eu-west-1", None, print).make()
    said, wanted = parts_of(ours.text), parts_of(theirs)
    if said["X-Amz-Date"] != wanted["X-Amz-Date"]:  # the second has just turned
        theirs, theirs_expires = library().generate_auth_token("eu-west-1")
        said, wanted = parts_of(Tokens("eu-west-1", None, print).make().text), parts_of(theirs)
    assert said.pop("User-Agent").startswith("putevents-connector/")
    assert wanted.pop("User-Agent").startswith("aws-msk-iam-sasl-signer-python/")
    assert said == wanted
    assert urlsplit(url_of(ours.text))[:3] == urlsplit(url_of(theirs))[:3]
    # Theirs is in milliseconds, which confluent-kafka would take for a time in the far future.
    assert theirs_expires / 1000 - ours.expires == pytest.approx(SIGNED_FOR - CLAIMED, abs=2)


NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789/+", min_size=1, max_size=40)


@given(NAMES, NAMES, st.none() | NAMES, st.from_regex(r"[a-z]{2}-[a-z]{4,9}-[1-9]", fullmatch=True))
def test_a_token_has_what_a_broker_asks_for_and_no_secret(
    access: str, secret: str, session: str | None, region: str
) -> None:
    token = sign(region, Credentials(access, f"secret-{secret}", session).get_frozen_credentials())
    said = parts_of(token)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert urlsplit(url_of(token)).netloc == f"kafka.{region}.amazonaws.com"
    assert (said["Action"], said["X-Amz-Expires"]) == ("kafka-cluster:Connect", str(SIGNED_FOR))
    assert said["X-Amz-Credential"].startswith(f"{access}/")
    assert said["X-Amz-Credential"].endswith(f"/{region}/kafka-cluster/aws4_request")
    assert said.get("X-Amz-Security-Token") == session
    assert re.fullmatch(r"[0-9a-f]{64}", said["X-Amz-Signature"])
    assert f"secret-{secret}" not in url_of(token)


def test_the_callback_answers_in_seconds_since_1970() -> None:
    text, until = Tokens("eu-west-1", None, print)(None)
    assert parts_of(text)["X-Amz-Credential"].startswith(KEY)
    assert until == pytest.approx(time.time() + CLAIMED, abs=5)


# -- renewal --------------------------------------------------------------------------------------------------


def test_a_role_is_assumed_once_while_its_credentials_last(sts: HttpServer) -> None:
    sts.respond = lambda _: assumed(3600)
    tokens = Tokens("eu-west-1", ROLE, print)
    texts = [tokens("")[0] for _ in range(100)]
    assert {parts_of(text)["X-Amz-Credential"].split("/")[0] for text in texts} == {"ASIAROLE"}
    [asked] = sts.requests
    assert parse_qs(asked.body.decode())["RoleArn"] == [ROLE]


def test_many_threads_that_ask_renew_a_role_once(sts: HttpServer) -> None:
    answers = iter([assumed(60, "ASIAOLD")])
    sts.respond = lambda _: next(answers, None) or assumed(3600, "ASIANEW")
    tokens = Tokens("eu-west-1", ROLE, print)
    tokens.make()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(tokens("")[0])) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {parts_of(text)["X-Amz-Credential"].split("/")[0] for text in found} == {"ASIANEW"}
    assert len(sts.requests) == 2


def test_keys_that_are_replaced_in_their_file_are_those_of_the_next_token(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    lines = "[default]\naws_access_key_id={}\naws_secret_access_key=s\n"
    (tmp_path / "aws-credentials").write_text(lines.format("AKIDOLD"))
    tokens = Tokens("eu-west-1", None, print)
    (tmp_path / "aws-credentials").write_text(lines.format("AKIDNEW"))
    assert parts_of(tokens("")[0])["X-Amz-Credential"].startswith("AKIDNEW/")


def test_a_failure_is_an_answer_too_told_once_counted_and_over_when_it_is_over(sts: HttpServer) -> None:
    sts.respond = lambda _: assumed(60)  # so short that it is renewed each time
    kinds: list[str] = []
    tokens = Tokens("eu-west-1", ROLE, kinds.append)
    last = tokens.make()
    sts.respond = lambda _: denied()
    with structlog.testing.capture_logs() as logs:
        answers = [tokens("") for _ in range(5)]
    assert {text for text, _ in answers} == {last.text}
    assert all(0 < until - time.time() < 20 for _, until in answers), "it is to be asked again soon"
    assert kinds == ["ClientError"] * 5
    assert [line["log_level"] for line in logs] == ["error"]
    assert tokens.failing
    sts.respond = lambda _: assumed(3600, "ASIANEW")
    assert parts_of(tokens("")[0])["X-Amz-Credential"].startswith("ASIANEW")
    assert not tokens.failing


# -- at the start ---------------------------------------------------------------------------------------------


def kafka(**more: Any) -> KafkaConfig:
    return KafkaConfig.model_validate({"bootstrap_servers": ["127.0.0.1:1"], "group_id": "g", **more})


def environment(chance: float = 0.5) -> Environment:
    return Environment(time.monotonic, time.time, lambda: chance)


def clients(**auth: Any) -> ClientFactory:
    return ClientFactory(kafka(auth={"type": "msk_iam", **auth}), Metrics(), environment())


def test_no_region_is_told_at_the_start(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_REGION")
    with pytest.raises(NotConfigured, match=r"no AWS region: expected kafka\.auth\.region"):
        clients()


def test_no_credentials_are_told_at_the_start(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NotConfigured, match=r"msk_iam: no AWS credentials: expected them in the environment"):
        clients()


def test_a_role_that_is_refused_is_told_at_the_start(sts: HttpServer) -> None:
    sts.respond = lambda _: denied()
    with pytest.raises(NotConfigured, match=r"\(AccessDenied\): check role_arn, its trust policy"):
        clients(role_arn=ROLE)


def test_a_token_service_that_is_out_of_reach_may_be_there_later(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"EndpointConnectionError"):
        clients(role_arn=ROLE)


@pytest.mark.parametrize("status", [200, 302, 400, 403, 503])
@pytest.mark.parametrize("page", [b"", b"<html>Please log in", b"<html><body>well formed</body></html>"])
def test_a_page_in_the_place_of_the_token_service_may_be_gone_later(sts: HttpServer, status: int, page: bytes) -> None:
    sts.respond = lambda _: Response(status, (("Content-Type", "text/html"),), page)
    with pytest.raises(Unavailable, match="something answers in its place") as caught:
        clients(role_arn=ROLE)
    assert "log in" not in str(caught.value)


# -- at a listener --------------------------------------------------------------------------------------------


class Listener:
    """Speaks as much of Kafka's protocol as comes before a login, over TLS, and keeps the tokens that it is given."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.tokens: list[str] = []
        self.came = threading.Semaphore(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with self._context.wrap_socket(connection, server_side=True) as stream, stream.makefile("rwb") as file:
                while size := file.read(4):
                    request = file.read(struct.unpack(">i", size)[0])
                    key, _, correlation = struct.unpack(">hhi", request[:8])
                    answer = struct.pack(">i", correlation) + self._answer(key, request)
                    file.write(struct.pack(">i", len(answer)) + answer)
                    file.flush()
        except (OSError, ValueError):
            pass  # the client has gone

    def _answer(self, key: int, request: bytes) -> bytes:
        if key == 18:  # ApiVersions: Metadata, SaslHandshake, ApiVersions, SaslAuthenticate
            rows = b"".join(struct.pack(">hhhb", *row, 0) for row in ((3, 0, 4), (17, 0, 1), (18, 0, 3), (36, 0, 1)))
            return struct.pack(">hb", 0, 5) + rows + struct.pack(">ib", 0, 0)
        if key == 17:
            return struct.pack(">hih", 0, 1, 11) + b"OAUTHBEARER"
        found = re.search(rb"auth=Bearer ([^\x01]+)", request)
        if found is not None:
            self.tokens.append(found[1].decode())
            self.came.release()
        return struct.pack(">hhiq", 0, -1, 0, 0)

    def close(self) -> None:
        self._socket.close()


@contextmanager
def listening(folder: Path) -> Iterator[tuple[Listener, str]]:
    authority = Authority()
    (folder / "ca.pem").write_bytes(authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("broker").write(folder, "broker"))
    listener = Listener(context)
    try:
        yield listener, str(folder / "ca.pem")
    finally:
        listener.close()


def test_the_token_of_every_client_is_there_before_its_first_connection_and_arrives(tmp_path: Path) -> None:
    with listening(tmp_path) as (listener, ca):
        entry = clients()
        properties = {
            "bootstrap.servers": listener.address,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "OAUTHBEARER",
            "ssl.ca.location": ca,
            "log_level": 0,
        }
        consumer = entry.consumer({**properties, "group.id": "g"})
        assert listener.came.acquire(timeout=20), "nobody polls the consumer, and yet it has its token"
        producer = entry.producer(properties)
        assert listener.came.acquire(timeout=20)
        for token in listener.tokens:
            assert parts_of(token)["X-Amz-Credential"].startswith(KEY)
        consumer.close()
        del producer


def test_tokens_are_renewed_while_the_client_polls_without_a_pause(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws.setattr(msk, "CLAIMED", 0.8)
    with listening(tmp_path) as (listener, ca):
        entry = clients()
        asked: list[float] = []
        make = entry._tokens.make  # type: ignore[union-attr]  # of msk_iam, so it is there

        def counted() -> msk.Token:
            asked.append(time.monotonic())
            return make()

        aws.setattr(entry._tokens, "make", counted)
        properties = {"bootstrap.servers": listener.address, "security.protocol": "SASL_SSL", "log_level": 0}
        consumer = entry.consumer(
            {**properties, "sasl.mechanism": "OAUTHBEARER", "ssl.ca.location": ca, "group.id": "g"}
        )
        deadline = time.monotonic() + 60
        while len(asked) < 3:
            assert time.monotonic() < deadline
            consumer.poll(0)
        consumer.close()


# -- refusals -------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


LOGIN = KafkaError(KafkaError._AUTHENTICATION, "SASL authentication error: invalid credentials")
AWAY = KafkaError(KafkaError._AUTHENTICATION, "Failed to acquire SASL OAUTHBEARER token: Failed to connect to idp")
SAYS_NO = KafkaError(KafkaError._AUTHENTICATION, 'Failed to acquire SASL OAUTHBEARER token: {"error": "invalid"}')
DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")
UNTRUSTED = KafkaError(KafkaError._SSL, "SSL handshake failed: certificate verify failed: broker certificate")


def test_at_the_start_a_refused_login_is_final() -> None:
    assert ErrorClassifier().classify(LOGIN) is not None
    assert ErrorClassifier().classify(SAYS_NO) is not None


def test_at_the_start_a_provider_that_is_away_is_waited_for_and_so_is_a_broker_that_goes() -> None:
    assert ErrorClassifier().classify(AWAY) is None
    going = KafkaError(KafkaError._AUTHENTICATION, "SASL mechanism handshake failed: Local: Broker transport failure")
    assert ErrorClassifier().classify(going) is None


def test_at_the_start_what_encrypts_is_final_when_every_broker_says_so() -> None:
    refusals = ErrorClassifier()
    assert refusals.classify(DOWN) is None
    assert refusals.classify(UNTRUSTED) is None
    found = refusals.classify(DOWN)
    assert found is not None
    assert "kafka.tls.ca_file" in found.advice


@pytest.mark.parametrize("code", MENDED_ELSEWHERE)
def test_what_is_mended_elsewhere_is_never_final(code: int) -> None:
    refusals = ErrorClassifier()
    assert refusals.classify(KafkaError(code)) is None
    assert refusals.classify(DOWN) is None
    refusals.running()
    assert refusals.classify(KafkaError(code)) is None


def test_later_a_certificate_that_is_not_trusted_may_be_mended_on_the_other_side() -> None:
    refusals = ErrorClassifier()
    refusals.running()
    assert [refusals.classify(error) for error in (UNTRUSTED, DOWN)] == [None, None]


def test_later_a_refused_login_is_final_only_when_it_lasts() -> None:
    clock = Clock()
    refusals = ErrorClassifier(clock=clock)
    refusals.running()
    assert refusals.classify(LOGIN) is None
    for _ in range(int(LOGIN_REFUSED_FOR / 10) - 1):
        clock.now += 10
        assert refusals.classify(LOGIN) is None
    clock.now += 10
    assert refusals.classify(LOGIN) is not None


def test_later_refusals_that_are_far_apart_do_not_add_up() -> None:
    clock = Clock()
    refusals = ErrorClassifier(clock=clock)
    refusals.running()
    for _ in range(100):
        assert refusals.classify(LOGIN) is None
        clock.now += REFUSALS_APART + 1


@pytest.mark.parametrize("error", [AWAY, SAYS_NO])
def test_later_an_outage_of_the_provider_is_never_final(error: KafkaError) -> None:
    clock = Clock()
    refusals = ErrorClassifier(clock=clock)
    refusals.running()
    for _ in range(1000):
        clock.now += 30
        assert [refusals.classify(each) for each in (error, LOGIN)] == [None, None]


def test_a_refused_login_is_excused_while_aws_gives_no_credentials() -> None:
    clock, failing = Clock(), [True]
    refusals = ErrorClassifier(lambda: failing[0], clock)
    refusals.running()
    for _ in range(100):
        clock.now += 10
        assert refusals.classify(LOGIN) is None


# -- what changes ---------------------------------------------------------------------------------------------


class Changing:
    """A login whose clock and files the test moves."""

    def __init__(self, folder: Path, chance: float = 0.5, **more: Any) -> None:
        self.clock = Clock()
        self.folder = folder
        self.wall = time.time()
        self.clients = ClientFactory(
            kafka(**more), Metrics(), Environment(self.clock, lambda: self.wall, lambda: chance)
        )

    def after(self, seconds: float) -> bool:
        self.clock.now += seconds
        return self.clients.restart_due()


def with_certificate(folder: Path, expiry: timedelta = timedelta(hours=1)) -> tuple[Authority, dict[str, Any]]:
    authority = Authority()
    (folder / "ca.pem").write_bytes(authority.certificate)
    certificate, key = authority.issue("me", expires=expiry).write(folder, "me")
    return authority, {"ca_file": str(folder / "ca.pem"), "cert_file": certificate, "key_file": key}


def test_files_that_stay_as_they_are_change_nothing(tmp_path: Path) -> None:
    _, tls = with_certificate(tmp_path)
    changing = Changing(tmp_path, tls=tls)
    assert not any(changing.after(10) for _ in range(50))


def test_a_new_certificate_is_due_when_it_is_whole_and_not_for_all_at_once(tmp_path: Path) -> None:
    authority, tls = with_certificate(tmp_path, timedelta(days=30))
    changing = Changing(tmp_path, chance=0.5, tls=tls)
    pair = authority.issue("me")
    Path(tls["key_file"]).write_bytes(pair.key)
    assert not any(changing.after(10) for _ in range(50)), "the key is of another certificate"
    Path(tls["cert_file"]).write_bytes(pair.certificate)
    assert not changing.after(10)
    assert not changing.after(149)  # half of the five minutes over which members spread
    assert changing.after(2)


def test_a_certificate_that_ends_soon_is_replaced_well_before(tmp_path: Path) -> None:
    authority, tls = with_certificate(tmp_path, timedelta(seconds=100))
    changing = Changing(tmp_path, chance=1.0, tls=tls)
    with structlog.testing.capture_logs() as logs:
        assert not changing.after(0)
    assert logs[0]["expires"] == expires(Path(tls["cert_file"]).read_bytes()).isoformat()  # type: ignore[union-attr]  # it has one
    authority.issue("me").write(tmp_path, "me")
    assert not changing.after(10)
    assert changing.after(10)


def test_a_secret_that_no_running_client_takes_is_a_reason_to_restart(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one")
    auth = {
        "type": "oidc",
        "token_endpoint_url": "https://idp/t",
        "client_id": "c",
        "client_secret": {"file": str(secret)},
    }
    changing = Changing(tmp_path, chance=0.0, auth=auth)
    assert not changing.after(10)
    secret.write_text("")
    assert not changing.after(10), "in the middle of a change"
    secret.write_text("two")
    assert changing.after(10)


def test_a_new_password_goes_to_every_client_and_to_those_made_later(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("one")
    auth = {"type": "plain", "username": "u", "password": {"file": str(file)}}
    changing = Changing(tmp_path, auth=auth)
    told: list[tuple[str, str]] = []

    class Client:
        def __init__(self, configuration: dict[str, Any]) -> None:
            told.append((configuration["sasl.username"], configuration["sasl.password"]))

        def set_sasl_credentials(self, user: str, password: str) -> None:
            told.append((user, password))

    aws.setattr(auth_module, "_Producer", Client)
    aws.setattr(auth_module, "_Consumer", Client)
    kept = [changing.clients.consumer({}), changing.clients.producer({}), changing.clients.producer({})]
    changing.clients.producer({})  # let go of at once
    assert told == [("u", "one")] * 4
    told.clear()
    changing.after(10)
    file.write_text("")
    changing.after(10)
    assert told == []
    file.write_text("two\n")
    with structlog.testing.capture_logs() as logs:
        assert not changing.after(10)
    assert told == [("u", "two")] * len(kept)
    kept.append(changing.clients.producer({}))
    assert told[len(kept) - 1 :] == [("u", "two")]
    assert "two" not in str(logs)


def test_every_client_of_the_library_is_kept_for_as_long_as_its_owner_keeps_it(tmp_path: Path) -> None:
    clients = Changing(tmp_path).clients
    quiet = {"log_level": 0}
    main, lone, consumer = (
        clients.producer(quiet),
        clients.producer(quiet),
        clients.consumer({**quiet, "group.id": "g"}),
    )
    assert set(clients._clients) == {main, lone, consumer}
    del lone
    assert set(clients._clients) == {main, consumer}
    consumer.close()


def test_a_signal_after_the_decision_to_restart_only_stops() -> None:
    signals = Signals()
    signals.begin_restart()
    assert signals.stopping()
    signals._note(signal.SIGTERM, None)
    signals.begin_restart()
    assert signals.received == "SIGTERM"


# -- certificates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "span", [timedelta(seconds=1), timedelta(days=9000), timedelta(days=365 * 40), -timedelta(days=1)]
)
def test_the_end_of_a_certificate_is_read_as_it_was_written(span: timedelta) -> None:
    before = datetime.now(UTC) + span
    found = expires(Authority().issue("me", expires=span).certificate)
    assert found is not None
    assert abs(found - before) < timedelta(seconds=5)


def test_what_is_no_certificate_has_no_end() -> None:
    whole = Authority().certificate
    chance = random.Random(1)
    assert expires(b"") is None
    for _ in range(500):
        broken = bytearray(whole)
        broken[chance.randrange(28, len(whole))] = chance.randrange(256)
        found: Callable[[], datetime | None] = lambda broken=broken: expires(bytes(broken))  # type: ignore[misc]  # noqa: E731
        assert found() is None or isinstance(found(), datetime)
