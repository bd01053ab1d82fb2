"""The walk of one message type: its fields by how they must be read, put together once."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from connector.core.formats.protobuf_converts import Convert, spend
from connector.core.formats.protobuf_weight import Room, too_large

Members = dict[str, Convert | None]


class Fields(NamedTuple):
    """The fields of a message type. A conversion is None where a value stays as it is.

    ``template`` has the name of each in the order of the schema, with what it is where it is absent. ``plain`` are
    always there and stay as they are, ``always`` are always there, ``optional`` may be absent. ``oneofs`` have their
    members by name, ``extensions`` are by full name.
    """

    template: dict[str, Any]
    plain: tuple[str, ...]
    always: tuple[tuple[str, Convert], ...]
    optional: tuple[tuple[str, Convert | None], ...]
    oneofs: tuple[tuple[str, Members], ...]
    extensions: Members


def walk_of(fields: Fields, cost: int, kind: Any) -> Convert:
    """From a message to its document; ``cost`` is what each of them costs, ``kind`` their class."""
    if fields.always or fields.optional or fields.oneofs or fields.extensions:
        return _mixed(fields, cost, kind)
    names, get = fields.plain, _getter(fields.plain)

    def walk(message: Any, room: Room) -> dict[str, Any]:
        room[0] -= cost
        if room[0] < 0:
            raise too_large()
        return dict(zip(names, get(message), strict=True))

    return walk


def _mixed(fields: Fields, cost: int, kind: Any) -> Convert:
    template, names, always, optional, oneofs, extensions = fields
    get = _getter(names)
    # Taken from the class, because a field may have the name of a method and would be found first.
    has, which, set_fields = kind.HasField, kind.WhichOneof, kind.ListFields

    def walk(message: Any, room: Room) -> dict[str, Any]:
        spend(room, cost)
        row = template.copy()
        row.update(zip(names, get(message), strict=True))
        for name, convert in always:
            row[name] = convert(getattr(message, name), room)
        for name, change in optional:
            if has(message, name):
                value = getattr(message, name)
                row[name] = value if change is None else change(value, room)
        for oneof, members in oneofs:
            _add_member(row, message, which(message, oneof), members, room)
        if extensions:
            _add_extensions(row, set_fields(message), extensions, room)
        return row

    return walk


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda _: ()
    get: Callable[[Any], Any] = attrgetter(*names)  # of one name it gives no tuple, whatever its stub says
    return get if len(names) > 1 else lambda message: (get(message),)


def _add_member(row: dict[str, Any], message: Any, name: str | None, members: Members, room: Room) -> None:
    if name is not None:
        value, convert = getattr(message, name), members[name]
        row[name] = value if convert is None else convert(value, room)


def _add_extensions(row: dict[str, Any], found: Any, extensions: Members, room: Room) -> None:
    for field, value in found:
        if field.is_extension:
            convert = extensions[field.full_name]
            row[f"[{field.full_name}]"] = value if convert is None else convert(value, room)
