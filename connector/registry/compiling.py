"""A schema becomes a decoder, by its kind. Only the kinds that are used load the library that they need.

This runs in the fetch thread: a large schema takes a while to compile, and the loop does not wait for it.
"""

import base64
from collections.abc import Callable, Collection, Mapping
from typing import Final

from connector.core.formats.decoded import Decode, SchemaError
from connector.registry.answers import Found

Compile = Callable[[Found], Decode]
WORDS: Final[Mapping[str, str]] = {"avro": "Avro", "protobuf": "Protobuf", "json_schema": "JSON Schema"}


def _avro(found: Found) -> Decode:
    from connector.core.formats.avro import compile_avro  # noqa: PLC0415

    return compile_avro(found.text, [part.text for part in found.parts])


def _protobuf(found: Found) -> Decode:
    from connector.core.formats.protobuf import compile_protobuf  # noqa: PLC0415

    return compile_protobuf(descriptors(found), indexed=True, glue=found.glue)


def _json_schema(found: Found) -> Decode:
    from connector.core.formats.json_schema import compile_json_schema  # noqa: PLC0415

    return compile_json_schema(found.text, {part.name: part.text for part in found.parts})


COMPILERS: Final[Mapping[str, Compile]] = {"avro": _avro, "protobuf": _protobuf, "json_schema": _json_schema}


def descriptors(found: Found) -> bytes:
    """The FileDescriptorSet of a Protobuf schema: what it refers to, then the file itself, which is the last.

    Raises:
        SchemaError: it cannot be made.
    """
    root = _serialized(found.text)
    compiled = {part.name: _serialized(part.text) for part in found.parts}
    if root is not None:
        return _joined(root, compiled)
    if any(file is not None for file in compiled.values()):
        raise SchemaError("expected .proto text of every schema that this one refers to, found a compiled one")
    from connector.registry.proto_source import descriptors_of  # noqa: PLC0415

    return descriptors_of(found.text, {part.name: part.text for part in found.parts})


def _joined(root: bytes, parts: Mapping[str, bytes | None]) -> bytes:
    from google.protobuf import descriptor_pb2  # noqa: PLC0415  an optional extra
    from google.protobuf.message import DecodeError  # noqa: PLC0415

    whole = descriptor_pb2.FileDescriptorSet()
    for name, file in (*parts.items(), ("", root)):
        if file is None:
            raise SchemaError("expected a compiled form of every schema that this one refers to, found .proto text")
        added = whole.file.add()
        try:
            added.ParseFromString(file)
        except DecodeError:
            raise SchemaError("expected a FileDescriptorProto in base64") from None
        # The registry does not know under which name other files import this one; those that refer to it do.
        added.name = name or _other_name(added.name, parts)
    return bytes(whole.SerializeToString())


def _other_name(name: str, taken: Collection[str]) -> str:
    name = name or "schema.proto"
    while name in taken:
        name = f"the-{name}"
    return name


def _serialized(text: str) -> bytes | None:
    """The compiled descriptor, None for .proto text, which holds blanks or braces."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None
