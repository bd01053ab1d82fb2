"""AWS Glue, with botocore's Stubber in the place of the service."""

import ssl
import uuid
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError, SSLError
from botocore.session import Session
from botocore.stub import Stubber

from connector.aws.credentials import Account, NotConfigured, Role
from connector.config.registry import GlueRegistry
from connector.core.formats.decoded import SchemaPending
from connector.core.formats.framing import from_registry
from connector.core.sending.outcomes import Fatal
from connector.metrics import Metrics
from connector.registry.answers import Answer, Away, Found, Missing, Request, Unusable
from connector.registry.glue import Glue, glue_client
from connector.registry.opening import open_origin, open_registry
from connector.registry.schemas import Registry
from tests.registry.support import environment, requests, settings, text_of
from tests.support.fakes import Clock
from tests.support.http_server import AWS, JSON, Response, running_http_server
from tests.support.registry import CLICK

VERSION = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"
GOOD = {"SchemaVersionId": VERSION, "SchemaDefinition": CLICK, "DataFormat": "AVRO", "Status": "AVAILABLE"}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)


class Room:
    """A Glue whose clients answer as told; each answer is a response, or code and status of an error."""

    def __init__(self, *answers: dict[str, Any] | tuple[str, int] | Exception) -> None:
        self.metrics = Metrics()
        self.made = 0
        client: Any = Session().create_client("glue", region_name="eu-west-1")
        stubber = Stubber(client)
        for answer in answers:
            match answer:
                case Exception():
                    client.get_schema_version = _raising(answer)
                case (code, status):
                    stubber.add_client_error(
                        "get_schema_version", code, "hunter2 said", status, expected_params={"SchemaVersionId": VERSION}
                    )
                case _:
                    stubber.add_response("get_schema_version", answer, {"SchemaVersionId": VERSION})
        stubber.activate()

        def make(_: Account) -> Any:
            self.made += 1
            return client

        self.origin = Glue(Account("eu-west-1"), self.metrics.schema_registry_requests, make)

    def fetch(self) -> Answer:
        return self.origin.fetch(VERSION, "avro")


def _raising(error: Exception) -> Callable[..., Any]:
    def call(**_: Any) -> Any:
        raise error

    return call


@pytest.mark.parametrize(
    ("word", "kind"), [("AVRO", "avro"), ("PROTOBUF", "protobuf"), ("JSON", "json_schema"), ("OTHER", "OTHER")]
)
def test_a_schema_is_found_by_its_version_id(word: str, kind: str) -> None:
    room = Room({**GOOD, "DataFormat": word})
    assert room.fetch() == Found(kind, CLICK, glue=True)
    assert requests(room.metrics) == {"ok": 1}


ANSWERS: dict[str, tuple[dict[str, Any] | tuple[str, int] | Exception, Answer, str]] = {
    "unknown": (("EntityNotFoundException", 400), Missing(f"schema {VERSION}"), "not_found"),
    "deleted": ({"Status": "DELETING"}, Missing(f"schema {VERSION}"), "not_found"),
    "being deleted": ({**GOOD, "Status": "DELETING"}, Found("avro", CLICK, glue=True), "ok"),
    "failed": (
        {**GOOD, "Status": "FAILURE"},
        Unusable(f"schema {VERSION} failed AWS Glue's checks (status FAILURE)"),
        "ok",
    ),
    "pending": (
        {**GOOD, "Status": "PENDING"},
        Away(Request.SERVER_ERROR, f"schema {VERSION} is still PENDING"),
        "server_error",
    ),
    "empty": ({"Status": "AVAILABLE"}, Away(Request.GARBAGE, "AWS Glue answered without a schema"), "garbage"),
    "throttled": (
        ("ThrottlingException", 400),
        Away(Request.THROTTLED, "AWS Glue throttles (ThrottlingException)"),
        "throttled",
    ),
    "internal": (
        ("InternalServiceException", 500),
        Away(Request.SERVER_ERROR, "AWS Glue failed (InternalServiceException)"),
        "server_error",
    ),
    "page of a proxy": (
        ("502", 502),
        Away(Request.GARBAGE, "something answers in the place of AWS Glue"),
        "garbage",
    ),
    "connect": (
        ConnectTimeoutError(endpoint_url="https://x"),
        Away(Request.TIMEOUT, "no answer from AWS Glue (ConnectTimeoutError)"),
        "timeout",
    ),
    "refused": (
        EndpointConnectionError(endpoint_url="https://x"),
        Away(Request.CONNECTION, "no answer from AWS Glue (EndpointConnectionError)"),
        "connection",
    ),
    "not AWS": (KeyError("hunter2"), Away(Request.GARBAGE, "no answer from AWS Glue (KeyError)"), "garbage"),
    "credentials": (
        NoCredentialsError(),
        Fatal("NoCredentials", "check the AWS credentials: there are none"),
        "denied",
    ),
}


@pytest.mark.parametrize(("said", "answer", "counted"), ANSWERS.values(), ids=ANSWERS.keys())
def test_each_answer_has_its_meaning(
    said: dict[str, Any] | tuple[str, int] | Exception, answer: Answer, counted: str
) -> None:
    room = Room(said)
    assert room.fetch() == answer
    assert requests(room.metrics) == {counted: 1}


