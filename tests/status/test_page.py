"""The page is complete without a script, is nobody's way in, and shows what the JSON form has."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.records import Reason, Rejection, Stage, TopicPartition
from connector.server import Asked
from connector.status.answers import HTML, JSON, Answers
from connector.status.charts import nice
from connector.status.document import document
from connector.status.markup import VOID, tag
from connector.status.model import Condition, Kind, Lags, Letter, PartitionLag, Registry, View
from connector.status.page import POLICY, REFRESH, SCRIPT, STYLE, render
from connector.status.wording import STATES, ago, count, duration, rate, share
from tests.support.views import EMPTY, FACTS, NOW, busy

HOSTILE = "</script><script>planted()</script><img src=x onerror=planted()>\"'&"


class Outline(HTMLParser):
    """Elements with their attributes, text by element, and whether everything that begins ends."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.text.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for element, attributes in self.elements if element == name]


def hostile() -> View:
    """Every text that comes from the configuration or the broker is markup."""
    place = TopicPartition(HOSTILE, 3)
    rejection = Rejection(Stage.MAP, Reason.WRONG_TYPE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    view = busy()
    return view._replace(
        facts=FACTS._replace(
            version=HOSTILE, config_hash=HOSTILE, group_id=HOSTILE, topics=(HOSTILE, f"^{HOSTILE}"), endpoint=HOSTILE
        ),
        conditions=(Condition(Kind.OUTAGE, NOW, HOSTILE), Condition(Kind.THROTTLED, NOW, HOSTILE)),
        lags=view.lags._replace(worst=(PartitionLag(place, 1, 1.0, 1, paused=False),)),
        pacing=(view.pacing[0]._replace(name=HOSTILE),),
        letters=(Letter(NOW, place, 7, rejection),),
    )


VIEWS = {"empty": EMPTY, "busy": busy(), "many partitions": busy(5000), "hostile": hostile()}


@pytest.fixture(params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]


def test_the_page_is_well_formed_and_every_reference_leads_somewhere(view: View) -> None:
    outline = Outline(render(view))
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in outline.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set((attributes.get(name) or "").split()) <= set(ids)
        if "data-live" in attributes:
            assert attributes["id"]


def test_a_name_cannot_become_markup() -> None:
    page = render(hostile())
    outline = Outline(page)
    assert page.count("<script>") == 1
    assert outline.all("img") == []
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    assert "".join(outline.text).count("onerror=planted()") >= 12


@given(st.text())
def test_text_and_attributes_come_back_as_they_were(text: str) -> None:
    given_text = text.replace("\r", "").replace("\0", "")
    outline = Outline(tag("p", given_text, title=given_text))
    assert "".join(outline.text) == given_text
    assert outline.all("p") == [{"title": given_text}]


def test_nothing_is_fetched_from_anywhere(view: View) -> None:
    outline = Outline(render(view))
    for _, attributes in outline.elements:
        for name in ("href", "src", "action", "data", "poster", "srcset"):
            target = urlsplit(attributes.get(name) or "")
            assert target.netloc == ""
            assert target.scheme in {"", "data"}
        assert "style" not in attributes
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "http" not in POLICY
    assert "http" not in SCRIPT


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(view: View) -> None:
    page = render(view)
    policy = {name: sources for name, _, sources in (rule.partition(" ") for rule in POLICY.split("; "))}
    assert policy.pop("default-src") == "'none'"
    for name, kind in (("style", "style-src"), ("script", "script-src")):
        [content] = re.findall(f"<{name}>(.*?)</{name}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy.pop(kind) == f"'sha256-{digest}'"
    assert policy == {
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_without_scripts_the_page_is_complete_and_renews_itself(view: View) -> None:
    page = render(view)
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert view.facts.config_hash in "".join(Outline(page).text)


def test_with_and_without_scripts_the_page_renews_itself_as_often() -> None:
    assert f"EVERY = {REFRESH * 1000};" in SCRIPT


def test_the_page_can_be_heard(view: View) -> None:
    outline = Outline(render(view))
    assert outline.all("html") == [{"lang": "en"}]
    assert len(outline.all("h1")) == len(outline.all("main")) == 1
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert all(header.get("scope") for header in outline.all("th"))
    for drawing in outline.all("svg"):
        assert drawing["role"] == "img"
        assert drawing.get("aria-label") or drawing.get("aria-labelledby")
    [live] = [attributes for _, attributes in outline.elements if attributes.get("aria-live")]
    assert live["aria-live"] == "polite"


def test_an_empty_page_says_that_there_is_nothing() -> None:
    text = "".join(Outline(render(EMPTY)).text)
    for said in (
        "no partitions are assigned",
        "nothing has been sent yet",
        "none since the start",
        "Nothing was measured",
    ):
        assert said in text


def test_rows_are_capped_and_the_rest_is_counted() -> None:
    text = "".join(Outline(render(busy(5000))).text)
    assert text.count("clicks-") >= 50
    assert "and 4,950 partitions more, less far behind" in text
    assert "partitions more" not in "".join(Outline(render(busy(50))).text)


def test_the_page_does_not_grow_without_end() -> None:
    assert len(render(busy(5000))) < 80_000


def test_json_has_what_the_page_shows() -> None:
    view = busy()
    said: dict[str, Any] = orjson.loads(orjson.dumps(document(view)))
    assert said["state"]["kind"] == "throttled"
    assert said["state"]["since"] == "2026-11-24T06:13:45Z"
    assert [each["kind"] for each in said["also"]] == ["paused"]
    assert said["lag"]["records"] == 12_345
    assert len(said["lag"]["worst"]) == 12
    assert said["pace"][0]["calls"] == 41.5
    assert {len(column) for name, column in said["history"].items() if name != "step_seconds"} == {180}
    [letter] = said["dead_letters"]
    assert (letter["topic"], letter["partition"], letter["offset"], letter["reason"]) == (
        "clicks",
        3,
        41,
        "missing_member",
    )
    assert said["schema_registry"] == {
        "answers": False,
        "away_since": "2026-11-24T06:13:30Z",
        "trouble": "no connection",
        "waiting_partitions": 2,
        "waiting_records": 31,
        "waits_for": ["schema 7", "schema 8"],
    }
    assert said["setup"]["config_hash"] == "0123456789ab"
    assert said["setup"]["started"] == "2026-11-23T06:15:00Z"


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        (Registry(), "answers"),
        (Registry(None, "", 1, 1, ("schema 7",)), "answers; 1 partition waits for schema 7, with 1 record"),
        (
            Registry(NOW - 90, "refused", 3, 40, ("a", "b", "c", "d", "e")),
            (
                "does not answer since 06:13:30 UTC, for 1 min 30 s; refused; 3 partitions wait for "
                "a, b, c and 2 more, with 40 records"
            ),
        ),
    ],
)
def test_a_line_says_whether_the_schema_registry_answers_and_what_waits(registry: Registry, said: str) -> None:
    page = render(EMPTY._replace(registry=registry))
    assert f"Schema registry: <b>{said}</b>" in page


def test_who_needs_no_schemas_reads_nothing_of_a_registry() -> None:
    assert "Schema registry" not in render(EMPTY)
    assert document(EMPTY)["schema_registry"] is None


def test_a_partition_that_waits_says_for_what() -> None:
    lag = PartitionLag(TopicPartition("clicks", 0), 10, 60.0, 0, paused=True, schema="schema 7")
    view = EMPTY._replace(lags=Lags(1, 10, 60.0, (lag,)))
    assert ">waits for schema 7<" in render(view)
    assert [each["waits_for"] for each in document(view)["lag"]["worst"]] == ["schema 7"]


# -- answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "accept", "form"),
    [
        ("", "", HTML),
        ("", "*/*", HTML),
        ("", "text/html,application/xhtml+xml,application/json;q=0.1", HTML),
        ("", "application/json", JSON),
        ("", "Application/JSON; charset=utf-8, text/html", JSON),
        ("format=json", "text/html", JSON),
        ("x=1&format=html", "application/json", HTML),
        ("format=xml", "", HTML),
    ],
)
def test_the_request_says_which_form_it_wants(query: str, accept: str, form: str) -> None:
    page = Answers(lambda: EMPTY)(Asked(query, accept))
    assert (page.status, page.content_type) == (200, form)
    assert page.body.startswith(b"{" if form == JSON else b"<!doctype html>")
    assert dict(page.headers).get("Content-Security-Policy") == (POLICY if form == HTML else None)


