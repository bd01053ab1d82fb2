"""Keys that serializers of Kafka's own write: numbers of a fixed width, and UUIDs.

The length of such a key is all that tells it from another format, so it must be exact.
"""

import re
import uuid
from collections.abc import Callable

from connector.core.formats.decoded import Decode, DecodingError
from connector.core.records import Reason

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID_BYTES, _UUID_TEXT = 16, 36


def _integer(name: str, size: int) -> Callable[[bytes], int]:
    """LongSerializer's and IntegerSerializer's: big-endian, two's complement."""

    def decode(key: bytes) -> int:
        if len(key) != size:
            raise DecodingError(Reason.INVALID_KEY, f"expected {name} of {size} bytes, found {_bytes(len(key))}")
        return int.from_bytes(key, "big", signed=True)

    return decode


decode_long: Decode = _integer("a long", 8)
decode_int: Decode = _integer("an int", 4)


def decode_uuid(key: bytes) -> str:
    """A UUID as text in lower case, of 16 bytes or of such text (UUIDSerializer writes text).

    Raises:
        DecodingError: the key is neither.
    """
    if len(key) == _UUID_BYTES:
        return str(uuid.UUID(bytes=key))
    expected = f"expected a UUID of {_UUID_BYTES} bytes, or as text of {_UUID_TEXT} characters"
    if len(key) != _UUID_TEXT:
        raise DecodingError(Reason.INVALID_KEY, f"{expected}, found {_bytes(len(key))}")
    text = key.decode("ascii", "replace")
    if not _UUID.fullmatch(text):
        raise DecodingError(Reason.INVALID_KEY, f"{expected}, found other text of that length")
    return text.lower()


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"
