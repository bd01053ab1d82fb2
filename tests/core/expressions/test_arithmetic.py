"""Arithmetic: exact for integers, decimal for prices, null for null."""

import base64
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.expressions.expression import EvaluationError, compile_expression

INTEGERS = st.integers(-(10**30), 10**30)
NUMBERS = INTEGERS | st.floats(-1e15, 1e15)


def call(text: str, /, **value: Any) -> Any:
    return compile_expression(text).evaluate({"value": value})


def fails(text: str, /, **value: Any) -> str:
    with pytest.raises(EvaluationError) as caught:
        call(text, **value)
    assert caught.value.__context__ is None  # it may hold values of the record
    return str(caught.value)


@given(INTEGERS, INTEGERS)
def test_integers_stay_exact_and_integers(a: int, b: int) -> None:
    results = call("[add(value.a, value.b), subtract(value.a, value.b), multiply(value.a, value.b)]", a=a, b=b)
    assert results == [a + b, a - b, a * b]
    assert {type(result) for result in results} == {int}


@given(INTEGERS, INTEGERS.filter(bool))
def test_a_quotient_is_an_integer_where_nothing_remains_and_else_the_nearest_float(a: int, b: int) -> None:
    assert call("divide(value.a, value.b)", a=a * b, b=b) == a
    quotient = call("divide(value.a, value.b)", a=a, b=b)
    assert quotient == (a // b if a % b == 0 else float(Fraction(a, b)))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("add(`0.1`, `0.2`)", 0.3),
        ("multiply(`19.99`, `3`)", 59.97),
        ("multiply(`1.1`, `3`)", 3.3),
        ("subtract(`0.3`, `0.1`)", 0.2),
        ("divide(`2125`, `100`)", 21.25),
        ("divide(`0.3`, `0.1`)", 3.0),
        ("divide(`1`, `3`)", 1 / 3),
        ("multiply(divide(`2125`, `100`), `2`)", 42.5),
        ("round(`2.5`)", 3),
        ("round(`-2.5`)", -3),
        ("round(`2.675`, `2`)", 2.68),
        ("round(`2`, `2`)", 2),
        ("round(`1e300`)", int(1e300)),
        ("round(`1e300`, `2`)", 1e300),
        ("round(`0.1`, `15`)", 0.1),
    ],
)
def test_prices_are_decimals(text: str, result: float) -> None:
    found = call(text)
    assert (found, type(found)) == (result, type(result))


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_round_gives_the_nearest_decimal(number: float, digits: int) -> None:
    rounded = Decimal(repr(call("round(value.a, value.b)", a=number, b=digits)))
    assert abs(rounded - Decimal(repr(number))) <= Decimal(5).scaleb(-digits - 1)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
def test_null_gives_null(name: str) -> None:
    assert call(f"{name}(value.a, value.b)", a=1) is None
    assert call(f"{name}(value.a, value.b)", b=0) is None
    assert call(f"{name}(value.a, value.b)") is None
    assert "expected a number or null as argument 2, not text" in fails(f"{name}(value.a, value.b)", a=1, b="2")
    assert "expected a number or null as argument 1, not a boolean" in fails(f"{name}(value.a, value.b)", a=True, b=1)


def test_null_gives_null_where_there_is_more_than_numbers() -> None:
    assert (
        call("[round(value.a), base64_decode(value.a), decimal(value.a, `2`), decimal('BAg=', value.a)]") == [None] * 4
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("divide(value.one, value.zero)", "divide() expected a divisor other than zero"),
        ("divide(value.half, value.zero)", "divide() expected a divisor other than zero"),
        ("multiply(value.big, value.big)", "multiply() expected a result within the range of a float"),
        ("divide(value.huge, value.three)", "divide() cannot process these values: a number and a number"),
        ("round(value.half, value.half)", "round() expected 0 to 15 digits after the point"),
        ("round(value.half, value.huge)", "round() expected 0 to 15 digits after the point"),
        ("base64_decode(value.text)", "base64_decode() expected base64, not other text"),
        ("base64_decode(value.bytes)", "base64_decode() expected base64 of text in UTF-8, not of other bytes"),
        ("decimal(value.text, value.one)", "decimal() expected base64, not other text"),
        ("decimal(value.bytes, value.half)", "decimal() expected a whole number of at most 100 as its scale"),
        ("decimal(value.bytes, value.huge)", "decimal() expected a whole number of at most 100 as its scale"),
        ("decimal(value.long, value.one)", "decimal() expected an integer of at most 64 bytes"),
        ("decimal('', value.one)", "decimal() expected the base64 of an integer, not of no bytes at all"),
        ("decimal('=', value.one)", "decimal() expected the base64 of an integer, not of no bytes at all"),
        ("value.three | " + "multiply(@, @) | " * 40 + "@", "multiply() expected a result of at most 4000 digits"),
        ("base64_decode(value.odd)", "base64_decode() expected base64, not other text"),
    ],
)
def test_what_cannot_be_calculated_says_why(text: str, message: str) -> None:
    values = {
        "one": 1,
        "zero": 0,
        "three": 3,
        "half": 0.5,
        "big": 1e300,
        "huge": 10**400,
        "text": "secret!",
        "odd": "abcde",
    }
    encoded = {"bytes": base64.b64encode(b"\xff\x00").decode(), "long": base64.b64encode(b"1" * 65).decode()}
    assert fails(text, **values, **encoded) == message


@given(st.text())
def test_base64_is_read_in_both_alphabets_with_padding_or_without(text: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(text.encode()).decode()
        assert call("base64_decode(value.a)", a=encoded) == text
        assert call("base64_decode(value.a)", a=encoded.rstrip("=")) == text
        assert call("base64_decode(value.a)", a=f" {encoded[:4]}\r\n{encoded[4:]}\n") == text


@given(st.integers(-(10**38), 10**38), st.integers(-10, 38))
def test_a_decimal_of_connect_is_the_nearest_number(unscaled: int, scale: int) -> None:
    length = unscaled.bit_length() // 8 + 1
    encoded = base64.b64encode(unscaled.to_bytes(length, "big", signed=True)).decode()
    found = call("decimal(value.a, value.scale)", a=encoded, scale=scale)
    exact = Fraction(unscaled) / Fraction(10) ** scale
    assert found == (int(exact) if scale <= 0 else float(exact))


@pytest.mark.parametrize(
    ("encoded", "scale", "number"),
    [
        ("BAg=", 2, 10.32),
        ("AA==", 2, 0.0),
        ("AA==", 0, 0),
        ("/w==", 0, -1),
        ("-w", 1, -0.5),  # the alphabet of URLs, without padding
        ("75Y=", 2, -42.02),
        ("AIAA", 0, 32768),
        ("/4AA", 0, -32768),
        ("Sztld+z/////////////", 0, None),
        ("BQ==", -3, 5000),
        ("BQ==", 100, 5e-100),
    ],
)
def test_decimals_of_connect_one_by_one(encoded: str, scale: int, number: float | None) -> None:
    if number is None:
        number = int.from_bytes(base64.b64decode(encoded), "big", signed=True)
    found = call("decimal(value.a, value.scale)", a=encoded, scale=scale)
    assert (found, type(found)) == (number, type(number))


def test_base64_of_nothing_is_empty_text() -> None:
    assert call("base64_decode(value.a)", a="") == ""
