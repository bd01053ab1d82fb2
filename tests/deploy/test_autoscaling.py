"""KEDA scales within the partitions and the quota, from where the connector itself begins."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from connector.config.auth import Auth
from tests.deploy.apiserver import api_server
from tests.deploy.test_pods import loaded
from tests.deploy.test_schemas import check
from tests.support.http_server import running_http_server
from tests.support.manifests import Object, only, rendered, template, workload

ways = pytest.mark.parametrize("way", ["helm", "kustomize"])


def trigger(objects: list[Object]) -> Object:
    [one] = only(objects, "ScaledObject")["spec"]["triggers"]
    found: Object = one
    return found


def scaled(*arguments: str) -> list[Object]:
    objects, problem = template("--set", "keda.enabled=true,keda.partitions=4,keda.maxReplicaCount=1", *arguments)
    assert objects, problem
    return objects


@ways
def test_the_scaler_reads_the_group_that_the_connector_reads(way: str, tmp_path: Path) -> None:
    objects = rendered(way, "keda")
    config, metadata = loaded(objects, tmp_path).config, trigger(objects)["metadata"]
    kafka = config.kafka
    assert metadata["bootstrapServers"] == ",".join(kafka.bootstrap_servers)
    assert metadata["consumerGroup"] == kafka.group_id
    assert metadata["offsetResetPolicy"] == kafka.auto_offset_reset
    assert [metadata["topic"]] == config.pipelines[0].topics
    spec = only(objects, "ScaledObject")["spec"]
    assert spec["maxReplicaCount"] * config.delivery.requests_per_second <= 1000
    assert spec["minReplicaCount"] == 1
    assert int(metadata["lagThreshold"]) >= 1000


@ways
def test_nobody_but_keda_sets_the_replicas(way: str) -> None:
    objects = rendered(way, "keda")
    assert "replicas" not in workload(objects)["spec"]
    assert only(objects, "ScaledObject")["spec"]["scaleTargetRef"]["name"] == workload(objects)["metadata"]["name"]


def test_servers_out_of_a_secret_are_read_from_the_pods_environment() -> None:
    objects = scaled(
        "--set", "config.kafka.bootstrap_servers.env=SERVERS,networkPolicy.kafkaPorts={9096}",
        "--set", "secrets.env.SERVERS.name=kafka,secrets.env.SERVERS.key=servers",
    )  # fmt: skip
    metadata = trigger(objects)["metadata"]
    assert metadata["bootstrapServersFromEnv"] == "SERVERS"
    assert "bootstrapServers" not in metadata


# What KEDA's scaler `kafka` is given for the login. IAM is not a value of its `sasl`: it is a token provider.
LOGINS: dict[str, tuple[str, Object]] = {
    "none": ("type=none", {"tls": "disable"}),
    "plain": ("type=plain", {"tls": "enable", "sasl": "plaintext"}),
    "scram": ("type=scram", {"tls": "enable", "sasl": "scram_sha512"}),
    "scram 256": ("type=scram,MECHANISM=SCRAM-SHA-256", {"tls": "enable", "sasl": "scram_sha256"}),
    "oidc": ("type=oidc", {"tls": "enable", "sasl": "oauthbearer"}),
    "msk_iam": (
        "type=msk_iam",
        {"tls": "enable", "sasl": "oauthbearer", "saslTokenProvider": "aws_msk_iam", "awsRegion": "eu-west-1"},
    ),
    "msk_iam elsewhere": (
        "type=msk_iam,config.kafka.auth.region=us-east-2",
        {"tls": "enable", "sasl": "oauthbearer", "saslTokenProvider": "aws_msk_iam", "awsRegion": "us-east-2"},
    ),
}


def test_every_way_to_log_in_is_among_those_that_keda_is_told_of() -> None:
    union = get_args(Auth)[0]
    assert {name.split()[0] for name in LOGINS} == {
        get_args(each.model_fields["type"].annotation)[0] for each in get_args(union)
    }


@pytest.mark.parametrize("login", LOGINS)
def test_keda_logs_in_as_the_connector_does(login: str) -> None:
    auth, told = LOGINS[login]
    auth = auth.replace("MECHANISM", "config.kafka.auth.mechanism")
    one = trigger(scaled("--set", f"config.kafka.auth.{auth},keda.authenticationRef=kafka"))
    names = ("tls", "sasl", "saslTokenProvider", "awsRegion")
    assert {name: one["metadata"][name] for name in names if name in one["metadata"]} == told
    assert one["authenticationRef"] == {"name": "kafka"}


def test_tls_that_is_turned_off_is_off_for_keda_too() -> None:
    arguments = "config.kafka.auth.type=plain,config.kafka.tls.enabled=false,keda.authenticationRef=kafka"
    assert trigger(scaled("--set", arguments))["metadata"]["tls"] == "disable"


SEVERAL = '[{"name":"x","topics":["a","b"],"rules":[]},{"name":"y","topics":["b","c"],"rules":[]}]'


def test_several_topics_are_a_trigger_each_and_their_lags_add_up() -> None:
    spec = only(scaled("--set-json", f"config.pipelines={SEVERAL}"), "ScaledObject")["spec"]
    assert [one["metadata"]["topic"] for one in spec["triggers"]] == ["a", "b", "c"]
    names = [one["name"] for one in spec["triggers"]]
    assert spec["advanced"]["scalingModifiers"] == {
        "formula": " + ".join(names), "target": "5000", "metricType": "AverageValue",
    }  # fmt: skip
    assert {one["metadata"]["lagThreshold"] for one in spec["triggers"]} == {"5000"}
    check(only(scaled("--set-json", f"config.pipelines={SEVERAL}"), "ScaledObject"))


def test_topics_of_a_pattern_are_left_for_the_group_to_tell() -> None:
    more = '[{"name":"a","topics":["a","^b.*"],"rules":[]}]'
    assert "topic" not in trigger(scaled("--set-json", f"config.pipelines={more}"))["metadata"]


def replicas(there: dict[str, Object], *arguments: str) -> int | None:
    """Of the Deployment that is rendered in a cluster where these objects are."""
    with running_http_server(api_server(there)) as server:
        options = (
            "--dry-run=server",
            "--disable-openapi-validation",
            f"--kube-apiserver={server.url}",
            "--namespace=shop",
        )
        objects, problem = template(*options, *arguments)
    assert objects, problem
    found: int | None = workload(objects)["spec"].get("replicas")
    return found


PATH = "/apis/apps/v1/namespaces/shop/deployments/putevents-connector"
KEDA = ("--set", "keda.enabled=true,keda.partitions=4,keda.maxReplicaCount=1")


@pytest.mark.parametrize("number", [0, 1, 7])
def test_a_deployment_that_is_there_keeps_its_pods_when_keda_takes_over(number: int) -> None:
    """A number that is taken out of a manifest becomes 1 at once, whoever applies it."""
    ours = {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "putevents-connector", "meta.helm.sh/release-namespace": "shop"},
    }
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": ours, "spec": {"replicas": number}}
    there = {PATH: deployment}
    assert replicas(there, *KEDA) == number
    assert replicas(there) == 2


def test_a_new_deployment_leaves_the_number_to_keda() -> None:
    assert replicas({}, *KEDA) is None
