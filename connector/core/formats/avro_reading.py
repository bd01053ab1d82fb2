"""Readers of Avro's types: each takes the bytes, where its value begins, and what is left to spend.

A reader returns the value and where it ends. It raises Malformed, or IndexError where the bytes end too early; the
reader of a record makes a Malformed of that, and adds its field's name.

Fastavro is not used: hostile records crash or swell it, and it does not convert values. See docs/decisions/0034.
"""

import base64
import struct
from collections.abc import Callable, Sequence
from typing import Any

from connector.core.formats.numbers import shortest
from connector.core.records import Reason

# How many steps a record may still take, and how many levels it may still be nested: a list, to be counted down.
Left = list[int]
Read = Callable[[bytes, int, Left], tuple[Any, int]]
Convert = Callable[[Any], Any]

MAX_STEPS = 200_000  # of one record: less than 50 ms of a core, and less than 50 MiB
MAX_DEPTH = 128  # records, lists and maps within each other
STEPS, DEPTH = 0, 1
_BLOCK = 4  # steps of a block of a list or map, beside those of its items

_INT = 2**31
_GREATEST = 2**64 - 1
_SHIFTS = tuple(range(7, 70, 7))  # of the second to the tenth byte of a number
_FLOAT, _DOUBLE = struct.Struct("<f"), struct.Struct("<d")


class Malformed(Exception):
    """Bytes that are not of the schema; ``path`` has the names of the fields, the innermost first."""

    def __init__(self, message: str, reason: Reason = Reason.NOT_AVRO) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.path: list[str] = []


def ends_early() -> Malformed:
    """The error for bytes that end within a value."""
    return Malformed("expected more bytes, found the end of the value")


def read_null(data: bytes, at: int, left: Left) -> tuple[None, int]:  # noqa: ARG001
    """Nothing."""
    return None, at


def read_boolean(data: bytes, at: int, left: Left) -> tuple[bool, int]:  # noqa: ARG001
    """One byte, 0 or 1."""
    byte = data[at]
    if byte > 1:
        raise Malformed("expected a boolean, 0 or 1, found another byte")
    return byte == 1, at + 1


def read_long(data: bytes, at: int, left: Left) -> tuple[int, int]:  # noqa: ARG001
    """A number of 64 bits, zigzag, seven bits a byte."""
    byte = data[at]
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), at + 1
    number = byte & 127
    for shift in _SHIFTS:
        at += 1
        byte = data[at]
        if byte < 128:
            break
        number |= (byte & 127) << shift
    else:
        raise Malformed("expected a number of 64 bits, found one of more than ten bytes")
    number |= byte << shift
    if number > _GREATEST:
        raise Malformed("expected a number of 64 bits, found a greater one")
    return (number >> 1) ^ -(number & 1), at + 1


def read_int(data: bytes, at: int, left: Left) -> tuple[int, int]:
    """A number of 32 bits."""
    byte = data[at]
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), at + 1
    number, at = read_long(data, at, left)
    if not -_INT <= number < _INT:
        raise Malformed("expected an int of 32 bits, found a greater number")
    return number, at


def read_float(data: bytes, at: int, left: Left) -> tuple[float, int]:  # noqa: ARG001
    """A float of 32 bits, as the shortest decimal that it can be told by."""
    if at + 4 > len(data):
        raise ends_early()
    return shortest(_FLOAT.unpack_from(data, at)[0]), at + 4


def read_double(data: bytes, at: int, left: Left) -> tuple[float, int]:  # noqa: ARG001
    """A float of 64 bits; NaN and infinities stay, and the member that they are mapped to refuses them."""
    if at + 8 > len(data):
        raise ends_early()
    return _DOUBLE.unpack_from(data, at)[0], at + 8


def read_bytes(data: bytes, at: int, left: Left) -> tuple[bytes, int]:
    """A length, and as many bytes."""
    length, at = read_long(data, at, left)
    end = at + length
    if length < 0:
        raise Malformed("expected a length, found a negative number")
    if end > len(data):
        raise ends_early()
    return data[at:end], end


def read_text(data: bytes, at: int, left: Left) -> tuple[str, int]:
    """A length, and as many bytes of UTF-8."""
    length = data[at]
    # Most texts are shorter than 64 bytes; these are read without another call.
    if length < 128 and not length & 1:
        at += 1
        end = at + (length >> 1)
        if end > len(data):
            raise ends_early()
        raw = data[at:end]
    else:
        raw, end = read_bytes(data, at, left)
    try:
        return raw.decode(), end
    except UnicodeDecodeError:
        raise Malformed("expected text in UTF-8, found other bytes") from None


