"""The same clickstream as JSON, Avro and Protobuf, each read by ``putevents run`` from a topic, without a quota.

The formats take turns, so that a machine that becomes busy or slow meets all of them: what counts is their ratio.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool

from bench.figures import median, middle_run
from bench.runs import UNBOUNDED, Order, Reading, run, tell
from bench.sizes import Sizes
from bench.stage import FORMAT_TOPICS, Stage, fill
from bench.streams import SHAPES, Click, Fewest, clicks
from connector.registry.proto_source import descriptors_of
from tests.support.registry import Schemas, running_registry

_CONTEXT = SerializationContext("clicks", MessageField.VALUE)
_ID_BYTES = slice(1, 5)  # of a frame: a zero, the schema's id, the payload


def _record(record: str, /, **fields: Any) -> dict[str, Any]:
    types = [{"name": field, "type": kind} for field, kind in fields.items()]
    return {"type": "record", "name": record, "fields": types}


AVRO = json.dumps(
    _record(
        "Track",
        type="string",
        event="string",
        messageId="string",
        anonymousId="string",
        userId=["null", "string"],
        timestamp="string",
        properties=_record("Properties", product_id="string", category="string", price="string", position="int"),
        context=_record(
            "Context",
            locale="string",
            page=_record("Page", path="string"),
            library=_record("Library", name="string", version="string"),
        ),
    )
)
PROTO = """
syntax = "proto3";
package shop;
message Track {
  message Properties {
    string product_id = 1;
    string category = 2;
    string price = 3;
    int32 position = 4;
  }
  message Page {
    string path = 1;
  }
  message Library {
    string name = 1;
    string version = 2;
  }
  message Context {
    string locale = 1;
    Page page = 2;
    Library library = 3;
  }
  string type = 1;
  string event = 2;
  string messageId = 3;
  string anonymousId = 4;
  optional string userId = 5;
  string timestamp = 6;
  Properties properties = 7;
  Context context = 8;
}
"""

Write = Callable[[bytes], bytes]


class Format(NamedTuple):
    """How a record of JSON is written in another format, and the schema that a registry gives for it."""

    write: Write
    schema: str | None
    kind: str


def _avro() -> Format:
    serialize = AvroSerializer(SchemaRegistryClient.new_client({"url": "mock://"}), AVRO)
    return Format(lambda value: serialize(orjson.loads(value), _CONTEXT) or b"", AVRO, "AVRO")


def _protobuf() -> Format:
    pool = DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors_of(PROTO, {})).file:
        pool.Add(file)
    track = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Track"))
    registry: Any = SchemaRegistryClient.new_client({"url": "mock://"})
    serialize = ProtobufSerializer(track, registry, {"use.deprecated.format": False})
    return Format(lambda value: serialize(track(**orjson.loads(value)), _CONTEXT) or b"", PROTO, "PROTOBUF")


# A new format is a line here, and one in FORMAT_TOPICS. What the others are compared with comes first.
FORMATS: Mapping[str, Callable[[], Format]] = {
    "json": lambda: Format(lambda value: value, None, ""),
    "avro": _avro,
    "protobuf": _protobuf,
}


class Filled(NamedTuple):
    """A topic of one format: the fewest calls of its stream, bytes a record, and what its registry holds."""

    fewest: Fewest
    size: float
    schemas: Schemas


def formats(stage: Stage, seed: int, records: int, sizes: Sizes) -> list[dict[str, Any]]:
    """A row for each format: of the median rate, with its ratios to JSON."""
    filled = {name: _fill(stage, name, seed, min(records, stage.most_records or records)) for name in FORMAT_TOPICS}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in filled}
    for _ in range(sizes.repeats):
        for name, topic in filled.items():
            row = _one(stage, name, topic, sizes.deadline)
            tell(row)
            runs[name].append(row)
    return list(_rows(runs))


def _fill(stage: Stage, name: str, seed: int, records: int) -> Filled:
    form = FORMATS[name]()
    schemas, written = Schemas(), 0

    def stream() -> Iterator[Click]:
        nonlocal written
        for click in clicks(SHAPES["long"], seed, records):
            value = form.write(click.value)
            if form.schema is not None and not written:
                schemas.add(int.from_bytes(value[_ID_BYTES], "big"), form.schema, schemaType=form.kind)
            written += len(value)
            yield click._replace(value=value)

    fewest = fill(stage, name, stream())
    return Filled(fewest, written / records, schemas)


def _one(stage: Stage, name: str, topic: Filled, deadline: float) -> dict[str, Any]:
    with running_registry(topic.schemas) as registry:
        order = Order(
            "putevents",
            name,
            topic.fewest.events / topic.fewest.calls,
            topic.fewest.events,
            deadline,
            delivery=UNBOUNDED,
            reading=Reading(name, registry.url) if topic.schemas.by_id else None,
        )
        row, _ = run(stage, order)
    if not row["finished"]:
        raise RuntimeError(f"expected all records of {name} within {deadline:g} s, found {row['events']} delivered")
    return {**row, "format": name, "bytes": topic.size}


def _rows(runs: Mapping[str, Sequence[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Ratios are those of runs that stood beside each other, and of them the median."""
    first = next(iter(runs.values()))
    for rows in runs.values():
        beside = list(zip(rows, first, strict=True))
        rate = median([row["events_per_second"] / json_row["events_per_second"] for row, json_row in beside])
        cost = median([row["cpu_per_event"] / json_row["cpu_per_event"] for row, json_row in beside])
        yield {**middle_run(rows), "rate_to_json": rate, "cost_to_json": cost}
