"""Nobody but the page itself reads samples or changes the file, and nobody who hangs keeps it waiting."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from connector.playground import evaluating
from connector.playground.desk import Desk
from connector.playground.evaluating import Evaluation
from connector.playground.samples import Samples
from connector.playground.sheet import Sheet
from connector.playground.site import MOST_BYTES, Site
from tests.playground.site import Place, serve
from tests.support.trials import config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SECRET = "somebody-in-a-sample"
SAMPLE = json.dumps({"value": {"session": SECRET, "action": "view"}})
PATIENCE = 60
ACTIONS = ("open", "evaluate", "save")


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield from serve(tmp_path, config(), [SAMPLE])


def ask(
    place: Place, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str | None] | None = None
) -> Answer:
    """A request as the page makes it; ``headers`` are others instead, None leaves one out."""
    own = f"127.0.0.1:{place.site.port}"
    usual: dict[str, str | None] = {"Host": own}
    if method == "POST":
        usual |= {
            "Origin": f"http://{own}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body or b"")),
        }
    connection = http.client.HTTPConnection("127.0.0.1", place.site.port, timeout=PATIENCE)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in {**usual, **(headers or {})}.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(body)
    try:
        return Answer(connection.getresponse())
    finally:
        connection.close()


def post(place: Place, action: str, given: Any, headers: Mapping[str, str | None] | None = None) -> Answer:
    return ask(place, "POST", f"{place.path}{action}", json.dumps(given).encode(), headers)


def given_to(place: Place, action: str) -> dict[str, Any]:
    given: dict[str, dict[str, Any]] = {
        "open": {},
        "evaluate": {"text": place.file.read_text(), "samples": [SAMPLE]},
        "save": {"text": "a: 1\n", "version": None},
    }
    return given[action]


def refused(answer: Answer, place: Place, status: int) -> None:
    assert answer.status == status
    assert SECRET.encode() not in answer.body
    assert place.site.url.encode() not in answer.body
    assert place.file.read_text() == config()


@pytest.mark.parametrize("action", ACTIONS)
def test_the_page_itself_gets_answers(place: Place, action: str) -> None:
    answer = post(place, action, given_to(place, action))
    assert answer.status == 200
    assert answer.data["version"]
    assert (place.file.read_text() == "a: 1\n") == (action == "save")


@pytest.mark.parametrize("name", ["", "page.css", "page.js"])
def test_the_page_and_its_files_hold_nothing_of_anybody(place: Place, name: str) -> None:
    answer = ask(place, "GET", place.path + name)
    assert answer.status == 200
    assert SECRET.encode() not in answer.body
    assert place.path.encode() not in answer.body


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", "", None]
)
def test_another_host_is_refused(place: Place, action: str, host: str | None) -> None:
    """A name of somebody else's that leads to 127.0.0.1 does not make their page this one."""
    named = None if host is None else host.format(port=place.site.port)
    origin = {"Origin": f"http://{named}"} if named and "evil" in named else {}
    refused(post(place, action, given_to(place, action), {"Host": named, **origin}), place, 403)


def test_another_host_does_not_get_the_page_either(place: Place) -> None:
    refused(ask(place, "GET", place.path, headers={"Host": f"evil.example:{place.site.port}"}), place, 403)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "http://[::1]:{port}", None],
)
def test_another_origin_is_refused_and_so_is_none(place: Place, action: str, origin: str | None) -> None:
    named = None if origin is None else origin.format(port=place.site.port)
    refused(post(place, action, given_to(place, action), {"Origin": named}), place, 403)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_the_browser_calls_foreign_is_refused(place: Place, site: str) -> None:
    refused(post(place, "open", {}, {"Sec-Fetch-Site": site}), place, 403)
    refused(ask(place, "GET", place.path, headers={"Sec-Fetch-Site": site}), place, 403)


def test_localhost_is_this_machine_too(place: Place) -> None:
    own = f"localhost:{place.site.port}"
    assert post(place, "open", {}, {"Host": own, "Origin": f"http://{own}"}).status == 200


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("token", ["", "wrong", "short", "longer", "é"])
def test_without_the_token_nothing_is_answered(place: Place, action: str, token: str) -> None:
    own = place.path.strip("/")
    wrong = {"short": own[:-1], "longer": own + "a", "é": "%C3%A9"}.get(token, token)
    path = f"/{wrong}/{action}" if wrong else f"/{action}"
    refused(ask(place, "POST", path, json.dumps(given_to(place, action)).encode()), place, 403)


@pytest.mark.parametrize("path", ["/", "/page.js", "/metrics", "/..", "//", "*"])
def test_nothing_is_served_without_the_token(place: Place, path: str) -> None:
    refused(ask(place, "GET", path), place, 403)


