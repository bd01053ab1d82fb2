"""The role may do what the connector does, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from connector.core.operations import OPERATIONS
from tests.support.programs import ROOT

IAM = ROOT / "deploy" / "iam"
FILES = sorted(IAM.glob("*.json"))
# These have no type of resource in the service's list of permissions: an ARN would match no call at all.
ANYWHERE = {f"personalize:{each.name}" for each in OPERATIONS if each.target == "trackingId"}
ANYWHERE |= {"glue:GetSchemaVersion"}  # by AWS's own example, for a version's id
OF_PERSONALIZE = ("policy.json", "action-interactions-policy.json", "datasets-policy.json")


def statements(name: str) -> list[dict[str, Any]]:
    document = json.loads((IAM / name).read_text())
    assert document["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = document["Statement"]
    return found


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_policy_has_a_wildcard_for_an_action(path: Any) -> None:
    for each in statements(path.name):
        assert each["Effect"] == "Allow"
        assert "NotAction" not in each
        for action in listed(each["Action"]):
            assert re.fullmatch(r"[a-z-]+:[A-Z][A-Za-z]+", action)


@pytest.mark.parametrize("name", [path.name for path in FILES if "trust" not in path.name])
def test_only_what_has_no_resources_is_allowed_on_any(name: str) -> None:
    for each in statements(name):
        if "*" in listed(each["Resource"]):
            assert set(listed(each["Action"])) <= ANYWHERE
            assert each["Condition"]
        for arn in listed(each["Resource"]):
            assert arn == "*" or re.fullmatch(r"arn:aws:[a-z-]+:[a-z0-9-]+:111122223333:\S+", arn)


def test_the_role_may_put_events_and_nothing_else_of_personalize() -> None:
    [each] = statements("policy.json")
    assert each["Action"] == "personalize:PutEvents"


def test_the_policies_allow_the_five_operations_each_once_and_nothing_else() -> None:
    allowed = [action for name in OF_PERSONALIZE for each in statements(name) for action in listed(each["Action"])]
    assert sorted(allowed) == sorted(f"personalize:{operation.name}" for operation in OPERATIONS)


def test_an_operation_of_a_dataset_is_allowed_on_a_dataset_of_its_own_type_alone() -> None:
    resources = {each["Action"]: each["Resource"] for each in statements("datasets-policy.json")}
    of_datasets = [operation for operation in OPERATIONS if operation.target == "datasetArn"]
    assert resources == {
        f"personalize:{each.name}": f"arn:aws:personalize:eu-west-1:111122223333:dataset/shop/{each.nouns.upper()}"
        for each in of_datasets
    }


def test_only_check_looks_at_datasets_and_it_changes_none() -> None:
    [each] = statements("check-policy.json")
    assert each["Action"] == "personalize:DescribeDataset"
    assert each["Resource"].startswith("arn:aws:personalize:eu-west-1:111122223333:dataset/")


def test_the_role_may_read_schemas_and_nothing_else_of_glue() -> None:
    [each] = statements("glue-policy.json")
    assert each["Action"] == "glue:GetSchemaVersion"


def test_the_role_may_read_the_topics_and_write_the_dead_letters_only() -> None:
    writes = [each for each in statements("msk-policy.json") if "kafka-cluster:WriteData" in each["Action"]]
    assert [listed(each["Resource"])[0].rpartition("/")[2] for each in writes] == ["clicks.dead-letter"]


def test_keda_may_look_at_what_the_connector_reads_and_touch_nothing() -> None:
    allowed = [action for each in statements("keda-msk-policy.json") for action in listed(each["Action"])]
    assert allowed == ["kafka-cluster:Connect", "kafka-cluster:DescribeTopic", "kafka-cluster:DescribeGroup"]
    read = {each["Sid"]: listed(each["Resource"]) for each in statements("msk-policy.json")}
    looked = {each["Sid"]: listed(each["Resource"]) for each in statements("keda-msk-policy.json")}
    assert looked == {"Connect": read["Connect"], "Ends": read["Read"], "Commits": read["Group"]}


def test_only_the_service_account_of_the_connector_takes_the_role() -> None:
    [irsa] = statements("trust-irsa.json")
    equals = irsa["Condition"]["StringEquals"]
    assert {name.rpartition(":")[2] for name in equals} == {"aud", "sub"}
    assert "system:serviceaccount:putevents:putevents-connector" in equals.values()
    [pod_identity] = statements("trust-pod-identity.json")
    assert pod_identity["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert set(pod_identity["Action"]) == {"sts:AssumeRole", "sts:TagSession"}
    assert pod_identity["Condition"]["StringEquals"]["aws:SourceAccount"] == "111122223333"
