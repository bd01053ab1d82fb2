"""What a payload would cost is known before it is parsed: two bytes can make a message of hundreds of fields.

Only large payloads are weighed, because a small one cannot cost much. Weighing reads the tags, and stops at the limit.
"""

from typing import Any, NamedTuple

from connector.core.formats.protobuf_known import MalformedError
from connector.core.records import Reason

MAX_COST = 200_000  # plain values of one record: about 50 ms and 50 MiB, whatever they are
MESSAGE_COST = 8  # of a message, beside its fields
MAX_DEPTH = 100  # that of Protobuf's own parser
_FIELD_COST = 4
_MAX_UNWEIGHED = 256 * 1024  # bytes
_MAX_PARSED = 16 * 1024 * 1024  # bytes that the parser may take for a payload that is not weighed
_PARSED, _PARSED_FIELD = 16, 4  # of two bytes that become a message

# A list, because it is counted down: what the record may still cost, and how many Any may still be in each other.
Room = list[int]
VARINT, FOUR, EIGHT = 0, 5, 1  # wire types of the numbers in a packed list
_WIDTHS = {FOUR: 4, EIGHT: 8}
_MESSAGE, _GROUP, _GROUP_END = 2, 3, 4
_CONTINUED = bytes(range(0x80, 0x100))


class Shape(NamedTuple):
    """What of a message type counts: its cost, and its fields that hold messages (a Shape) or packed numbers."""

    cost: int
    fields: dict[int, Any]


def too_large() -> MalformedError:
    """The error for a record of more values than one record may have."""
    return MalformedError(f"expected at most {MAX_COST} values in a record, found more", Reason.UNPACKED_TOO_LARGE)


def unweighed(fields: int) -> int:
    """How many bytes of a payload need no weighing, where its greatest message type has so many fields."""
    return min(_MAX_UNWEIGHED, _MAX_PARSED // (_PARSED + _PARSED_FIELD * fields))


def weigh(data: bytes, shape: Shape, room: Room) -> None:
    """Refuse a payload that would cost more than there is room for. What is no Protobuf is left to the parser.

    Raises:
        MalformedError: it would.
    """
    try:
        _weigh(data, 0, len(data), shape, [room[0]], 0)
    except IndexError:
        return


def _weigh(data: bytes, at: int, end: int, shape: Shape, left: Room, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise MalformedError(f"expected messages nested at most {MAX_DEPTH} deep", Reason.NESTED_TOO_DEEP)
    _spend(left, shape.cost)
    while at < end:
        _spend(left, _FIELD_COST)
        tag, at = _varint(data, at)
        wire, child = tag & 7, shape.fields.get(tag >> 3)
        if wire == VARINT:
            _, at = _varint(data, at)
        elif wire in _WIDTHS:
            at += _WIDTHS[wire]
        elif wire == _MESSAGE:
            size, at = _varint(data, at)
            _weigh_within(data, at, min(at + size, end), child, left, depth)
            at += size
        elif wire == _GROUP:
            at = _weigh(data, at, end, child if isinstance(child, Shape) else _UNKNOWN, left, depth + 1)
        else:  # the end of a group, or what the parser refuses
            return at if wire == _GROUP_END else end
    return at


_UNKNOWN = Shape(0, {})


def _weigh_within(data: bytes, at: int, end: int, child: Shape | int | None, left: Room, depth: int) -> None:
    if isinstance(child, Shape):
        _weigh(data, at, end, child, left, depth + 1)
    elif child == VARINT:
        _spend(left, len(data[at:end].translate(None, _CONTINUED)))
    elif child is not None:
        _spend(left, (end - at) // _WIDTHS[child])


def _spend(left: Room, cost: int) -> None:
    left[0] -= cost
    if left[0] < 0:
        raise too_large()


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    number, shift = byte & 0x7F, 7
    while byte >= 0x80 and shift < 70:
        at += 1
        byte = data[at]
        number |= (byte & 0x7F) << shift
        shift += 7
    return number, at + 1