@pytest.mark.parametrize("path", ["clicks.yaml", "../clicks.yaml", "page.html", "..%2f", "__init__.py", "page.js/"])
def test_no_other_file_is_served(place: Place, path: str) -> None:
    refused(ask(place, "GET", place.path + path), place, 404)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_data_is_only_sent_to_post(place: Place, action: str, method: str) -> None:
    answer = ask(place, method, place.path + action)
    assert answer.status in {405, 501}
    assert SECRET.encode() not in answer.body
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_page_is_only_read(place: Place) -> None:
    assert ask(place, "POST", place.path, b"{}").status == 405


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_what_a_form_can_send_is_refused(place: Place, kind: str | None) -> None:
    refused(post(place, "open", {}, {"Content-Type": kind}), place, 415)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {"Content-Length": None}, 411),
        (b"", {"Content-Length": "-1"}, 411),
        (b"", {"Content-Length": "x"}, 411),
        (b"0\r\n\r\n", {"Transfer-Encoding": "chunked"}, 411),
        (b"", {"Content-Length": str(MOST_BYTES + 1)}, 413),
        (b"", {"Content-Length": "9" * 5000}, 413),
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"{}", {}, 400),
        (b'{"text": 1, "samples": []}', {}, 400),
        (b'{"text": "", "samples": [1]}', {}, 400),
        (b'{"text": "", "samples": 1}', {}, 400),
        (b"\xff", {}, 400),
        (b"[" * 100_000, {}, 400),
    ],
)
def test_a_body_is_bounded_and_of_the_form_that_the_page_sends(
    place: Place, body: bytes, headers: dict[str, str | None], status: int
) -> None:
    refused(ask(place, "POST", place.path + "evaluate", body, headers), place, status)


def test_a_large_file_passes(place: Place) -> None:
    text = config() + "# " + "x" * 1_200_000 + "\n"
    assert post(place, "evaluate", {"text": text, "samples": [SAMPLE]}).data["valid"] is True


@pytest.mark.parametrize("status", [200, 403, 404])
def test_every_answer_forbids_frames_caches_scripts_from_elsewhere_and_guessing(place: Place, status: int) -> None:
    path = {200: place.path, 403: "/", 404: place.path + "x"}[status]
    answer = ask(place, "GET", path)
    assert answer.status == status
    policy = dict(each.split(" ", 1) for each in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_only_this_machine_is_listened_to_and_tokens_differ(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = next(serve(tmp_path / "other", config(), []))
    try:
        assert place.site.url.startswith(f"http://127.0.0.1:{place.site.port}/")
        assert other.path != place.path
        assert len(place.path) >= 30
    finally:
        other.site.close()


def test_a_request_that_hangs_stops_nobody(place: Place) -> None:
    head = f"POST {place.path}open HTTP/1.1\r\nHost: 127.0.0.1:{place.site.port}\r\n"
    rest = f"Origin: http://127.0.0.1:{place.site.port}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    hanging = [socket.create_connection(("127.0.0.1", place.site.port), timeout=PATIENCE) for _ in range(8)]
    for number, client in enumerate(hanging):
        client.sendall((head if number % 2 else head + rest).encode())
    assert post(place, "open", {}).status == 200
    for client in hanging:
        client.close()


def test_an_evaluation_that_takes_long_stops_nothing_else(tmp_path: Path) -> None:
    """The page can still be opened and saved meanwhile."""
    begun, go = threading.Event(), threading.Event()

    class Slow(Evaluation):
        def __call__(self, text: str, samples: Any) -> dict[str, Any]:
            begun.set()
            assert go.wait(PATIENCE)
            return super().__call__(text, samples)

    file = tmp_path / "clicks.yaml"
    file.write_text(config())
    place = Place(Site(Desk(Sheet(file), Samples([SAMPLE], ""), Slow(file, {})), 0), file)
    answers: list[Answer] = []
    given = {"text": config(), "samples": [SAMPLE]}
    thread = threading.Thread(target=lambda: answers.append(post(place, "evaluate", given)))
    thread.start()
    try:
        assert begun.wait(PATIENCE)
        assert ask(place, "GET", place.path).status == 200
        assert post(place, "save", {"text": "a: 1\n", "version": None}).status == 200
        go.set()
        thread.join(PATIENCE)
        assert answers[0].data["records"][0]["outcome"] == "mapped"
    finally:
        go.set()
        place.site.close()


def test_a_file_that_changed_on_disk_is_not_written_over(place: Place) -> None:
    version = post(place, "open", {}).data["version"]
    place.file.write_text("somebody: else\n")
    answer = post(place, "save", {"text": "mine: 1\n", "version": version})
    assert answer.status == 409
    assert answer.data == {"why": "changed", "message": "clicks.yaml has changed on disk since it was read here"}
    assert post(place, "evaluate", {"text": config(), "samples": []}).data["version"] != version
    assert place.file.read_text() == "somebody: else\n"


def test_a_file_that_cannot_be_read_is_said_to_be_so(place: Place) -> None:
    place.file.write_bytes(b"\xff")
    answer = post(place, "open", {})
    assert (answer.status, answer.data["why"]) == (409, "unreadable")
    assert "expected UTF-8 text" in answer.data["message"]


def test_a_file_that_cannot_be_written_is_said_to_be_so(place: Place) -> None:
    answer = post(place, "save", {"text": "a" * (4 * 1024 * 1024 + 1), "version": None})
    assert (answer.status, answer.data["why"]) == (409, "unwritable")
    assert "at most 4 MiB" in answer.data["message"]


def test_a_bug_is_answered_without_its_details(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(evaluating, "load_text", broken)
    answer = post(place, "evaluate", {"text": "", "samples": []})
    assert answer.status == 500
    assert SECRET.encode() not in answer.body
