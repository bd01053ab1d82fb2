"""One clickstream, as producers of every format, envelope and compression write it."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import gzip
import io
import json
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote
from uuid import uuid4

import fastavro
import zstandard
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from tests.support.protoc import compile_proto
from tests.support.registry import Schemas, document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.support.http_server import Request, Response

AVRO: dict[str, Any] = {
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
SOURCE = {"type": "record", "name": "Source", "fields": [{"name": "table", "type": "string"}]}
CHANGE: dict[str, Any] = {
    "type": "record", "name": "Envelope", "namespace": "shop.public.clicks", "fields": [
        {"name": "before", "type": ["null", AVRO]},
        {"name": "after", "type": ["null", "shop.Click"]},
        {"name": "source", "type": SOURCE},
        {"name": "op", "type": "string"},
        {"name": "ts_ms", "type": ["null", "long"]},
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
_DECIMAL = {"type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}}
_ROW_FIELDS: list[dict[str, Any]] = [
    {"field": "id", "type": "string"},
    {"field": "session", "type": "string"},
    {"field": "user", "type": "int64", "optional": True},
    {"field": "action", "type": "string", "name": "io.debezium.data.Enum"},
    {"field": "items", "type": "array", "items": {"type": "string"}},
    {"field": "price", **_DECIMAL},
]
_CONNECT_TIME = {"field": "time", "type": "int64", "name": "org.apache.kafka.connect.data.Timestamp"}
_DEBEZIUM_TIME = {"field": "time", "type": "int64", "name": "io.debezium.time.MicroTimestamp"}
CONNECT_SCHEMA = {"type": "struct", "name": "shop.Click", "fields": [*_ROW_FIELDS, _CONNECT_TIME]}
_ROW_SCHEMA = {"type": "struct", "name": "shop.Click", "optional": True, "fields": [*_ROW_FIELDS, _DEBEZIUM_TIME]}
CHANGE_SCHEMA = {
    "type": "struct", "name": "shop.Envelope", "fields": [
        {**_ROW_SCHEMA, "field": "before"}, {**_ROW_SCHEMA, "field": "after"}, {"field": "op", "type": "string"},
    ],
}  # fmt: skip


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

SEVENS = [STREAM[first : first + 7] for first in range(0, len(STREAM), 7)]  # the last has fewer

Headers = dict[str, str]
Written = tuple[bytes, Headers]
Client = SchemaRegistryClient
_CONTEXT = SerializationContext("clicks", MessageField.VALUE)


class Form(NamedTuple):
    """One way to write the stream.

    Attributes:
        setting: what the file says under ``value``; ``FOLDER`` stands for the folder of schema files.
        records: what is in the topic, from the registry's client and a folder of the test's own.
        price, each: how the rule reads the price, and the list of products; both as in JSON unless said.
        under: what the click is for the rule, where a record has several.
    """

    setting: str
    records: Callable[[Client, Path], Iterator[Written]]
    price: str = "value.price"
    each: str = "value.items"
    under: str = "value"

    def rules(self) -> str:
        """The rule of this form, as YAML under a pipeline."""
        return f"""\
    rules:
      - name: click
        for_each: {self.each}
        put_events:
          sessionId: {self.under}.session
          userId: {self.under}.user
          eventType: {self.under}.action
          eventId: {{template: "{{{{ {self.under}.id }}}}:{{{{ item }}}}"}}
          eventValue: {self.price.replace("value.", self.under + ".")}
          itemId: item
          sentAt: {self.under}.time
