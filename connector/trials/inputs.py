"""The input of a test becomes records, and what decodes them where the file names a schema registry."""

import base64
import binascii
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never

import orjson

from connector.config.examples import Example, ExampleInput
from connector.config.formats import needs_registry
from connector.config.schema_files import compile_registered
from connector.core.formats.decoded import Decode, SchemaError, SchemaPending
from connector.core.formats.framing import framed
from connector.core.mapping.reading import Formats
from connector.core.mapping.specs import KeyFormat, PipelineSpec, ValueFormat
from connector.core.records import Record, known_timestamp
from connector.given_records import UnreadableRecord, record_of
from connector.trials.encoding import CannotEncode, encode_key, encode_value

MAX_BYTES = 16 * 1024 * 1024


class UnusableInput(ValueError):
    """An input of which no record can be made; ``key`` is that of the input which is wrong."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def records_of(test: Example, spec: PipelineSpec, folder: Path) -> list[Record]:
    """The records of a test; ``folder`` is that of its file.

    Raises:
        UnusableInput: see there.
    """
    given = test.input
    if given.records is not None:
        return _described(given, given.records, spec, folder)
    if given.file is not None:
        lines = [line for line in _lines("file", folder / given.file) if line]
        return [_record(given, spec, line, number) for number, line in enumerate(lines)]
    return [_record(given, spec, _value(given, spec), 0)]


def formats_of(test: Example, spec: PipelineSpec, formats: Formats, folder: Path, *, glue: bool) -> Formats:
    """What decodes the records of a test: its own schemas stand in for those of the registry, be it AWS Glue or not.

    Raises:
        UnusableInput: a schema cannot be used.
    """
    value = _schema("schema_file", test.input.schema_file, spec.value, folder, glue)
    key = _schema("key_schema_file", test.input.key_schema_file, spec.key, folder, glue)
    return Formats(NoRegistry(), value or formats.value, key or formats.key)


class NoRegistry:
    """Stands for the registry, which a test does not ask."""

    def reader(self, schema: int | str, kind: str) -> Never:  # noqa: ARG002  the Protocol's signature
        """No schema is here, and none will come."""
        raise SchemaPending(f"schema {schema}")


def _schema(key: str, file: str | None, spec: ValueFormat | KeyFormat, folder: Path, glue: bool) -> Decode | None:  # noqa: FBT001
    if file is None:
        return None
    if not needs_registry(spec):
        raise UnusableInput(key, f"expected no {key}: no value of format {spec.format} is decoded with a registry here")
    try:
        decode = compile_registered(spec.format, _content(key, folder / file), glue=glue)
    except SchemaError as error:
        raise UnusableInput(key, str(error)) from None
    return lambda raw: decode(framed(raw).payload)


def _value(given: ExampleInput, spec: PipelineSpec) -> bytes | None:
    if given.value_text is not None:
        return given.value_text.encode()
    if given.value_base64 is not None:
        return _from_base64("value_base64", given.value_base64)
    return _encoded("value", lambda: encode_value(given.value, spec.value))


def _key(given: ExampleInput, spec: PipelineSpec) -> bytes | None:
    if given.key_text is not None:
        return given.key_text.encode()
    if given.key_base64 is not None:
        return _from_base64("key_base64", given.key_base64)
    return _encoded("key", lambda: encode_key(given.key, spec.key))


def _encoded(key: str, encode: Callable[[], bytes | None]) -> bytes | None:
    try:
        return encode()
    except CannotEncode as error:
        raise UnusableInput(key, str(error)) from None


def _record(given: ExampleInput, spec: PipelineSpec, value: bytes | None, number: int) -> Record:
    headers = [(name, None if text is None else text.encode()) for name, text in given.headers.items()]
    headers += [(name, _from_base64("headers_base64", text)) for name, text in given.headers_base64.items()]
    return Record(
        given.topic or spec.topics[0],
        given.partition,
        given.offset + number,
        known_timestamp(given.timestamp),
        _key(given, spec),
        value,
        tuple(headers),
    )


def _described(given: ExampleInput, file: str, spec: PipelineSpec, folder: Path) -> list[Record]:
    found = []
    for number, line in enumerate(filter(None, _lines("records", folder / file)), 1):
        try:
            record = record_of(line, number, given.topic or spec.topics[0])
        except UnreadableRecord as error:
            raise UnusableInput("records", str(error)) from None
        # Without a time of its own it has that of the test, or none: never that of today.
        found.append(record if _has_time(line) else record._replace(timestamp=known_timestamp(given.timestamp)))
    return found


def _has_time(line: bytes) -> bool:
    described: dict[str, Any] = orjson.loads(line)
    return described.get("timestamp") is not None


def _lines(key: str, path: Path) -> list[bytes]:
    return [line.rstrip(b"\r") for line in _content(key, path).removeprefix(b"\xef\xbb\xbf").split(b"\n")]


def _content(key: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        raise UnusableInput(key, f"expected a readable file: {why}") from None
    if len(content) > MAX_BYTES:
        raise UnusableInput(key, "expected a file of at most 16 MiB")
    return content


def _from_base64(key: str, text: str) -> bytes:
    """Standard or URL-safe, padded or not; line breaks of a block of YAML are no part of it."""
    plain = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise UnusableInput(key, "expected base64") from None
