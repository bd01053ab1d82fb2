"""No payload can crash, hang or swell the process: each ends as a document or as a DecodingError, within 50 MiB.

How long each may take is bounded by counting what it costs, so that no clock is needed here.
"""

import random
import subprocess
import sys

import pytest

from connector.core.formats.decoded import DecodingError
from connector.core.formats.protobuf import compile_protobuf
from connector.core.formats.protobuf_known import MalformedError
from connector.core.formats.protobuf_weight import MAX_COST, Shape, unweighed, weigh
from connector.core.records import Reason
from tests.core.formats import protobuf_hostile
from tests.support.protobuf_schemas import compiled, field, message_class

Click, Item = message_class("shop.Click"), message_class("shop.Item")
click = compile_protobuf(compiled(), "shop.Click")
ENDS = {
    "read": {"one large text", "structs in structs", "nested as deep as allowed"},
    Reason.NESTED_TOO_DEEP: {
        "nested beyond the parser",
        "nested beyond the parser, large",
        "unknown groups, large",
    },
    Reason.NOT_PROTOBUF: {
        "a length beyond the end",
        "a length beyond the end, large",
        "cut off, large",
        "a number without an end",
        "ones",
        "text that is no utf-8",
        "unknown groups",
    },
}
ENDS[Reason.UNPACKED_TOO_LARGE] = set(protobuf_hostile.PAYLOADS) - {name for names in ENDS.values() for name in names}


def test_every_hostile_payload_ends_in_a_fate_within_50_mib() -> None:
    program = [sys.executable, "-m", protobuf_hostile.__name__]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=100)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [name for name, *_ in lines] == list(protobuf_hostile.PAYLOADS)
    assert {end: {name for name, found, *_ in lines if found == end} for end in ENDS} == ENDS
    assert all(float(grown) < 50 for *_, grown in lines)


def test_a_large_record_of_many_values_is_weighed_and_read() -> None:
    message = Click(items=[Item(id="x" * 60, quantity=1)] * 7_000, numbers=[1] * 30_000)
    payload = message.SerializeToString()
    assert len(payload) > unweighed(22)
    found = click(payload)
    assert (len(found["items"]), len(found["numbers"])) == (7_000, 30_000)


def test_what_is_weighed_is_what_would_be_read() -> None:
    shape = Shape(10, {1: Shape(100, {}), 2: 0, 3: 5, 4: 1})
    heavy = b"\x0a\x00" * 50 + b"\x12\x03\x01\x81\x01" + b"\x1a\x08" + bytes(8) + b"\x22\x08" + bytes(8)
    cost = 10 + 50 * (100 + 4) + (4 + 2) + (4 + 2) + (4 + 1)
    weigh(heavy, shape, [cost, 0])
    with pytest.raises(MalformedError, match=f"at most {MAX_COST} values"):
        weigh(heavy, shape, [cost - 1, 0])


def test_weighing_skips_numbers_and_groups_of_each_width() -> None:
    shape = Shape(1, {1: Shape(100, {})})
    payload = (
        b"\x10\x81\x01" + b"\x1d" + bytes(4) + b"\x21" + bytes(8) + b"\x2b\x10\x01\x2c" + b"\x0b\x0c" + b"\x0a\x00"
    )
    cost = 1 + 4 * 7 + 4 * 2 + 100 * 2  # the tags, those of the ends of groups and within one, and two messages
    weigh(payload, shape, [cost, 0])
    with pytest.raises(MalformedError):
        weigh(payload, shape, [cost - 1, 0])


def test_weighing_leaves_what_is_no_protobuf_to_the_parser() -> None:
    for payload in (b"\x0f", b"\x0a", b"\x08" + b"\xff" * 20, b"\x0c"):
        weigh(payload, Shape(1, {}), [1000, 0])


def test_the_words_of_a_refusal_hold_nothing_of_the_payload() -> None:
    chance = random.Random(7)
    payload = Click(user="SECRET-USER", counts={"SECRET-KEY": 1}, tags=["SECRET-TAG"]).SerializeToString()
    refusals = [found for _ in range(3000) if (found := refusal(mutated(payload, chance)))]
    assert len(refusals) > 300
    assert not [error.message for error in refusals if "SECRET" in error.message]


def refusal(payload: bytes) -> DecodingError | None:
    try:
        assert click(payload).keys() >= {"user", "items"}
    except DecodingError as error:
        return error
    return None


def mutated(payload: bytes, chance: random.Random) -> bytes:
    changed = bytearray(payload)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[at:at] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randint(1, 9)]
            case 2 if at < len(changed):
                changed[at] = chance.randrange(256)
            case _:
                changed[at:at] = changed[at : at + 20]
    return bytes(changed)


def test_the_first_bytes_of_a_message_are_read_or_refused() -> None:
    payload = Click(user="u", items=[Item(id="i")], counts={"a": 1}, rate=1.5, token=b"ab").SerializeToString()
    ends = [refusal(payload[:length]) for length in range(len(payload))]
    assert None in ends
    assert {end.reason for end in ends if end} == {Reason.NOT_PROTOBUF}


@pytest.mark.parametrize(
    ("fields", "payload"),
    [
        ("repeated int64 n = 1;", b"\x0a\xc1\x9a\x0c" + b"\x01" * (MAX_COST + 1)),
        ("repeated One one = 1;", b"\x0a\x00" * 25_000),
        ("repeated Two two = 2;", b"\x12\x00" * 25_000),
    ],
)
def test_a_small_payload_of_too_many_values_is_refused_while_it_is_read(fields: str, payload: bytes) -> None:
    text = f"""syntax = "proto3"; message M {{ {fields} }}
    message One {{ string id = 1; }} message Two {{ optional string id = 1; }}"""
    decode = compile_protobuf(compiled(text), "M")
    assert len(payload) < unweighed(1)
    with pytest.raises(DecodingError, match=f"at most {MAX_COST} values"):
        decode(payload)


def test_messages_nested_beyond_the_parser_are_not_weighed_further() -> None:
    shape = Shape(1, {})
    shape.fields[1] = shape
    payload = b""
    for _ in range(102):
        payload = field(1, payload)
    with pytest.raises(MalformedError, match="nested at most 100 deep"):
        weigh(payload, shape, [MAX_COST, 0])


def test_an_any_of_types_that_are_nested_too_deep_is_refused() -> None:
    chain = "".join(f"message M{n} {{ M{n + 1} f = 1; }}" for n in range(1500))
    text = f"""syntax = "proto3"; import "google/protobuf/any.proto";
    message Box {{ google.protobuf.Any any = 1; }} {chain} message M1500 {{}}"""
    decode = compile_protobuf(compiled(text), "Box")
    for _ in range(2):
        with pytest.raises(DecodingError) as caught:
            decode(b"\x0a\x06\x0a\x04x/M0")
        assert caught.value.reason is Reason.NESTED_TOO_DEEP
