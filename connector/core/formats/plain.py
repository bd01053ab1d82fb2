"""No number changes on the way from bytes to a document; what cannot be decoded is a rejection.

orjson is fast, but reads an integer beyond 64 bits as a float: an id would change silently. So numbers of nineteen
digits are looked for first, in less time than the parsing takes, and only where there is one the exact parser looks.
"""

import json
import re
from typing import Any

import orjson

from connector.core.formats.decoded import DecodingError
from connector.core.records import Reason

# Every digit becomes a 0, so that finding nineteen in a row is finding a text: ten times as fast as an expression.
_DIGITS_AS_ZEROS = bytes(ord("0") if chr(code).isdigit() and code < 128 else ord(" ") for code in range(256))
_LONG_NUMBER = b"0" * 19
# RFC 8259 lets a reader ignore this mark at the start, and producers on Windows write it.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WORD = re.compile(r"[+-]?\w+")
_NOT_NUMBERS = frozenset({"nan", "infinity", "inf"})
# Words of other languages, and those of JSON in place of them.
_LITERALS = {"True": "true", "False": "false", "None": "null", "nil": "null", "undefined": "null or no member"}
_SMALLEST, _GREATEST = -(2**63), 2**64 - 1


def decode_json(value: bytes) -> Any:
    """Any JSON document.

    Raises:
        DecodingError: not UTF-8, not JSON, nested too deep, or a number that 64 bits do not hold.
    """
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if value.startswith(_BYTE_ORDER_MARK):
            return _without_mark(value.removeprefix(_BYTE_ORDER_MARK))
        raise _json_error(value, error) from None
    if _LONG_NUMBER in value.translate(_DIGITS_AS_ZEROS):
        _refuse_inexact_numbers(value)
    return document


def _without_mark(value: bytes) -> Any:
    if value.startswith(_BYTE_ORDER_MARK):
        raise DecodingError(Reason.NOT_JSON, "expected JSON: found two byte order marks")
    return decode_json(value)


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
    words = f"{error.msg} at character {error.pos}"
    return DecodingError(Reason.NOT_JSON, f"expected JSON: {words}{_hint(value.decode(), error)}")


def _hint(text: str, error: orjson.JSONDecodeError) -> str:
    """What stands at the position, where that is a known mistake; "" elsewhere."""
    if error.msg.startswith("unexpected content after") and "\n" in text[: error.pos + 1].lstrip():
        return "; for a document on each line set value.format to json_lines"
    at = error.pos - (text[error.pos - 1 : error.pos] in {"-", "+"})
    found = _WORD.match(text, at)
    word = found[0] if found else ""
    if word.lstrip("+-").lower() in _NOT_NUMBERS:
        return f"; {'NaN' if word.lower() == 'nan' else 'Infinity'} is no JSON: write null"
    if word in _LITERALS:
        return f"; {word} is no JSON: write {_LITERALS[word]}"
    return "; JSON has no comments" if text.startswith(("//", "/*"), error.pos) else ""


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


def is_utf8(value: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def decode_bytes(value: bytes) -> str:
    """Bytes of any kind as text an expression can compare: hexadecimal."""
    return value.hex()
