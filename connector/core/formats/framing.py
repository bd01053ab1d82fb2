"""What a producer that uses a schema registry writes before the payload: which schema it is of.

Confluent's clients write a zero byte and the schema's id in four bytes, big-endian. AWS Glue's write 0x03, how the
payload is compressed, and the sixteen bytes of the schema version's UUID.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple

from connector.core.formats.compression import unpack_zlib
from connector.core.formats.decoded import Decode, DecodingError, Headers, Schemas
from connector.core.records import Reason

CONFLUENT, GLUE = 0x00, 0x03
_CONFLUENT_LENGTH, _GLUE_LENGTH = 5, 18
_PLAIN, _ZLIB = 0x00, 0x05


class Frame(NamedTuple):
    """A framed value: Confluent's id or Glue's UUID as text, and the payload."""

    schema: int | str
    payload: bytes


def framed(value: bytes) -> Frame:
    """Take the frame off.

    Raises:
        DecodingError: there is none, or the payload cannot be unpacked.
    """
    if value[:1] == b"\x00" and len(value) >= _CONFLUENT_LENGTH:
        return Frame(int.from_bytes(value[1:_CONFLUENT_LENGTH], "big"), value[_CONFLUENT_LENGTH:])
    if value[:1] == b"\x03" and len(value) >= _GLUE_LENGTH and value[1] in {_PLAIN, _ZLIB}:
        schema, payload = str(uuid.UUID(bytes=value[2:_GLUE_LENGTH])), value[_GLUE_LENGTH:]
        return Frame(schema, unpack_zlib(payload) if value[1] == _ZLIB else payload)
    found = "nothing" if not value else f"{len(value)} bytes that begin with 0x{value[0]:02x}"
    message = (
        f"expected the frame of a schema registry (0x00 and a schema id, or AWS Glue's 0x03), found {found}: "
        "without a registry name a schema_file, or set format to what the topic holds"
    )
    raise DecodingError(Reason.NOT_FRAMED, message)


# Where some clients write which schema a value or key is of; it has no frame then.
_APICURIO = "as Apicurio's clients do: set apicurio.registry.headers.enabled to false in the producer"
_HEADERS: Mapping[str, str] = {
    "__{part}_schema_id": "as Confluent's HeaderSchemaIdSerializer does: let the producer use PrefixSchemaIdSerializer",
    "apicurio.{part}.globalId": _APICURIO,
    "apicurio.{part}.contentId": _APICURIO,
}


def schema_in_headers(part: str) -> Callable[[Headers], None]:
    """A check that no header says which schema a ``value`` or ``key`` is of.

    Bytes without a frame may begin as one does: they would be read by a schema that they were not written with.
    """
    names = {name.format(part=part): words for name, words in _HEADERS.items()}

    def check(headers: Headers) -> None:
        """Raises DecodingError where one does."""
        for name, _ in headers:
            if name in names:
                message = (
                    f"expected the frame of a schema registry, found the schema in header {name}, {names[name]}, or "
                    "name a schema_file"
                )
                raise DecodingError(Reason.NOT_FRAMED, message)

    return check


def wrapper(value: bytes) -> str | None:
    """What the bytes before a payload may be where none are expected, and what to do then; None where nothing is known.

    Only a guess, for the message about a value that could not be decoded without one.
    """
    try:
        schema = framed(value).schema
    except DecodingError:
        return None
    return f"it begins with the frame of a schema registry, schema {schema}: set schema_registry, not schema_file"


def unframed(decode: Decode) -> Decode:
    """The decoder of a ``schema_file``: where it fails, its message says which frame the value may have."""

    def decode_unframed(value: bytes) -> object:
        try:
            return decode(value)
        except DecodingError as error:
            found = wrapper(value)
            if found is None:
                raise
            raise DecodingError(error.reason, f"{error.message}; {found}") from None

    return decode_unframed


def from_registry(schemas: Schemas, kind: str) -> Decode:
    """A decoder that asks for each value's own schema; ``kind`` as in ``Schemas.reader``."""

    def decode(value: bytes) -> object:
        frame = framed(value)
        return schemas.reader(frame.schema, kind)(frame.payload)

    return decode


def frame_skipped(decode: Decode) -> Decode:
    """A decoder that takes the frame off and needs no schema: its payload explains itself."""
    return lambda value: decode(framed(value).payload)
