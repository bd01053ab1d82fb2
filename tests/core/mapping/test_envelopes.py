"""Records in envelopes through a whole pipeline: one document or a batch, each mapped by its own rule."""

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.connect_types import CONNECT
from connector.core.formats.decoded import Decode, DecodingError, SchemaPending
from connector.core.mapping.reading import Formats
from connector.core.mapping.rules import MAX_ELEMENTS, compile_pipeline
from connector.core.mapping.scope import SpecError
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import (
    Fate,
    Filtered,
    Pending,
    Reason,
    Record,
    Rejection,
    Skip,
    Skipped,
    Stage,
    Transformed,
)

AT = 1_795_509_011
NOW = 1_795_600_000.0
ID = "shop-0-7-mwufpflk"
ATTRIBUTES = {"specversion": "1.0", "type": "shop.viewed", "source": "/web", "id": "e1"}
HEADERS = tuple((f"ce_{name}", value.encode()) for name, value in ATTRIBUTES.items())
STRUCTURED = (("content-type", b"application/cloudevents+json"),)
EVENTS = """
name: shop
topics: [shop]
value: {envelope: cloudevents}
rules:
  - name: view
    when: envelope.type == 'shop.viewed'
    put_events: {sessionId: value.session, eventType: {const: View}, properties: {source: envelope.source}}
  - name: order
    when: envelope.type == 'shop.ordered'
    for_each: value.lines
    put_events: {sessionId: value.session, eventType: {const: Purchase}, itemId: item.sku}
  - name: cleared
    when: envelope.type == 'cart.cleared'
    put_events: {sessionId: envelope.subject, eventType: {const: Cleared}}
  - {name: test, when: envelope.type == 'test', skip: test traffic}
  - {name: probe, when: "envelope.type == 'probe' && value.a.b > `1`", skip: a probe}
"""
ROWS = """
name: shop
topics: [shop]
value: {envelope: debezium}
rules:
  - name: order
    put_events:
      sessionId: value.session_id
      eventType: {const: Purchase}
      itemId: value.sku
      eventValue: value.price
      sentAt: value.created_at
"""


def pipeline(text: str, formats: Formats | None = None) -> Pipeline:
    spec = PipelineSpec.model_validate(yaml.safe_load(text))
    rules = compile_pipeline(spec)
    assert not isinstance(rules, list), rules
    return Pipeline(spec, rules, "tracker", formats or Formats())


def record(value: Any, headers: Any = ()) -> Record:
    return Record(
        "shop", 0, 7, AT * 1000, None, value if isinstance(value, bytes | None) else orjson.dumps(value), headers
    )


def event(data: Any, type: str = "shop.viewed", **more: Any) -> dict[str, Any]:  # noqa: A002  the attribute's name
    return {**ATTRIBUTES, "type": type, "data": data, **more}


VIEW = event({"session": "s1"})
events = pipeline(EVENTS)


def mapped(fate: Fate | Pending) -> list[dict[str, Any]]:
    assert isinstance(fate, Transformed)
    assert fate.rejection is None
    return [{"sessionId": entry.lane, **orjson.loads(entry.body)} for entry in fate.entries]


def in_batch(*documents: Any, through: Callable[[Record, float], Fate | Pending] = events) -> Fate | Pending:
    return through(record(list(documents)), NOW)


# One document


@pytest.mark.parametrize(("value", "headers"), [(VIEW, ()), (VIEW, STRUCTURED), ({"session": "s1"}, HEADERS)])
def test_an_event_is_the_same_in_structured_and_in_binary_mode(value: Any, headers: Any) -> None:
    [made] = mapped(events(record(value, headers), NOW))
    assert (made["sessionId"], made["eventId"]) == ("s1", ID)
    assert orjson.loads(made["properties"]) == {"source": "/web"}


