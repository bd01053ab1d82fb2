"""Records as people hand them to a command: a line of text, base64 or hexadecimal, a JSON object, or a whole file."""

import base64
import binascii
import time
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal

import orjson

from connector.core.records import Record, known_timestamp

Json = dict[str, Any]
# What a value looks like in the input. ``binary`` is one record: all of a file, as it is.
Encoding = Literal["text", "base64", "hex", "binary"]
ENCODINGS: tuple[Encoding, ...] = ("text", "base64", "hex", "binary")
_BOM = b"\xef\xbb\xbf"  # with which tools of Windows begin a file


class UnreadableRecord(ValueError):
    """A line is not a record, so nothing can be said about it."""


def value_of(line: bytes, encoding: Encoding, number: int) -> bytes:
    """The value that a line stands for; a message names the line's number and never what is in it.

    Raises:
        UnreadableRecord: it is not of this encoding.
    """
    match encoding:
        case "base64":
            return _from_base64(line, f"line {number}")
        case "hex":
            return _from_hex(line, number)
        case "text" | "binary":
            return line


def record_of(line: bytes, number: int, topic: str) -> Record:
    """The record that a JSON object describes.

    Args:
        line: the object as text.
        number: that of the line; the offset of a record that names none is one less.
        topic: that of a record which names none.

    Raises:
        UnreadableRecord: it is not an object with the members of a record.
    """
    try:
        given = orjson.loads(line.removeprefix(_BOM))
    except orjson.JSONDecodeError as error:
        why = "it is not UTF-8 text" if "surrogates" in error.msg else error.msg
        raise UnreadableRecord(f"line {number}: expected a record as a JSON object: {why}") from None
    _check(given, number)
    offset = given.get("offset")
    return Record(
        given.get("topic") or topic,
        given.get("partition") or 0,
        number - 1 if offset is None else offset,
        known_timestamp(given.get("timestamp", now_ms())),
        _part(given, "key", number),
        _part(given, "value", number),
        _headers(given, number),
    )


def is_like_record(line: bytes) -> bool:
    """Whether a line that was given as a value is an object as ``record_of`` reads it, with more than its value."""
    if not (b'"value"' in line or b'"value_base64"' in line):
        return False
    try:
        given = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(given, dict) or not given.keys() <= _MEMBERS or not {"value", "value_base64"} & given.keys():
        return False
    return len(given) > 1 or isinstance(given.get("value"), dict)


def now_ms() -> int:
    """The time of a record that has none of its own."""
    return int(time.time() * 1000)


_KINDS: Mapping[str, tuple[type | UnionType, str]] = {
    "topic": (str, "text"),
    "partition": (int, "a whole number"),
    "offset": (int, "a whole number"),
    "timestamp": (int, "a whole number of milliseconds"),
    "headers": (dict | list, "an object, or a list of pairs of name and value"),
    "value_base64": (str, "text"),
    "key_base64": (str, "text"),
    "headers_base64": (dict | list, "an object, or a list of pairs of name and value"),
}
_MEMBERS = frozenset({"value", "key", *_KINDS})


def _check(given: Any, number: int) -> None:
    if not isinstance(given, dict) or not given.keys() <= _MEMBERS:
        names = ", ".join(sorted(_MEMBERS))
        raise UnreadableRecord(f"line {number}: expected an object with {names} and nothing else")
    for name, (kind, wanted) in _KINDS.items():
        if not isinstance(given.get(name), kind | None) or isinstance(given.get(name), bool):
            raise UnreadableRecord(f"line {number}: expected {name} to be {wanted}")
    for name in ("value", "key"):
        if name in given and f"{name}_base64" in given:
            raise UnreadableRecord(f"line {number}: expected {name} or {name}_base64, not both")


def _part(given: Json, name: str, number: int) -> bytes | None:
    """The key or the value, which may be in base64."""
    packed = given.get(f"{name}_base64")
    if packed is not None:
        return _from_base64(packed.encode(), f"line {number}: {name}_base64")
    return _bytes(given.get(name))


def _headers(given: Json, number: int) -> tuple[tuple[str, bytes | None], ...]:
    plain = [(name, _bytes(value)) for name, value in _pairs(given, "headers", number)]
    for name, value in _pairs(given, "headers_base64", number):
        if not isinstance(value, str | None):
            raise UnreadableRecord(f"line {number}: expected headers_base64 to hold text")
        plain.append((name, None if value is None else _from_base64(value.encode(), f"line {number}: headers_base64")))
    return tuple(plain)


def _pairs(given: Json, member: str, number: int) -> list[tuple[str, Any]]:
    """Names and values: an object has each name once, a list has them as on the topic, in order and repeated."""
    found = given.get(member) or {}
    if isinstance(found, dict):
        return list(found.items())
    for pair in found:
        if not isinstance(pair, list) or len(pair) != len(("name", "value")) or not isinstance(pair[0], str):
            raise UnreadableRecord(f"line {number}: expected {member} to be {_KINDS[member][1]}")
    return [(name, value) for name, value in found]


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def _from_base64(text: bytes, where: str) -> bytes:
    """Standard or URL-safe, padded or not."""
    standard = text.strip().rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        raise UnreadableRecord(f"{where}: expected base64") from None


def _from_hex(text: bytes, number: int) -> bytes:
    """As ``xxd -p`` writes it, with blanks between bytes or without."""
    try:
        return bytes.fromhex(text.decode("ascii").removeprefix("0x"))
    except ValueError:
        raise UnreadableRecord(f"line {number}: expected hexadecimal, two digits a byte") from None
