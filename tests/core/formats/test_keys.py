"""Keys of Kafka's own serializers are read exactly, or refused by their length."""

import struct
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.decoded import Undecodable
from connector.core.mapping.reading import KEY_DECODERS, compile_key
from connector.core.mapping.specs import KeyFormat
from connector.core.records import Reason, Record


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_long_is_eight_bytes_big_endian_with_a_sign(number: int) -> None:
    assert KEY_DECODERS["long"](struct.pack(">q", number)) == number


@given(st.integers(-(2**31), 2**31 - 1))
def test_an_int_is_four_bytes_big_endian_with_a_sign(number: int) -> None:
    assert KEY_DECODERS["int"](struct.pack(">i", number)) == number


@given(st.uuids())
def test_a_uuid_is_the_same_text_however_it_was_written(key: uuid.UUID) -> None:
    decode = KEY_DECODERS["uuid"]
    for raw in (key.bytes, str(key).encode(), str(key).upper().encode()):
        assert decode(raw) == str(key)


@pytest.mark.parametrize(
    ("kind", "key", "words"),
    [
        ("long", b"", "a long of 8 bytes, found 0 bytes"),
        ("long", b"1234", "a long of 8 bytes, found 4 bytes"),
        ("int", b"12345678", "an int of 4 bytes, found 8 bytes"),
        ("int", b"1", "an int of 4 bytes, found 1 byte"),
        (
            "uuid",
            b"u1",
            "a UUID of 16 bytes, or as text of 36 characters, found 2 bytes; found text: set key.format to string",
        ),
        (
            "uuid",
            b"{" + b"0" * 34 + b"}",
            "a UUID of 16 bytes, or as text of 36 characters, found other text of that length",
        ),
        ("uuid", b"\xff" * 36, "a UUID of 16 bytes, or as text of 36 characters, found other text of that length"),
    ],
)
def test_a_key_of_another_length_names_both_lengths(kind: str, key: bytes, words: str) -> None:
    read = compile_key(KeyFormat.model_validate({"format": kind}))
    assert read(Record("t", 0, 0, None, key, None)) == Undecodable(Reason.INVALID_KEY, f"key: expected {words}")


@given(st.sampled_from(["long", "int", "uuid"]), st.binary(max_size=40))
def test_any_key_is_read_or_is_an_invalid_key(kind: str, key: bytes) -> None:
    found = compile_key(KeyFormat.model_validate({"format": kind}))(Record("t", 0, 0, None, key, None))
    assert isinstance(found, int | str) or (isinstance(found, Undecodable) and found.reason is Reason.INVALID_KEY)