def test_an_event_without_data_is_mapped_by_its_envelope() -> None:
    cleared = {**ATTRIBUTES, "type": "cart.cleared", "subject": "s1"}
    headers = tuple((f"ce_{name}", value.encode()) for name, value in cleared.items())
    for value, sent in ((cleared, ()), (None, headers), (b"null", headers)):
        [made] = mapped(events(record(value, sent), NOW))
        assert (made["sessionId"], made["eventType"]) == ("s1", "Cleared")


@pytest.mark.parametrize("text", [EVENTS, ROWS])
@pytest.mark.parametrize("value", [None, b"null"])
def test_a_record_without_a_value_or_an_event_is_a_tombstone(text: str, value: bytes | None) -> None:
    assert pipeline(text)(record(value), NOW) == Skipped(Skip.TOMBSTONE, pipeline="shop")


def test_a_deleted_row_is_skipped() -> None:
    assert pipeline(ROWS)(record({"op": "d"}), NOW) == Skipped(Skip.DELETE, pipeline="shop")


def test_what_is_not_in_the_envelope_is_a_dead_letter_of_decoding() -> None:
    rejection = pipeline(ROWS)(record({"id": 1}), NOW)
    assert isinstance(rejection, Rejection)
    assert rejection[:2] == (Stage.DECODE, Reason.NOT_AN_ENVELOPE)
    assert rejection.message.startswith("value: expected a change event of Debezium")
    assert (rejection.field, rejection.pipeline) == ("value", "shop")


def test_data_that_is_no_object_is_a_dead_letter_unless_root_says_otherwise() -> None:
    rejection = events(record({**ATTRIBUTES, "data": ["s1"]}), NOW)
    assert isinstance(rejection, Rejection)
    assert rejection.reason is Reason.NOT_AN_OBJECT


def of_avro(value: bytes) -> Any:
    if value == b"?":
        raise SchemaPending("schema 7")
    if value != b"avro":
        raise DecodingError(Reason.NOT_AVRO, "expected Avro")
    return {"session": "s1"}


def test_with_a_binary_format_the_data_is_of_that_format_and_a_structured_event_is_json() -> None:
    decode: Decode = of_avro
    through = pipeline(EVENTS.replace("{envelope", "{format: avro, envelope"), Formats(value=decode))
    assert mapped(through(record(b"avro", HEADERS), NOW)) == mapped(through(record(VIEW, STRUCTURED), NOW))
    refused = through(record(VIEW), NOW)
    assert isinstance(refused, Rejection)
    assert refused.reason is Reason.NOT_AVRO
    other = through(record(b"avro", (("content-type", b"application/cloudevents+avro"),)), NOW)
    assert isinstance(other, Rejection)
    assert other.reason is Reason.NOT_AN_ENVELOPE
    assert through(record(b"?", HEADERS), NOW) == Pending("schema 7", "shop")


def test_a_change_event_of_a_binary_format_is_the_document_itself() -> None:
    row = {"session_id": "s1", "sku": "A1", "price": 10.32, "created_at": AT}
    through = pipeline(
        ROWS.replace("{envelope", "{format: avro, envelope"), Formats(value=lambda _: {"op": "c", "after": row})
    )
    [made] = mapped(through(record(b"avro"), NOW))
    assert (made["itemId"], made["eventValue"]) == ("A1", 10.32)


def test_the_fields_case_of_debezium_has_its_price() -> None:
    """shared/field/22: with the whole schema by itself, with a schema that was cut by decimal()."""
    columns = [
        {"type": "string", "field": "session_id"},
        {"type": "string", "field": "sku"},
        {
            "type": "bytes",
            "name": "org.apache.kafka.connect.data.Decimal",
            "version": 1,
            "parameters": {"scale": "2", "connect.decimal.precision": "10"},
            "field": "price",
        },
        {"type": "int64", "name": "io.debezium.time.MicroTimestamp", "version": 1, "field": "created_at"},
    ]
    cut = {"type": "struct", "name": "shop.Envelope"}
    whole = {**cut, "fields": [{"type": "struct", "fields": columns, "field": "after"}]}
    after = {"session_id": "s1", "sku": "A1", "price": "BAg=", "created_at": 1_795_509_011_250_000}
    payload = {"before": None, "after": after, "op": "c", "ts_ms": 1_795_509_011_300}
    by_function = ROWS.replace("value.price", "decimal(value.price, `2`)")
    made = [
        mapped(pipeline(text)(record({"schema": schema, "payload": payload}), NOW))
        for text, schema in ((ROWS, whole), (by_function, cut))
    ]
    assert made[0] == made[1]
    assert (made[0][0]["eventValue"], made[0][0]["sentAt"]) == (10.32, AT)


