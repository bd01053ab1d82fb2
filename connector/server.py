"""What Kubernetes and Prometheus ask: /livez, /readyz, /metrics. GET only, read only.

Neither probe depends on Kafka or AWS, on lag or on throttling: a restart mends none of those, and would take the
fleet down with the broker. /livez asks whether the loop turns, /readyz whether this member has joined its group.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, ClassVar, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

SLOW_CLIENT = 10.0  # seconds that a client may take for a request
WAKE = 0.1  # seconds that closing may have to wait for the accepting thread
MOST_CONNECTIONS = 32  # at once; one more pushes out the oldest, so that no number of slow clients keeps a probe away


class Health(NamedTuple):
    """Whether, and in a few words why or why not."""

    well: bool
    reason: str


class Page(NamedTuple):
    """An answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


class Server:
    """An HTTP server in threads of its own.

    Args:
        host, port: where; port 0 takes a free one.
        registry: what /metrics shows.
        alive, ready: asked at each probe, from another thread than the loop's.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        alive: Callable[[], Health],
        ready: Callable[[], Health],
    ) -> None:
        pages: Mapping[str, Callable[[str], Page]] = {
            "/livez": lambda _: _probe(alive()),
            "/readyz": lambda _: _probe(ready()),
            "/metrics": lambda accept: _metrics(registry, accept),
        }
        handler = type("Handler", (_Handler,), {"pages": pages})
        self._http = _BoundedServer((host, port), handler)
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(WAKE,), name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()


def _probe(health: Health) -> Page:
    status = HTTPStatus.OK if health.well else HTTPStatus.SERVICE_UNAVAILABLE
    return Page(status, "text/plain; charset=utf-8", health.reason.encode() + b"\n")


def _metrics(registry: CollectorRegistry, accept: str) -> Page:
    encode, content_type = choose_encoder(accept)
    return Page(HTTPStatus.OK, content_type, encode(registry))


class _BoundedServer(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128  # the default of 5 makes a probe wait for a second when connections come in bursts

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []  # the oldest first
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # Without HTTPServer's own, which asks DNS for a name that nobody needs, and waits where DNS is down.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            oldest = self._open.pop(0) if len(self._open) >= MOST_CONNECTIONS else None
            self._open.append(request)
        if oldest is not None:
            _hang_up(oldest)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                if request in self._open:
                    self._open.remove(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no news."""


def _hang_up(connection: socket.socket) -> None:
    # The thread that reads from it finds its end, and ends with it.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    pages: ClassVar[Mapping[str, Callable[[str], Page]]]
    timeout = SLOW_CLIENT
    server_version = "putevents"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND, "expected /livez, /readyz or /metrics")
            return
        status, content_type, body = page(self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Probes and scrapes come every few seconds: no news."""
