"""Users, items, actions and action interactions: limits, constants, columns with several values, any data at all."""

import json
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.mapping.constants import check_constant, check_items, check_object, item_limit, property_limit
from connector.core.mapping.entries import CHECKS
from connector.core.mapping.events import Invalid
from connector.core.mapping.explain import Trace
from connector.core.mapping.rules import CompiledRules, compile_pipeline
from connector.core.mapping.specs import PUT_SPECS, Const, FieldSpec, PipelineSpec
from connector.core.mapping.targets import example_of
from connector.core.mapping.transform import Pipeline
from connector.core.operations import PUT_ACTION_INTERACTIONS, PUT_ACTIONS, PUT_EVENTS, PUT_ITEMS, PUT_USERS, Operation
from connector.core.records import Entry, Reason, Rejection, Stage, Transformed
from tests.core.mapping.test_operations import (
    DATASETS,
    GOOD,
    MEMBERS,
    NOW,
    OTHERS,
    REPLACING,
    body,
    entry,
    pipeline,
    record,
    rejected,
)
from tests.support.examples import examples

ARN = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/USERS"


# -- limits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "most"),
    [(PUT_USERS, 24_000), (PUT_ITEMS, 32_000), (PUT_ACTIONS, 32_000), (PUT_ACTION_INTERACTIONS, 1_024)],
    ids=lambda each: getattr(each, "name", str(each)),
)
@pytest.mark.parametrize("properties", ["{a: value.long}", "value.all"])
def test_properties_may_be_as_long_as_those_of_the_operation(operation: Operation, most: int, properties: str) -> None:
    members = MEMBERS[operation].rpartition("properties: ")[0] + f"properties: {properties}}}"
    through = pipeline(operation, members)
    for length, fits in ((most, True), (most + 1, False)):
        text = "x" * (length - len('{"a":""}'))
        made = through(record({**GOOD, "long": text, "all": {"a": text}}), NOW)
        assert isinstance(made, Transformed) is fits
        if isinstance(made, Rejection):
            assert (made.stage, made.reason, made.field) == (Stage.VALIDATE, Reason.TOO_LONG, "properties")


@OTHERS
def test_text_that_is_not_unicode_is_invalid(operation: Operation) -> None:
    members = {"timestamp": int(NOW), **dict.fromkeys(("actionId", "sessionId", "eventType"), "x")}
    if operation.identity:
        members = {operation.identity: "x"}
    name = operation.identity or "sessionId"
    assert isinstance(CHECKS[operation](members, NOW), bytes)
    found = CHECKS[operation]({**members, name: "a\ud800"}, NOW)
    assert isinstance(found, Invalid)
    assert found.reason is Reason.INVALID_VALUE
    assert "\ud800" not in found.message


def test_a_time_that_json_cannot_hold_is_invalid_whatever_the_clock_says() -> None:
    found = check_constant("timestamp", 10**30, PUT_ACTION_INTERACTIONS)
    assert found == (Reason.INVALID_VALUE, "timestamp: expected an integer that 64 bits hold", "timestamp")


# -- constants --------------------------------------------------------------------------------------------------

BEYOND: dict[Operation, dict[str, list[tuple[Any, Reason]]]] = {
    PUT_USERS: {
        "datasetArn": [
            ("", Reason.INVALID_VALUE),
            ("tracker", Reason.INVALID_VALUE),
            (ARN + "X", Reason.INVALID_VALUE),
        ],
        "userId": [("", Reason.EMPTY), ("u" * 257, Reason.TOO_LONG), ("null", Reason.IGNORED_LITERAL)],
        "properties": [(f'{{"a":"{"x" * 24_000}"}}', Reason.TOO_LONG), ('{"USERID":1}', Reason.RESERVED_PROPERTY)],
    },
    PUT_ITEMS: {
        "datasetArn": [(ARN, Reason.INVALID_VALUE)],
        "itemId": [("", Reason.EMPTY), ("i" * 257, Reason.TOO_LONG), ("NaN", Reason.IGNORED_LITERAL)],
        "properties": [(f'{{"a":"{"x" * 32_000}"}}', Reason.TOO_LONG), ('{"itemid":1}', Reason.RESERVED_PROPERTY)],
    },
    PUT_ACTIONS: {
        "datasetArn": [(ARN, Reason.INVALID_VALUE)],
        "actionId": [("", Reason.EMPTY), ("a" * 257, Reason.TOO_LONG), (" ", Reason.EMPTY)],
        "properties": [(f'{{"a":"{"x" * 32_000}"}}', Reason.TOO_LONG), ('{"actionId":1}', Reason.RESERVED_PROPERTY)],
    },
    PUT_ACTION_INTERACTIONS: {
        "trackingId": [("", Reason.EMPTY), (ARN, Reason.INVALID_VALUE), ("t" * 257, Reason.TOO_LONG)],
        "actionId": [("", Reason.EMPTY), ("a" * 257, Reason.TOO_LONG)],
        "sessionId": [("", Reason.EMPTY), ("undefined", Reason.IGNORED_LITERAL)],
        "eventType": [("", Reason.EMPTY), ("e" * 257, Reason.TOO_LONG)],
        "timestamp": [(5, Reason.TIME_OUT_OF_WINDOW)],
        "userId": [("u" * 257, Reason.TOO_LONG)],
        "eventId": [("None", Reason.IGNORED_LITERAL)],
        "recommendationId": [("r" * 41, Reason.TOO_LONG)],
        "impression": [(["i"] * 26, Reason.TOO_LONG), ([""], Reason.EMPTY)],
        "properties": [(f'{{"a":"{"x" * 1_024}"}}', Reason.TOO_LONG), ('{"userId":1}', Reason.RESERVED_PROPERTY)],
    },
}
WITHIN: dict[str, Any] = {
    "actionId": "a" * 256, "userId": "u" * 256, "itemId": "i" * 256, "trackingId": "t" * 256, "sessionId": "s" * 256,
    "eventType": "Taken", "timestamp": 4_000_000_000, "eventId": "", "recommendationId": "", "impression": ["i"] * 25,
    "properties": '{"a":1}',
}  # fmt: skip


