"""Well-known types become what a mapping expects: a time is ISO 8601 text, a wrapper is its value, a Struct is JSON.

A type counts as well known by its name and its fields, so that a schema's own type of the same name is an ordinary one.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connector.core.formats.moments import MICROS, MILLIS, NANOS, moments
from connector.core.formats.numbers import MAX_BYTES, MAX_SCALE, decimal_value
from connector.core.records import Reason

Known = Callable[[Any], Any]

_NANOS = 10**9
_millis, _micros, _nanos = moments(MILLIS), moments(MICROS), moments(NANOS)
_PLAIN_DECIMAL = re.compile(r"([+-]?)([0-9]{1,40})(?:\.([0-9]{0,40}))?", re.ASCII)


class MalformedError(ValueError):
    """Bytes that are not of the schema, in words that name types and never a value."""

    def __init__(self, message: str, reason: Reason = Reason.NOT_PROTOBUF) -> None:
        super().__init__(message)
        self.reason = reason


class Type(NamedTuple):
    """How a well-known type is read, and which fields it must have to be the well-known one."""

    fields: frozenset[str]
    read: Known


def _timestamp(message: Any) -> str:
    seconds, nanos = message.seconds, message.nanos
    if not 0 <= nanos < _NANOS:
        raise MalformedError("expected a google.protobuf.Timestamp with nanos from 0 to 999999999, found others")
    # As many digits as JSON's form of Protobuf has: none, three, six or nine.
    if not nanos:
        return _millis(seconds * 1000)[:-5] + "Z"
    if not nanos % 1_000_000:
        return _millis(seconds * 1000 + nanos // 1_000_000)
    if not nanos % 1000:
        return _micros(seconds * 1_000_000 + nanos // 1000)
    return _nanos(seconds * _NANOS + nanos)


def _duration(message: Any) -> int | float | str:
    seconds, nanos = message.seconds, message.nanos
    if not -_NANOS < nanos < _NANOS:
        raise MalformedError("expected a google.protobuf.Duration with less than a second of nanos, found more")
    return decimal_value(seconds * _NANOS + nanos, 9) if nanos else int(seconds)


def _mask(message: Any) -> str:
    return ",".join(message.paths)


def _empty(_: Any) -> dict[str, Any]:
    return {}


def _decimal(message: Any) -> int | float | str:
    text: str = message.value
    found = _PLAIN_DECIMAL.fullmatch(text)
    if found is None:  # with an exponent, or of more digits than any number has: what it is stays text
        return text
    sign, whole, fraction = found[1], found[2], found[3] or ""
    unscaled = int(whole + fraction)
    return decimal_value(-unscaled if sign == "-" else unscaled, len(fraction))


def _money(message: Any) -> dict[str, Any]:
    units, nanos = message.units, message.nanos
    amount = decimal_value(units * _NANOS + nanos, 9) if nanos else units
    return {"currency_code": message.currency_code, "units": units, "nanos": nanos, "amount": amount}


def _date(message: Any) -> str | None:
    year, month, day = message.year, message.month, message.day
    if not year and not month and not day:
        return None
    if not (0 <= year <= 9999 and 0 <= month <= 12 and 0 <= day <= 31) or (day and not month):
        raise MalformedError("expected a google.type.Date of the calendar, found another")
    # A date may leave out its day, its month or its year, which are 0 then.
    text = f"{year:04d}" if year else "-"
    return text + (f"-{month:02d}" if month else "") + (f"-{day:02d}" if day else "")


def _scaled(message: Any) -> int | float | str:
    value, scale = message.value, message.scale
    if len(value) > MAX_BYTES or not -MAX_SCALE <= scale <= MAX_SCALE:
        limits = f"at most {MAX_BYTES} bytes and a scale of at most {MAX_SCALE}"
        raise MalformedError(f"expected a confluent.type.Decimal of {limits}, found more")
    return decimal_value(int.from_bytes(value, "big", signed=True), scale)


def _known(read: Known, *fields: str) -> Type:
    return Type(frozenset(fields), read)


# Wrappers, Struct and Any need the walk of other types, see protobuf_values.
KNOWN: Mapping[str, Type] = {
    "google.protobuf.Timestamp": _known(_timestamp, "seconds", "nanos"),
    "google.protobuf.Duration": _known(_duration, "seconds", "nanos"),
    "google.protobuf.FieldMask": _known(_mask, "paths"),
    "google.protobuf.Empty": _known(_empty),
    "google.type.Decimal": _known(_decimal, "value"),
    "google.type.Money": _known(_money, "currency_code", "units", "nanos"),
    "google.type.Date": _known(_date, "year", "month", "day"),
    "confluent.type.Decimal": _known(_scaled, "value", "precision", "scale"),
}
WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
