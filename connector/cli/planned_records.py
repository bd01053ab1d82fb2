"""The records of ``putevents plan`` out of files: values, records, or what kcat and the console consumer print."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from connector.core.records import Record
from connector.given_dumps import of_console, of_kcat
from connector.given_records import Encoding, UnreadableRecord, now_ms, record_of, value_of

_WAY_OUT = "give lines of kcat -J"


class Given(NamedTuple):
    """A record, its line, and what the line says of it: its topic, its time."""

    record: Record
    line: int
    named: bool = False
    timed: bool = False


def given(paths: Sequence[str], topic: str, encoding: Encoding, *, records: bool) -> Iterator[Given]:
    """The records of the lines of files, counted on from file to file; ``-`` is stdin.

    Args:
        paths: the files.
        topic: that of records which name none.
        encoding: how a value is written on its line.
        records: whether a line is a whole record, as `map --records` takes it.

    Raises:
        UnreadableRecord: a file cannot be read, or a line of it is no record.
    """
    number = 0
    for path in paths:
        for line in _whole(path) if encoding == "binary" else _lines(path):
            number += 1
            content = line if encoding == "binary" else line.rstrip(b"\r\n")
            if content or encoding == "binary":  # an empty line at the end of a file is not meant as a record
                yield _given(content, number, topic, encoding, records=records)


def _given(line: bytes, number: int, topic: str, encoding: Encoding, *, records: bool) -> Given:
    printed = of_kcat(line, number) if records or encoding == "text" else None
    if printed is not None:
        return Given(printed, number, named=True, timed=printed.timestamp is not None)
    if records:
        record = record_of(line, number, "")
        timed = b'"timestamp"' in line and record.timestamp is not None
        return Given(record if record.topic else record._replace(topic=topic), number, bool(record.topic), timed)
    console = of_console(line, number, topic, way_out=_WAY_OUT) if encoding == "text" else None
    if console is not None:
        return Given(console, number, timed=console.timestamp is not None)
    return Given(Record(topic, 0, number - 1, now_ms(), None, value_of(line, encoding, number)), number)


def _whole(path: str) -> Iterator[bytes]:
    yield b"".join(_lines(path))


def _lines(path: str) -> Iterator[bytes]:
    name = "standard input" if path == "-" else path
    try:
        with nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb") as lines:
            yield from lines
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        raise UnreadableRecord(f"{name}: expected lines that can be read: {why}") from None
