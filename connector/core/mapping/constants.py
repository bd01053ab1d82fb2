"""A fixed value is checked when the file is read, by the limits that every event must keep.

A constant beyond a limit of its member would make a dead letter of every record, so it is a mistake of the file.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from connector.core.mapping.entries import CHECKS, KINDS
from connector.core.mapping.events import Invalid, check_envelope, check_event
from connector.core.mapping.limits import EARLIEST_SENT_AT
from connector.core.mapping.specs import Const, FieldSpec
from connector.core.mapping.targets import check_target
from connector.core.mapping.values import serialise, to_text
from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import DataError, Reason

Limit = Callable[[Any], Invalid | None]

_ENVELOPE = {"trackingId": "-", "sessionId": "-", "userId": "-"}  # stand-ins that are within every limit
_EVENT = {"eventType": "-", "sentAt": EARLIEST_SENT_AT}
# Elsewhere an empty text counts as null.
_MUST_BE_TEXT = frozenset({"trackingId", "datasetArn", "sessionId", "eventType", "actionId"})


def check_constant(member: str, value: Any, operation: Operation = PUT_EVENTS) -> Invalid | None:
    """The first limit of its member that a value of the member's own type is beyond; the clock's excepted."""
    if value == "" and member not in _MUST_BE_TEXT and member != operation.identity:
        return None
    if member == operation.target:
        if member == "trackingId" and any(map(str.isspace, value)):
            return Invalid(Reason.INVALID_VALUE, f"{member}: expected a tracking id without blanks", member)
        return check_target(operation, value)
    if operation is not PUT_EVENTS:
        return _check_other(operation, member, value)
    if member in _ENVELOPE:
        envelope = _ENVELOPE | {member: value}
        return check_envelope(envelope["trackingId"], envelope["sessionId"], envelope["userId"])
    given = {"metricAttribution": {member: value}} if member == "eventAttributionSource" else {member: value}
    found = check_event({**_EVENT, **given}, inf)
    return found if isinstance(found, Invalid) else None


def _check_other(operation: Operation, member: str, value: Any) -> Invalid | None:
    stand_ins = {
        name: EARLIEST_SENT_AT if name == "timestamp" else "-"
        for name, field in KINDS[operation].model.model_fields.items()
        if field.is_required()
    }
    found = CHECKS[operation]({**stand_ins, member: value}, inf)
    return found if isinstance(found, Invalid) else None


def limit_of(operation: Operation, member: str) -> Limit:
    """``check_constant`` of one member."""
    return lambda value: check_constant(member, value, operation)


def item_limit(operation: Operation) -> Limit:
    """As ``check_constant``, for one item of an impression."""
    return lambda item: check_constant("impression", [item], operation)


def property_limit(operation: Operation) -> Limit:
    """As ``check_constant``, for one property, whose name does not count."""
    return lambda value: _check_object({"": value}, operation)


def check_items(items: Sequence[FieldSpec], operation: Operation) -> Invalid | None:
    """Whether the items of an impression that are constants are too many, or too long, together."""
    try:
        fixed = [to_text(item.const) for item in items if isinstance(item, Const) and item.const is not None]
    except DataError:  # it was said of the item
        return None
    return check_constant("impression", fixed, operation) if fixed else None


def check_object(properties: Mapping[str, FieldSpec], operation: Operation) -> Invalid | None:
    """Whether the properties that are constants are too long together."""
    parts = ((name, part) for name, part in properties.items() if isinstance(part, Const))
    return _check_object({name: part.const for name, part in parts if part.const is not None}, operation)


def _check_object(fixed: dict[str, Any], operation: Operation) -> Invalid | None:
    try:
        # Not a JsonObject: its length is what counts, and reserved names are reported separately.
        return check_constant("properties", serialise(fixed), operation) if fixed else None
    except DataError as error:
        return Invalid(error.reason, f"properties: {error}", "properties")
