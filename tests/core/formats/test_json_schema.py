import json
import re
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from connector.core.formats.decoded import DecodingError, Document, SchemaError, SchemaPending
from connector.core.formats.framing import framed
from connector.core.formats.json_schema import compile_json_schema
from connector.core.mapping.reading import Formats, compile_key, compile_reader
from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.records import Reason, Record, Rejection

CLICK = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Click",
    "type": "object",
    "properties": {
        "user": {"type": "string", "pattern": "^u"},
        "items": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {"id": {}}}},
        "kind": {"enum": ["view", "buy"]},
        "scores": {"type": "object", "additionalProperties": {"type": "number"}},
    },
    "required": ["user"],
}
decode = compile_json_schema(json.dumps(CLICK))


def refused(schema: Any, document: Any, references: dict[str, str] | None = None) -> str:
    with pytest.raises(DecodingError) as caught:
        compile_json_schema(json.dumps(schema), references)(json.dumps(document).encode())
    assert caught.value.reason is Reason.NOT_OF_THE_SCHEMA
    return caught.value.message


def unusable(text: str, references: dict[str, str] | None = None) -> str:
    with pytest.raises(SchemaError) as caught:
        compile_json_schema(text, references)
    return str(caught.value)


def test_what_the_schema_allows_is_read_with_exact_numbers() -> None:
    assert decode(b'{"user": "u", "n": 18446744073709551615}') == {"user": "u", "n": 2**64 - 1}


@pytest.mark.parametrize("frame", [b"\x00\x00\x00\x00\x07", b"\x03\x00" + bytes(16)])
def test_a_registrys_frame_is_skipped(frame: bytes) -> None:
    assert decode(frame + b'{"user": "u"}') == {"user": "u"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"user": "SECRET"}, "pattern does not hold at $.user"),
        ({"user": 5}, "type does not hold at $.user"),
        ({}, "required does not hold at $: user is missing"),
        ({"user": "u", "items": [{"id": 1}, {"SECRET": 1}]}, "required does not hold at $.items[1]: id is missing"),
        ({"user": "u", "kind": "SECRET"}, "enum does not hold at $.kind"),
        ({"user": "u", "scores": {"SECRET-USER-ID": "x"}}, "type does not hold at $.scores.*"),
        (["SECRET"], "type does not hold at $"),
    ],
)
def test_what_it_does_not_allow_is_named_by_keyword_and_path_and_never_by_value(document: Any, words: str) -> None:
    message = refused(CLICK, document)
    assert message == f"expected what the JSON Schema allows, but {words}"
    assert "SECRET" not in message


def test_a_member_that_only_the_record_names_is_not_told() -> None:
    schema = {"type": "object", "dependencies": {"a": ["SECRET"]}, "required": ["b"], "properties": {"a": {}}}
    assert refused(schema, {"a": 1}) in {
        "expected what the JSON Schema allows, but required does not hold at $",
        "expected what the JSON Schema allows, but dependencies does not hold at $",
    }


def test_what_is_no_json_is_refused_as_such() -> None:
    with pytest.raises(DecodingError) as caught:
        decode(b"{")
    assert caught.value.reason is Reason.NOT_JSON


def test_a_schema_may_be_true_or_false() -> None:
    assert compile_json_schema("true")(b"[1]") == [1]
    assert "$" in refused(False, 1)


@pytest.mark.parametrize(
    ("root", "name", "reference"),
    [
        ({"$ref": "item.json"}, "item.json", {"type": "integer"}),
        ({"$ref": "item.json#/definitions/id"}, "item.json", {"definitions": {"id": {"type": "integer"}}}),
        ({"$id": "http://shop/click.json", "allOf": [{"$ref": "item.json"}]}, "item.json", {"type": "integer"}),
        ({"$ref": "http://shop/item.json"}, "http://shop/item.json", {"type": "integer"}),
        ({"$ref": "http://shop/item.json"}, "item", {"$id": "http://shop/item.json", "type": "integer"}),
        ({"$ref": "yes.json"}, "yes.json", True),
    ],
)
def test_references_are_found_by_their_names(root: Any, name: str, reference: Any) -> None:
    check = compile_json_schema(json.dumps(root), {name: json.dumps(reference)})
    assert check(b"5") == 5
    if reference is not True:
        refused(root, "text", {name: json.dumps(reference)})


def test_a_member_that_a_referenced_schema_names_is_told() -> None:
    item = json.dumps({"properties": {"id": {"type": "string"}}})
    assert refused({"$ref": "item.json"}, {"id": 1}, {"item.json": item}).endswith("at $.id")


def test_without_a_dialect_a_schema_is_of_draft_7() -> None:
    refused({"items": [{"type": "integer"}]}, ["text"])  # draft 2020-12 has no such lists


