import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.expressions.calling import Function
from connector.core.expressions.expression import EvaluationError, ExpressionError, compile_expression
from connector.core.expressions.functions import EXTRA_FUNCTIONS, FUNCTIONS, MAX_TEXT
from connector.core.expressions.searching import MAX_SEARCHED

TEXTS = st.text(max_size=30)


def call(text: str, **value: Any) -> Any:
    return compile_expression(text).evaluate({"value": value})


def fails(text: str, **value: Any) -> str:
    with pytest.raises(EvaluationError) as caught:
        call(text, **value)
    return str(caught.value)


def rejected(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    return caught.value


@pytest.mark.parametrize("row", EXTRA_FUNCTIONS, ids=lambda row: row.name)
def test_every_extra_function_is_documented_by_an_example_that_holds(row: Function) -> None:
    assert row.signature.startswith(f"{row.name}(")
    assert f"{row.name}(" in row.example
    assert call(row.example) == row.result


def test_the_extra_functions_are_the_promised_ones() -> None:
    promised = "lower upper trim replace split substring regex_extract parse_json sha256 url_param coalesce_empty"
    numbers = "add subtract multiply divide round base64_decode decimal"
    assert [row.name for row in EXTRA_FUNCTIONS] == [*promised.split(), *numbers.split()]
    assert "now" not in FUNCTIONS


@pytest.mark.parametrize(
    "text",
    [
        "lower(value.a)",
        "upper(value.a)",
        "trim(value.a)",
        "replace(value.a, 'x', 'y')",
        "split(value.a, 'x')",
        "substring(value.a, `1`)",
        "substring(value.a, `1`, `2`)",
        "regex_extract(value.a, 'x')",
        "parse_json(value.a)",
        "sha256(value.a)",
        "url_param(value.a, 'x')",
        "coalesce_empty(value.a)",
    ],
)
def test_null_text_gives_null(text: str) -> None:
    assert call(text) is None
    assert call(text, a=None) is None


@pytest.mark.parametrize("name", ["lower", "upper", "trim", "parse_json", "sha256"])
@pytest.mark.parametrize(("value", "kind"), [(5, "a number"), (True, "a boolean"), ([], "a list"), ({}, "an object")])
def test_a_text_function_refuses_what_is_not_text(name: str, value: Any, kind: str) -> None:
    assert fails(f"{name}(value.a)", a=value) == f"{name}() expected text or null, not {kind}"


def test_a_type_that_json_does_not_have_is_named_by_its_class() -> None:
    assert fails("lower(value.a)", a=b"bytes") == "lower() expected text or null, not bytes"


@given(TEXTS)
def test_lower_upper_and_trim_are_pythons(text: str) -> None:
    assert call("[lower(value.a), upper(value.a), trim(value.a)]", a=text) == [
        text.lower(),
        text.upper(),
        text.strip(),
    ]


@given(TEXTS, st.text(min_size=1, max_size=3), TEXTS)
def test_replace_is_split_and_join(text: str, old: str, new: str) -> None:
    values = {"a": text, "old": old, "new": new}
    joined = call("join(value.new, split(value.a, value.old))", **values)
    assert call("replace(value.a, value.old, value.new)", **values) == joined


def test_replace_and_split_refuse_an_empty_separator() -> None:
    assert "not an empty one" in fails("replace(value.a, value.b, 'x')", a="a", b="")
    assert "not an empty one" in fails("split(value.a, value.b)", a="a", b="")


def test_replace_refuses_a_null_replacement() -> None:
    assert fails("replace(value.a, 'x', value.b)", a="a") == "replace() expected text as argument 3, not null"


def test_a_record_cannot_multiply_its_size() -> None:
    half = MAX_TEXT // 2
    assert len(call("replace(value.a, 'x', value.b)", a="xx", b="y" * half)) == MAX_TEXT
    assert "at most" in fails("replace(value.a, 'x', value.b)", a="xxx", b="y" * half)
    assert len(call("join(value.b, value.a)", a=["", "", ""], b="y" * half)) == MAX_TEXT
    assert "at most" in fails("join(value.b, value.a)", a=["", "", "", ""], b="y" * half)


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, None, "abcdef"),
        (2, None, "cdef"),
        (2, 3, "cde"),
        (2.0, 3.0, "cde"),
        (-2, None, "ef"),
        (-4, 2, "cd"),
        (-99, 2, "ab"),
        (99, None, ""),
        (4, 99, "ef"),
        (1, 0, ""),
    ],
)
def test_substring_counts_from_zero_or_from_the_end(start: float, length: float | None, expected: str) -> None:
    text = "substring('abcdef', value.start)" if length is None else "substring('abcdef', value.start, value.length)"
    assert call(text, start=start, length=length) == expected


