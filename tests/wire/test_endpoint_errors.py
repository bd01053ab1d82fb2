"""What stock boto3 makes of the endpoint's answers: each error is the one that AWS would have raised."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.auth
import orjson
import pytest
from botocore.exceptions import ClientError

from connector.local.endpoint.errors import STATUS
from connector.local.endpoint.faults import Faults
from connector.local.endpoint.server import Endpoint, running_endpoint
from tests.wire.endpoint_support import (
    KEY,
    NOW,
    SECRET,
    call,
    event,
    post,
    request,
    signed_headers,
    stock_client,
)

SECURED = Faults(credentials={KEY: SECRET, "key/with/slashes": "other"})


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint(SECURED) as running:
        yield running


def error_of(endpoint: Endpoint, body: dict[str, Any] | None = None, **identity: Any) -> tuple[str, int]:
    with stock_client(endpoint.url, **identity) as client, pytest.raises(ClientError) as caught:
        client.put_events(**(body or call()))
    response = caught.value.response
    assert response["Error"]["Message"]
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_stock_boto3_is_answered_an_empty_200_with_a_request_id(endpoint: Endpoint) -> None:
    with stock_client(endpoint.url) as client:
        answers = [client.put_events(**call(event(itemId="ünï|co de", properties='{"a":1}'))) for _ in "12"]
    metadata = [answer["ResponseMetadata"] for answer in answers]
    assert [one["HTTPStatusCode"] for one in metadata] == [200, 200]
    assert len({one["RequestId"] for one in metadata}) == 2
    assert set(answers[0]) == {"ResponseMetadata"}
    assert endpoint.stats()["events"] == 2


@pytest.mark.parametrize("identity", [{"token": "session"}, {"key": "key/with/slashes", "secret": "other"}])
def test_every_known_identity_is_verified(endpoint: Endpoint, identity: dict[str, Any]) -> None:
    with stock_client(endpoint.url, **identity) as client:
        client.put_events(**call())
    assert endpoint.stats()["calls"] == {"200": 1}


def test_a_broken_limit_is_the_modelled_exception(endpoint: Endpoint) -> None:
    with stock_client(endpoint.url) as client:
        with pytest.raises(client.exceptions.InvalidInputException):
            client.put_events(**call(*[event()] * 11))
        with pytest.raises(client.exceptions.InvalidInputException):
            client.put_events(**call(event(properties="not json")))
    assert endpoint.stats()["errors"] == {"InvalidInputException": 2}
    assert endpoint.stats()["events"] == 0


@pytest.mark.parametrize(
    ("change", "identity", "error"),
    [
        ({}, {"secret": "wrong"}, ("InvalidSignatureException", 403)),
        ({}, {"key": "unknown"}, ("UnrecognizedClientException", 403)),
        ({"expired_keys": [KEY]}, {}, ("ExpiredTokenException", 403)),
        ({"expired_tokens": ["old"]}, {"token": "old"}, ("ExpiredTokenException", 403)),
        ({"denied": True}, {}, ("AccessDeniedException", 403)),
        ({"quota": 0.001}, {}, ("ThrottlingException", 400)),
        ({"quota": 0.001, "throttle_status": 429}, {}, ("ThrottlingException", 429)),
        ({"trackers": {"t": {"quota": 0.001}}}, {}, ("ThrottlingException", 400)),
        ({"outage": "unavailable"}, {}, ("ServiceUnavailable", 503)),
        ({"tracking_ids": ["another"]}, {}, ("InvalidInputException", 400)),
        ({"poison_prefix": "poison"}, {}, ("InvalidInputException", 400)),
    ],
)
def test_every_ordered_error_reaches_boto3_with_its_code_and_status(
    endpoint: Endpoint, change: dict[str, Any], identity: dict[str, str], error: tuple[str, int]
) -> None:
    body = call(event(), event(itemId="poison-1"))
    if "quota" in str(change):
        endpoint.control(change)
        with stock_client(endpoint.url) as client:
            client.put_events(**body)  # the burst
    else:
        endpoint.control(change)
    assert error_of(endpoint, body, **identity) == error
    endpoint.control(dict.fromkeys(change))
    with stock_client(endpoint.url) as client:
        client.put_events(**body)


def test_an_ordered_failure_is_one_of_the_two_that_aws_answers(endpoint: Endpoint) -> None:
    endpoint.control({"fail_rate": 1})
    seen = {error_of(endpoint) for _ in range(12)}
    assert seen == {("InternalFailure", 500), ("ServiceUnavailable", 503)}


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_off_by_more_than_five_minutes_is_told_so(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    shifted = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=hours)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_a, **_k: shifted)
    answer = post(endpoint.url, call())
    assert (answer.status, answer.code) == (403, "InvalidSignatureException")
    expected = b"Signature expired" if hours < 0 else b"Signature not yet current"
    assert expected in answer.body


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"authorization": ""}, "MissingAuthenticationTokenException"),
        ({"authorization": "Bearer token"}, "IncompleteSignatureException"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=x"}, "IncompleteSignatureException"),
        ({"x_amz_date": ""}, "IncompleteSignatureException"),
        ({"x_amz_date": "yesterday"}, "IncompleteSignatureException"),
        ({"x_amz_date": "20261399T996199Z"}, "IncompleteSignatureException"),
        ({"x_amz_date": "20200101T000000Z"}, "InvalidSignatureException"),
        ({"content_encoding": "gzip"}, "UnsupportedMediaTypeException"),
    ],
)
def test_a_request_with_a_wrong_header_is_refused_as_aws_does(
    endpoint: Endpoint, changed: dict[str, str], code: str
) -> None:
    answer = post(endpoint.url, call(), **changed)
    assert (answer.code, answer.status) == (code, STATUS[code])
    assert orjson.loads(answer.body)["message"]


@pytest.mark.parametrize(
    "authorization",
    [
        "Credential=AK/20261124/eu-west-1/personalize, SignedHeaders=host;x-amz-date, Signature=" + "0" * 64,
        "Credential=AK/20261124/eu-west-1/personalize/aws4_request, SignedHeaders=host, Signature=short",
        "Credential=////, SignedHeaders=host;x-amz-date, Signature=" + "0" * 64,
    ],
)
def test_a_malformed_signature_is_incomplete(endpoint: Endpoint, authorization: str) -> None:
    answer = post(endpoint.url, call(), authorization=f"AWS4-HMAC-SHA256 {authorization}")
    assert answer.code == "IncompleteSignatureException"


@pytest.mark.parametrize("service", ["personalize-events", "s3"])
def test_a_wrong_signing_name_is_refused_even_where_any_key_is_taken(service: str) -> None:
    raw = orjson.dumps(call())
    with running_endpoint() as endpoint:
        headers = signed_headers(endpoint.url, raw, service=service)
        answer = request(endpoint.url, "POST", "/events", raw, headers)
    assert answer.code == "InvalidSignatureException"
    assert b"personalize" in answer.body


def test_a_signature_covers_the_body_and_the_headers_that_it_names(endpoint: Endpoint) -> None:
    raw = orjson.dumps(call())
    headers = signed_headers(endpoint.url, raw)
    tampered = request(endpoint.url, "POST", "/events", raw.replace(b'"s"', b'"x"'), headers)
    assert tampered.code == "InvalidSignatureException"
    unsigned_host = headers["Authorization"].replace("host;", "")
    assert post(endpoint.url, call(), authorization=unsigned_host).code == "InvalidSignatureException"
    missing = headers["Authorization"].replace("host;", "host;x-missing;")
    assert post(endpoint.url, call(), authorization=missing).code == "InvalidSignatureException"


def test_a_signature_covers_the_query(endpoint: Endpoint) -> None:
    raw = orjson.dumps(call())
    path = "/events?b=2&a=1%2F1&empty="
    headers = signed_headers(endpoint.url, raw, path=path)
    assert request(endpoint.url, "POST", path, raw, headers).status == 200
    assert request(endpoint.url, "POST", "/events?b=3", raw, headers).status == 403


@pytest.mark.parametrize(("method", "path"), [("GET", "/events"), ("PUT", "/users"), ("PUT", "/"), ("POST", "/x")])
def test_another_operation_is_unknown(endpoint: Endpoint, method: str, path: str) -> None:
    answer = request(endpoint.url, method, path)
    assert (answer.status, answer.code) == (404, "UnknownOperationException")


def test_ignored_values_are_accepted_and_counted_unless_strict() -> None:
    body = call(event(itemId="null", sentAt=int(time.time())), event(sentAt=NOW * 1_000))
    with running_endpoint() as lenient:
        assert post(lenient.url, body).status == 200
        assert lenient.stats()["ignored"] == 2
    with running_endpoint(strict=True) as strict:
        assert post(strict.url, body).code == "InvalidInputException"
        assert strict.stats()["events"] == 0


def test_no_value_of_an_event_is_in_an_answer(endpoint: Endpoint) -> None:
    secret = "private-" * 40
    for members in ({"itemId": secret}, {"properties": secret}, {"impression": [secret]}, {"eventId": secret}):
        assert b"private" not in post(endpoint.url, call(event(**members))).body
    assert b"private" not in post(endpoint.url, call(userId=secret)).body
