"""PutEvents on a local port, for tests, demos, benchmarks and CI.

Everything runs in one event loop. Other threads may call ``control``, ``reset``, ``stats`` and ``accepted``: each
replaces or copies one object whole, so a test needs no locks.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from connector.local.endpoint.connection import Connection
from connector.local.endpoint.exchange import Reaction, Request
from connector.local.endpoint.faults import Faults
from connector.local.endpoint.handler import RequestHandler
from connector.local.endpoint.ledger import Ledger

LOCALHOST = "127.0.0.1"
BACKLOG = 1024
FLUSH_SECONDS = 0.1
DRAIN_SECONDS = 0.2  # at the end, for replies that a client has not read yet


class Endpoint(RequestHandler):
    """A ``RequestHandler`` that listens. ``url`` is set once it does; ``async with`` starts and stops it."""

    url: str = ""

    def __init__(
        self,
        faults: Faults | None = None,
        ledger: Ledger | None = None,
        *,
        host: str = LOCALHOST,
        port: int = 0,
        seed: int = 0,
        strict: bool = False,
    ) -> None:
        super().__init__(faults or Faults(), ledger or Ledger(), seed=seed, strict=strict)
        self.host = host
        self.port = port  # 0 takes a free one, and keeps it when the endpoint is started again
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._flusher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises OSError where the port is in use."""
        loop = asyncio.get_running_loop()

        def handle(request: Request) -> Reaction:
            return self.handle(request, time.time(), time.monotonic())

        def connect() -> Connection:
            return Connection(handle, self.refuse, time.time, self._connections)

        self._server = await loop.create_server(connect, self.host, self.port, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.url = f"http://{shown}:{self.port}"
        self._flusher = loop.create_task(self._flush())

    async def stop(self) -> None:
        """Stop listening and close every connection; new connections are refused."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await asyncio.sleep(0)  # transports report their end in the next iteration of the loop
        if self._connections:
            await asyncio.sleep(DRAIN_SECONDS)
            for connection in tuple(self._connections):
                connection.abort()
        await self._server.wait_closed()
        self._server = None
        if self._flusher is not None:
            self._flusher.cancel()
        self.ledger.flush()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.ledger.flush()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def open_log(path: Path) -> AbstractContextManager[BinaryIO]:
    """The file that accepted events are appended to, buffered. Raises OSError where it cannot be opened."""
    return path.open("ab", buffering=1 << 20)


async def _serve(endpoint: Endpoint, started: "Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]") -> None:
    async with endpoint:
        stopping = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), stopping))
        await stopping.wait()


@contextmanager
def running_endpoint(
    faults: Faults | None = None,
    *,
    host: str = LOCALHOST,
    port: int = 0,
    seed: int = 0,
    strict: bool = False,
    keep: bool = True,
    ids: bool = True,
    log: Path | None = None,
) -> Iterator[Endpoint]:
    """An endpoint in a thread of its own, listening while the block runs; see ``Ledger`` for the last three.

    Raises:
        OSError: the port is in use, or the log cannot be opened.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open_log(log)) if log else None
        ledger = Ledger(keep=keep, ids=ids, log=file)
        endpoint = Endpoint(faults, ledger, host=host, port=port, seed=seed, strict=strict)
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

        def serve() -> None:
            try:
                asyncio.run(_serve(endpoint, started))
            except OSError as error:
                started.set_exception(error)

        thread = threading.Thread(target=serve, name="putevents-endpoint", daemon=True)
        thread.start()
        stack.callback(thread.join)
        loop, stopping = started.result()
        stack.callback(loop.call_soon_threadsafe, stopping.set)
        yield endpoint
