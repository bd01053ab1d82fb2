"""What fastavro wrote is read back as it was, and Confluent's deserializer reads the same from the same bytes."""

import json
from functools import cache
from typing import Any

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import assume, given, settings

from connector.core.formats.avro import compile_avro
from connector.core.formats.decoded import DecodingError
from connector.core.formats.framing import framed
from tests.core.formats.avro_cases import Case, cases, records
from tests.support.examples import examples

_CONTEXT = SerializationContext("clicks", MessageField.VALUE)


@cache  # a client takes 20 ms to make, since it reads the certificates of all authorities
def _registry() -> SchemaRegistryClient:
    return SchemaRegistryClient.new_client({"url": "mock://"})


@settings(max_examples=examples(200))
@given(cases())
def test_what_fastavro_wrote_becomes_what_a_mapping_expects(case: Case) -> None:
    assert compile_avro(case.text)(case.payload) == case.expected


@settings(max_examples=examples(200))
@given(cases())
def test_every_part_of_a_record_and_every_byte_more_is_refused(case: Case) -> None:
    decode, payload = compile_avro(case.text), case.payload
    for wrong in (*(payload[:end] for end in range(len(payload))), payload + b"\0"):
        try:
            decode(wrong)
        except DecodingError as error:
            assert "Avro of" in error.message  # noqa: PT017
        else:
            raise AssertionError(f"expected a DecodingError of {len(wrong)} bytes")


@settings(max_examples=examples(100))
@given(cases(records()))
def test_what_confluent_s_serializer_wrote_is_read_as_its_deserializer_reads_it(case: Case) -> None:
    assume(case.payload)  # theirs refuses a record of no bytes, which is one without fields
    registry = _registry()
    value = AvroSerializer(registry, case.text)(case.datum, _CONTEXT)
    assert value is not None
    frame = framed(value)
    assert isinstance(frame.schema, int)
    registered = registry.get_schema(frame.schema).schema_str
    assert registered is not None
    decoded = compile_avro(registered)(frame.payload)
    assert decoded == case.expected
    theirs: Any = AvroDeserializer(registry)(value, _CONTEXT)
    for name, found in theirs.items():
        if isinstance(found, str | int | float | None):
            assert decoded[name] == found or isinstance(found, float)  # theirs keeps a float's noise


def test_schemas_with_references_are_read_as_confluent_s_deserializer_reads_them() -> None:
    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    item = {"type": "record", "name": "Item", "namespace": "shop", "fields": [{"name": "id", "type": "string"}]}
    registry.register_schema("item", Schema(json.dumps(item), "AVRO"))
    click = {"type": "record", "name": "Click", "namespace": "shop", "fields": [{"name": "item", "type": "Item"}]}
    reference = SchemaReference("shop.Item", "item", 1)
    schema = registry.register_schema("click", Schema(json.dumps(click), "AVRO", [reference]))
    value = b"\0" + schema.to_bytes(4, "big") + b"\x04i1"
    assert AvroDeserializer(registry)(value, _CONTEXT) == {"item": {"id": "i1"}}
    assert compile_avro(json.dumps(click), [json.dumps(item)])(framed(value).payload) == {"item": {"id": "i1"}}
