"""The operations beside PutEvents: stock boto3 calls them, and every limit, quota, fault and count of theirs holds."""

from collections.abc import Iterator
from typing import Any

import boto3
import orjson
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.model import ListShape, Shape, StructureShape

from connector.local.endpoint.errors import ServiceError
from connector.local.endpoint.faults import Faults
from connector.local.endpoint.operations import operation, operations, service_model
from connector.local.endpoint.server import running_endpoint
from connector.local.endpoint.validation import count_ignored, read_call
from tests.wire.endpoint_support import DATASET, NOW, OTHERS, TAKEN, call, request, stock_client

OTHER = "arn:aws:personalize:eu-west-1:123456789012:dataset/x/ITEMS"


def put(client: Any, name: str, **changed: Any) -> None:
    getattr(client, xform_name(name))(**{**OTHERS[name], **changed})


def code_of(client: Any, name: str, **changed: Any) -> str | None:
    try:
        put(client, name, **changed)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def members(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Shape]]:
    if path:
        yield path, shape
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from members(member, (*path, name))
    elif isinstance(shape, ListShape):
        yield from members(shape.member, (*path, "member"))


def edges(which: str) -> list[Any]:
    found = [
        pytest.param(name, path, shape, id=f"{name}.{'.'.join(path)}")
        for name in OTHERS
        for path, shape in members(operation(name).shape)
        if which in shape.metadata
    ]
    assert len(found) >= 15, "the walk over the model has lost its way"
    return found


def sized(shape: Shape, size: int, path: tuple[str, ...], entry: dict[str, Any]) -> Any:
    if isinstance(shape, ListShape):
        return [entry] * size if len(path) == 1 else ["x"] * size
    if path[-1] == "properties":
        return '{"a":"' + "x" * (size - 8) + '"}' if size >= 8 else "x" * size
    if path[-1] == "datasetArn":
        return (DATASET + "x" * size)[:size]
    return "x" * size


def with_value(name: str, path: tuple[str, ...], shape: Shape, size: int) -> dict[str, Any]:
    """A call that is right but for the size of the member at ``path``."""
    given = OTHERS[name]
    entry = given[operation(name).entries][0]
    value = sized(shape, size, path, entry)
    if len(path) == 1:
        return {**given, path[0]: value}
    member = path[2]
    return {**given, path[0]: [{**entry, member: [value] if len(path) > 3 else value}]}


def refused(name: str, body: Any) -> str | None:
    try:
        read_call(orjson.dumps(body), operation(name))
    except ServiceError as error:
        return error.code
    return None


@pytest.mark.parametrize(("name", "path", "shape"), edges("max"))
def test_every_maximum_of_the_model_passes_and_one_more_is_refused(
    name: str, path: tuple[str, ...], shape: Shape
) -> None:
    most = shape.metadata["max"]
    assert refused(name, with_value(name, path, shape, most)) is None
    assert refused(name, with_value(name, path, shape, most + 1)) == "InvalidInputException"


@pytest.mark.parametrize(("name", "path", "shape"), edges("min"))
def test_what_is_empty_is_refused(name: str, path: tuple[str, ...], shape: Shape) -> None:
    assert refused(name, with_value(name, path, shape, 0)) == "InvalidInputException"


@pytest.mark.parametrize("name", OTHERS)
def test_every_required_member_is_missed(name: str) -> None:
    of = operation(name)
    entry = OTHERS[name][of.entries][0]
    for member in of.shape.required_members:
        assert refused(name, {**OTHERS[name], member: None}) == "InvalidInputException", member
    for member in entry:
        assert refused(name, {**OTHERS[name], of.entries: [{**entry, member: None}]}) == "InvalidInputException", member


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("text", ["[]", "x", "1", "null", '{"a":NaN}'])
def test_properties_that_are_not_a_json_object_are_refused(name: str, text: str) -> None:
    of = operation(name)
    entry = {**OTHERS[name][of.entries][0], "properties": text}
    assert refused(name, {**OTHERS[name], of.entries: [entry]}) == "InvalidInputException"


@pytest.mark.parametrize("arn", ["x", "arn:aws:s3:::bucket", "arn:aws:personalize:eu-west-1"])
def test_what_is_no_arn_of_personalize_is_refused(arn: str) -> None:
    assert refused("PutUsers", {**OTHERS["PutUsers"], "datasetArn": arn}) == "InvalidInputException"


def test_all_operations_of_the_service_are_served() -> None:
    assert {each.name for each in operations().values()} == {"PutEvents", *OTHERS}
    assert set(service_model().operation_names) == {"PutEvents", *OTHERS}


@pytest.mark.parametrize("name", OTHERS)
def test_stock_boto3_is_answered_and_the_entry_is_kept_and_counted(name: str) -> None:
    of = operation(name)
    with running_endpoint() as endpoint, stock_client(endpoint.url) as client:
        put(client, name)
        [row] = endpoint.entries(name)
        stats = endpoint.stats()
        assert endpoint.accepted() == []
    assert (row.operation, row.destination) == (name, OTHERS[name][of.destination])
    assert row.entry == OTHERS[name][of.entries][0]
    assert stats["other_operations"] == {name: {row.destination: 1}}
    assert (stats["events"], stats["accepted_calls"], stats["calls"]) == (0, 1, {"200": 1})


