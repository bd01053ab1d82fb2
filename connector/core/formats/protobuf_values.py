"""Messages become documents: the walk of each message type is put together once, from closures.

MessageToDict would make text of an int64, and takes several times as long. Names are those of the .proto file. A field
that has presence and is absent is its declared default, else null; of a oneof only the member that is set is there.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.message_factory import GetMessageClass

from connector.core.formats.protobuf_converts import (
    CONVERTED,
    Convert,
    base64_text,
    bool_name,
    checked_text,
    counted,
    enum_name,
    json_list,
    json_object,
    json_value,
    list_of,
    single_float,
    spend,
)
from connector.core.formats.protobuf_known import KNOWN, WRAPPERS, MalformedError
from connector.core.formats.protobuf_walks import Fields, walk_of
from connector.core.formats.protobuf_weight import (
    EIGHT,
    FOUR,
    MESSAGE_COST,
    VARINT,
    Room,
    Shape,
    unweighed,
    weigh,
)
from connector.core.records import Reason

Parser = Callable[[bytes, Room], Any]

MAX_ANYS = 4  # google.protobuf.Any within each other

# Numbers of google.protobuf.FieldDescriptorProto.Type
_DOUBLE, _FLOAT, _INT64, _UINT64, _INT32, _FIXED64, _FIXED32, _BOOL, _STRING, _GROUP = range(1, 11)
_MESSAGE, _BYTES, _UINT32, _ENUM, _SFIXED32, _SFIXED64, _SINT32, _SINT64 = range(11, 19)
_MESSAGES = {_MESSAGE, _GROUP}
_PACKED = {
    **dict.fromkeys((_DOUBLE, _FIXED64, _SFIXED64), EIGHT),
    **dict.fromkeys((_FLOAT, _FIXED32, _SFIXED32), FOUR),
    **dict.fromkeys((_INT64, _UINT64, _INT32, _BOOL, _UINT32, _ENUM, _SINT32, _SINT64), VARINT),
}


class Types:
    """The message types of a pool, each with its walk and its shape."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._walks: dict[str, Convert] = {}
        self._shapes: dict[str, Shape] = {}
        self._checked: dict[str, bool] = {}
        self.most_fields = 0
        self.has_required = False

    def parser(self, descriptor: Any) -> Parser:
        """From bytes to the document of one message type. Any exception means that the bytes are not of the type."""
        walk, shape, kind = self.walk(descriptor), self.shape(descriptor), GetMessageClass(descriptor)
        name, largest, check = descriptor.full_name, unweighed(self.most_fields), self.has_required

        def document(payload: bytes, room: Room) -> Any:
            if len(payload) > largest:
                weigh(payload, shape, room)
            message = kind.FromString(payload)
            if check and not kind.IsInitialized(message):
                field = kind.FindInitializationErrors(message)[0].rsplit(".", 1)[-1]
                raise MalformedError(f"expected the required field {field} in {name}, found none")
            return walk(message, room)

        return document

    def shape(self, descriptor: Any) -> Shape:
        """What weighs in a message type."""
        name = descriptor.full_name
        if name not in self._shapes:
            fields: dict[int, Any] = {}
            # Known before its fields are, because a type may contain itself.
            self._shapes[name] = Shape(MESSAGE_COST + len(descriptor.fields), fields)
            self.most_fields = max(self.most_fields, len(descriptor.fields))
            for field in (*descriptor.fields, *self._extensions(descriptor)):
                self.has_required |= field.is_required
                if field.type in _MESSAGES:
                    fields[field.number] = self.shape(field.message_type)
                elif field.is_repeated and field.type in _PACKED:
                    fields[field.number] = _PACKED[field.type]
        return self._shapes[name]

    def walk(self, descriptor: Any) -> Convert:
        """From a message to its document."""
        name = descriptor.full_name
        if name not in self._walks:
            self._walks[name] = self._later(name)  # for a type that contains itself
            cost = MESSAGE_COST + len(descriptor.fields)
            self._walks[name] = self._known(descriptor) or walk_of(
                self._fields(descriptor), cost, GetMessageClass(descriptor)
            )
        return self._walks[name]

    def _later(self, name: str) -> Convert:
        walks = self._walks

        def walk(message: Any, room: Room) -> Any:
            return walks[name](message, room)

        return walk

    def _extensions(self, descriptor: Any) -> list[Any]:
        return list(self._pool.FindAllExtensions(descriptor)) if descriptor.is_extendable else []

    # What stands in a field

    def _field(self, field: Any) -> Convert | None:
        """The conversion of a field's value, None where it stays as it is."""
        if not field.is_repeated:
            return self._single(field)
        if field.type in _MESSAGES and field.message_type.GetOptions().map_entry:
            return self._map(field.message_type)
        return list_of(self._single(field), of_messages=field.type in _MESSAGES)

    def _single(self, field: Any) -> Convert | None:
        if field.type in _MESSAGES:
            return self.walk(field.message_type)
        if field.type == _ENUM:
            return enum_name(field.enum_type.values)
        if field.type == _STRING:
            return None if self._is_checked(field.file) else checked_text
        converts: dict[int, Convert] = {_FLOAT: single_float, _BYTES: base64_text}
        return converts.get(field.type)

    def _is_checked(self, file: Any) -> bool:
        # Only proto3 is sure to have its text checked by the parser.
        if file.name not in self._checked:
            copy = FileDescriptorProto()
            file.CopyToProto(copy)
            self._checked[file.name] = copy.syntax == "proto3"
        return self._checked[file.name]

    def _map(self, entry: Any) -> Convert:
        key, convert = entry.fields_by_name["key"], self._single(entry.fields_by_name["value"])
        check = self._single(key) or _as_it_is
        name = bool_name if key.type == _BOOL else str

        def read(values: Any, room: Room) -> dict[str, Any]:
            spend(room, len(values) * CONVERTED)
            # The parser keeps no order, so the keys are sorted: the same record always becomes the same document.
            if convert is None:
                return {name(check(key, room)): values[key] for key in sorted(values)}
            return {name(check(key, room)): convert(values[key], room) for key in sorted(values)}

        return read

    # What stands in a message

    def _known(self, descriptor: Any) -> Convert | None:
        name, fields = descriptor.full_name, set(descriptor.fields_by_name)
        if name in KNOWN and KNOWN[name].fields <= fields:
            return counted(KNOWN[name].read)
        if name in WRAPPERS and fields == {"value"}:
            convert = self._single(descriptor.fields[0]) or _as_it_is
            return lambda message, room: convert(message.value, room)
        if name in _JSON and fields == _JSON[name][0]:
            return _JSON[name][1]
        return self._any() if name == "google.protobuf.Any" and fields == {"type_url", "value"} else None

    def _any(self) -> Convert:
        parsers: dict[str, Parser] = {}

        def read(message: Any, room: Room) -> dict[str, Any]:
            spend(room, MESSAGE_COST)
            url: str = message.type_url
            name = url.rsplit("/", 1)[-1]
            if name not in parsers:
                try:
                    parsers[name] = self.parser(self._pool.FindMessageTypeByName(name))
                except KeyError:
                    return {"@type": url, "value": base64_text(message.value, room)}
            room[1] -= 1
            if room[1] < 0:
                message = f"expected google.protobuf.Any nested at most {MAX_ANYS} deep"
                raise MalformedError(message, Reason.NESTED_TOO_DEEP)
            found = parsers[name](message.value, room)
            room[1] += 1
            return {"@type": url, **found} if type(found) is dict else {"@type": url, "value": found}

        return read

    def _fields(self, descriptor: Any) -> Fields:
        template: dict[str, Any] = {}
        plain: list[str] = []
        always: list[tuple[str, Convert]] = []
        optional: list[tuple[str, Convert | None]] = []
        alone = _alone(descriptor)
        for field in descriptor.fields:
            if field.name not in alone:
                continue
            convert = self._field(field)
            template[field.name] = _default(field, convert)
            if field.has_presence:
                optional.append((field.name, convert))
            elif convert is None:
                plain.append(field.name)
            else:
                always.append((field.name, convert))
        oneofs = [
            (oneof.name, {field.name: self._field(field) for field in oneof.fields})
            for oneof in descriptor.oneofs
            if oneof.fields[0].name not in alone
        ]
        extensions = {field.full_name: self._field(field) for field in self._extensions(descriptor)}
        return Fields(template, tuple(plain), tuple(always), tuple(optional), tuple(oneofs), extensions)


_JSON: dict[str, tuple[set[str], Convert]] = {
    "google.protobuf.Struct": ({"fields"}, json_object),
    "google.protobuf.ListValue": ({"values"}, json_list),
    "google.protobuf.Value": (
        {"null_value", "number_value", "string_value", "bool_value", "struct_value", "list_value"},
        json_value,
    ),
}


def _as_it_is(value: Any, _: Room) -> Any:
    return value


def _alone(descriptor: Any) -> set[str]:
    """Fields that are in no oneof. What proto3 calls optional is in one of its own, which nobody has written."""
    copy = DescriptorProto()
    descriptor.CopyToProto(copy)
    return {field.name for field in copy.field if field.proto3_optional or not field.HasField("oneof_index")}


def _default(field: Any, convert: Convert | None) -> Any:
    if not field.has_default_value:
        return None
    return field.default_value if convert is None else convert(field.default_value, [CONVERTED])
