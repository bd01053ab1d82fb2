"""One call: its request is the one that boto3 sends, and every response becomes an outcome."""

import asyncio
import datetime as dt
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
import orjson
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import Session

from connector.aws.calls import EventsClient
from connector.aws.credentials import Account, NotConfigured
from connector.aws.sender import SenderThread
from connector.core.operations import PUT_EVENTS
from connector.core.sending.outcomes import Delivered, Fatal, Outcome, Rejected, Retryable, Status, Throttled
from connector.local.endpoint.faults import Faults
from connector.local.endpoint.server import Endpoint, running_endpoint
from connector.ports import CallResult
from tests.support.batches import batch
from tests.support.fixtures import KEY, SECRET
from tests.support.http_server import AWS, HttpServer, Request, Response
from tests.wire.clients import ROLE, bare, free_port, new_client

pytestmark = pytest.mark.usefixtures("aws")

# A certificate that nobody has the key of.
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBkDCCATegAwIBAgIUM6/uC9lrAtDbtY0G/Ejds6+05cgwCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwSb25seSBmb3IgdGhpcyB0ZXN0MCAXDTI2MTEyNDExMzQ1NFoY
DzIxMjYxMDMxMTEzNDU0WjAdMRswGQYDVQQDDBJvbmx5IGZvciB0aGlzIHRlc3Qw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASHp/8w7C2gOLWnPfy3IufcTUTOT7Tj
RN6mBZFD4R+Lqb5ItbFAWqN5+iHRhoc2/7HImgkiRBjUcoiY60SBdxdMo1MwUTAd
BgNVHQ4EFgQU4cE50Ju6wcwT6nKQZfhTgpfSn2cwHwYDVR0jBBgwFoAU4cE50Ju6
wcwT6nKQZfhTgpfSn2cwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBE
AiA1Fl7Q8pFObyEoRriy0wHlAgRQWeo9+W0uWirWMeGeeAIgLI9ZG6XMtaTv+/b1
ib0g5xlJzxRmrOC37YVa1NhrpX0=
-----END CERTIFICATE-----
"""


# -- the request ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "session-token"])
@pytest.mark.parametrize("user_id", [None, "u-1", 'ü"\\\u2028'])
def test_the_request_is_the_one_that_the_client_would_have_sent(
    aws: pytest.MonkeyPatch, web: HttpServer, user_id: str | None, token: str | None
) -> None:
    if token:
        aws.setenv("AWS_SESSION_TOKEN", token)
    events: list[dict[str, Any]] = [
        {"eventType": "View", "sentAt": 1700000000, "itemId": "i-1", "properties": '{"a":"é"}', "eventValue": 1.5},
        {"eventType": "View", "sentAt": 1700000001, "impression": ["a", "b"]},
    ]
    user = {} if user_id is None else {"userId": user_id}
    client = boto3.Session().client(
        "personalize-events",
        region_name="eu-west-1",
        endpoint_url=web.url,
        config=Config(user_agent_extra="putevents-connector", retries={"total_max_attempts": 1}),
    )
    client.put_events(trackingId="t-1", sessionId="s-1", eventList=events, **user)  # type: ignore[arg-type]
    ours = batch(*map(orjson.dumps, events), tracking_id="t-1", session_id="s-1", user_id=user_id)
    assert new_client(web.url).send(ours) == Delivered()
    theirs, mine = web.requests
    assert (mine.method, mine.target) == (theirs.method, theirs.target)
    assert json.loads(mine.body) == json.loads(theirs.body)
    # What only the client's retries use.
    assert theirs.headers.keys() - mine.headers.keys() == {"amz-sdk-invocation-id", "amz-sdk-request"}
    assert mine.headers.keys() <= theirs.headers.keys()
    for name in ("host", "content-type", "accept-encoding", "x-amz-security-token"):
        assert mine.headers.get(name) == theirs.headers.get(name), name
    assert _scope(mine) == _scope(theirs)
    assert set(_agent(theirs)) >= {part for part in _agent(mine) if part.lower().startswith(("boto", "lang", "md"))}
    assert any(part.startswith("putevents-connector/") for part in _agent(mine))
    client.close()


def _scope(request: Request) -> tuple[str, str]:
    """Key, day, region, service; and the names of the signed headers."""
    credential, signed, _ = request.headers["authorization"].split(", ")
    return credential, signed


def _agent(request: Request) -> list[str]:
    return request.headers["user-agent"].split(" ")


@pytest.mark.parametrize("token", [None, "session-token"])
def test_the_signature_holds_where_it_is_verified_in_full(
    aws: pytest.MonkeyPatch, endpoint: Endpoint, token: str | None
) -> None:
    if token:
        aws.setenv("AWS_SESSION_TOKEN", token)
    endpoint.control({"credentials": {KEY: SECRET}})
    assert new_client(endpoint.url).send(batch(user_id="ünï")) == Delivered()
    [accepted] = endpoint.accepted()
    assert (accepted.tracking_id, accepted.session_id, accepted.user_id) == ("tracker-1", "s-1", "ünï")


def test_a_wrong_secret_is_refused_for_good(endpoint: Endpoint) -> None:
    endpoint.control({"credentials": {KEY: "another"}})
    outcome = new_client(endpoint.url).send(batch())
    assert isinstance(outcome, Fatal)
    assert outcome.code == "InvalidSignatureException"


def test_ten_events_go_in_their_order(endpoint: Endpoint) -> None:
    bodies = [b'{"eventType":"View","sentAt":1700000000,"eventId":"e-%d"}' % number for number in range(10)]
    assert new_client(endpoint.url).send(batch(*bodies)) == Delivered()
    assert [row.event_id for row in endpoint.accepted()] == [f"e-{number}" for number in range(10)]


def test_connections_are_kept_between_calls(endpoint: Endpoint) -> None:
    sender = new_client(endpoint.url)
    for _ in range(5):
        assert sender.send(batch()) == Delivered()
    assert len(endpoint._connections) == 1


# -- the outcome ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        ({"quota": 0.001}, Throttled("ThrottlingException")),
        ({"quota": 0.001, "throttle_status": 429}, Throttled("ThrottlingException")),
        ({"tracking_ids": ["another"]}, Rejected("InvalidInputException")),
        ({"poison_prefix": "i-"}, Rejected("InvalidInputException")),
        ({"outage": "unavailable"}, Retryable("ServiceUnavailable", Status.SERVER_ERROR)),
        ({"reset_rate": 1}, Retryable("ConnectionClosedError", Status.CONNECTION)),
        ({"reset_after_rate": 1}, Retryable("ConnectionClosedError", Status.CONNECTION)),
        ({"outage": "close"}, Retryable("ConnectionClosedError", Status.CONNECTION)),
        ({"hang_rate": 1}, Retryable("ReadTimeoutError", Status.TIMEOUT)),
    ],
)
def test_each_answer_is_the_outcome_that_it_means(endpoint: Endpoint, faults: dict[str, Any], outcome: Outcome) -> None:
    sender = new_client(endpoint.url, timeout=0.3)
    endpoint.control(faults)
    if "quota" in faults:
        assert sender.send(batch()) == Delivered()  # the one that the quota allows
    assert bare(sender.send(batch())) in (outcome, *_kin(outcome))


def _kin(outcome: Outcome) -> tuple[Outcome, ...]:
    """A reset that comes while the request is still being written has another name, and means the same."""
    closed = Retryable("ConnectionClosedError", Status.CONNECTION)
    return (Retryable("HTTPClientError", Status.CONNECTION),) if outcome == closed else ()


def test_a_denial_is_fatal_and_says_what_to_allow(endpoint: Endpoint) -> None:
    endpoint.control({"denied": True})
    outcome = new_client(endpoint.url).send(batch())
    assert isinstance(outcome, Fatal)
    assert (outcome.code, outcome.status) == ("AccessDeniedException", Status.DENIED)
    assert "personalize:PutEvents" in outcome.advice


def test_a_connection_that_broke_does_not_spoil_the_next_call(endpoint: Endpoint) -> None:
    sender = new_client(endpoint.url)
    endpoint.control({"reset_after_rate": 1})
    assert isinstance(sender.send(batch()), Retryable)
    endpoint.control({"reset_after_rate": None})
    assert sender.send(batch()) == Delivered()
    assert len(endpoint.accepted()) == 2


def test_a_call_is_tried_once(web: HttpServer) -> None:
    web.respond = lambda _: Response(500)
    assert bare(new_client(web.url).send(batch())) == Retryable("HTTP 500", Status.SERVER_ERROR)
    assert len(web.requests) == 1


def test_a_refused_connection_is_an_outage() -> None:
    port = free_port()
    outcome = new_client(f"http://127.0.0.1:{port}").send(batch())
    said = f"refused: 127.0.0.1:{port} takes no connections"
    assert outcome == Retryable("EndpointConnectionError", Status.CONNECTION, said)


def test_a_name_that_does_not_resolve_is_an_outage(aws: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    sender = new_client("http://personalize.invalid")
    aws.setattr(socket, "getaddrinfo", unknown)
    said = "dns: no address for personalize.invalid:80"
    assert sender.send(batch()) == Retryable("EndpointConnectionError", Status.CONNECTION, said)


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (Response(503, AWS, b"\xff\x00 not text"), Status.SERVER_ERROR),
        (Response(403, AWS, b"{"), Status.DENIED),
        (Response(413, AWS), Status.INVALID_INPUT),
        (Response(400, (("x-amzn-ErrorType", "ThrottlingException:http://internal/"),), b"{}"), Status.THROTTLED),
        (Response(400, (), b'{"__type":"com.amazonaws#ValidationException","message":"m"}'), Status.INVALID_INPUT),
    ],
)
def test_what_an_odd_service_says_has_an_outcome(web: HttpServer, response: Response, outcome: Status) -> None:
    web.respond = lambda _: response
    assert new_client(web.url).send(batch()).status == outcome
    assert len(web.requests) == 1


@pytest.mark.parametrize("answer", [b"", b"HT", b"HTTP/1.1 2", b"SSH-2.0-OpenSSH\r\n"])
def test_an_answer_that_is_cut_short_or_none_of_http_is_an_outage(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        outcome = new_client(f"http://127.0.0.1:{server.getsockname()[1]}").send(batch())
        thread.join()
    assert isinstance(outcome, Retryable)
    assert outcome.status is Status.CONNECTION


# -- credentials ----------------------------------------------------------------------------------------------


def test_expired_credentials_are_replaced_by_those_that_the_environment_has_now(
    aws: pytest.MonkeyPatch, endpoint: Endpoint
) -> None:
    endpoint.control({"expired_keys": [KEY]})
    sender = new_client(endpoint.url)
    aws.setenv("AWS_ACCESS_KEY_ID", "AKIDNEW")
    assert sender.send(batch()) == Delivered()
    assert sender.send(batch()) == Delivered()
    assert endpoint.stats()["errors"] == {"ExpiredTokenException": 1}


def test_expired_credentials_are_replaced_by_those_that_the_file_has_now(
    aws: pytest.MonkeyPatch, endpoint: Endpoint, tmp_path: Path
) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    file = tmp_path / "aws-credentials"
    lines = "[default]\naws_access_key_id={}\naws_secret_access_key=s\naws_session_token={}\n"
    file.write_text(lines.format(KEY, "old"))
    sender = new_client(endpoint.url)
    endpoint.control({"expired_tokens": ["old"]})
    file.write_text(lines.format("AKIDNEW", "new"))
    assert sender.send(batch()) == Delivered()


def test_credentials_that_stay_expired_are_fatal_after_one_repeat(endpoint: Endpoint) -> None:
    endpoint.control({"expired_keys": [KEY]})
    outcome = new_client(endpoint.url).send(batch())
    assert isinstance(outcome, Fatal)
    assert outcome.code == "ExpiredTokenException"
    assert endpoint.stats()["errors"] == {"ExpiredTokenException": 2}


def test_credentials_that_expired_and_are_gone_are_fatal(aws: pytest.MonkeyPatch, endpoint: Endpoint) -> None:
    endpoint.control({"expired_keys": [KEY]})
    sender = new_client(endpoint.url)
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    outcome = sender.send(batch())
    assert isinstance(outcome, Fatal)
    assert outcome.code == "NoCredentials"


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_wrong_is_fatal_and_says_so(aws: pytest.MonkeyPatch, endpoint: Endpoint, hours: int) -> None:
    sender = new_client(endpoint.url)
    signer = sender.client._forms[PUT_EVENTS].signer
    sign = signer.lines
    # Only this side's clock: the endpoint lives in the same process.
    aws.setattr(signer, "lines", lambda keys, body, now: sign(keys, body, now + hours * 3600))
    outcome = sender.send(batch())
    assert isinstance(outcome, Fatal)
    assert "clock" in outcome.advice


def test_many_calls_with_expired_credentials_renew_them_once(aws: pytest.MonkeyPatch, endpoint: Endpoint) -> None:
    endpoint.control({"expired_keys": [KEY]})
    sender = new_client(endpoint.url)
    aws.setenv("AWS_ACCESS_KEY_ID", "AKIDNEW")
    found: list[object] = []
    find = sender.client._find_credentials

    def counted(session: Session) -> Credentials:
        found.append(session)
        return find(session)

    aws.setattr(sender.client, "_find_credentials", counted)
    outcomes = sender.send_all([batch() for _ in range(8)])
    assert outcomes == [Delivered()] * 8
    assert len(found) == 1


def test_no_credentials_are_told_at_the_start(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NotConfigured, match="no AWS credentials: expected them in the environment"):
        new_client("http://127.0.0.1:1")


def test_half_a_pair_of_keys_is_told_at_the_start(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NotConfigured, match="no AWS credentials"):
        new_client("http://127.0.0.1:1")


def test_a_profile_that_is_not_there_is_told_at_the_start(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(NotConfigured, match="nobody"):
        new_client("http://127.0.0.1:1")


def test_no_region_is_told_at_the_start(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_REGION")
    with pytest.raises(NotConfigured, match="no AWS region: expected"):
        EventsClient(Account(), 1.0)


def test_the_region_of_the_file_wins_over_that_of_the_environment() -> None:
    assert EventsClient(Account("us-east-2"), 1.0).region == "us-east-2"
    assert EventsClient(Account(), 1.0).endpoint == "https://personalize-events.eu-west-1.amazonaws.com"


@pytest.mark.parametrize("url", ["127.0.0.1:8123", "no url", "http://"])
def test_a_bad_endpoint_url_is_told_at_the_start(url: str) -> None:
    with pytest.raises(NotConfigured, match="no client for Amazon Personalize"):
        new_client(url)


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_PERSONALIZE_EVENTS", "AWS_ENDPOINT_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@127.0.0.1:8123",
        "http://hunter2@127.0.0.1:8123",
        "http://user:hun@ter2@[::1]:8123/",
        "http://user:hunter2@:8123",
        "http://127.0.0.1:8123/?key=hunter2",
        "http://127.0.0.1:8123/#hunter2",
    ],
)
def test_an_endpoint_of_the_environment_that_holds_a_secret_is_refused_without_it(
    aws: pytest.MonkeyPatch, name: str, url: str
) -> None:
    aws.setenv(name, url)
    with pytest.raises(NotConfigured, match="endpoint") as caught:
        new_client(None)
    for shown in (str(caught.value), repr(caught.value)):
        assert "ter2" not in shown


# -- what the machine says ------------------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_used(aws: pytest.MonkeyPatch, web: HttpServer) -> None:
    aws.setenv("HTTP_PROXY", web.url)
    assert new_client("http://personalize.example:8000").send(batch()) == Delivered()
    assert web.requests[0].target == "http://personalize.example:8000/events"


def test_a_bundle_of_certificates_of_the_environment_is_used(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws.setenv("AWS_CA_BUNDLE", str(tmp_path / "bundle.pem"))
    (tmp_path / "bundle.pem").write_text(AUTHORITY)
    sender = new_client("https://127.0.0.1:1")
    tls = sender.client._connections._origin.tls
    assert tls is not None
    assert [each["subject"] for each in tls.get_ca_certs()] == [((("commonName", "only for this test"),),)]


def test_a_bundle_of_certificates_that_is_not_there_is_told_at_the_start(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    aws.setenv("AWS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(NotConfigured, match=r"nowhere\.pem"):
        new_client("https://127.0.0.1:1")


def test_the_endpoint_of_the_environment_is_used(aws: pytest.MonkeyPatch, endpoint: Endpoint) -> None:
    aws.setenv("AWS_ENDPOINT_URL_PERSONALIZE_EVENTS", endpoint.url)
    assert new_client(None).send(batch()) == Delivered()


# -- a role ---------------------------------------------------------------------------------------------------

ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/events/me</Arn><AssumedRoleId>A:me</AssumedRoleId>
</AssumedRoleUser><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>
<SessionToken>role-token</SessionToken><Expiration>2096-11-24T12:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""


def _sts_error(code: str, status: int) -> Response:
    return Response(status, (), f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode())


def test_a_role_is_assumed_with_its_external_id_and_its_credentials_are_used(
    aws: pytest.MonkeyPatch, endpoint: Endpoint, web: HttpServer
) -> None:
    web.respond = lambda _: Response(200, (), ASSUMED)
    aws.setenv("AWS_ENDPOINT_URL_STS", web.url)
    endpoint.control({"credentials": {"ASIAROLE": "role-secret"}})
    sender = new_client(endpoint.url, role=ROLE)
    assert [sender.send(batch()), sender.send(batch())] == [Delivered()] * 2
    [request] = web.requests
    asked_for = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert asked_for["Action"] == "AssumeRole"
    assert asked_for["RoleArn"] == ROLE.arn
    assert asked_for["ExternalId"] == "external-1"
    assert asked_for["RoleSessionName"] == "me-1"
    assert KEY in request.headers["authorization"]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (_sts_error("AccessDenied", 403), Fatal),
        (_sts_error("MalformedPolicyDocument", 400), Fatal),
        (_sts_error("Throttling", 400), Retryable),
        (_sts_error("ServiceUnavailable", 503), Retryable),
    ],
)
def test_a_role_that_is_refused_is_fatal_and_one_that_must_wait_is_not(
    aws: pytest.MonkeyPatch, endpoint: Endpoint, web: HttpServer, response: Response, kind: type
) -> None:
    web.respond = lambda _: response
    aws.setenv("AWS_ENDPOINT_URL_STS", web.url)
    outcome = new_client(endpoint.url, role=ROLE).send(batch())
    assert isinstance(outcome, kind)
    if isinstance(outcome, Fatal):
        assert "assume_role" in outcome.advice
    assert endpoint.stats()["calls"] == {}


def test_a_token_service_that_is_out_of_reach_is_an_outage(aws: pytest.MonkeyPatch, endpoint: Endpoint) -> None:
    aws.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{free_port()}")
    outcome = new_client(endpoint.url, role=ROLE).send(batch())
    said = "no AWS credentials: 127.0.0.1 does not answer as AWS does"
    assert outcome == Retryable("EndpointConnectionError", Status.CONNECTION, said)


def test_a_role_is_assumed_with_new_keys_when_the_old_ones_have_expired(
    aws: pytest.MonkeyPatch, endpoint: Endpoint, web: HttpServer
) -> None:
    web.respond = lambda request: (
        _sts_error("ExpiredToken", 403) if KEY in request.headers["authorization"] else Response(200, (), ASSUMED)
    )
    aws.setenv("AWS_ENDPOINT_URL_STS", web.url)
    sender = new_client(endpoint.url, role=ROLE)
    aws.setenv("AWS_ACCESS_KEY_ID", "AKIDNEW")
    assert sender.send(batch()) == Delivered()


# -- the pool -------------------------------------------------------------------------------------------------


def test_every_batch_is_delivered_once_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.aws.calls.CONNECT_TIMEOUT", 60.0)  # this process is both ends, and all come at once
    bodies = [b'{"eventType":"View","sentAt":1700000000,"eventId":"e-%d"}' % number for number in range(500)]
    with running_endpoint(Faults(credentials={KEY: SECRET}), keep=False) as endpoint:
        calls = SenderThread(EventsClient(Account(None, endpoint.url), 20.0))
        batches = [batch(each, session_id=f"s-{number}") for number, each in enumerate(bodies)]
        for each in batches:
            calls.submit(each)
        answers: list[CallResult] = []
        while len(answers) < len(batches):
            there = calls.wait(20.0)
            assert there, "an answer is missing"
            answers += there
        calls.close()
        assert not calls._thread.is_alive()
        assert {answer.outcome for answer in answers} == {Delivered()}
        assert {id(answer.batch) for answer in answers} == {id(each) for each in batches}
        assert all(answer.seconds > 0 for answer in answers)
        stats = endpoint.stats()
        assert (stats["distinct_ids"], stats["duplicates"]) == (500, 0)


@pytest.mark.parametrize("where", ["preparing", "signing", "reading the answer", "ending"])
def test_a_bug_in_a_call_is_raised_in_the_thread_that_waits(
    aws: pytest.MonkeyPatch, endpoint: Endpoint, where: str
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError(where)

    client = EventsClient(Account(None, endpoint.url), 20.0)
    calls = SenderThread(client)
    calls.submit(batch())
    assert [answer.outcome for answer in calls.wait(30.0)] == [Delivered()], "its connection is kept"
    match where:
        case "preparing":
            aws.setattr(client._connections, "take", lambda: None)
            aws.setattr(client._connections, "connect", broken)
        case "signing":
            aws.setattr(client._forms[PUT_EVENTS].signer, "lines", broken)
        case "reading the answer":
            aws.setattr(client, "_meaning", broken)
        case _:
            aws.setattr(client, "_ended", broken)
    calls.submit(batch())
    with pytest.raises(ZeroDivisionError, match=where):
        calls.wait(30.0)
    calls.close()


def test_closing_gives_up_what_is_under_way(endpoint: Endpoint) -> None:
    endpoint.control({"hang_rate": 1})
    calls = SenderThread(EventsClient(Account(None, endpoint.url), 60.0))
    calls.submit(batch())
    while not endpoint.stats()["calls"]:
        calls.wait(0.01)
    calls.close()
    assert not calls._thread.is_alive()


def test_waiting_without_an_answer_takes_the_time_it_was_given_and_no_more(endpoint: Endpoint) -> None:
    calls = SenderThread(EventsClient(Account(None, endpoint.url), 5.0))
    assert list(calls.wait(0.0)) == []
    assert list(calls.wait(0.01)) == []
    calls.close()


# -- unusual servers and proxies ------------------------------------------------------------------------------------


@contextmanager
def speaking(*answers: bytes, close: bool = True) -> Iterator[str]:
    """A server that takes one request and says these bytes, then hangs up or holds its tongue."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"".join(answers))
                if not close:
                    done.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        done.set()
        thread.join()


