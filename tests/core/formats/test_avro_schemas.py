"""A schema is read as its writer meant it, or refused with words that say where it is wrong."""

import json
from typing import Any

import pytest

from connector.core.formats.avro import compile_avro
from connector.core.formats.avro_schema import read_schema
from connector.core.formats.decoded import DecodingError, SchemaError
from connector.core.records import Reason


def record(*fields: Any, name: str = "Click", **others: Any) -> dict[str, Any]:
    parts = [{"name": f"f{number}", "type": one} for number, one in enumerate(fields)]
    return {"type": "record", "name": name, "fields": parts, **others}


def test_a_primitive_may_be_text_or_an_object_or_without_quotes() -> None:
    for schema in ('"long"', '{"type": "long"}', '{"type": {"type": "long"}}', "long"):
        assert compile_avro(schema)(b"\x54") == 42


def test_a_name_takes_the_namespace_around_it_unless_it_has_one_of_its_own() -> None:
    inner = {"type": "enum", "name": "Kind", "symbols": ["VIEW"]}
    other = {"type": "enum", "name": "Kind", "namespace": "stock", "symbols": ["SOLD"]}
    plain = {"type": "enum", "name": "Kind", "namespace": "", "symbols": ["PLAIN"]}
    schema = record(inner, other, plain, "Kind", "shop.Kind", "stock.Kind", namespace="shop")
    values = compile_avro(json.dumps(schema))(bytes(6)).values()
    assert list(values) == ["VIEW", "SOLD", "PLAIN", "VIEW", "VIEW", "SOLD"]


def test_a_name_with_dots_is_its_own_namespace() -> None:
    inner = {"type": "fixed", "name": "other.Id", "size": 1}
    schema = record(inner, "other.Id", name="shop.Click")
    assert read_schema(json.dumps(schema)).name == "shop.Click"
    assert list(compile_avro(json.dumps(schema))(b"ab").values()) == ["YQ==", "Yg=="]


def test_a_type_may_be_named_by_an_object() -> None:
    schema = record({"type": "enum", "name": "Kind", "symbols": ["VIEW"]}, {"type": "Kind"})
    assert list(compile_avro(json.dumps(schema))(bytes(2)).values()) == ["VIEW", "VIEW"]


def test_references_may_come_in_any_order_and_more_than_once() -> None:
    item = json.dumps(record("string", name="Item", namespace="shop"))
    cart = json.dumps(record({"type": "array", "items": "shop.Item"}, name="Cart", namespace="shop"))
    click = json.dumps(record("shop.Cart", "shop.Item", name="Click"))
    payload = b"\x02\x02a\x00\x02b"
    expected = {"f0": {"f0": [{"f0": "a"}]}, "f1": {"f0": "b"}}
    for references in ([item, cart], [cart, item], [cart, item, item]):
        assert compile_avro(click, references)(payload) == expected


def test_an_error_is_read_as_a_record() -> None:
    assert compile_avro(json.dumps(record("int", type="error")))(b"\x02") == {"f0": 1}


def test_a_logical_type_beside_a_field_s_type_counts_for_nothing_as_in_java() -> None:
    field = {"name": "at", "type": "long", "logicalType": "timestamp-millis"}
    schema = {"type": "record", "name": "Click", "fields": [field]}
    assert compile_avro(json.dumps(schema))(b"\x02") == {"at": 1}


INVALID = {
    "{": "expected an Avro schema, which is JSON, found other text",
    "7": "the schema: expected a type of Avro, found a number",
    "{}": "the schema: expected a type of Avro, found an object",
    "null schema": "expected an Avro schema, which is JSON, found other text",
    '"Clik"': "expected a type named Clik, found none: is a reference missing?",
    "[]": "the schema: expected a union of one type or more, found none",
    '["null", ["int"]]': "the schema: expected a type in a union, found another union",
    '{"type": "array"}': "the schema, items: expected a type of Avro, found null",
    '{"type": "map"}': "the schema, values: expected a type of Avro, found null",
    '{"type": "enum", "symbols": []}': "the schema: expected a name of the enum, found null",
    '{"type": "enum", "name": "E"}': "enum E: expected a list of symbols, found null",
    '{"type": "enum", "name": "E", "symbols": [1]}': "enum E: expected a list of symbols, found a list",
    '{"type": "fixed", "name": "F"}': "fixed F: expected a size in bytes, found null",
    '{"type": "fixed", "name": "F", "size": true}': "fixed F: expected a size in bytes, found a boolean",
    '{"type": "fixed", "name": "F", "size": -1}': "fixed F: expected a size in bytes, found a number",
    '{"type": "record", "name": "R"}': "record R: expected a list of fields, found null",
    '{"type": "record", "name": "R", "fields": [1]}': "record R: expected fields with a name and a type, found another",
    '{"type": "record", "name": "R", "fields": [{"name": "a"}]}': (
        "record R: expected fields with a name and a type, found another"
    ),
    '{"type": "record", "name": "R", "fields": [{"name": "a", "type": 1}]}': (
        "record R, field a: expected a type of Avro, found a number"
    ),
    '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}, {"name": "a", "type": "int"}]}': (
        "record R: expected one field a, found two"
    ),
    '{"type": "record", "name": "Click", "fields": [{"name": "a", "type": "Clik"}]}': (
        "expected a type named Clik, found none; did you mean Click?"
    ),
    '[{"type": "fixed", "name": "F", "size": 1}, {"type": "fixed", "name": "F", "size": 2}]': (
        "the schema: expected one definition of F, found two that differ"
    ),
}


@pytest.mark.parametrize(("schema", "message"), INVALID.items())
def test_an_invalid_schema_is_refused_with_where_and_what(schema: str, message: str) -> None:
    with pytest.raises(SchemaError) as error:
        compile_avro(schema)
    assert str(error.value) == message


def test_an_invalid_reference_says_that_it_is_one() -> None:
    with pytest.raises(SchemaError, match="a referenced schema: expected a type of Avro, found a number"):
        compile_avro('"int"', ["1"])


def nested(levels: int, kind: str = "array", inner: str = "items") -> str:
    return f'{{"type": "{kind}", "{inner}": ' * levels + '"int"' + "}" * levels


@pytest.mark.parametrize("levels", [129, 800, 100_000])
def test_a_schema_nested_too_deep_is_refused_however_deep_it_is(levels: int) -> None:
    for schema in (nested(levels), nested(levels, "map", "values")):
        with pytest.raises(SchemaError, match="nested"):
            compile_avro(schema)


def test_a_schema_nested_as_deep_as_allowed_is_read() -> None:
    assert compile_avro(nested(128))(b"\x00") == []


def test_a_small_schema_that_unfolds_into_a_million_values_is_refused() -> None:
    inner: Any = "null"
    for level in range(20):
        inner = record(inner, f"R{level - 1}" if level else "null", name=f"R{level}")
    with pytest.raises(SchemaError, match="records take at most 200000 steps to decode"):
        compile_avro(json.dumps(inner))


def test_a_record_within_itself_of_which_none_ends_is_refused_as_nested_too_deep() -> None:
    decode = compile_avro(json.dumps(record("Click")))
    with pytest.raises(DecodingError) as error:
        decode(b"")
    assert error.value.reason is Reason.NESTED_TOO_DEEP
