"""No record can crash, hang or swell the process, whatever it holds: each ends in a value or in a DecodingError.

What fastavro does with some of them is told in docs/decisions/0034.
"""

import json
import struct
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest

from connector.core.formats.avro import compile_avro, compile_avro_file
from connector.core.formats.avro_reading import MAX_DEPTH, MAX_STEPS
from connector.core.formats.decoded import DecodingError, SchemaError
from connector.core.records import Reason

NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Node"]}],
}
TREE = {
    "type": "record",
    "name": "Tree",
    "fields": [{"name": "children", "type": {"type": "array", "items": "Tree"}}],
}
CLICK = {
    "type": "record",
    "name": "Click",
    "namespace": "shop",
    "fields": [
        {"name": "user", "type": "string"},
        {"name": "item", "type": {"type": "record", "name": "Item", "fields": [{"name": "id", "type": "string"}]}},
    ],
}
MIB = 2**20


def zigzag(number: int) -> bytes:
    left, packed = (number << 1) ^ (number >> 63), bytearray()
    while left > 127:
        packed.append(left & 127 | 128)
        left >>= 7
    return bytes([*packed, left])


def refused(schema: Any, payload: bytes, reason: Reason = Reason.NOT_AVRO) -> str:
    with pytest.raises(DecodingError) as error:
        compile_avro(json.dumps(schema))(payload)
    assert error.value.reason is reason
    return error.value.message


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


# Recursion


def test_a_linked_list_is_read_as_deep_as_allowed_and_refused_beyond() -> None:
    decode = compile_avro(json.dumps(NODE))
    value, nodes = decode(b"\x02\x02" * MAX_DEPTH + b"\x02\x00"), 0
    while value:
        value, nodes = value["next"], nodes + 1
    assert nodes == MAX_DEPTH + 1
    message = refused(NODE, b"\x02\x02" * (MAX_DEPTH + 1) + b"\x02\x00", Reason.NESTED_TOO_DEEP)
    assert message.endswith("expected records, lists and maps nested at most 128 deep, found deeper ones")


