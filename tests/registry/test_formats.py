"""From the bytes of a record to a document: frame, registry and format together, without the loop."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import fastavro
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from connector.core.formats.decoded import SchemaPending
from connector.core.formats.framing import from_registry
from connector.metrics import Metrics
from connector.registry.opening import open_registry
from connector.registry.schemas import Registry
from tests.registry.support import environment, settings
from tests.support.fakes import Clock
from tests.support.http_server import HttpServer
from tests.support.registry import CLICK, Schemas, running_registry

PAGE = '{"type": "record", "name": "Page", "namespace": "shop", "fields": [{"name": "path", "type": "string"}]}'
VIEW = '{"type": "record", "name": "View", "fields": [{"name": "page", "type": "shop.Page"}]}'


@pytest.fixture
def schemas() -> Schemas:
    return Schemas()


@pytest.fixture
def server(schemas: Schemas) -> Iterator[HttpServer]:
    with running_registry(schemas) as server:
        yield server


def decoded(server: HttpServer, kind: str, schema: int, payload: bytes) -> Any:
    registry = open_registry(settings(f"{{url: '{server.url}'}}"), Metrics(), environment(Clock()))
    value = b"\x00" + schema.to_bytes(4, "big") + payload
    decode = from_registry(registry, kind)
    with pytest.raises(SchemaPending):
        decode(value)
    _fetch(registry)
    return decode(value)


def _fetch(registry: Registry) -> None:
    while registry._fetching.work() == 0.0:
        pass


def avro(schema: Any, document: Any) -> bytes:
    payload = io.BytesIO()
    fastavro.schemaless_writer(payload, schema, document)
    return payload.getvalue()


def test_avro(server: HttpServer, schemas: Schemas) -> None:
    schemas.add(7, CLICK)
    payload = avro(fastavro.parse_schema(json.loads(CLICK)), {"session": "s-1"})
    assert decoded(server, "avro", 7, payload) == {"session": "s-1"}


def test_avro_that_refers_to_another_schema(server: HttpServer, schemas: Schemas) -> None:
    schemas.add(8, VIEW, references=[{"name": "shop.Page", "subject": "pages", "version": 1}])
    schemas.by_version["pages", 1] = {"schema": PAGE}
    assert decoded(server, "avro", 8, b"\x04/a") == {"page": {"path": "/a"}}


def click() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="click.proto", syntax="proto3")
    message = file.message_type.add(name="Click")
    message.field.add(name="session", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    return file


def test_protobuf_that_the_registry_has_compiled(server: HttpServer, schemas: Schemas) -> None:
    file = click()
    schemas.add(9, base64.b64encode(file.SerializeToString()).decode(), schemaType="PROTOBUF")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    message: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("Click"))(session="s-1")
    assert decoded(server, "protobuf", 9, b"\x00" + message.SerializeToString()) == {"session": "s-1"}


def test_protobuf_that_the_registry_gives_as_text(server: HttpServer, schemas: Schemas) -> None:
    text = 'syntax = "proto3"; import "shop/page.proto"; message View { shop.Page page = 1; }'
    page = 'syntax = "proto3"; package shop; message Page { string path = 1; }'
    schemas.add(
        10, text, schemaType="PROTOBUF", references=[{"name": "shop/page.proto", "subject": "pages", "version": 1}]
    )
    schemas.by_version["pages", 1] = {"schema": page}
    assert decoded(server, "protobuf", 10, b"\x00\x0a\x04\x0a\x02/a") == {"page": {"path": "/a"}}


def test_json_schema(server: HttpServer, schemas: Schemas) -> None:
    schemas.add(11, '{"type": "object", "required": ["session"]}', schemaType="JSON")
    assert decoded(server, "json_schema", 11, b'{"session": "s-1"}') == {"session": "s-1"}