@OTHERS
def test_every_constant_member_is_judged_by_the_limits_of_its_operation(operation: Operation) -> None:
    assert set(BEYOND[operation]) == set(PUT_SPECS[operation].model_fields)
    for member, rows in BEYOND[operation].items():
        within = example_of(operation) if member == "datasetArn" else WITHIN[member]
        assert check_constant(member, within, operation) is None
        for value, reason in rows:
            found = check_constant(member, value, operation)
            assert found is not None, (member, value)
            assert (found.reason, found.field) == (reason, member)
            assert found.message.startswith(member)


def test_an_optional_constant_that_is_empty_counts_as_null() -> None:
    for member in ("userId", "eventId", "recommendationId"):
        assert check_constant(member, "", PUT_ACTION_INTERACTIONS) is None


def test_constants_together_are_judged_by_the_limits_of_their_operation() -> None:
    halves: dict[str, FieldSpec] = {name: Const(const="x" * 15_000) for name in "ab"}
    for operation, fits in ((PUT_USERS, False), (PUT_ITEMS, True), (PUT_ACTIONS, True), (PUT_EVENTS, False)):
        assert (check_object(halves, operation) is None) is fits
    assert property_limit(PUT_ITEMS)("x" * 30_000) is None
    assert property_limit(PUT_ACTION_INTERACTIONS)("x" * 1_024) is not None
    items: list[FieldSpec] = [Const(const=f"i{number}") for number in range(26)]
    assert check_items(items, PUT_ACTION_INTERACTIONS) is not None
    assert check_items(items[1:], PUT_ACTION_INTERACTIONS) is None
    assert item_limit(PUT_ACTION_INTERACTIONS)("null") is not None


def problems(operation: Operation, members: str) -> list[tuple[str, str]]:
    """The members with a mistake in a file, with its code."""
    text = f"{{name: p, topics: [t], rules: [{{name: r, {operation.action}: {members}}}]}}"
    found = compile_pipeline(PipelineSpec.model_validate(yaml.safe_load(text)))
    return [(str(error.path[3]), error.code) for error in found] if isinstance(found, list) else []


@pytest.mark.parametrize(
    ("operation", "members", "member", "code"),
    [
        (PUT_USERS, "{userId: {const: null}}", "userId", "required_null"),
        (PUT_ITEMS, "{itemId: value.id, properties: {itemId: value.id}}", "properties", "reserved_property"),
        (PUT_ITEMS, "{itemId: value.id, properties: {ITEMID: value.id}}", "properties", "reserved_property"),
        (PUT_USERS, "{userId: value.id, properties: {UserId: value.id}}", "properties", "reserved_property"),
        (PUT_ACTIONS, "{actionId: value.id, properties: {actionId: value.id}}", "properties", "reserved_property"),
        (PUT_ITEMS, "{itemId: value.id, datasetArn: {const: tracker}}", "datasetArn", "invalid_value"),
        (PUT_ITEMS, f"{{itemId: value.id, datasetArn: {{const: '{ARN}'}}}}", "datasetArn", "invalid_value"),
        (PUT_ITEMS, "{itemId: {const: 'null'}}", "itemId", "ignored_literal"),
        (PUT_ACTION_INTERACTIONS, "{actionId: a, sessionId: value.s, eventType: {const: ''}}", "eventType", "empty"),
    ],
    ids=str,
)
def test_a_constant_beyond_a_limit_is_a_mistake_of_the_file(
    operation: Operation, members: str, member: str, code: str
) -> None:
    assert (member, code) in problems(operation, members)


