"""Lines of a file become records: JSON, dumps of kcat and of Kafka's console consumer, CSV with a header.

Only as many records as an analysis needs are kept, and no line is read that is too long to be a record.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from connector.given_dumps import is_kcat

MOST = 1_000  # records
LONGEST = 1 << 20  # bytes of a line
LARGEST = 16 << 20  # bytes of all records
_GIVEN = frozenset({"value", "key", "headers", "topic", "partition", "offset", "timestamp"})
# How the console consumer prints a time; kcat prints milliseconds where its format has %T.
_TIME = re.compile(r"(?:CreateTime|LogAppendTime):(\d{12,14})\b|(?<![\d.])(\d{13})(?![\d.])")
_STARTS = re.compile(r"[{\[]")
_TRIES = 20  # places of a line at which JSON could start
_COLUMN = re.compile(r"[A-Za-z_][\w .:$@-]{0,63}")


class Sample(NamedTuple):
    """A record, as far as the dump tells."""

    value: Any
    key: str | None = None
    headers: dict[str, str] = {}  # noqa: RUF012  never changed
    timestamp: int | None = None
    topic: str | None = None


class Samples(NamedTuple):
    """Records, and how the values are written on the topic where that is not JSON."""

    records: list[Sample]
    unreadable: int = 0
    columns: list[str] | None = None
    delimiter: str | None = None


class NoSamplesError(ValueError):
    """There is nothing to propose a mapping from; the message says why."""


def read(lines: Iterable[bytes]) -> Samples:
    """The first records of these lines.

    Raises:
        NoSamplesError: no line is a record.
    """
    texts = _texts(lines)
    first = next(texts, None)
    if first is None:
        raise NoSamplesError("expected sample records: JSON lines, a dump of kcat or CSV; the file is empty")
    delimiter = _delimiter(first)
    if delimiter is not None:
        return _rows(first, texts, delimiter)
    rest = list(texts)
    _refuse_one_document(first, rest)
    found = [_record(text) for text in (first, *rest)]
    records = [record for record in found if record is not None]
    if not records:
        none = "the only line is none" if len(found) == 1 else f"none of the first {len(found)} lines is one"
        raise NoSamplesError(
            f"expected sample records as JSON lines, a dump of kcat (-J) or of kafka-console-consumer, or CSV with a "
            f"header: {none}; binary values such as Avro have to be decoded first"
        )
    return Samples(records, len(found) - len(records))


def _refuse_one_document(first: str, rest: Sequence[str]) -> None:
    """A document over several lines has lines that look like records, such as the last of a list."""
    opens = first.lstrip()[:1]
    if not opens or opens not in "{[" or _json(first) is not None:
        return
    if first.strip() in {"{", "["} or _json("\n".join([first, *rest])) is not None:
        way = "jq -c '.[]'" if opens == "[" else "jq -c ."
        raise NoSamplesError(
            "expected a record a line; found one JSON document over several lines: write its records a line each, with "
            f"{way} FILE > records.jsonl"
        )


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    """Lines that are no blank, as text; bytes that are not UTF-8 are no record, but count as a line."""
    count = size = 0
    for line in lines:
        if count == MOST or size > LARGEST:
            return
        text = line.decode("utf-8", "replace").removeprefix("\ufeff").strip("\r\n")
        if text.strip():
            count, size = count + 1, size + len(line)
            yield text


def _record(text: str) -> Sample | None:
    """The record of a line: JSON that is the line, or that ends it after a prefix."""
    for start in [0, *[match.start() for match in _STARTS.finditer(text)][:_TRIES]]:
        if text[start] in "{[" and (document := _json(text[start:])) is not None:
            return _described(document) if start == 0 else Sample(document, timestamp=_time(text[:start]))
    return None


def _json(text: str) -> dict[str, Any] | list[Any] | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict | list) else None


def _described(document: Any) -> Sample | None:
    """A record with its metadata, as kcat -J and `putevents map --records` have it; or a bare value."""
    if not isinstance(document, dict):
        return Sample(document)
    names = document.keys()
    if is_kcat(document):
        return _with(document, document["payload"], document.get("ts"))
    if "value" in names and names <= _GIVEN and len(names) > 1:
        return _with(document, document["value"], document.get("timestamp"))
    return Sample(document)


def _with(document: dict[str, Any], value: Any, time: Any) -> Sample | None:
    value = _json(value) if isinstance(value, str) else value
    if not isinstance(value, dict | list):
        return None
    key, topic = document.get("key"), document.get("topic")
    return Sample(
        value,
        key if isinstance(key, str) else None,
        dict(_headers(document.get("headers"))),
        time if isinstance(time, int) and time > 0 else None,
        topic if isinstance(topic, str) else None,
    )


def _headers(given: Any) -> Iterator[tuple[str, str]]:
    """Names and values: kcat lists them in turn, others have an object."""
    pairs: Iterable[tuple[Any, Any]] = given.items() if isinstance(given, dict) else ()
    if isinstance(given, list):
        pairs = zip(given[::2], given[1::2], strict=False)
    for name, value in pairs:
        if isinstance(name, str) and isinstance(value, str):
            yield name, value


def _time(prefix: str) -> int | None:
    match = _TIME.search(prefix)
    return int(match[1] or match[2]) if match else None


def _delimiter(first: str) -> str | None:
    """What is between the names of a header; None where the line is none."""
    if first.lstrip()[:1] in {"{", "["}:
        return None
    for delimiter in ("\t", ",", ";"):
        cells = _cells([first], delimiter)
        names = [cell.strip() for cell in cells[0]] if cells else []
        if len(names) > 1 and len(set(names)) == len(names) and all(map(_COLUMN.fullmatch, names)):
            return delimiter
    return None


def _cells(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    """Rows of cells; quotation marks are those of RFC 4180, but between tabs they are text."""
    try:
        if delimiter == "\t":
            return list(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE))
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []


def _rows(header: str, lines: Iterator[str], delimiter: str) -> Samples:
    columns = [cell.strip() for cell in _cells([header], delimiter)[0]]
    rows: Sequence[Sequence[str]] = _cells(lines, delimiter)
    records = [Sample(dict(zip(columns, row, strict=True))) for row in rows if len(row) == len(columns)]
    if not records:
        raise NoSamplesError(f"expected rows of {len(columns)} cells below the header: there are none")
    return Samples(records, len(rows) - len(records), columns, delimiter)
