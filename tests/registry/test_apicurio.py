"""A real registry: what Confluent's serializers register there is found, and so is that something is not there."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient

from connector.metrics import Metrics
from connector.registry.answers import Answer, Away, Found, Missing, Part, Request
from connector.registry.opening import open_origin
from tests.registry.support import environment, settings
from tests.support.apicurio import running_apicurio
from tests.support.fakes import Clock
from tests.support.kafka.jars import MissingError
from tests.support.registry import CLICK

pytestmark = [pytest.mark.integration]
PAGE = 'syntax = "proto3"; package shop; message Page { string path = 1; }'
JSON = '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}'
VIEW = 'syntax = "proto3"; import "shop/page.proto"; message View { shop.Page page = 1; }'


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        with running_apicurio() as url:
            yield url
    except MissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with SchemaRegistryClient({"url": url}) as client:
        yield client


def fetch(url: str, schema: int, kind: str) -> Answer:
    origin = open_origin(settings(f"{{url: '{url}'}}"), Metrics(), environment(Clock()))
    try:
        return origin.fetch(schema, kind)
    finally:
        origin.rest()


def test_a_schema_is_found(url: str, client: Any) -> None:
    number = client.register_schema("clicks-value", Schema(CLICK, "AVRO"))
    found = fetch(url, number, "avro")
    assert isinstance(found, Found)
    assert found.kind == "avro"
    assert found.text.replace(" ", "") == CLICK.replace(" ", "")


def test_a_schema_comes_with_those_that_it_refers_to(url: str, client: Any) -> None:
    """The registry ignores the wish for a compiled descriptor and gives .proto text."""
    client.register_schema("pages", Schema(PAGE, "PROTOBUF"))
    reference = SchemaReference("shop/page.proto", "pages", 1)
    number = client.register_schema("views-value", Schema(VIEW, "PROTOBUF", [reference]))
    found = fetch(url, number, "protobuf")
    assert isinstance(found, Found)
    assert found.kind == "protobuf"
    assert "message View" in found.text
    (part,) = found.parts
    assert isinstance(part, Part)
    assert part.name == "shop/page.proto"
    assert "message Page" in part.text


def test_a_json_schema_is_found(url: str, client: Any) -> None:
    number = client.register_schema("json-value", Schema(JSON, "JSON"))
    found = fetch(url, number, "json_schema")
    assert isinstance(found, Found)
    assert found.kind == "json_schema"


def test_an_unknown_id_is_missing(url: str) -> None:
    assert fetch(url, 999_999, "avro") == Missing("schema 999999")


def test_a_wrong_path_makes_nothing_missing(url: str) -> None:
    answer = fetch(url.removesuffix("/apis/ccompat/v7"), 1, "avro")
    assert isinstance(answer, Away)
    assert answer.request is Request.GARBAGE
    assert "check the path in schema_registry.url" in answer.detail
