"""Datasets and the operations beside PutEvents: each answer of the service as a finding, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.assembly import account_of
from connector.aws.credentials import Account
from connector.aws.describing import Dataset, Unknown, describe_dataset
from connector.aws.probing import Probe
from connector.checks.finding import Mark
from connector.checks.of_aws import NOWHERE, credentials, reached, tracker
from connector.checks.of_aws import endpoint as endpoint_check
from connector.checks.of_datasets import datasets, meaning
from connector.checks.targets import targets_of
from connector.core.operations import OPERATIONS, PUT_ACTIONS, PUT_EVENTS, PUT_ITEMS, PUT_USERS, Operation
from connector.exits import Exit
from tests.checks.test_aws_findings import world
from tests.support.batches import ARN
from tests.support.http_server import AWS, Response, running_http_server

if TYPE_CHECKING:
    from connector.checks.world import World
    from connector.local.endpoint.server import Endpoint

pytestmark = pytest.mark.usefixtures("aws")


def asked(endpoint: Endpoint, arn: str = ARN) -> Dataset | Unknown:
    return describe_dataset(Account(None, endpoint.url), arn)


def test_a_dataset_that_exists_is_told_with_its_type(endpoint: Endpoint) -> None:
    told = asked(endpoint)
    assert told == Dataset("Items", "ACTIVE")
    found = meaning(PUT_ITEMS, ARN, told)
    assert (found.mark, found.what) == (Mark.OK, "dataset shop/ITEMS exists, has the type Items and is active")
    assert endpoint.stats()["accepted_calls"] == 0


def test_a_dataset_that_does_not_exist_is_found_and_its_setting_named(endpoint: Endpoint) -> None:
    endpoint.control({"dataset_arns": ["arn:another"]})
    found = meaning(PUT_ITEMS, ARN, asked(endpoint))
    assert (found.code, found.exit) == ("unknown-dataset", Exit.REFUSED)
    assert "check personalize.items_dataset_arn" in found.do
    assert "111122223333" not in found.what, "the account is nobody's business in an output that is passed on"


@pytest.mark.parametrize(
    ("operation", "kind"), [(PUT_USERS, "Items"), (PUT_ITEMS, "Users"), (PUT_ACTIONS, "Interactions")]
)
def test_a_dataset_of_another_type_is_found(operation: Operation, kind: str) -> None:
    found = meaning(operation, ARN, Dataset(kind, "ACTIVE"))
    assert (found.code, found.exit) == ("wrong-dataset", Exit.REFUSED)
    assert f"personalize.{operation.setting}" in found.do


@pytest.mark.parametrize(
    ("status", "mark", "exit_code"),
    [
        ("CREATE PENDING", Mark.WARNING, Exit.OK),
        ("CREATE IN_PROGRESS", Mark.WARNING, Exit.OK),
        ("CREATE FAILED", Mark.FAILED, Exit.REFUSED),
        ("DELETE IN_PROGRESS", Mark.FAILED, Exit.REFUSED),
    ],
)
def test_a_dataset_that_is_not_active_is_waited_for_or_wrong(status: str, mark: Mark, exit_code: Exit) -> None:
    found = meaning(PUT_ITEMS, ARN, Dataset("Items", status))
    assert (found.mark, found.code, found.exit) == (mark, "inactive-dataset", exit_code)


def test_without_the_right_to_ask_it_is_said_to_be_unknown_and_is_no_failure(endpoint: Endpoint) -> None:
    endpoint.control({"denied": True})
    found = meaning(PUT_ITEMS, ARN, asked(endpoint))
    assert (found.mark, found.exit) == (Mark.SKIPPED, Exit.OK)
    assert "personalize:DescribeDataset" in found.what


def test_where_nobody_answers_for_datasets_it_is_said_to_be_unknown(aws: pytest.MonkeyPatch) -> None:
    with running_http_server(lambda _: Response(404, AWS, b"<html>no such page</html>")) as other:
        page = meaning(PUT_ITEMS, ARN, describe_dataset(Account(None, other.url), ARN))
    assert page.mark is Mark.SKIPPED
    aws.setenv("AWS_ENDPOINT_URL_PERSONALIZE", "http://127.0.0.1:1")
    away = describe_dataset(Account(None, other.url), ARN)
    assert away == Unknown("EndpointConnectionError")
    assert meaning(PUT_ITEMS, ARN, away).mark is Mark.SKIPPED


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_an_empty_call_of_each_operation_is_good_news_and_records_nothing(
    endpoint: Endpoint, operation: Operation
) -> None:
    probe = Probe(account_of(world(endpoint.url).loaded.config), 5.0)
    assert reached(probe.empty(operation, NOWHERE[operation.target]).outcome, "it").mark is Mark.OK
    assert endpoint.stats()["accepted_calls"] == 0


def test_a_denial_of_one_operation_names_its_permission(endpoint: Endpoint) -> None:
    endpoint.control({"denied": True})
    probe = Probe(account_of(world(endpoint.url).loaded.config), 5.0)
    found = reached(probe.empty(PUT_USERS, ARN).outcome, "PutUsers")
    assert (found.code, found.exit) == ("aws-refused", Exit.REFUSED)
    assert "personalize:PutUsers" in found.do


def test_a_file_without_datasets_needs_none_and_asks_nobody() -> None:
    here = world()
    assert targets_of(here.loaded) == [(PUT_EVENTS, "tracker-1")]
    [found] = datasets(here)
    assert found.mark is Mark.OK
    assert found.what.startswith("not used")


def test_no_answer_is_taken_for_a_dataset_without_a_type(aws: Any) -> None:
    with running_http_server(lambda _: Response(200, AWS, b"{}")) as other:
        aws.setenv("AWS_ENDPOINT_URL_PERSONALIZE", other.url)
        told = describe_dataset(Account(None, None), ARN)
    assert meaning(PUT_ITEMS, ARN, told).mark is Mark.SKIPPED


SHOP = """\
pipelines:
  - name: web
    topics: [clicks]
    rules: [{name: view, put_events: {sessionId: value.s, eventType: {const: View}}}]
  - name: catalogue
    topics: [items]
    rules: [{name: item, put_items: {itemId: value.id, properties: {price: value.price}}}]
  - name: profiles
    topics: [users]
    rules:
      - {name: own, when: value.own, put_users: {datasetArn: value.arn, userId: value.id, properties: {a: value.a}}}
      - {name: user, put_users: {datasetArn: {const: OTHER}, userId: value.id, properties: {a: value.a}}}
