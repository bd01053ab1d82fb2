"""Each row of the tables of Protobuf and of Kafka Connect is what the decoder makes; Avro's are in test_avro_values."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from connector.core.formats.connect_types import CONNECT, DATA, TIME, conversion
from connector.core.formats.protobuf import compile_protobuf
from tests.support.protobuf_schemas import compiled, message_class

FORMATS = Path(__file__).parents[3] / "docs" / "formats"


def rows(page: str, start: str, end: str) -> dict[str, list[str]]:
    """The cells of each row of the tables between two headings, by the first."""
    text = (FORMATS / page).read_text().partition(f"\n## {start}\n")[2].partition(f"\n## {end}\n")[0]
    assert text
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells if row[0] not in {"type", "well-known type", "name of the schema"}}


def example(cells: list[str]) -> str | None:
    """The first thing that is said to come out; None where the row shows nothing."""
    found = re.search("`([^`]+)`", cells[1])
    return None if found is None else found[1]


def _of(name: str, **fields: Any) -> Any:
    return compile_protobuf(compiled(), name)(message_class(name)(**fields).SerializeToString())


def click(**fields: Any) -> Any:
    return _of("shop.Click", **fields)[next(iter(fields))]


def known(**fields: Any) -> Any:
    return _of("shop.Known", **fields)[next(iter(fields))]


PROTOBUF: dict[str, Any] = {
    "`int32`, `int64`, `uint32`, `uint64`, `sint`, `fixed`, `sfixed`": lambda: click(seen=2**63 - 1),
    "`double`": lambda: click(price=19.99),
    "`float`": lambda: click(rate=19.99),
    "`bool`": lambda: click(mobile=True),
    "`string`": lambda: click(user="View"),
    "`bytes`": lambda: click(token=b"\xff\x00"),
    "enum": lambda: click(kind=1),
    "`google.protobuf.Timestamp`": lambda: known(at={"seconds": 1_795_509_011, "nanos": 123_456_789}),
    "`google.protobuf.Duration`": lambda: known(took={"seconds": 3, "nanos": 500_000_000}),
    "`google.protobuf.StringValue` and the other wrappers": lambda: known(text={"value": "a"}),
    "`google.protobuf.Struct`, `Value`, `ListValue`": lambda: known(extra={"a": [1, 2.5]}),
    "`google.protobuf.FieldMask`": lambda: known(mask={"paths": ["user", "items.id"]}),
    "`google.protobuf.Empty`": lambda: known(empty={}),
    "`google.type.Date`": lambda: known(day={"year": 2026, "month": 11, "day": 24}),
    "`google.type.Decimal`, `confluent.type.Decimal`": lambda: known(exact={"value": "19.99"}),
    "`google.type.Money`": lambda: known(paid={"currency_code": "EUR", "units": 12, "nanos": 500_000_000}),
}
# Rows whose shape is the point, and not an example: each has a test of its own in test_protobuf.
SHAPES: dict[str, Any] = {
    "`double`, `float`: NaN, infinities": lambda: math.isnan(click(price=math.nan)),
    "message, group": lambda: click(item={"id": "i"}) == {"id": "i", "quantity": 0},
    "`repeated`": lambda: (click(tags=["a"]), _of("shop.Click")["tags"]) == (["a"], []),
    "`map`": lambda: list(click(shelves={9: {}})) == ["9"],
    "`oneof`": lambda: "code" not in _of("shop.Click", campaign="c"),
}


def shown(found: Any) -> set[str]:
    return {json.dumps(found), str(found)}


@pytest.mark.parametrize("row", PROTOBUF)
def test_each_row_of_protobufs_table_is_what_the_decoder_makes(row: str) -> None:
    cells, found = rows("types.md", "Protobuf", "JSON Schema")[row], PROTOBUF[row]()
    text = example(cells)
    if text is None:
        [text] = re.findall("`([^`]+)`", cells[1] + cells[0])[:1] or [""]
    assert text in shown(found), (row, found)


@pytest.mark.parametrize("row", SHAPES)
def test_each_shape_of_protobufs_table_is_what_the_decoder_makes(row: str) -> None:
    assert row in rows("types.md", "Protobuf", "JSON Schema")
    assert SHAPES[row]()


def test_no_row_of_protobufs_table_is_without_a_test() -> None:
    others = {"extension", "`google.protobuf.Any`"}  # by name in test_protobuf
    assert rows("types.md", "Protobuf", "JSON Schema").keys() == {*PROTOBUF, *SHAPES, *others}


MOMENT, TIME_OF_DAY = 1_795_509_011_250, 30_611_250
CONNECTS: dict[str, list[tuple[str, Any, dict[str, Any], Any]]] = {
    "`org.apache.kafka.connect.data.Decimal`": [
        (f"{CONNECT}Decimal", "BAg=", {"scale": "2"}, 10.32),
    ],
    "`….Date`": [(f"{CONNECT}Date", 20_781, {}, "2026-11-24")],
    "`….Time`": [(f"{CONNECT}Time", TIME_OF_DAY, {}, "08:30:11.250")],
    "`….Timestamp`": [(f"{CONNECT}Timestamp", MOMENT, {}, "2026-11-24T08:30:11.250Z")],
    "`io.debezium.time.Date`": [(f"{TIME}Date", 20_781, {}, "2026-11-24")],
    "`….Time`, `….MicroTime`, `….NanoTime`": [
        (f"{TIME}Time", TIME_OF_DAY, {}, "08:30:11.250"),
        (f"{TIME}MicroTime", TIME_OF_DAY * 1_000, {}, "08:30:11.250000"),
        (f"{TIME}NanoTime", TIME_OF_DAY * 1_000_000, {}, "08:30:11.250000000"),
    ],
    "`….Timestamp`, `….MicroTimestamp`, `….NanoTimestamp`": [
        (f"{TIME}Timestamp", MOMENT, {}, "2026-11-24T08:30:11.250"),
        (f"{TIME}MicroTimestamp", MOMENT * 1_000, {}, "2026-11-24T08:30:11.250000"),
        (f"{TIME}NanoTimestamp", MOMENT * 1_000_000, {}, "2026-11-24T08:30:11.250000000"),
    ],
    "`io.debezium.data.VariableScaleDecimal`": [
        (f"{DATA}VariableScaleDecimal", {"scale": 2, "value": "BAg="}, {}, 10.32),
    ],
    "`io.debezium.data.Json`": [(f"{DATA}Json", '{"a": 1}', {}, {"a": 1}), (f"{DATA}Json", "{no", {}, "{no")],
    "`io.debezium.data.Bits`": [(f"{DATA}Bits", "BQ==", {"length": "3"}, "101")],
}
SAME = {
    "`….ZonedTimestamp`, `….ZonedTime`, `….Interval`": [
        f"{TIME}{each}" for each in ("ZonedTimestamp", "ZonedTime", "Interval")
    ],
    "`….Year`, `….MicroDuration`": [f"{TIME}{each}" for each in ("Year", "MicroDuration")],
    "`….Enum`, `….EnumSet`, `….Uuid`, `….Xml`, `….Ltree`": [
        f"{DATA}{each}" for each in ("Enum", "EnumSet", "Uuid", "Xml", "Ltree")
    ],
    "any other": ["shop.Anything"],
}


@pytest.mark.parametrize("row", CONNECTS)
def test_each_row_of_connects_table_is_what_the_conversion_makes(row: str) -> None:
    cells = rows("connect.md", "What each type becomes", "What can go wrong")[row]
    for name, value, parameters, expected in CONNECTS[row]:
        convert = conversion(name, parameters)
        assert convert is not None
        assert convert(value) == expected
    said = re.search("^`([^`]+)`", cells[0])
    assert said is None or said[1] in {str(case[3]) for case in CONNECTS[row]} or said[1] == "Decimal"


@pytest.mark.parametrize("row", SAME)
def test_what_connects_table_calls_the_same_is_converted_by_nothing(row: str) -> None:
    assert row in rows("connect.md", "What each type becomes", "What can go wrong")
    assert [conversion(name, {}) for name in SAME[row]] == [None] * len(SAME[row])


def test_no_row_of_connects_table_is_without_a_test() -> None:
    assert rows("connect.md", "What each type becomes", "What can go wrong").keys() == {*CONNECTS, *SAME}
