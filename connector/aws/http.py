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

from connector.aws import failures
from connector.aws.failures import CallFailed

IDLE = 10.0  # seconds; load balancers close after twenty and more
MAX_ANSWER = 1024 * 1024  # bytes; the service's answers are a few hundred


class Response(NamedTuple):
    """An answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


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

    @property
    def where(self) -> str:
        """Host and port for people; without user and password, and with the proxy on the way."""
        there = _address(self.host, self.port)
        return there if self.proxy is None else f"{there} (by way of the proxy {self.way})"

    @property
    def way(self) -> str:
        """The proxy's host and port."""
        return _address(*_proxy_address(self.proxy or ""))

    def head(self, path: str, headers: Mapping[str, str]) -> bytes:
        """The start of a request that is the same for every call: more headers may follow."""
        # A proxy tunnels what is encrypted; of what is not it wants to know all.
        plain = self.proxy is not None and self.tls is None
        target = f"http://{self.authority}{path}" if plain else path
        lines = [f"POST {target} HTTP/1.1", f"Host: {self.authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        credentials = _credentials(self.proxy) if plain and self.proxy else ""
        return ("\r\n".join(lines) + "\r\n" + credentials).encode()


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _proxy_address(proxy: str) -> tuple[str, int]:
    parts = urlsplit(proxy)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


class Connection(asyncio.Protocol):
    """One connection; its parser calls the ``on_…`` methods. ``where`` is the other side, for people."""

    def __init__(self, where: str) -> None:
        self.where = where
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
            raise failures.closed(self.where)
        return self.transport

    def data_received(self, data: bytes) -> None:
        """Bytes came; nobody asked for them where no call is under way."""
        self._received += len(data)
        if self._answer is None or self._received > MAX_ANSWER:
            self.fail(failures.closed(self.where, f"sent more than {MAX_ANSWER} bytes, or before it was asked"))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.fail(failures.closed(self.where, "answers, but not in HTTP/1.1"))

    def connection_lost(self, error: Exception | None) -> None:
        """It is closed, by whomever; for an answer without a length, that is its end."""
        lengths = {"content-length", "transfer-encoding"}
        if error is None and self._headers_complete and not lengths & self._headers.keys():
            self.reusable = False
            self._resolve(Response(self._parser.get_status_code(), self._headers, b"".join(self._content)))
        self.fail(failures.closed(self.where))

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
            self.fail(failures.closed(self.where))
        else:
            self.transport.write(request)

    def fail(self, why: CallFailed) -> None:
        """Close it, and tell whoever waits."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(why)
        self.close()

    def close(self) -> None:
        """Close it; nobody waits."""
        self.reusable = False
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
        self._where = origin.where
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
        timer = loop.call_later(self._timeout, self._give_up, connection)
        try:
            connection.send(head + body, answer)
            response = await answer
        except BaseException:
            connection.close()
            raise
        finally:
            timer.cancel()
        self._put_back(connection)
        return response

    def _give_up(self, connection: Connection) -> None:
        connection.fail(failures.late(self._where, self._timeout))

    def _take(self) -> Connection | None:
        oldest = self._clock() - IDLE
        while self._idle:
            connection = self._idle.pop()  # the latest used: those that are too many grow old and are closed
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
        """Close what is idle."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


async def _open(origin: Origin) -> Connection:
    if origin.proxy is None:
        return await _reach(origin.host, origin.port, origin.tls, origin.where)
    tls = ssl.create_default_context() if urlsplit(origin.proxy).scheme == "https" else None
    connection = await _reach(*_proxy_address(origin.proxy), tls, f"the proxy {origin.way}")
    if origin.tls is not None:
        try:
            await _tunnel(connection, origin, _credentials(origin.proxy))
            await _secure(connection, origin, origin.tls)
        except BaseException:
            connection.close()  # nobody else knows of it yet
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
    answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    target = f"{origin.host}:{origin.port}"
    request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n"
    connection.send(request.encode(), answer, tunnel=True)
    response = await answer
    if response.status != 200:
        raise failures.tunnel_refused(origin.way, target, response.status)


def _credentials(proxy: str) -> str:
    parts = urlsplit(proxy)
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