"""


# -- one click ------------------------------------------------------------------------------------------------


def plain(click: Click) -> dict[str, Any]:
    """As a producer of JSON has it."""
    return {**click._asdict(), "price": float(click.price), "time": click.time.isoformat()}


def as_json(_: Client, __: Path) -> Callable[[Click], bytes]:
    return lambda click: json.dumps(plain(click)).encode()


def as_avro(client: Client, _: Path) -> Callable[[Click], bytes]:
    serialize = AvroSerializer(client, json.dumps(AVRO))
    return lambda click: serialize(click._asdict(), _CONTEXT) or b""


def as_bare_avro(_: Client, folder: Path) -> Callable[[Click], bytes]:
    """Without a frame, for a schema file."""
    (folder / "click.avsc").write_text(json.dumps(AVRO))
    schema = fastavro.parse_schema(AVRO)

    def written(click: Click) -> bytes:
        into = io.BytesIO()
        fastavro.schemaless_writer(into, schema, click._asdict())
        return into.getvalue()

    return written


def as_json_schema(client: Client, folder: Path) -> Callable[[Click], bytes]:
    (folder / "click.json").write_text(json.dumps(JSON_SCHEMA))
    serialize = JSONSerializer(json.dumps(JSON_SCHEMA), client)
    return lambda click: serialize(plain(click), _CONTEXT) or b""


def _message(folder: Path) -> tuple[Any, Callable[[Click], Any]]:
    """Protobuf's class, and a click as one of it; the descriptors are left in the folder."""
    pool = DescriptorPool()
    source = folder / "click.proto"
    source.write_text(PROTO)
    descriptors = compile_proto(source).read_bytes()
    (folder / "click.desc").write_bytes(descriptors)
    for file in FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
    kind = GetMessageClass(pool.FindMessageTypeByName("shop.Click"))

    def filled(click: Click) -> Any:
        message = kind(id=click.id, session=click.session, user=click.user, items=click.items, price=float(click.price))
        message.action = kind.DESCRIPTOR.fields_by_name["action"].enum_type.values_by_name[click.action].number
        message.time.FromDatetime(click.time)
        return message

    return kind, filled


def as_protobuf(client: Client, folder: Path) -> Callable[[Click], bytes]:
    kind, filled = _message(folder)
    serialize = ProtobufSerializer(kind, client, {"use.deprecated.format": False})
    return lambda click: serialize(filled(click), _CONTEXT) or b""


def as_bare_protobuf(_: Client, folder: Path) -> Callable[[Click], bytes]:
    _, filled = _message(folder)
    return lambda click: filled(click).SerializeToString()


# -- Connect and Debezium -------------------------------------------------------------------------------------


