"""Confluent's API over real HTTP: what each answer means, and that only a registry's words make a schema missing."""

import json
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from prometheus_client import CollectorRegistry

from connector.config.registry import ConfluentRegistry
from connector.core.sending.outcomes import Fatal
from connector.metrics import Metrics
from connector.registry import confluent
from connector.registry.answers import Answer, Away, Found, Missing, Part, Request, Unusable
from connector.registry.http import Response as Answered
from connector.registry.opening import open_origin
from tests.registry.support import environment, requests, settings
from tests.support.fakes import Clock
from tests.support.http_server import HttpServer, Response, running_http_server
from tests.support.http_server import Request as Received
from tests.support.registry import CLICK, REGISTRY, Schemas, document, error, running_registry


@pytest.fixture
def schemas() -> Schemas:
    schemas = Schemas()
    schemas.add(7, CLICK)
    return schemas


@pytest.fixture
def server(schemas: Schemas) -> Iterator[HttpServer]:
    with running_registry(schemas) as server:
        yield server


def fetch(section: str, schema: int = 7, kind: str = "avro", metrics: Metrics | None = None) -> Answer:
    origin = open_origin(settings(section), metrics or Metrics(CollectorRegistry()), environment(Clock()))
    try:
        return origin.fetch(schema, kind)
    finally:
        origin.rest()


def at(server: HttpServer, more: str = "") -> str:
    return f"{{url: '{server.url}'{more}}}"


def test_a_schema_is_found_by_its_id(server: HttpServer) -> None:
    metrics = Metrics()
    assert fetch(at(server), metrics=metrics) == Found("avro", CLICK)
    assert [(each.method, each.target) for each in server.requests] == [("GET", "/schemas/ids/7")]
    assert server.requests[0].headers["user-agent"].startswith("putevents-connector/")
    assert requests(metrics) == {"ok": 1}


@pytest.mark.parametrize(
    ("word", "kind"), [("AVRO", "avro"), ("PROTOBUF", "protobuf"), ("JSON", "json_schema"), ("THRIFT", "THRIFT")]
)
def test_the_kind_is_the_registrys(server: HttpServer, schemas: Schemas, word: str, kind: str) -> None:
    schemas.add(8, "s", schemaType=word)
    assert fetch(at(server), 8) == Found(kind, "s")


def test_the_path_of_the_url_is_kept() -> None:
    schemas = Schemas()
    schemas.add(7, CLICK)
    with running_registry(schemas) as server:
        for path in ("/apis/ccompat/v7", "/apis/ccompat/v7/"):
            assert fetch(f"{{url: '{server.url}{path}'}}") == Found("avro", CLICK)
        assert {each.path for each in server.requests} == {"/apis/ccompat/v7/schemas/ids/7"}


def test_confluents_own_client_reads_the_same(server: HttpServer, schemas: Schemas) -> None:
    schemas.add(9, CLICK, schemaType="AVRO", references=[{"name": "a.B", "subject": "b/c", "version": 2}])
    schemas.by_version["b/c", 2] = {"schema": '"string"', "subject": "b/c", "version": 2, "id": 3}
    with SchemaRegistryClient({"url": server.url}) as client:
        theirs = client.get_schema(9)
    ours = fetch(at(server), 9)
    assert isinstance(ours, Found)
    assert theirs.schema_str == ours.text
    assert [each.name for each in theirs.references] == [part.name for part in ours.parts]
    assert ours.parts == (Part("a.B", '"string"'),)


def test_a_compiled_descriptor_is_asked_for_where_values_are_protobuf(server: HttpServer, schemas: Schemas) -> None:
    schemas.add(8, "s", schemaType="PROTOBUF", references=[{"name": "b.proto", "subject": "b", "version": 1}])
    schemas.by_version["b", 1] = {"schema": "t"}
    assert fetch(at(server), 8, "protobuf") == Found("protobuf", "s", (Part("b.proto", "t"),))
    assert [each.target for each in server.requests] == [
        "/schemas/ids/8?format=serialized",
        "/subjects/b/versions/1?format=serialized",
    ]


