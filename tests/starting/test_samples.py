"""Lines become records, whatever wrote them; what is no record is counted, and nothing is read without bounds."""

import itertools
import json
from typing import Any

import pytest

from connector.starting.samples import LARGEST, MOST, NoSamplesError, Sample, read

CLICK = {"session": "s1", "action": "view"}
TEXT = json.dumps(CLICK)


def records(*lines: str) -> list[Sample]:
    return read(f"{line}\n".encode() for line in lines).records


def test_a_line_of_json_is_a_value() -> None:
    assert records(TEXT, "", f"  {TEXT}") == [Sample(CLICK), Sample(CLICK)]


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_a_record() -> None:
    assert read([b"\xef\xbb\xbf" + TEXT.encode() + b"\r\n"]).records == [Sample(CLICK)]


@pytest.mark.parametrize("payload", [TEXT, CLICK], ids=["as text", "as JSON"])
def test_what_kcat_prints_as_json_has_its_metadata(payload: Any) -> None:
    line = {"topic": "web", "partition": 0, "offset": 7, "tstype": "create", "ts": 1795509011250, "broker": 1}
    line |= {"headers": ["tenant", "shop"], "key": "k1", "payload": payload}
    assert records(json.dumps(line)) == [Sample(CLICK, "k1", {"tenant": "shop"}, 1795509011250, "web")]


def test_a_record_of_map_has_its_metadata() -> None:
    line = {"value": CLICK, "headers": {"tenant": "shop"}, "timestamp": 1795509011250}
    assert records(json.dumps(line)) == [Sample(CLICK, None, {"tenant": "shop"}, 1795509011250)]


@pytest.mark.parametrize(
    ("prefix", "time"),
    [
        ("CreateTime:1795509011250\t", 1795509011250),
        ("CreateTime:1795509011250\tPartition:0\tOffset:5\ttenant:shop,a:b\tkey1\t", 1795509011250),
        ("LogAppendTime:1795509011250\tNO_HEADERS\tnull\t", 1795509011250),
        ("NO_TIMESTAMP\tkey1\t", None),
        ("[1795509011250] key1: ", 1795509011250),
        ("Topic: web [0] - offset 12 - key: k{1 -> ", None),
        ("key1|", None),
    ],
)  # fmt: skip
def test_what_the_console_consumer_or_a_format_of_kcat_prints_before_a_value_is_taken_off(
    prefix: str, time: int | None
) -> None:
    assert records(prefix + TEXT) == [Sample(CLICK, timestamp=time)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_rows_below_a_header_have_its_columns(delimiter: str) -> None:
    rows = [["session", "action"], ["s1", "view"], ["s1"], ["s2", "buy"]]
    found = read(f"{delimiter.join(row)}\n".encode() for row in rows)
    assert found.records == [Sample(CLICK), Sample({"session": "s2", "action": "buy"})]
    assert (found.columns, found.delimiter, found.unreadable) == (["session", "action"], delimiter, 1)


def test_a_tombstone_and_a_broken_line_are_counted_and_left_out() -> None:
    null = json.dumps({"topic": "web", "partition": 0, "payload": None})
    found = read(line.encode() for line in (TEXT, '{"session":', null, "null"))
    assert (found.records, found.unreadable) == ([Sample(CLICK)], 3)


def test_only_the_first_records_of_an_endless_file_are_read() -> None:
    lines = (TEXT.encode() for _ in itertools.count())
    assert len(read(lines).records) == MOST
    assert next(lines)


def test_large_records_are_read_up_to_a_bound() -> None:
    large = json.dumps({"session": "s" * 1_000_000}).encode()
    assert len(read(itertools.repeat(large)).records) == LARGEST // len(large) + 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "the file is empty"),
        ([b"\n", b"  \n"], "the file is empty"),
        ([b"\x00\x01\x02", b"hello"], "none of the first 2 lines is one; binary values such as Avro have"),
        ([b"\x00\x01\x02"], "the only line is none; binary values such as Avro have"),
        ([b"[", b'{"hello": 1},', b'{"hello": 2}', b"]"], "with jq -c '.[]' FILE > records.jsonl"),
        ([b'[{"hello": 1},', b' {"hello": 2}]'], "one JSON document over several lines"),
        ([b"{", b'"hello": {"a": 1}', b"}"], "with jq -c . FILE > records.jsonl"),
        ([b"a,b\n"], "expected rows of 2 cells below the header: there are none"),
    ],
)  # fmt: skip
def test_what_is_no_sample_is_said_without_its_contents(lines: list[bytes], message: str) -> None:
    with pytest.raises(NoSamplesError, match="expected") as raised:
        read(lines)
    assert message in str(raised.value)
    assert "hello" not in str(raised.value)
