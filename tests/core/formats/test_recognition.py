"""A value of another format than the file says is named with the setting for it, and nothing of it is shown."""

import base64
import gzip
import struct
import uuid
import zlib
from typing import Any, get_args

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.decoded import DecodingError, Document, Undecodable
from connector.core.formats.recognition import Setting, explained
from connector.core.mapping.reading import NO_SCHEMAS, Formats, compile_key, compile_reader
from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.records import Reason, Record, Rejection, Stage

SECRET = "s3cr3t"
JSON = orjson.dumps({"session": SECRET, "item": SECRET})
VERSION = uuid.UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")
SCHEMA_FORMATS = "set value.format to avro, protobuf or json_schema"
ELSEWHERE = "which is not supported inside a value: use Kafka's own compression.type, or gzip, zlib or zstd"


def bson(fields: bytes) -> bytes:
    return struct.pack("<i", len(fields) + 5) + fields + b"\x00"


STRING_OF_BSON = b"\x02session\x00" + struct.pack("<i", len(SECRET) + 1) + SECRET.encode() + b"\x00"
COLUMNS = "text with {0}s between columns: set value.format to delimited, with a {0} as the delimiter"
SHORT = b"\xa7session\xa6" + SECRET.encode()  # a name and a text, as MessagePack has them
OTHERS: dict[str, tuple[bytes, str]] = {
    "JSON behind Confluent's frame": (
        b"\x00\x00\x00\x00\x07" + JSON,
        f"a value framed for a schema registry, schema id 7: {SCHEMA_FORMATS}",
    ),
    "Avro behind Confluent's frame": (
        b"\x00\x00\x01\x00\x07\x0c" + SECRET.encode(),
        f"a value framed for a schema registry, schema id 65543: {SCHEMA_FORMATS}",
    ),
    "Glue's frame": (
        b"\x03\x00" + VERSION.bytes + JSON,
        f"a value framed for AWS Glue's schema registry, schema version {VERSION}: {SCHEMA_FORMATS}",
    ),
    "Glue's frame, packed": (
        b"\x03\x05" + VERSION.bytes + zlib.compress(JSON),
        f"a value framed for AWS Glue's schema registry, schema version {VERSION}: {SCHEMA_FORMATS}",
    ),
    "gzip": (gzip.compress(JSON, mtime=0), "gzip: set value.compression to gzip"),
    "zlib": (zlib.compress(JSON), "zlib: set value.compression to zlib"),
    "zlib, stored": (zlib.compress(JSON, 0), "zlib: set value.compression to zlib"),
    "zlib, best": (zlib.compress(JSON, 9), "zlib: set value.compression to zlib"),
    "zstd": (zstandard.compress(JSON), "zstd: set value.compression to zstd"),
    "snappy, framed": (b"\xff\x06\x00\x00sNaPpY" + JSON, f"snappy, {ELSEWHERE}"),
    "snappy of Java": (b"\x82SNAPPY\x00\x00\x00\x00\x01" + JSON, f"snappy, {ELSEWHERE}"),
    "lz4": (b"\x04\x22\x4d\x18\x64\x40" + JSON, f"lz4, {ELSEWHERE}"),
    "bzip2": (b"BZh91AY&SY" + JSON, f"bzip2, {ELSEWHERE}"),
    "xz": (b"\xfd7zXZ\x00" + JSON, f"xz, {ELSEWHERE}"),
    "an Avro container file": (
        b"Obj\x01\x04\x16avro.schema" + JSON,
        "an Avro container file: write one value a record, without the header of a file, and set format to avro",
    ),
    "Avro's single object": (
        b"\xc3\x01" + bytes(8) + SECRET.encode(),
        "Avro's single-object encoding, which is not supported: use a schema registry's frame",
    ),
    "Parquet": (b"PAR1" + JSON, "a Parquet file, which is not supported"),
    "Java's serialization": (
        b"\xac\xed\x00\x05t" + JSON,
        "Java's serialization, which is not supported: set the producer's value.serializer to JSON",
    ),
    "Smile": (b":)\n\x00" + JSON, "Smile, which is not supported: write JSON"),
    "BSON": (bson(STRING_OF_BSON), "BSON, which is not supported: write JSON"),
    "BSON of 256 bytes": (
        bson(STRING_OF_BSON + b"\x05b\x00" + struct.pack("<iB", 218, 0) + bytes(218))[:256],
        "BSON, which is not supported: write JSON",
    ),
    "MessagePack": (b"\x82" + SHORT + SHORT, "MessagePack, which is not supported: write JSON"),
    "MessagePack, a list": (b"\x91\x81" + SHORT, "MessagePack, which is not supported: write JSON"),
    "MessagePack, a long map": (
        b"\xde\x00\x10\xd9\x07session" + SHORT * 16,
        "MessagePack, which is not supported: write JSON",
    ),
    "CBOR": (b"\xa1\x67session\x66" + SECRET.encode(), "CBOR, which is not supported: write JSON"),
    "CBOR, a list": (b"\x82\xa1\x61a\x01\x01", "MessagePack or CBOR, which is not supported: write JSON"),
    "CBOR, without a length": (b"\xbf\x78\x07session\x66s3cr3t\xff", "CBOR, which is not supported: write JSON"),
    "CBOR that describes itself": (b"\xd9\xd9\xf7\xa1\x61a\x01", "CBOR, which is not supported: write JSON"),
    "UTF-16 with a mark": (JSON.decode().encode("utf-16"), "UTF-16: write UTF-8"),
    "UTF-16, little end first": (JSON.decode().encode("utf-16-le"), "UTF-16: write UTF-8"),
    "UTF-16, big end first": (JSON.decode().encode("utf-16-be"), "UTF-16: write UTF-8"),
    "UTF-32": (JSON.decode().encode("utf-32"), "UTF-32: write UTF-8"),
    "Python's repr": (
        repr({"session": SECRET}).encode(),
        "names in single quotes: JSON has double quotes only, as Python's json.dumps writes",
    ),
    "XML": (f'<?xml version="1.0"?><a>{SECRET}</a>'.encode(), "XML or HTML: set value.format to text"),
    "XML without a declaration": (f"\n<event>{SECRET}</event>".encode(), "XML or HTML: set value.format to text"),
    "HTML": (b"<!doctype html><title>502</title>", "XML or HTML: set value.format to text"),
    "a form": (
        f"session={SECRET}&item=p%201&n=".encode(),
        "a URL-encoded form: set value.format to text, and use url_param",
    ),
    "tabs": (f"shop\tweb\t{SECRET}\t\n".encode(), "text with tabs between columns: set value.format to delimited"),
    "base64": (
        base64.b64encode(JSON),
        "JSON in base64: set value.format to text, and use parse_json(base64_decode(value))",
    ),
    "commas": (f"s1,{SECRET},1".encode(), COLUMNS.format("comma")),
    "commas, quoted": (f'"s1","{SECRET}","1"'.encode(), COLUMNS.format("comma")),
    "semicolons": (f"s1;{SECRET};1".encode(), COLUMNS.format("semicolon")),
    "a word": (SECRET.encode(), "text: set value.format to text"),
    "a token": (b"eyJh.eyJh.c2ln", "text: set value.format to text"),
    "words": (f"hello {SECRET}".encode(), "text: set value.format to text"),
}  # fmt: skip


