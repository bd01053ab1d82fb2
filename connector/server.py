"""What Kubernetes and Prometheus ask: /livez, /readyz, /metrics; and / for people. Read only.

Neither probe depends on Kafka or AWS, on lag or on throttling: a restart mends none of those, and would take the
fleet down with the broker. /livez asks whether the loop turns, /readyz whether this member has joined its group.

A client can cost a thread and some seconds, and not more, whatever it sends and however slowly: there is a deadline for
the whole head of its request, a limit to the head's size, one response to a connection, and a bound on connections.
"""

import contextlib
import io
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from connector.listening import listen
from connector.logs import LogLimiter

log = structlog.get_logger()

ASKING = 5.0  # seconds that a client may take for its request, all of it
READING = 10.0  # seconds that it may take to read the response
MOST_BYTES = 16 * 1024  # of a request's line and headers together
TEXT = "text/plain; charset=utf-8"
ALWAYS = (  # no cache, no guessing of types, no embedding in other sites
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
WAKE = 0.1  # seconds that closing may have to wait for the accepting thread
MOST_CONNECTIONS = 32  # at once; one more pushes out the oldest, so that no number of slow clients keeps a probe away


class Health(NamedTuple):
    """Whether, and in a few words why or why not."""

    well: bool
    reason: str


class Page(NamedTuple):
    """A response; ``headers`` are those beyond what every response has."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Asked(NamedTuple):
    """What a page may depend on: the text after the question mark, and what the client can read."""

    query: str
    accept: str


class Server:
    """An HTTP server in threads of its own.

    Args:
        host, port: where, see ``listening``; port 0 takes a free one.
        registry: what /metrics shows.
        alive, ready: asked at each probe, from another thread than the loop's.
        home: what / shows, asked likewise; None where there is nothing.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        alive: Callable[[], Health],
        ready: Callable[[], Health],
        home: Callable[[Asked], Page] | None = None,
    ) -> None:
        pages: dict[str, Callable[[Asked], Page]] = {
            "/livez": lambda _: _probe(alive()),
            "/readyz": lambda _: _probe(ready()),
            "/metrics": lambda asked: _metrics(registry, asked.accept),
        }
        if home is not None:
            pages["/"] = home
        handler = type("Handler", (_Pages,), {"pages": pages})
        self._http = BoundedServer(listen(host, port), handler)
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(WAKE,), name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()


def _probe(health: Health) -> Page:
    status = HTTPStatus.OK if health.well else HTTPStatus.SERVICE_UNAVAILABLE
    return _text(status, health.reason)


def _text(status: HTTPStatus, text: str) -> Page:
    return Page(status, TEXT, text.encode() + b"\n")


def _metrics(registry: CollectorRegistry, accept: str) -> Page:
    encode, content_type = choose_encoder(accept)
    return Page(HTTPStatus.OK, content_type, encode(registry))


_LIMITER = LogLimiter(60.0)


class BoundedServer(ThreadingHTTPServer):
    """A thread for each connection, and a bound on connections; ``listener`` is listening already."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, handler: type[BaseHTTPRequestHandler]) -> None:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []  # the oldest first
        # Not HTTPServer's own binding, which asks DNS for a name that nobody needs, and waits where DNS is down.
        super().__init__(listener.getsockname()[:2], handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = "", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection, and let go of the oldest where there are too many."""
        with self._lock:
            oldest = self._open.pop(0) if len(self._open) >= MOST_CONNECTIONS else None
            self._open.append(request)
        if oldest is not None:
            _hang_up(oldest)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and forget the connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                if request in self._open:
                    self._open.remove(request)

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect; log anything else, which is a bug of ours."""
        error = sys.exception()
        if not isinstance(error, OSError) and _LIMITER.allow((type(error).__name__,)):
            log.error("a page could not be made: a bug of the connector", exc_info=error)


def _hang_up(connection: socket.socket) -> None:
    # The thread that reads from the connection sees its end, and ends too.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _TooLarge(Exception):
    """A request is larger than any that makes sense; ``status`` says of which part."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def _head(connection: socket.socket, deadline: float) -> bytes:
    """A request's line and headers, up to the empty line; less where the client says no more.

    Raises:
        TimeoutError: not all of it came in time.
        _TooLarge: it does not end.
    """
    head = b""
    while len(head) <= MOST_BYTES:
        if b"\n\r\n" in head or b"\n\n" in head:
            return head
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(min(4096, MOST_BYTES + 1 - len(head)))
        if not piece:
            return head
        head += piece
    line = b"\n" not in head
    raise _TooLarge(HTTPStatus.REQUEST_URI_TOO_LONG if line else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


class Handler(BaseHTTPRequestHandler):
    """One request of a connection, whose head has a deadline; what is answered is that of a class below."""

    server_version = "putevents"
    sys_version = ""
    default_request_version = "HTTP/1.0"  # of a line that names none; the default of 0.9 has no status in its answers
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = TEXT

    def handle(self) -> None:
        """One request, and the end of the connection."""
        self.requestline, self.request_version, self.command = "", self.protocol_version, ""
        try:
            head = _head(self.connection, time.monotonic() + ASKING)
        except TimeoutError:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        except _TooLarge as error:
            self._refuse(error.status)
        else:
            self.connection.settimeout(READING)
            self._respond(head)

    def _refuse(self, status: HTTPStatus) -> None:
        self.connection.setblocking(False)  # whoever is slow to ask may be slow to read
        self.send_error(status)

    def _respond(self, head: bytes) -> None:
        line, end, rest = head.partition(b"\n")
        self.raw_requestline, self.rfile = line + end, io.BufferedReader(io.BytesIO(rest))
        if self.parse_request():  # else it has said why
            self.answer()

    def answer(self) -> None:
        """Send the page of the request, whose head has been read."""
        raise NotImplementedError

    def send(self, page: Page) -> None:
        """Send a whole response."""
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        for name, value in page.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.body)

    def end_headers(self) -> None:
        """Also those of errors."""
        for name, value in ALWAYS:
            self.send_header(name, value)
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The library's own reasons quote what the client sent; ours are fixed."""
        del message, explain
        super().send_error(code, HTTPStatus(code).phrase)

    def log_message(self, *_: object) -> None:
        """Log nothing: probes and scrapes come every few seconds."""


class _Pages(Handler):
    pages: ClassVar[Mapping[str, Callable[[Asked], Page]]]

    def answer(self) -> None:
        """One of the pages."""
        path, _, query = self.path.partition("?")
        page = self.pages.get(path)
        if page is None:
            self.send(_text(HTTPStatus.NOT_FOUND, f"expected {', '.join(sorted(self.pages))}"))
        elif self.command not in {"GET", "HEAD"}:
            refusal = _text(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET or HEAD")
            self.send(refusal._replace(headers=(("Allow", "GET, HEAD"),)))
        else:
            self.send(self._made(page, Asked(query, self.headers.get("Accept", ""))))

    def _made(self, page: Callable[[Asked], Page], asked: Asked) -> Page:
        try:
            return page(asked)
        except Exception:
            self.send(_text(HTTPStatus.INTERNAL_SERVER_ERROR, "a bug of the connector; see its log"))
            raise
