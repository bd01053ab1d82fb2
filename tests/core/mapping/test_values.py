"""Conversions: without loss, or refused."""

import json
import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.mapping.values import (
    CONVERSIONS,
    MAX_EXACT_INTEGER,
    render,
    to_category,
    to_items,
    to_number,
    to_properties,
    to_text,
)
from connector.core.records import DataError, Reason
from connector.core.words import type_word

HUGE = 10**5000  # more digits than the interpreter prints


def refusal(convert: Any, value: Any) -> tuple[Reason, str]:
    with pytest.raises(DataError) as caught:
        convert(value)
    return caught.value.reason, str(caught.value)


@given(st.integers())
def test_an_integer_becomes_its_decimal_text_exactly(number: int) -> None:
    assert int(to_text(number)) == number


@given(st.integers(-MAX_EXACT_INTEGER, MAX_EXACT_INTEGER))
def test_a_float_that_is_whole_is_the_same_id_as_the_integer(number: int) -> None:
    assert to_text(float(number)) == to_text(number)


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer()))
def test_a_fraction_as_text_reads_back_as_the_same_fraction(number: float) -> None:
    assert float(to_text(number)) == number


@given(st.text())
def test_text_stays_as_it_is(text: str) -> None:
    assert to_text(text) is text


@pytest.mark.parametrize(
    ("value", "reason", "message"),
    [
        (True, Reason.WRONG_TYPE, "expected text or a number, not a boolean"),
        ([], Reason.WRONG_TYPE, "expected text or a number, not a list"),
        ({}, Reason.WRONG_TYPE, "expected text or a number, not an object"),
        (date(2026, 1, 1), Reason.WRONG_TYPE, "expected text or a number, not date"),
        (math.nan, Reason.INVALID_VALUE, "expected a finite number"),
        (-math.inf, Reason.INVALID_VALUE, "expected a finite number"),
        pytest.param(HUGE, Reason.INVALID_VALUE, "expected a number of fewer digits", id="huge"),
        (1e22, Reason.INVALID_VALUE, "expected an exact number, not a fraction so large that digits are lost"),
    ],
)
def test_what_is_no_id_is_refused_as_text(value: Any, reason: Reason, message: str) -> None:
    assert refusal(to_text, value) == (reason, message)


def test_booleans_are_rendered_as_json_writes_them() -> None:
    assert [render(value) for value in (True, False, 12, 1.5, "x")] == ["true", "false", "12", "1.5", "x"]
    assert refusal(render, []) == (Reason.WRONG_TYPE, "expected text, a number or a boolean, not a list")


@pytest.mark.parametrize(("value", "number"), [("19.00", 19.0), (" -1e3 ", -1000.0), (19, 19.0), (0.5, 0.5)])
def test_numbers_and_numeric_text_become_a_float(value: Any, number: float) -> None:
    assert to_number(value) == number
    assert type(to_number(value)) is float


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, Reason.WRONG_TYPE),
        ([1], Reason.WRONG_TYPE),
        (b"1", Reason.WRONG_TYPE),
        ("", Reason.INVALID_VALUE),
        ("free", Reason.INVALID_VALUE),
        ("NaN", Reason.INVALID_VALUE),
        ("-inf", Reason.INVALID_VALUE),
        ("1e999", Reason.INVALID_VALUE),
        ("1_000", Reason.INVALID_VALUE),
        ("١٢", Reason.INVALID_VALUE),
        pytest.param("\ud800", Reason.INVALID_VALUE, id="surrogate"),
        (math.nan, Reason.INVALID_VALUE),
        (10**400, Reason.INVALID_VALUE),
    ],
)
def test_what_is_no_finite_number_is_refused(value: Any, reason: Reason) -> None:
    assert refusal(to_number, value)[0] is reason


def test_impressions_are_ids_without_nulls() -> None:
    assert to_items(["a", None, 7, 8.0]) == ["a", "7", "8"]
    assert to_items([None]) is None
    assert to_items([]) is None
    assert refusal(to_items, "a|b") == (Reason.WRONG_TYPE, "expected a list of ids, not text")
    assert refusal(to_items, [["a"]])[0] is Reason.WRONG_TYPE


def test_properties_are_compact_json_without_nulls() -> None:
    assert to_properties({"b": 1, "a": {"n": None}, "x": None}) == '{"b":1,"a":{"n":null}}'
    assert to_properties('{ "b": 1, "x": null }') == '{"b":1}'
    assert to_properties({"x": None}) is None
    assert to_properties("{}") is None


