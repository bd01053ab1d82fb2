"""Bytes of any kind become a document or a reason, no number changes on the way, and no message tells a value."""

import json
from typing import Any, Literal

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.core.formats.decoded import Decode, DecodingError, Document, Undecodable
from connector.core.formats.plain import decode_bytes, decode_json, decode_text
from connector.core.mapping.reading import (
    KEY_DECODERS,
    compile_key,
    compile_reader,
    decode_headers,
)
from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.records import Reason, Record, Rejection, Skip, Stage
from connector.core.words import TYPE_WORDS

SECRET = "s3cr3t"
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


read_value = compile_reader(ValueFormat())


def decode_key(record: Record, decode: Decode) -> Any:
    name = next(name for name, each in KEY_DECODERS.items() if each is decode)
    return compile_key(KeyFormat.model_validate({"format": name}))(record)


def record(value: bytes | None = b"{}", key: bytes | None = None, **parts: Any) -> Record:
    return Record("topic", 0, 0, None, key, value, **parts)


def refused(value: bytes) -> DecodingError:
    with pytest.raises(DecodingError) as caught:
        decode_json(value)
    return caught.value


@given(JSON)
def test_a_document_is_read_as_it_was_written(document: Any) -> None:
    assert decode_json(orjson.dumps(document)) == document
    assert decode_json(json.dumps(document, indent=2).encode()) == document


def _is_exact(number: int) -> bool:
    return -(2**63) <= number < 2**64


@given(
    st.integers(-(10**30), 10**30) | st.integers(-(2**63) - 3, -(2**63) + 3) | st.integers(2**64 - 3, 2**64 + 3),
    st.text(st.sampled_from(" \t\n"), max_size=14),
    st.sampled_from(["{before}{number}", '{before}{{"id":{number}}}', '{before}[1,{number},"x"]']),
)
@example(10**4000, "", "{before}[{number}]")
@example(10**200, "", "{before}[{number}]")
def test_an_integer_is_exact_or_refused_wherever_it_stands(number: int, before: str, shape: str) -> None:
    value = shape.format(before=before, number=number).encode()
    if _is_exact(number):
        assert str(number) in str(decode_json(value))
    else:
        error = refused(value)
        assert error.reason is Reason.NUMBER_OUT_OF_RANGE
        assert str(number) not in str(error)


@given(st.lists(st.integers(0, 2**70) | st.integers(2**64 - 2, 2**64 + 2), min_size=1, max_size=8))
def test_one_inexact_integer_among_others_is_found(numbers: list[int]) -> None:
    value = json.dumps({"ids": numbers}).encode()
    if all(map(_is_exact, numbers)):
        assert decode_json(value) == {"ids": numbers}
    else:
        assert refused(value).reason is Reason.NUMBER_OUT_OF_RANGE


@pytest.mark.parametrize(
    "value",
    [b'{"id": "12345678901234567890123"}', b"[0.12345678901234567890123]", b"[12345678901234567890123e-5]"],
)
def test_long_digits_that_are_no_integer_pass(value: bytes) -> None:
    assert decode_json(value) == orjson.loads(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", Reason.EMPTY_VALUE),
        (b" \n\t", Reason.EMPTY_VALUE),
        (b"\xff\xfe", Reason.NOT_UTF8),
        (b'{"a": "\xe9"}', Reason.NOT_UTF8),
        (b"[" * 1025 + b"]" * 1025, Reason.NESTED_TOO_DEEP),
        (b"1e999", Reason.NUMBER_OUT_OF_RANGE),
        (b"[-1e999]", Reason.NUMBER_OUT_OF_RANGE),
        (b"{", Reason.NOT_JSON),
        (b"NaN", Reason.NOT_JSON),
        (b"{} {}", Reason.NOT_JSON),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", Reason.NOT_JSON),
        (b"\xef\xbb\xbf" * 300_000, Reason.NOT_JSON),
        (b"\xef\xbb\xbf", Reason.EMPTY_VALUE),
        (b"{}\xef\xbb\xbf", Reason.NOT_JSON),
        (b'"\\ud800"', Reason.NOT_JSON),
        ("{}".encode("utf-16-le"), Reason.NOT_JSON),
    ],
)
def test_a_value_that_cannot_be_read_has_its_reason(value: bytes, reason: Reason) -> None:
    assert refused(value).reason is reason


def test_a_long_number_deep_down_is_refused_even_where_it_cannot_be_looked_at() -> None:
    deep = b"[" * 1000 + b"12345678901234567890123" + b"]" * 1000
    assert refused(deep).reason in {Reason.NESTED_TOO_DEEP, Reason.NUMBER_OUT_OF_RANGE}


def test_the_position_in_a_message_counts_characters() -> None:
    assert str(refused('"éé" x'.encode())).endswith("at character 5")
    assert str(refused(b'{"a": "\xe9"}')).endswith("byte 7 is not")


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | JSON.map(orjson.dumps))
def test_any_bytes_become_an_object_or_a_rejection_or_are_null(value: bytes) -> None:
    found = read_value(record(value))
    assert isinstance(found, Document | Rejection) or (found is Skip.TOMBSTONE and value.strip() == b"null")
    if isinstance(found, Rejection):
        assert (found.stage, found.field) == (Stage.DECODE, "value")


@given(st.binary(max_size=40))
def test_any_bytes_become_a_key_or_what_is_wrong_with_it(key: bytes) -> None:
    assert decode_key(record(key=key), KEY_DECODERS["bytes"]) == key.hex()
    for decode in KEY_DECODERS.values():
        decoded = decode_key(record(key=key), decode)
        if isinstance(decoded, Undecodable):
            assert decoded.message.startswith("key: expected ")


