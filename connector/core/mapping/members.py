"""Every event has an eventId and a sentAt that are the same each time its record is mapped.

Without a stable id a repeated event would count twice. Where the mapping gives none, the record's own place and time in
Kafka are the id. This module also knows the type of each member and which are required.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from connector.core.expressions.calling import Spend
from connector.core.expressions.work import Exhausted, Work
from connector.core.mapping.constants import check_item, check_items, check_object, check_property, limit_of
from connector.core.mapping.events import MAX_PROPERTIES, RESERVED_PROPERTIES, Invalid
from connector.core.mapping.fields import Target, compile_field, describe, may_skip
from connector.core.mapping.scope import Fetch, Root, Scope, compile_value, guard
from connector.core.mapping.specs import Const, FieldSpec, PutEventsSpec
from connector.core.mapping.times import LAST36, head36, time_parser
from connector.core.mapping.values import Convert, serialise, to_items, to_number, to_properties, to_property, to_text
from connector.core.records import DataError

REQUIRED = frozenset({"sessionId", "eventType", "sentAt"})

_ITEM = Target(to_text, limit=check_item)
_PROPERTY = Target(to_property, limit=check_property, keeps_empty=True)
_CONVERTS: Mapping[str, Convert] = {"eventValue": to_number, "impression": to_items, "sentAt": time_parser()}
_TARGETS: Mapping[str, Target] = {
    # Ids with an empty part, like the ":0" of "{{ value.id }}:{{ index }}", are all one, and the service keeps one.
    name: Target(_CONVERTS.get(name, to_text), name == "sentAt", limit_of(name), whole=name == "eventId")
    for name in PutEventsSpec.model_fields
}


_PLACE = frozenset({"topic", "partition", "offset", "timestamp"})  # of a record, the same for all of its documents
_OWN_TIME = re.compile(r"(?<![.\w])timestamp\b")  # the root's own, no member of another


class Member(NamedTuple):
    """One compiled member; ``missing`` is the message where null makes the event invalid."""

    name: str
    fetch: Fetch
    missing: str | None


def compile_members(scope: Scope, spec: PutEventsSpec) -> tuple[Member, ...]:
    """The members to evaluate, in order; those that are left out and have no default are absent."""
    given = {name: getattr(spec, name) for name in PutEventsSpec.model_fields}
    # A lookup that drops the event goes first: what is dropped on purpose need not be valid.
    names = sorted(given, key=lambda name: not _may_skip(given[name]))
    members = []
    for name in names:
        here = scope.at(name).named(f" {name}")
        fetch = _COMPILERS.get(name, _field)(here, given[name])
        if fetch is not None:
            members.append(Member(name, fetch, _missing(here, name, given[name])))
    return tuple(members)


def _may_skip(part: Any) -> bool:
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else (part,)
    return any(map(may_skip, parts))


def _missing(scope: Scope, name: str, spec: FieldSpec | None) -> str | None:
    if name not in REQUIRED:
        return None
    if spec is None:
        return f"{scope.label} is required, but it is not mapped and the record has no timestamp"
    if isinstance(spec, Const) and spec.const is None:
        scope.at("const").fail("required_null", f"{name} is required: expected a value, not null")
    message = f"{scope.label} is required, but {describe(spec)} is null or empty"
    if name != "sentAt":
        return message
    if _OWN_TIME.search(describe(spec)):
        return f"{message}, and the record has no timestamp"
    return f"{message}; not_null(…, timestamp) falls back on the record's own time"


def _field(scope: Scope, spec: FieldSpec | None) -> Fetch | None:
    name = str(scope.path[-1])
    return None if spec is None else compile_field(scope, spec, _TARGETS[name])


def _sent_at(scope: Scope, spec: FieldSpec | None) -> Fetch:
    return _field(scope, spec) or _own_time(scope)


def _own_time(scope: Scope) -> Fetch:
    scope.roots.add("timestamp")
    return guard(scope, "timestamp", lambda root: root["timestamp"], time_parser("epoch_ms"))


def _event_id(scope: Scope, spec: FieldSpec | None) -> Fetch:
    own_id = _own_id(scope)
    reads: set[str] = set()
    mapped = _field(replace(scope, roots=reads), spec)
    if mapped is None:
        return own_id
    scope.roots.update(reads)
    _check_distinct(scope, reads)

    def fetch(root: Root) -> Any:
        value = mapped(root)
        return own_id(root) if value is None else value

    return fetch


def _check_distinct(scope: Scope, reads: set[str]) -> None:
    """The service learns from one of the events that share an id: refuse a mapping where all of them do."""
    if any(error.path[: len(scope.path)] == scope.path for error in scope.errors):
        return
    if not reads:
        scope.fail("shared_event_id", "expected an eventId that differs by record: of events with one id, one counts")
    elif "item" in scope.names and reads.isdisjoint({"item", "index"}):  # many elements have the same parent
        hint = 'add the index, as in {template: "{{ value.id }}:{{ index }}"}'
        scope.fail("shared_event_id", "expected an eventId that differs by element of for_each", hint=hint)
    elif scope.batches and reads <= _PLACE:
        message = "expected an eventId that differs by event of a batch, which shares the place of its record"
        scope.fail("shared_event_id", message, hint="write envelope.id, or leave eventId out")


def _own_id(scope: Scope) -> Fetch:
    """The record's place and time: a topic that is recreated has the same offsets, but at other times."""
    scope.roots.update(("topic", "partition", "offset", "timestamp"))
    own = _own(scope.work)
    return (lambda root: f"{own(root)}-{root['index']}") if "index" in scope.names else own


