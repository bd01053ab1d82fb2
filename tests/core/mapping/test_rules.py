"""Pipelines: which rule decides, what it makes of a record, and what is refused before the first one."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connector.core.mapping.limits import RESERVED_PROPERTIES
from connector.core.mapping.members import REQUIRED as REQUIRED_OF
from connector.core.mapping.rules import (
    MAX_ELEMENTS,
    CompiledRules,
    Mapped,
    MappedEvent,
    Members,
    SpecError,
    compile_pipeline,
)
from connector.core.mapping.specs import PipelineSpec, PutEventsSpec
from connector.core.operations import PUT_EVENTS
from connector.core.records import EARLIEST_TIMESTAMP, Filtered, Reason, Rejection, Skipped, Stage

REQUIRED = REQUIRED_OF[PUT_EVENTS]

SEGMENT = """
name: segment
topics: [segment.track]
rules:
  - name: product-viewed
    when: value.event == 'Product Viewed'
    put_events:
      sessionId: not_null(value.context.sessionId, value.anonymousId)
      userId: value.userId
      eventType: {const: View}
      eventId: value.messageId
      itemId: not_null(value.properties.product_id, value.properties.sku)
      eventValue: value.properties.price
      sentAt: value.timestamp
      properties: {category: value.properties.category}
  - name: order-completed
    when: value.event == 'Order Completed'
    for_each: value.properties.products
    put_events:
      sessionId: value.anonymousId
      userId: value.userId
      eventType: {const: Purchase}
      eventId: {template: "{{ value.messageId }}:{{ index }}"}
      itemId: item.product_id
      sentAt: value.timestamp
      properties: {quantity: item.quantity, currency: value.properties.currency}
"""
EXAMPLE = """
value:
  event: Product Viewed
  anonymousId: a1
  messageId: m1
  timestamp: "2026-11-24T08:30:11Z"
  properties: {sku: s1, price: "19.00"}
