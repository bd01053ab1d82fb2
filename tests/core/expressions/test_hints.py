"""Members that a record has under another name than a path reads: with dots in it, or of an envelope."""

from typing import Any

import pytest

from connector.core.expressions.expression import compile_expression
from connector.core.expressions.hints import misnamed

RECORD: dict[str, Any] = {"value": {"user.id": "u1", "a": {"b.c.d": 1, "b": None}, "ns.x": {"y": 2}, "list": [1]}}


@pytest.mark.parametrize(
    ("text", "member", "written"),
    [
        ("value.user.id", "user.id", 'value."user.id"'),
        ("value.a.b.c.d", "b.c.d", 'value.a."b.c.d"'),
        ("value.ns.x.y", "ns.x", 'value."ns.x".y'),
        ("value.other || value.user.id", "user.id", 'value."user.id"'),
        ("{{ value.user.id }}-{{ value.user.id }}", "user.id", 'value."user.id"'),
    ],
)
def test_a_member_with_dots_in_its_name_is_found_where_a_path_reads_it(text: str, member: str, written: str) -> None:
    assert misnamed(text, RECORD) == (f'the record has a member "{member}": write {written}',)
    assert compile_expression(written).evaluate(RECORD) is not None


@pytest.mark.parametrize(
    "text", ["value.user", "value.list.user.id", 'value."user.id"', "value.nobody.here", "'value.user.id'", "value.ns"]
)
def test_nothing_is_said_where_no_such_member_is_read(text: str) -> None:
    assert misnamed(text, RECORD) == ()


def test_nothing_is_said_of_what_is_there_or_ends_before_it() -> None:
    assert misnamed("value.user.id", {"value": {"user": {"id": 1}, "user.id": 2}}) == ()
    assert misnamed("value.a.b", {"value": {"a": "text"}}) == ()
    assert misnamed("value.a.b", {"value": {"a": {"b": 1}}}) == ()


ENVELOPED = {"value": {"session": "s1", "id": 7}, "envelope": {"type": "view", "op": "c"}}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("value.type", "envelope.type"),
        ("value.payload.op != 'd'", "envelope.op"),
        ("value.data.session", "value.session"),
        ("value.payload.after.id", "value.id"),
    ],
)
def test_a_path_through_an_envelope_that_was_taken_off_is_told_without_it(text: str, written: str) -> None:
    assert misnamed(text, ENVELOPED) == (f"the envelope was taken off: write {written}",)


@pytest.mark.parametrize("text", ["value.session", "value.product.id", "value.data.item", "value.data", "key.type"])
def test_a_member_that_is_there_or_nowhere_has_no_hint_of_an_envelope(text: str) -> None:
    assert misnamed(text, ENVELOPED) == ()


def test_without_an_envelope_nothing_is_said_of_one() -> None:
    assert misnamed("value.data.id", {"value": {"id": 7}}) == ()
    assert misnamed("value.type", {"value": None, "envelope": {"type": "view"}}) == (
        "the envelope was taken off: write envelope.type",
    )
