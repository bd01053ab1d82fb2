"""Envelopes around the records of a sample: told by their members, taken off, and put on again for tests."""

from collections.abc import Sequence
from typing import Any, Literal

Envelope = Literal["none", "connect", "debezium", "cloudevents"]
_ATTRIBUTES = ("id", "source", "type", "time", "subject")


def envelope_of(values: Sequence[Any]) -> Envelope:
    """The envelope that all values have."""
    for name, has in _HAS.items():
        if values and all(isinstance(value, dict) and has(value) for value in values):
            return name
    return "none"


def _is_debezium(value: dict[str, Any]) -> bool:
    change = value.get("payload") if {"schema", "payload"} == value.keys() else value
    return isinstance(change, dict) and isinstance(change.get("op"), str) and ("after" in change or "before" in change)


_HAS = {
    "debezium": _is_debezium,
    "connect": lambda value: {"schema", "payload"} == value.keys() and isinstance(value["payload"], dict),
    "cloudevents": lambda value: isinstance(value.get("specversion"), str) and isinstance(value.get("data"), dict),
}  # type: dict[Envelope, Any]


def taken_off(value: dict[str, Any], envelope: Envelope) -> dict[str, Any]:
    """What the rules see: value, and envelope where there is one."""
    if envelope == "connect":
        return {"value": value["payload"]}
    if envelope == "cloudevents":
        return {"value": value["data"], "envelope": {name: value[name] for name in _ATTRIBUTES if name in value}}
    if envelope == "debezium":
        change = value["payload"] if {"schema", "payload"} == value.keys() else value
        return {"value": change.get("after"), "envelope": {"op": change["op"]}}
    return {"value": value}


def put_on(seen: dict[str, Any], envelope: Envelope, number: int) -> Any:
    """The value of a record that is seen so."""
    inner, outer = seen.get("value"), seen.get("envelope") or {}
    if envelope == "connect":
        return {"schema": None, "payload": inner}
    if envelope == "cloudevents":
        attributes = {"specversion": "1.0", "id": f"e{number}", "source": "/sample", "type": "sample", **outer}
        return {**attributes, "data": inner}
    if envelope == "debezium":
        return {"before": None, "after": inner, "op": outer.get("op", "c")}
    return inner
