"""One kept-alive HTTP/1.1 connection, which carries one call after the other. httptools parses the responses."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import httptools

from connector.aws import failures
from connector.aws.failures import CallFailed

MAX_RESPONSE = 1024 * 1024  # bytes; the service's responses have a few hundred


class Response(NamedTuple):
    """A response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


Answer = Response | CallFailed  # what a call gets: its response, or why there is none


class Connection(asyncio.Protocol):
    """One connection; its parser calls the ``on_…`` methods. ``where`` names the other side in messages."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self.reusable = True
        self._waiting: Callable[[Answer], None] | None = None
        self._parser: Any = None
        self._headers: dict[str, str] = {}
        self._content: list[bytes] = []
        self._received = 0
        self._tunnel = False
        self._headers_complete = False

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.transport = cast("asyncio.Transport", transport)  # TCP's always is

    def opened(self) -> asyncio.Transport:
        """The transport of an open connection. Raises CallFailed before it is open."""
        if self.transport is None:
            raise failures.closed(self.where)
        return self.transport

    def data_received(self, data: bytes) -> None:
        """Bytes arrived. Without a call in flight nobody asked for them, so the connection is closed."""
        self._received += len(data)
        if self._waiting is None or self._received > MAX_RESPONSE:
            self.fail(
                failures.closed(self.where, f"sent more than {MAX_RESPONSE} bytes, or bytes that nobody asked for")
            )
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.fail(failures.closed(self.where, "answers, but not in HTTP/1.1"))

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is closed, by either side. This ends a response that has no length."""
        lengths = {"content-length", "transfer-encoding"}
        if error is None and self._headers_complete and not lengths & self._headers.keys():
            self.reusable = False
            self._resolve(Response(self._parser.get_status_code(), self._headers, b"".join(self._content)))
        self.fail(failures.closed(self.where))

    # -- the parser's side

    def on_message_begin(self) -> None:
        """A response begins; it may be an interim one (100 Continue)."""
        self._headers, self._content = {}, []
        self._headers_complete = False

    def on_headers_complete(self) -> None:
        """All headers are there. A tunnel's response ends here."""
        self._headers_complete = True
        if self._tunnel:
            self._tunnel = False
            self._resolve(Response(self._parser.get_status_code(), self._headers, b""))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._content.append(body)

    def on_message_complete(self) -> None:
        """The response is complete."""
        status = self._parser.get_status_code()
        if status < 200:  # 100 Continue: the response is still to come
            return
        self.reusable = self.reusable and self._parser.should_keep_alive()
        self._resolve(Response(status, self._headers, b"".join(self._content)))

    def _resolve(self, response: Response) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting(response)

    # -- the caller's side

    def send(self, request: bytes, waiting: Callable[[Answer], None], *, tunnel: bool = False) -> None:
        """Write a whole request. ``waiting`` is called once, with the answer."""
        self._waiting = waiting
        self._tunnel = tunnel
        self._received = 0
        self._headers, self._content, self._headers_complete = {}, [], False  # drop the previous response
        self._parser = httptools.HttpResponseParser(self)
        if self.transport is None or self.transport.is_closing():
            self.fail(failures.closed(self.where))
        else:
            self.transport.write(request)

    def fail(self, why: CallFailed) -> None:
        """Close it; the caller that waits gets ``why``."""
        waiting, self._waiting = self._waiting, None
        self.close()
        if waiting is not None:
            waiting(why)

    def close(self) -> None:
        """Close it at once; a caller that waits gets nothing."""
        self.reusable, self._waiting = False, None
        if self.transport is not None:
            self.transport.abort()
