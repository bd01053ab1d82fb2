"""A value is converted without loss, or refused: nothing is rounded, cut or guessed on the way to a member.

Producers write ids as numbers and prices as text, so both are converted; but a wrong id or value cannot be
taken back once the service has learnt from it, so what would need a guess is a DataError, a dead letter.
"""

import json
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Literal, NoReturn

import orjson

from connector.core.mapping.written import JsonObject
from connector.core.records import DataError, Reason
from connector.core.words import type_word

# Beyond this a float has lost the last digits of the integer that it once was.
MAX_EXACT_INTEGER = 2**53

Convert = Callable[[Any], Any]

_NUMERIC = (int, float)  # a tuple: ``int | float`` in a call is built at every call


def wrong_type(expected: str, value: Any) -> DataError:
    """The error for a value of another type than ``expected``."""
    return DataError(Reason.WRONG_TYPE, f"expected {expected}, not {type_word(value)}")


def to_text(value: Any) -> str:
    """Text, or a number in decimal: 12 and 12.0 are both ``12``, because JSON does not tell them apart.

    Raises:
        DataError: for anything else, and for a number that is not finite or has lost digits.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        raise wrong_type("text or a number", value)
    return _number_text(value, "text or a number")


def render(value: Any) -> str:
    """As ``to_text``, and booleans as ``true`` and ``false``: for templates and the keys of a lookup."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number_text(value, "text, a number or a boolean")


def _number_text(value: Any, expected: str) -> str:
    if isinstance(value, int):
        try:
            return str(value)
        except ValueError:  # more digits than the interpreter prints, some thousands
            raise DataError(Reason.INVALID_VALUE, "expected a number of fewer digits") from None
    if not isinstance(value, float):
        raise wrong_type(expected, value)
    if not value.is_integer():
        return repr(_finite(value))
    if abs(value) > MAX_EXACT_INTEGER:
        raise DataError(Reason.INVALID_VALUE, "expected an exact number, not a fraction so large that digits are lost")
    return str(int(value))


def to_number(value: Any) -> float:
    """A finite float, from a number or from numeric text; booleans are refused."""
    is_text = isinstance(value, str)
    if not is_text and (isinstance(value, bool) or not isinstance(value, _NUMERIC)):
        raise wrong_type("a number", value)
    try:
        number = float(value)
    except ValueError:
        raise _not_numeric(value) from None
    except OverflowError:
        raise DataError(Reason.INVALID_VALUE, "expected a number within the range of a float") from None
    # float() also takes 1_000 and the digits of every script, which no producer means.
    if is_text and ("_" in value or not value.isascii()):
        raise _not_numeric(value)
    if isfinite(number):
        return number
    raise _not_finite()


_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2,3}={1,2}")


def _not_numeric(value: Any) -> DataError:
    # What Kafka Connect and Debezium make of a decimal in JSON.
    packed = isinstance(value, str) and len(value) % 4 == 0 and _BASE64.fullmatch(value)
    advice = "; decimal(…, scale) reads base64" if packed else ""
    return DataError(Reason.INVALID_VALUE, f"expected a number, not other text{advice}")


def _finite(number: float) -> float:
    if isfinite(number):
        return number
    raise _not_finite()


def _not_finite() -> DataError:
    return DataError(Reason.INVALID_VALUE, "expected a finite number")


def to_items(value: Any) -> list[str] | None:
    """Ids as text, nulls and empty texts dropped; None when there are none. Text is refused, not split somewhere."""
    if not isinstance(value, list):
        raise wrong_type("a list of ids", value)
    return [to_text(item) for item in value if item is not None and item != ""] or None


def to_property(value: Any) -> Any:
    """Any JSON value as it comes; a float that JSON cannot write is refused."""
    return _finite(value) if isinstance(value, float) else value


def to_category(value: Any) -> Any:
    """As ``to_property``; a list becomes its items as text with | between them, which is how a column has several.

    Null and empty items are left out, and None is what is left of nothing.

    Raises:
        DataError: an item is no text and no number, or has a | itself.
    """
    if not isinstance(value, list):
        return to_property(value)
    items = to_items(value) or []
    if any("|" in item for item in items):
        raise DataError(
            Reason.INVALID_VALUE, "expected no | in the items of a list: it separates the values of a column"
        )
    return "|".join(items) or None


def to_properties(value: Any, convert: Convert = to_property) -> str | None:
    """The JSON text of an object, or of text that holds one; nulls left out, None when nothing is left."""
    if isinstance(value, str):
        value = _parse_object(value)
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    converted = {name: convert(item) for name, item in value.items() if item is not None}
    found = {name: item for name, item in converted.items() if item is not None}
    # Not a JsonObject: its names come from the record, and some are reserved.
    return str(serialise(found)) if found else None


def _parse_object(text: str) -> Any:
    try:
        # Not orjson: it reads an integer of more than 64 bits as a float.
        return json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError):
        raise DataError(Reason.INVALID_PROPERTIES, "expected a JSON object, not other text") from None


def _not_json(_: str) -> NoReturn:
    raise ValueError("expected JSON, which has no NaN and no infinity")


def serialise(properties: dict[str, Any]) -> str:
    """Compact JSON in the order of the mapping; a ``JsonObject`` where that is as sure as it nearly always is."""
    try:
        text = orjson.dumps(properties).decode()
    except orjson.JSONEncodeError:
        return _serialise_exactly(properties)
    if "null" in text:
        # Which is what orjson makes of a float that JSON does not have; ``to_property`` does not look so deep.
        return _serialise_exactly(properties)
    return JsonObject(text)


def _serialise_exactly(properties: dict[str, Any]) -> str:
    """What orjson refuses and JSON allows: integers of more than 64 bits, deep nesting."""
    try:
        text = json.dumps(properties, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        raise DataError(Reason.INVALID_PROPERTIES, "expected values that JSON in UTF-8 can hold") from None
    return text


def _as_int(value: Any) -> int:
    if isinstance(value, int) or (isinstance(value, str) and _INTEGER.fullmatch(value)):
        return int(value)
    number = _as_float(value)
    if not (number.is_integer() and abs(number) <= MAX_EXACT_INTEGER):
        raise DataError(Reason.WRONG_TYPE, "expected a whole number")
    return int(number)


def _as_float(value: Any) -> float:
    if isinstance(value, bool):
        return float(value)
    try:
        return to_number(value)
    except DataError as error:
        raise DataError(Reason.WRONG_TYPE, str(error)) from None


def _as_bool(value: Any) -> bool:
    key = value.lower() if isinstance(value, str) else value
    if isinstance(key, str | int | float) and key in _BOOLEANS:
        return _BOOLEANS[key]
    raise DataError(Reason.WRONG_TYPE, "expected a boolean, or true, false, 1 or 0")


_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,4000}\s*")  # fewer digits than the interpreter refuses to read
_BOOLEANS: Mapping[str | int | float, bool] = {
    "true": True,
    "false": False,
    "1": True,
    "0": False,
    1: True,
    0: False,
}

# ``as:`` is asked for, so it converts what a member alone would refuse: a boolean is 1 or 0, or text.
CONVERSIONS: Mapping[Literal["string", "int", "float", "bool"], Convert] = {
    "string": render,
    "int": _as_int,
    "float": _as_float,
    "bool": _as_bool,
}

# What a conversion returns as it is; most values are, and the call can be spared.
UNCHANGED: Mapping[Convert, type] = {to_text: str, render: str, to_property: str}
