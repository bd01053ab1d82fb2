"""A record's value, key and headers, decoded as its pipeline says.

bytes -> unpacked (compression) -> document (format) -> row or data (envelope) -> root check. Each step is chosen once,
when the pipeline is compiled.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connector.core.formats.decoded import Decode, DecodingError, Document, Headers, Schemas, Undecodable
from connector.core.formats.envelopes import Envelope, compile_envelope
from connector.core.formats.framing import frame_skipped, from_registry
from connector.core.formats.plain import decode_bytes, decode_json, decode_text
from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.records import Reason, Record, Rejection, Skip, Stage, fast_constructor
from connector.core.words import type_word

_document = fast_constructor(Document)

# A list is a batch: each of its documents is mapped as if it were a record of its own.
Read = Callable[[Record], "Document | Batch | Skip | Rejection"]
Batch = list[Document | Skip | Rejection]


class Formats(NamedTuple):
    """What a pipeline needs to decode what only a schema explains.

    ``schemas`` is the registry, None where the file names none; ``value`` and ``key`` are the decoders of a
    ``schema_file``, None where there is none.
    """

    schemas: Schemas | None = None
    value: Decode | None = None
    key: Decode | None = None


NO_SCHEMAS = Formats()
VALUE_DECODERS: Mapping[str, Decode] = {"json": decode_json}
KEY_DECODERS: Mapping[str, Decode] = {
    "string": decode_text,
    "json": decode_json,
    "bytes": decode_bytes,
    "json_schema": frame_skipped(decode_json),
}


def compile_reader(spec: ValueFormat, formats: Formats = NO_SCHEMAS) -> Read:
    """The reader of values; it raises SchemaPending and nothing else.

    Records without a value come to it only where they may be in an envelope.
    """
    decode = VALUE_DECODERS.get(spec.format) or formats.value or _schemaless(spec) or _registered(formats, spec.format)
    envelope = compile_envelope(spec.envelope)
    if envelope is not None:
        return _from_envelope(decode, envelope)

    def read(record: Record) -> Document | Skip | Rejection:
        try:
            document = decode(record.value or b"")
        except DecodingError as error:
            return Rejection(Stage.DECODE, error.reason, f"value: {error.message}", field="value")
        if type(document) is dict:
            return _document((document, None))
        if document is None:
            return Skip.TOMBSTONE
        message = f"value: expected a JSON object, not {type_word(document)}"
        return Rejection(Stage.DECODE, Reason.NOT_AN_OBJECT, message, field="value")

    return read


def _from_envelope(decode: Decode, envelope: Envelope) -> Read:
    unwrap, is_json, is_whole = envelope

    def document_of(value: bytes | None, headers: Headers) -> Any:
        if value is None:
            return None
        return decode_json(value) if is_json(headers) else decode(value)

    def read(record: Record) -> Document | Batch | Skip | Rejection:
        headers = record.headers
        try:
            document = document_of(record.value, headers)
            if document is None and not is_whole(headers):
                return Skip.TOMBSTONE
            found = unwrap(document, headers)
        except DecodingError as error:
            return _rejected(error)
        return [_checked(each) for each in found] if isinstance(found, list) else _checked(found)

    return read


def _checked(found: Document | DecodingError | Skip) -> Document | Skip | Rejection:
    """The root check of what was in an envelope; null is a value there, because the envelope has something to map."""
    if isinstance(found, DecodingError):
        return _rejected(found)
    if isinstance(found, Skip) or found.value is None or type(found.value) is dict:
        return found
    message = f"expected a JSON object, not {type_word(found.value)}"
    return _rejected(DecodingError(Reason.NOT_AN_OBJECT, message))


def _rejected(error: DecodingError) -> Rejection:
    return Rejection(Stage.DECODE, error.reason, f"value: {error.message}", field="value")


def compile_key(spec: KeyFormat, formats: Formats = NO_SCHEMAS) -> Callable[[Record], Any]:
    """The reader of keys: the key, None where there is none, Undecodable where it cannot be decoded."""
    decode = KEY_DECODERS.get(spec.format) or formats.key or _registered(formats, spec.format)

    def read(record: Record) -> Any:
        if record.key is None:
            return None
        try:
            return decode(record.key)
        except DecodingError as error:
            return Undecodable(error.reason, f"key: {error.message}")

    return read


def _schemaless(spec: ValueFormat) -> Decode | None:
    # JSON explains itself: its schema is fetched only to be checked against.
    return frame_skipped(decode_json) if spec.format == "json_schema" and not spec.validate_ else None


def _registered(formats: Formats, kind: str) -> Decode:
    assert formats.schemas is not None, f"{kind} without a registry or a schema_file"  # noqa: S101  config has checked it
    return from_registry(formats.schemas, kind)


def decode_headers(record: Record) -> dict[str, str | None]:
    """Header name to text; the last of a name wins, and bytes that are not UTF-8 read as null."""
    headers: dict[str, str | None] = {}
    for name, value in record.headers:
        try:
            headers[name] = None if value is None else value.decode()
        except UnicodeDecodeError:
            headers[name] = None
    return headers
