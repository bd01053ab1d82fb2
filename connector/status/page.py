"""The status page as HTML: complete without a script, and alike for eyes and for screen readers.

Each part that changes has an id and ``data-live``; the script only puts newer contents of the same page there, so
there is one rendering. Places with a focus (links, tables that scroll) are never replaced.
"""

import base64
import hashlib
from importlib.resources import files

from connector.status.charts import Chart, Line, sparkline
from connector.status.markup import Child, Html, join, tag
from connector.status.model import Condition, Facts, Kind, Lags, View
from connector.status.tables import calls, dead_letters, destinations, fill, partitions, records
from connector.status.wording import STATES, ago, clock_time, count, duration, machine_time, plural, rate

_ASSETS = files(__package__)
STYLE = (_ASSETS / "page.css").read_text("utf-8")
SCRIPT = (_ASSETS / "page.js").read_text("utf-8")
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='4' fill='%231d4ed8'/%3E"
    "%3Cpath d='M4 8h7M8 5l3 3-3 3' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E"
)
REFRESH = 5  # seconds, in page.js too


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_source(STYLE)}",
        f"script-src {_source(SCRIPT)}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

CHARTS = (
    Chart("events", "Events delivered", (Line("events", "first", lambda point: point.events),), rate),
    Chart("calls", "Calls to Amazon Personalize", (Line("calls", "first", lambda point: point.calls),), rate),
    Chart(
        "latency",
        "Time of a call",
        (
            Line("95th percentile", "second", lambda point: point.call_high),
            Line("median", "first", lambda point: point.call_median),
        ),
        duration,
    ),
    Chart(
        "freshness",
        "Record to acknowledgement",
        (Line("95th percentile", "first", lambda point: point.freshness),),
        duration,
    ),
)