@given(st.integers())
def test_properties_keep_integers_of_any_size(number: int) -> None:
    assert to_properties({"n": number}) == to_properties(f'{{"n": {number}}}') == f'{{"n":{number}}}'


def test_properties_keep_deep_values_that_the_fast_serialiser_refuses() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    assert json.loads(to_properties({"deep": deep}) or "")["deep"] == deep


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], Reason.WRONG_TYPE),
        ("[]", Reason.WRONG_TYPE),
        ("{", Reason.INVALID_PROPERTIES),
        ('{"n": NaN}', Reason.INVALID_PROPERTIES),
        ("[" * 100_000, Reason.INVALID_PROPERTIES),
        ({"n": math.nan}, Reason.INVALID_VALUE),
        ('{"n": 1e999}', Reason.INVALID_VALUE),
        ({"s": "\ud800"}, Reason.INVALID_PROPERTIES),
        ({"\ud800": 1}, Reason.INVALID_PROPERTIES),
        ('{"s": "\\ud800"}', Reason.INVALID_PROPERTIES),
        ({"n": HUGE}, Reason.INVALID_PROPERTIES),
        ({"n": {1, 2}}, Reason.INVALID_PROPERTIES),
    ],
)
def test_what_json_cannot_hold_is_refused_as_properties(value: Any, reason: Reason) -> None:
    assert refusal(to_properties, value)[0] is reason


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("string", True, "true"),
        ("string", 12.0, "12"),
        ("int", "12", 12),
        ("int", " -12 ", -12),
        ("int", "12.0", 12),
        ("int", 12.0, 12),
        ("int", True, 1),
        ("int", 10**30, 10**30),
        ("int", str(10**30), 10**30),
        ("float", "1.5", 1.5),
        ("float", False, 0.0),
        ("bool", "TRUE", True),
        ("bool", "0", False),
        ("bool", 1.0, True),
        ("bool", False, False),
    ],
)
def test_a_conversion_gives_its_own_type(name: Any, value: Any, result: Any) -> None:
    converted = CONVERSIONS[name](value)
    assert (type(converted), converted) == (type(result), result)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("string", []),
        ("int", "12.5"),
        ("int", 12.5),
        ("int", 1e300),
        ("int", "9" * 5000),
        ("int", "1_2"),
        ("int", None),
        ("float", "abc"),
        ("float", {}),
        ("float", 10**400),
        ("bool", "yes"),
        ("bool", 2),
        ("bool", []),
    ],
)
def test_a_conversion_that_would_guess_is_a_wrong_type(name: Any, value: Any) -> None:
    assert refusal(CONVERSIONS[name], value)[0] is Reason.WRONG_TYPE


def test_a_message_names_kinds_and_no_values() -> None:
    values: list[Any] = [None, True, 1, 1.0, "", [], {}]
    assert list(map(type_word, values)) == [
        "null",
        "a boolean",
        "a number",
        "a number",
        "text",
        "a list",
        "an object",
    ]


@pytest.mark.parametrize(
    ("text", "packed"), [("BAg=", True), ("AQ==", True), ("BAg", False), ("price=", False), ("a=", False)]
)
def test_text_in_base64_in_place_of_a_number_is_told_the_function_that_reads_it(text: str, packed: bool) -> None:  # noqa: FBT001
    reason, message = refusal(to_number, text)
    assert reason is Reason.INVALID_VALUE
    assert message == "expected a number, not other text" + ("; decimal(…, scale) reads base64" if packed else "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["Horror", "Action"], "Horror|Action"),
        (["a"], "a"),
        ([1, 2.0, 2.5], "1|2|2.5"),
        (["a", None, "", "b"], "a|b"),
        ([], None),
        ([None, ""], None),
        ("a|b", "a|b"),  # which is several values that were joined before
        (7, 7),
        (True, True),
        (None, None),
    ],
    ids=str,
)
def test_a_list_becomes_its_items_with_a_bar_between_them(value: Any, expected: Any) -> None:
    assert to_category(value) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (["a|b"], Reason.INVALID_VALUE),
        (["a", "|"], Reason.INVALID_VALUE),
        ([True], Reason.WRONG_TYPE),
        ([["a"]], Reason.WRONG_TYPE),
        ([{}], Reason.WRONG_TYPE),
        (float("inf"), Reason.INVALID_VALUE),
    ],
    ids=str,
)
def test_a_list_that_cannot_be_joined_without_a_guess_is_refused(value: Any, reason: Reason) -> None:
    with pytest.raises(DataError) as caught:
        to_category(value)
    assert caught.value.reason is reason
