"""Values in every format and packing, and keys of every kind: each is decoded or refused soon, and not shown.

A row of ``SETTINGS`` is one way that a file may say how a value is decoded; a new format is a new row.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, get_args

import zstandard

from connector.core.formats.decoded import Undecodable
from connector.core.mapping.reading import KEY_DECODERS, compile_key, compile_reader
from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.records import Rejection, Stage
from tests.fuzz import records
from tests.fuzz.targets import check_rejection, record, timed

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

SLOWEST = 0.05  # seconds
PACKS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda value: gzip.compress(value, 1, mtime=0),
    "zlib": lambda value: zlib.compress(value, 1),
    "zstd": zstandard.compress,
}
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"root": "array"},
    {"root": "any"},
    {"format": "json_lines"},
    {"format": "text"},
    {"format": "delimited", "columns": ["a", "b", "c"]},
    {"format": "delimited", "columns": ["a", "b"], "delimiter": ","},
)
_READERS = tuple(
    compile_reader(ValueFormat.model_validate(setting | {"compression": compression}))
    for setting in SETTINGS
    for compression in get_args(ValueFormat.model_fields["compression"].annotation)
)
_KEYS = tuple(compile_key(KeyFormat.model_validate({"format": kind})) for kind in KEY_DECODERS)
_BEGINNINGS = (
    b"\x00\x00\x00\x00\x07", b"\x03\x00" + bytes(16), b"\x03\x05" + bytes(16), b"\xef\xbb\xbf", b"\xff\xfe", b"Obj\x01",
    b"\x82\xa1a", b"\xbf\x61a", b"x\x9c", b"x^", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\n\n", b"a\t\tb", b'a,"b',
    b"a=b&", b"{'", b"eyJ", b"<a ", b"\x10\x00\x00\x00\x02",
)  # fmt: skip


def almost(chance: random.Random) -> bytes:
    """An almost valid record, now and then packed, behind another beginning, or both."""
    value = records.almost(chance)[: chance.choice((40, 1 << 16))]
    if chance.randrange(3) == 0:
        value = chance.choice(_BEGINNINGS) + value
    value = PACKS[chance.choice(tuple(PACKS))](value)
    return change(value, chance) if chance.randrange(3) == 0 else value


def change(raw: bytes, chance: random.Random) -> bytes:
    """The same with a byte replaced, a piece doubled, the end cut off, or packed once more."""
    at = chance.randrange(len(raw) + 1)
    match chance.randrange(4):
        case 0:
            return raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
        case 1:
            return raw[:at] + raw[at // 2 :]
        case 2:
            return raw[:at]
        case _:
            return PACKS[chance.choice(tuple(PACKS))](raw)


def check(raw: bytes) -> None:
    """Every reader of values and of keys ends soon, in a value or in a reason that shows nothing."""
    given = record(raw)._replace(key=raw)
    for read in _READERS:
        found, spent = timed(lambda read=read: read(given), SLOWEST)  # type: ignore[misc]
        assert spent < SLOWEST, f"{spent * 1000:.0f} ms for {len(raw)} bytes"
        if isinstance(found, Rejection):
            check_rejection(found, given, "")
    for read_key in _KEYS:
        key, spent = timed(lambda read_key=read_key: read_key(given), SLOWEST)  # type: ignore[misc]
        assert spent < SLOWEST, f"{spent * 1000:.0f} ms for {len(raw)} bytes of a key"
        if isinstance(key, Undecodable):
            check_rejection(Rejection(Stage.DECODE, key.reason, key.message), given, "")
