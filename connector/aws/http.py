"""POST over kept-alive HTTP/1.1 connections to one origin, inside an asyncio loop. Nothing here is specific to AWS.

A general HTTP client costs more than all the rest of a call. This one does only what the connector needs: one origin,
one method, bodies in memory, a timeout for each call, TLS, and a proxy. httptools parses the responses.

A connection carries one call at a time. It is closed, not reused, after anything unexpected, and after ``IDLE`` seconds
without a call, because the server may close it just as the next request is sent.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from connector.aws import failures
from connector.aws.failures import CallFailed
from connector.aws.origin import Origin, proxy_address, proxy_authorization

IDLE = 10.0  # seconds; load balancers close after twenty and more
MAX_RESPONSE = 1024 * 1024  # bytes; the service's responses have a few hundred


class Response(NamedTuple):
    """A response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Connection(asyncio.Protocol):
    """One connection; its parser calls the ``on_…`` methods. ``where`` names the other side in messages."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self.reusable = True
        self._response: asyncio.Future[Response] | None = None
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
        if self._response is None or self._received > MAX_RESPONSE:
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
        waiting, self._response = self._response, None
        if waiting is not None and not waiting.done():
            waiting.set_result(response)

    # -- the caller's side

    def send(self, request: bytes, response: asyncio.Future[Response], *, tunnel: bool = False) -> None:
        """Write a whole request. The future gets the response, or a CallFailed that says why there is none."""
        self._response = response
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
        waiting, self._response = self._response, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(why)
        self.close()

    def close(self) -> None:
        """Close it at once."""
        self.reusable = False
        if self.transport is not None:
            self.transport.abort()


class Connections:
    """Kept-alive connections to one origin, as many as there are calls in flight.

    Args:
        origin: where to.
        connect_timeout, timeout: seconds to connect at most, and from then to wait for a response at most.
        clock: seconds of a monotonic clock.
    """

    def __init__(self, origin: Origin, connect_timeout: float, timeout: float, clock: Callable[[], float]) -> None:
        self._origin = origin
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._clock = clock
        self._where = origin.where
        self._idle: list[Connection] = []

    async def post(self, head: bytes, body: bytes) -> Response:
        """Send one request and wait for its response.

        Args:
            head: request line and headers, up to the empty line.
            body: the content.

        Raises:
            CallFailed: there is no response; whether the server acted on the request is unknown.
        """
        connection = self._take() or await self._connect()
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Response] = loop.create_future()
        timer = loop.call_later(self._timeout, self._time_out, connection)
        try:
            connection.send(head + body, waiting)
            response = await waiting
        except BaseException:
            connection.close()
            raise
        finally:
            timer.cancel()
        self._put_back(connection)
        return response

    def _time_out(self, connection: Connection) -> None:
        connection.fail(failures.late(self._where, self._timeout))

    def _take(self) -> Connection | None:
        oldest = self._clock() - IDLE
        while self._idle:
            connection = self._idle.pop()  # the last used first, so that surplus connections grow old and are closed
            if connection.reusable and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    def _put_back(self, connection: Connection) -> None:
        if connection.reusable:
            connection.idle_since = self._clock()
            self._idle.append(connection)
        else:
            connection.close()

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(self._connect_timeout):
                return await _open(self._origin)
        except TimeoutError:
            raise failures.not_connected(self._where, self._connect_timeout) from None

    def close(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


async def _open(origin: Origin) -> Connection:
    if origin.proxy is None:
        return await _reach(origin.host, origin.port, origin.tls, origin.where)
    tls = ssl.create_default_context() if urlsplit(origin.proxy).scheme == "https" else None
    connection = await _reach(*proxy_address(origin.proxy), tls, f"the proxy {origin.way}")
    if origin.tls is not None:
        try:
            await _tunnel(connection, origin, proxy_authorization(origin.proxy))
            await _secure(connection, origin, origin.tls)
        except BaseException:
            connection.close()  # no one else holds it yet
            raise
    connection.where = origin.where
    return connection


async def _reach(host: str, port: int, tls: ssl.SSLContext | None, where: str) -> Connection:
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(lambda: Connection(where), host, port, ssl=tls)
    except OSError as error:
        raise failures.connecting(error, where) from None
    return connection


async def _secure(connection: Connection, origin: Origin, tls: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    try:
        connection.transport = await loop.start_tls(connection.opened(), connection, tls, server_hostname=origin.host)
    except OSError as error:
        raise failures.connecting(error, origin.where) from None


async def _tunnel(connection: Connection, origin: Origin, credentials: str) -> None:
    waiting: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    target = f"{origin.host}:{origin.port}"
    request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n"
    connection.send(request.encode(), waiting, tunnel=True)
    response = await waiting
    if response.status != 200:
        raise failures.tunnel_refused(origin.way, target, response.status)
