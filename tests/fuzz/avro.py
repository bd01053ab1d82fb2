"""Records of Avro that are almost right: good ones of some schemas, with bytes changed, and numbers made huge.

An input is the number of a schema, a byte, and the payload. Whatever it is, it ends in a value or in a DecodingError.
"""

from __future__ import annotations

import json
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from connector.core.formats.avro import compile_avro
from connector.core.formats.avro_reading import MAX_DEPTH
from connector.core.formats.decoded import Decode, DecodingError

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

REASONS = frozenset({"not_avro", "nested_too_deep", "unpacked_too_large"})


def _record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": of} for key, of in fields.items()]}


def _of(base: str, logical: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": logical, **more}


_LOGICAL = _record(
    "Logical",
    date=_of("int", "date"),
    time=_of("long", "time-micros"),
    millis=_of("long", "timestamp-millis"),
    nanos=_of("long", "local-timestamp-nanos"),
    decimal=_of("bytes", "decimal", scale=2),
    whole=_of("bytes", "decimal"),
    big=_of("bytes", "big-decimal"),
    fixed={"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"},
    uuid={"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
    bits={"type": "bytes", "connect.name": "io.debezium.data.Bits"},
    varying={
        **_record("Varying", scale="int", value="bytes"),
        "connect.name": "io.debezium.data.VariableScaleDecimal",
    },
)
_CLICK = _record(
    "Click",
    session="string",
    user=["null", "string"],
    price=["double", "null"],
    kind={"type": "enum", "name": "Kind", "symbols": ["VIEW", "BUY"]},
    items={"type": "array", "items": _record("Item", id="string", weight="float", sold="boolean")},
    tags={"type": "map", "values": ["null", "long", "string", "bytes"]},
)
SCHEMAS: Sequence[Any] = (
    "long",
    "string",
    {"type": "array", "items": "null"},
    {"type": "array", "items": _record("Empty")},
    {"type": "array", "items": {"type": "array", "items": {"type": "map", "values": "null"}}},
    {"type": "map", "values": "float"},
    _record("Node", value="int", next=["null", "Node"]),
    _record("Tree", children={"type": "array", "items": "Tree"}, names={"type": "map", "values": "Tree"}),
    _record("Endless", again="Endless"),
    ["null", "int", "float", {"type": "fixed", "name": "F", "size": 3}, _record("R", a=["R", "null"])],
    _LOGICAL,
    _CLICK,
    _CLICK,
)
# Numbers as they are written: counts, lengths and indexes, small and huge, of either sign, and some that do not end.
_NUMBERS = (
    b"\0", b"\1", b"\2", b"\3", b"\4", b"\6", b"\x7f", b"\x80\1", b"\xff\1", b"\xfe\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\x0f", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\1",
    b"\xff" * 11, b"\x80\x80\x80\1", b"\x80" * 9 + b"\1",
)  # fmt: skip
_GOOD = (
    b"\x54", b"\x08text", b"\x04\0", b"\x06\0", b"\x02\x02\x02\x02a\0\0\0", b"\x02\x02a\0\0\x80\x3f\0",
    b"\x02\x02\x02\x02\x02\0", b"\x04\0\0\0\0\0\x02\x02a\0\0\0", b"", b"\x04\0\0\x80\x3f",
    b"\xe2\xa2\x02\x80\x90\xc7\xa8\x65\xe6\x9f\xa8\xd6\xc3\x68\x02\x04\x07\xcf\x02\x07\x08\x04\x07\xcf\x04"
    + bytes(range(28)) + b"\x04\1\2\x04\x04\x07\xcf",
    *[b"\x06abc\x02\x04u1\0" + bytes(8) + b"\x02\x02\x02i\0\0\x80\x3f\1\0\x04\x02a\0\x02b\x04\x02x\0"] * 2,
)  # fmt: skip


@cache
def _decoders() -> tuple[Decode, ...]:
    return tuple(compile_avro(json.dumps(schema)) for schema in SCHEMAS)


def almost(chance: random.Random) -> bytes:
    """A good record with some bytes changed, or one of numbers alone."""
    number = chance.randrange(len(SCHEMAS))
    if chance.random() < 0.2:
        payload = b"".join(chance.choices(_NUMBERS, k=chance.choice((1, 3, 10, 300))))
    elif chance.random() < 0.1:
        payload = chance.choice(_NUMBERS) * chance.choice((100, 10_000))
    else:
        payload = _GOOD[number]
    raw = bytes([number]) + payload
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        raw = change(raw, chance)
    return raw


def change(raw: bytes, chance: random.Random) -> bytes:
    """The same with some bytes removed, replaced, doubled, or a number put between them."""
    start = chance.randrange(len(raw) + 1)
    end = start + chance.choice((0, 1, 1, 2, 8))
    match chance.randrange(4):
        case 0:
            return raw[:start] + raw[end:]
        case 1:
            return raw[:start] + chance.randbytes(end - start) + raw[end:]
        case 2:
            return raw[:end] + raw[start:]
        case _:
            return raw[:start] + chance.choice(_NUMBERS) + raw[end:]


def check(raw: bytes) -> None:
    """Decode it.

    Raises:
        AssertionError: it did not end as it must.
    """
    decode = _decoders()[raw[0] % len(SCHEMAS)] if raw else _decoders()[0]
    try:
        value = decode(raw[1:])
    except DecodingError as error:
        refused = error
    else:
        _check_value(value, 2 * MAX_DEPTH)
        return
    assert refused.reason.value in REASONS, refused.reason
    assert refused.message.startswith("Avro of "), refused.message


def _check_value(value: Any, depth: int) -> None:
    assert depth, "nested too deep"
    match value:
        case None | bool() | str():
            pass
        case int():
            assert -(2**63) <= value < 2**63, "beyond 64 bits"
        case float():
            assert math.isfinite(value) or repr(value) in {"nan", "inf", "-inf"}
        case list():
            for item in value:
                _check_value(item, depth - 1)
        case _:
            assert type(value) is dict, type(value)
            for key, item in value.items():
                assert type(key) is str
                _check_value(item, depth - 1)