def test_a_tree_is_read_as_deep_as_allowed_and_a_wide_one_may_be_as_wide_as_it_likes() -> None:
    decode = compile_avro(json.dumps(TREE))
    assert decode(b"\x02" * (MAX_DEPTH // 2) + b"\x00" * (MAX_DEPTH // 2 + 1))["children"]
    assert len(decode(zigzag(10_000) + b"\x00" * 10_001)["children"]) == 10_000
    refused(TREE, b"\x02" * (MAX_DEPTH // 2 + 1) + b"\x00" * 100, Reason.NESTED_TOO_DEEP)


@pytest.mark.parametrize("levels", [10_000, 1_000_000])
def test_a_record_of_ten_thousand_levels_is_refused_where_fastavro_crashes(levels: int) -> None:
    refused(NODE, b"\x02\x02" * levels, Reason.NESTED_TOO_DEEP)
    refused(TREE, b"\x02" * levels, Reason.NESTED_TOO_DEEP)


def test_a_caller_that_is_nested_deep_itself_gets_the_same_refusal() -> None:
    decode = compile_avro(json.dumps(NODE))

    def deeper() -> Any:
        try:
            return deeper()
        except RecursionError:
            return decode(b"\x02\x02" * 100 + b"\x02\x00")

    with pytest.raises(DecodingError) as error:
        deeper()
    assert error.value.reason is Reason.NESTED_TOO_DEEP


def test_a_schema_compiled_where_the_stack_ends_is_refused_as_too_deep() -> None:
    def deeper() -> Any:
        try:
            return deeper()
        except RecursionError:
            return compile_avro(json.dumps(CLICK))

    with pytest.raises(SchemaError, match="nested"):
        deeper()


# Counts and lengths

HUGE = 2**62
COUNTS: Mapping[str, tuple[Any, bytes]] = {
    "items that take no bytes": (array("null"), zigzag(HUGE)),
    "records without fields": (array({"type": "record", "name": "R", "fields": []}), zigzag(HUGE)),
    "a fixed of no size": (array({"type": "fixed", "name": "F", "size": 0}), zigzag(HUGE)),
    "a negative count with a size": (array("null"), zigzag(-HUGE) + zigzag(0)),
    "the smallest count there is": (array("null"), zigzag(-(2**63)) + zigzag(0)),
    "items of one byte": (array("boolean"), zigzag(HUGE)),
    "pairs of a map": ({"type": "map", "values": "null"}, zigzag(HUGE)),
    "many blocks of one item": (array("null"), b"\x02" * (MAX_STEPS // 5 + 1)),
    "lists within a list": (array(array("null")), zigzag(MAX_STEPS // 10) + zigzag(MAX_STEPS)),
    "nodes of a wide tree": (TREE, zigzag(MAX_STEPS // 7) + b"\x00" * MAX_STEPS),
    "floats, which take longer": (array("float"), zigzag(MAX_STEPS // 10)),
    "dates, which take longer": (array({"type": "int", "logicalType": "date"}), zigzag(MAX_STEPS // 16)),
}


@pytest.mark.parametrize("name", COUNTS)
def test_more_values_than_a_record_may_have_are_refused(name: str) -> None:
    schema, payload = COUNTS[name]
    message = refused(schema, payload, Reason.UNPACKED_TOO_LARGE)
    assert message.endswith("expected a record that takes at most 200000 steps to decode, found a larger one")


def test_a_list_of_as_many_values_as_allowed_is_read() -> None:
    some = MAX_STEPS - 4  # a block takes four
    assert len(compile_avro(json.dumps(array("null")))(zigzag(some) + b"\0")) == some
    decode, some = compile_avro(json.dumps(array("string"))), some // 3
    assert len(decode(zigzag(some) + b"\0" * some + b"\0")) == some


def many(items: Any, steps: int, item: bytes) -> tuple[Any, bytes]:
    """As many items as are allowed, of which one takes so many steps."""
    count = (MAX_STEPS - 4) // steps
    return array(items), zigzag(count) + item * count + b"\0"


ONE = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}
MAP = {"type": "map", "values": "null"}
LARGEST: Mapping[str, tuple[Any, bytes]] = {
    "lists": many(array("int"), 5, b"\0"),
    "records": many({"type": "record", "name": "R", "fields": []}, 2, b""),
    "records of one field": many(ONE, 5, b"\x80\x08"),
    "texts": many("string", 3, b"\x04\xc3\xa9"),
    "optional texts": many(["null", "string"], 4, b"\x02\x04\xc3\xa9"),
    "maps": many(MAP, 5 + 4 + 4, b"\x02\x02a\0"),
    "floats": many("float", 10, struct.pack("<f", 0.1234567)),
    "moments": many({"type": "long", "logicalType": "timestamp-nanos"}, 21, zigzag(2**62)),
    "blocks": (array("null"), b"\2" * ((MAX_STEPS - 4) // 5) + b"\0"),
    "a wide tree": (TREE, zigzag((MAX_STEPS - 4) // 8) + b"\0" * ((MAX_STEPS - 4) // 8) + b"\0"),
    "one text": ("string", zigzag(8 * MIB - 4) + "\U0001f600".encode() + b"a" * (8 * MIB - 8)),
}  # fmt: skip


@pytest.mark.grid
@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_record_of_each_shape_takes_less_than_50_mib(name: str) -> None:
    schema, payload = LARGEST[name]
    decode = compile_avro(json.dumps(schema))
    tracemalloc.start()
    try:
        assert decode(payload)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 50 * MIB


@pytest.mark.parametrize("kind", ["bytes", "string"])
def test_a_length_beyond_the_bytes_or_below_zero_is_refused(kind: str) -> None:
    early = f"Avro of {kind}: expected more bytes, found the end of the value"
    for length in (2, 63, 64, 10**6, 2**31, 2**63 - 1):
        assert refused(kind, zigzag(length) + b"a") == early
    for length in (-1, -64, -65, -(2**63)):
        assert refused(kind, zigzag(length)) == f"Avro of {kind}: expected a length, found a negative number"


# Single values

WRONG: Mapping[str, tuple[Any, bytes, str]] = {
    "a boolean that is neither": ("boolean", b"\x02", "expected a boolean, 0 or 1, found another byte"),
    "an int of more bits": ("int", zigzag(2**31), "expected an int of 32 bits, found a greater number"),
    "a long of more bits": ("long", b"\xff" * 9 + b"\x7f", "expected a number of 64 bits, found a greater one"),
    "a long without an end": (
        "long", b"\xff" * 11, "expected a number of 64 bits, found one of more than ten bytes"
    ),
    "a union's number": (
        ["null", "int", "string"], b"\x06", "expected one of 3 types of a union, found another number"
    ),
    "a union's number below zero": (
        ["null", "int", "string"], b"\x01", "expected one of 3 types of a union, found another number"
    ),
    "an optional's number": (["null", "int"], b"\x04", "expected one of 2 types of a union, found another number"),
    "an enum's number": (
        {"type": "enum", "name": "E", "symbols": ["A"]}, b"\x02", "expected one of 1 symbols, found another number"
    ),
    "an enum's number below zero": (
        {"type": "enum", "name": "E", "symbols": ["A"]}, b"\x01", "expected one of 1 symbols, found another number"
    ),
    "text that is none": ("string", b"\x02\xff", "expected text in UTF-8, found other bytes"),
    "text of half a pair": ("string", b"\x06\xed\xa0\x80", "expected text in UTF-8, found other bytes"),
    "half a float": ("float", b"\0\0", "expected more bytes, found the end of the value"),
    "half a double": ("double", b"\0\0\0\0", "expected more bytes, found the end of the value"),
    "half a fixed": (
        {"type": "fixed", "name": "F", "size": 4}, b"ab", "expected more bytes, found the end of the value"
    ),
    "nothing at all": ("long", b"", "expected more bytes, found the end of the value"),
    "a decimal of 65 bytes": (
        {"type": "bytes", "logicalType": "decimal"}, zigzag(65) + bytes(65),
        "expected a decimal of at most 64 bytes, found 65",
    ),
    "a big decimal of too few bytes": (
        {"type": "bytes", "logicalType": "big-decimal"}, b"\x02\x02",
        "expected more bytes, found the end of the value",
    ),
    "a big decimal without a scale": (
        {"type": "bytes", "logicalType": "big-decimal"}, b"\x04\x02a",
        "expected more bytes, found the end of the value",
    ),
    "a big decimal of too many bytes": (
        {"type": "bytes", "logicalType": "big-decimal"}, b"\x08\x02a\x02a",
        "expected a number and its scale in a big-decimal, found other bytes",
    ),
    "a big decimal of a huge scale": (
        {"type": "bytes", "logicalType": "big-decimal"}, b"\x08\x02a\xca\x01",
        "expected a number and its scale in a big-decimal, found other bytes",
    ),
    "a decimal of Debezium without its scale": (
        {"type": "record", "name": "V", "connect.name": "io.debezium.data.VariableScaleDecimal", "fields": [
            {"name": "scale", "type": ["null", "int"]}, {"name": "value", "type": "bytes"},
        ]}, b"\x00\x02a", "expected a whole number of at most 100 as the scale of a decimal",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_is_not_of_its_type_is_refused_with_what_was_expected(name: str) -> None:
    schema, payload, message = WRONG[name]
    assert refused(schema, payload).partition(": ")[2] == message


def test_bytes_after_the_record_are_refused_where_fastavro_ignores_them() -> None:
    assert refused(CLICK, b"\x02u\x02iabc") == (
        "Avro of shop.Click: expected the record to end after 4 bytes, found 3 more: was it written with this schema?"
    )


def test_a_message_names_the_fields_and_no_value() -> None:
    assert refused(CLICK, b"\x0csecret\x02\xff") == (
        "Avro of shop.Click, field item.id: expected text in UTF-8, found other bytes"
    )
    assert refused(CLICK, b"\x0csecret") == (
        "Avro of shop.Click, field item.id: expected more bytes, found the end of the value"
    )


def test_a_message_names_the_last_fields_of_a_long_way() -> None:
    message = refused(NODE, b"\x02\x02" * 20)
    assert message == (
        "Avro of Node, field ...next.next.next.next.next.value: expected more bytes, found the end of the value"
    )


def test_a_decoder_that_has_refused_a_record_reads_the_next() -> None:
    decode = compile_avro(json.dumps(NODE))
    for _ in range(3):
        with pytest.raises(DecodingError):
            decode(b"\x02\x02" * 10_000)
        assert decode(b"\x02\x00") == {"value": 1, "next": None}


# Frames where none is expected

FRAMES = {
    b"\x00\x00\x00\x00\x07\x02u\x02i": "schema 7: set schema_registry, not schema_file",
    b"\x03\x00"
    + bytes(16)
    + b"\x02u": f"schema {'0' * 8}-0000-0000-0000-{'0' * 12}: set schema_registry, not schema_file",
}


@pytest.mark.parametrize("value", FRAMES, ids=["confluent", "glue"])
def test_a_frame_is_named_where_a_schema_file_expects_none(value: bytes) -> None:
    with pytest.raises(DecodingError) as error:
        compile_avro_file(json.dumps(CLICK))(value)
    assert error.value.message.startswith("Avro of shop.Click")
    assert error.value.message.endswith(FRAMES[value])


def test_a_schema_file_reads_values_without_a_frame_and_says_nothing_of_frames_where_there_is_none() -> None:
    decode = compile_avro_file(json.dumps(CLICK))
    assert decode(b"\x02u\x02i") == {"user": "u", "item": {"id": "i"}}
    with pytest.raises(DecodingError) as error:
        decode(b"\x02u")
    assert error.value.message.endswith("expected more bytes, found the end of the value")