def rejected(value: bytes, formats: Formats = NO_SCHEMAS, **settings: Any) -> Rejection:
    found = compile_reader(ValueFormat.model_validate(settings), formats)(Record("t", 0, 0, None, None, value))
    assert isinstance(found, Rejection)
    assert (found.stage, found.field) == (Stage.DECODE, "value")
    assert SECRET not in found.message
    return found


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_json_is_named(name: str) -> None:
    value, words = OTHERS[name]
    rejection = rejected(value)
    assert rejection.reason in {Reason.NOT_JSON, Reason.NOT_UTF8}
    assert rejection.message.endswith(f"; found {words}")


@pytest.mark.parametrize(
    "value",
    [
        b"{", b"x^2 + y", b"x\x9c\x07\x00", b"x^\xff\xff",
        b"a=b", b"a, b", b"<", b"< 5", b"True", b"nil", b"nulll", b'{"a": "\xe9"}',
        b"\x00\x01",
        b"\x03\x01" + bytes(30), b"\x80", b"\xa1", b"\x82\xa3", b"\xa1\x63\x00\x00\x00\x01", b"\x82\xbf" + b"a" * 8,
        b"\x05\x00\x00\x00", b"a\tb", b'{"a":\t1,\t"b":\t}',
    ],
)  # fmt: skip
def test_what_is_not_certain_is_not_named(value: bytes) -> None:
    assert "found" not in rejected(value).message


