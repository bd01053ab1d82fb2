"""Users, items, actions and action interactions: within the limits of botocore's model, and where they go."""

import json
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, StructureShape

from connector.core.mapping.entries import CHECKS, KINDS, MAX_ITEM_PROPERTIES, MAX_USER_PROPERTIES
from connector.core.mapping.events import Invalid
from connector.core.mapping.specs import PUT_SPECS
from connector.core.mapping.targets import MAX_ARN, check_target, example_of, region_of
from connector.core.operations import (
    OPERATIONS,
    PUT_ACTION_INTERACTIONS,
    PUT_ACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)
from connector.core.records import MAX_EVENTS_PER_CALL, Reason

NOW = 1_795_500_000.0
MODEL = ServiceModel(Loader().load_service_model("personalize-events", "service-2"), "personalize-events")
OTHERS = [operation for operation in OPERATIONS if operation is not PUT_EVENTS]
WHOLE: dict[Operation, dict[str, Any]] = {
    PUT_USERS: {"userId": "u", "properties": '{"age":3}'},
    PUT_ITEMS: {"itemId": "i", "properties": '{"price":3.5}'},
    PUT_ACTIONS: {"actionId": "a", "properties": '{"kind":"x"}'},
    PUT_ACTION_INTERACTIONS: {
        "actionId": "a",
        "sessionId": "s",
        "eventType": "Taken",
        "timestamp": int(NOW),
        "userId": "u",
        "eventId": "e",
        "recommendationId": "r",
        "impression": ["a", "b"],
        "properties": '{"kind":"x"}',
    },
}


def entry_shape(operation: Operation) -> StructureShape:
    members = MODEL.operation_model(operation.name).input_shape
    assert members is not None
    entries = members.members[operation.entries]
    assert isinstance(entries, ListShape)
    assert entries.metadata["max"] == MAX_EVENTS_PER_CALL
    assert isinstance(entries.member, StructureShape)
    return entries.member


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_a_row_has_the_names_of_the_service_model(operation: Operation) -> None:
    shape = MODEL.operation_model(operation.name).input_shape
    assert shape is not None
    assert operation.target in shape.required_members
    assert operation.entries in shape.required_members
    assert operation.identity is None or operation.identity in entry_shape(operation).required_members


@pytest.mark.parametrize("operation", OTHERS, ids=lambda each: each.name)
def test_members_are_those_of_the_service_model_and_so_is_what_is_required(operation: Operation) -> None:
    shape, fields = entry_shape(operation), KINDS[operation].model.model_fields
    assert set(fields) == set(shape.members)
    assert {name for name, field in fields.items() if field.is_required()} == set(shape.required_members)
    assert set(PUT_SPECS[operation].model_fields) == {operation.target, *shape.members}


