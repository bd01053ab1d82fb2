"""A frame names the schema, and the schema's own decoder reads what follows it."""

import uuid
from typing import Any

import pytest

from connector.core.formats.decoded import Decode, DecodingError, Document, SchemaPending, Undecodable
from connector.core.formats.framing import Frame, framed
from connector.core.mapping.reading import Formats, compile_key, compile_reader
from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.records import Reason, Record, Rejection

VERSION = uuid.UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")


class Registry:
    """Schema 7 is here, every other is on its way."""

    def reader(self, schema: int | str, kind: str) -> Decode:
        if schema != 7:
            raise SchemaPending(f"schema {schema}")
        return lambda payload: {"kind": kind, "payload": payload.decode()}


def record(raw: bytes) -> Record:
    return Record("t", 0, 0, None, raw, raw)


def test_a_frame_is_taken_off() -> None:
    assert framed(b"\x00\x00\x00\x01\x00payload") == Frame(256, b"payload")
    assert framed(b"\x00\x00\x00\x01\x00") == Frame(256, b"")
    assert framed(b"\x03\x00" + VERSION.bytes + b"payload") == Frame(str(VERSION), b"payload")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"", "nothing"),
        (b"\x00\x00\x00\x07", "4 bytes that begin with 0x00"),
        (b"{}", "2 bytes that begin with 0x7b"),
        (b"\x03\x01" + VERSION.bytes, "18 bytes that begin with 0x03"),
    ],
)
def test_what_has_no_frame_is_refused(value: bytes, found: str) -> None:
    with pytest.raises(DecodingError, match=f"found {found}: without a registry") as caught:
        framed(value)
    assert caught.value.reason is Reason.NOT_FRAMED


@pytest.mark.parametrize("kind", ["avro", "protobuf", "json_schema"])
def test_values_and_keys_are_read_by_the_schema_that_their_frame_names(kind: str) -> None:
    formats = Formats(schemas=Registry())
    expected: dict[str, Any] = {"kind": kind, "payload": "x"}
    # A value of JSON explains itself: its schema is only asked for where it is to be checked. A key's never is.
    checked = {"validate": True} if kind == "json_schema" else {}
    read = compile_reader(ValueFormat.model_validate({"format": kind, **checked}), formats)
    read_key = compile_key(KeyFormat.model_validate({"format": kind if kind != "json_schema" else "avro"}), formats)
    assert read(record(b"\x00\x00\x00\x00\x07x")) == Document(expected)
    assert read_key(record(b"\x00\x00\x00\x00\x07x"))["payload"] == "x"
    with pytest.raises(SchemaPending, match="schema 8"):
        read(record(b"\x00\x00\x00\x00\x08x"))


def test_plain_json_in_place_of_a_frame_is_named() -> None:
    rejection = compile_reader(ValueFormat(format="avro"), Formats(schemas=Registry()))(record(b'{"a": 1}'))
    assert isinstance(rejection, Rejection)
    assert rejection.message.endswith("; found plain JSON: set value.format to json")


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        ("__{}_schema_id", "let the producer use PrefixSchemaIdSerializer"),
        ("apicurio.{}.globalId", "set apicurio.registry.headers.enabled to false"),
        ("apicurio.{}.contentId", "set apicurio.registry.headers.enabled to false"),
    ],
)
@pytest.mark.parametrize("kind", ["avro", "protobuf", "json_schema"])
def test_a_schema_in_a_header_is_named_even_where_the_bytes_look_like_a_frame(
    kind: str, header: str, advice: str
) -> None:
    formats, looks_framed = Formats(schemas=Registry()), record(b"\x00\x00\x00\x00\x07x")
    of_value = looks_framed._replace(headers=(("a", None), (header.format("value"), b"\x01" + VERSION.bytes)))
    of_key = looks_framed._replace(headers=((header.format("key"), b"\x01" + VERSION.bytes),))
    rejection = compile_reader(ValueFormat.model_validate({"format": kind}), formats)(of_value)
    assert isinstance(rejection, Rejection)
    assert rejection.reason is Reason.NOT_FRAMED
    assert f"found the schema in header {header.format('value')}, " in rejection.message
    assert advice in rejection.message
    key = compile_key(KeyFormat.model_validate({"format": kind}), formats)(of_key)
    assert isinstance(key, Undecodable)
    assert f"found the schema in header {header.format('key')}, " in key.message


def test_a_schema_in_a_header_is_named_within_an_envelope_too() -> None:
    read = compile_reader(ValueFormat(format="avro", envelope="cloudevents"), Formats(schemas=Registry()))
    framed_otherwise = record(b"\x00\x00\x00\x00\x07x")._replace(headers=(("__value_schema_id", b"\x01"),))
    rejection = read(framed_otherwise)
    assert isinstance(rejection, Rejection)
    assert rejection.reason is Reason.NOT_FRAMED


def test_a_header_that_names_the_schema_does_not_matter_where_the_file_names_it() -> None:
    read = compile_reader(ValueFormat(format="avro", schema_file="x.avsc"), Formats(value=lambda _: {"a": 1}))
    assert read(record(b"x")._replace(headers=(("__value_schema_id", b"\x01"),))) == Document({"a": 1})
