"""Protobuf becomes documents, by the descriptors of its schema.

A payload of a registry begins with which of the schema's messages it is. Confluent's clients write a path of indexes,
one a level, as zigzag varints behind their count, and a single zero for the first message. AWS Glue's write a plain
varint: the place of the message among all of the file, nested ones too, in the order of their full names.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from connector.core.formats.decoded import Decode, DecodingError, SchemaError
from connector.core.formats.protobuf_files import load_files
from connector.core.formats.protobuf_known import MalformedError
from connector.core.formats.protobuf_values import MAX_ANYS, Parser, Types
from connector.core.formats.protobuf_weight import MAX_COST, MAX_DEPTH
from connector.core.records import Reason
from connector.core.words import suggest

_MAX_VARINT = 5  # bytes


def compile_protobuf(files: bytes, message: str | None = None, *, indexed: bool = False, glue: bool = False) -> Decode:
    """A decoder of the messages of a schema.

    Args:
        files: a serialized FileDescriptorSet, in which the schema itself comes last.
        message: the full name of the message type, where payloads do not say it; None for the only one that there is.
        indexed: whether payloads say first which message they are, as a registry's do.
        glue: whether they say so in AWS Glue's way.

    Raises:
        SchemaError: the schema cannot be used, or it has no such message type.
    """
    pool, loaded = load_files(files)
    types = Types(pool)
    try:
        if not indexed:
            return _alone(types.parser(_message_type(pool, loaded, message)))
        if glue:
            return _indexed(types, _glue_index, _glue_types(loaded[-1]))
        return _indexed(types, _confluent_path, _confluent_types(loaded[-1]))
    except RecursionError:
        raise SchemaError("expected message types that are nested less deep") from None


def _message_type(pool: Any, loaded: list[Any], name: str | None) -> Any:
    imported = {dependency.name for file in loaded for dependency in file.dependencies}
    # With several files the set was made for those that no other imports.
    top = [found for file in loaded if file.name not in imported for found in file.message_types_by_name.values()]
    if name is not None:
        try:
            return pool.FindMessageTypeByName(name)
        except KeyError:
            names = [found.full_name for found in top]
            hint = suggest(name, names)
            raise SchemaError(
                f"expected a message type of this schema, not {name}{f', {hint}' if hint else _those(names)}"
            ) from None
    if len(top) == 1:
        return top[0]
    raise SchemaError(f"expected message with the name of one of its types{_those([one.full_name for one in top])}")


def _those(names: list[str]) -> str:
    return f": {', '.join(names)}" if names else ": it has none"


def _decoded(parse: Parser, payload: bytes) -> Any:
    try:
        return parse(payload, [MAX_COST, MAX_ANYS])
    except MalformedError as error:
        raise DecodingError(error.reason, str(error)) from None
    except DecodeError as error:
        # The library's words name the message type and what is wrong, never a value.
        reason = Reason.NESTED_TOO_DEEP if "MaxDepth" in str(error) else Reason.NOT_PROTOBUF
        raise DecodingError(reason, f"expected Protobuf: {error}") from None
    except RecursionError:
        message = f"expected messages nested at most {MAX_DEPTH} deep"
        raise DecodingError(Reason.NESTED_TOO_DEEP, message) from None


def _alone(parse: Parser) -> Decode:
    return lambda payload: _decoded(parse, payload)


# Which message a payload is: from its bytes to the key of a message type, and where the message begins.
Find = Callable[[bytes], tuple[tuple[int, ...], int]]


def _indexed(types: Types, find: Find, descriptors: dict[tuple[int, ...], Any]) -> Decode:
    if not descriptors:
        raise SchemaError("expected a Protobuf schema with a message type, found none")
    parsers = {key: types.parser(descriptor) for key, descriptor in descriptors.items()}

    def decode(payload: bytes) -> Any:
        try:
            key, at = find(payload)
        except IndexError:
            raise _no_index("found the end of the value") from None
        if key not in parsers:
            raise _no_index(f"found one of no message: {'.'.join(map(str, key))}")
        return _decoded(parsers[key], payload[at:])

    return decode


def _no_index(found: str) -> DecodingError:
    message = f"expected the index of one of the schema's messages behind the frame, {found}"
    return DecodingError(Reason.NOT_PROTOBUF, message)


def _varint(payload: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    for place in range(at, at + _MAX_VARINT):
        byte = payload[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place + 1
        shift += 7
    raise _no_index("found a number that is longer")


# Confluent


def _confluent_path(payload: bytes) -> tuple[tuple[int, ...], int]:
    if payload[0] == 0:
        return (0,), 1
    count, at = _zigzag(payload, 0)
    if not 0 < count <= MAX_DEPTH:
        raise _no_index("found no count of indexes")
    path = []
    for _ in range(count):
        index, at = _zigzag(payload, at)
        path.append(index)
    return tuple(path), at


def _zigzag(payload: bytes, at: int) -> tuple[int, int]:
    number, at = _varint(payload, at)
    return (number >> 1) ^ -(number & 1), at


def _confluent_types(file: Any) -> dict[tuple[int, ...], Any]:
    found: dict[tuple[int, ...], Any] = {}

    def add(descriptor: Any, path: tuple[int, ...]) -> None:
        found[path] = descriptor
        nested = list(descriptor.nested_types)
        written = [kind for kind in nested if not kind.GetOptions().map_entry]
        for index, kind in enumerate(nested):
            # The entry of a map is a message to some clients and none to others, and nobody sends it alone. An index
            # that leads to one was counted without them.
            if kind in written:
                add(kind, (*path, index))
            elif index < len(written):
                add(written[index], (*path, index))

    for index, descriptor in enumerate(file.message_types_by_name.values()):
        add(descriptor, (index,))
    return found


# AWS Glue


def _glue_index(payload: bytes) -> tuple[tuple[int, ...], int]:
    index, at = _varint(payload, 0)
    return (index,), at


def _glue_types(file: Any) -> dict[tuple[int, ...], Any]:
    found: list[Any] = []
    waiting = list(file.message_types_by_name.values())
    while waiting:
        descriptor = waiting.pop()
        found.append(descriptor)
        waiting += descriptor.nested_types  # with the entries of maps
    found.sort(key=lambda descriptor: str(descriptor.full_name))
    return {(index,): descriptor for index, descriptor in enumerate(found)}
