"""A reply as HTTP/1.1 bytes. AWS sends a request id with every response, and botocore reads it."""

from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from itertools import count
from uuid import uuid4

from connector.local.endpoint.exchange import Reply

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_RUN = str(uuid4())[:24]
_numbers = count(1)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def render_head(reply: Reply, now: float, *, keep: bool) -> bytes:
    """Status line and headers; ``now`` in seconds since the epoch, ``keep``: the connection stays open."""
    if reply.stream is None:
        framing = f"Content-Type: application/json\r\nContent-Length: {len(reply.body)}"
    else:
        framing = "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked"
    code = "" if reply.code is None else f"x-amzn-ErrorType: {reply.code}\r\n"
    close = "" if keep else "Connection: close\r\n"
    return (
        f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}\r\n"
        f"x-amzn-RequestId: {_RUN}{next(_numbers):012x}\r\n"
        f"Date: {_date(int(now))}\r\n{code}{close}{framing}\r\n\r\n"
    ).encode("latin-1")


def chunk(part: bytes | bytearray) -> bytes:
    """One chunk of a streamed body. An empty part must not be sent: it would end the stream."""
    return b"%x\r\n%b\r\n" % (len(part), bytes(part))
