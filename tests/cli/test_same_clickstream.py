"""One clickstream, written by Confluent's serializers in each format, becomes the same calls, byte for byte."""

import base64
import datetime as dt
import decimal
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote
from uuid import uuid4

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from tests.cli.test_commands import Line, line  # noqa: F401  a fixture
from tests.support.config_files import build
from tests.support.http_server import Request, Response
from tests.support.protoc import compile_proto
from tests.support.registry import Schemas, document, running_registry

AVRO = {
    "type": "record", "name": "Click", "namespace": "shop", "fields": [
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "session", "type": "string"},
        {"name": "user", "type": ["null", "long"]},
        {"name": "action", "type": {"type": "enum", "name": "Action", "symbols": ["VIEW", "PURCHASE"]}},
        {"name": "items", "type": {"type": "array", "items": "string"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}  # fmt: skip
PROTO = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
enum Action { VIEW = 0; PURCHASE = 1; }
message Click {
  string id = 1;
  string session = 2;
  optional int64 user = 3;
  Action action = 4;
  repeated string items = 5;
  double price = 6;
  google.protobuf.Timestamp time = 7;
}
"""
JSON_SCHEMA = {"title": "Click", "type": "object", "properties": {"session": {"type": "string"}}}
RULES = """\
    rules:
      - name: click
        for_each: value.items
        put_events:
          sessionId: value.session
          userId: value.user
          eventType: value.action
          eventId: {template: "{{ value.id }}:{{ index }}"}
          eventValue: value.price
          itemId: item
          sentAt: value.time
"""


class Click(NamedTuple):
    """One of the stream, as a producer has it."""

    id: str
    session: str
    user: int | None
    action: str
    items: list[str]
    price: decimal.Decimal
    time: dt.datetime


STREAM = [
    Click(
        f"5f0c2bd8-4f0e-4f8e-9a53-{number:012d}",
        f"s{number % 3}",
        None if number % 4 == 0 else 9007199254740993 + number,
        "PURCHASE" if number % 5 == 0 else "VIEW",
        [f"p{number}", f"q{number}"][: 1 + number % 2],
        decimal.Decimal(number * 1037).scaleb(-2),
        dt.datetime(2025, 11, 24, 8, 30, number, number * 1000, tzinfo=dt.UTC),
    )
    for number in range(1, 41)
]


def plain(click: Click) -> dict[str, Any]:
    return {**click._asdict(), "price": float(click.price), "time": click.time.isoformat()}


Client = SchemaRegistryClient
_CONTEXT = SerializationContext("clicks", MessageField.VALUE)


def as_json(_: Client, __: Path) -> Callable[[Click], bytes]:
    return lambda click: json.dumps(plain(click)).encode()


def as_avro(client: Client, _: Path) -> Callable[[Click], bytes]:
    serialize = AvroSerializer(client, json.dumps(AVRO))
    return lambda click: serialize(click._asdict(), _CONTEXT) or b""


def as_json_schema(client: Client, _: Path) -> Callable[[Click], bytes]:
    serialize = JSONSerializer(json.dumps(JSON_SCHEMA), client)
    return lambda click: serialize(plain(click), _CONTEXT) or b""


def as_protobuf(client: Client, folder: Path) -> Callable[[Click], bytes]:
    pool = DescriptorPool()
    source = folder / "click.proto"
    source.write_text(PROTO)
    for file in FileDescriptorSet.FromString(compile_proto(source).read_bytes()).file:
        pool.Add(file)
    kind = GetMessageClass(pool.FindMessageTypeByName("shop.Click"))
    serialize = ProtobufSerializer(kind, client, {"use.deprecated.format": False})

    def written(click: Click) -> bytes:
        message = kind(id=click.id, session=click.session, user=click.user, items=click.items, price=float(click.price))
        message.action = kind.DESCRIPTOR.fields_by_name["action"].enum_type.values_by_name[click.action].number
        message.time.FromDatetime(click.time)
        return serialize(message, _CONTEXT) or b""

    return written


FORMATS: dict[str, tuple[str, Callable[[Client, Path], Callable[[Click], bytes]]]] = {
    "json": ("format: json", as_json),
    "avro": ("format: avro", as_avro),
    "protobuf": ("format: protobuf", as_protobuf),
    "json_schema": ("format: json_schema", as_json_schema),
    "json_schema, validated": ("format: json_schema, validate: true", as_json_schema),
}


def answering(client: Client) -> Schemas:
    """A registry over HTTP that holds what the serializers have registered."""
    schemas = Schemas()

    def answer(request: Request) -> Response:
        *_, first, second, third = request.path.split("/")
        if (first, second) == ("schemas", "ids"):
            return document(of(client.get_schema(int(third))))
        subject = unquote(request.path.split("/subjects/")[1].split("/")[0])
        return document(of(client.get_version(subject, int(third)).schema))

    schemas.fault = answer
    return schemas


def of(schema: Any) -> dict[str, Any]:
    references = [{"name": each.name, "subject": each.subject, "version": each.version} for each in schema.references]
    return {"schema": schema.schema_str, "schemaType": schema.schema_type, "references": references}


def calls(line: Line, folder: Path, name: str) -> list[bytes]:  # noqa: F811
    setting, serializer = FORMATS[name]
    client = SchemaRegistryClient.new_client({"url": f"mock://{uuid4()}"})
    write = serializer(client, folder)
    values = b"".join(base64.b64encode(write(click)) + b"\n" for click in STREAM)
    pipelines = f"pipelines:\n  - name: web\n    topics: [clicks]\n    value: {{{setting}}}\n{RULES}"
    with running_registry(answering(client)) as server:
        path = folder / "config.yaml"
        path.write_text(build(pipelines=pipelines) + f"schema_registry: {{url: '{server.url}'}}\n")
        ran = line("map", str(path), "--encoding", "base64", stdin=values)
    assert ran.code == 0, ran.err
    return [json.dumps(shown["calls"]).encode() for shown in ran.lines]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_the_same_clickstream_becomes_the_same_calls_in_every_format(line: Line, tmp_path: Path, name: str) -> None:  # noqa: F811
    expected = calls(line, tmp_path, "json")
    assert len(expected) == len(STREAM)
    assert calls(line, tmp_path, name) == expected
