"""A click in Avro becomes the event that it becomes in JSON, with the schema of a registry or of a file."""

import json
from typing import Any

import orjson
import pytest
import yaml

from connector.core.formats.avro import compile_avro, compile_avro_file
from connector.core.formats.decoded import Decode, SchemaPending
from connector.core.mapping.reading import Formats
from connector.core.mapping.rules import compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import Pending, Reason, Record, Rejection, Transformed
from tests.core.formats.avro_cases import written

NOW = 1_800_000_000.0
SCHEMA = {
    "type": "record",
    "name": "Click",
    "fields": [
        {"name": "session", "type": "string"},
        {"name": "user", "type": ["null", "long"]},
        {"name": "item", "type": {"type": "enum", "name": "Item", "symbols": ["BAG", "MUG"]}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "weight", "type": "float"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
    ],
}
CLICK = {
    "session": "s1",
    "user": 2**53 + 1,
    "item": "MUG",
    "price": 19.99,
    "weight": 0.3,
    "at": "2026-11-28T08:30:11.123456Z",
    "tags": ["a", "b"],
}
_BASE = json.loads(json.dumps(SCHEMA).replace('"logicalType": ', '"was": '))
PAYLOAD = written(_BASE, {**CLICK, "price": b"\x07\xcf", "at": 1_795_854_611_123_456})
RULES = """
name: shop
topics: [clicks]
value: {format: FORMAT}
rules:
  - name: view
    put_events:
      sessionId: value.session
      userId: value.user
      eventType: {const: View}
      itemId: value.item
      eventValue: value.price
      sentAt: value.at
      properties: {weight: value.weight, price: value.price, tags: value.tags}
"""


class OneSchema:
    """A registry that has one schema, once it was asked for."""

    def __init__(self) -> None:
        self.decoders: dict[int | str, Decode] = {}

    def reader(self, schema: int | str, kind: str) -> Decode:
        assert kind == "avro"
        if schema not in self.decoders:
            self.decoders[schema] = compile_avro(json.dumps(SCHEMA))
            raise SchemaPending(f"schema {schema}")
        return self.decoders[schema]


def pipeline(format_name: str, formats: Formats) -> Pipeline:
    spec = PipelineSpec.model_validate(yaml.safe_load(RULES.replace("FORMAT", format_name)))
    compiled = compile_pipeline(spec)
    assert not isinstance(compiled, list), compiled
    return Pipeline(spec, compiled, "tracker", formats)


def fate(mapped: Pipeline, value: bytes) -> Any:
    return mapped(Record("clicks", 0, 7, int(NOW) * 1000, None, value), NOW)


@pytest.fixture
def expected() -> Transformed:
    made = fate(pipeline("json", Formats()), orjson.dumps(CLICK))
    assert isinstance(made, Transformed), made
    assert made.rejection is None
    return made


def test_a_click_with_a_schema_of_the_registry_waits_for_it_and_becomes_the_same_event(expected: Transformed) -> None:
    mapped, value = pipeline("avro", Formats(OneSchema())), b"\0\0\0\0\7" + PAYLOAD
    assert fate(mapped, value) == Pending("schema 7", "shop")
    assert fate(mapped, value) == expected


def test_a_click_with_a_schema_file_becomes_the_same_event(expected: Transformed) -> None:
    mapped = pipeline("avro", Formats(value=compile_avro_file(json.dumps(SCHEMA))))
    assert fate(mapped, PAYLOAD) == expected


def test_a_click_that_is_cut_off_is_a_rejection_that_names_its_field_and_no_value() -> None:
    mapped = pipeline("avro", Formats(value=compile_avro_file(json.dumps(SCHEMA))))
    made = fate(mapped, PAYLOAD[:5])
    assert isinstance(made, Rejection)
    assert made.reason is Reason.NOT_AVRO
    assert made.message == "value: Avro of Click, field user: expected more bytes, found the end of the value"