@given(st.binary(max_size=60), st.sampled_from(get_args(ValueFormat.model_fields["format"].annotation)))
def test_words_are_only_added(value: bytes, kind: str) -> None:
    for reason in Reason:
        found = explained(DecodingError(reason, "expected other bytes"), value, Setting("value", kind))
        assert found.reason is reason
        assert found.message.startswith("expected other bytes")


def _not_avro(value: bytes) -> Any:
    raise DecodingError(Reason.NOT_AVRO, f"expected Avro, found {len(value)} bytes")


@pytest.mark.parametrize("kind", ["avro", "protobuf", "json_schema"])
@pytest.mark.parametrize("value", [JSON, b"\xef\xbb\xbf \n[1]"])
def test_plain_json_is_named_where_a_schema_is_expected(kind: str, value: bytes) -> None:
    rejection = rejected(value, Formats(value=_not_avro), format=kind)
    assert rejection.message.endswith("; found plain JSON: set value.format to json")


def test_other_bytes_are_not_taken_for_json_where_a_schema_is_expected() -> None:
    formats = Formats(value=_not_avro)
    assert rejected(b'{"a', formats, format="avro").message == "value: expected Avro, found 3 bytes"
    packed = rejected(gzip.compress(JSON), formats, format="avro")
    assert packed.message.endswith("; found gzip: set value.compression to gzip")


@pytest.mark.parametrize("kind", ["gzip", "zlib", "zstd"])
def test_what_is_not_packed_as_the_file_says_is_named(kind: str) -> None:
    packs = {"gzip": gzip.compress(JSON), "zlib": zlib.compress(JSON), "zstd": zstandard.compress(JSON)}
    plain = rejected(JSON, compression=kind)
    assert plain.reason is Reason.NOT_COMPRESSED
    assert plain.message.endswith("; found JSON that is not packed: set value.compression to none")
    for other, packed in packs.items():
        if other != kind:
            message = rejected(packed, compression=kind, format="avro", formats=Formats(value=_not_avro)).message
            assert message.endswith(f"; found {other}: set value.compression to {other}")
    framed = rejected(b"\x00\x00\x00\x00\x07" + JSON, compression=kind)
    assert "schema id 7" in framed.message


@pytest.mark.parametrize("kind", ["gzip", "zlib", "zstd"])
def test_what_is_packed_as_the_file_says_and_cut_off_is_not_named_again(kind: str) -> None:
    packs = {"gzip": gzip.compress(JSON), "zlib": zlib.compress(JSON), "zstd": zstandard.compress(JSON)}
    assert "; found" not in rejected(packs[kind][:-1], compression=kind).message


