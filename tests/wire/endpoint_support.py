"""Callers of the local endpoint: stock boto3, and requests that boto3 would not send."""

import http.client
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import boto3
import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from mypy_boto3_personalize_events import PersonalizeEventsClient

NOW = 1_795_509_011
KEY, SECRET = "AKIDEXAMPLE", "not-a-secret"

DATASET = "arn:aws:personalize:eu-west-1:123456789012:dataset/x/USERS"
TAKEN = {"actionId": "a", "sessionId": "s", "timestamp": NOW, "eventType": "Taken"}
# A call of each operation beside PutEvents.
OTHERS: dict[str, dict[str, Any]] = {
    "PutUsers": {"datasetArn": DATASET, "users": [{"userId": "u"}]},
    "PutItems": {"datasetArn": DATASET, "items": [{"itemId": "i"}]},
    "PutActions": {"datasetArn": DATASET, "actions": [{"actionId": "a"}]},
    "PutActionInteractions": {"trackingId": "t", "actionInteractions": [TAKEN]},
}


def event(**members: Any) -> dict[str, Any]:
    return {"eventType": "View", "sentAt": NOW, **members}


def call(*events: dict[str, Any], **members: Any) -> dict[str, Any]:
    standard = {"trackingId": "t", "sessionId": "s", "eventList": list(events) or [event()]}
    return standard | members


@contextmanager
def stock_client(
    url: str, *, key: str = KEY, secret: str = SECRET, token: str | None = None, timeout: float = 10
) -> "Iterator[PersonalizeEventsClient]":
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token)
    once = Config(retries={"total_max_attempts": 1}, read_timeout=timeout, connect_timeout=timeout)
    client = session.client("personalize-events", "eu-west-1", endpoint_url=url, config=once)
    with closing(client):
        yield client


class CallResult(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        return self.headers.get("x-amzn-ErrorType")


def request(
    url: str, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> CallResult:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    with closing(connection):
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return CallResult(response.status, dict(response.getheaders()), response.read())


def signed_headers(url: str, body: bytes, *, service: str = "personalize", path: str = "/events") -> dict[str, str]:
    aws = AWSRequest("POST", url + path, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials(KEY, SECRET), service, "eu-west-1").add_auth(aws)
    return dict(aws.headers.items())


def post(url: str, body: Any, **changed: str) -> CallResult:
    """POST /events, signed; ``changed`` headers after signing, with underscores for dashes, empty ones left out."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {name.lower(): value for name, value in signed_headers(url, raw).items()}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return request(url, "POST", "/events", raw, {name: value for name, value in headers.items() if value})


def raw_request(url: str, body: bytes) -> bytes:
    """The bytes of a signed POST /events on a connection that stays open."""
    lines = [f"{name}: {value}" for name, value in signed_headers(url, body).items()]
    head = "\r\n".join(
        ["POST /events HTTP/1.1", f"Host: {urlsplit(url).netloc}", f"Content-Length: {len(body)}", *lines]
    )
    return head.encode() + b"\r\n\r\n" + body


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)
