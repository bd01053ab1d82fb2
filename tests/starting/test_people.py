"""People's values do not reach a test; what stands for them has their shape, the same for the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.starting.people import People


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("anna.smith@shop.example", r"person1@example\.com"),
        ("203.0.113.77", r"192\.0\.2\.\d+"),
        ("2001:db8:85a3:0:0:8a2e:370:7334", r"2001:db8:.*"),
        ("4f1c9a2e-7b11-4c0d-9d3e-aa55bb66cc77", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        ("USR-00482", r"[A-Z]{3}-\d{5}"),
        ("Zoë Müller", r"[A-Z][a-z]{2}x[A-Z][a-z]{5}"),
        (4_811_223, r"10{5}1"),
    ],
)  # fmt: skip
def test_a_replacement_has_the_shape_of_what_it_stands_for(value: object, shape: str) -> None:
    found = str(People().replaced(value))
    assert re.fullmatch(shape, found), found
    assert found != str(value)


@given(st.lists(st.text(max_size=20) | st.integers(-(10**20), 10**20), unique_by=lambda each: (type(each), each)))
def test_different_values_stay_different_and_equal_ones_equal(values: list[str | int]) -> None:
    people = People()
    found = [people.replaced(value) for value in values]
    assert found == [people.replaced(value) for value in values]
    assert len(set(map(repr, found))) == len(values)


def test_what_says_that_there_is_nobody_still_does() -> None:
    people = People()
    assert [people.replaced(value) for value in (None, "", -1, True)] == [None, "", -1, True]


def test_a_value_that_is_kept_is_replaced_where_it_looks_like_a_persons() -> None:
    people = People()
    assert people.kept("boots") == "boots"
    assert people.kept("sent to anna@shop.example") != "sent to anna@shop.example"
    assert people.kept("10.1.2.3") == "192.0.2.3"
