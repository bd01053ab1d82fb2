"""What the registry sees of a login, and that secrets in files and tokens are renewed in time."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from connector.core.sending.outcomes import Fatal
from connector.metrics import Metrics
from connector.registry.answers import Answer, Away, Found, Origin, Request
from connector.registry.opening import open_origin
from tests.registry.support import environment, requests, settings
from tests.support.fakes import Clock
from tests.support.http_server import HttpServer, Response, running_http_server
from tests.support.http_server import Request as Received
from tests.support.registry import CLICK, Schemas, document, error, running_registry

FOUND = Found("avro", CLICK)


class Service:
    """A token service: each token has a number. ``says`` answers in its place while it is set."""

    def __init__(self) -> None:
        self.given = 0
        self.says: Response | None = None
        self.lifetime: object = 100

    def __call__(self, _: Received) -> Response:
        if self.says is not None:
            return self.says
        self.given += 1
        return document({"access_token": f"token-{self.given}", "token_type": "Bearer", "expires_in": self.lifetime})


@pytest.fixture
def schemas() -> Schemas:
    schemas = Schemas()
    schemas.add(7, CLICK)
    return schemas


@pytest.fixture
def server(schemas: Schemas) -> Iterator[HttpServer]:
    with running_registry(schemas) as server:
        yield server


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def tokens(service: Service) -> Iterator[HttpServer]:
    with running_http_server(service) as server:
        yield server


def origin(server: HttpServer, auth: str, clock: Clock | None = None, metrics: Metrics | None = None) -> Origin:
    return open_origin(
        settings(f"{{url: '{server.url}', auth: {auth}}}"), metrics or Metrics(), environment(clock or Clock())
    )


def fetch(made: Origin) -> Answer:
    try:
        return made.fetch(7, "avro")
    finally:
        made.rest()


def oidc(tokens: HttpServer, more: str = "") -> str:
    return f"{{type: oidc, token_endpoint_url: '{tokens.url}/token', client_id: me, client_secret: hunter2{more}}}"


def test_without_auth_nothing_is_sent(server: HttpServer) -> None:
    assert fetch(origin(server, "{type: none}")) == FOUND
    assert "authorization" not in server.requests[0].headers


def test_basic_sends_what_confluents_client_sends(server: HttpServer) -> None:
    assert fetch(origin(server, "{type: basic, username: kéy, password: 'hunter2:x'}")) == FOUND
    with SchemaRegistryClient({"url": server.url, "basic.auth.user.info": "key:hunter2"}) as client:
        client.get_schema(7)
    assert fetch(origin(server, "{type: basic, username: key, password: hunter2}")) == FOUND
    first, theirs, ours = (each.headers["authorization"] for each in server.requests)
    assert ours == theirs
    assert first == "Basic a8OpeTpodW50ZXIyOng="


def test_bearer_sends_the_token_and_what_confluent_cloud_asks_for(server: HttpServer) -> None:
    extensions = "extensions: {logicalCluster: lsrc-1, identityPoolId: pool-2}"
    assert fetch(origin(server, f"{{type: bearer, token: hunter2, {extensions}}}")) == FOUND
    bearer = {
        "url": server.url,
        "bearer.auth.credentials.source": "STATIC_TOKEN",
        "bearer.auth.token": "hunter2",
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.identity.pool.id": "pool-2",
    }
    with SchemaRegistryClient(bearer) as client:
        client.get_schema(7)
    names = ("authorization", "target-sr-cluster", "confluent-identity-pool-id")
    ours, theirs = ({name: each.headers[name] for name in names} for each in server.requests)
    assert ours == theirs


def test_extensions_that_are_not_set_are_not_sent(server: HttpServer) -> None:
    assert fetch(origin(server, "{type: bearer, token: hunter2}")) == FOUND
    assert {"target-sr-cluster", "confluent-identity-pool-id"}.isdisjoint(server.requests[0].headers)


@pytest.mark.parametrize(
    ("auth", "shown"),
    [
        (
            "{{type: basic, username: u, password: {{file: '{0}'}}}}",
            {"first": "Basic dTpmaXJzdA==", "next": "Basic dTpuZXh0"},
        ),
        ("{{type: bearer, token: {{file: '{0}'}}}}", {"first": "Bearer first", "next": "Bearer next"}),
    ],
    ids=["basic", "bearer"],
)
def test_a_secret_in_a_file_is_read_for_every_request(
    server: HttpServer, tmp_path: Path, auth: str, shown: dict[str, str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("first\n")
    made = origin(server, auth.format(secret))
    assert fetch(made) == FOUND
    secret.unlink()  # in the middle of a change the one before stays in use
    assert fetch(made) == FOUND
    secret.write_text("next\n")
    assert fetch(made) == FOUND
    assert [each.headers["authorization"] for each in server.requests] == [shown["first"]] * 2 + [shown["next"]]


# -- OAuth


def test_a_token_is_asked_for_once_and_used_until_it_is_old(server: HttpServer, tokens: HttpServer) -> None:
    clock = Clock()
    made = origin(server, oidc(tokens, ", scope: read schemas"), clock)
    for seconds in (0, 79, 0.9, 0.2):
        clock.now += seconds
        assert fetch(made) == FOUND
    assert [each.headers["authorization"] for each in server.requests] == ["Bearer token-1"] * 3 + ["Bearer token-2"]
    assert tokens.requests[0].form == {"grant_type": ["client_credentials"], "scope": ["read schemas"]}
    assert tokens.requests[0].headers["authorization"] == "Basic bWU6aHVudGVyMg=="
    assert tokens.requests[0].headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("lifetime", [None, "soon", -1, 0, True, [], {}], ids=str)
def test_a_token_of_unknown_lifetime_is_used_for_a_few_minutes(
    server: HttpServer, tokens: HttpServer, service: Service, lifetime: object
) -> None:
    service.lifetime = lifetime
    clock = Clock()
    made = origin(server, oidc(tokens), clock)
    for _ in range(2):
        assert fetch(made) == FOUND
    assert service.given == 1
    clock.now += 300
    assert fetch(made) == FOUND
    assert service.given == 2


def test_a_token_that_is_not_accepted_is_renewed_once(server: HttpServer, tokens: HttpServer, schemas: Schemas) -> None:
    schemas.fault = lambda request: error(401, 40101) if request.headers["authorization"] == "Bearer token-1" else None
    metrics = Metrics()
    assert fetch(origin(server, oidc(tokens), metrics=metrics)) == FOUND
    assert requests(metrics) == {"denied": 1, "ok": 1}


def test_tokens_that_are_never_accepted_are_fatal(
    server: HttpServer, tokens: HttpServer, service: Service, schemas: Schemas
) -> None:
    schemas.fault = lambda _: error(401, 40101)
    answer = fetch(origin(server, oidc(tokens)))
    assert isinstance(answer, Fatal)
    assert "extensions.logicalCluster" in answer.advice
    assert service.given == 2


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (document({"error": "invalid_client", "error_description": "hunter2"}, 401), "invalid_client"),
        (document({"error": "invalid_scope"}, 400), "invalid_scope"),
        (document({"error": "hunter2 is wrong"}, 400), "HTTP 400"),
        (document({"error": 5}, 403), "HTTP 403"),
        (Response(403, (), b"<html>hunter2"), "HTTP 403"),
    ],
)
def test_a_service_that_refuses_this_client_is_fatal(
    server: HttpServer, tokens: HttpServer, service: Service, response: Response, code: str
) -> None:
    service.says = response
    metrics = Metrics()
    answer = fetch(origin(server, oidc(tokens), metrics=metrics))
    assert isinstance(answer, Fatal)
    assert answer.code == code
    assert "client_secret" in answer.advice
    assert "hunter2" not in str(answer)
    assert server.requests == []
    assert requests(metrics) == {"denied": 1}


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(500, (), b""), Request.SERVER_ERROR),
        (Response(503, (), b"<html>"), Request.SERVER_ERROR),
        (Response(200, (), b"<html>log in"), Request.GARBAGE),
        (Response(200, (), b"[" * 100_000), Request.GARBAGE),
        (document({"token": "x"}), Request.GARBAGE),
        (document({"access_token": ""}), Request.GARBAGE),
        (document({"access_token": "a\nb: c"}), Request.GARBAGE),
        (document({"access_token": "é"}), Request.GARBAGE),
        (document(["x"]), Request.GARBAGE),
        (Response(302, (("Location", "http://127.0.0.1:1/"),), b""), Request.GARBAGE),
        (Response(429, (), b""), Request.THROTTLED),
    ],
)
def test_a_service_that_gives_no_token_is_an_outage(
    server: HttpServer, tokens: HttpServer, service: Service, response: Response, kind: Request
) -> None:
    service.says = response
    answer = fetch(origin(server, oidc(tokens)))
    assert isinstance(answer, Away)
    assert answer.request is kind
    assert answer.detail.startswith("no token for the schema registry: HTTP ")


def test_a_service_that_is_away_is_an_outage(server: HttpServer) -> None:
    auth = "{type: oidc, token_endpoint_url: 'http://127.0.0.1:1/', client_id: me, client_secret: hunter2}"
    assert fetch(origin(server, auth)) == Away(
        Request.CONNECTION, "no token for the schema registry: refused: 127.0.0.1:1 takes no connections"
    )


def test_a_new_client_secret_in_a_file_gets_the_next_token(
    server: HttpServer, tokens: HttpServer, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("first")
    clock = Clock()
    auth = json.dumps(
        {"type": "oidc", "token_endpoint_url": tokens.url, "client_id": "me", "client_secret": {"file": str(secret)}}
    )
    made = origin(server, auth, clock)
    assert fetch(made) == FOUND
    secret.write_text("next")
    clock.now += 100
    assert fetch(made) == FOUND
    assert [each.headers["authorization"] for each in tokens.requests] == ["Basic bWU6Zmlyc3Q=", "Basic bWU6bmV4dA=="]
