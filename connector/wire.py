"""POST over kept-alive HTTP/1.1 connections to one origin, inside an asyncio loop; knows nothing of AWS.

General clients cost more than all the rest of a call, because they can do everything. This one can do what a sink
needs: one origin, one method, bodies in memory, a time-out for each call, TLS, a proxy in between. httptools parses.

A connection carries one call at a time. It is closed instead of reused after anything unexpected, and when it has been
idle for so long that the other side may be closing it at this moment.
"""

import asyncio
import base64
import ssl
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

import httptools

IDLE = 10.0  # seconds; load balancers close after twenty and more
MAX_ANSWER = 1024 * 1024  # bytes; the service's answers are a few hundred


class Response(NamedTuple):
    """An answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class CallFailed(Exception):
    """No answer, and whether the other side has acted on the request is unknown. ``code`` is botocore's word for it."""

    def __init__(self, code: str, *, timed_out: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.timed_out = timed_out


def _closed() -> CallFailed:
    return CallFailed("ConnectionClosedError")


class Origin(NamedTuple):
    """Where the requests go: parts of a URL, and the proxy on the way there.

    ``tls`` is None for plain http; ``proxy`` is an http or https URL, with user and password where it wants them.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None
    proxy: str | None = None

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    def head(self, path: str, headers: Mapping[str, str]) -> bytes:
        """The start of a request that is the same for every call: more headers may follow."""
        # A proxy tunnels what is encrypted; of what is not it wants to know all.
        plain = self.proxy is not None and self.tls is None
        target = f"http://{self.authority}{path}" if plain else path
        lines = [f"POST {target} HTTP/1.1", f"Host: {self.authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        credentials = _credentials(self.proxy) if plain and self.proxy else ""
        return ("\r\n".join(lines) + "\r\n" + credentials).encode()


class Connection(asyncio.Protocol):
    """One connection; its parser calls the ``on_…`` methods."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self.reusable = True
        self._answer: asyncio.Future[Response] | None = None
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
        """Its transport, which it has from when it is open."""
        if self.transport is None:
            raise _closed()
        return self.transport

    def data_received(self, data: bytes) -> None:
        """Bytes came; nobody asked for them where no call is under way."""
        self._received += len(data)
        if self._answer is None or self._received > MAX_ANSWER:
            self.fail(_closed())
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.fail(_closed())

    def connection_lost(self, error: Exception | None) -> None:
        """It is closed, by whomever; for an answer without a length, that is its end."""
        lengths = {"content-length", "transfer-encoding"}
        if error is None and self._headers_complete and not lengths & self._headers.keys():
            self.reusable = False
            self._resolve(Response(self._parser.get_status_code(), self._headers, b"".join(self._content)))
        self.fail(_closed())

    # -- the parser's side

    def on_message_begin(self) -> None:
        """An answer begins: the one, or an interim one before it."""
        self._headers, self._content = {}, []
        self._headers_complete = False

    def on_headers_complete(self) -> None:
        """All headers are there; of a tunnel's answer that is all."""
        self._headers_complete = True
        if self._tunnel:
            self._tunnel = False
            self._resolve(Response(self._parser.get_status_code(), self._headers, b""))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A part of the content."""
        self._content.append(body)

    def on_message_complete(self) -> None:
        """The answer is there."""
        status = self._parser.get_status_code()
        if status < 200:  # 100 Continue: the answer is still to come
            return
        self.reusable = self.reusable and self._parser.should_keep_alive()
        self._resolve(Response(status, self._headers, b"".join(self._content)))

    def _resolve(self, response: Response) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(response)

    # -- the caller's side

    def send(self, request: bytes, answer: asyncio.Future[Response], *, tunnel: bool = False) -> None:
        """Write a whole request; the answer, or why there is none, arrives in the future."""
        self._answer = answer
        self._tunnel = tunnel
        self._received = 0
        self._headers, self._content, self._headers_complete = {}, [], False  # nothing of the answer before
        self._parser = httptools.HttpResponseParser(self)
        if self.transport is None or self.transport.is_closing():
            self.fail(_closed())
        else:
            self.transport.write(request)

    def fail(self, why: CallFailed) -> None:
        """Close it, and tell whoever waits."""
        self.reusable = False
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(why)
        if self.transport is not None:
            self.transport.abort()


class Connections:
    """Kept-alive connections to one origin, as many as calls are made at once.

    Args:
        origin: where to.
        connect_timeout, timeout: seconds until a connection stands, and from then until an answer is there.
        clock: seconds that never go back.
    """

    def __init__(self, origin: Origin, connect_timeout: float, timeout: float, clock: Callable[[], float]) -> None:
        self._origin = origin
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._clock = clock
        self._idle: list[Connection] = []

    async def post(self, head: bytes, body: bytes) -> Response:
        """Send one request and wait for its answer.

        Args:
            head: request line and headers, up to the empty line.
            body: the content.

        Raises:
            CallFailed: there is no answer; whether the other side has acted on the request is unknown.
        """
        connection = self._take() or await self._connect()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()
        timer = loop.call_later(self._timeout, connection.fail, CallFailed("ReadTimeoutError", timed_out=True))
        try:
            connection.send(head + body, answer)
            response = await answer
        except BaseException:
            connection.fail(_closed())
            raise
        finally:
            timer.cancel()
        self._put_back(connection)
        return response

    def _take(self) -> Connection | None:
        oldest = self._clock() - IDLE
        while self._idle:
            connection = self._idle.pop()  # the latest used: those that are too many grow old and are closed
            if connection.reusable and connection.idle_since >= oldest:
                return connection
            connection.fail(_closed())
        return None

    def _put_back(self, connection: Connection) -> None:
        if connection.reusable:
            connection.idle_since = self._clock()
            self._idle.append(connection)
        else:
            connection.fail(_closed())

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(self._connect_timeout):
                return await _open(self._origin)
        except TimeoutError:
            raise CallFailed("ConnectTimeoutError", timed_out=True) from None
        except ssl.SSLError:
            raise CallFailed("SSLError") from None
        except OSError:
            raise CallFailed("EndpointConnectionError") from None

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.fail(_closed())
        self._idle.clear()


async def _open(origin: Origin) -> Connection:
    loop = asyncio.get_running_loop()
    if origin.proxy is None:
        _, connection = await loop.create_connection(Connection, origin.host, origin.port, ssl=origin.tls)
        return connection
    proxy = urlsplit(origin.proxy)
    secure = proxy.scheme == "https"
    tls = ssl.create_default_context() if secure else None
    port = proxy.port or (443 if secure else 80)
    _, connection = await loop.create_connection(Connection, proxy.hostname or "", port, ssl=tls)
    if origin.tls is not None:
        try:
            await _tunnel(connection, origin, _credentials(origin.proxy))
            connection.transport = await loop.start_tls(
                connection.opened(), connection, origin.tls, server_hostname=origin.host
            )
        except BaseException:
            connection.fail(_closed())  # nobody else knows of it yet
            raise
    return connection


async def _tunnel(connection: Connection, origin: Origin, credentials: str) -> None:
    answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    target = f"{origin.host}:{origin.port}"
    request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n"
    connection.send(request.encode(), answer, tunnel=True)
    response = await answer
    if response.status != 200:
        connection.fail(_closed())
        raise CallFailed("ProxyConnectionError")


def _credentials(proxy: str) -> str:
    parts = urlsplit(proxy)
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
