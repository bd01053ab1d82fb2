"""The logical types of Kafka Connect and Debezium: what the name of a schema says that its number or text means.

One table, for schemas in JSON (``connect``) and for Avro's, where the name is the type's ``connect.name``. A decimal is
an exact number or text, a moment ISO 8601 text, as for Avro's own logical types. A type that is not in the table stays
what it is: text such as ``ZonedTimestamp`` and ``Interval`` is ISO 8601 already.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from connector.core.formats.decoded import DecodingError
from connector.core.formats.moments import MICROS, MILLIS, NANOS, date_text, moments, times
from connector.core.formats.numbers import MAX_BYTES, MAX_SCALE, decimal_value
from connector.core.formats.plain import decode_json
from connector.core.words import type_word

Parameters = Mapping[str, Any]  # of a schema: text to text
Conversion = Callable[[Any], Any]  # never called with null

CONNECT, TIME, DATA = "org.apache.kafka.connect.data.", "io.debezium.time.", "io.debezium.data."
MAX_BITS = 64  # bytes of a bit string that is written out as zeros and ones
_DIGITS_OF_64_BITS = 19


class MisfitError(ValueError):
    """A value is not of its type; the message says what was expected and found, without the value."""


def conversion(name: str, parameters: Parameters) -> Conversion | None:
    """What turns a value of this logical type into one that a mapping can use; None where it stays as it is.

    Bytes may come as bytes or as base64 text. The function raises MisfitError for a value of another type.

    Args:
        name: of the schema, such as ``io.debezium.time.MicroTimestamp``.
        parameters: of the schema, such as a decimal's scale.

    Raises:
        MisfitError: the parameters are not those of this type.
    """
    make = _TYPES.get(name)
    return None if make is None else make(parameters)


def _expected(wanted: str, found: Any) -> MisfitError:
    return MisfitError(f"expected {wanted}, found {type_word(found)}")


def _octets(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    if type(value) is not str:
        raise _expected("bytes, in base64", value)
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise MisfitError("expected bytes, in base64, found other text") from None


# Decimals


def _decimal(parameters: Parameters) -> Conversion:
    scale = _scale(parameters.get("scale"))

    def convert(value: Any) -> Any:
        # decimal.format=NUMERIC of Connect's converter writes a number.
        return value if type(value) in _NUMBERS else _unpacked(value, scale)

    return convert


_NUMBERS = frozenset({int, float})


def _scale(given: Any) -> int:
    if type(given) in {int, str}:
        try:
            scale = int(given)
        except ValueError:
            scale = MAX_SCALE + 1
        if abs(scale) <= MAX_SCALE:
            return scale
    raise MisfitError(f"expected a whole number of at most {MAX_SCALE} as the scale of a decimal")


def _unpacked(value: Any, scale: int) -> int | float | str:
    octets = _octets(value)
    if len(octets) > MAX_BYTES:
        raise MisfitError(f"expected a decimal of at most {MAX_BYTES} bytes, found {len(octets)}")
    return decimal_value(int.from_bytes(octets, "big", signed=True), scale)


def _variable_decimal(_: Parameters) -> Conversion:
    def convert(value: Any) -> Any:
        if type(value) is not dict:
            raise _expected("an object with scale and value", value)
        packed = value.get("value")
        return None if packed is None else _unpacked(packed, _scale(value.get("scale")))

    return convert


# Dates and times


def _count(text: Callable[[int], str]) -> Callable[[Parameters], Conversion]:
    def convert(value: Any) -> str:
        if type(value) is not int:
            raise _expected("a whole number", value)
        if not -(2**63) <= value < 2**63:
            raise MisfitError("expected an integer that 64 bits hold")
        return text(value)

    return lambda _: convert


# Others


def _json(_: Parameters) -> Conversion:
    def convert(value: Any) -> Any:
        try:
            return decode_json(value.encode()) if type(value) is str else value
        except (DecodingError, UnicodeEncodeError):
            return value

    return convert


def _bits(parameters: Parameters) -> Conversion:
    given = str(parameters.get("length"))
    length = int(given) if given.isascii() and given.isdigit() and len(given) < _DIGITS_OF_64_BITS else None

    def convert(value: Any) -> Any:
        octets = _octets(value)
        if len(octets) > MAX_BITS:
            return value
        # The first byte has the last bits. A varying length is declared as 2**31 - 1: the bytes then say how many.
        digits = min(8 * len(octets), length or 0) or 8 * len(octets)
        return f"{int.from_bytes(octets, 'little'):0{digits}b}" if octets else ""

    return convert


_date = _count(date_text)
# Debezium's timestamps are of no zone: the columns have none. Connect's are moments.
_TYPES: Mapping[str, Callable[[Parameters], Conversion]] = {
    f"{CONNECT}Decimal": _decimal,
    f"{CONNECT}Date": _date,
    f"{CONNECT}Time": _count(times(MILLIS)),
    f"{CONNECT}Timestamp": _count(moments(MILLIS)),
    f"{TIME}Date": _date,
    f"{TIME}Time": _count(times(MILLIS)),
    f"{TIME}MicroTime": _count(times(MICROS)),
    f"{TIME}NanoTime": _count(times(NANOS)),
    f"{TIME}Timestamp": _count(moments(MILLIS, "")),
    f"{TIME}MicroTimestamp": _count(moments(MICROS, "")),
    f"{TIME}NanoTimestamp": _count(moments(NANOS, "")),
    f"{DATA}VariableScaleDecimal": _variable_decimal,
    f"{DATA}Json": _json,
    f"{DATA}Bits": _bits,
}