def test_a_page_is_made_once_a_look_however_many_ask() -> None:
    current = [EMPTY]
    answers = Answers(lambda: current[0])
    first = answers(Asked("", ""))
    current[0] = EMPTY._replace()
    assert answers(Asked("", "")) is first
    current[0] = EMPTY._replace(at=NOW + 1)
    assert answers(Asked("", "")) is not first
    before = answers(Asked("", ""))
    current[0] = current[0]._replace(conditions=(Condition(Kind.STOPPING, NOW), *EMPTY.conditions))
    assert b"Stopping" in answers(Asked("", "")).body
    assert b"Stopping" not in before.body


# -- words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
def test_every_state_has_a_page(kind: Kind) -> None:
    page = render(EMPTY._replace(conditions=(Condition(kind, NOW - 5, "why"),)))
    assert f"<title>{STATES[kind].title}" in page


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (duration(None), "–"),  # noqa: RUF001
        (duration(0.0), "0 s"),
        (duration(0.0421), "42 ms"),
        (duration(0.9999), "1 s"),
        (duration(5.0), "5 s"),
        (duration(59.7), "1 min"),
        (duration(3725), "1 h 2 min"),
        (duration(90_000), "1 d 1 h"),
        (ago(0.2), "1 s"),
        (ago(75.9), "1 min 15 s"),
        (rate(0.0), "0/s"),
        (rate(12.34), "12.3/s"),
        (rate(1234.5), "1,234/s"),
        (count(None), "–"),  # noqa: RUF001
        (count(1_234_567), "1,234,567"),
        (count(12_345_678), "12.35 M"),
        (share(1, 0), "–"),  # noqa: RUF001
        (share(1, 300), "0.3 %"),
        (share(2, 3), "67 %"),
        (share(9_999_999, 10_000_000), "99.9 %"),
    ],
)
def test_numbers_are_written_for_people(written: str, expected: str) -> None:
    assert written == expected


@given(st.floats(0, 1e12))
def test_a_duration_has_a_unit_and_two_parts_at_most(seconds: float) -> None:
    assert re.fullmatch(r"[\d.,]+ (ms|s|min|h|d)( \d+ (s|min|h))?", duration(seconds))


@given(st.floats(1e-9, 1e12))
def test_the_top_of_a_chart_is_round_and_not_far_above(value: float) -> None:
    assert value <= nice(value) <= 2.0 * value * (1 + 1e-9)
