"""The records of ``putevents map``: on the command line, or lines of files and of stdin, as people have them."""

import argparse
import errno
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from connector.config.formats import not_text
from connector.core.mapping.specs import PipelineSpec
from connector.core.records import Record, known_timestamp
from connector.given_dumps import KcatFormat, kcat_format, of_console, of_format, of_kcat
from connector.given_records import ENCODINGS, Encoding, UnreadableRecord, is_like_record, now_ms, record_of, value_of
from connector.streams import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where records come from, and how they are written."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--records",
        action="store_true",
        help="a line is a record: an object with value, key, headers (or value_base64, key_base64, headers_base64), "
        "topic, partition, offset, timestamp (ms), or what kcat -J prints; without this, a line is a value",
    )
    what.add_argument(
        "--encoding",
        choices=ENCODINGS,
        default="text",
        help="what a line is: the value as text, base64 or hex; binary: all of a file is one value (default: text, "
        "where lines of kcat -J and of kafka-console-consumer with print.timestamp or print.partition are recognised)",
    )
    what.add_argument(
        "--kcat-format",
        metavar="FORMAT",
        type=_format,
        help="lines as kcat -f FORMAT prints them, as in '%%T\\t%%k\\t%%h\\t%%s'; of kcat -K: it is '%%k:%%s'",
    )
    parser.add_argument(
        "--input",
        metavar="FILE",
        action="append",
        help="read records from a file (default, and -: stdin); again for more files, whose lines are counted on",
    )
    parser.add_argument(
        "--topic", metavar="T", help="the topic of records that name none (default: the pipeline's first)"
    )
    _add_one(parser)


def _add_one(parser: argparse.ArgumentParser) -> None:
    one = parser.add_argument_group("one record on the command line")
    one.add_argument("--value", metavar="TEXT", help="its value, in the --encoding; - for all of stdin")
    one.add_argument("--key", metavar="TEXT", help="its key")
    one.add_argument("--header", metavar="NAME=TEXT", action="append", type=_header, help="a header; again for more")
    one.add_argument(
        "--timestamp", metavar="TIME", type=_timestamp, help="milliseconds, or a time as 2026-11-24T08:00:00Z"
    )


def _format(text: str) -> KcatFormat:
    try:
        return kcat_format(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _header(text: str) -> tuple[str, bytes]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("expected NAME=TEXT")
    return name, _bytes(value)


def _timestamp(text: str) -> int:
    if re.fullmatch(r"\d{1,15}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError("expected milliseconds, or a time with its zone, as in 2026-11-24T08:00:00Z")
    return int(moment.timestamp() * 1000)


def _bytes(text: str) -> bytes:
    """What was typed, also where it is not UTF-8."""
    return text.encode("utf-8", "surrogateescape")


class Lines:
    """Records with the numbers of their lines.

    Args:
        arguments: what ``add_arguments`` added.
        spec: the pipeline of records that name no topic.

    Raises:
        UnreadableRecord: from iterating, where a line is not what it was said to be; from the start, where the
            pipeline's values cannot be lines of text, or what describes one record is given without its value.
    """

    def __init__(self, arguments: argparse.Namespace, spec: PipelineSpec) -> None:
        self._arguments = arguments
        self._spec = spec
        self._topic: str = arguments.topic or spec.topics[0]
        self._recognised: set[str] = set()
        self._are_like_records = False
        self._check()

    def _check(self) -> None:
        given, spec = self._arguments, self._spec
        alone = [name for name in ("key", "header", "timestamp") if getattr(given, name) is not None]
        if given.value is None and alone:
            raise UnreadableRecord(f"expected --value beside --{alone[0]}: they describe one record")
        several = next((name for name in ("records", "kcat_format", "input") if getattr(given, name)), None)
        if given.value is not None and several is not None:
            raise UnreadableRecord(f"expected either --value, for one record, or --{several.replace('_', '-')}")
        binary = not_text(spec.value) if given.value is None and self._is_text else None
        if binary is not None:
            raise UnreadableRecord(
                f"pipeline {spec.name}: its values are {binary}, which is not lines of text: "
                "give --encoding base64, hex or binary, or --records with value_base64"
            )

    @property
    def _is_text(self) -> bool:
        given = self._arguments
        return not given.records and given.kcat_format is None and given.encoding == "text"

    def __iter__(self) -> Iterator[tuple[Record, int]]:
        if self._arguments.value is not None:
            yield self._one(), 1
            return
        encoding: Encoding = self._arguments.encoding
        for number, line in enumerate(_lines(self._arguments.input or (), encoding), 1):
            text = line if encoding == "binary" else line.rstrip(b"\r\n")
            # An empty value is a record, too, but an empty line at the end of a file is not meant as one.
            if text or encoding == "binary":
                yield self._record(text, number), number

    def doubt(self) -> str | None:
        """What may be wrong with how the lines were read, where they made no event. Asked after the last one."""
        if not self._are_like_records:
            return None
        return "note: lines look like records, and were read as values: --records reads value, key, headers of each"

    def _one(self) -> Record:
        given = self._arguments
        text = b"".join(_lines_of(None)) if given.value == "-" else _bytes(given.value)
        try:
            value = value_of(text, given.encoding, 1)
        except UnreadableRecord as error:
            raise UnreadableRecord(f"--value: {str(error).removeprefix('line 1: ')}") from None
        timestamp = now_ms() if given.timestamp is None else known_timestamp(given.timestamp)
        key = None if given.key is None else _bytes(given.key)
        return Record(self._topic, 0, 0, timestamp, key, value, tuple(given.header or ()))

    def _record(self, line: bytes, number: int) -> Record:
        given = self._arguments
        if given.kcat_format is not None:
            return of_format(given.kcat_format, line, number, self._topic)
        if given.records:
            return of_kcat(line, number) or record_of(line, number, self._topic)
        dumped = self._dumped(line, number) if self._is_text else None
        if dumped is None and self._is_text and not self._are_like_records:
            self._are_like_records = is_like_record(line)
        return dumped or Record(self._topic, 0, number - 1, now_ms(), None, value_of(line, given.encoding, number))

    def _dumped(self, line: bytes, number: int) -> Record | None:
        """The record of a line that shows which tool has printed it."""
        for tool, record in (
            ("kcat -J", of_kcat(line, number)),
            ("kafka-console-consumer", of_console(line, number, self._topic)),
        ):
            if record is not None:
                if tool not in self._recognised:
                    self._recognised.add(tool)
                    say(f"note: lines are read as records that {tool} printed\n")
                return record
        return None


def _lines(paths: Sequence[str], encoding: Encoding) -> Iterator[bytes]:
    """The lines of the files, or of stdin; of binary ones all at once."""
    for path in paths or (None,):
        yield from _whole(path) if encoding == "binary" else _lines_of(path)


def _whole(path: str | None) -> Iterator[bytes]:
    yield b"".join(_lines_of(path))


def _lines_of(path: str | None) -> Iterator[bytes]:
    """The lines of a file, or of stdin. Raises UnreadableRecord where they cannot be read."""
    try:
        with nullcontext(sys.stdin.buffer) if path is None or path == "-" else Path(path).open("rb") as lines:
            yield from lines
    except (OSError, ValueError) as error:
        path = None if path == "-" else path
        why = (getattr(error, "strerror", None) or "not a path").lower()
        if path is None and getattr(error, "errno", None) == errno.EBADF:
            why = "it is closed"
        hint = "; pipe records in, or name a file with --input" if path is None else ""
        raise UnreadableRecord(
            f"{'standard input' if path is None else path}: expected lines that can be read: {why}{hint}"
        ) from None