def test_names_that_are_reserved_for_events_are_columns_of_users_and_items() -> None:
    names = ("eventType", "timestamp", "sessionId", "impression")
    properties = ", ".join(f"{name}: value.{name}" for name in names)
    for operation, name in ((PUT_USERS, "userId"), (PUT_ITEMS, "itemId"), (PUT_ACTIONS, "actionId")):
        members = f"{{{name}: value.id, properties: {{{properties}}}}}"
        made = body(pipeline(operation, members), {**GOOD, **dict.fromkeys(names, "x")})
        assert orjson.loads(made["properties"]) == dict.fromkeys(names, "x")
    reserved = "{actionId: value.id, sessionId: value.s, eventType: {const: T}, properties: {timestamp: value.x}}"
    assert problems(PUT_ACTION_INTERACTIONS, reserved) == [("properties", "reserved_property")]


def test_the_id_of_an_action_interaction_may_be_mapped_and_must_differ_by_record() -> None:
    members = "{actionId: value.id, sessionId: value.session, eventType: {const: Taken}, eventId: %s}"
    through = pipeline(PUT_ACTION_INTERACTIONS, members % "value.event")
    assert body(through, {**GOOD, "event": "e1"})["eventId"] == "e1"
    assert body(through, GOOD)["eventId"].startswith("t-2-7-"), "null falls back on the record's place"
    assert problems(PUT_ACTION_INTERACTIONS, members % "{const: e}") == [("eventId", "shared_event_id")]


# -- columns with several values --------------------------------------------------------------------------------


@REPLACING
@pytest.mark.parametrize("properties", ["{genres: value.all.genres, price: value.all.price}", "value.all"])
def test_lists_are_joined_in_properties_by_name_and_as_a_whole(operation: Operation, properties: str) -> None:
    members = f"{{{operation.identity}: value.id, properties: {properties}}}"
    through = pipeline(operation, members)
    made = body(through, {**GOOD, "all": {"genres": ["Horror", None, "Action"], "price": 3}})
    assert orjson.loads(made["properties"]) == {"genres": "Horror|Action", "price": 3}
    assert "properties" not in body(through, {**GOOD, "all": {"genres": []}}), "nothing is left"
    made = rejected(through, {**GOOD, "all": {"genres": ["secret|x"]}})
    assert (made.stage, made.reason, made.field) == (Stage.MAP, Reason.INVALID_VALUE, "properties")
    assert "secret" not in made.message


@pytest.mark.parametrize("operation", [PUT_EVENTS, PUT_ACTION_INTERACTIONS], ids=lambda each: each.name)
def test_lists_in_the_properties_of_events_stay_lists(operation: Operation) -> None:
    action = "actionId: value.id, " if operation is PUT_ACTION_INTERACTIONS else ""
    members = f"{{{action}sessionId: value.session, eventType: {{const: T}}, properties: {{genres: value.genres}}}}"
    made = body(pipeline(operation, members), {**GOOD, "genres": ["a", "b"]})
    assert orjson.loads(made["properties"]) == {"genres": ["a", "b"]}


# -- any data ---------------------------------------------------------------------------------------------------


def traced(operation: Operation) -> tuple[Pipeline, Trace]:
    trace = Trace()
    text = f"{{name: p, topics: [t], rules: [{{name: r, {operation.action}: {MEMBERS[operation]}}}]}}"
    spec = PipelineSpec.model_validate(yaml.safe_load(text))
    rules = compile_pipeline(spec, trace)
    assert isinstance(rules, CompiledRules), rules
    return Pipeline(spec, rules, "tracker", datasets=DATASETS), trace


@OTHERS
def test_a_trace_shows_each_member_and_changes_nothing(operation: Operation) -> None:
    through, trace = traced(operation)
    trace.begin()
    made = entry(through, GOOD)
    trace.end()
    assert made == entry(pipeline(operation), GOOD)
    [event] = trace.events
    shown = {member.name: member.value for member in event.members}
    assert shown[operation.identity or "actionId"] == "7"
    sent = orjson.loads(made.body)
    assert {name: shown[name] for name in sent} == sent


ids = st.none() | st.text(max_size=3) | st.sampled_from(["null", "a" * 257, 7, 1.5, True, [], {}])
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
records = st.fixed_dictionaries(
    {"id": ids, "session": ids},
    optional={
        "user": ids,
        **dict.fromkeys(("plan", "price", "likes", "all", "shown", "at"), values),
    },
)
PIPELINES = {operation: pipeline(operation) for operation in MEMBERS}


@OTHERS
@settings(max_examples=examples(100))
@given(records)
def test_any_values_make_an_entry_or_a_reason(operation: Operation, value: dict[str, Any]) -> None:
    made = PIPELINES[operation](record(json.dumps(value).encode()), NOW)
    if isinstance(made, Transformed):
        [one] = made.entries
        assert isinstance(one, Entry)
        assert one.operation is operation
        members = orjson.loads(one.body)
        assert isinstance(CHECKS[operation](members, NOW), bytes), "what is sent is within every limit"
        assert one.lane == members[operation.identity or "sessionId"]
    else:
        assert isinstance(made, Rejection), made
        assert isinstance(made.reason, Reason)