def test_what_was_packed_is_looked_at_too() -> None:
    assert rejected(gzip.compress(gzip.compress(JSON)), compression="gzip").message.endswith("; found gzip")
    assert "schema id 7" in rejected(gzip.compress(b"\x00\x00\x00\x00\x07" + JSON), compression="gzip").message
    twice = rejected(gzip.compress(b"<a >"), compression="gzip", format="delimited", columns=["a", "b"])
    assert twice.message == "value: expected 2 columns, found 1"


def test_a_key_is_named_with_its_own_settings() -> None:
    read = compile_key(KeyFormat(format="json"))
    framed = read(Record("t", 0, 0, None, b"\x00\x00\x00\x00\x07" + JSON, None))
    assert isinstance(framed, Undecodable)
    assert framed.message.endswith("schema id 7: set key.format to avro, protobuf or json_schema")
    assert "; found a key framed" in framed.message
    packed = read(Record("t", 0, 0, None, gzip.compress(JSON), None))
    assert isinstance(packed, Undecodable)
    assert packed.message.endswith("; found gzip, which is not supported in a key")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ((500_000).to_bytes(8, "big"), "8 bytes, as a long has: set key.format to long if it is one"),
        ((-1).to_bytes(8, "big", signed=True), "8 bytes, as a long has: set key.format to long if it is one"),
        ((500_000).to_bytes(4, "big"), "4 bytes, as an int has: set key.format to int if it is one"),
        (VERSION.bytes, "16 bytes, as a uuid has: set key.format to uuid if it is one"),
        (b"<a>secret</a>", "XML or HTML: set key.format to string"),
        (b"tenant-7", "text: set key.format to string"),
        (b"a\tb\tc", "text with tabs between columns: set key.format to string, and use split"),
        (b"a=1&b=2", "a URL-encoded form: set key.format to string, and use url_param"),
        (b"eyJhIjoxfQ==", "JSON in base64: set key.format to string, and use parse_json(base64_decode(key))"),
    ],
)
def test_a_key_is_told_a_format_that_keys_have(key: bytes, words: str) -> None:
    found = compile_key(KeyFormat(format="json"))(Record("t", 0, 0, None, key, None))
    assert isinstance(found, Undecodable)
    assert found.message.endswith(f"; found {words}")


@pytest.mark.parametrize("kind", ["bytes", "long", "uuid"])
def test_a_key_that_need_not_be_text_is_not_taken_for_a_number(kind: str) -> None:
    found = compile_key(KeyFormat.model_validate({"format": kind}))(Record("t", 0, 0, None, b"\xff\x01\x00\x02", None))
    assert "as an int" not in str(found)


def test_a_packed_value_in_an_envelope_is_unpacked_first_and_named_where_it_cannot_be_decoded() -> None:
    row = b'{"schema": null, "payload": {"session": "s3cr3t"}}'
    settings: dict[str, Any] = {"compression": "gzip", "envelope": "connect"}
    read = compile_reader(ValueFormat.model_validate(settings))
    found = read(Record("t", 0, 0, None, None, gzip.compress(row)))
    assert isinstance(found, Document)
    assert found.value == {"session": SECRET}
    assert rejected(row, **settings).message.endswith("; found JSON that is not packed: set value.compression to none")
    assert "schema id 7" in rejected(gzip.compress(b"\x00\x00\x00\x00\x07" + row), **settings).message
    plain = rejected(b"\x00\x00\x00\x00\x07" + row, envelope="connect")
    assert plain.message.endswith(f"schema id 7: {SCHEMA_FORMATS}")


def test_the_row_of_an_envelope_has_the_root_that_the_file_says() -> None:
    rejection = rejected(b'{"schema": null, "payload": [1]}', envelope="connect")
    assert rejection.reason is Reason.NOT_AN_OBJECT
    read = compile_reader(ValueFormat(envelope="connect", root="array"))
    found = read(Record("t", 0, 0, None, None, b'{"schema": null, "payload": [1]}'))
    assert isinstance(found, Document)
    assert found.value == [1]
