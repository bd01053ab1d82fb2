"""Each of the five operations: its request is the one that boto3 sends, and its own answers are understood."""

import json
import re
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials

from connector.core.operations import (
    OPERATIONS,
    PUT_ACTION_INTERACTIONS,
    PUT_ACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)
from connector.core.sending.outcomes import Delivered, Fatal, Rejected, Retryable, Status, Throttled
from connector.local.endpoint.server import Endpoint
from tests.support.batches import ARN, BODIES, batch_of
from tests.support.fixtures import KEY, SECRET
from tests.support.http_server import HttpServer
from tests.wire.clients import new_client

pytestmark = pytest.mark.usefixtures("aws")

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
OF_DATASETS = [each for each in OPERATIONS if each.target == "datasetArn"]
each_of_datasets = pytest.mark.parametrize("operation", OF_DATASETS, ids=lambda each: each.name)
BEYOND_EVENTS = [each for each in OPERATIONS if each is not PUT_EVENTS]
METHODS = {
    PUT_EVENTS: "put_events",
    PUT_USERS: "put_users",
    PUT_ITEMS: "put_items",
    PUT_ACTIONS: "put_actions",
    PUT_ACTION_INTERACTIONS: "put_action_interactions",
}
# Entries as boto3 takes them, with every member that an operation has.
ENTRIES: dict[Operation, list[dict[str, Any]]] = {
    PUT_EVENTS: [{"eventType": "View", "sentAt": 1700000000, "itemId": "i-1"}],
    PUT_USERS: [{"userId": "u-1", "properties": '{"tier":"é\u2028"}'}, {"userId": "u-2"}],
    PUT_ITEMS: [{"itemId": f"i-{number}", "properties": '{"price":1}'} for number in range(10)],
    PUT_ACTIONS: [{"actionId": "a-1", "properties": '{"value":"100"}'}],
    PUT_ACTION_INTERACTIONS: [
        {
            "actionId": "a-1",
            "userId": "u-1",
            "sessionId": "s-1",
            "timestamp": 1700000000,
            "eventType": "Taken",
            "eventId": "e-1",
            "recommendationId": "r-1",
            "impression": ["a-1", "a-2"],
            "properties": '{"channel":"mail"}',
        },
        {"actionId": "a-2", "sessionId": "s-2", "timestamp": 1700000001, "eventType": "Viewed"},
    ],
}


def real_client(url: str) -> BaseClient:
    config = Config(user_agent_extra="putevents-connector", retries={"total_max_attempts": 1})
    return boto3.Session().client("personalize-events", region_name="eu-west-1", endpoint_url=url, config=config)


@each_operation
def test_the_request_of_each_operation_is_the_one_that_boto3_would_have_sent(
    web: HttpServer, operation: Operation
) -> None:
    target = ARN if operation.target == "datasetArn" else "tracker-1"
    session = {"sessionId": "s-1", "userId": "u-1"} if operation is PUT_EVENTS else {}
    client = real_client(web.url)
    getattr(client, METHODS[operation])(**{operation.target: target, operation.entries: ENTRIES[operation]}, **session)
    ours = batch_of(operation, *(json.dumps(each).encode() for each in ENTRIES[operation]))
    assert new_client(web.url).send(ours) == Delivered()
    theirs, mine = web.requests
    assert (mine.method, mine.target) == (theirs.method, theirs.target)
    assert json.loads(mine.body) == json.loads(theirs.body)
    assert theirs.headers.keys() - mine.headers.keys() == {"amz-sdk-invocation-id", "amz-sdk-request"}
    assert mine.headers.keys() <= theirs.headers.keys()
    for name in ("host", "content-type", "accept-encoding"):
        assert mine.headers[name] == theirs.headers[name], name
    client.close()


@each_operation
def test_the_signature_covers_the_path_of_each_operation(web: HttpServer, operation: Operation) -> None:
    new_client(web.url).send(batch_of(operation))
    [request] = web.requests
    signed = AWSRequest("POST", web.url + request.target, data=request.body)
    signed.headers["Content-Type"] = request.headers["content-type"]
    signed.headers["X-Amz-Date"] = request.headers["x-amz-date"]
    signed.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(KEY, SECRET), "personalize", "eu-west-1")
    canonical = signer.canonical_request(signed)
    signature = signer.signature(signer.string_to_sign(signed, canonical), signed)
    assert re.findall(r"Signature=(\w+)", request.headers["authorization"]) == [signature]


@each_operation
def test_an_endpoint_that_checks_signatures_in_full_accepts_each_operation(
    endpoint: Endpoint, operation: Operation
) -> None:
    endpoint.control({"credentials": {KEY: SECRET}})
    assert new_client(endpoint.url).send(batch_of(operation)) == Delivered()
    assert endpoint.stats()["calls"] == {"200": 1}


def test_calls_of_all_operations_share_their_connections(endpoint: Endpoint) -> None:
    sender = new_client(endpoint.url)
    for operation in OPERATIONS:
        assert sender.send(batch_of(operation)) == Delivered()
    assert len(endpoint._connections) == 1


@pytest.mark.parametrize("operation", BEYOND_EVENTS, ids=lambda each: each.name)
def test_an_unknown_target_is_fatal_and_names_its_setting(endpoint: Endpoint, operation: Operation) -> None:
    endpoint.control({"dataset_arns": ["arn:another"], "tracking_ids": ["another"]})
    outcome = new_client(endpoint.url).send(batch_of(operation))
    assert isinstance(outcome, Fatal)
    assert outcome.code == "ResourceNotFoundException"
    assert f"check personalize.{operation.setting} " in outcome.advice


@each_of_datasets
def test_a_busy_dataset_is_tried_again(endpoint: Endpoint, operation: Operation) -> None:
    endpoint.control({"datasets": {ARN: {"busy": True}}})
    sender = new_client(endpoint.url)
    assert sender.send(batch_of(operation)) == Retryable("ResourceInUseException", Status.SERVER_ERROR)
    endpoint.control({"datasets": None})
    assert sender.send(batch_of(operation)) == Delivered()


@each_operation
def test_a_denial_names_the_permission_of_the_operation_that_was_denied(
    endpoint: Endpoint, operation: Operation
) -> None:
    endpoint.control({"denied": True})
    outcome = new_client(endpoint.url).send(batch_of(operation))
    assert isinstance(outcome, Fatal)
    assert re.findall(r"personalize:Put\w+", outcome.advice) == [f"personalize:{operation.name}"]


@each_operation
def test_each_operation_is_throttled_and_rejected_by_itself(endpoint: Endpoint, operation: Operation) -> None:
    endpoint.control({"quotas": {operation.name: 0.001}})
    sender = new_client(endpoint.url)
    assert sender.send(batch_of(operation)) == Delivered()
    assert sender.send(batch_of(operation)) == Throttled("ThrottlingException")
    another = next(each for each in OPERATIONS if each is not operation)
    assert sender.send(batch_of(another, b"{}")) == Rejected("InvalidInputException")
    assert sender.send(batch_of(another, BODIES[another])) == Delivered()
