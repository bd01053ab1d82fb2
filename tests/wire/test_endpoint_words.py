"""What the endpoint says: the words of AWS, what it lacks, and totals that agree."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from botocore import xform_name

from connector.local.endpoint.faults import Faults
from connector.local.endpoint.server import Endpoint, running_endpoint
from tests.wire.endpoint_support import (
    KEY,
    OTHERS,
    SECRET,
    call,
    connect,
    event,
    post,
    read_all,
    request,
    signed_headers,
    stock_client,
)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint(Faults(credentials={KEY: SECRET})) as running:
        yield running


def test_an_unknown_path_names_the_operations_that_are_served(endpoint: Endpoint) -> None:
    answer = request(endpoint.url, "POST", "/user")
    assert answer.code == "UnknownOperationException"
    assert orjson.loads(answer.body)["message"] == (
        "expected POST to one of /action-interactions (PutActionInteractions), /actions (PutActions), "
        "/events (PutEvents), /items (PutItems), /users (PutUsers)"
    )
    assert answer.headers["x-amzn-RequestId"], "shaped as AWS's are"
    assert endpoint.stats()["calls"] == {"404": 1}


def test_totals_agree_whatever_is_asked(endpoint: Endpoint) -> None:
    """Every answer is counted by its status, and every refusal by its code as well."""
    with stock_client(endpoint.url) as client:
        for name, members in OTHERS.items():
            getattr(client, xform_name(name))(**members)
    asked = len(OTHERS)
    for body in (call(), call(event(itemId="")), b"{", {"trackingId": "t"}):
        post(endpoint.url, body)
        asked += 1
    for method, path in (("GET", "/events"), ("PUT", "/"), ("POST", "/x"), ("DELETE", "/users")):
        request(endpoint.url, method, path)
        asked += 1
    for sent in (b"no HTTP\r\n\r\n", b"POST /events HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"):
        with connect(endpoint.url) as connection:
            connection.sendall(sent)
            assert read_all(connection).startswith(b"HTTP/1.1 4")
        asked += 1
    for path in ("/_local/health", "/_local/stats", "/_local/nothing", "/", "/health"):
        request(endpoint.url, "GET", path)  # of the endpoint itself, no calls
    stats = endpoint.stats()
    assert sum(stats["calls"].values()) == asked
    assert sum(stats["errors"].values()) == asked - stats["calls"]["200"]
    assert stats["calls"]["200"] == stats["accepted_calls"] == 1 + len(OTHERS)
    assert stats["errors"]["UnknownOperationException"] == stats["calls"]["404"] == 4


@pytest.mark.parametrize(
    ("faults", "body", "message"),
    [
        ({"quota": 0.001}, call(), "Rate exceeded"),
        ({"expired_keys": [KEY]}, call(), "The security token included in the request is expired"),
        ({"credentials": {"AK": "x"}}, call(), "The security token included in the request is invalid."),
        (
            {"credentials": {KEY: "another"}},
            call(),
            (
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details."
            ),
        ),
        (
            {"denied": True},
            call(),
            (
                "User: arn:aws:iam::000000000000:user/local is not authorized to perform: personalize:PutEvents "
                "because no identity-based policy allows the personalize:PutEvents action"
            ),
        ),
        (
            {},
            call(sessionId=None),
            (
                "1 validation error detected: Value null at 'sessionId' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
        (
            {},
            call(*[event()] * 11),
            (
                "1 validation error detected: Value at 'eventList' failed to satisfy constraint: Member must "
                "have length less than or equal to 10"
            ),
        ),
        (
            {},
            call(event(itemId="")),
            (
                "1 validation error detected: Value at 'eventList.member.itemId' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"
            ),
        ),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_errors_have_the_words_of_aws(endpoint: Endpoint, faults: dict[str, Any], body: Any, message: str) -> None:
    endpoint.control(faults)
    if "quota" in faults:
        post(endpoint.url, call())  # the one that the quota allows
    assert orjson.loads(post(endpoint.url, body).body)["message"] == message


def test_a_signature_of_another_time_is_refused_with_both_times(endpoint: Endpoint) -> None:
    headers = {name.lower(): value for name, value in signed_headers(endpoint.url, b"{}").items()}
    old = "20200101T000000Z"
    scope = headers["authorization"].replace(headers["x-amz-date"][:8], old[:8])
    said = orjson.loads(post(endpoint.url, b"{}", x_amz_date=old, authorization=scope).body)["message"]
    pattern = rf"Signature expired: {old} is now earlier than \d{{8}}T\d{{6}}Z \(\d{{8}}T\d{{6}}Z - 5 min\.\)"
    assert re.fullmatch(pattern, said)


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("Bearer token", "Unsupported 'Authorization' header: expected the algorithm AWS4-HMAC-SHA256."),
        (
            "AWS4-HMAC-SHA256 Credential=hunter2",
            (
                "Authorization header requires 'Signature' parameter. "
                "Authorization header requires 'SignedHeaders' parameter."
            ),
        ),
        (
            "AWS4-HMAC-SHA256 Credential=hunter2, SignedHeaders=host, Signature=short",
            "Authorization header is not of the form Credential=, SignedHeaders=, Signature=.",
        ),
    ],
)
def test_what_a_header_lacks_is_named_and_its_values_are_not(
    endpoint: Endpoint, authorization: str, message: str
) -> None:
    answer = post(endpoint.url, call(), authorization=authorization)
    assert orjson.loads(answer.body)["message"] == message
