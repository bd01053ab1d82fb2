"""Who we are to AWS: endpoints of its variants, web identity, Pod Identity, and renewal while calls are under way."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from botocore.session import Session

from connector.aws.credentials import Account, NotConfigured, Role
from connector.aws.put_events import Wire
from connector.core.sending.outcomes import Delivered, Fatal, Outcome, Retryable
from connector.local.endpoint.server import Endpoint, running_endpoint
from tests.support.batches import batch

pytestmark = pytest.mark.usefixtures("aws")

FIPS, DUAL_STACK = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
LONG, SOON, SHORT = 3600, 720, 60  # seconds: botocore renews below 900 if it can, and below 600 it must


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as endpoint:
        endpoint.control({"credentials": {"ASIAONE": "one", "ASIATWO": "two"}})
        yield endpoint


def send_all(wire: Wire, count: int = 1) -> list[Outcome]:
    async def all_at_once() -> list[Outcome]:
        try:
            return await asyncio.gather(*(wire.send(batch()) for _ in range(count)))
        finally:
            wire.close()
            await asyncio.sleep(0)

    return asyncio.run(all_at_once())


CallResult = Callable[[str, dict[str, str], dict[str, list[str]]], tuple[int, str]]


class Agent:
    """STS, or the agent of Pod Identity: answers by ``answer(path, headers, form)`` and counts."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[dict[str, str], dict[str, list[str]]]] = []
        self.answer: CallResult = lambda *_: (500, "")


@contextmanager
def running_agent() -> Iterator[Agent]:
    agent = Agent()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            form = parse_qs(self.rfile.read(int(headers.get("content-length", 0))).decode())
            agent.asked.append((headers, form))
            status, text = agent.answer(self.path, headers, form)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815  http.server's name for it

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    agent.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield agent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def agent(aws: pytest.MonkeyPatch) -> Iterator[Agent]:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    with running_agent() as agent:
        yield agent


def until(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- endpoints ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "cn-north-1"])
@pytest.mark.parametrize("variables", [[], [FIPS], [DUAL_STACK], [FIPS, DUAL_STACK]])
def test_the_endpoint_is_the_one_that_botocore_resolves(
    aws: pytest.MonkeyPatch, region: str, variables: list[str]
) -> None:
    for name in variables:
        aws.setenv(name, "true")
    wire = Wire(Account(region), 1.0)
    assert wire.endpoint == Session().create_client("personalize-events", region).meta.endpoint_url
    assert wire.region == region, "which is what requests are signed for, whatever the host is called"
    assert ("fips" in wire.endpoint) == (FIPS in variables)
    assert (".api.aws" in wire.endpoint or ".api.amazonwebservices" in wire.endpoint) == (DUAL_STACK in variables)


