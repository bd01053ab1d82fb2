"""Schemas of the tests, compiled by protoc, and messages of them by Protobuf's own classes: the other side."""

from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool

from connector.registry.proto_source import descriptors_of

SHOP = """
syntax = "proto3";
package shop;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/type/date.proto";
import "google/type/decimal.proto";
import "google/type/money.proto";
import "confluent/type/decimal.proto";

enum Kind { VIEW = 0; BUY = 1; }

message Item {
  string id = 1;
  int32 quantity = 2;
}

message Click {
  string user = 1;
  int64 seen = 2;
  uint64 big = 3;
  double price = 4;
  float rate = 5;
  bool mobile = 6;
  bytes token = 7;
  Kind kind = 8;
  optional string coupon = 9;
  optional Kind maybe = 10;
  Item item = 11;
  repeated Item items = 12;
  repeated int64 numbers = 13;
  repeated Kind kinds = 14;
  repeated string tags = 15;
  map<string, int64> counts = 16;
  map<int32, Item> shelves = 17;
  map<bool, Kind> flags = 18;
  oneof source { string campaign = 19; Item referrer = 20; int32 code = 21; }
  Click parent = 22;
}

message Known {
  google.protobuf.Timestamp at = 1;
  google.protobuf.Duration took = 2;
  google.protobuf.Struct extra = 3;
  google.protobuf.Value any_json = 4;
  google.protobuf.ListValue list = 5;
  google.protobuf.Any any = 6;
  google.protobuf.FieldMask mask = 7;
  google.protobuf.Empty empty = 8;
  google.protobuf.StringValue text = 9;
  google.protobuf.Int64Value whole = 10;
  google.protobuf.FloatValue single = 11;
  google.protobuf.BytesValue raw = 12;
  google.protobuf.BoolValue flag = 13;
  google.type.Date day = 14;
  google.type.Decimal exact = 15;
  google.type.Money paid = 16;
  confluent.type.Decimal scaled = 17;
  repeated google.protobuf.Timestamp times = 18;
  map<string, google.protobuf.Value> values = 19;
}

message Flat {
  string session = 1;
  int64 user = 2;
  string type = 3;
  string item = 4;
  double value = 5;
  int64 at = 6;
  string device = 7;
  bool member = 8;
  string campaign = 9;
  int32 quantity = 10;
}
"""

OLD = """
syntax = "proto2";
package old;
message Order {
  required string id = 1;
  optional int32 quantity = 2 [default = 5];
  optional string note = 3;
  optional Size size = 4 [default = LARGE];
  optional bytes raw = 5 [default = "ab"];
  repeated group Line = 6 { optional string sku = 1; }
  repeated Order parts = 7;
  extensions 100 to 199;
  enum Size { SMALL = 1; LARGE = 2; }
}
extend Order {
  optional string gift = 100;
  repeated Order.Size sizes = 101;
}
"""


@lru_cache
def compiled(text: str = SHOP) -> bytes:
    return descriptors_of(text, {})


@lru_cache
def pool_of(text: str = SHOP) -> Any:
    pool = DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(compiled(text)).file:
        pool.Add(file)
    return pool


@lru_cache
def message_class(name: str, text: str = SHOP) -> Any:
    return message_factory.GetMessageClass(pool_of(text).FindMessageTypeByName(name))


def extension(name: str, text: str = OLD) -> Any:
    return pool_of(text).FindExtensionByName(name)


def varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content
