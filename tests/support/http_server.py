"""An HTTP server in this process: it responds as the test says, and keeps every request.

The only one of the tests that is not the local PutEvents endpoint. ``tests/image/inside.py`` has its own, because it
runs in a container that holds nothing else of the tests.
"""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs

Headers = tuple[tuple[str, str], ...]
AWS: Headers = (("x-amzn-RequestId", "2a1d5e8c-0000-4000-8000-000000000001"),)  # every response of AWS has one
JSON: Headers = (("Content-Type", "application/json"),)


class Request(NamedTuple):
    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode())


class Response(NamedTuple):
    status: int = 200
    headers: Headers = AWS
    body: bytes = b""


Respond = Callable[[Request], Response]


class HttpServer:
    """What a test has of a server. ``respond`` may be replaced while it runs."""

    def __init__(self, respond: Respond, port: int, *, secure: bool) -> None:
        self.respond = respond
        self.requests: list[Request] = []
        self.port = port
        self.url = f"{'https' if secure else 'http'}://127.0.0.1:{port}"

    def handle(self, request: Request) -> Response:
        self.requests.append(request)
        return self.respond(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    handle_request: Respond

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        response = type(self).handle_request(Request(self.command, self.path, headers, body))
        self.send_response(response.status)
        for name, value in (*response.headers, ("Content-Length", str(len(response.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_PATCH = do_POST  # noqa: N815  http.server's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running_http_server(
    respond: Respond = lambda _: Response(), tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[HttpServer]:
    """A server of 127.0.0.1, while the block runs: on a free port unless given, https where there is a ``tls``."""

    class Handler(_Handler):
        pass

    listening = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if tls is not None:
        listening.socket = tls.wrap_socket(listening.socket, server_side=True)
    server = HttpServer(respond, listening.server_port, secure=tls is not None)
    Handler.handle_request = server.handle
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
