import pytest
from google.protobuf import descriptor_pb2

from connector.core.formats.decoded import SchemaError
from connector.core.formats.protobuf import compile_protobuf
from connector.core.formats.protobuf_files import known_files
from tests.support.protobuf_schemas import compiled

TWO = 'syntax = "proto3"; package p; message One { string a = 1; } message Two { string b = 1; }'


def files_of(*files: descriptor_pb2.FileDescriptorProto) -> bytes:
    return bytes(descriptor_pb2.FileDescriptorSet(file=files).SerializeToString())


def file_of(name: str, message: str, *imports: str) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=name, syntax="proto3", dependency=imports)
    file.message_type.add(name=message)
    return file


def refused(files: bytes, message: str | None = None) -> str:
    with pytest.raises(SchemaError) as caught:
        compile_protobuf(files, message)
    return str(caught.value)


def test_two_schemas_may_have_the_same_names() -> None:
    first = compile_protobuf(compiled('syntax = "proto3"; message M { string a = 1; }'))
    second = compile_protobuf(compiled('syntax = "proto3"; message M { int64 b = 1; }'))
    assert first(b"\x0a\x01x") == {"a": "x"}
    assert second(b"\x08\x07") == {"b": 7}
    assert first(b"\x0a\x01x") == {"a": "x"}


def test_the_only_message_type_needs_no_name() -> None:
    assert compile_protobuf(compiled('syntax = "proto3"; message M { message N {} string a = 1; }'))(b"") == {"a": ""}


def test_of_several_message_types_one_must_be_named() -> None:
    assert refused(compiled(TWO)) == "expected message with the name of one of its types: p.One, p.Two"
    assert compile_protobuf(compiled(TWO), "p.Two")(b"") == {"b": ""}


def test_a_name_that_is_none_is_answered_with_the_names() -> None:
    assert refused(compiled(TWO), "p.Tow") == "expected a message type of this schema, not p.Tow, did you mean p.Two?"
    assert refused(compiled(TWO), "Unlike") == "expected a message type of this schema, not Unlike: p.One, p.Two"
    assert (
        refused(compiled('syntax = "proto3"; enum E { A = 0; }'), "M")
        == "expected a message type of this schema, not M: it has none"
    )


def test_messages_of_imports_are_not_taken_for_the_schemas_own() -> None:
    files = files_of(file_of("item.proto", "Item"), file_of("click.proto", "Click", "item.proto"))
    assert compile_protobuf(files)(b"") == {}
    assert compile_protobuf(files, "Item")(b"") == {}


@pytest.mark.parametrize("files", [b"", b"\xff", b"syntax = 'proto3'; message M {}", files_of(file_of("", "M"))])
def test_bytes_that_are_no_descriptors_are_refused(files: bytes) -> None:
    assert refused(files).startswith("expected a FileDescriptorSet, as protoc --include_imports")


def test_an_import_that_is_missing_is_named_with_what_to_do() -> None:
    found = refused(files_of(file_of("click.proto", "Click", "shop/item.proto")))
    assert found.startswith("click.proto imports shop/item.proto, which is missing: write the file with protoc --incl")


def test_what_everybody_imports_need_not_be_brought() -> None:
    click = file_of("click.proto", "Click", *sorted(known_files()))
    assert compile_protobuf(files_of(click))(b"") == {}


def test_a_file_that_the_schema_brings_goes_before_ours() -> None:
    name = "google/protobuf/timestamp.proto"
    files = files_of(file_of(name, "Mine"), file_of("click.proto", "Click", name))
    assert compile_protobuf(files, "Mine")(b"") == {}


def test_imports_in_a_circle_are_refused() -> None:
    files = files_of(file_of("a.proto", "A", "b.proto"), file_of("b.proto", "B", "a.proto"))
    assert refused(files) == "expected imports without a circle: b.proto imports a.proto"


def test_imports_that_are_nested_too_deep_are_refused() -> None:
    chain = [file_of(f"{n}.proto", f"M{n}", f"{n + 1}.proto") for n in range(3000)]
    assert refused(files_of(*chain, file_of("3000.proto", "Last"))) == "expected imports that are nested less deep"


def test_files_that_contradict_each_other_are_refused() -> None:
    found = refused(files_of(file_of("a.proto", "M"), file_of("b.proto", "M")))
    assert found.startswith("expected a valid Protobuf file b.proto: ")


def test_message_types_that_are_nested_too_deep_are_refused() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="deep.proto", syntax="proto3")
    for n in range(3000):
        field = {"name": "f", "number": 1, "label": 1, "type": 11, "type_name": f".M{n + 1}"}
        file.message_type.add(name=f"M{n}").field.add(**field)
    file.message_type.add(name="M3000")
    assert refused(files_of(file), "M0") == "expected message types that are nested less deep"
