"""What each type becomes, as docs/formats/types.md says, and which members take it."""

import json
import math
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connector.core.formats.avro import compile_avro
from connector.core.formats.avro_schema import PRIMITIVES
from connector.core.formats.avro_values import _LOGICAL
from connector.core.mapping.times import time_parser
from connector.core.mapping.values import serialise, to_number, to_properties, to_text
from connector.core.records import DataError
from tests.core.formats.avro_cases import written


def decoded(schema: Any, payload: bytes) -> Any:
    return compile_avro(json.dumps(schema))(payload)


def of(base: str, logical: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": logical, **more}


def named(base: str, name: str, **parameters: str) -> dict[str, Any]:
    return {"type": base, "connect.name": name, "connect.parameters": parameters}


def fixed(size: int, logical: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": "F", "size": size, **({"logicalType": logical} if logical else {}), **more}


CONNECT, DEBEZIUM = "org.apache.kafka.connect.data.", "io.debezium.time."
MOMENT = 1_795_854_611_123  # 2026-11-28T08:30:11.123Z in milliseconds
BECOMES: Mapping[str, tuple[Any, Any, Any]] = {
    "null": ("null", None, None),
    "boolean": ("boolean", True, True),
    "int": ("int", -(2**31), -(2**31)),
    "long": ("long", 2**63 - 1, 2**63 - 1),
    "the smallest long": ("long", -(2**63), -(2**63)),
    "float": ("float", 19.99, 19.99),
    "whole float": ("float", 16777216.0, 16777216.0),
    "small float": ("float", 1e-45, 1e-45),
    "greatest float": ("float", 3.4028234663852886e38, 3.4028234663852886e38),
    "short double": ("double", 0.1, 0.1),
    "double": ("double", 0.1 + 0.2, 0.1 + 0.2),
    "bytes": ("bytes", b"\x00\xff", "AP8="),
    "short string": ("string", "View", "View"),
    "string": ("string", "Größe \U0001f600", "Größe \U0001f600"),
    "fixed": (fixed(2), b"\x00\xff", "AP8="),
    "enum": ({"type": "enum", "name": "E", "symbols": ["BUY", "VIEW"]}, "VIEW", "VIEW"),
    "array": ({"type": "array", "items": "int"}, [1, 2], [1, 2]),
    "map": ({"type": "map", "values": "int"}, {"a": 1}, {"a": 1}),
    "union": (["null", "string", "long"], "a", "a"),
    "decimal": (of("bytes", "decimal", scale=2, precision=9), b"\x07\xcf", 19.99),
    "negative decimal": (of("bytes", "decimal", scale=2, precision=9), b"\xf8\x31", -19.99),
    "decimal of no bytes": (of("bytes", "decimal", scale=2, precision=9), b"", 0.0),
    "whole decimal": (of("bytes", "decimal", precision=9), b"\x07\xcf", 1999),
    "decimal of 16 digits": (
        of("bytes", "decimal", scale=2, precision=16), (1234567890123456).to_bytes(8, "big"), 12345678901234.56
    ),
    "decimal of 16 digits that a float does not tell apart": (
        of("bytes", "decimal", scale=2, precision=16), (9007199254740993).to_bytes(8, "big"), "90071992547409.93"
    ),
    "decimal beyond a float": (
        of("bytes", "decimal", scale=2, precision=38), (12345678901234567890).to_bytes(9, "big"),
        "123456789012345678.90",
    ),
    "decimal beyond 64 bits": (of("bytes", "decimal", precision=38), (10**20).to_bytes(9, "big"), "1" + "0" * 20),
    "tiny decimal": (of("bytes", "decimal", scale=40, precision=40), b"\x01", 1e-40),
    "more digits than the precision": (of("bytes", "decimal", scale=2, precision=3), b"\x01\xe2\x40", 1234.56),
    "fixed decimal": (fixed(4, "decimal", scale=2, precision=9), b"\x00\x00\x07\xcf", 19.99),
    "decimal of a scale that is none": (of("bytes", "decimal", scale="2"), b"\x07\xcf", "B88="),
    "decimal of a scale below zero": (of("bytes", "decimal", scale=-2), b"\x07\xcf", "B88="),
    "big decimal": (of("bytes", "big-decimal"), b"\x04\x07\xcf\x04", 19.99),
    "big decimal of a scale below zero": (of("bytes", "big-decimal"), b"\x04\x07\xcf\x03", 199900),
    "uuid": (of("string", "uuid"), "0e4f5b9c-3c53-4b8e-9f0a-1f2e3d4c5b6a", "0e4f5b9c-3c53-4b8e-9f0a-1f2e3d4c5b6a"),
    "uuid that is none": (of("string", "uuid"), "none", "none"),
    "uuid of 16 bytes": (fixed(16, "uuid"), bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
    "uuid of fewer bytes": (fixed(2, "uuid"), b"\x00\xff", "AP8="),
    "duration": (fixed(12, "duration"), struct.pack("<III", 1, 2, 3_004), "P1M2DT3.004S"),
    "duration of fewer bytes": (fixed(2, "duration"), b"\x00\xff", "AP8="),
    "unknown logical type": (of("long", "fortnights"), 7, 7),
    "logical type of another type": (of("string", "timestamp-millis"), "7", "7"),
    "logical type that is no text": ({"type": "long", "logicalType": ["date"]}, 7, 7),
    "date": (of("int", "date"), 20_785, "2026-11-28"),
    "date before 1970": (of("int", "date"), -1, "1969-12-31"),
    "greatest date": (of("int", "date"), 2**31 - 1, "+5881580-07-11"),
    "smallest date": (of("int", "date"), -(2**31), "-5877641-06-23"),
    "date of the year 0": (of("int", "date"), -719_164, "0000-12-30"),
    "time-millis": (of("int", "time-millis"), 30_611_123, "08:30:11.123"),
    "time-micros": (of("long", "time-micros"), 30_611_123_456, "08:30:11.123456"),
    "time beyond a day": (of("int", "time-millis"), 90_000_000, "25:00:00.000"),
    "time before midnight": (of("int", "time-millis"), -1, "-00:00:00.001"),
    "timestamp-millis": (of("long", "timestamp-millis"), MOMENT, "2026-11-28T08:30:11.123Z"),
    "timestamp-micros": (of("long", "timestamp-micros"), MOMENT * 1000, "2026-11-28T08:30:11.123000Z"),
    "timestamp-nanos": (of("long", "timestamp-nanos"), MOMENT * 10**6 + 1, "2026-11-28T08:30:11.123000001Z"),
    "timestamp before 1970": (of("long", "timestamp-millis"), -1, "1969-12-31T23:59:59.999Z"),
    "timestamp for infinity": (of("long", "timestamp-millis"), 2**63 - 1, "+292278994-08-17T07:12:55.807Z"),
    "timestamp for minus infinity": (of("long", "timestamp-millis"), -(2**63), "-292275055-05-16T16:47:04.192Z"),
    "local-timestamp-millis": (of("long", "local-timestamp-millis"), MOMENT, "2026-11-28T08:30:11.123"),
    "local-timestamp-micros": (of("long", "local-timestamp-micros"), MOMENT * 1000, "2026-11-28T08:30:11.123000"),
    "local-timestamp-nanos": (of("long", "local-timestamp-nanos"), MOMENT * 10**6, "2026-11-28T08:30:11.123000000"),
    "Connect's Decimal": (named("bytes", CONNECT + "Decimal", scale="2"), b"\x07\xcf", 19.99),
    "Connect's Decimal below zero": (
        {**named("bytes", CONNECT + "Decimal", scale="-2"), "logicalType": "decimal", "scale": -2}, b"\x07", 700
    ),
    "Connect's Decimal without a scale": (named("bytes", CONNECT + "Decimal"), b"\x07\xcf", "B88="),
    "Connect's Date": (named("int", CONNECT + "Date"), 20_785, "2026-11-28"),
    "Connect's Timestamp": (named("long", CONNECT + "Timestamp"), MOMENT, "2026-11-28T08:30:11.123Z"),
    "Debezium's Date": (named("int", DEBEZIUM + "Date"), 20_785, "2026-11-28"),
    "Debezium's MicroTimestamp": (
        named("long", DEBEZIUM + "MicroTimestamp"), MOMENT * 1000, "2026-11-28T08:30:11.123000"
    ),
    "Debezium's NanoTime": (named("long", DEBEZIUM + "NanoTime"), 1, "00:00:00.000000001"),
    "Debezium's ZonedTimestamp": (
        named("string", DEBEZIUM + "ZonedTimestamp"), "2026-11-28T08:30:11Z", "2026-11-28T08:30:11Z"
    ),
    "Debezium's Bits": (named("bytes", "io.debezium.data.Bits", length="10"), b"\x01\x02", "1000000001"),
    "Debezium's Bits that are too many": (
        named("bytes", "io.debezium.data.Bits"), bytes(66), "A" * 88
    ),
    "a name of another": (named("bytes", "shop.Blob"), b"\x00\xff", "AP8="),
    "parameters that are none": (
        {"type": "bytes", "connect.name": CONNECT + "Decimal", "connect.parameters": 1}, b"\x00\xff", "AP8="
    ),
}  # fmt: skip


def _base(schema: Any) -> Any:
    """The schema without what fastavro's writer would read as a logical type."""
    if not isinstance(schema, dict):
        return schema
    return {key: value for key, value in schema.items() if key not in {"logicalType", "scale", "precision"}}


@pytest.mark.parametrize("name", BECOMES)
def test_each_type_becomes_what_the_table_says(name: str) -> None:
    schema, datum, expected = BECOMES[name]
    found = decoded(schema, written(_base(schema), datum))
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("name", [name for name in BECOMES if "null" not in name])
def test_an_optional_type_becomes_the_same_on_either_side_of_null(name: str) -> None:
    schema, datum, expected = BECOMES[name]
    branch = [schema] if not isinstance(schema, list) else schema[1:2]
    payload = written(_base(branch[0]), datum)
    assert decoded(["null", *branch], b"\x02" + payload) == expected
    assert decoded([*branch, "null"], b"\x00" + payload) == expected
    assert decoded(["null", *branch], b"\x00") is None
    assert decoded([*branch, "null"], b"\x02") is None
    assert decoded(["null", *branch, "null"], b"\x02" + payload) == expected


def test_the_page_of_types_has_a_row_for_each_type_and_examples_that_are_true() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats" / "types.md").read_text()
    page = page.partition("## Avro")[2].partition("## Limits")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall("`([^`]+)`", row[0])}
    named |= {f"local-timestamp{name}" for name in named if name.startswith("-")}
    assert {logical for _, logical in _LOGICAL} | set(PRIMITIVES) <= named
    shown = {text for row in rows for text in re.findall("(?<!not )`([^`]+)`", row[-2])}
    true = {text for _, _, expected in BECOMES.values() for text in (json.dumps(expected), str(expected))}
    assert len(shown) > 15
    assert shown <= true


def test_a_decimal_of_a_varying_scale_is_a_number() -> None:
    fields = [{"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}]
    name = "io.debezium.data.VariableScaleDecimal"
    schema = {"type": "record", "name": "V", "connect.name": name, "fields": fields}
    assert decoded({"type": "array", "items": schema}, b"\x04\x04\x04\x07\xcf\x00\x02\x07\x00") == [19.99, 7]


def test_nan_and_infinities_are_read_and_refused_by_the_members_that_they_are_mapped_to() -> None:
    for kind, pack in (("double", "<d"), ("float", "<f")):
        for value in (math.nan, math.inf, -math.inf):
            found = decoded(kind, struct.pack(pack, value))
            assert repr(found) == repr(value)
            for member in (to_text, to_number, time_parser(), lambda number: to_properties({"a": number})):
                with pytest.raises(DataError):
                    member(found)


def test_a_decimal_that_is_text_is_taken_by_event_value_and_properties() -> None:
    found = decoded(of("bytes", "decimal", scale=2), written("bytes", (12345678901234567890).to_bytes(9, "big")))
    assert to_number(found) == 123456789012345678.90
    assert serialise({"price": found}) == '{"price":"123456789012345678.90"}'


@pytest.mark.parametrize(("name", "seconds"), [
    ("timestamp-millis", MOMENT // 1000),
    ("timestamp-micros", MOMENT // 1000),
    ("timestamp-nanos", MOMENT // 1000),
    ("timestamp before 1970", -1),
    ("date", 20_785 * 86_400),
    ("local-timestamp-millis", MOMENT // 1000),
    ("local-timestamp-nanos", MOMENT // 1000),
])  # fmt: skip
def test_sent_at_reads_a_moment_of_any_unit(name: str, seconds: int) -> None:
    assert time_parser()(BECOMES[name][2]) == seconds
    assert time_parser("iso8601")(BECOMES[name][2]) == seconds


@pytest.mark.parametrize("name", ["timestamp for infinity", "timestamp for minus infinity", "greatest date"])
def test_sent_at_refuses_a_moment_that_no_calendar_has(name: str) -> None:
    with pytest.raises(DataError):
        time_parser()(BECOMES[name][2])


def test_keys_of_a_map_may_come_twice_and_the_last_counts() -> None:
    assert decoded({"type": "map", "values": "int"}, b"\x04\x02a\x02\x02a\x04\x00") == {"a": 2}


def test_blocks_with_a_size_are_read_as_those_without() -> None:
    assert decoded({"type": "array", "items": "int"}, b"\x03\x04\x02\x04\x02\x06\x00") == [1, 2, 3]
    assert decoded({"type": "map", "values": "int"}, b"\x01\x06\x02a\x02\x00") == {"a": 1}


def test_a_value_written_with_an_older_schema_has_what_that_schema_had() -> None:
    older = {"type": "record", "name": "Click", "fields": [{"name": "user", "type": "string"}]}
    newer = {**older, "fields": [*older["fields"], {"name": "page", "type": ["null", "string"], "default": None}]}
    assert decoded(older, b"\x02u") == {"user": "u"}
    assert decoded(newer, b"\x02u\x00") == {"user": "u", "page": None}
