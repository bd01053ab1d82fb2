"""The same clicks as JSON and as Protobuf become byte for byte the same events."""

import json
from typing import Any

import yaml

from connector.core.formats.decoded import Decode, DecodingError
from connector.core.formats.protobuf import compile_protobuf
from connector.core.mapping.reading import Formats
from connector.core.mapping.rules import CompiledRules, compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import Reason, Record, Rejection, Skip, Skipped, Transformed
from tests.support.protobuf_schemas import compiled, message_class

NOW = 1_795_509_100
RULES = """
name: clicks
topics: [clicks]
value: {format: FORMAT}
rules:
  - name: view
    put_events:
      sessionId: value.session
      userId: {from: value.user, as: string}
      eventType: value.type
      itemId: value.item
      eventValue: value.value
      sentAt: value.at
      properties: {device: value.device, member: value.member, quantity: value.quantity}
"""
ROWS: list[dict[str, Any]] = [
    {
        "session": f"s{n}",
        "user": 2**62 + n,
        "type": "View",
        "item": f"i{n}",
        "value": 19.99 + n,
        "at": NOW - n,
        "device": "Zoë's",
        "member": bool(n % 2),
        "quantity": n + 1,
    }
    for n in range(5)
]
Flat = message_class("shop.Flat")


class Registry:
    """Has one schema, by one id."""

    def reader(self, schema: int | str, kind: str) -> Decode:
        if (schema, kind) != (7, "protobuf"):
            raise DecodingError(Reason.UNKNOWN_SCHEMA, "there is no such schema")
        return compile_protobuf(compiled(), indexed=True)


def pipeline(form: str, formats: Formats) -> Pipeline:
    spec = PipelineSpec.model_validate(yaml.safe_load(RULES.replace("FORMAT", form)))
    rules = compile_pipeline(spec)
    assert isinstance(rules, CompiledRules)
    return Pipeline(spec, rules, "tracker", formats)


def fate(through: Pipeline, value: bytes, offset: int = 0) -> Any:
    return through(Record("clicks", 0, offset, None, None, value), NOW)


def test_json_and_protobuf_of_a_registry_and_of_a_file_become_the_same_events() -> None:
    from_json = pipeline("json", Formats())
    from_registry = pipeline("protobuf", Formats(schemas=Registry()))
    from_file = pipeline("protobuf", Formats(value=compile_protobuf(compiled(), "shop.Flat")))
    for offset, row in enumerate(ROWS):
        payload = Flat(**row).SerializeToString()
        expected = fate(from_json, json.dumps(row).encode(), offset)
        assert isinstance(expected, Transformed)
        assert expected.rejection is None
        assert fate(from_registry, b"\0\0\0\0\7" + b"\x02\x06" + payload, offset) == expected
        assert fate(from_file, payload, offset) == expected


def test_a_tombstone_is_skipped() -> None:
    through = pipeline("protobuf", Formats(schemas=Registry()))
    found = through(Record("clicks", 0, 0, None, None, None), NOW)
    assert isinstance(found, Skipped)
    assert found.reason == Skip.TOMBSTONE


def test_what_is_not_of_the_schema_is_rejected_with_its_reason() -> None:
    through = pipeline("protobuf", Formats(schemas=Registry()))
    for value, reason in (
        (b"\0\0\0\0\7\x02\x06\xff", Reason.NOT_PROTOBUF),
        (b"\0\0\0\0\x08\0", Reason.UNKNOWN_SCHEMA),
        (b"{}", Reason.NOT_FRAMED),
    ):
        found = fate(through, value)
        assert isinstance(found, Rejection)
        assert (found.reason, found.field) == (reason, "value")
