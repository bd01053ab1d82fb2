"""POST over kept-alive HTTP/1.1 connections to one origin, inside an asyncio loop. Nothing here is specific to AWS.

A general HTTP client costs more than all the rest of a call. This one does only what the connector needs: one origin,
one method, bodies in memory, a timeout for each call, TLS, and a proxy.

A connection carries one call at a time. It is closed, not reused, after anything unexpected, and after ``IDLE`` seconds
without a call, because the server may close it just as the next request is sent.

A call on an open connection needs no task, no future and no timer of its own: whoever waits is called back, and one
timer watches all calls. With the signatures (sigv4.py) that takes a call from 50 µs of CPU to 31.
"""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from connector.aws import failures
from connector.aws.connection import Answer, Connection
from connector.aws.failures import CallFailed
from connector.aws.origin import Origin, proxy_address, proxy_authorization

IDLE = 10.0  # seconds; load balancers close after twenty and more


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
        self._deadlines: dict[Connection, float] = {}  # of calls under way; the first began first, so it ends first
        self._timer: asyncio.TimerHandle | None = None  # for the first of them, or one that has ended since

    def begin(self, connection: Connection, request: bytes, answered: Callable[[Answer], None]) -> None:
        """Send one request on a connection that was taken or opened for it.

        Args:
            connection: open, and nobody else's.
            request: the whole request.
            answered: gets the answer, once and maybe before this returns. It raises nothing, and begins no other call.
        """
        self._deadlines[connection] = self._clock() + self._timeout
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._timeout, self._look)
        connection.send(request, partial(self._end, connection, answered))

    def _end(self, connection: Connection, answered: Callable[[Answer], None], answer: Answer) -> None:
        self._deadlines.pop(connection, None)
        if connection.reusable:
            connection.idle_since = self._clock()
            self._idle.append(connection)
        else:
            connection.close()
        answered(answer)

    def _look(self) -> None:
        """End the calls whose time is up; come back when that of the next one is."""
        self._timer = None
        now = self._clock()
        while self._deadlines:
            connection, deadline = next(iter(self._deadlines.items()))
            if deadline > now:
                self._timer = asyncio.get_running_loop().call_later(deadline - now, self._look)
                return
            del self._deadlines[connection]
            connection.fail(failures.late(self._where, self._timeout))

    def take(self) -> Connection | None:
        """An open connection without a call; None where there is none."""
        oldest = self._clock() - IDLE
        while self._idle:
            connection = self._idle.pop()  # the last used first, so that surplus connections grow old and are closed
            if connection.reusable and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    async def connect(self) -> Connection:
        """Open a connection.

        Raises:
            CallFailed: there is none.
        """
        try:
            async with asyncio.timeout(self._connect_timeout):
                return await _open(self._origin)
        except TimeoutError:
            raise failures.not_connected(self._where, self._connect_timeout) from None

    def close(self) -> None:
        """Close all connections; calls under way get no answer."""
        for connection in (*self._idle, *self._deadlines):
            connection.close()
        self._idle.clear()
        self._deadlines.clear()
        if self._timer is not None:
            self._timer.cancel()


def _resolve(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)


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
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    target = f"{origin.host}:{origin.port}"
    request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n"
    connection.send(request.encode(), partial(_resolve, answer), tunnel=True)
    response = await answer
    if isinstance(response, CallFailed):
        raise response
    if response.status != 200:
        raise failures.tunnel_refused(origin.way, target, response.status)
