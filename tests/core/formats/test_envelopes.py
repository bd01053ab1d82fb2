"""Whatever is in a record, taking its envelope off gives documents, a skip or a DecodingError without its values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.connect_types import CONNECT, DATA, TIME
from connector.core.formats.decoded import DecodingError, Document
from connector.core.formats.envelopes import compile_envelope
from connector.core.mapping.specs import ValueFormat
from connector.core.records import Skip

NAMES = ["connect", "debezium", "cloudevents"]
SECRET = "jane@example.org"
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.just(SECRET)
# Names that mean something come often, so that hostile documents get past the first look.
words = st.sampled_from(
    [*("schema", "payload", "op", "before", "after", "ts_ms", "ddl", "status", "id", "source", "type", "specversion"),
     *("data", "data_base64", "datacontenttype", "datacontentencoding", "fields", "field", "name", "items", "keys"),
     *("values", "parameters", "scale", "value", "length", "version", "__op")]
)  # fmt: skip
texts = st.sampled_from(
    [*("c", "u", "d", "t", "1.0", "0.3", "base64", "application/json", "struct", "array", "map", "string", "int64"),
     *(f"{CONNECT}Decimal", f"{CONNECT}Timestamp", f"{TIME}MicroTime", f"{DATA}Json", f"{DATA}Bits", "BAg=", "2", "{")]
)  # fmt: skip
documents = st.recursive(
    leaves | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=6),
    max_leaves=30,
)
headers = st.lists(
    st.tuples(st.sampled_from(["ce_id", "ce_type", "content-type", "other"]), st.none() | st.binary(max_size=20)),
    max_size=4,
).map(tuple)


@pytest.mark.parametrize("name", NAMES)
@given(documents, headers)
def test_every_document_ends_in_a_value(name: str, document: Any, given_headers: Any) -> None:
    envelope = compile_envelope(name)
    assert envelope is not None
    try:
        envelope.is_json(given_headers)
        found = envelope.unwrap(document, given_headers)
    except DecodingError as error:
        found = [error]
    for each in found if isinstance(found, list) else [found]:
        assert isinstance(each, Document | Skip | DecodingError)
        if isinstance(each, DecodingError):
            assert SECRET not in each.message


@given(documents, documents)
def test_every_schema_and_payload_end_in_a_value(schema: Any, payload: Any) -> None:
    envelope = compile_envelope("connect")
    assert envelope is not None
    found: Any
    try:
        found = envelope.unwrap({"schema": schema, "payload": payload}, ())
    except DecodingError as error:
        found = error
    assert isinstance(found, Document | Skip | DecodingError)
    # The names of fields are in messages, as a member's name is; what they hold is not.
    assert SECRET not in getattr(found, "message", "")


def test_every_envelope_that_a_file_may_name_can_be_taken_off() -> None:
    named = ValueFormat.model_fields["envelope"].annotation
    assert getattr(named, "__args__", None) == ("none", *NAMES)
    assert compile_envelope("none") is None
