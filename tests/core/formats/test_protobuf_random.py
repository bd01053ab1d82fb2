"""Any schema, any message: the document holds all of the message, which Protobuf's own reader of JSON confirms."""

import struct
from typing import Any

from google.protobuf import descriptor_pb2, json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.decoded import Decode, DecodingError
from connector.core.formats.protobuf import compile_protobuf
from connector.core.records import Reason
from tests.support.protobuf_schemas import compiled

Proto = descriptor_pb2.FieldDescriptorProto
MESSAGES = 3


def single(number: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", number))[0])


def signed(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS: dict[int, st.SearchStrategy[Any]] = {
    Proto.TYPE_DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    Proto.TYPE_FLOAT: st.floats(allow_nan=False, allow_infinity=False, width=32).map(single),
    Proto.TYPE_INT64: signed(64),
    Proto.TYPE_UINT64: unsigned(64),
    Proto.TYPE_INT32: signed(32),
    Proto.TYPE_FIXED64: unsigned(64),
    Proto.TYPE_FIXED32: unsigned(32),
    Proto.TYPE_BOOL: st.booleans(),
    Proto.TYPE_STRING: TEXT,
    Proto.TYPE_BYTES: st.binary(max_size=8),
    Proto.TYPE_UINT32: unsigned(32),
    Proto.TYPE_SFIXED32: signed(32),
    Proto.TYPE_SFIXED64: signed(64),
    Proto.TYPE_SINT32: signed(32),
    Proto.TYPE_SINT64: signed(64),
    Proto.TYPE_ENUM: st.integers(0, 2),
}
KEYS = sorted(set(SCALARS) - {Proto.TYPE_DOUBLE, Proto.TYPE_FLOAT, Proto.TYPE_BYTES, Proto.TYPE_ENUM})
KINDS = ("plain", "optional", "repeated", "map", "oneof")


@st.composite
def schemas(draw: st.DrawFn) -> descriptor_pb2.FileDescriptorProto:
    syntax = draw(st.sampled_from(["proto2", "proto3"]))
    file = descriptor_pb2.FileDescriptorProto(name="random.proto", package="r", syntax=syntax)
    kinds = file.enum_type.add(name="Kind")
    for number in range(3):
        kinds.value.add(name=f"K{number}", number=number)
    for place in range(MESSAGES):
        message = file.message_type.add(name=f"M{place}")
        shapes = draw(st.lists(st.sampled_from(KINDS), max_size=6))
        message.oneof_decl.extend([descriptor_pb2.OneofDescriptorProto(name="choice")] if "oneof" in shapes else [])
        for number, shape in enumerate(shapes, 1):
            add_field(draw, message, number, shape, syntax)
    return file


def add_field(draw: st.DrawFn, message: Any, number: int, shape: str, syntax: str) -> None:
    kind = draw(st.sampled_from([*sorted(SCALARS), Proto.TYPE_MESSAGE]))
    target = f".r.M{draw(st.integers(0, MESSAGES - 1))}"
    field = Proto(name=f"f{number}", number=number, label=Proto.LABEL_OPTIONAL)
    set_type(field, kind, target)
    if shape == "repeated":
        field.label = Proto.LABEL_REPEATED
    elif shape == "oneof":
        field.oneof_index = 0
    elif shape == "map":
        entry = message.nested_type.add(name=f"F{number}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=1, type=draw(st.sampled_from(KEYS)))
        set_type(entry.field.add(name="value", number=2, label=1), kind, target)
        field.label = Proto.LABEL_REPEATED
        set_type(field, Proto.TYPE_MESSAGE, f".r.{message.name}.{entry.name}")
    elif shape == "optional" and syntax == "proto3":
        field.proto3_optional = True
        field.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_f{number}")
    message.field.append(field)


def set_type(field: Any, kind: int, target: str) -> None:
    field.type = kind
    if kind == Proto.TYPE_MESSAGE:
        field.type_name = target
    if kind == Proto.TYPE_ENUM:
        field.type_name = ".r.Kind"


def fill(draw: st.DrawFn, message: Any, depth: int) -> None:
    for field in message.DESCRIPTOR.fields:
        if not draw(st.booleans()) or (depth == 0 and field.message_type):
            continue
        found = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            fill_map(draw, found, field.message_type, depth)
        elif field.is_repeated and field.message_type:
            for _ in range(draw(st.integers(0, 3))):
                fill(draw, found.add(), depth - 1)
        elif field.is_repeated:
            found.extend(draw(st.lists(SCALARS[field.type], max_size=3)))
        elif field.message_type:
            found.SetInParent()
            fill(draw, found, depth - 1)
        else:
            setattr(message, field.name, draw(SCALARS[field.type]))


def fill_map(draw: st.DrawFn, found: Any, entry: Any, depth: int) -> None:
    key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
    for name in draw(st.lists(SCALARS[key.type], max_size=3)):
        if value.message_type:
            fill(draw, found[name], depth - 1)
        else:
            found[name] = draw(SCALARS[value.type])


def without_nulls(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: without_nulls(value) for name, value in document.items() if value is not None}
    return [without_nulls(value) for value in document] if isinstance(document, list) else document


@st.composite
def cases(draw: st.DrawFn) -> tuple[bytes, Any]:
    """A schema, and a message of its first type."""
    file = draw(schemas())
    pool = DescriptorPool()
    pool.Add(file)
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName("r.M0"))()
    fill(draw, message, 3)
    return descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString(), message


@given(cases())
def test_a_document_holds_all_of_its_message(case: tuple[bytes, Any]) -> None:
    files, message = case
    decode = compile_protobuf(files, "r.M0")
    document = decode(message.SerializeToString())
    again = json_format.ParseDict(without_nulls(document), type(message)())
    assert again.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)
    assert decode(again.SerializeToString()) == document


DECODERS = (
    compile_protobuf(compiled(), "shop.Click"),
    compile_protobuf(compiled(), "shop.Known"),
    compile_protobuf(compiled(), indexed=True),
)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_refused(payload: bytes) -> None:
    assert {end(decode, payload) for decode in DECODERS} <= {None, Reason.NOT_PROTOBUF, Reason.NESTED_TOO_DEEP}


def end(decode: Decode, payload: bytes) -> Reason | None:
    try:
        assert isinstance(decode(payload), dict)
    except DecodingError as error:
        return error.reason
    return None