"""
SENT_AT = 1795509011
OWN_ID = "t-3-42-mwufpgdb"  # with the record's timestamp, 1795509011999, in base 36
BASE = {"sessionId": "value.s", "eventType": {"const": "View"}, "eventId": "value.id"}


def compiled(*rules: dict[str, Any], **more: Any) -> CompiledRules | list[SpecError]:
    named = [{"name": f"r{number}", **rule} for number, rule in enumerate(rules)]
    return compile_pipeline(PipelineSpec.model_validate({"name": "p", "topics": ["t"], "rules": named, **more}))


def mapping(*rules: dict[str, Any], **more: Any) -> CompiledRules:
    result = compiled(*rules, **more)
    assert isinstance(result, CompiledRules), result
    return result


def errors(*rules: dict[str, Any], **more: Any) -> list[SpecError]:
    result = compiled(*rules, **more)
    assert isinstance(result, list)
    return result


def root(value: Any = None, **more: Any) -> dict[str, Any]:
    place = {"topic": "t", "partition": 3, "offset": 42, "timestamp": SENT_AT * 1000 + 999}
    return {"value": value, "key": None, "headers": None, **place, **more}


def put(value: Any = None, /, **members: Any) -> Mapped | Skipped | Filtered | Rejection:
    return mapping({"put_events": {**BASE, **members}})(root({"s": "s1", "id": "e1", **(value or {})}))


def members(value: Any = None, /, **spec: Any) -> Members:
    result = put(value, **spec)
    assert isinstance(result, Mapped), result
    (event,) = result.events
    return event.members


def rejection(value: Any = None, /, **spec: Any) -> Rejection:
    result = put(value, **spec)
    assert isinstance(result, Rejection), result
    return result


@pytest.fixture(scope="module")
def segment() -> CompiledRules:
    result = compile_pipeline(PipelineSpec.model_validate(yaml.safe_load(SEGMENT)))
    assert isinstance(result, CompiledRules)
    return result


# A whole pipeline


def test_the_documented_example_gives_the_documented_event(segment: CompiledRules) -> None:
    event = {
        "sessionId": "a1",
        "eventType": "View",
        "eventId": "m1",
        "itemId": "s1",
        "eventValue": 19.0,
        "sentAt": SENT_AT,
    }
    given_root = root(**yaml.safe_load(EXAMPLE))
    assert segment(given_root) == Mapped("product-viewed", (MappedEvent(None, event),))
    assert "item" not in given_root


def test_for_each_makes_one_event_an_element(segment: CompiledRules) -> None:
    products = [{"product_id": 7, "quantity": 2}, {"product_id": "b", "quantity": None}]
    value = {
        "event": "Order Completed",
        "anonymousId": "a1",
        "userId": 5,
        "messageId": "m1",
        "timestamp": SENT_AT,
        "properties": {"products": products, "currency": "EUR"},
    }
    common = {"sessionId": "a1", "userId": "5", "eventType": "Purchase", "sentAt": SENT_AT}
    first = {**common, "eventId": "m1:0", "itemId": "7", "properties": '{"quantity":2,"currency":"EUR"}'}
    second = {**common, "eventId": "m1:1", "itemId": "b", "properties": '{"currency":"EUR"}'}
    given_root = root(value)
    assert segment(given_root) == Mapped("order-completed", (MappedEvent(0, first), MappedEvent(1, second)))
    assert "item" not in given_root


def test_a_mapping_says_which_names_it_reads(segment: CompiledRules) -> None:
    assert (segment.name, segment.rules) == ("segment", ("product-viewed", "order-completed"))
    assert segment.roots >= {"value", "item", "index"}
    assert segment.roots.isdisjoint({"key", "headers"})
    assert "headers" in mapping({"when": "headers.a", "put_events": BASE}).roots
    assert "key" in mapping({"put_events": {**BASE, "properties": {"k": {"template": "{{ key }}"}}}}).roots
    assert "timestamp" in mapping({"put_events": BASE}).roots


# Rules


def test_the_first_rule_that_matches_decides_alone() -> None:
    rules = [{"when": "value.a", "skip": "first"}, {"when": "value.b", "skip": "second"}, {"skip": "rest"}]
    decide = mapping(*rules)
    assert decide(root({"a": 1, "b": 1})) == Skipped("first", "r0")
    assert decide(root({"a": [], "b": 0})) == Skipped("second", "r1")  # zero is true in JMESPath
    assert decide(root({})) == Skipped("rest", "r2")


def test_a_record_that_no_rule_matches_is_filtered_or_a_dead_letter() -> None:
    rule = {"when": "value.a", "skip": "x"}
    assert isinstance(mapping(rule)(root({})), Filtered)
    assert mapping(rule, unmatched="dead_letter")(root({})) == Rejection(
        Stage.MAP, Reason.UNMATCHED, "pipeline p: no rule matches", pipeline="p"
    )


def test_a_condition_that_cannot_be_evaluated_is_false_and_named() -> None:
    failing = {"when": "contains(value.path, '/product/')", "skip": "x"}
    rules: list[dict[str, Any]] = [
        failing,
        {"when": "value.b", "skip": "b"},
        {"when": "contains(value.c, 'c')", "put_events": BASE},
    ]
    decide = mapping(*rules)
    assert decide(root({"path": "/product/1"})) == Skipped("x", "r0")
    assert decide(root({"b": 1})) == Skipped("b", "r1", failed=(("p", "r0"),))
    assert decide(root({})) == Filtered(failed=(("p", "r0"), ("p", "r2")))
    mapped = decide(root({"c": "c", "s": "s1"}))
    assert isinstance(mapped, Mapped)
    assert mapped.failed == (("p", "r0"),)
    rejected = decide(root({"c": "c"}))
    assert isinstance(rejected, Rejection)
    assert (rejected.reason, rejected.failed) == (Reason.MISSING_MEMBER, (("p", "r0"),))
    unmatched = mapping(*rules, unmatched="dead_letter")(root({}))
    assert isinstance(unmatched, Rejection)
    assert (unmatched.reason, unmatched.failed) == (Reason.UNMATCHED, (("p", "r0"), ("p", "r2")))


def test_a_condition_within_a_case_that_cannot_be_evaluated_is_a_rejection_and_not_an_else() -> None:
    spec = {"case": [{"when": "contains(value.path, 'x')", "then": {"const": "X"}}, {"else": {"const": "Y"}}]}
    result = rejection(itemId=spec)
    assert (result.reason, result.field, result.failed) == (Reason.EXPRESSION_FAILED, "itemId", ())


# Elements

EACH = {
    "for_each": "value.list",
    "put_events": {
        "sessionId": "item.s",
        "eventType": {"from": "item.t", "lookup": {"v": "View"}, "otherwise": "skip"},
    },
}


SKIPPING = {**EACH, "for_each": {"from": "value.list", "otherwise": "skip"}}


def test_an_empty_list_is_a_skip() -> None:
    for rule in (EACH, SKIPPING):
        assert mapping(rule)(root({"list": []})) == Skipped("no_elements", "r0")


@pytest.mark.parametrize("value", [{"list": None}, {}, {"lists": [1]}])
def test_a_list_that_is_absent_or_null_is_a_rejection_unless_it_may_be(value: Any) -> None:
    for rule in (EACH, {**EACH, "for_each": {"from": "value.list"}}):
        result = mapping(rule)(root(value))
        message = "pipeline p, rule r0: for_each from value.list: expected a list, found null"
        assert result == Rejection(Stage.MAP, Reason.MISSING_LIST, message, None, "p", "r0")
    assert mapping(SKIPPING)(root(value)) == Skipped("missing_list", "r0")


@pytest.mark.parametrize(
    ("value", "kind"), [({"a": 1}, "an object"), ("", "text"), ("a", "text"), (0, "a number"), (False, "a boolean")]
)
def test_for_each_over_something_else_is_a_rejection_that_says_what_it_is(value: Any, kind: str) -> None:
    for rule in (EACH, SKIPPING):
        result = mapping(rule)(root({"list": value}))
        assert isinstance(result, Rejection)
        assert result.reason is Reason.WRONG_TYPE
        assert result.message == f"pipeline p, rule r0: for_each from value.list: expected a list, not {kind}"


@pytest.mark.parametrize("projection", ["[?t]", "[:2]", "[*].x", "[]", "[?t][:2] | [?s]"])
def test_a_filter_over_something_else_is_a_rejection_that_says_what_it_is(projection: str) -> None:
    rule = {**EACH, "for_each": f"value.list{projection}"}
    for value, kind in (({"a": 1}, "an object"), (5, "a number"), (True, "a boolean")):
        result = mapping(rule)(root({"list": value}))
        assert isinstance(result, Rejection)
        assert result.reason is Reason.MISSING_LIST
        words = f"expected a list, found null: a filter or slice takes a list, and this is {kind}"
        assert result.message.endswith(words)
    result = mapping(rule)(root({}))
    assert isinstance(result, Rejection)
    assert result.message.endswith("expected a list, found null")


def test_what_stands_before_a_filter_may_be_no_expression() -> None:
    for for_each in ("[?t]", "[*]", "value.none || `[]` && [?t]"):
        result = mapping({**EACH, "for_each": for_each})(root({"list": FAILING}))
        assert isinstance(result, Rejection | Skipped)
    result = mapping({**EACH, "for_each": "[[?value.a], value.list][1]"})(root({"list": FAILING}))
    assert isinstance(result, Mapped)
    assert [event.index for event in result.events] == [0, 4]


# Places

FAILING = [{"s": "a", "t": "v"}, {"t": "x"}, {"t": "v"}, {"s": [], "t": "v"}, {"s": "b", "t": "v"}]


@pytest.mark.parametrize(
    ("for_each", "indexes", "places"),
    [
        ("value.list", [0, 4], [2, 3]),
        ("value.list[?t=='v']", [0, 4], [2, 3]),
        ("value.list[1:]", [4], [2, 3]),
        ("value.list[?t=='v'] | [?s != `null`]", [0, 4], [3]),
        # Turned round, or made new: only the place in the list of for_each is known.
        ("value.list[::-1]", [0, 4], [1, 2]),
        ("value.list[?t=='v'].{s: s, t: t}", [0, 3], [1, 2]),
        ("not_null(value.none, value.list)[?t=='v']", [0, 4], [2, 3]),
        ("value.lists[0][?t=='v']", [0, 4], [2, 3]),
        ("value.list | [?t=='v']", [0, 4], [2, 3]),
        ("value.none[?t=='v'] || value.list", [0, 4], [2, 3]),
        ("[value.list][]", [0, 4], [2, 3]),
    ],
)
def test_elements_have_their_places_in_the_records_own_list(for_each: str, indexes: Any, places: Any) -> None:
    result = mapping({**EACH, "for_each": for_each})(root({"list": FAILING, "lists": [FAILING]}))
    assert isinstance(result, Mapped)
    assert ([event.index for event in result.events], [bad.indexes[0] for bad in result.invalid]) == (indexes, places)


def test_a_list_of_too_many_elements_is_a_rejection() -> None:
    decide = mapping({**EACH, "for_each": "value.list[?t]"})
    assert isinstance(decide(root({"list": [{"s": "a", "t": "v"}] * MAX_ELEMENTS + [{}]})), Mapped)
    result = decide(root({"list": [{"s": "a", "t": "v"}] * (MAX_ELEMENTS + 1)}))
    assert isinstance(result, Rejection)
    assert (result.reason, result.rule) == (Reason.TOO_LONG, "r0")


@pytest.mark.parametrize("for_each", ["value.'", "value.list[?", "vlaue.list[?t]", {"from": "value."}])
def test_a_mistake_in_a_list_is_found_once_and_before_the_first_record(for_each: Any) -> None:
    (error,) = errors({**EACH, "for_each": for_each})
    path = ("rules", 0, "for_each")
    assert error.path == (path if isinstance(for_each, str) else (*path, "from"))


def test_index_counts_the_list_that_for_each_gives() -> None:
    """So the ids of a filtered list have no gaps, and stay what they are when only what is left out changes."""
    rule = {
        "for_each": "value.list[?t=='v']",
        "put_events": {"sessionId": "value.s", "eventType": {"const": "V"}, "itemId": "index"},
    }
    result = mapping(rule)(root({"s": "s1", "list": FAILING}))
    assert isinstance(result, Mapped)
    assert [event.index for event in result.events] == [0, 2, 3, 4]
    assert [event.members["itemId"] for event in result.events] == ["0", "1", "2", "3"]
    assert [event.members["eventId"][-2:] for event in result.events] == ["-0", "-1", "-2", "-3"]


@given(st.lists(st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"]), max_size=8))
def test_equal_elements_have_places_of_equal_elements(values: list[Any]) -> None:
    rule = {
        "for_each": "value.list[?@ != `null` && @ != `1`]",
        "put_events": {"sessionId": "value.s", "eventType": {"const": "V"}, "itemId": {"from": "item", "as": "string"}},
    }
    result = mapping(rule)(root({"s": "s1", "list": values}))
    for event in result.events if isinstance(result, Mapped) else ():
        assert isinstance(event.index, int)
        assert event.members["itemId"] == str(values[event.index]).replace("True", "true").replace("False", "false")


def test_one_invalid_element_does_not_stop_the_others() -> None:
    elements = [{"s": "a", "t": "v"}, {"t": "v"}, {"t": "other"}, {"s": "b", "t": "v"}, {"s": [], "t": "v"}]
    result = mapping(EACH)(root({"list": elements}))
    assert isinstance(result, Mapped)
    assert [(event.index, event.members["eventId"]) for event in result.events] == [
        (0, f"{OWN_ID}-0"),
        (3, f"{OWN_ID}-3"),
    ]
    assert [(bad.indexes, bad.reason, bad.field) for bad in result.invalid] == [
        ((1,), Reason.MISSING_MEMBER, "sessionId"),
        ((4,), Reason.WRONG_TYPE, "sessionId"),
    ]
    assert result.skipped == 1


def test_elements_that_a_lookup_drops_are_a_skip_when_all_are() -> None:
    assert mapping(EACH)(root({"list": [{"t": "x"}, {}]})) == Skipped("lookup", "r0")
    result = mapping(EACH)(root({"list": [{"t": "x"}, {"t": "v"}]}))
    assert isinstance(result, Mapped)
    assert (result.events, len(result.invalid), result.skipped) == ((), 1, 1)


def test_what_a_lookup_drops_need_not_be_valid() -> None:
    assert put({"s": None, "kind": "x"}, itemId={"from": "value.kind", "lookup": {}, "otherwise": "skip"}) == Skipped(
        "lookup", "r0"
    )
    case = {"case": [{"when": "value.no", "then": "value.s"}, {"else": EACH["put_events"]["eventType"]}]}  # type: ignore[index]  # a literal
    assert errors({"put_events": {**BASE, "itemId": case}})[0].message == "item exists only under for_each"
    dropping = {"from": "value.kind", "lookup": {}, "otherwise": "skip"}
    in_case = {"case": [{"when": "value.no", "then": "value.s"}, {"else": dropping}]}
    in_arm = {"case": [{"when": "value.s || `true`", "then": dropping}]}
    for spec in ({"itemId": in_case}, {"itemId": in_arm}, {"properties": {"a": dropping}}, {"impression": [dropping]}):
        assert put({"s": None}, **spec) == Skipped("lookup", "r0")


# Required members and what stands in for some


def test_a_required_member_that_is_null_names_pipeline_rule_member_and_expression(segment: CompiledRules) -> None:
    result = segment(root({"event": "Product Viewed"}))
    assert result == Rejection(
        Stage.MAP,
        Reason.MISSING_MEMBER,
        "pipeline segment, rule product-viewed: sessionId is required, "
        "but not_null(value.context.sessionId, value.anonymousId) is null or empty",
        "sessionId",
        "segment",
        "product-viewed",
    )


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("value.x", "value.x"),
        ({"template": "{{ value.x }}!"}, "{{ value.x }}!"),
        ({"case": [{"when": "value.x", "then": "value.x"}]}, "its case"),
        ({"from": "value.x", "as": "string"}, "value.x"),
        ({"from": "value.x", "lookup": {}}, "the lookup of value.x"),
    ],
)
def test_a_missing_member_is_described_by_its_spec(spec: Any, words: str) -> None:
    assert (
        rejection(eventType=spec).message == f"pipeline p, rule r0: eventType is required, but {words} is null or empty"
    )


def test_optional_members_that_are_null_are_left_out() -> None:
    optional = {name: "value.none" for name in PutEventsSpec.model_fields if name not in REQUIRED}
    assert members(**optional) == {
        "sessionId": "s1",
        "eventType": "View",
        "sentAt": SENT_AT,
        "eventId": OWN_ID,
    }


def test_every_member_has_its_type() -> None:
    value = {"n": 5, "f": "1.5", "l": [1, None, "b"], "o": {"b": 1, "a": None}, "t": "2026-11-24 08:30:11.9"}
    spec = {
        **dict.fromkeys(PutEventsSpec.model_fields, "value.n"),
        "eventValue": "value.f",
        "impression": "value.l",
        "properties": "value.o",
        "sentAt": "value.t",
    }
    assert members(value, **spec) == {
        **dict.fromkeys(PutEventsSpec.model_fields, "5"),
        "eventValue": 1.5,
        "impression": ["1", "b"],
        "properties": '{"b":1}',
        "sentAt": SENT_AT,
    }


def test_an_event_without_an_id_gets_the_records_place() -> None:
    spec = {name: part for name, part in BASE.items() if name != "eventId"}
    for given_spec in (spec, {**spec, "eventId": "value.none"}):
        result = mapping({"put_events": given_spec})(root({"s": "s1"}))
        assert isinstance(result, Mapped)
        assert result.events[0].members["eventId"] == OWN_ID


def test_sent_at_is_the_records_own_time_where_it_is_not_mapped() -> None:
    assert members()["sentAt"] == SENT_AT
    result = mapping({"put_events": BASE})(root({"s": "s1"}, timestamp=None))
    assert isinstance(result, Rejection)
    assert (result.reason, result.field) == (Reason.MISSING_MEMBER, "sentAt")
    assert result.message.endswith("sentAt is required, but it is not mapped and the record has no timestamp")


def test_a_mapped_sent_at_that_is_null_is_not_replaced() -> None:
    result = rejection(sentAt="value.time")
    assert (result.reason, result.field) == (Reason.MISSING_MEMBER, "sentAt")
    assert "value.time is null or empty; not_null(…, timestamp) falls back" in result.message
    assert "falls back on the record's own time" in rejection(sentAt="value.timestamp").message
    assert members(sentAt="not_null(value.time, timestamp)")["sentAt"] == SENT_AT


# Impressions and properties


def test_an_impression_may_be_listed_item_by_item() -> None:
    listed = ["value.a", {"const": 2}, "value.none"]
    assert members({"a": "x"}, impression=listed)["impression"] == ["x", "2"]
    assert "impression" not in members(impression=["value.none"])
    assert "impression" not in members({"a": []}, impression="value.a")
    assert members(impression={"const": ["a", 1]})["impression"] == ["a", "1"]
    assert rejection({"a": {}}, impression=listed).message.startswith(
        "pipeline p, rule r0: impression[0] from value.a: "
    )
    assert rejection({"a": "x|y"}, impression="value.a").reason is Reason.WRONG_TYPE


def test_properties_keep_the_order_of_the_mapping_and_any_value() -> None:
    spec = {"z": "value.z", "a": {"const": 1}, "none": "value.none"}
    assert members({"z": {"deep": [None]}}, properties=spec)["properties"] == '{"z":{"deep":[null]},"a":1}'
    assert "properties" not in members(properties={"none": "value.none"})
    assert "properties" not in members({"o": {}}, properties="value.o")
    assert members({"o": '{"b": 1 }'}, properties="value.o")["properties"] == '{"b":1}'


def test_a_property_that_fails_is_named() -> None:
    result = rejection({"a": float("nan")}, properties={"price": "value.a"})
    assert result.message == "pipeline p, rule r0: properties.price from value.a: expected a finite number"
    result = rejection({"a": "\ud800"}, properties={"price": "value.a"})
    assert (result.reason, result.field) == (Reason.INVALID_PROPERTIES, "properties")
    assert result.message == "pipeline p, rule r0: properties: expected values that JSON in UTF-8 can hold"
    assert rejection({"a": []}, properties="value.a").reason is Reason.WRONG_TYPE


@pytest.mark.parametrize("name", [*sorted(RESERVED_PROPERTIES), "sessionId", "USERID"])
def test_reserved_properties_are_refused_in_any_case(name: str) -> None:
    (error,) = errors({"put_events": {**BASE, "properties": {name: "value.a"}}})
    assert error.path == ("rules", 0, "put_events", "properties", name)
    assert error.code == "reserved_property"


# What is refused before the first record


def test_all_mistakes_are_found_at_once_each_at_its_place() -> None:
    found = errors(
        {"when": "vlaue.a", "put_events": {**BASE, "itemId": {"from": "value."}, "userId": "value.a b"}},
        {"when": "value.b", "for_each": "value.", "put_events": {**BASE, "eventId": "index", "itemId": {"const": []}}},
    )
    assert [(error.path, error.code) for error in found] == [
        (("rules", 0, "when"), "unknown_name"),
        (("rules", 0, "put_events", "userId"), "syntax"),
        (("rules", 0, "put_events", "itemId", "from"), "syntax"),
        (("rules", 1, "for_each"), "syntax"),
        (("rules", 1, "put_events", "itemId", "const"), "wrong_type"),
    ]
    assert [found[0].position, found[1].position] == [0, 8]


def test_a_constant_beyond_a_limit_is_refused_alone_and_with_others() -> None:
    alone = errors({"put_events": {**BASE, "itemId": {"const": "i" * 257}}})
    assert [(error.path[-2:], error.code) for error in alone] == [(("itemId", "const"), "too_long")]
    together = errors({"put_events": {**BASE, "impression": [{"const": "i" * 250}] * 4}})
    assert [(error.path[-1], error.code) for error in together] == [("impression", "too_long")]


@pytest.mark.parametrize("name", ["item", "index"])
def test_elements_exist_only_under_for_each(name: str) -> None:
    for rule in (
        {"put_events": {**BASE, "itemId": f"to_string({name})"}},
        {"when": f"to_string({name})", "for_each": "value.a", "put_events": EACH["put_events"]},
    ):
        (error,) = errors(rule)
        assert (error.message, error.position) == (f"{name} exists only under for_each", 10)


@pytest.mark.parametrize("when", [None, "`true`", "'x'"])
def test_a_rule_after_one_that_takes_everything_is_refused(when: str | None) -> None:
    (error,) = errors({"when": when, "skip": "x"}, {"when": "value.a", "skip": "y"})
    assert (error.path, error.code) == (("rules", 1), "unreachable_rule")
    assert error.message == "r1 is never reached: r0 takes every record before it"


def test_a_rule_with_the_condition_of_an_earlier_one_is_refused() -> None:
    (error,) = errors({"when": "value.a", "skip": "x"}, {"skip": "z", "when": " value.a"})
    assert (error.path, error.code) == (("rules", 1), "unreachable_rule")
    assert error.message == "r1 is never reached: r0 has the same condition and comes first"


def test_a_condition_that_is_never_true_is_refused() -> None:
    (error,) = errors({"when": "`false`", "skip": "x"}, {"skip": "y"})
    assert (error.path, error.code) == (("rules", 0, "when"), "never_true")


def test_two_rules_of_one_name_are_refused() -> None:
    (error,) = errors({"name": "a", "when": "value.a", "skip": "x"}, {"name": "a", "skip": "y"})
    assert (error.path, error.code) == (("rules", 1, "name"), "duplicate_rule")


def test_a_skip_needs_a_reason() -> None:
    (error,) = errors({"skip": ""})
    assert (error.path, error.code) == (("rules", 0, "skip"), "empty_reason")


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_a_required_member_that_is_a_constant_null_is_refused(name: str) -> None:
    (error,) = errors({"put_events": {**BASE, name: {"const": None}}})
    assert (error.path, error.code) == (("rules", 0, "put_events", name, "const"), "required_null")


def test_an_event_id_that_events_are_sure_to_share_is_refused() -> None:
    """Of events with the same id the service uses the first alone."""
    path = ("rules", 0, "put_events", "eventId")
    for spec in ({"const": "x"}, {"template": "x"}, "'x'"):
        (error,) = errors({"put_events": {**BASE, "eventId": spec}})
        assert (error.path, error.code) == (path, "shared_event_id")
    (error,) = errors({"for_each": "value.a", "put_events": BASE})
    assert (error.path, error.code) == (path, "shared_event_id")
    for spec in ("item.id", {"template": "{{ value.id }}:{{ index }}"}):
        mapping({"for_each": "value.a", "put_events": {**BASE, "eventId": spec}})
    (error,) = errors({"put_events": {**BASE, "eventId": {"const": []}}})
    assert error.path == (*path, "const")


# Laws

any_text = st.text(st.characters(exclude_categories=[]), max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTED = ["anonymousId", "userId", "messageId", "timestamp", "sku", "price", "category", "product_id", "quantity"]
documents = st.fixed_dictionaries(
    {"event": st.sampled_from(["Product Viewed", "Order Completed", "Other"])},
    optional={
        **dict.fromkeys(DOCUMENTED, json_values),
        "context": json_values,
        "properties": st.dictionaries(st.sampled_from([*DOCUMENTED, "currency"]), json_values)
        | st.fixed_dictionaries(
            {"products": st.lists(st.dictionaries(st.sampled_from(DOCUMENTED), json_values) | json_values, max_size=3)}
        ),
    },
)
TYPES: dict[str, type] = {"eventValue": float, "impression": list, "sentAt": int}


@given(documents | json_values, st.none() | st.integers(EARLIEST_TIMESTAMP, 2**53))
def test_no_record_raises_and_every_member_has_its_type(segment: CompiledRules, value: Any, timestamp: Any) -> None:
    everything = dict.fromkeys(PutEventsSpec.model_fields, "value.properties.price")
    default_time = mapping({"put_events": BASE}, unmatched="dead_letter")
    for decide in (segment, default_time, mapping({"put_events": everything})):
        result = decide(root(value, timestamp=timestamp, key=value, headers=value))
        assert isinstance(result, Mapped | Skipped | Filtered | Rejection)
        for event in result.events if isinstance(result, Mapped) else ():
            assert event.members.keys() >= REQUIRED | {"eventId"}
            for name, member in event.members.items():
                assert type(member) is TYPES.get(name, str)
            assert isinstance(json.loads(event.members.get("properties", "{}")), dict)


@given(documents)
def test_the_same_record_makes_the_same_events(segment: CompiledRules, value: Any) -> None:
    again = compile_pipeline(PipelineSpec.model_validate(yaml.safe_load(SEGMENT)))
    assert isinstance(again, CompiledRules)
    assert segment(root(value)) == again(root(value))
