"""What the server answers to a request for /: HTML or JSON, made once a look, however many ask.

Whoever reloads in a loop costs the loop nothing but a copy of the same bytes.
"""

import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus

import orjson

from connector.server import Asked, Page
from connector.status.document import document
from connector.status.model import View
from connector.status.page import POLICY, render

JSON = "application/json"
HTML = "text/html; charset=utf-8"


def _html(view: View) -> Page:
    return Page(HTTPStatus.OK, HTML, render(view).encode(), (("Content-Security-Policy", POLICY), ("Vary", "Accept")))


def _json(view: View) -> Page:
    body = orjson.dumps(document(view), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Page(HTTPStatus.OK, JSON, body, (("Vary", "Accept"),))


FORMS: Mapping[str, Callable[[View], Page]] = {HTML: _html, JSON: _json}


class Answers:
    """Pages of the latest view.

    Args:
        view: asked at each request, from another thread than the loop's.
    """

    def __init__(self, view: Callable[[], View]) -> None:
        self._view = view
        self._lock = threading.Lock()
        self._made: dict[str, tuple[View, Page]] = {}

    def __call__(self, asked: Asked) -> Page:
        """The form that the request wants."""
        form, view = _form(asked), self._view()
        # One thread at a time: the others of a burst would make the very same page.
        with self._lock:
            made = self._made.get(form)
            if made is not None and _same(made[0], view):
                return made[1]
            page = FORMS[form](view)
            self._made[form] = view, page
        return page


def _same(one: View, other: View) -> bool:
    return one.at == other.at and one.conditions == other.conditions


def _form(asked: Asked) -> str:
    """``?format=`` decides, or else which of the two ``Accept`` names first; HTML where it names none."""
    for pair in asked.query.split("&"):
        if pair in {"format=json", "format=html"}:
            return JSON if pair == "format=json" else HTML
    names = [each.partition(";")[0].strip().lower() for each in asked.accept.split(",")]
    for name in names:
        if name in {JSON, "text/html"}:
            return JSON if name == JSON else HTML
    return HTML