"""
USERS = "arn:aws:personalize:eu-west-1:111122223333:dataset/other/USERS"


def shop(endpoint: Endpoint) -> World:
    arns = f"tracking_id: tracker-1, endpoint_url: '{endpoint.url}', items_dataset_arn: '{ARN}'"
    return world(personalize=f"personalize: {{{arns}}}", pipelines=SHOP.replace("OTHER", USERS))


def test_each_operation_and_each_dataset_of_a_file_is_asked(endpoint: Endpoint) -> None:
    here = shop(endpoint)
    assert targets_of(here.loaded) == [(PUT_EVENTS, "tracker-1"), (PUT_USERS, USERS), (PUT_ITEMS, ARN)]
    found = [*credentials(here), *endpoint_check(here), *datasets(here)]
    assert [each.code for each in found if each.code] == []
    answers = f"{endpoint.url} answers, and accepts the signature (PutEvents, PutUsers, PutItems)"
    assert answers in [each.what for each in found]
    described = [each.what for each in found if each.what.startswith("dataset ")]
    assert described == [
        "dataset other/USERS exists, has the type Users and is active",
        "dataset shop/ITEMS exists, has the type Items and is active",
    ]
    assert endpoint.stats()["accepted_calls"] == 0


def test_one_operation_that_is_throttled_or_away_is_named_and_the_others_are_well(endpoint: Endpoint) -> None:
    endpoint.control({"outages": {"PutItems": "unavailable"}})
    here = shop(endpoint)
    found = [*credentials(here), *endpoint_check(here)]
    [away] = [each for each in found if each.code]
    assert (away.code, away.exit) == ("endpoint-away", Exit.UNAVAILABLE)
    assert away.what.startswith("PutItems at ")
    assert "(PutEvents, PutUsers)" in found[-1].what


def test_a_file_without_events_has_no_event_tracker_to_ask(endpoint: Endpoint) -> None:
    items = SHOP[SHOP.index("  - name: catalogue") : SHOP.index("  - name: profiles")]
    here = world(
        personalize=f"personalize: {{endpoint_url: '{endpoint.url}', items_dataset_arn: '{ARN}'}}",
        pipelines="pipelines:\n" + items,
    )
    [found] = tracker(here)
    assert (found.mark, found.what) == (Mark.OK, "not used: no rule sends events")
