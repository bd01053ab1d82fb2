"""What a logical type makes of the value that carries it: text and numbers that a mapping can use.

A logical type that does not fit its type, or is not known, is left out, as the specification says: the value is then
what its plain type makes of it. The names of Kafka Connect and Debezium (``connect.name``) are in ``connect_types``.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from connector.core.formats.avro_reading import Convert, Malformed, base64_text, ends_early, read_bytes, read_int
from connector.core.formats.avro_schema import Type
from connector.core.formats.connect_types import Conversion, MisfitError, conversion
from connector.core.formats.moments import MICROS, MILLIS, NANOS, date_text, duration_text, moments, times
from connector.core.formats.numbers import MAX_BYTES, MAX_SCALE, decimal_value

_UUID_SIZE = 16
_DURATION = struct.Struct("<III")  # months, days, milliseconds


def conversion_of(found: Type) -> Convert | None:
    """What is done to a value of this type after it was read; None where it stays as it is."""
    make = _LOGICAL.get((found.kind, str(found.properties.get("logicalType"))))
    return (make(found) if make else None) or _of_connect(found) or (base64_text if found.kind in _BYTES else None)


def _of_connect(found: Type) -> Convert | None:
    parameters = found.properties.get("connect.parameters")
    name = str(found.properties.get("connect.name"))
    try:
        convert = conversion(name, parameters if isinstance(parameters, dict) else {})
    except MisfitError:
        return None
    return _checked(convert) if convert else None


def _checked(convert: Conversion) -> Convert:
    def checked(value: Any) -> Any:
        try:
            result = convert(value)
        except MisfitError as misfit:
            raise Malformed(str(misfit)) from None
        return base64_text(result) if type(result) is bytes else result

    return checked


def _decimal(found: Type) -> Convert | None:
    scale = found.properties.get("scale", 0)
    if type(scale) is not int or not 0 <= scale <= MAX_SCALE:
        return None

    def convert(value: bytes) -> int | float | str:
        return _unpacked(value, scale)

    return convert


def _unpacked(value: bytes, scale: int) -> int | float | str:
    if len(value) > MAX_BYTES:
        raise Malformed(f"expected a decimal of at most {MAX_BYTES} bytes, found {len(value)}")
    return decimal_value(int.from_bytes(value, "big", signed=True), scale)


def _big_decimal(_: Type) -> Convert:
    """The scale follows the number, within the bytes."""

    def convert(value: bytes) -> int | float | str:
        try:
            unscaled, at = read_bytes(value, 0, [])
            scale, at = read_int(value, at, [])
        except IndexError:
            raise ends_early() from None
        if at != len(value) or abs(scale) > MAX_SCALE:
            raise Malformed("expected a number and its scale in a big-decimal, found other bytes")
        return _unpacked(unscaled, scale)

    return convert


def _uuid(found: Type) -> Convert | None:
    return (lambda value: str(UUID(bytes=value))) if found.size == _UUID_SIZE else None


def _duration(found: Type) -> Convert | None:
    return (lambda value: duration_text(*_DURATION.unpack(value))) if found.size == _DURATION.size else None


def _always(convert: Convert) -> Callable[[Type], Convert]:
    return lambda _: convert


_BYTES = frozenset({"bytes", "fixed"})
# A uuid that is text stays text, so it is not here.
_LOGICAL: Mapping[tuple[str, str], Callable[[Type], Convert | None]] = {
    ("bytes", "decimal"): _decimal,
    ("fixed", "decimal"): _decimal,
    ("bytes", "big-decimal"): _big_decimal,
    ("fixed", "uuid"): _uuid,
    ("fixed", "duration"): _duration,
    ("int", "date"): _always(date_text),
    ("int", "time-millis"): _always(times(MILLIS)),
    ("long", "time-micros"): _always(times(MICROS)),
    ("long", "timestamp-millis"): _always(moments(MILLIS)),
    ("long", "timestamp-micros"): _always(moments(MICROS)),
    ("long", "timestamp-nanos"): _always(moments(NANOS)),
    ("long", "local-timestamp-millis"): _always(moments(MILLIS, "")),
    ("long", "local-timestamp-micros"): _always(moments(MICROS, "")),
    ("long", "local-timestamp-nanos"): _always(moments(NANOS, "")),
}
