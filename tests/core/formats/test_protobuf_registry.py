"""Which message a payload is, as Confluent's and AWS Glue's clients write it; Confluent's serializer is the oracle."""

import base64
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2

from connector.core.formats.decoded import DecodingError, SchemaError
from connector.core.formats.framing import framed
from connector.core.formats.protobuf import compile_protobuf
from connector.core.records import Reason
from connector.registry.answers import Found, Part
from connector.registry.compiling import COMPILERS
from tests.support.protobuf_schemas import SHOP, compiled, message_class

NESTED = """
syntax = "proto3";
package n;
message First { string a = 1; }
message B {
  message C { string c = 1; }
  message A { message D { string d = 1; } string x = 1; }
  string b = 1;
}
"""
MAPS = """
syntax = "proto3";
message Outer {
  map<string, int32> counts = 1;
  message Inner { string inner = 1; }
  message Other { string other = 1; }
  string own = 2;
}
"""
confluent = compile_protobuf(compiled(NESTED), indexed=True)
glue = compile_protobuf(compiled(NESTED), indexed=True, glue=True)


def refused(decode: Any, payload: bytes) -> str:
    with pytest.raises(DecodingError) as caught:
        decode(payload)
    assert caught.value.reason == Reason.NOT_PROTOBUF
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "field", "index"),
    [
        ("First", "a", b"\x00"),
        ("First", "a", b"\x02\x00"),  # the first message, written at length
        ("B", "b", b"\x02\x02"),
        ("B.C", "c", b"\x04\x02\x00"),
        ("B.A", "x", b"\x04\x02\x02"),
        ("B.A.D", "d", b"\x06\x02\x02\x00"),
    ],
)
def test_confluents_path_of_indexes_leads_to_the_message(name: str, field: str, index: bytes) -> None:
    message = message_class(f"n.{name}", NESTED)(**{field: "v"})
    assert confluent(index + message.SerializeToString()) == {field: "v"}


@pytest.mark.parametrize("number", range(5))
def test_glues_index_counts_all_messages_by_name(number: int) -> None:
    name, field = [("B", "b"), ("B.A", "x"), ("B.A.D", "d"), ("B.C", "c"), ("First", "a")][number]
    message = message_class(f"n.{name}", NESTED)(**{field: "v"})
    assert glue(bytes([number]) + message.SerializeToString()) == {field: "v"}


def test_glues_index_counts_the_entries_of_maps_and_is_no_zigzag() -> None:
    decode = compile_protobuf(compiled(MAPS), indexed=True, glue=True)
    assert decode(b"\x02\x0a\x01v") == {"inner": "v"}  # Outer, Outer.CountsEntry, Outer.Inner, Outer.Other
    assert decode(b"\x03\x0a\x01v") == {"other": "v"}


def test_an_index_of_a_maps_entry_was_counted_without_entries() -> None:
    decode = compile_protobuf(compiled(MAPS), indexed=True)
    assert decode(b"\x04\x00\x00\x0a\x01v") == {"inner": "v"}  # by Java's clients, which see no entries
    assert decode(b"\x04\x00\x02\x0a\x01v") == {"inner": "v"}  # by the others
    assert decode(b"\x04\x00\x04\x0a\x01v") == {"other": "v"}


def test_an_index_of_an_entry_with_no_other_message_is_none() -> None:
    decode = compile_protobuf(compiled("syntax = 'proto3'; message M { map<string, string> m = 1; }"), indexed=True)
    assert refused(decode, b"\x04\x00\x00").endswith("found one of no message: 0.0")


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (b"", "found the end of the value"),
        (b"\x04\x02", "found the end of the value"),
        (b"\x02\x08", "found one of no message: 4"),
        (b"\x02\x01", "found one of no message: -1"),
        (b"\x01", "found no count of indexes"),
        (b"\xfe\x01", "found no count of indexes"),
        (b"\xff\xff\xff\xff\xff\xff", "found a number that is longer"),
    ],
)
def test_a_payload_without_a_good_index_is_refused(payload: bytes, found: str) -> None:
    assert refused(confluent, payload).endswith(found)


@pytest.mark.parametrize("payload", [b"", b"\x80", b"\x05", b"\xff\xff\xff\xff\xff\xff"])
def test_a_payload_without_a_good_index_of_glues_is_refused(payload: bytes) -> None:
    assert refused(glue, payload).startswith("expected the index")


def test_a_schema_without_messages_is_refused() -> None:
    with pytest.raises(SchemaError, match="with a message type"):
        compile_protobuf(compiled('syntax = "proto3"; enum E { A = 0; }'), indexed=True)


@pytest.mark.parametrize(("name", "fields"), [("Flat", {"session": "s", "user": 2**62}), ("Click", {"user": "u"})])
def test_what_confluents_serializer_writes_is_read(name: str, fields: dict[str, Any]) -> None:
    kind = message_class(f"shop.{name}")
    client: Any = SchemaRegistryClient.new_client({"url": f"mock://{uuid4()}"})
    serialize = ProtobufSerializer(kind, client, {"use.deprecated.format": False})
    frame = framed(serialize(kind(**fields), SerializationContext("clicks", MessageField.VALUE)) or b"")
    registered = client.get_schema(int(frame.schema))
    parts = [
        Part(reference.name, client.get_version(reference.subject, reference.version).schema.schema_str)
        for reference in registered.references
    ]
    decode = COMPILERS["protobuf"](Found("protobuf", registered.schema_str, tuple(parts)))
    found = decode(frame.payload)
    assert found == compile_protobuf(compiled(SHOP), f"shop.{name}")(kind(**fields).SerializeToString())
    assert found.items() >= fields.items()


def test_a_set_is_made_of_the_descriptors_that_a_registry_gives() -> None:
    item = descriptor_pb2.FileDescriptorProto(name="another/name.proto", syntax="proto3")
    item.message_type.add(name="Item").field.add(name="id", number=1, label=1, type=9)
    main = descriptor_pb2.FileDescriptorProto(name="item.proto", syntax="proto3", dependency=["item.proto"])
    field = {"name": "item", "number": 1, "label": 1, "type": 11, "type_name": ".Item"}
    main.message_type.add(name="Click").field.add(**field)
    parts = (Part("item.proto", base64.b64encode(item.SerializeToString()).decode()),)
    decode = COMPILERS["protobuf"](Found("protobuf", base64.b64encode(main.SerializeToString()).decode(), parts))
    assert decode(b"\x00\x0a\x03\x0a\x01i") == {"item": {"id": "i"}}


def test_a_registry_that_gives_text_only_is_read_as_well() -> None:
    part = Part("item.proto", 'syntax = "proto3"; message Item { string id = 1; }')
    text = 'syntax = "proto3"; import "item.proto"; message Click { Item item = 1; }'
    assert COMPILERS["protobuf"](Found("protobuf", text, (part,)))(b"\x00\x0a\x03\x0a\x01i") == {"item": {"id": "i"}}
    of_glue = COMPILERS["protobuf"](Found("protobuf", NESTED, glue=True))
    assert of_glue(b"\x04\x0a\x01v") == {"a": "v"}