def test_an_answer_may_end_with_the_connection() -> None:
    with speaking(b"HTTP/1.1 403 Forbidden\r\nx-amzn-RequestId: 1\r\nConnection: close\r\n\r\nno entry") as url:
        assert isinstance(new_client(url).send(batch()), Fatal)
    with speaking(b"HTTP/1.0 200 OK\r\nx-amzn-RequestId: 1\r\n\r\n") as url:
        assert new_client(url).send(batch()) == Delivered()


def test_an_interim_answer_is_not_the_answer() -> None:
    answer = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 1\r\nContent-Length: 0\r\n\r\n"
    with speaking(b"HTTP/1.1 100 Continue\r\n\r\n", answer, close=False) as url:
        assert new_client(url).send(batch()) == Delivered()


@pytest.mark.parametrize("value", ["127.0.0.1:{port}", "//127.0.0.1:{port}", "http://127.0.0.1:{port}"])
def test_a_proxy_needs_no_scheme(aws: pytest.MonkeyPatch, web: HttpServer, value: str) -> None:
    aws.setenv("HTTP_PROXY", value.format(port=web.url.rpartition(":")[2]))
    assert new_client("http://personalize.example:8000").send(batch()) == Delivered()


@pytest.mark.parametrize("value", ["http://proxy:abc", "ftp://proxy:21", "http://"])
def test_a_proxy_that_is_none_is_told_at_the_start(aws: pytest.MonkeyPatch, value: str) -> None:
    aws.setenv("HTTP_PROXY", value)
    with pytest.raises(NotConfigured, match="proxy"):
        new_client("http://personalize.example:8000")


