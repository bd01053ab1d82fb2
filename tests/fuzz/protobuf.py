"""Payloads of Protobuf that are almost right: good ones of some message types, with bytes changed, doubled and removed.

An input is the number of a decoder, a byte, and the payload. It ends in an object or in a DecodingError.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from connector.core.formats.decoded import Decode, DecodingError
from connector.core.formats.protobuf import compile_protobuf
from tests.support.protobuf_schemas import OLD, compiled, field, message_class

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

REASONS = frozenset({"not_protobuf", "nested_too_deep", "unpacked_too_large"})
SECRET = "SECRET"
# Tags, lengths and numbers, small and huge, and some that do not end; one opens a message.
_PIECES = (b"\0", b"\x0a\0", b"\x0b", b"\x0c", b"\x7f", b"\x80\1", b"\xff\xff\xff\xff\x0f", b"\xff" * 11, b"\xb2\1\2")


def _deep() -> bytes:
    payload = b""
    for _ in range(120):
        payload = field(22, payload)  # Click.parent
    return payload


_HEAVY = (b"\x62\0" * 30_000, b"\x62\0" * 300_000, _deep())  # of Click: items without fields


@cache
def decoders() -> tuple[tuple[Decode, bytes], ...]:
    """Each with a good payload."""
    click, known, order = message_class("shop.Click"), message_class("shop.Known"), message_class("old.Order", OLD)
    clicked = click(
        user=SECRET, seen=2**62, rate=1.5, token=b"ab", kind=1, coupon="c", item={"id": "a"}, items=[{"id": "b"}] * 3,
        numbers=[1, 2**60], kinds=[0, 1], tags=["a", SECRET], counts={SECRET: 1}, shelves={1: {"id": "q"}},
        flags={True: 1}, campaign="x", parent={"user": "p", "parent": {"user": "g"}},
    ).SerializeToString()  # fmt: skip
    ordered = order(id="1", quantity=3, line=[{"sku": SECRET}], parts=[{"id": "2"}]).SerializeToString()
    return (
        (compile_protobuf(compiled(), "shop.Click"), clicked),
        (compile_protobuf(compiled(), "shop.Known"), _known(known)),
        (compile_protobuf(compiled(OLD), "old.Order"), ordered),
        (compile_protobuf(compiled(), indexed=True), b"\x02\x02" + clicked),
        (compile_protobuf(compiled(), indexed=True, glue=True), b"\x00" + clicked),
    )


def _known(kind: Any) -> bytes:
    message = kind(
        at={"seconds": 1, "nanos": 5}, took={"seconds": 1, "nanos": 2}, mask={"paths": ["a"]}, text={"value": SECRET},
        day={"year": 2026, "month": 1, "day": 2}, exact={"value": "1.5"}, paid={"units": 1, "nanos": 3},
        scaled={"value": b"\1", "scale": 2}, single={"value": 0.1},
    )  # fmt: skip
    message.extra.update({"a": [1, {"b": None}], SECRET: "x"})
    message.any.Pack(message_class("shop.Item")(id=SECRET))
    return bytes(message.SerializeToString())


def almost(chance: random.Random) -> bytes:
    """A good payload with some bytes changed, or one of the same piece again and again."""
    number = chance.randrange(len(decoders()))
    if chance.random() < 0.05:
        number, payload = 0, chance.choice(_HEAVY)
    elif chance.random() < 0.05:
        payload = chance.choice(_PIECES) * chance.choice((100, 30_000))
    else:
        payload = decoders()[number][1]
    raw = bytes([number]) + payload
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        raw = change(raw, chance)
    return raw


def change(raw: bytes, chance: random.Random) -> bytes:
    """The same with some bytes removed, replaced, doubled, or a piece put between them."""
    start = chance.randrange(len(raw) + 1)
    end = start + chance.choice((0, 1, 1, 2, 8))
    changes: Sequence[bytes] = (
        raw[:start] + raw[end:],
        raw[:start] + chance.randbytes(end - start) + raw[end:],
        raw[:end] + raw[start:],
        raw[:start] + chance.choice(_PIECES) + raw[end:],
    )
    return chance.choice(changes)


def check(raw: bytes) -> str | None:
    """Decode it; the reason where it is refused.

    Raises:
        AssertionError: it did not end as it must.
    """
    decode, _ = decoders()[(raw[0] if raw else 0) % len(decoders())]
    try:
        assert type(decode(raw[1:])) is dict
    except DecodingError as error:
        refused = error
    else:
        return None
    assert refused.reason.value in REASONS, refused.reason
    assert SECRET not in refused.message, "a value in a message"
    return refused.reason.value
