"""What is shown of a value: its type and size; of names, those that a programmer gave."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.looking.columns import lines_of
from connector.looking.masking import MOST_NAMES, is_name, masked, masked_tree


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true or false"),
        (False, "true or false"),
        (4999, "number(4)"),
        (19.5, "number(4)"),
        ("", "text(0)"),
        ("jane@example.com", "text(16)"),
        (b"\x00\x01", "bytes(2)"),
        ([1, 2], "list(2)"),
        ({"a": 1}, "object(1)"),
    ],
)
def test_a_mask_keeps_type_and_length(value: Any, expected: str) -> None:
    assert masked(value) == expected


@pytest.mark.parametrize("name", ["event", "$insert_id", "utm_source", "@type", "line1", "a.b", "event name", "ga4_id"])
def test_names_of_programs_are_shown(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "jane@example.com", "4711", "user-129384", "550e8400-e29b-41d4-a716-446655440000", "deadbeef01", "", "x" * 80,
        "Jané", "a\nb", "+49 170 1234567",
    ],
)  # fmt: skip
def test_names_that_look_like_data_are_masked(name: str) -> None:
    assert not is_name(name)
    assert masked_tree({name: 1}) == {masked(name): "number(1)"}


def test_two_masked_names_of_one_length_keep_both_members() -> None:
    assert masked_tree({"123456": None, "654321": "x"}) == {"text(6)": None, "text(6) #2": "text(1)"}


def test_of_a_table_only_its_size_is_shown() -> None:
    table = {f"name{chr(97 + number % 26) * (1 + number // 26)}": 1 for number in range(MOST_NAMES + 1)}
    assert masked_tree(table) == f"object({len(table)})"
    assert list(lines_of({"users": table}, values=False)) == [("users", f"object({len(table)})")]


secrets = st.sampled_from(["Jane Doe", "jane@example.com", "s3cr3t", "00491701234567"])
documents = st.recursive(
    secrets | st.none() | st.booleans() | st.just(8675309),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "list", "c_d"]), inner, max_size=3)
    ),
)


@given(documents)
def test_no_value_comes_through(document: Any) -> None:
    shown = json.dumps(masked_tree(document)) + str(list(lines_of(document, values=False)))
    for secret in ("Jane", "example", "s3cr3t", "0049", "8675309"):
        assert secret not in shown