def render(view: View) -> str:
    """The whole page."""
    title = f"{STATES[view.conditions[0].kind].title} – {view.facts.group_id}"  # noqa: RUF001  a dash
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("noscript", tag("meta", http_equiv="refresh", content=REFRESH)),
        tag("title", title),
        tag("link", rel="icon", href=ICON),
        tag("style", Html(STYLE)),
    )
    body = tag(
        "body", _header(view), tag("main", *_sections(view), id="main"), _footer(view), tag("script", Html(SCRIPT))
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en")


def _header(view: View) -> Html:
    links = (("metrics", "Metrics"), ("?format=json", "JSON"), ("livez", "Liveness"), ("readyz", "Readiness"))
    return join(
        tag("a", "Skip to the state", class_="skip", href="#main"),
        tag(
            "header",
            tag("h1", "PutEvents connector"),
            tag("p", "Kafka to Amazon Personalize, consumer group ", tag("b", view.facts.group_id)),
            tag("nav", *(tag("a", text, href=target) for target, text in links), aria_label="Other pages"),
        ),
    )


def _sections(view: View) -> tuple[Html, ...]:
    return (
        tag(
            "p", "This page could not be refreshed: the process does not answer.", id="lost", role="status", hidden=True
        ),
        _state(view),
        _tiles(view),
        _charts(view),
        section("partitions", "Partitions", partitions(view)),
        section("pace", "Pace", destinations(view)),
        tag(
            "div",
            section("calls", "Calls", calls(view)),
            section("fill", "Events in a call", fill(view)),
            section("records", "Records", records(view)),
            class_="columns",
        ),
        section("dead-letters", "Latest dead letters", dead_letters(view)),
        section("setup", "Setup", _setup(view)),
    )


def section(key: str, title: str, *children: Child) -> Html:
    """A part of the page under a heading of its own."""
    return tag("section", tag("h2", title, id=f"{key}-h"), *children, aria_labelledby=f"{key}-h")


# -- what the process does ------------------------------------------------------------------------------------


def _state(view: View) -> Html:
    first, *others = view.conditions
    words = STATES[first.kind]
    return tag(
        "section",
        tag("h2", tag("span", words.title, id="state-title", data_live=True, aria_live="polite"), id="state-h"),
        tag(
            "div",
            tag("p", *_since(first, view.at), class_="since"),
            tag("p", words.meaning),
            tag("p", tag("b", first.detail)) if first.detail else None,
            _others(others, view.at),
            id="state-more",
            data_live=True,
        ),
        id="state",
        class_="state",
        data_tone=words.tone,
        aria_labelledby="state-h",
    )


def _since(condition: Condition, now: float) -> tuple[Child, ...]:
    return ("since ", when(condition.since, now), f", for {ago(now - condition.since)}")


def when(at: float, now: float) -> Html:
    """A time, for people and for machines."""
    return tag("time", clock_time(at, now), datetime=machine_time(at))


def _others(others: list[Condition], now: float) -> Html | None:
    shown = [each for each in others if each.kind not in {Kind.DELIVERING, Kind.IDLE}]
    if not shown:
        return None
    rows = (
        tag(
            "li",
            tag("b", STATES[each.kind].title),
            " ",
            *_since(each, now),
            f": {each.detail}" if each.detail else None,
        )
        for each in shown
    )
    return join(tag("h3", "Also"), tag("ul", *rows))


def _tiles(view: View) -> Html:
    last = view.history[-1] if view.history else None
    dead = dict(view.totals.outcomes).get("dead_lettered", 0)
    tiles = (
        ("Lag", *_lag(view.lags, view.at)),
        ("Events delivered", rate(last and last.events), f"{count(view.totals.delivered_events)} since the start"),
        ("Calls", rate(last and last.calls), f"{plural(view.in_flight, 'call', 'calls')} in flight"),
        (
            "In memory",
            plural(view.buffered_events, "event", "events"),
            f"of {plural(view.open_records, 'record', 'records')}",
        ),
        ("Dead letters", count(dead), f"{count(view.letters_waiting)} not yet acknowledged"),
    )
    shown = (tag("div", tag("dt", name), tag("dd", tag("b", value), tag("span", more))) for name, value, more in tiles)
    return section("now", "Now", tag("dl", *shown, class_="tiles", id="tiles", data_live=True))


def _lag(lags: Lags, now: float) -> tuple[str, str]:
    """The number, and how current and complete it is."""
    if lags.records is None:
        return "unknown", "no partition has reported its end yet"
    if lags.as_of is not None:
        return plural(lags.records, "record", "records"), f"the last known, {ago(now - lags.as_of)} old"
    if lags.unknown:
        return f"{count(lags.records)} or more", f"{plural(lags.unknown, 'partition', 'partitions')} unknown"
    return plural(lags.records, "record", "records"), f"the oldest {duration(lags.seconds)} old"


def _charts(view: View) -> Html:
    return section(
        "history", "The last 15 minutes", tag("div", *(_figure(each, view) for each in CHARTS), class_="charts")
    )


def _figure(chart: Chart, view: View) -> Html:
    last = view.history[-1] if view.history else None
    many = len(chart.lines) > 1
    legend = (
        tag(
            "span",
            tag("i", class_=f"key {line.style}", aria_hidden="true") if many else None,
            f"{line.name} " if many or line.name != chart.key else None,
            tag("b", chart.written(last and line.value(last))),
        )
        for line in chart.lines
    )
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("span", chart.title),
            tag("span", *legend, class_="legend", id=f"{chart.key}-now", data_live=True),
        ),
        tag("div", sparkline(chart, view.history, view.at), class_="plot", id=f"{chart.key}-plot", data_live=True),
        tag("div", tag("span", "15 min ago"), tag("span", "now"), class_="axis", aria_hidden="true"),
    )


# -- the configuration -----------------------------------------------------------------------------------------


def _setup(view: View) -> Html:
    facts = view.facts
    rows: tuple[tuple[str, Child], ...] = (
        ("Version", facts.version),
        ("Configuration", tag("code", facts.config_hash)),
        ("Started", join(when(facts.started, view.at), f", {ago(view.at - facts.started)} ago")),
        ("Consumer group", tag("code", facts.group_id)),
        ("Topics", tag("ul", *(tag("li", tag("code", topic)) for topic in facts.topics))),
        ("Dead letters to", tag("code", facts.dead_letter_topic)),
        ("Endpoint", tag("code", facts.endpoint)),
        ("Ceiling", _ceiling(facts)),
        ("Memory", f"{count(facts.max_buffered_events)} events at most"),
    )
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows),
        class_="facts",
        id="facts",
        data_live=True,
    )


def _ceiling(facts: Facts) -> str:
    paces = facts.rates or (("PutEvents", facts.ceiling),)
    each = ", ".join(f"{rate(pace)} {operation}" for operation, pace in paces)
    return f"{each} calls, to each tracking id or dataset; {count(facts.max_in_flight)} in flight at most"


def _footer(view: View) -> Html:
    return tag(
        "footer",
        tag(
            "p",
            "As of ",
            when(view.at, view.at),
            f". Read only; refreshed every {REFRESH} s.",
            id="as-of",
            data_live=True,
        ),
        tag("p", "What each part means: docs/status-page.md. What to do about it: docs/operations.md."),
    )