# -- what a schema refers to


def refer(*names: str) -> list[dict[str, object]]:
    return [{"name": name, "subject": f"of {name}", "version": 1} for name in names]


def test_each_part_stands_after_those_that_it_needs(server: HttpServer, schemas: Schemas) -> None:
    schemas.add(8, "root", references=refer("a", "b"))
    for name, needs in {"a": ("c",), "b": ("c", "d"), "c": (), "d": ("a",)}.items():
        schemas.by_version[f"of {name}", 1] = {"schema": name.upper(), "references": refer(*needs)}
    found = fetch(at(server), 8)
    assert found == Found("avro", "root", (Part("c", "C"), Part("a", "A"), Part("d", "D"), Part("b", "B")))
    assert len(server.requests) == 5


def test_schemas_that_refer_to_each_other_end(server: HttpServer, schemas: Schemas) -> None:
    schemas.add(8, "root", references=refer("a"))
    schemas.by_version["of a", 1] = {"schema": "A", "references": refer("b")}
    schemas.by_version["of b", 1] = {"schema": "B", "references": refer("a", "b")}
    assert fetch(at(server), 8) == Found("avro", "root", (Part("b", "B"), Part("a", "A")))


def test_a_schema_that_refers_to_too_many_is_unusable(
    server: HttpServer, schemas: Schemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confluent, "MOST_PARTS", 3)
    schemas.add(8, "root", references=refer("0"))
    for number in range(10):
        schemas.by_version[f"of {number}", 1] = {"schema": "x", "references": refer(str(number + 1))}
    assert fetch(at(server), 8) == Unusable("schema 8 refers to more than 3 schemas")
    assert len(server.requests) == 4


def test_a_part_that_the_registry_does_not_have_is_named(server: HttpServer, schemas: Schemas) -> None:
    schemas.add(8, "root", references=refer("a"))
    assert fetch(at(server), 8) == Missing("version 1 of subject of a, to which schema 8 refers")


@pytest.mark.parametrize(
    "references",
    [
        5,
        "a",
        [5],
        [{}],
        [{"name": "a", "subject": "b"}],
        [{"name": "a", "subject": "b", "version": "1"}],
        {"name": "a"},
    ],
    ids=str,
)
def test_references_of_another_form_are_unusable(server: HttpServer, schemas: Schemas, references: object) -> None:
    schemas.add(8, "root", references=references)
    assert fetch(at(server), 8) == Unusable("expected name, subject and version for each reference of schema 8")


# -- faults

FAULTS: dict[str, tuple[Response, Request]] = {
    "500": (error(500, 50001), Request.SERVER_ERROR),
    "502 of a proxy": (Response(502, (("Content-Type", "text/html"),), b"<html>"), Request.SERVER_ERROR),
    "503": (error(503, 50301), Request.SERVER_ERROR),
    "408": (Response(408, (), b""), Request.SERVER_ERROR),
    "429": (error(429, 42901), Request.THROTTLED),
    "200 with a page": (Response(200, (("Content-Type", "text/html"),), b"<html>log in</html>"), Request.GARBAGE),
    "200 with a wrong content type": (
        Response(200, (("Content-Type", "text/plain"),), b'{"schema": "x"}'),
        Request.GARBAGE,
    ),
    "200 with half of the JSON": (Response(200, REGISTRY, b'{"schema": "'), Request.GARBAGE),
    "200 with nothing": (Response(200, REGISTRY, b""), Request.GARBAGE),
    "200 with a list": (document([]), Request.GARBAGE),
    "200 with a number for a schema": (document({"schema": 5}), Request.GARBAGE),
    "200 nested deep": (Response(200, REGISTRY, b"[" * 100_000), Request.GARBAGE),
    "200 not in UTF-8": (Response(200, REGISTRY, b'{"schema": "\xff"}'), Request.GARBAGE),
    "204": (Response(204, (), b""), Request.GARBAGE),
    "404 of a proxy": (Response(404, (("Content-Type", "text/html"),), b"<html>"), Request.GARBAGE),
    "404 of another path": (error(404, 404), Request.GARBAGE),
    "404 with nothing": (Response(404, (), b""), Request.GARBAGE),
    "redirect": (Response(302, (("Location", "http://127.0.0.1:1/login"),), b""), Request.GARBAGE),
    "400": (error(400, 400), Request.GARBAGE),
    "400 with nothing": (Response(400, (), b""), Request.GARBAGE),
    "packed": (Response(200, (*REGISTRY, ("Content-Encoding", "gzip")), b"\x1f\x8b"), Request.GARBAGE),
}