def test_the_settings_of_a_profile_hold_too(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws.delenv("AWS_REGION")
    (tmp_path / "aws-config").write_text("[default]\nregion=us-west-2\nuse_fips_endpoint=true\n")
    assert Wire(Account(), 1.0).endpoint == "https://personalize-events-fips.us-west-2.amazonaws.com"


def test_an_endpoint_of_the_file_wins_over_a_variant(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert Wire(Account(None, "https://vpce-1.example"), 1.0).endpoint == "https://vpce-1.example"


# -- web identity (IRSA) --------------------------------------------------------------------------------------


def web_identity(key: str, secret: str, seconds: float) -> tuple[int, str]:
    return 200, (
        '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        "<AssumeRoleWithWebIdentityResult><Credentials>"
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>t</SessionToken>"
        f"<Expiration>{until(seconds)}</Expiration></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )


@pytest.fixture
def irsa(aws: pytest.MonkeyPatch, agent: Agent, tmp_path: Path) -> Path:
    """The token's file, as EKS mounts it."""
    file = tmp_path / "token"
    file.write_text("token-1")
    aws.setenv("AWS_ENDPOINT_URL_STS", agent.url)
    aws.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/events")
    aws.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    return file


def test_a_web_identity_is_renewed_once_under_load_with_the_token_that_the_file_has_then(
    irsa: Path, agent: Agent, endpoint: Endpoint
) -> None:
    answers = iter([web_identity("ASIAONE", "one", SHORT)])
    agent.answer = lambda *_: next(answers, None) or web_identity("ASIATWO", "two", LONG)
    wire = Wire(Account(None, endpoint.url), 5.0)
    wire._credentials.get_frozen_credentials()
    irsa.write_text("token-2")
    assert send_all(wire, 64) == [Delivered()] * 64
    assert [form["WebIdentityToken"] for _, form in agent.asked] == [["token-1"], ["token-2"]]
    assert agent.asked[0][1]["RoleArn"] == ["arn:aws:iam::123456789012:role/events"]


def test_a_web_identity_is_the_base_of_a_role(irsa: Path, agent: Agent, endpoint: Endpoint) -> None:
    assert irsa.exists()

    def answer(_: str, headers: dict[str, str], form: dict[str, list[str]]) -> tuple[int, str]:
        if form["Action"] == ["AssumeRoleWithWebIdentity"]:
            return web_identity("ASIAONE", "one", LONG)
        assert "ASIAONE" in headers["authorization"]
        status, text = web_identity("ASIATWO", "two", LONG)
        return status, text.replace("WithWebIdentity", "")

    agent.answer = answer
    wire = Wire(Account(None, endpoint.url, Role("arn:aws:iam::210987654321:role/other", "external", "session-1")), 5.0)
    assert send_all(wire) == [Delivered()]
    assert agent.asked[1][1]["ExternalId"] == ["external"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(403, "AccessDenied", Fatal), (400, "InvalidIdentityToken", Fatal), (503, "ServiceUnavailable", Retryable)],
)
def test_a_web_identity_that_is_refused_is_fatal_and_a_service_that_is_away_is_not(
    irsa: Path, agent: Agent, endpoint: Endpoint, status: int, code: str, kind: type
) -> None:
    assert irsa.exists()
    agent.answer = lambda *_: (status, f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>")
    [outcome] = send_all(Wire(Account(None, endpoint.url), 5.0))
    assert isinstance(outcome, kind)


# -- Pod Identity ---------------------------------------------------------------------------------------------


def container(key: str, secret: str, seconds: float) -> tuple[int, str]:
    keys = {"AccessKeyId": key, "SecretAccessKey": secret, "Token": "t", "Expiration": until(seconds)}
    return 200, json.dumps(keys)


@pytest.fixture
def pod(aws: pytest.MonkeyPatch, agent: Agent, tmp_path: Path) -> Path:
    """The token's file, as EKS mounts it."""
    file = tmp_path / "pod-token"
    file.write_text("pod-1")
    aws.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{agent.url}/v1/credentials")
    aws.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))
    return file


def test_pod_identity_is_renewed_once_under_load_with_the_token_that_the_file_has_then(
    pod: Path, agent: Agent, endpoint: Endpoint
) -> None:
    answers = iter([container("ASIAONE", "one", SHORT)])
    agent.answer = lambda *_: next(answers, None) or container("ASIATWO", "two", LONG)
    wire = Wire(Account(None, endpoint.url), 5.0)
    pod.write_text("pod-2")
    assert send_all(wire, 64) == [Delivered()] * 64
    assert [headers["authorization"] for headers, _ in agent.asked] == ["pod-1", "pod-2"]


def test_an_agent_that_fails_while_the_credentials_still_last_costs_nothing(
    pod: Path, agent: Agent, endpoint: Endpoint
) -> None:
    assert pod.exists()
    answers = iter([container("ASIAONE", "one", SOON)])
    agent.answer = lambda *_: next(answers, None) or (500, "")
    wire = Wire(Account(None, endpoint.url), 5.0)
    assert send_all(wire, 8) == [Delivered()] * 8


def test_an_agent_that_is_away_when_credentials_have_ended_is_an_outage(
    pod: Path, agent: Agent, endpoint: Endpoint
) -> None:
    assert pod.exists()
    answers = iter([container("ASIAONE", "one", SHORT)])
    agent.answer = lambda *_: next(answers, None) or (500, "")
    wire = Wire(Account(None, endpoint.url), 5.0)
    [outcome] = send_all(wire)
    assert isinstance(outcome, Retryable)


def test_an_agent_of_a_stranger_is_not_asked(aws: pytest.MonkeyPatch, pod: Path) -> None:
    assert pod.exists()
    aws.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://credentials.example/v1")
    with pytest.raises(NotConfigured, match="Unsupported host"):
        Wire(Account(None, "http://127.0.0.1:1"), 1.0)