def test_a_row_that_is_unwrapped_already_is_skipped_by_its_own_field() -> None:
    deleted = "  - {name: deleted, when: value.__deleted == 'true', skip: delete}\n  - name: order"
    through = pipeline(ROWS.replace("debezium", "none").replace("  - name: order", deleted))
    row = {"session_id": "s1", "sku": "A1", "price": "10.32", "created_at": AT, "__op": "c", "__deleted": "false"}
    assert mapped(through(record(row), NOW))[0]["itemId"] == "A1"
    assert through(record({**row, "__deleted": "true"}), NOW) == Skipped("delete", "deleted", "shop")


def test_the_outbox_of_debezium_is_opened_by_parse_json() -> None:
    """The event router writes the column payload as it is, so that JSON arrives as text in Connect's wrapper."""
    text = ROWS.replace("debezium", "connect").replace("value.", "parse_json(value.payload).")
    value = {"schema": {"type": "struct", "fields": [{"type": "string", "field": "payload"}]}}
    inner = '{"session_id": "s1", "sku": "A1", "price": "10.32", "created_at": 1795509011}'
    [made] = mapped(pipeline(text)(record({**value, "payload": {"payload": inner}}), NOW))
    assert (made["sessionId"], made["itemId"], made["eventValue"]) == ("s1", "A1", 10.32)


@pytest.mark.parametrize("batch", [False, True])
def test_the_fields_case_of_cloudevents_is_one_view(batch: bool) -> None:  # noqa: FBT001
    """shared/field/23: data in base64, and a batch of one."""
    value = {**ATTRIBUTES, "datacontenttype": "application/json", "data_base64": "eyJzZXNzaW9uIjoiczEifQ=="}
    [made] = mapped(events(record([VIEW] if batch else value), NOW))
    assert (made["sessionId"], made["eventType"]) == ("s1", "View")


# Batches


def test_each_event_of_a_batch_is_mapped_by_its_own_rule_in_order() -> None:
    order = event({"session": "s2", "lines": [{"sku": "A"}, {"sku": "B"}]}, "shop.ordered")
    fate = in_batch(VIEW, order, VIEW)
    made = mapped(fate)
    assert [each["eventType"] for each in made] == ["View", "Purchase", "Purchase", "View"]
    assert [each["eventId"] for each in made] == [f"{ID}-0", f"{ID}-1-0", f"{ID}-1-1", f"{ID}-2"]
    assert isinstance(fate, Transformed)
    assert [entry.element for entry in fate.entries] == [0, (1, 0), (1, 1), 2]
    assert fate.rule == "view"


def test_a_batch_is_mapped_to_the_same_ids_every_time() -> None:
    assert in_batch(VIEW, VIEW) == in_batch(VIEW, VIEW)
    assert mapped(events(record(VIEW), NOW))[0]["eventId"] == ID  # a record that is no batch has no place


def test_invalid_events_of_a_batch_are_one_dead_letter_that_has_their_places() -> None:
    order = event({"session": "s2", "lines": [{"sku": "A"}, {"sku": ["x"]}]}, "shop.ordered")
    fate = in_batch(VIEW, event({}), order, {"id": "e9"}, event(["x"]))
    assert isinstance(fate, Transformed)
    assert [entry.element for entry in fate.entries] == [0, (2, 0)]
    rejection = fate.rejection
    assert rejection is not None
    assert rejection.indexes == (1, (2, 1), 3, 4)
    assert (rejection.reason, rejection.field, rejection.rule) == (Reason.MISSING_MEMBER, "sessionId", "view")
    assert "[1] sessionId is required" in rejection.message
    assert "[2/1] pipeline shop, rule order: itemId from item.sku" in rejection.message
    assert "[3] value: expected a CloudEvent" in rejection.message
    assert "[4] value: expected a JSON object, not a list" in rejection.message


