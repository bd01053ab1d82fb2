"""What judges constants is what judges events."""

from typing import Any

import pytest

from connector.core.mapping.constants import check_constant, check_items, check_object, item_limit, property_limit
from connector.core.mapping.events import Invalid
from connector.core.mapping.specs import Const, FieldSpec, PutEventsSpec
from connector.core.operations import PUT_EVENTS
from connector.core.records import Reason

BEYOND: dict[str, list[tuple[Any, Reason]]] = {
    "trackingId": [
        ("", Reason.EMPTY),
        ("t" * 257, Reason.TOO_LONG),
        (" ", Reason.INVALID_VALUE),
        ("a\n", Reason.INVALID_VALUE),
    ],
    "sessionId": [("", Reason.EMPTY), ("s" * 257, Reason.TOO_LONG), ("NaN", Reason.IGNORED_LITERAL)],
    "userId": [("u" * 257, Reason.TOO_LONG), ("undefined", Reason.IGNORED_LITERAL)],
    "eventType": [("", Reason.EMPTY), ("e" * 300, Reason.TOO_LONG)],
    "eventId": [("e" * 257, Reason.TOO_LONG), ("None", Reason.IGNORED_LITERAL)],
    "eventValue": [(1e39, Reason.INVALID_VALUE)],
    "itemId": [("i" * 257, Reason.TOO_LONG), ("null", Reason.IGNORED_LITERAL)],
    "impression": [(["i"] * 26, Reason.TOO_LONG), (["i" * 256] * 4, Reason.TOO_LONG), ([""], Reason.EMPTY)],
    "properties": [(f'{{"a":"{"x" * 1024}"}}', Reason.TOO_LONG), ('{"userId":1}', Reason.RESERVED_PROPERTY)],
    "recommendationId": [("r" * 41, Reason.TOO_LONG)],
    "sentAt": [(5, Reason.TIME_OUT_OF_WINDOW)],
    "eventAttributionSource": [("é", Reason.INVALID_VALUE), (" ", Reason.INVALID_VALUE), ("a" * 1025, Reason.TOO_LONG)],
}
WITHIN: dict[str, Any] = {
    "trackingId": "t" * 256, "sessionId": "s" * 256, "userId": "", "eventType": "View", "eventId": "",
    "eventValue": 1.0, "itemId": "", "impression": ["i"] * 25, "properties": '{"a":1}', "recommendationId": "r" * 40,
    "sentAt": 4_000_000_000, "eventAttributionSource": "",
}  # fmt: skip


def test_every_member_is_judged() -> None:
    assert set(BEYOND) == set(WITHIN) == set(PutEventsSpec.model_fields)


@pytest.mark.parametrize(
    ("member", "value", "reason"), [(name, value, reason) for name, rows in BEYOND.items() for value, reason in rows]
)
def test_a_value_beyond_a_limit_of_its_member_is_refused(member: str, value: Any, reason: Reason) -> None:
    found = check_constant(member, value)
    assert found is not None
    assert (found.reason, found.field) == (reason, member)
    assert found.message.startswith(member)


@pytest.mark.parametrize(("member", "value"), WITHIN.items())
def test_a_value_within_the_limits_is_fine(member: str, value: Any) -> None:
    assert check_constant(member, value) is None


def said(found: Invalid | None) -> Reason | None:
    return None if found is None else found.reason


def test_one_item_and_one_property_are_judged_alone() -> None:
    assert said(item_limit(PUT_EVENTS)("null")) is Reason.IGNORED_LITERAL
    assert item_limit(PUT_EVENTS)("a") is None
    assert said(property_limit(PUT_EVENTS)("x" * 1024)) is Reason.TOO_LONG
    assert property_limit(PUT_EVENTS)({"a": [1]}) is None
    assert said(property_limit(PUT_EVENTS)("\ud800")) is Reason.INVALID_PROPERTIES


def test_constants_are_judged_together_where_the_limit_is_of_their_sum() -> None:
    items: list[FieldSpec] = [Const(const=f"i{number}") for number in range(25)]
    assert check_items([*items, "value.a", Const(const=None)], PUT_EVENTS) is None
    assert said(check_items([*items, Const(const=7)], PUT_EVENTS)) is Reason.TOO_LONG
    assert check_items([Const(const=True), *items, *items], PUT_EVENTS) is None, "which was refused by itself"
    assert check_items(["value.a"], PUT_EVENTS) is None
    halves = {name: Const(const="x" * 600) for name in "ab"}
    assert said(check_object(halves, PUT_EVENTS)) is Reason.TOO_LONG
    assert check_object({**halves, "b": "value.b", "c": Const(const=None)}, PUT_EVENTS) is None
    assert check_object({}, PUT_EVENTS) is None
