"""Every event has an eventId and a time that are the same each time its record is mapped.

Without a stable id a repeated event would count twice. Where the mapping gives none, the record's own place and time in
Kafka are the id. This module also knows the type of each member and which are required.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from connector.core.expressions.calling import Spend
from connector.core.expressions.work import Exhausted, Work
from connector.core.mapping.constants import check_items, check_object, item_limit, limit_of, property_limit
from connector.core.mapping.entries import KINDS
from connector.core.mapping.events import Invalid
from connector.core.mapping.fields import Target, compile_field, describe, may_skip
from connector.core.mapping.limits import RESERVED_PROPERTIES
from connector.core.mapping.scope import Fetch, Root, Scope, compile_value, guard
from connector.core.mapping.specs import PUT_SPECS, Const, FieldSpec, PutSpec
from connector.core.mapping.times import LAST36, head36, time_parser
from connector.core.mapping.values import (
    Convert,
    serialise,
    to_category,
    to_items,
    to_number,
    to_properties,
    to_property,
    to_text,
)
from connector.core.operations import Operation
from connector.core.records import DataError

_TIMES = frozenset({"sentAt", "timestamp"})
_CONVERTS: Mapping[str, Convert] = {
    "eventValue": to_number,
    "impression": to_items,
    **dict.fromkeys(_TIMES, time_parser()),
}


class _Members(NamedTuple):
    """What is known of the members of one operation."""

    operation: Operation
    required: frozenset[str]
    targets: Mapping[str, Target]
    item: Target
    property: Target
    properties: int  # characters
    reserved: frozenset[str]


def _members_of(operation: Operation) -> _Members:
    kind = KINDS[operation]
    required = {name for name, field in kind.model.model_fields.items() if field.is_required()} | {kind.lane}
    # Ids with an empty part, like the ":0" of "{{ value.id }}:{{ index }}", are all one, and the service keeps one.
    whole = {operation.identity or "eventId"}
    targets = {
        name: Target(_CONVERTS.get(name, to_text), name in _TIMES, limit_of(operation, name), whole=name in whole)
        for name in PUT_SPECS[operation].model_fields
    }
    adds_up = operation.identity is None
    reserved = RESERVED_PROPERTIES if adds_up else frozenset({(operation.identity or "").lower()})
    item = Target(to_text, limit=item_limit(operation))
    prop = Target(to_property if adds_up else to_category, limit=property_limit(operation))
    return _Members(
        operation, frozenset(required), targets, item, prop._replace(keeps_empty=True), kind.properties, reserved
    )


_OF: Mapping[str, _Members] = {operation.action: _members_of(operation) for operation in PUT_SPECS}
REQUIRED: Mapping[Operation, frozenset[str]] = {each.operation: each.required for each in _OF.values()}


_PLACE = frozenset({"topic", "partition", "offset", "timestamp"})  # of a record, the same for all of its documents
_OWN_TIME = re.compile(r"(?<![.\w])timestamp\b")  # the root's own, no member of another


class Member(NamedTuple):
    """One compiled member; ``missing`` is the message where null makes the event invalid."""

    name: str
    fetch: Fetch
    missing: str | None


def compile_members(scope: Scope, spec: PutSpec) -> tuple[Member, ...]:
    """The members to evaluate, in order; those that are left out and have no default are absent.

    The last name of the scope's path is the rule's action.
    """
    members_of = _OF[str(scope.path[-1])]
    given = {name: getattr(spec, name) for name in members_of.targets}
    # A lookup that drops the event goes first: what is dropped on purpose need not be valid.
    names = sorted(given, key=lambda name: not _may_skip(given[name]))
    members = []
    for name in names:
        here = scope.at(name).named(f" {name}")
        fetch = _COMPILERS.get(name, _field)(here, given[name], members_of)
        if fetch is not None:
            members.append(Member(name, fetch, _missing(here, name, given[name], members_of.required)))
    return tuple(members)


def _may_skip(part: Any) -> bool:
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else (part,)
    return any(map(may_skip, parts))


def _missing(scope: Scope, name: str, spec: FieldSpec | None, required: frozenset[str]) -> str | None:
    if name not in required:
        return None
    if spec is None:
        return f"{scope.label} is required, but it is not mapped and the record has no timestamp"
    if isinstance(spec, Const) and spec.const is None:
        scope.at("const").fail("required_null", f"{name} is required: expected a value, not null")
    message = f"{scope.label} is required, but {describe(spec)} is null or empty"
    if name not in _TIMES:
        return message
    if _OWN_TIME.search(describe(spec)):
        return f"{message}, and the record has no timestamp"
    return f"{message}; not_null(…, timestamp) falls back on the record's own time"


def _field(scope: Scope, spec: FieldSpec | None, members: _Members) -> Fetch | None:
    name = str(scope.path[-1])
    return None if spec is None else compile_field(scope, spec, members.targets[name])


def _time(scope: Scope, spec: FieldSpec | None, members: _Members) -> Fetch:
    return _field(scope, spec, members) or _own_time(scope)


def _own_time(scope: Scope) -> Fetch:
    scope.roots.add("timestamp")
    return guard(scope, "timestamp", lambda root: root["timestamp"], time_parser("epoch_ms"))


def _event_id(scope: Scope, spec: FieldSpec | None, members: _Members) -> Fetch:
    own_id = _own_id(scope)
    reads: set[str] = set()
    mapped = _field(replace(scope, roots=reads), spec, members)
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


def _impression(scope: Scope, spec: list[FieldSpec] | FieldSpec | None, members: _Members) -> Fetch | None:
    if not isinstance(spec, list):
        return _field(scope, spec, members)
    items = [
        compile_field(scope.at(number).named(f"[{number}]"), item, members.item) for number, item in enumerate(spec)
    ]
    _judge(scope, check_items(spec, members.operation))
    return lambda root: [item for fetch in items if (item := fetch(root)) is not None] or None


def _properties(scope: Scope, spec: str | dict[str, FieldSpec] | None, members: _Members) -> Fetch | None:
    if spec is None:
        return None
    if isinstance(spec, str):
        limit, spend, most = members.targets["properties"].limit, scope.work.spend, members.properties
        convert = members.property.convert
        whole = compile_value(
            scope, spec, lambda value: _counted(to_properties(value, convert), spend, most), limit=limit
        )
        return whole if scope.trace is None else scope.trace.gives(scope.path, whole)
    parts = [_property(scope, name, part, members) for name, part in spec.items()]
    _judge(scope, check_object(spec, members.operation))
    return _object(scope, parts, members.properties)


def _judge(scope: Scope, together: Invalid | None) -> None:
    """Note what is wrong with all constants of a member together, unless one of them is wrong by itself."""
    if together is not None and not any(error.path[: len(scope.path)] == scope.path for error in scope.errors):
        scope.fail(together.reason, together.message)


def _counted(text: str | None, spend: Spend, most: int) -> str | None:
    """Properties may repeat for each event what is long elsewhere in the record."""
    if text is not None and len(text) > most:
        spend(len(text) // 16)
    return text


def _property(scope: Scope, name: str, spec: FieldSpec, members: _Members) -> tuple[str, Fetch]:
    here = scope.at(name).named(f".{name}")
    if name.lower() in members.reserved:
        here.fail("reserved_property", f"expected no property called {name}: the name is the service's own")
    return name, compile_field(here, spec, members.property)


def _object(scope: Scope, parts: Iterable[tuple[str, Fetch]], most: int) -> Fetch:
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
            return _counted(serialise(found), spend, most)
        except DataError as error:
            raise DataError(error.reason, f"{label}: {error}") from None
        except Exhausted as exhausted:
            raise Exhausted(f"{label}: {exhausted}") from None

    return fetch


# Members that are more than one field spec; every other is compiled by ``_field``.
_COMPILERS: Mapping[str, Callable[[Scope, Any, _Members], Fetch | None]] = {
    "eventId": _event_id,
    "impression": _impression,
    "properties": _properties,
    **dict.fromkeys(_TIMES, _time),
}