def test_a_batch_of_which_all_is_invalid_makes_nothing() -> None:
    rejection = in_batch({"id": "e9"}, event({}))
    assert isinstance(rejection, Rejection)
    assert rejection.indexes == (0, 1)


@pytest.mark.parametrize(
    ("documents", "fate"),
    [
        ([], Skipped(Skip.NO_ELEMENTS, pipeline="shop")),
        ([event({}, "test"), event({}, "test")], Skipped("test traffic", "test", "shop")),
        ([event({}, "unheard"), event({}, "test")], Skipped("test traffic", "test", "shop")),
        ([event({"lines": []}, "shop.ordered"), event({}, "test")], Skipped(Skip.NO_ELEMENTS, "order", "shop")),
        ([event({}, "unheard")], Filtered()),
    ],
)
def test_a_batch_that_makes_nothing_on_purpose_is_skipped_or_filtered(documents: Any, fate: Fate) -> None:
    assert in_batch(*documents) == fate


def test_what_is_skipped_in_a_batch_does_not_hold_up_the_rest() -> None:
    assert [each["eventId"] for each in mapped(in_batch(event({}, "test"), VIEW))] == [f"{ID}-1"]


def test_conditions_that_fail_are_counted_once_for_a_batch() -> None:
    probe = event({"a": {"b": "x"}}, "probe")
    fate = in_batch(probe, probe, VIEW)
    assert isinstance(fate, Transformed)
    assert fate.failed == (("shop", "probe"),)
    assert in_batch(probe) == Filtered((("shop", "probe"),))


def test_unmatched_events_of_a_batch_are_dead_letters_where_the_pipeline_says_so() -> None:
    through = pipeline(EVENTS + "unmatched: dead_letter\n")
    fate = in_batch(VIEW, event({}, "unheard"), through=through)
    assert isinstance(fate, Transformed)
    assert fate.rejection is not None
    assert (fate.rejection.reason, fate.rejection.indexes) == (Reason.UNMATCHED, (1,))


