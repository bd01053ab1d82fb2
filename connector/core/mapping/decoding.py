"""No number changes on the way from bytes to a document; what cannot be decoded is a rejection.

orjson is fast, but reads an integer beyond 64 bits as a float: an id would change silently. So numbers of nineteen
digits are looked for first, in less time than the parsing takes, and only where there is one the exact parser looks.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from connector.core.records import Reason, Record, Rejection, Stage
from connector.core.words import type_word

Decode = Callable[[bytes], Any]

# Every digit becomes a 0, so that finding nineteen in a row is finding a text: ten times as fast as an expression.
_DIGITS_AS_ZEROS = bytes(ord("0") if chr(code).isdigit() and code < 128 else ord(" ") for code in range(256))
_LONG_NUMBER = b"0" * 19
_SMALLEST, _GREATEST = -(2**63), 2**64 - 1


class DecodingError(ValueError):
    """A value cannot be decoded; carries the reason, and a message without the value."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def decode_json(value: bytes) -> Any:
    """Any JSON document.

    Raises:
        DecodingError: not UTF-8, not JSON, nested too deep, or a number that 64 bits do not hold.
    """
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _json_error(value, error) from None
    if _LONG_NUMBER in value.translate(_DIGITS_AS_ZEROS):
        _refuse_inexact_numbers(value)
    return document


def _json_error(value: bytes, error: orjson.JSONDecodeError) -> DecodingError:
    if not value.strip():
        return DecodingError(Reason.EMPTY_VALUE, "expected JSON, but the value is empty")
    try:
        value.decode()
    except UnicodeDecodeError as unreadable:
        return DecodingError(Reason.NOT_UTF8, f"expected UTF-8, but byte {unreadable.start} is not")
    if "depth" in error.msg or "recursion" in error.msg.lower():
        return DecodingError(Reason.NESTED_TOO_DEEP, "expected JSON nested at most 1,024 deep")
    if "infinity" in error.msg:
        return DecodingError(Reason.NUMBER_OUT_OF_RANGE, "expected numbers that 64 bits hold")
    # orjson's words name the position and what was expected there, never the text itself.
    return DecodingError(Reason.NOT_JSON, f"expected JSON: {error.msg} at character {error.pos}")


def _refuse_inexact_numbers(value: bytes) -> None:
    def check(digits: str) -> None:
        if not _SMALLEST <= int(digits[:25]) <= _GREATEST:
            raise DecodingError(Reason.NUMBER_OUT_OF_RANGE, "expected integers that 64 bits hold")

    try:
        json.loads(value, parse_int=check)
    except RecursionError:
        raise DecodingError(Reason.NESTED_TOO_DEEP, "expected JSON nested less deep") from None


def decode_text(value: bytes) -> str:
    """UTF-8 text.

    Raises:
        DecodingError: the bytes are not UTF-8.
    """
    try:
        return value.decode()
    except UnicodeDecodeError as unreadable:
        raise DecodingError(Reason.NOT_UTF8, f"expected UTF-8, but byte {unreadable.start} is not") from None


def decode_bytes(value: bytes) -> str:
    """Bytes of any kind as text an expression can compare: hexadecimal."""
    return value.hex()


VALUE_DECODERS: Mapping[str, Decode] = {"json": decode_json}
KEY_DECODERS: Mapping[str, Decode] = {"string": decode_text, "json": decode_json, "bytes": decode_bytes}


class Undecodable(NamedTuple):
    """Stands for a key that cannot be decoded. That is a mistake only once an expression reads the key."""

    reason: Reason
    message: str


def decode_value(record: Record, decode: Decode) -> Any | Rejection:
    """The record's value as a JSON object, None where it is the JSON text null; a Rejection where it is neither.

    Records without a value never come here.
    """
    try:
        document = decode(record.value or b"")
    except DecodingError as error:
        return Rejection(Stage.DECODE, error.reason, f"value: {error.message}", field="value")
    if type(document) is not dict and document is not None:
        message = f"value: expected a JSON object, not {type_word(document)}"
        return Rejection(Stage.DECODE, Reason.NOT_AN_OBJECT, message, field="value")
    return document


def decode_key(record: Record, decode: Decode) -> Any | Undecodable:
    """The record's key, None where it has none."""
    if record.key is None:
        return None
    try:
        return decode(record.key)
    except DecodingError as error:
        return Undecodable(error.reason, f"key: {error.message}")


def decode_headers(record: Record) -> dict[str, str | None]:
    """Header name to text; the last of a name wins, and bytes that are not UTF-8 read as null."""
    headers: dict[str, str | None] = {}
    for name, value in record.headers:
        try:
            headers[name] = None if value is None else value.decode()
        except UnicodeDecodeError:
            headers[name] = None
    return headers