def test_a_newer_dialect_is_followed() -> None:
    refused({"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{"type": "integer"}]}, ["text"])


def test_a_pattern_of_exponential_time_ends_at_once() -> None:
    assert refused({"pattern": "^(a+)+$"}, "a" * 5000 + "!").endswith("pattern does not hold at $")


def test_a_pattern_that_looks_around_is_bounded_in_steps() -> None:
    check = compile_json_schema('{"pattern": "^(?=a)(a|aa)+$"}')
    assert check(b'"aa"') == "aa"
    with pytest.raises(DecodingError):
        check(b'"' + b"a" * 5000 + b'!"')


@pytest.mark.parametrize(("items", "words"), [(60_000, "items[0]"), (200_000, "a value too large to say where")])
def test_a_value_of_a_million_mistakes_is_refused_at_the_first(items: int, words: str) -> None:
    schema = {"properties": {"items": {"items": {"type": "integer"}}}}
    value = b'{"items": [' + b",".join([b'""'] * items) + b"]}"
    with pytest.raises(DecodingError, match=re.escape(words)):
        compile_json_schema(json.dumps(schema))(value)


def test_a_deep_document_is_read() -> None:
    assert compile_json_schema('{"items": {"$ref": "#"}}')(b"[" * 900 + b"]" * 900)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "the schema is not JSON"),
        ("[" * 100_000, "the schema is not JSON"),
        ("[]", "neither an object nor true or false"),
        ('{"type": "nonsense"}', "expected a valid JSON Schema: "),
        ('{"pattern": "("}', "expected a valid JSON Schema: "),
        ('{"$ref": "gone.json"}', "gone.json"),
        ('{"$ref": "#/gone"}', "/gone"),
        ('{"$schema": "http://my/own"}', "http://my/own"),
    ],
)
def test_a_schema_that_cannot_be_used_is_told_why(text: str, words: str) -> None:
    assert words in unusable(text)


def test_nothing_is_fetched_over_the_network() -> None:
    assert "cannot fetch" in unusable('{"$ref": "http://127.0.0.1:1/x"}')
    assert "register it as a reference" in unusable('{"$ref": "a"}', {"a": '{"$ref": "http://127.0.0.1:1/x"}'})


def test_a_reference_that_is_no_schema_is_named() -> None:
    assert unusable('{"$ref": "a"}', {"a": "{"}) == "expected a JSON Schema, but a is not JSON"


def test_what_confluents_serializer_writes_is_read() -> None:
    client = SchemaRegistryClient.new_client({"url": f"mock://{uuid4()}"})
    serialize = JSONSerializer(json.dumps(CLICK), client)
    document = {"user": "u1", "items": [{"id": "a"}], "n": 2**63 - 1, "price": 19.99, "name": "Zoë"}
    value = serialize(document, SerializationContext("clicks", MessageField.VALUE)) or b""
    registered = client.get_schema(int(framed(value).schema)).schema_str
    assert compile_json_schema(str(registered))(value) == document


# In a pipeline


def record(value: bytes) -> Record:
    return Record("clicks", 0, 0, None, None, value)


class Registry:
    """Has one schema, and counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int | str, str]] = []

    def reader(self, schema: int | str, kind: str) -> Any:
        self.asked.append((schema, kind))
        raise SchemaPending(f"schema {schema}")


def test_without_validation_the_schema_is_not_even_asked_for() -> None:
    registry = Registry()
    read = compile_reader(ValueFormat(format="json_schema"), Formats(schemas=registry))
    assert read(record(b'\x00\x00\x00\x00\x07{"user": 5}')) == Document({"user": 5})
    assert compile_reader(ValueFormat(format="json_schema"))(record(b'\x00\x00\x00\x00\x07{"a": 1}')) == Document(
        {"a": 1}
    )
    assert registry.asked == []


def test_a_key_is_never_checked_against_its_schema() -> None:
    registry = Registry()
    read = compile_key(KeyFormat(format="json_schema"), Formats(schemas=registry))
    assert read(record(b"")._replace(key=b'\x00\x00\x00\x00\x07{"id": 5}')) == {"id": 5}
    assert registry.asked == []


def test_with_validation_it_is_asked_for() -> None:
    registry = Registry()
    read = compile_reader(ValueFormat(format="json_schema", validate_=True), Formats(schemas=registry))
    with pytest.raises(SchemaPending):
        read(record(b'\x00\x00\x00\x00\x07{"user": "u"}'))
    assert registry.asked == [(7, "json_schema")]


def test_without_a_frame_and_without_a_schema_file_a_value_is_refused() -> None:
    found = compile_reader(ValueFormat(format="json_schema"))(record(b'{"user": "u"}'))
    assert isinstance(found, Rejection)
    assert found.reason is Reason.NOT_FRAMED


def test_with_a_schema_file_plain_json_is_checked() -> None:
    read = compile_reader(ValueFormat(format="json_schema", validate_=True, schema_file="x"), Formats(value=decode))
    assert read(record(b'{"user": "u"}')) == Document({"user": "u"})
    found = read(record(b'{"user": "SECRET"}'))
    assert isinstance(found, Rejection)
    assert found.reason is Reason.NOT_OF_THE_SCHEMA