def fixed(size: int) -> Read:
    """As many bytes as the schema says."""

    def read(data: bytes, at: int, left: Left) -> tuple[bytes, int]:  # noqa: ARG001
        end = at + size
        if end > len(data):
            raise ends_early()
        return data[at:end], end

    return read


def enum(symbols: Sequence[str]) -> Read:
    """The symbol of a number."""
    count = len(symbols)

    def read(data: bytes, at: int, left: Left) -> tuple[str, int]:
        index, at = read_long(data, at, left)
        if not 0 <= index < count:
            raise Malformed(f"expected one of {count} symbols, found another number")
        return symbols[index], at

    return read


def union(branches: Sequence[Read]) -> Read:
    """The value of the branch that a number says, without a wrapper around it."""
    count = len(branches)

    def read(data: bytes, at: int, left: Left) -> tuple[Any, int]:
        index, at = read_long(data, at, left)
        if not 0 <= index < count:
            raise Malformed(f"expected one of {count} types of a union, found another number")
        return branches[index](data, at, left)

    return read


def optional(read_value: Read, null: int) -> Read:
    """A union of null, which is branch ``null``, and one other type: what most fields are."""
    # Branches 0 and 1 are the bytes 0 and 2.
    null, present = (0, 2) if null == 0 else (2, 0)

    def read(data: bytes, at: int, left: Left) -> tuple[Any, int]:
        byte = data[at]
        if byte == present:
            return read_value(data, at + 1, left)
        if byte == null:
            return None, at + 1
        raise Malformed("expected one of 2 types of a union, found another number")

    return read


def _count(data: bytes, at: int, left: Left, steps: int) -> tuple[int, int]:
    """How many items the next block has, 0 where there is no other; pays for them before they are read."""
    count, at = read_long(data, at, left)
    if not count:
        return 0, at
    if count < 0:
        # The block's size in bytes follows, for those that want to skip it.
        count = -count
        _, at = read_long(data, at, left)
    pay(left, _BLOCK + count * steps)
    return count, at


def pay(left: Left, steps: int) -> None:
    """Count the steps that are about to be taken.

    Raises:
        Malformed: they are more than one record may take.
    """
    left[STEPS] -= steps
    if left[STEPS] < 0:
        message = f"expected a record that takes at most {MAX_STEPS} steps to decode, found a larger one"
        raise Malformed(message, Reason.UNPACKED_TOO_LARGE)


def array(read_item: Read, steps: int) -> Read:
    """Blocks of items; an item takes ``steps``."""

    def read(data: bytes, at: int, left: Left) -> tuple[list[Any], int]:
        items: list[Any] = []
        add = items.append
        while True:
            count, at = _count(data, at, left, steps)
            if not count:
                return items, at
            for _ in range(count):
                item, at = read_item(data, at, left)
                add(item)

    return read


def mapping(read_value: Read, steps: int) -> Read:
    """Blocks of keys and values; a pair takes ``steps``. Of a key that comes twice, the last is taken."""

    def read(data: bytes, at: int, left: Left) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        while True:
            count, at = _count(data, at, left, steps)
            if not count:
                return found, at
            for _ in range(count):
                key, at = read_text(data, at, left)
                found[key], at = read_value(data, at, left)

    return read


def record(fields: Sequence[tuple[str, Read]]) -> Read:
    """The fields in the order of the schema."""

    def read(data: bytes, at: int, left: Left) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        name = ""
        try:
            for name, read_field in fields:
                found[name], at = read_field(data, at, left)
        except Malformed as error:
            error.path.append(name)
            raise
        except IndexError:
            early = ends_early()
            early.path.append(name)
            raise early from None
        return found, at

    return read


def converted(read_value: Read, convert: Convert) -> Read:
    """What a logical type makes of a value."""

    def read(data: bytes, at: int, left: Left) -> tuple[Any, int]:
        value, at = read_value(data, at, left)
        return convert(value), at

    return read


def base64_text(value: bytes) -> str:
    """What bytes become: JSON has none."""
    return base64.b64encode(value).decode("ascii")