def test_substring_refuses_fractions_and_negative_lengths() -> None:
    assert "whole numbers" in fails("substring('abc', value.a)", a=0.5)
    assert "zero or more" in fails("substring('abc', `0`, value.a)", a=-1)
    assert "cannot process these values: text and a number" in fails("substring('abc', value.a)", a=float("inf"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (r"'\d+'", "77"),
        (r"'/p/(\d+)'", "77"),
        (r"'/(\w)/(\d+)'", "p"),
        (r"'/(\w)/(\d+)', `2`", "77"),
        (r"'/(\w)/(\d+)', `0`", "/p/77"),
        (r"'/(?P<kind>\w)/', 'kind'", "p"),
        (r"'(?i)/P/(\d+)'", "77"),
        (r"'nothing'", None),
        (r"'(x)?/p'", None),
    ],
)
def test_regex_extract_takes_the_first_group_or_the_match(arguments: str, expected: str | None) -> None:
    assert call(f"regex_extract(value.url, {arguments})", url="https://shop.test/p/77?x=1") == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'('", "regular expression"),
        ("'a{99999999999999999999}'", "regular expression"),
        ("value.pattern", "literal pattern"),
        ("`5`", "literal pattern"),
        ("'(a)', `2`", "group"),
        ("'(a)', `-1`", "group"),
        ("'(a)', `1.0`", "group"),
        ("'(a)', `true`", "group"),
        ("'(a)', 'name'", "group"),
        ("'(a)', value.group", "group"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_found_at_compile_time(arguments: str, message: str) -> None:
    error = rejected(f"value.a | regex_extract(@, {arguments})".replace("value.pattern", "@").replace("value.g", "g"))
    assert (error.code, error.position) == ("bad_argument", 10)
    assert message in error.message


def test_regex_extract_searches_a_bounded_text() -> None:
    assert call("regex_extract(value.a, 'b')", a="a" * (MAX_SEARCHED - 1) + "b") == "b"
    assert "at most" in fails("regex_extract(value.a, 'b')", a="a" * MAX_SEARCHED + "b")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=10,
    )
)
def test_parse_json_reads_back_what_was_written(document: Any) -> None:
    assert call("parse_json(value.a)", a=json.dumps(document)) == document


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "NaN", "[Infinity]", "1e999", "1" * 5000, "nope"])
def test_parse_json_refuses_what_is_not_json_without_showing_it(text: str) -> None:
    with pytest.raises(
        EvaluationError, match=r"^parse_json\(\) expected JSON text, found text that is not JSON$"
    ) as caught:
        call("parse_json(value.a)", a=text)
    assert caught.value.__context__ is None


def test_parse_json_of_a_text_nested_too_deep_is_an_evaluation_error() -> None:
    assert "nested so deep" in fails("parse_json(value.a)", a="[" * 200_000)


@given(TEXTS)
def test_sha256_is_the_lower_case_hex_of_the_utf8(text: str) -> None:
    assert call("sha256(value.a)", a=text) == hashlib.sha256(text.encode()).hexdigest()


def test_sha256_of_text_that_utf8_cannot_hold_is_an_evaluation_error() -> None:
    assert fails("sha256(value.a)", a="\ud800") == "sha256() cannot process these values: text"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.test/p?q=shoes", "shoes"),
        ("https://shop.test/p?a=1&q=red%20shoes&q=second#q=hash", "red shoes"),
        ("/p?q=red+shoes", "red shoes"),
        ("?q=%C3%BC", "ü"),
        ("/p?%71=escaped", "escaped"),
        ("/p?q=a=b", "a=b"),
        ("/p?q=", ""),
        ("/p?q", ""),
        ("/p?qq=1", None),
        ("/p?", None),
        ("/p", None),
        ("/p#?q=1", None),
        ("http://[broken?q=1", "1"),
        ("", None),
    ],
)
def test_url_param_gives_the_first_decoded_value(url: str, expected: str | None) -> None:
    assert call("url_param(value.url, 'q')", url=url) == expected


def test_url_param_finds_no_name_in_an_empty_query() -> None:
    assert call("url_param('/p?&a=1', '')") is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["", None, "a", "b"], "a"), ([None, 0], 0), (["", False], False), ([[], "a"], []), ([None, ""], None)],
)
def test_coalesce_empty_passes_over_null_and_empty_text_only(values: list[Any], expected: Any) -> None:
    members = {f"m{number}": value for number, value in enumerate(values)}
    arguments = ", ".join(f"value.{name}" for name in members)
    assert call(f"coalesce_empty({arguments})", **members) == expected