def _own(work: Work) -> Fetch:
    def own(root: Root) -> str:
        timestamp = root["timestamp"]
        place = f"{root['topic']}-{root['partition']}-{root['offset']}"
        if timestamp is None:
            return place + work.suffix
        return f"{place}-{head36(timestamp // 1296)}{LAST36[timestamp % 1296]}{work.suffix}"

    return own


def _impression(scope: Scope, spec: list[FieldSpec] | FieldSpec | None) -> Fetch | None:
    if not isinstance(spec, list):
        return _field(scope, spec)
    items = [compile_field(scope.at(number).named(f"[{number}]"), item, _ITEM) for number, item in enumerate(spec)]
    _judge(scope, check_items(spec))
    return lambda root: [item for fetch in items if (item := fetch(root)) is not None] or None


def _properties(scope: Scope, spec: str | dict[str, FieldSpec] | None) -> Fetch | None:
    if spec is None:
        return None
    if isinstance(spec, str):
        limit = _TARGETS["properties"].limit
        whole = compile_value(scope, spec, lambda value: _counted(to_properties(value), scope.work.spend), limit=limit)
        return whole if scope.trace is None else scope.trace.gives(scope.path, whole)
    parts = [_property(scope, name, part) for name, part in spec.items()]
    _judge(scope, check_object(spec))
    return _object(scope, parts)


def _judge(scope: Scope, together: Invalid | None) -> None:
    """Note what is wrong with all constants of a member together, unless one of them is wrong by itself."""
    if together is not None and not any(error.path[: len(scope.path)] == scope.path for error in scope.errors):
        scope.fail(together.reason, together.message)


def _counted(text: str | None, spend: Spend) -> str | None:
    """Properties may repeat for each event what is long elsewhere in the record."""
    if text is not None and len(text) > MAX_PROPERTIES:
        spend(len(text) // 16)
    return text


def _property(scope: Scope, name: str, spec: FieldSpec) -> tuple[str, Fetch]:
    here = scope.at(name).named(f".{name}")
    if name.lower() in RESERVED_PROPERTIES:
        here.fail("reserved_property", f"expected no property called {name}: the name is the service's own")
    return name, compile_field(here, spec, _PROPERTY)


def _object(scope: Scope, parts: Iterable[tuple[str, Fetch]]) -> Fetch:
    label, spend = scope.label, scope.work.spend

    def fetch(root: Root) -> str | None:
        found = {}
        for name, part in parts:
            value = part(root)
            if value is not None:
                found[name] = value
        if not found:
            return None
        try:
            return _counted(serialise(found), spend)
        except DataError as error:
            raise DataError(error.reason, f"{label}: {error}") from None
        except Exhausted as error:
            raise Exhausted(f"{label}: {error}") from None

    return fetch


# Members that are more than one field spec; every other is compiled by ``_field``.
_COMPILERS: Mapping[str, Callable[[Scope, Any], Fetch | None]] = {
    "eventId": _event_id,
    "impression": _impression,
    "properties": _properties,
    "sentAt": _sent_at,
}