def test_what_glue_does_not_accept_is_unusable() -> None:
    answer = Room(("InvalidInputException", 400)).fetch()
    assert answer == Unusable(f"AWS Glue does not accept schema {VERSION} (InvalidInputException)")


def test_an_untrusted_certificate_names_the_setting() -> None:
    wrong = ssl.SSLCertVerificationError(1, "certificate verify failed")
    wrong.verify_message = "self-signed certificate"
    answer = Room(SSLError(endpoint_url="https://x", error=wrong)).fetch()
    assert answer == Away(
        Request.CONNECTION, "AWS Glue's certificate is not trusted (self-signed certificate): check AWS_CA_BUNDLE"
    )


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied"])
def test_a_right_that_is_lacking_is_named(code: str) -> None:
    answer = Room((code, 400)).fetch()
    assert isinstance(answer, Fatal)
    assert answer.code == code
    assert answer.advice.startswith("allow glue:GetSchemaVersion")


def test_credentials_that_nobody_knows_are_fatal() -> None:
    answer = Room(("UnrecognizedClientException", 400)).fetch()
    assert isinstance(answer, Fatal)
    assert "check the AWS credentials" in answer.advice


def test_a_role_that_cannot_be_assumed_is_named() -> None:
    said: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    answer = Room(ClientError(said, "AssumeRole")).fetch()
    assert isinstance(answer, Fatal)
    assert answer.advice.startswith("check schema_registry.assume_role")


def test_credentials_that_are_too_old_are_renewed_once() -> None:
    room = Room(("ExpiredTokenException", 400), GOOD)
    assert room.fetch() == Found("avro", CLICK, glue=True)
    assert room.made == 2
    room = Room(("ExpiredTokenException", 400), ("ExpiredTokenException", 400))
    answer = room.fetch()
    assert isinstance(answer, Fatal)
    assert answer.code == "ExpiredTokenException"


def test_credentials_that_are_gone_are_fatal() -> None:
    room = Room(("ExpiredTokenException", 400))

    def none(_: Account) -> Any:
        raise NotConfigured("no AWS credentials")

    room.origin._make_client = none
    assert room.fetch() == Fatal("NoCredentials", "no AWS credentials")


def test_bytes_of_the_documented_layout_find_their_schema() -> None:
    """0x03, 0x00 or 0x05 for zlib, sixteen bytes of the UUID, the payload."""
    room = Room(GOOD)
    registry = Registry(room.origin, room.metrics, environment(Clock()), {"avro": text_of})
    decode = from_registry(registry, "avro")
    plain = b"\x03\x00" + uuid.UUID(VERSION).bytes + b"payload"
    packed = b"\x03\x05" + uuid.UUID(VERSION).bytes + zlib.compress(b"payload")
    with pytest.raises(SchemaPending, match=VERSION):
        decode(plain)
    registry._fetching.work()
    assert decode(plain) == decode(packed) == f"{CLICK}: payload"


def test_confluents_frame_is_of_another_registry() -> None:
    assert "set schema_registry.type to confluent" in (Room().origin.misfit(7) or "")
    assert Room().origin.misfit(VERSION) is None


# -- the client


def test_the_client_asks_the_endpoint_of_the_file() -> None:
    body = (
        f'{{"SchemaDefinition": "{{}}", "DataFormat": "JSON", "Status": "AVAILABLE", "SchemaVersionId": "{VERSION}"}}'
    )
    with running_http_server(lambda _: Response(200, (*AWS, *JSON), body.encode())) as server:
        found = settings(f"{{type: glue, region: eu-west-1, endpoint_url: '{server.url}'}}")
        origin = open_origin(found, Metrics(), environment(Clock()))
        assert origin.fetch(VERSION, "json_schema") == Found("json_schema", "{}", glue=True)
        origin.rest()
    (request,) = server.requests
    assert request.headers["x-amz-target"] == "AWSGlue.GetSchemaVersion"
    assert VERSION in request.body.decode()
    assert "putevents-connector" in request.headers["user-agent"]


def test_without_a_region_there_is_no_client() -> None:
    with pytest.raises(NotConfigured, match=r"expected schema_registry\.region"):
        glue_client(Account())


def test_without_credentials_there_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(NotConfigured, match="no AWS credentials"):
        open_registry(settings("{type: glue, region: eu-west-1}"), Metrics(), environment(Clock()))


def test_a_role_is_assumed_at_the_first_request() -> None:
    client: Any = glue_client(Account("eu-west-1", None, Role("arn:aws:iam::123456789012:role/x", None, "s")))
    assert client._request_signer._credentials.method == "assume-role"


def test_the_section_of_the_file_has_the_role() -> None:
    found = settings("{type: glue, assume_role: {role_arn: 'arn:aws:iam::123456789012:role/x'}}")
    assert isinstance(found, GlueRegistry)
    assert found.assume_role is not None
    assert found.assume_role.session_name == "putevents-connector"
