"""A small record cannot become a large one: what was packed is unpacked up to a bound, and no further.

The bound is that of a plain record, a mebibyte (Kafka's default for the largest record). Documents of that size are
decoded within 50 MiB; a quarter of a gigabyte, which gzip packs into one record, is not.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connector.core.formats.decoded import DecodingError
from connector.core.records import Reason

Unpack = Callable[[bytes], bytes]

MAX_UNPACKED = 1 << 20  # bytes
# One value may be several packed parts, one after the other. Each copies what follows it, however little is in it.
MAX_PARTS = 250
_GZIP, _ZLIB = 31, 15  # zlib's wbits: which header is expected
_ZSTD_WINDOW = 8 << 20  # bytes; what every decoder supports (RFC 8878)
_TOO_WIDE = "too much memory"  # zstd's words for a wider one
# zstd unpacks all that it is given at once. A block is at least three bytes, and at most 128 KiB when unpacked.
_ZSTD_PIECE = 64


class _Kind(NamedTuple):
    """One kind of packing: a new part, and how it unpacks up to some bytes more than it may."""

    name: str
    begin: Callable[[], Any]
    unpack: Callable[[Any, bytes, int], tuple[bytes, bytes]]  # what was unpacked, and what follows the part
    errors: tuple[type[Exception], ...]


def compile_unpack(compression: str) -> Unpack | None:
    """What unpacks values: ``gzip``, ``zlib`` or ``zstd``; None for ``none``."""
    make = _KINDS.get(compression)
    if make is None:
        return None
    kind = make()
    return lambda value: _unpacked(kind, value)


def unpack_zlib(value: bytes) -> bytes:
    """Unpack what zlib packed, as ``compile_unpack`` does.

    Raises:
        DecodingError: it was not packed so, a part is missing, or there is more than the bound.
    """
    return _unpacked(_ZLIB_KIND, value)


def _unpacked(kind: _Kind, value: bytes) -> bytes:
    unpacked: list[bytes] = []
    room, rest = MAX_UNPACKED, value
    for _ in range(MAX_PARTS):
        part = kind.begin()
        try:
            content, rest = kind.unpack(part, rest, room)
        except kind.errors as error:
            what = "other bytes after it" if unpacked else "other bytes"
            if _TOO_WIDE in str(error):
                what = f"a window of more than {_ZSTD_WINDOW} bytes"
            raise DecodingError(Reason.NOT_COMPRESSED, f"expected what {kind.name} packed, found {what}") from None
        room -= len(content)
        if room < 0:
            message = f"expected at most {MAX_UNPACKED} bytes when {kind.name} is unpacked, found more"
            raise DecodingError(Reason.UNPACKED_TOO_LARGE, message)
        if not part.eof:
            found = "only the beginning of it" if value else "nothing"
            raise DecodingError(Reason.NOT_COMPRESSED, f"expected what {kind.name} packed, found {found}")
        unpacked.append(content)
        if not rest:
            return b"".join(unpacked)
    raise DecodingError(Reason.UNPACKED_TOO_LARGE, f"expected at most {MAX_PARTS} parts that {kind.name} packed")


def _inflate(part: Any, value: bytes, room: int) -> tuple[bytes, bytes]:
    content: bytes = part.decompress(value, room + 1)
    return content, part.unused_data


def _zstd_pieces(part: Any, value: bytes, room: int) -> tuple[bytes, bytes]:
    unpacked: list[bytes] = []
    for at in range(0, len(value), _ZSTD_PIECE):
        unpacked.append(part.decompress(value[at : at + _ZSTD_PIECE]))
        room -= len(unpacked[-1])
        if part.eof:
            return b"".join(unpacked), part.unused_data + value[at + _ZSTD_PIECE :]
        if room < 0:
            break
    return b"".join(unpacked), b""


def _zstd() -> _Kind:
    import zstandard  # noqa: PLC0415  an optional install, needed by this alone

    def begin() -> Any:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    return _Kind("zstd", begin, _zstd_pieces, (zstandard.ZstdError,))


_ZLIB_KIND = _Kind("zlib", lambda: zlib.decompressobj(_ZLIB), _inflate, (zlib.error,))
_GZIP_KIND = _Kind("gzip", lambda: zlib.decompressobj(_GZIP), _inflate, (zlib.error,))
_KINDS: Mapping[str, Callable[[], _Kind]] = {"gzip": lambda: _GZIP_KIND, "zlib": lambda: _ZLIB_KIND, "zstd": _zstd}