@pytest.mark.parametrize(
    ("operation", "name"),
    [(each, name) for each in OTHERS for name, of in entry_shape(each).members.items() if of.type_name == "string"],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_texts_are_as_long_as_the_service_model_allows(operation: Operation, name: str) -> None:
    most = entry_shape(operation).members[name].metadata["max"]
    long = json.dumps({"a": "x" * (most - 8)}, separators=(",", ":")) if name == "properties" else "x" * most
    assert isinstance(CHECKS[operation]({**WHOLE[operation], name: long}, NOW), bytes)
    longer = long.replace("x", "xx", 1)
    refused = CHECKS[operation]({**WHOLE[operation], name: longer}, NOW)
    assert isinstance(refused, Invalid)
    assert (refused.reason, refused.field) == (Reason.TOO_LONG, name)
    empty = CHECKS[operation]({**WHOLE[operation], name: ""}, NOW)
    assert isinstance(empty, Invalid)


@pytest.mark.parametrize("operation", OTHERS, ids=lambda each: each.name)
def test_what_is_whole_is_the_json_of_its_members_in_their_order(operation: Operation) -> None:
    body = CHECKS[operation](WHOLE[operation], NOW)
    assert isinstance(body, bytes)
    assert body == json.dumps(WHOLE[operation], separators=(",", ":")).encode()


@pytest.mark.parametrize("operation", OTHERS, ids=lambda each: each.name)
def test_a_required_member_that_is_absent_is_named(operation: Operation) -> None:
    for name in entry_shape(operation).required_members:
        refused = CHECKS[operation]({key: value for key, value in WHOLE[operation].items() if key != name}, NOW)
        assert refused == (Reason.MISSING_MEMBER, f"{name}: expected a value, but there is none", name)


@pytest.mark.parametrize(
    ("operation", "members", "reason"),
    [
        (PUT_USERS, {"userId": "null"}, Reason.IGNORED_LITERAL),
        (PUT_ITEMS, {"itemId": "a\nb"}, Reason.INVALID_VALUE),
        (PUT_ITEMS, {"itemId": "  "}, Reason.EMPTY),
        (PUT_ITEMS, {"itemId": 7}, Reason.WRONG_TYPE),
        (PUT_ACTIONS, {"actionId": "undefined"}, Reason.IGNORED_LITERAL),
        (PUT_USERS, {"properties": "[]"}, Reason.INVALID_PROPERTIES),
        (PUT_USERS, {"properties": "{"}, Reason.INVALID_PROPERTIES),
        (PUT_USERS, {"properties": '{"UserID":1}'}, Reason.RESERVED_PROPERTY),
        (PUT_ITEMS, {"properties": '{"itemId":1}'}, Reason.RESERVED_PROPERTY),
        (PUT_ACTIONS, {"properties": '{"actionId":1}'}, Reason.RESERVED_PROPERTY),
        (PUT_ACTION_INTERACTIONS, {"properties": '{"eventType":1}'}, Reason.RESERVED_PROPERTY),
        (PUT_ACTION_INTERACTIONS, {"timestamp": 1}, Reason.TIME_OUT_OF_WINDOW),
        (PUT_ACTION_INTERACTIONS, {"timestamp": int(NOW) + 100_000}, Reason.TIME_OUT_OF_WINDOW),
        (PUT_ACTION_INTERACTIONS, {"impression": ["a"] * 26}, Reason.TOO_LONG),
        (PUT_ACTION_INTERACTIONS, {"impression": ["a", "NaN"]}, Reason.IGNORED_LITERAL),
        (PUT_ACTION_INTERACTIONS, {"impression": []}, Reason.EMPTY),
        (PUT_ITEMS, {"price": 3}, Reason.INVALID_VALUE),
    ],
    ids=str,
)
def test_what_the_service_would_refuse_or_ignore_is_refused(
    operation: Operation, members: dict[str, Any], reason: Reason
) -> None:
    refused = CHECKS[operation]({**WHOLE[operation], **members}, NOW)
    assert isinstance(refused, Invalid)
    assert refused.reason is reason
    assert refused.field == next(iter(members))


def test_what_is_no_member_is_said_of_its_operation() -> None:
    refused = CHECKS[PUT_ITEMS]({"itemId": "i", "price": 3}, NOW)
    assert refused == (Reason.INVALID_VALUE, "price: is not a member of an item", "price")
    refused = CHECKS[PUT_USERS]({"userId": "u", "itemId": "i"}, NOW)
    assert refused == (Reason.INVALID_VALUE, "itemId: is not a member of a user", "itemId")


def test_the_largest_properties_are_those_of_the_service() -> None:
    assert (MAX_USER_PROPERTIES, MAX_ITEM_PROPERTIES) == (24_000, 32_000)


@pytest.mark.parametrize("operation", [PUT_USERS, PUT_ITEMS, PUT_ACTIONS], ids=lambda each: each.name)
def test_a_dataset_is_an_arn_of_the_operation_s_own_type(operation: Operation) -> None:
    good = example_of(operation)
    assert check_target(operation, good) is None
    assert check_target(operation, good.replace("arn:aws:", "arn:aws-cn:")) is None
    assert region_of(good) == "eu-west-1"
    others = {example_of(each) for each in (PUT_USERS, PUT_ITEMS, PUT_ACTIONS) if each is not operation}
    wrong = ["tracker-1", "", 7, good + " ", good.replace("shop", "x" * MAX_ARN), good.replace("personalize", "s3")]
    for target in [*wrong, *others, good.replace("123456789012", "")]:
        refused = check_target(operation, target)
        assert isinstance(refused, Invalid), target
        assert refused.field == "datasetArn"
        assert refused.reason is Reason.INVALID_VALUE
    absent = check_target(operation, None)
    assert absent == (Reason.MISSING_MEMBER, "datasetArn: expected a value, but there is none", "datasetArn")
    assert region_of("tracker-1") is None


def test_the_target_of_action_interactions_is_a_tracking_id() -> None:
    assert check_target(PUT_ACTION_INTERACTIONS, "tracker-1") is None
    refused = check_target(PUT_ACTION_INTERACTIONS, example_of(PUT_ITEMS))
    assert refused == (Reason.INVALID_VALUE, "trackingId: expected a tracking id, not an ARN", "trackingId")
    absent = check_target(PUT_ACTION_INTERACTIONS, None)
    assert isinstance(absent, Invalid)
    assert absent.field == "trackingId"