def _row(click: Click, unit: int) -> dict[str, Any]:
    """As Connect's JSON converter writes it: a decimal as base64, a moment as a number, so many of a second."""
    price = int(click.price.scaleb(2))
    packed = price.to_bytes(price.bit_length() // 8 + 1, "big", signed=True)
    micros = (click.time - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    return {**click._asdict(), "price": base64.b64encode(packed).decode(), "time": micros * unit // 1_000_000}


def as_connect(_: Client, __: Path) -> Callable[[Click], bytes]:
    return lambda click: json.dumps({"schema": CONNECT_SCHEMA, "payload": _row(click, 1_000)}).encode()


def _change(row: dict[str, Any]) -> dict[str, Any]:
    return {"before": None, "after": row, "source": {"table": "clicks"}, "op": "c", "ts_ms": 1}


def as_debezium(_: Client, __: Path) -> Callable[[Click], bytes]:
    return lambda click: json.dumps(_change(_row(click, 1_000_000))).encode()


def as_debezium_with_schema(_: Client, __: Path) -> Callable[[Click], bytes]:
    def written(click: Click) -> bytes:
        payload = {"before": None, "after": _row(click, 1_000_000), "op": "c"}
        return json.dumps({"schema": CHANGE_SCHEMA, "payload": payload}).encode()

    return written


def as_debezium_in_avro(client: Client, _: Path) -> Callable[[Click], bytes]:
    serialize = AvroSerializer(client, json.dumps(CHANGE))
    return lambda click: serialize(_change(click._asdict()), _CONTEXT) or b""


# -- records --------------------------------------------------------------------------------------------------


def each_alone(
    writer: Callable[[Client, Path], Callable[[Click], bytes]], client: Client, folder: Path
) -> Iterator[Written]:
    """A record for each click."""
    write = writer(client, folder)
    return ((write(click), {}) for click in STREAM)


def in_lines(_: Client, __: Path) -> Iterator[Written]:
    """Records of up to seven clicks, one a line."""
    return ((b"".join(json.dumps(plain(click)).encode() + b"\n" for click in clicks), {}) for clicks in SEVENS)


def in_a_list(_: Client, __: Path) -> Iterator[Written]:
    return ((json.dumps([plain(click) for click in some]).encode(), {}) for some in SEVENS)


def _attributes(click: Click) -> dict[str, str]:
    return {"specversion": "1.0", "type": "shop.click", "source": "/web", "id": click.id}


def _structured(click: Click, *, base: bool) -> dict[str, Any]:
    if not base:
        return {**_attributes(click), "data": plain(click)}
    packed = base64.b64encode(json.dumps(plain(click)).encode()).decode()
    return {**_attributes(click), "datacontenttype": "application/json", "data_base64": packed}


def structured(client: Client, folder: Path, *, base: bool = False) -> Iterator[Written]:
    del client, folder
    kind = {"content-type": "application/cloudevents+json; charset=utf-8"}
    return ((json.dumps(_structured(click, base=base)).encode(), kind) for click in STREAM)


def batch(client: Client, folder: Path, *, base: bool = False) -> Iterator[Written]:
    del client, folder
    kind = {"content-type": "application/cloudevents-batch+json"}
    return ((json.dumps([_structured(click, base=base) for click in some]).encode(), kind) for some in SEVENS)


def binary(
    writer: Callable[[Client, Path], Callable[[Click], bytes]], media: str, client: Client, folder: Path
) -> Iterator[Written]:
    write = writer(client, folder)
    for click in STREAM:
        headers = {f"ce_{name}": value for name, value in _attributes(click).items()}
        yield write(click), {**headers, "content-type": media}


_JSON, _AVRO, _MEDIA = "application/json", "application/avro", "application/x-protobuf"
FORMS: Mapping[str, Form] = {
    "json": Form("format: json", partial(each_alone, as_json)),
    "json list": Form("format: json, root: array", in_a_list, each="[value, item.items]", under="parent"),
    "json lines": Form("format: json_lines", in_lines, each="[value, item.items]", under="parent"),
    "avro": Form("format: avro", partial(each_alone, as_avro)),
    "avro, schema file": Form("format: avro, schema_file: FOLDER/click.avsc", partial(each_alone, as_bare_avro)),
    "protobuf": Form("format: protobuf", partial(each_alone, as_protobuf)),
    "protobuf, descriptors": Form(
        "format: protobuf, schema_file: FOLDER/click.desc, message: shop.Click", partial(each_alone, as_bare_protobuf)
    ),
    "json schema": Form("format: json_schema", partial(each_alone, as_json_schema)),
    "json schema, validated": Form("format: json_schema, validate: true", partial(each_alone, as_json_schema)),
    "json schema, of a file": Form(
        "format: json_schema, validate: true, schema_file: FOLDER/click.json", partial(each_alone, as_json_schema)
    ),
    "connect": Form("envelope: connect", partial(each_alone, as_connect)),
    "debezium": Form("envelope: debezium", partial(each_alone, as_debezium), price="decimal(value.price, `2`)"),
    "debezium, with schema": Form("envelope: debezium", partial(each_alone, as_debezium_with_schema)),
    "debezium, avro": Form("format: avro, envelope: debezium", partial(each_alone, as_debezium_in_avro)),
    "cloudevents": Form("envelope: cloudevents", structured),
    "cloudevents, base64": Form("envelope: cloudevents", partial(structured, base=True)),
    "cloudevents, batch": Form("envelope: cloudevents", batch),
    "cloudevents, batch, base64": Form("envelope: cloudevents", partial(batch, base=True)),
    "cloudevents, binary": Form("envelope: cloudevents", partial(binary, as_json, _JSON)),
    "cloudevents, binary, avro": Form(
        "format: avro, envelope: cloudevents", partial(binary, as_avro, _AVRO)
    ),
    "cloudevents, binary, protobuf": Form(
        "format: protobuf, envelope: cloudevents", partial(binary, as_protobuf, _MEDIA)
    ),
}  # fmt: skip
PACKED: Mapping[str, Callable[[bytes], bytes]] = {
    "none": lambda value: value,
    "gzip": partial(gzip.compress, mtime=0),
    "zlib": zlib.compress,
    "zstd": lambda value: zstandard.ZstdCompressor().compress(value),
}


# -- the registry ---------------------------------------------------------------------------------------------


def new_client() -> Client:
    """Of a registry in this process, and of this test alone."""
    return SchemaRegistryClient.new_client({"url": f"mock://{uuid4()}"})


def answering(client: Client) -> Schemas:
    """A registry over HTTP that holds what the serializers have registered."""
    schemas = Schemas()

    def answer(request: Request) -> Response:
        *_, first, second, third = request.path.split("/")
        if (first, second) == ("schemas", "ids"):
            return document(_of(client.get_schema(int(third))))
        subject = unquote(request.path.split("/subjects/")[1].split("/")[0])
        return document(_of(client.get_version(subject, int(third)).schema))

    schemas.fault = answer
    return schemas


def _of(schema: Any) -> dict[str, Any]:
    references = [{"name": each.name, "subject": each.subject, "version": each.version} for each in schema.references]
    return {"schema": schema.schema_str, "schemaType": schema.schema_type, "references": references}
