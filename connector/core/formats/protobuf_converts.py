"""Conversions of single values, lists, and of google.protobuf.Struct, which is JSON. Each counts what it costs."""

import base64
from collections.abc import Callable
from typing import Any

from connector.core.formats.numbers import shortest
from connector.core.formats.protobuf_known import Known, MalformedError
from connector.core.formats.protobuf_weight import MESSAGE_COST, Room, too_large

Convert = Callable[[Any, Room], Any]
CONVERTED = 8  # what a value that is converted costs, in plain values
_WHOLE = 2**53


def spend(room: Room, cost: int) -> None:
    """Count the cost of some values.

    Raises:
        MalformedError: there is no room for them.
    """
    room[0] -= cost
    if room[0] < 0:
        raise too_large()


def checked_text(value: Any, _: Room) -> str:
    """Text of a field that the parser does not check to be UTF-8: it hands over bytes where it is not."""
    if type(value) is bytes:
        raise MalformedError("expected UTF-8 in a string, found other bytes")
    return str(value)


def single_float(value: float, _: Room) -> float:
    """A float of 32 bits, see ``shortest``."""
    return shortest(value)


def base64_text(value: bytes, _: Room) -> str:
    """Bytes as base64, as JSON's form of Protobuf has them."""
    return base64.b64encode(value).decode()


def enum_name(values: Any) -> Convert:
    """The name of an enum's number; a number that the schema does not know stays a number."""
    names = {value.number: value.name for value in reversed(values)}  # the first of two with one number
    return lambda number, _: names.get(number, number)


def bool_name(value: Any) -> str:
    """A map's key, as JSON writes it."""
    return "true" if value else "false"


def list_of(convert: Convert | None, *, of_messages: bool) -> Convert:
    """The conversion of a repeated field; a walk of messages counts for itself."""
    if convert is None:

        def plain(values: Any, room: Room) -> list[Any]:
            spend(room, len(values))
            return list(values)

        return plain
    cost = 1 if of_messages else CONVERTED

    def converted(values: Any, room: Room) -> list[Any]:
        spend(room, len(values) * cost)
        return [convert(value, room) for value in values]

    return converted


def counted(read: Known) -> Convert:
    """A well-known type, with what it costs."""

    def convert(message: Any, room: Room) -> Any:
        spend(room, MESSAGE_COST)
        return read(message)

    return convert


def json_value(message: Any, room: Room) -> Any:
    """google.protobuf.Value. Its numbers are floats: a whole one becomes an integer again, as it was in JSON."""
    spend(room, MESSAGE_COST)
    kind = message.WhichOneof("kind")
    if kind == "struct_value":
        return json_object(message.struct_value, room)
    if kind == "list_value":
        return json_list(message.list_value, room)
    if kind == "number_value":
        number = message.number_value
        return int(number) if number.is_integer() and -_WHOLE < number < _WHOLE else number
    return None if kind is None or kind == "null_value" else getattr(message, kind)


def json_object(message: Any, room: Room) -> dict[str, Any]:
    """google.protobuf.Struct. The parser keeps no order, so the keys are sorted."""
    spend(room, MESSAGE_COST)
    fields = message.fields
    return {name: json_value(fields[name], room) for name in sorted(fields)}


def json_list(message: Any, room: Room) -> list[Any]:
    """google.protobuf.ListValue."""
    spend(room, MESSAGE_COST)
    return [json_value(value, room) for value in message.values]