@pytest.mark.grid
@pytest.mark.parametrize(("response", "kind"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_an_outage_and_never_a_missing_schema(
    server: HttpServer, schemas: Schemas, response: Response, kind: Request
) -> None:
    schemas.fault = lambda _: response
    metrics = Metrics()
    answer = fetch(at(server), metrics=metrics)
    assert isinstance(answer, Away)
    assert answer.request is kind
    assert answer.detail.startswith(f"127.0.0.1:{server.port} ")
    assert requests(metrics) == {kind: 1}
    schemas.fault = lambda _: None
    assert fetch(at(server)) == Found("avro", CLICK)


def test_a_proxy_that_wants_a_login_is_named(server: HttpServer, schemas: Schemas) -> None:
    schemas.fault = lambda _: Response(407, (), b"")
    answer = fetch(at(server))
    assert isinstance(answer, Away)
    assert answer.request is Request.CONNECTION
    assert "HTTP_PROXY" in answer.detail


def test_more_than_eight_mebibytes_are_not_read(server: HttpServer, schemas: Schemas) -> None:
    schemas.fault = lambda _: document({"schema": "x" * (8 * 1024 * 1024)})
    answer = fetch(at(server))
    assert answer == Away(Request.GARBAGE, f"127.0.0.1:{server.port} sent more than 8388608 bytes")


@pytest.mark.parametrize("code", [40401, 40402, 40403])
def test_only_a_registrys_own_code_makes_a_schema_missing(server: HttpServer, schemas: Schemas, code: int) -> None:
    schemas.fault = lambda _: error(404, code)
    metrics = Metrics()
    assert fetch(at(server), metrics=metrics) == Missing("schema 7")
    assert requests(metrics) == {"not_found": 1}


WAITS = {
    "seconds": ("30", 30.0),
    "too long": ("86400", confluent.LONGEST_WAIT),
    "a date": ("Wed, 21 Oct 2015 07:28:10 GMT", 10.0),
    "a date that has passed": ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
    "no wait": ("-5", 0.0),
    "not a time": ("soon", 0.0),
    "other digits": ("٣", 0.0),
}


@pytest.mark.parametrize(("text", "seconds"), WAITS.values(), ids=WAITS.keys())
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_says_how_long_to_wait(status: int, text: str, seconds: float) -> None:
    response = Answered(status, {"retry-after": text, "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"")
    assert confluent._retry_after(response) == seconds


def test_without_retry_after_the_usual_backoff_counts(server: HttpServer, schemas: Schemas) -> None:
    schemas.fault = lambda _: Response(429, (("Retry-After", "12"),), b"")
    answer = fetch(at(server))
    assert isinstance(answer, Away)
    assert answer.retry_after == 12.0
    schemas.fault = lambda _: error(429, 42901)
    answer = fetch(at(server))
    assert isinstance(answer, Away)
    assert answer.retry_after == 0.0


# -- refusals

LOGINS = {
    "none": ("", "set schema_registry.auth"),
    "basic": (", auth: {type: basic, username: u, password: hunter2}", "check username and password"),
    "bearer": (", auth: {type: bearer, token: hunter2}", "the token has expired"),
}


@pytest.mark.parametrize(("auth", "advice"), LOGINS.values(), ids=LOGINS.keys())
def test_401_is_fatal_and_says_what_to_check(server: HttpServer, schemas: Schemas, auth: str, advice: str) -> None:
    schemas.fault = lambda _: error(401, 40101)
    metrics = Metrics()
    answer = fetch(at(server, auth), metrics=metrics)
    assert isinstance(answer, Fatal)
    assert answer.code == "HTTP 401"
    assert advice in answer.advice
    assert "hunter2" not in answer.advice
    assert requests(metrics) == {"denied": 2}


def test_403_is_fatal_and_names_the_right_that_is_lacking(server: HttpServer, schemas: Schemas) -> None:
    schemas.fault = lambda _: error(403, 40301)
    answer = fetch(at(server))
    assert isinstance(answer, Fatal)
    assert answer.code == "HTTP 403"
    assert answer.advice.startswith("the schema registry does not let this user read schema 7: grant it")
    assert "DeveloperRead" in answer.advice


def test_what_was_accepted_a_second_time_is_no_refusal(server: HttpServer, schemas: Schemas) -> None:
    left = [error(401, 40101)]
    schemas.fault = lambda _: left.pop() if left else None
    assert fetch(at(server)) == Found("avro", CLICK)


# -- a list of URLs


def both(first: str, second: str) -> str:
    return f"{{url: ['{first}', '{second}']}}"


NOBODY = "http://127.0.0.1:1"


def test_where_one_url_does_not_answer_the_next_one_is_asked(server: HttpServer) -> None:
    metrics = Metrics()
    assert fetch(both(NOBODY, server.url), metrics=metrics) == Found("avro", CLICK)
    assert requests(metrics) == {"connection": 1, "ok": 1}


def test_the_url_that_answered_is_asked_first_the_next_time(server: HttpServer) -> None:
    metrics = Metrics()
    origin = open_origin(settings(both(NOBODY, server.url)), metrics, environment(Clock()))
    for _ in range(3):
        assert origin.fetch(7, "avro") == Found("avro", CLICK)
    origin.rest()
    assert requests(metrics) == {"connection": 1, "ok": 3}


@pytest.mark.parametrize("turn", [list, lambda urls: list(reversed(urls))], ids=["first", "last"])
def test_a_schema_is_missing_only_where_every_url_says_so(
    server: HttpServer, turn: Callable[[list[str]], list[str]]
) -> None:
    answer = fetch(both(*turn([NOBODY, server.url])), 99)
    assert isinstance(answer, Away)
    assert answer.request is Request.CONNECTION
    with running_http_server(Schemas()) as other:
        assert fetch(both(*turn([other.url, server.url])), 99) == Missing("schema 99")
        assert fetch(both(*turn([other.url, server.url]))) == Found("avro", CLICK)


def test_a_refusal_of_one_url_counts_for_all(server: HttpServer) -> None:
    with running_http_server(lambda _: error(403, 40301)) as other:
        assert isinstance(fetch(both(other.url, server.url)), Fatal)
    assert server.requests == []


def test_nothing_but_get_is_ever_sent(server: HttpServer, schemas: Schemas) -> None:
    schemas.add(8, "root", references=refer("a"))
    schemas.by_version["of a", 1] = {"schema": "A"}
    for kind in ("avro", "protobuf", "json_schema"):
        fetch(at(server), 8, kind)
    assert {each.method for each in server.requests} == {"GET"}


def test_a_redirect_takes_no_password_along() -> None:
    with running_http_server(lambda _: document({"schema": "x"})) as elsewhere:

        def redirect(_: Received) -> Response:
            return Response(307, (("Location", f"{elsewhere.url}/schemas/ids/7"),), b"")

        with running_http_server(redirect) as server:
            answer = fetch(at(server, ", auth: {type: basic, username: u, password: hunter2}"))
        assert isinstance(answer, Away)
        assert "redirects (HTTP 307): set schema_registry.url" in answer.detail
        assert elsewhere.requests == []


def test_the_settings_of_a_file_are_of_one_class() -> None:
    found = settings("{url: 'https://a,https://b/x'}")
    assert isinstance(found, ConfluentRegistry)
    assert json.loads(found.model_dump_json())["url"] == ["https://a", "https://b/x"]
