"""A record's value, key and headers, decoded as its pipeline says.

bytes -> unpacked (compression) -> document (format) -> row or data (envelope) -> root check. Each step is chosen once,
when the pipeline is compiled.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connector.core.formats.compression import Unpack, compile_unpack
from connector.core.formats.decoded import Decode, DecodingError, Document, Headers, Schemas, Undecodable
from connector.core.formats.envelopes import Envelope, compile_envelope
from connector.core.formats.framing import frame_skipped, from_registry, schema_in_headers
from connector.core.formats.keys import decode_int, decode_long, decode_uuid
from connector.core.formats.lines import TAB, compile_delimited, decode_document, decode_json_lines
from connector.core.formats.plain import decode_bytes, decode_json, decode_text
from connector.core.formats.recognition import Setting, explained
from connector.core.mapping.roots import Root, root_of, wrong_root
from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.records import Record, Rejection, Skip, Stage, fast_constructor

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
VALUE_DECODERS: Mapping[str, Decode] = {"json": decode_json, "json_lines": decode_json_lines, "text": decode_document}
KEY_DECODERS: Mapping[str, Decode] = {
    "string": decode_text,
    "json": decode_json,
    "bytes": decode_bytes,
    "long": decode_long,
    "int": decode_int,
    "uuid": decode_uuid,
    "json_schema": frame_skipped(decode_json),
}


def compile_reader(spec: ValueFormat, formats: Formats = NO_SCHEMAS, *, takes_list: bool = False) -> Read:
    """The reader of values; it raises SchemaPending and nothing else.

    Records without a value come to it only where they may be in an envelope. ``takes_list``: the ``for_each`` of some
    rule takes the value itself.
    """
    unpack, decode = compile_unpack(spec.compression), _value_decoder(spec, formats)
    root, setting = root_of(spec, takes_list=takes_list), Setting("value", spec.format, spec.compression)
    fits, envelope = root.types, compile_envelope(spec.envelope)
    check = schema_in_headers("value") if is_framed(spec) else None
    if envelope is not None:
        explaining = _explaining(unpack, decode, setting), _explaining(unpack, decode_json, setting)
        return _from_envelope(envelope, root, explaining, check)

    def read(record: Record) -> Document | Skip | Rejection:
        raw = record.value or b""
        try:
            if check is not None:
                check(record.headers)
            if unpack is not None:
                raw = unpack(raw)
            document = decode(raw)
        except DecodingError as error:
            return _rejected(explained(error, raw, setting))
        if type(document) in fits:
            return _document((document, None))
        return Skip.TOMBSTONE if document is None else _rejected(wrong_root(root, document))

    return read


def _explaining(unpack: Unpack | None, decode: Decode, setting: Setting) -> Decode:
    """The steps before the envelope as one; without an envelope they are in the reader itself, which saves a call."""

    def decode_explained(raw: bytes) -> Any:
        try:
            if unpack is not None:
                raw = unpack(raw)
            return decode(raw)
        except DecodingError as error:
            raise explained(error, raw, setting) from None

    return decode_explained


def _from_envelope(
    envelope: Envelope, root: Root, decoders: tuple[Decode, Decode], check: Callable[[Headers], None] | None
) -> Read:
    (unwrap, is_json, is_whole), (decode, as_json) = envelope, decoders

    def document_of(value: bytes | None, headers: Headers) -> Any:
        if value is None:
            return None
        if is_json(headers):
            return as_json(value)
        if check is not None:
            check(headers)
        return decode(value)

    def read(record: Record) -> Document | Batch | Skip | Rejection:
        headers = record.headers
        try:
            document = document_of(record.value, headers)
            if document is None and not is_whole(headers):
                return Skip.TOMBSTONE
            found = unwrap(document, headers)
        except DecodingError as error:
            return _rejected(error)
        return [_checked(root, each) for each in found] if isinstance(found, list) else _checked(root, found)

    return read


def _checked(root: Root, found: Document | DecodingError | Skip) -> Document | Skip | Rejection:
    """The root check of what was in an envelope; null is a value there, because the envelope has something to map."""
    if isinstance(found, DecodingError):
        return _rejected(found)
    if isinstance(found, Skip) or found.value is None or type(found.value) in root.types:
        return found
    return _rejected(wrong_root(root, found.value))


def _value_decoder(spec: ValueFormat, formats: Formats) -> Decode:
    if spec.format == "delimited":
        return compile_delimited(spec.columns or (), spec.delimiter or TAB)
    known = VALUE_DECODERS.get(spec.format) or formats.value or _schemaless(spec)
    return known or _registered(formats, spec.format)


def _rejected(error: DecodingError) -> Rejection:
    return Rejection(Stage.DECODE, error.reason, f"value: {error.message}", field="value")


def compile_key(spec: KeyFormat, formats: Formats = NO_SCHEMAS) -> Callable[[Record], Any]:
    """The reader of keys: the key, None where there is none, Undecodable where it cannot be decoded."""
    decode = KEY_DECODERS.get(spec.format) or formats.key or _registered(formats, spec.format)
    setting, check = Setting("key", spec.format), schema_in_headers("key") if is_framed(spec) else None

    def read(record: Record) -> Any:
        if record.key is None:
            return None
        try:
            if check is not None:
                check(record.headers)
            return decode(record.key)
        except DecodingError as error:
            return Undecodable(error.reason, f"key: {explained(error, record.key, setting).message}")

    return read


def is_framed(spec: ValueFormat | KeyFormat) -> bool:
    """Whether a registry's frame is expected."""
    return spec.format in {"avro", "protobuf", "json_schema"} and spec.schema_file is None


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
