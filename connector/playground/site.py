"""The page over HTTP, for one person on this machine and for no other page that they have open.

The address has a token that nobody can guess. Beyond that a request must name this server as its host, so that no
name of somebody else's that leads to 127.0.0.1 passes, and must not come from another origin. Data is only ever sent
to POST with a JSON body, which no form and no link of another page can make.
"""

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any, ClassVar

from connector.listening import listen
from connector.playground.desk import Desk, Refused
from connector.server import TEXT, BoundedServer, Handler, Page

HOST = "127.0.0.1"
MOST_BYTES = 12 * 1024 * 1024  # of a body: a file of 4 MiB, and samples
SENDING = 10.0  # seconds that a client may take for its body
JSON = "application/json"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
ASSETS: Mapping[str, tuple[str, str]] = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_FOREIGN = "expected a request of the page itself, at the address that putevents play printed"


class Site:
    """Serves a desk until it is closed; port 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, desk: Desk, port: int) -> None:
        token = secrets.token_urlsafe(24)
        listener = listen(HOST, port)
        self.port: int = listener.getsockname()[1]
        handler = type("Handler", (_Handler,), {"desk": desk, "token": token, "port": self.port})
        self._http = BoundedServer(listener, handler)
        self.url = f"http://{HOST}:{self.port}/{token}/"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.1,), name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()


class _Refusal(Exception):
    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.page = Page(status, TEXT, f"{text}\n".encode())


class _Handler(Handler):
    desk: ClassVar[Desk]
    token: ClassVar[str]
    port: ClassVar[int]

    def answer(self) -> None:
        """An asset, or what the desk answers; or why not."""
        try:
            page = self._page()
        except _Refusal as refusal:
            page = refusal.page
        except Exception:
            self.send(Page(HTTPStatus.INTERNAL_SERVER_ERROR, TEXT, b"a bug of the connector: see the terminal\n"))
            raise
        self.send(page)

    def end_headers(self) -> None:
        """Of every response, also of errors."""
        for name, value in HEADERS:
            self.send_header(name, value)
        super().end_headers()

    def _page(self) -> Page:
        self._check_host()
        self._check_origin()
        _, token, name = (*self.path.split("/", 2), "", "")[:3]
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise _Refusal(HTTPStatus.FORBIDDEN, _FOREIGN)
        if name in ASSETS:
            return self._asset(name)
        action = ACTIONS.get(name)
        if action is None:
            raise _Refusal(HTTPStatus.NOT_FOUND, "expected the page or one of its requests")
        if self.command != "POST":
            raise _Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "expected POST")
        return self._acted(action)

    def _check_host(self) -> None:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0] not in self._hosts():
            raise _Refusal(HTTPStatus.FORBIDDEN, _FOREIGN)

    def _check_origin(self) -> None:
        origins = self.headers.get_all("Origin") or []
        own = {f"http://{host}" for host in self._hosts()}
        foreign = self.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}
        # A browser always names the origin of a POST.
        if foreign or not set(origins) <= own or len(origins) > 1 or (self.command == "POST" and not origins):
            raise _Refusal(HTTPStatus.FORBIDDEN, _FOREIGN)

    def _hosts(self) -> tuple[str, str]:
        return f"{HOST}:{self.port}", f"localhost:{self.port}"

    def _asset(self, name: str) -> Page:
        if self.command not in {"GET", "HEAD"}:
            raise _Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET or HEAD")
        file, kind = ASSETS[name]
        return Page(HTTPStatus.OK, kind, (files(__package__) / file).read_bytes())

    def _acted(self, action: Callable[[Desk, Any], Any]) -> Page:
        if self.headers.get_content_type() != JSON:
            raise _Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {JSON}")
        try:
            given = json.loads(self._body())
            answer = action(self.desk, given)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _Refusal(HTTPStatus.BAD_REQUEST, "expected a request of the page") from None
        except Refused as error:
            return Page(HTTPStatus.CONFLICT, JSON, json.dumps(error.answer).encode())
        return Page(HTTPStatus.OK, JSON, json.dumps(answer).encode())

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or "Transfer-Encoding" in self.headers:
            raise _Refusal(HTTPStatus.LENGTH_REQUIRED, "expected the length of the body")
        if len(length) > 12 or int(length) > MOST_BYTES:
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "expected a file of at most 4 MiB and small samples")
        try:
            return self._received(int(length), time.monotonic() + SENDING)
        except TimeoutError:
            raise _Refusal(HTTPStatus.REQUEST_TIMEOUT, "expected the whole body sooner") from None

    def _received(self, length: int, deadline: float) -> bytes:
        """The body, of which the head's last piece may have brought a part."""
        body = bytearray(self.rfile.read()[:length])
        while len(body) < length:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.connection.settimeout(left)
            piece = self.connection.recv(min(1 << 16, length - len(body)))
            if not piece:
                raise _Refusal(HTTPStatus.BAD_REQUEST, "expected a whole body")
            body += piece
        self.connection.settimeout(SENDING)
        return bytes(body)


def _evaluate(desk: Desk, given: Any) -> Any:
    return desk.evaluate(_text(given["text"]), [_text(each) for each in given["samples"]])


def _save(desk: Desk, given: Any) -> Any:
    version = given["version"]
    return desk.save(_text(given["text"]), None if version is None else _text(version))


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError
    return given


ACTIONS: Mapping[str, Callable[[Desk, Any], Any]] = {
    "open": lambda desk, _: desk.open(),
    "evaluate": _evaluate,
    "save": _save,
}