@given(
    st.integers(0, 40),
    st.sampled_from([b"\xff", b"{", b"]", b'"', b"\\", b"\x00", b"1", b"9" * 30, b"e", b":", b",", b"[" * 1100]),
)
def test_no_message_tells_what_was_read(at: int, broken: bytes) -> None:
    text = json.dumps({SECRET: [SECRET, {"a": SECRET}], "b": SECRET}).encode()
    value = text[:at] + broken + text[at:]
    for decoded in (read_value(record(value)), decode_key(record(key=value), decode_text)):
        if isinstance(decoded, Rejection | Undecodable):
            assert SECRET not in decoded.message


@given(JSON)
def test_a_byte_order_mark_at_the_start_is_not_data(document: Any) -> None:
    assert decode_json(b"\xef\xbb\xbf" + orjson.dumps(document)) == document


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b'{"price":NaN}', "at character 9; NaN is no JSON: write null"),
        (b"[nan]", "NaN is no JSON: write null"),
        (b"[Infinity]", "Infinity is no JSON: write null"),
        (b"[-Infinity]", "Infinity is no JSON: write null"),
        (b'{"a": True}', "True is no JSON: write true"),
        (b'{"a": None}', "None is no JSON: write null"),
        (b'{"a": undefined}', "undefined is no JSON: write null or no member"),
        (b"// x\n{}", "at character 0; JSON has no comments"),
        (b'{"a":1}\n{"a":2}', "; for a document on each line set value.format to json_lines"),
        (b'{"a":s3cr3t}', "expected a JSON value at character 5"),
        (b"{} {}", "unexpected content after document at character 3"),
    ],
)
def test_a_known_mistake_is_named(value: bytes, words: str) -> None:
    assert str(refused(value)).endswith(words)


LIST = "set value.root to array, and take its elements with for_each: value"
ANY = "set value.root to any"
PARSED = f"text that holds JSON itself: {ANY}, and read parse_json(value)"


@pytest.mark.parametrize(
    ("root", "value", "words"),
    [
        (None, b"[]", f"a JSON object, not a list: {LIST}"),
        ("object", b'"a"', f"a JSON object, not text: {ANY}"),
        ("object", b"1", f"a JSON object, not a number: {ANY}"),
        ("object", b"1.5", f"a JSON object, not a number: {ANY}"),
        ("object", b"true", f"a JSON object, not a boolean: {ANY}"),
        ("object", rb'"{\"a\":1}"', f"a JSON object, not {PARSED}"),
        ("object", rb'"12"', f"a JSON object, not text: {ANY}"),
        ("array", b"{}", "a JSON list, not an object: set value.root to object"),
        ("array", b"1", f"a JSON list, not a number: {ANY}"),
        ("array", rb'"[1]"', f"a JSON list, not {PARSED}"),
    ],
)
def test_a_value_of_another_root_is_named_with_the_setting_that_takes_it(
    root: Literal["object", "array"] | None, value: bytes, words: str
) -> None:
    reason = Reason.NOT_A_LIST if root == "array" else Reason.NOT_AN_OBJECT
    rejection = compile_reader(ValueFormat(root=root))(record(value))
    assert rejection == Rejection(Stage.DECODE, reason, f"value: expected {words}", field="value")


@given(JSON.filter(lambda document: document is not None))
def test_any_root_takes_whatever_json_has(document: Any) -> None:
    assert compile_reader(ValueFormat(root="any"))(record(orjson.dumps(document))) == Document(document)


@pytest.mark.parametrize("value", [b"{}", b"[]"])
def test_a_root_that_is_not_set_may_be_a_list_where_a_rule_takes_the_value_as_one(value: bytes) -> None:
    read = compile_reader(ValueFormat(), takes_list=True)
    assert read(record(value)) == Document(orjson.loads(value))
    assert read(record(b"1")) == Rejection(
        Stage.DECODE, Reason.NOT_AN_OBJECT, f"value: expected a JSON object or list, not a number: {ANY}", field="value"
    )


@pytest.mark.parametrize("value", [b"null", b" null\n", b"\xef\xbb\xbfnull"])
@pytest.mark.parametrize("root", [None, "object", "array", "any"])
def test_the_json_text_null_is_no_value(value: bytes, root: Literal["object", "array", "any"] | None) -> None:
    assert compile_reader(ValueFormat(root=root))(record(value)) is Skip.TOMBSTONE


def test_every_type_that_json_has_a_name() -> None:
    kinds = {type(orjson.loads(text)) for text in ("{}", "[]", '""', "1", "1.5", "true", "null")}
    assert kinds == set(TYPE_WORDS)


def test_no_value_is_an_empty_one() -> None:
    rejection = read_value(record(None))
    assert isinstance(rejection, Rejection)
    assert rejection.reason is Reason.EMPTY_VALUE


def test_a_record_without_a_key_has_none() -> None:
    assert decode_key(record(), decode_text) is None
    assert decode_key(record(key=b""), decode_text) == ""


def test_a_key_is_read_in_its_format() -> None:
    assert decode_key(record(key="é".encode()), KEY_DECODERS["string"]) == "é"
    assert decode_key(record(key=b'{"a": 1}'), KEY_DECODERS["json"]) == {"a": 1}
    assert decode_bytes(b"\x00\xff") == "00ff"
    wrong = decode_key(record(key=b"a\xff"), KEY_DECODERS["string"])
    assert wrong == Undecodable(Reason.NOT_UTF8, "key: expected UTF-8, but byte 1 is not")


def test_headers_are_text_or_null_and_the_last_of_a_name_wins() -> None:
    headers = (("a", b"1"), ("b", None), ("c", b"\xff"), ("a", b"2"))
    assert decode_headers(record(headers=headers)) == {"a": "2", "b": None, "c": None}
