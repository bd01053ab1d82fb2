"""Members of a record whose names have dots, found where an expression reads a path."""

from typing import Any

import pytest

from connector.core.expressions.expression import compile_expression
from connector.core.expressions.hints import dotted_members

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
    assert dotted_members(text, RECORD) == (f'the record has a member "{member}": write {written}',)
    assert compile_expression(written).evaluate(RECORD) is not None


@pytest.mark.parametrize(
    "text", ["value.user", "value.list.user.id", 'value."user.id"', "value.nobody.here", "'value.user.id'", "value.ns"]
)
def test_nothing_is_said_where_no_such_member_is_read(text: str) -> None:
    assert dotted_members(text, RECORD) == ()


def test_nothing_is_said_of_what_is_there_or_ends_before_it() -> None:
    assert dotted_members("value.user.id", {"value": {"user": {"id": 1}, "user.id": 2}}) == ()
    assert dotted_members("value.a.b", {"value": {"a": "text"}}) == ()
    assert dotted_members("value.a.b", {"value": {"a": {"b": 1}}}) == ()
