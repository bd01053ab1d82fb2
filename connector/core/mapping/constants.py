"""A fixed value is checked when the file is read, by the limits that every event must keep.

A constant beyond a limit of its member would make a dead letter of every record, so it is a mistake of the file.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from connector.core.mapping.events import EARLIEST_SENT_AT, Invalid, check_envelope, check_event
from connector.core.mapping.specs import Const, FieldSpec
from connector.core.mapping.values import serialise, to_text
from connector.core.records import DataError, Reason

Limit = Callable[[Any], Invalid | None]

_ENVELOPE = {"trackingId": "-", "sessionId": "-", "userId": "-"}  # stand-ins that are within every limit
_EVENT = {"eventType": "-", "sentAt": EARLIEST_SENT_AT}
_MUST_BE_TEXT = frozenset({"trackingId", "sessionId", "eventType"})  # elsewhere an empty text counts as null


def check_constant(member: str, value: Any) -> Invalid | None:
    """The first limit of its member that a value of the member's own type is beyond; the clock's excepted."""
    if value == "" and member not in _MUST_BE_TEXT:
        return None
    if member in _ENVELOPE:
        if member == "trackingId" and any(map(str.isspace, value)):
            return Invalid(Reason.INVALID_VALUE, f"{member}: expected a tracking id without blanks", member)
        envelope = _ENVELOPE | {member: value}
        return check_envelope(envelope["trackingId"], envelope["sessionId"], envelope["userId"])
    given = {"metricAttribution": {member: value}} if member == "eventAttributionSource" else {member: value}
    found = check_event({**_EVENT, **given}, inf)
    return found if isinstance(found, Invalid) else None


def limit_of(member: str) -> Limit:
    """``check_constant`` of one member."""
    return lambda value: check_constant(member, value)


def check_item(item: str) -> Invalid | None:
    """As ``check_constant``, for one item of an impression."""
    return check_constant("impression", [item])


def check_property(value: Any) -> Invalid | None:
    """As ``check_constant``, for one property, whose name does not count."""
    return _check_object({"": value})


def check_items(items: Sequence[FieldSpec]) -> Invalid | None:
    """Whether the items of an impression that are constants are too many, or too long, together."""
    try:
        fixed = [to_text(item.const) for item in items if isinstance(item, Const) and item.const is not None]
    except DataError:  # it was said of the item
        return None
    return check_constant("impression", fixed) if fixed else None


def check_object(properties: Mapping[str, FieldSpec]) -> Invalid | None:
    """Whether the properties that are constants are too long together."""
    parts = ((name, part) for name, part in properties.items() if isinstance(part, Const))
    return _check_object({name: part.const for name, part in parts if part.const is not None})


def _check_object(fixed: dict[str, Any]) -> Invalid | None:
    try:
        # Not a JsonObject: its length is what counts, and reserved names are reported separately.
        return check_constant("properties", serialise(fixed)) if fixed else None
    except DataError as error:
        return Invalid(error.reason, f"properties: {error}", "properties")
