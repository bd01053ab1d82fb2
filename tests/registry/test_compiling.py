"""What the registry gives becomes what the formats take: files in order, named as others import them."""

import base64
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from connector.core.formats.decoded import SchemaError
from connector.registry import compiling
from connector.registry.answers import Found, Part
from connector.registry.compiling import COMPILERS, WORDS, descriptors

SOURCE = 'syntax = "proto3"; message Click {}'


def compiled(name: str, *imports: str, field: str = "") -> str:
    """A file as Confluent's registry gives it: its own name says nothing."""
    file = descriptor_pb2.FileDescriptorProto(name=name, syntax="proto3", dependency=imports)
    message = file.message_type.add(name=f"M{abs(hash((name, imports))) % 1000}")
    message.field.add(name=field or "a", number=1, type="TYPE_INT64", label="LABEL_OPTIONAL")
    return base64.b64encode(file.SerializeToString()).decode()


def files(found: Found) -> list[Any]:
    whole = descriptor_pb2.FileDescriptorSet()
    whole.ParseFromString(descriptors(found))
    return list(whole.file)


def test_compiled_files_stand_after_what_they_import_and_have_the_names_that_are_imported() -> None:
    parts = (Part("b.proto", compiled("default")), Part("a/a.proto", compiled("", "b.proto")))
    found = files(Found("protobuf", compiled("default", "a/a.proto", "b.proto"), parts))
    assert [file.name for file in found] == ["b.proto", "a/a.proto", "default"]
    pool = descriptor_pool.DescriptorPool()
    for file in found:
        pool.Add(file)
    assert [each.name for each in pool.FindFileByName("default").dependencies] == ["a/a.proto", "b.proto"]


@pytest.mark.parametrize("name", ["", "schema.proto"])
def test_the_schemas_own_name_is_none_that_it_imports(name: str) -> None:
    found = files(Found("protobuf", compiled(name, "schema.proto"), (Part("schema.proto", compiled("default")),)))
    assert [file.name for file in found] == ["schema.proto", "the-schema.proto"]


def test_what_is_no_descriptor_is_refused() -> None:
    with pytest.raises(SchemaError, match="FileDescriptorProto in base64"):
        descriptors(Found("protobuf", base64.b64encode(b"\xff\xff\xff").decode()))


def test_text_and_compiled_files_do_not_mix() -> None:
    with pytest.raises(SchemaError, match=r"found \.proto text"):
        descriptors(Found("protobuf", compiled(""), (Part("a.proto", SOURCE),)))
    with pytest.raises(SchemaError, match="found a compiled one"):
        descriptors(Found("protobuf", SOURCE, (Part("a.proto", compiled("")),)))


def stand_in(monkeypatch: pytest.MonkeyPatch, module: str, **functions: Any) -> None:
    made = ModuleType(module)
    vars(made).update(functions)
    monkeypatch.setitem(sys.modules, module, made)


def test_text_is_compiled_with_what_it_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    def descriptors_of(text: str, references: Mapping[str, str]) -> bytes:
        return f"{text}|{references}".encode()

    stand_in(monkeypatch, "connector.registry.proto_source", descriptors_of=descriptors_of)
    found = Found("protobuf", SOURCE, (Part("a.proto", 'syntax = "proto3";'),))
    assert descriptors(found) == (SOURCE + "|{'a.proto': 'syntax = \"proto3\";'}").encode()


def test_each_compiler_gets_what_its_format_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def keep(*arguments: Any, **named: Any) -> Any:
        asked.append((arguments, named))
        return bytes.decode

    formats = "connector.core.formats"
    stand_in(monkeypatch, f"{formats}.avro", compile_avro=keep)
    stand_in(monkeypatch, f"{formats}.protobuf", compile_protobuf=keep)
    stand_in(monkeypatch, f"{formats}.json_schema", compile_json_schema=keep)
    monkeypatch.setattr(compiling, "descriptors", lambda found: found.text.encode())
    for kind in WORDS:
        assert COMPILERS[kind](Found(kind, "text", (Part("name", "part"),), glue=True)) is bytes.decode
    assert asked == [
        (("text", ["part"]), {}),
        ((b"text",), {"indexed": True, "glue": True}),
        (("text", {"name": "part"}), {}),
    ]