def test_a_batch_makes_as_many_events_as_a_record_may() -> None:
    lines = event({"session": "s", "lines": [{"sku": "A"}] * (MAX_ELEMENTS // 2)}, "shop.ordered")
    assert len(mapped(in_batch(lines, lines))) == MAX_ELEMENTS
    rejection = in_batch(lines, lines, VIEW)
    assert isinstance(rejection, Rejection)
    assert (rejection.stage, rejection.reason) == (Stage.MAP, Reason.TOO_LONG)
    assert "expected at most 1000 events of one batch" in rejection.message


def test_the_work_of_a_batch_is_that_of_one_record() -> None:
    """Alone each event is mapped; together they take more than a record may."""
    through = pipeline(EVENTS.replace("value.session,", "\"to_string(length(value.words[?contains(@, 'x')]))\",", 1))
    heavy = event({"words": ["abcdefgh"] * 60_000})
    [made] = mapped(through(record([heavy]), NOW))
    assert made["sessionId"] == "0"
    rejection = in_batch(*[heavy] * 30, through=through)
    assert isinstance(rejection, Rejection)
    assert (rejection.reason, rejection.indexes) == (Reason.TOO_COMPLEX, ())
    # The next batch has all of its work again, though its first event is invalid.
    fate = in_batch({}, heavy, through=through)
    assert isinstance(fate, Transformed)
    assert fate.rejection is not None
    assert fate.rejection.indexes == (0,)


def test_an_event_id_that_all_events_of_a_batch_share_is_refused() -> None:
    members = "eventType: {const: Cleared}, eventId: {template: '{{ topic }}-{{ offset }}'}"
    shared = EVENTS.replace("eventType: {const: Cleared}", members)
    [error] = errors(shared)
    assert (error.code, error.hint) == ("shared_event_id", "write envelope.id, or leave eventId out")
    assert pipeline_roots(shared.replace("offset }}", "offset }}-{{ envelope.id }}"))
    assert pipeline_roots(shared.replace("cloudevents", "debezium"))  # whose records are one row each


# The same clickstream


@given(
    st.text("abcdefgh0123456789-", min_size=1, max_size=20),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(946_684_800_000, AT * 1000),
)
def test_a_click_is_the_same_event_in_every_envelope(session: str, cents: int, at: int) -> None:
    """Byte for byte: JSON has the price as a number, Connect and Debezium pack it."""
    unscaled = base64.b64encode(cents.to_bytes(8, "big", signed=True)).decode()
    plain = {"session_id": session, "sku": "A1", "price": cents / 100, "created_at": at}
    packed = {**plain, "price": unscaled}
    columns = [
        {"type": "bytes", "name": f"{CONNECT}Decimal", "parameters": {"scale": "2"}, "field": "price"},
        {"type": "int64", "name": f"{CONNECT}Timestamp", "field": "created_at"},
    ]
    row = {"type": "struct", "fields": columns}
    change = {"type": "struct", "fields": [{**row, "field": "after"}]}
    attributes = ATTRIBUTES.items()
    headers = tuple((f"ce_{name}", value.encode()) for name, value in attributes)
    in_envelopes = [
        ("connect", {"schema": row, "payload": packed}, ()),
        ("debezium", {"schema": change, "payload": {"op": "c", "after": packed}}, ()),
        ("debezium", {"op": "c", "after": plain}, ()),
        ("cloudevents", {**ATTRIBUTES, "data": plain}, ()),
        ("cloudevents", {**ATTRIBUTES, "data_base64": base64.b64encode(orjson.dumps(plain)).decode()}, ()),
        ("cloudevents", plain, headers),
    ]
    expected = CLICKS["none"](record(plain), NOW)
    assert isinstance(expected, Transformed)
    for name, value, given_headers in in_envelopes:
        assert CLICKS[name](record(orjson.loads(orjson.dumps(value)), given_headers), NOW) == expected, name


CLICKS = {name: pipeline(ROWS.replace("debezium", name)) for name in ("none", "connect", "debezium", "cloudevents")}


# The name


def errors(text: str) -> list[SpecError]:
    found = compile_pipeline(PipelineSpec.model_validate(yaml.safe_load(text)))
    assert isinstance(found, list)
    return found


def test_the_name_envelope_exists_only_where_there_is_one() -> None:
    first, *_ = errors(EVENTS.replace("value: {envelope: cloudevents}", ""))
    assert (first.code, first.message) == ("unknown_name", "envelope exists only where the value has one")
    assert first.hint == "envelope is there with value: {envelope: …}"


def pipeline_roots(text: str) -> frozenset[str]:
    rules = compile_pipeline(PipelineSpec.model_validate(yaml.safe_load(text)))
    assert not isinstance(rules, list), rules
    return rules.roots


@pytest.mark.parametrize("kind", ["connect", "debezium", "cloudevents"])
def test_every_envelope_has_the_name_also_under_for_each(kind: str) -> None:
    text = EVENTS.replace("cloudevents", kind).replace("item.sku", "envelope.source")
    assert "envelope" in pipeline_roots(text)


def test_names_that_are_listed_have_the_envelope_only_where_it_exists() -> None:
    [without] = errors(ROWS.replace("debezium", "none").replace("value.sku", "valu.sku"))
    [with_one] = errors(ROWS.replace("value.sku", "valu.sku"))
    assert "one of headers, key" in without.message
    assert "one of envelope, headers, key" in with_one.message
