"""What it costs to decode a record, a format at a time, side by side with what else a consumer would use.

No broker: bytes are decoded in this process, framed as a producer's serializer frames them, one record after another
over a clickstream of some hundred different ones. The time is of CPU, and of several rounds the quickest counts.
"""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import fastavro
import orjson
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool

from bench import system
from bench.sizes import Sizes
from bench.streams import SHAPES, clicks
from connector.core.formats.avro import compile_avro
from connector.core.formats.decoded import Decode
from connector.core.formats.framing import framed
from connector.core.formats.plain import decode_json
from connector.core.formats.protobuf import compile_protobuf
from connector.registry.proto_source import descriptors_of

RECORDS = 500
_CONTEXT = SerializationContext("clicks", MessageField.VALUE)
AVRO = json.dumps(
    {
        "type": "record",
        "name": "Click",
        "namespace": "shop",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "session", "type": "string"},
            {"name": "user", "type": ["null", "string"]},
            {"name": "event", "type": "string"},
            {"name": "item", "type": "string"},
            {"name": "category", "type": ["null", "string"]},
            {"name": "price", "type": ["null", "double"]},
            {"name": "position", "type": "int"},
            {"name": "time", "type": "long"},
            {"name": "member", "type": "boolean"},
        ],
    }
)
PROTO = """
syntax = "proto3";
package shop;
message Click {
  string id = 1;
  string session = 2;
  optional string user = 3;
  string event = 4;
  string item = 5;
  optional string category = 6;
  optional double price = 7;
  int32 position = 8;
  int64 time = 9;
  bool member = 10;
}
"""


class Contender(NamedTuple):
    """Something that decodes: what it is called, and a function of one framed value."""

    name: str
    decode: Callable[[bytes], Any]


class Format(NamedTuple):
    """A format: the values of the stream in it, and who decodes them, the connector first."""

    values: Sequence[bytes]
    contenders: Sequence[Contender]


def rows_of(seed: int, records: int) -> list[dict[str, Any]]:
    """Flat records of ten fields, of the benchmark's own clickstream."""
    return [_flat(orjson.loads(click.value)) for click in clicks(SHAPES["long"], seed, records)]


def _flat(click: dict[str, Any]) -> dict[str, Any]:
    properties = click["properties"]
    return {
        "id": click["messageId"],
        "session": click["anonymousId"],
        "user": click["userId"],
        "event": click["event"],
        "item": properties["product_id"],
        "category": properties["category"],
        "price": float(properties["price"]),
        "position": properties["position"],
        "time": int(datetime.fromisoformat(click["timestamp"]).timestamp() * 1000),
        "member": click["userId"] is not None,
    }


def _json(rows: Sequence[dict[str, Any]]) -> Format:
    values = [orjson.dumps(row) for row in rows]
    return Format(values, (Contender("connector", decode_json), Contender("json.loads", json.loads)))


def _avro(rows: Sequence[dict[str, Any]]) -> Format:
    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    serialize, deserialize = AvroSerializer(registry, AVRO), AvroDeserializer(registry)
    values = [serialize(row, _CONTEXT) or b"" for row in rows]
    schema = fastavro.parse_schema(json.loads(AVRO))
    return Format(
        values,
        (
            Contender("connector", _unframed(compile_avro(AVRO))),
            Contender(
                "fastavro, frame cut off", lambda value: fastavro.schemaless_reader(io.BytesIO(value[5:]), schema)
            ),
            Contender("AvroDeserializer", lambda value: deserialize(value, _CONTEXT)),
        ),
    )


def _unframed(decode: Decode) -> Decode:
    return lambda value: decode(framed(value).payload)


def _protobuf(rows: Sequence[dict[str, Any]]) -> Format:
    files = descriptors_of(PROTO, {})
    pool = DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(files).file:
        pool.Add(file)
    click = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Click"))
    registry: Any = SchemaRegistryClient.new_client({"url": "mock://"})
    options = {"use.deprecated.format": False}
    serialize, deserialize = (
        ProtobufSerializer(click, registry, options),
        ProtobufDeserializer(click, options, registry),
    )
    values = [serialize(click(**row), _CONTEXT) or b"" for row in rows]
    fields = [(field.name, field.has_presence) for field in click.DESCRIPTOR.fields]

    def read(message: Any) -> dict[str, Any]:
        return {
            name: None if optional and not message.HasField(name) else getattr(message, name)
            for name, optional in fields
        }

    return Format(
        values,
        (
            Contender("connector", _unframed(compile_protobuf(files, indexed=True))),
            Contender("protobuf and getattr, frame cut off", lambda value: read(click.FromString(value[6:]))),
            Contender("ProtobufDeserializer and getattr", lambda value: read(deserialize(value, _CONTEXT))),
        ),
    )


# A new format is a line here.
FORMATS: Mapping[str, Callable[[Sequence[dict[str, Any]]], Format]] = {
    "json": _json,
    "avro": _avro,
    "protobuf": _protobuf,
}


def decode_costs(sizes: Sizes, seed: int) -> list[dict[str, Any]]:
    """A row for each format and contender: µs of CPU a record, and how large a record is."""
    load = system.load_average()
    return [{**row, "load_average": load} for row in _measured(rows_of(seed, RECORDS), sizes)]


def _measured(rows: Sequence[dict[str, Any]], sizes: Sizes) -> Iterator[dict[str, Any]]:
    for name, make in FORMATS.items():
        values, contenders = make(rows)
        for contender in contenders:
            for value, row in zip(values, rows, strict=True):
                assert contender.decode(value) == row, (name, contender.name)  # noqa: S101  else the figure is of nothing
        # Taken in turns, so that a machine that becomes busy or slow meets all of them.
        best = dict.fromkeys((contender.name for contender in contenders), float("inf"))
        for _ in range(sizes.decode_rounds):
            for contender in contenders:
                best[contender.name] = min(best[contender.name], _seconds(contender.decode, values))
        size = sum(map(len, values)) / len(values)
        for contender in contenders:
            cost = best[contender.name] / len(values) * 1e6
            yield {"contender": contender.name, "format": name, "decode": cost, "bytes": size}


def _seconds(decode: Callable[[bytes], Any], values: Sequence[bytes]) -> float:
    began = time.process_time()
    for value in values:
        decode(value)
    return time.process_time() - began