def test_the_newest_entry_of_an_id_is_the_state() -> None:
    with running_endpoint() as endpoint, stock_client(endpoint.url) as client:
        for colour in ("red", "blue"):
            put(client, "PutItems", items=[{"itemId": "i", "properties": f'{{"colour": "{colour}"}}'}])
        put(client, "PutUsers", datasetArn=OTHER)
        put(client, "PutActionInteractions")
        state = endpoint.state()
        over_http = orjson.loads(request(endpoint.url, "GET", "/_local/state").body)
        lines = request(endpoint.url, "GET", "/_local/accepted").body.splitlines()
    assert state == {
        DATASET: {"i": {"itemId": "i", "properties": '{"colour": "blue"}'}},
        OTHER: {"u": {"userId": "u"}},
    }
    assert over_http == state
    assert [orjson.loads(line)["operation"] for line in lines] == [
        "PutItems", "PutItems", "PutUsers", "PutActionInteractions",
    ]  # fmt: skip


def test_without_a_ledger_there_is_no_state_and_the_answer_says_how_to_get_one() -> None:
    with running_endpoint(keep=False) as endpoint:
        answer = request(endpoint.url, "GET", "/_local/state")
    assert answer.status == 404
    assert b"--ledger" in answer.body


def test_each_operation_has_a_quota_of_its_own() -> None:
    faults = Faults.model_validate({"quotas": {"PutItems": 0.001}, "quota": 0.001})
    with running_endpoint(faults) as endpoint, stock_client(endpoint.url) as client:
        assert [code_of(client, "PutItems") for _ in range(2)] == [None, "ThrottlingException"]
        assert [code_of(client, "PutUsers") for _ in range(2)] == [None, None]
        client.put_events(**call())
        with pytest.raises(ClientError, match="Rate exceeded"):
            client.put_events(**call())


def test_a_dataset_that_is_unknown_or_busy_is_refused_and_another_is_not() -> None:
    faults = Faults.model_validate({"dataset_arns": [DATASET, OTHER], "datasets": {OTHER: {"busy": True}}})
    with running_endpoint(faults) as endpoint, stock_client(endpoint.url) as client:
        assert code_of(client, "PutItems") is None
        assert code_of(client, "PutItems", datasetArn=OTHER) == "ResourceInUseException"
        assert code_of(client, "PutItems", datasetArn=OTHER + "2") == "ResourceNotFoundException"
        endpoint.control({"datasets": None})
        assert code_of(client, "PutItems", datasetArn=OTHER) is None


@pytest.mark.parametrize("kind", ["unavailable", "close"])
def test_an_outage_of_one_operation_is_none_of_another_and_accepted_calls_are_counted_by_operation(kind: str) -> None:
    faults = Faults.model_validate({"outages": {"PutItems": kind}})
    with running_endpoint(faults) as endpoint, stock_client(endpoint.url) as client:
        with pytest.raises((ClientError, ConnectionClosedError)):
            put(client, "PutItems")
        for name in ("PutUsers", "PutUsers", "PutActions"):
            assert code_of(client, name) is None
        client.put_events(**call())
        assert endpoint.stats()["calls_by_operation"] == {"PutUsers": 2, "PutActions": 1, "PutEvents": 1}
        endpoint.control({"outages": None})
        assert code_of(client, "PutItems") is None


@pytest.mark.usefixtures("aws")
def test_a_dataset_is_described_to_a_stock_client_by_what_its_arn_ends_with() -> None:
    with running_endpoint(Faults(dataset_arns=frozenset([DATASET]))) as endpoint:
        client = boto3.Session().client("personalize", region_name="eu-west-1", endpoint_url=endpoint.url)
        found = client.describe_dataset(datasetArn=DATASET)["dataset"]
        assert (found["datasetArn"], found["status"]) == (DATASET, "ACTIVE")
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.describe_dataset(datasetArn=OTHER)
        client.close()


def test_a_tracking_id_that_does_not_exist_is_not_found_by_put_action_interactions() -> None:
    with running_endpoint(Faults(tracking_ids=frozenset(["other"]))) as endpoint, stock_client(endpoint.url) as client:
        assert code_of(client, "PutActionInteractions") == "ResourceNotFoundException"


@pytest.mark.parametrize("name", OTHERS)
def test_a_denied_operation_is_named(name: str) -> None:
    with running_endpoint(Faults(denied=True)) as endpoint, stock_client(endpoint.url) as client:
        with pytest.raises(ClientError, match=f"not authorized to perform: personalize:{name} ") as caught:
            put(client, name)
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


@pytest.mark.parametrize("name", OTHERS)
def test_a_poisoned_entry_refuses_its_call(name: str) -> None:
    of = operation(name)
    entry = OTHERS[name][of.entries][0]
    about = "actionId" if name == "PutActionInteractions" else of.entry_id
    with running_endpoint(Faults(poison_prefix="bad-")) as endpoint, stock_client(endpoint.url) as client:
        assert code_of(client, name, **{of.entries: [entry, {**entry, about: "bad-1"}]}) == "InvalidInputException"
        assert code_of(client, name) is None


@pytest.mark.parametrize(
    ("name", "entry", "ignored"),
    [
        ("PutUsers", {"userId": "null"}, 1),
        ("PutItems", {"itemId": "undefined"}, 1),
        ("PutActions", {"actionId": "a"}, 0),
        ("PutActionInteractions", {**TAKEN, "userId": "None"}, 1),
        ("PutActionInteractions", {**TAKEN, "timestamp": NOW * 1000}, 1),
        ("PutActionInteractions", TAKEN, 0),
    ],
)
def test_entries_that_the_service_would_ignore_are_counted(name: str, entry: dict[str, Any], ignored: int) -> None:
    of = operation(name)
    assert count_ignored({**OTHERS[name], of.entries: [entry]}, NOW, of) == ignored
