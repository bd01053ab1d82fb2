"""One record's result in rows that a page shows as they are: every value is text already.

A browser's numbers have 53 bits, so what is JSON here would not be the same there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from connector.core.mapping.entries import KINDS
from connector.core.mapping.limits import MAX_EVENT_BYTES, MAX_JOINED_IMPRESSION, MAX_TEXT
from connector.core.operations import BY_NAME, PUT_EVENTS
from connector.core.records import MAX_EVENTS_PER_CALL
from connector.showing.calls import entries_of, made_by, operation_of

Json = dict[str, Any]
LONGEST = 400  # characters of a value in the explanation
TEXTS = ("sessionId", "userId", "eventId", "eventType", "itemId", "actionId", "recommendationId")


def shown(result: Json) -> Json:
    """A result of the dry run for the page."""
    calls = result.get("calls") or []
    rejection = result.get("rejection") or {}
    return {
        "outcome": result["outcome"],
        "pipeline": result.get("pipeline"),
        "rule": result.get("rule"),
        "reason": rejection.get("reason") or result.get("reason"),
        "member": rejection.get("field"),
        "why": rejection.get("message"),
        "events": sum(len(entries_of(call)) for call in calls),
        "made": made_by(calls),
        "calls": [orjson.dumps(call, option=orjson.OPT_INDENT_2).decode() for call in calls],
        "limits": [row for number, call in enumerate(calls, 1) for row in _limits(number, call)],
        "explain": [_document(each) for each in _documents(result.get("explain") or {})],
    }


def _limits(number: int, call: Json) -> Iterator[Json]:
    """What each call uses of the limits, and of each limit on entries the one that uses the most."""
    events, operation = entries_of(call), operation_of(call)
    yield _limit(f"call {number}, {operation.nouns}", len(events), MAX_EVENTS_PER_CALL)
    if operation is PUT_EVENTS:
        largest = max(len(orjson.dumps(event)) for event in events)
        yield _limit(f"call {number}, bytes of the largest event", largest, MAX_EVENT_BYTES)
    columns = [len(event["properties"]) for event in events if "properties" in event]
    if columns:
        yield _limit(f"call {number}, characters of the longest properties", max(columns), KINDS[operation].properties)
    joined = [len("|".join(event["impression"])) for event in events if event.get("impression")]
    if joined and operation is PUT_EVENTS:
        yield _limit(f"call {number}, characters of the longest impression", max(joined), MAX_JOINED_IMPRESSION)
    texts = {name: len(str(each[name])) for each in (call, *events) for name in TEXTS if name in each}
    if texts:
        name = max(texts, key=lambda each: texts[each])
        yield _limit(f"call {number}, characters of {name}, the longest id or name", texts[name], MAX_TEXT)


def _limit(what: str, used: int, most: int) -> Json:
    return {"what": what, "used": used, "most": most}


def _documents(explain: Json) -> Sequence[Json]:
    documents: Sequence[Json] = explain.get("documents", [explain] if explain else [])
    return documents


def _document(explain: Json) -> Json:
    return {
        "rules": [_rule(each) for each in explain.get("rules", ())],
        "elements": [_step(each) for each in explain.get("for_each", ())],
        "noun": BY_NAME[explain.get("operation", PUT_EVENTS.name)].noun,
        "events": [
            {"index": _place(event["index"]), "members": [_member(*each) for each in event["members"].items()]}
            for event in explain.get("events", ())
        ],
    }


def _place(index: Any) -> str | None:
    return None if index is None else as_line(index)


def _rule(tried: Json) -> Json:
    return {"rule": tried["rule"], "when": tried["when"], "matched": tried["matched"], **_step(tried)}


def _member(name: str, member: Json) -> Json:
    spec = member.get("spec")
    return {
        "name": name,
        "spec": None if spec is None else spec if isinstance(spec, str) else as_line(spec),
        "steps": [_step(each) for each in member["evaluated"]],
        **({"failed": member["failed"]} if "failed" in member else {"value": as_line(member["value"])}),
    }


def _step(step: Mapping[str, Any]) -> Json:
    kept: Json = {name: step[name] for name in ("expression", "failed") if name in step}
    if "found" in step:
        kept["found"] = as_line(step["found"])
    return {**kept, "hints": list(step.get("hints", ()))}


def as_line(value: Any) -> str:
    """JSON on one line, cut where it is long."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
