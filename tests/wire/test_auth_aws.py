"""Region and credentials: endpoints of every variant, web identity, Pod Identity, and renewal with calls in flight."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.session import Session

from connector.aws.calls import EventsClient
from connector.aws.credentials import Account, NotConfigured, Role
from connector.core.sending.outcomes import Delivered, Fatal, Outcome, Retryable
from connector.local.endpoint.server import Endpoint, running_endpoint
from tests.support.batches import batch
from tests.support.http_server import HttpServer, Request, Response, running_http_server

pytestmark = pytest.mark.usefixtures("aws")

FIPS, DUAL_STACK = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
LONG, SOON, SHORT = 3600, 720, 60  # seconds: botocore renews below 900 if it can, and below 600 it must


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as endpoint:
        endpoint.control({"credentials": {"ASIAONE": "one", "ASIATWO": "two"}})
        yield endpoint


def send_all(client: EventsClient, count: int = 1) -> list[Outcome]:
    async def all_at_once() -> list[Outcome]:
        try:
            return await asyncio.gather(*(client.send(batch()) for _ in range(count)))
        finally:
            client.close()
            await asyncio.sleep(0)

    return asyncio.run(all_at_once())


@pytest.fixture
def agent(aws: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    with running_http_server() as agent:
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
    client = EventsClient(Account(region), 1.0)
    assert client.endpoint == Session().create_client("personalize-events", region).meta.endpoint_url
    assert client.region == region, "which is what requests are signed for, whatever the host is called"
    assert ("fips" in client.endpoint) == (FIPS in variables)
    assert (".api.aws" in client.endpoint or ".api.amazonwebservices" in client.endpoint) == (DUAL_STACK in variables)


def test_the_settings_of_a_profile_hold_too(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws.delenv("AWS_REGION")
    (tmp_path / "aws-config").write_text("[default]\nregion=us-west-2\nuse_fips_endpoint=true\n")
    assert EventsClient(Account(), 1.0).endpoint == "https://personalize-events-fips.us-west-2.amazonaws.com"


def test_an_endpoint_of_the_file_wins_over_a_variant(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert EventsClient(Account(None, "https://vpce-1.example"), 1.0).endpoint == "https://vpce-1.example"


# -- web identity (IRSA) --------------------------------------------------------------------------------------


def web_identity(key: str, secret: str, seconds: float) -> Response:
    text = (
        '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        "<AssumeRoleWithWebIdentityResult><Credentials>"
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>t</SessionToken>"
        f"<Expiration>{until(seconds)}</Expiration></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )
    return Response(200, (), text.encode())


@pytest.fixture
def irsa(aws: pytest.MonkeyPatch, agent: HttpServer, tmp_path: Path) -> Path:
    """The token's file, as EKS mounts it."""
    file = tmp_path / "token"
    file.write_text("token-1")
    aws.setenv("AWS_ENDPOINT_URL_STS", agent.url)
    aws.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/events")
    aws.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    return file


def test_a_web_identity_is_renewed_once_under_load_with_the_token_that_the_file_has_then(
    irsa: Path, agent: HttpServer, endpoint: Endpoint
) -> None:
    answers = iter([web_identity("ASIAONE", "one", SHORT)])
    agent.respond = lambda *_: next(answers, None) or web_identity("ASIATWO", "two", LONG)
    client = EventsClient(Account(None, endpoint.url), 5.0)
    client._credentials.get_frozen_credentials()
    irsa.write_text("token-2")
    assert send_all(client, 64) == [Delivered()] * 64
    assert [request.form["WebIdentityToken"] for request in agent.requests] == [["token-1"], ["token-2"]]
    assert agent.requests[0].form["RoleArn"] == ["arn:aws:iam::123456789012:role/events"]


def test_a_web_identity_is_the_base_of_a_role(irsa: Path, agent: HttpServer, endpoint: Endpoint) -> None:
    assert irsa.exists()

    def respond(request: Request) -> Response:
        if request.form["Action"] == ["AssumeRoleWithWebIdentity"]:
            return web_identity("ASIAONE", "one", LONG)
        assert "ASIAONE" in request.headers["authorization"]
        response = web_identity("ASIATWO", "two", LONG)
        return response._replace(body=response.body.replace(b"WithWebIdentity", b""))

    agent.respond = respond
    role = Role("arn:aws:iam::210987654321:role/other", "external", "session-1")
    client = EventsClient(Account(None, endpoint.url, role), 5.0)
    assert send_all(client) == [Delivered()]
    assert agent.requests[1].form["ExternalId"] == ["external"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(403, "AccessDenied", Fatal), (400, "InvalidIdentityToken", Fatal), (503, "ServiceUnavailable", Retryable)],
)
def test_a_web_identity_that_is_refused_is_fatal_and_a_service_that_is_away_is_not(
    irsa: Path, agent: HttpServer, endpoint: Endpoint, status: int, code: str, kind: type
) -> None:
    assert irsa.exists()
    agent.respond = lambda *_: Response(
        status, (), f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()
    )
    [outcome] = send_all(EventsClient(Account(None, endpoint.url), 5.0))
    assert isinstance(outcome, kind)


# -- Pod Identity ---------------------------------------------------------------------------------------------


def container(key: str, secret: str, seconds: float) -> Response:
    keys = {"AccessKeyId": key, "SecretAccessKey": secret, "Token": "t", "Expiration": until(seconds)}
    return Response(200, (), json.dumps(keys).encode())


@pytest.fixture
def pod(aws: pytest.MonkeyPatch, agent: HttpServer, tmp_path: Path) -> Path:
    """The token's file, as EKS mounts it."""
    file = tmp_path / "pod-token"
    file.write_text("pod-1")
    aws.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{agent.url}/v1/credentials")
    aws.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))
    return file


def test_pod_identity_is_renewed_once_under_load_with_the_token_that_the_file_has_then(
    pod: Path, agent: HttpServer, endpoint: Endpoint
) -> None:
    answers = iter([container("ASIAONE", "one", SHORT)])
    agent.respond = lambda *_: next(answers, None) or container("ASIATWO", "two", LONG)
    client = EventsClient(Account(None, endpoint.url), 5.0)
    pod.write_text("pod-2")
    assert send_all(client, 64) == [Delivered()] * 64
    assert [request.headers["authorization"] for request in agent.requests] == ["pod-1", "pod-2"]


def test_an_agent_that_fails_while_the_credentials_still_last_costs_nothing(
    pod: Path, agent: HttpServer, endpoint: Endpoint
) -> None:
    assert pod.exists()
    answers = iter([container("ASIAONE", "one", SOON)])
    agent.respond = lambda *_: next(answers, None) or Response(500)
    client = EventsClient(Account(None, endpoint.url), 5.0)
    assert send_all(client, 8) == [Delivered()] * 8


def test_an_agent_that_is_away_when_credentials_have_ended_is_an_outage(
    pod: Path, agent: HttpServer, endpoint: Endpoint
) -> None:
    assert pod.exists()
    answers = iter([container("ASIAONE", "one", SHORT)])
    agent.respond = lambda *_: next(answers, None) or Response(500)
    client = EventsClient(Account(None, endpoint.url), 5.0)
    [outcome] = send_all(client)
    assert isinstance(outcome, Retryable)


def test_an_agent_of_a_stranger_is_not_asked(aws: pytest.MonkeyPatch, pod: Path) -> None:
    assert pod.exists()
    aws.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://credentials.example/v1")
    with pytest.raises(NotConfigured, match="Unsupported host"):
        EventsClient(Account(None, "http://127.0.0.1:1"), 1.0)
