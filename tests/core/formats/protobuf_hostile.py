"""Hostile payloads by name. Run as a program, it reads each in this process and prints what that cost.

A line a payload: its name, how it ended, CPU seconds, and by how many MiB the process was at most larger than before.
"""

import resource
import sys
import time
from collections.abc import Callable, Mapping

from connector.core.formats.decoded import DecodingError
from connector.core.formats.protobuf import compile_protobuf
from tests.support.protobuf_schemas import compiled, field, message_class, varint

FIELDS = "".join(f"  int64 f{number} = {number};\n" for number in range(1, 301))
WIDE = f"""
syntax = "proto3";
import "google/protobuf/any.proto";
import "google/protobuf/struct.proto";
message Wide {{
{FIELDS}}}
message Bomb {{
  repeated Wide wide = 1;
  repeated Bomb bombs = 2;
  repeated int64 numbers = 3;
  repeated fixed32 fours = 4;
  repeated double eights = 5;
  repeated string texts = 6;
  repeated bytes raw = 7;
  map<string, Wide> map = 8;
  map<int32, int32> small = 9;
  repeated google.protobuf.Any any = 10;
  google.protobuf.Struct struct = 11;
  google.protobuf.ListValue list = 12;
  repeated float floats = 13;
  int32 one = 14;
  Bomb next = 15;
}}
"""
MIB = 1024 * 1024
LARGEST = 8 * MIB  # what a packed value may become


def nested(number: int, levels: int) -> bytes:
    content = b""
    for _ in range(levels):
        content = field(number, content)
    return content


def any_of_bombs() -> bytes:
    """Many Any, each too small to be weighed by itself."""
    inner = field(1, b"type.googleapis.com/Bomb") + field(2, b"\x0a\x00" * 6000)
    return field(10, inner) * 60


def any_in_any() -> bytes:
    content = b"\x0a\x00" * 1000
    for _ in range(4):
        content = field(10, field(1, b"x/Bomb") + field(2, content))
    return content


def many(item: bytes, size: int = LARGEST) -> bytes:
    return item * (size // len(item))


# Made when they are read: together they are 200 MiB.
PAYLOADS: Mapping[str, Callable[[], bytes]] = {
    "empty messages of many fields, small": lambda: many(b"\x0a\x00", 13_000),
    "empty messages of many fields": lambda: many(b"\x0a\x00"),
    "messages with a field": lambda: many(b"\x0a\x02\x08\x01"),
    "messages of the type itself": lambda: many(b"\x12\x00"),
    "messages within messages": lambda: many(field(2, field(2, b"\x12\x00") * 20)),
    "numbers in a packed list": lambda: field(3, b"\x01" * LARGEST),
    "numbers in packed lists": lambda: many(field(3, b"\x01" * 100)),
    "numbers one by one": lambda: many(b"\x18\x01"),
    "numbers of four bytes": lambda: field(4, bytes(LARGEST)),
    "numbers of eight bytes": lambda: field(5, bytes(LARGEST)),
    "floats to be shortened": lambda: field(13, b"\x9a\x99\x99\x3f" * (LARGEST // 4)),
    "empty texts": lambda: many(b"\x32\x00"),
    "short texts": lambda: many(b"\x32\x02ab"),
    "bytes": lambda: many(b"\x3a\x01a"),
    "one large text": lambda: field(6, b"a" * LARGEST),
    "maps of many keys": lambda: b"".join(field(8, b"\x0a\x03" + varint(n + 2**14)) for n in range(300_000)),
    "one key of a map": lambda: many(b"\x42\x00"),
    "a map of numbers": lambda: b"".join(field(9, b"\x08" + varint(n)) for n in range(300_000)),
    "empty any": lambda: many(b"\x52\x00"),
    "any of messages": any_of_bombs,
    "any in any": any_in_any,
    "structs in structs": lambda: field(11, field(1, nested(2, 60))),
    "values of a list": lambda: field(12, many(b"\x0a\x00")),
    "one field again and again": lambda: many(b"\x70\x01"),
    "unknown numbers": lambda: many(b"\x98\x06\x01"),
    "unknown messages": lambda: many(b"\xa2\x06\x00"),
    "unknown groups": lambda: b"\xa3\x06" * 200 + b"\xa4\x06" * 200,
    "unknown groups, large": lambda: many(b"\xa3\x06", 600_000),
    "unknown groups side by side": lambda: many(b"\xa3\x06\xa4\x06"),
    "nested beyond the parser": lambda: nested(15, 150),
    "nested beyond the parser, large": lambda: field(6, b"a" * 300_000) + nested(15, 150),
    "nested as deep as allowed": lambda: nested(15, 99),
    "a length beyond the end": lambda: b"\x0a\xff\xff\xff\xff\x0f",
    "a length beyond the end, large": lambda: field(6, b"a" * 300_000) + b"\x0a\xff\xff\xff\xff\x0f",
    "cut off, large": lambda: field(6, b"a" * 300_000) + b"\x0a",
    "a number without an end": lambda: b"\x18" + b"\xff" * 100_000,
    "zeros": lambda: bytes(LARGEST),
    "ones": lambda: b"\xff" * LARGEST,
    "text that is no utf-8": lambda: b"\x32\x01\xff",
}


def main() -> None:
    message_class("Bomb", WIDE)
    decode = compile_protobuf(compiled(WIDE), "Bomb")
    for name, made in PAYLOADS.items():
        payload = made()
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        try:
            decode(payload)
            end = "read"
        except DecodingError as error:
            end = error.reason.value
        seconds = time.process_time() - start
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        sys.stdout.write(f"{name}\t{end}\t{seconds:.4f}\t{grown:.1f}\n")


if __name__ == "__main__":
    main()
