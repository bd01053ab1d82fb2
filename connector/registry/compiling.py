"""A schema becomes a decoder, by its kind. Only the kinds that are used load the library that they need.

This runs in the fetch thread: a large schema takes a while to compile, and the loop does not wait for it.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final

from connector.core.formats.decoded import Decode, SchemaError
from connector.registry.answers import Found

Compile = Callable[[Found], Decode]
WORDS: Final[Mapping[str, str]] = {"avro": "Avro", "protobuf": "Protobuf", "json_schema": "JSON Schema"}


def _avro(found: Found) -> Decode:
    from connector.core.formats.avro import compile_avro  # noqa: PLC0415  an optional extra

    return compile_avro(found.text, [part.text for part in found.parts])


def _protobuf(found: Found) -> Decode:
    from connector.core.formats.protobuf import compile_protobuf  # noqa: PLC0415  an optional extra

    return compile_protobuf(descriptors(found), message=None, indexed=True)


def _json_schema(found: Found) -> Decode:
    from connector.core.formats.json_schema import compile_json_schema  # noqa: PLC0415  an optional extra

    return compile_json_schema(found.text, {part.name: part.text for part in found.parts})


COMPILERS: Final[Mapping[str, Compile]] = {"avro": _avro, "protobuf": _protobuf, "json_schema": _json_schema}


def descriptors(found: Found) -> bytes:
    """The FileDescriptorSet of a Protobuf schema: what it refers to, then the file itself, which is the last."""
    files = [(part.name, _serialized(part.text)) for part in found.parts]
    root = _serialized(found.text)
    if root is None:
        from connector.registry.proto_source import descriptors_of  # noqa: PLC0415  an optional extra

        if any(file is not None for _, file in files):
            raise SchemaError("expected .proto text of every schema that this one refers to, found a compiled one")
        return descriptors_of(found.text, {part.name: part.text for part in found.parts})
    from google.protobuf import descriptor_pb2  # noqa: PLC0415  an optional extra
    from google.protobuf.message import DecodeError  # noqa: PLC0415

    whole = descriptor_pb2.FileDescriptorSet()
    for name, file in [*files, ("", root)]:
        if file is None:
            raise SchemaError("expected every schema that this one refers to to be compiled, found .proto text")
        try:
            added = whole.file.add()
            added.ParseFromString(file)
        except DecodeError:
            raise SchemaError("expected a FileDescriptorProto in base64") from None
        # The registry does not know under which name another file imports this one.
        added.name = name or added.name or "schema.proto"
    return whole.SerializeToString()


def _serialized(text: str) -> bytes | None:
    """The compiled descriptor, None for .proto text, which holds blanks and braces."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
