"""The two sides of an exchange as values: a request, and what the endpoint does with it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

Headers = Mapping[bytes, bytes]  # names in lower case; repeated ones joined by a comma


class Request(NamedTuple):
    """A whole request. Names of headers are in lower case; ``target`` is path and query as they came."""

    method: bytes
    target: bytes
    headers: Headers
    body: bytes = b""


class Reply(NamedTuple):
    """A response, sent after ``delay`` seconds. ``stream`` is sent instead of ``body`` where it is given."""

    status: int = 200
    body: bytes = b""
    code: str | None = None
    delay: float = 0.0
    stream: Iterator[bytes] | None = None


class Reset(NamedTuple):
    """The connection is reset after ``delay`` seconds, perhaps after the call was accepted."""

    delay: float = 0.0
    accepted: bool = False


class Hang(NamedTuple):
    """No response ever comes; the connection stays open until the caller gives up."""


Reaction = Reply | Reset | Hang