def test_a_proxy_that_takes_the_connection_and_says_nothing_costs_no_sockets(aws: pytest.MonkeyPatch) -> None:
    aws.setattr("connector.aws.calls.CONNECT_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        aws.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
        sender = new_client("https://personalize.example")
        for _ in range(3):
            assert bare(sender.send(batch())) == Retryable("ConnectTimeoutError", Status.TIMEOUT)
        sender._runner.run(asyncio.sleep(0.05))  # what was aborted is closed in the turns that follow
        for _ in range(3):
            connection, _address = server.accept()
            with connection:
                connection.settimeout(20)
                while connection.recv(65536):
                    pass  # the request; then the end, which does not come while the client keeps the connection open


def test_a_proxy_tunnels_what_is_encrypted_and_is_told_who_asks(aws: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        aws.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{port}")
        outcome = new_client("https://personalize.example").send(batch())
        thread.join()
    said = f"proxy: 127.0.0.1:{port} answered 407 to CONNECT personalize.example:443; check its user and password"
    assert outcome == Retryable("ProxyConnectionError", Status.CONNECTION, said)
    assert received[0].startswith(b"CONNECT personalize.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in received[0]


@pytest.mark.parametrize(
    ("printed", "kind"),
    [
        ('{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"2020-01-01T00:00:00Z"}', Fatal),
        ("not JSON", Retryable),
    ],
)
def test_a_credential_process_that_fails_later_has_an_outcome(
    aws: pytest.MonkeyPatch, endpoint: Endpoint, tmp_path: Path, printed: str, kind: type
) -> None:
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = tmp_path / "said"
    said.write_text(f'{{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"{soon}"}}')
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = cat {said}\n")
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    aws.setenv("AWS_CONFIG_FILE", str(config))
    sender = new_client(endpoint.url)
    said.write_text(printed)
    assert isinstance(sender.send(batch()), kind)
