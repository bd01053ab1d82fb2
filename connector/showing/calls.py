"""Calls as ``putevents map`` writes them: one of PutEvents has its members alone, any other names its operation."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.core.operations import BY_NAME, PUT_EVENTS, Operation

Call = Mapping[str, Any]


def operation_of(call: Call) -> Operation:
    """What the call is of."""
    return BY_NAME[call["operation"]] if "operation" in call else PUT_EVENTS


def entries_of(call: Call) -> list[dict[str, Any]]:
    """Its events, users, items, actions or action interactions."""
    entries: list[dict[str, Any]] = call[operation_of(call).entries]
    return entries


def around(call: Call) -> dict[str, Any]:
    """What all its entries share."""
    return {name: value for name, value in call.items() if name not in {"operation", operation_of(call).entries}}


def some(count: int, operation: Operation) -> str:
    """``1 item``, ``2 action interactions``."""
    return f"{count:,} {operation.noun if count == 1 else operation.nouns}"


def made_by(calls: Iterable[Call]) -> str:
    """How many entries of what are in the calls; events where there is no call."""
    counts: dict[Operation, int] = {}
    for call in calls:
        counts[operation_of(call)] = counts.get(operation_of(call), 0) + len(entries_of(call))
    return ", ".join(some(count, operation) for operation, count in (counts or {PUT_EVENTS: 0}).items())
