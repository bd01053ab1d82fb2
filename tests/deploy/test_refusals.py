"""Values that contradict each other are refused, with what was expected and what to do."""

from __future__ import annotations

import re

import pytest

from tests.support.manifests import template

KEDA = "keda.enabled=true,keda.partitions=4,keda.maxReplicaCount=1"
REFUSED = {
    "grace below the shutdown": (
        "terminationGracePeriodSeconds=30",
        "terminationGracePeriodSeconds: expected at least 35,",
        "raise it",
    ),
    "grace below a longer shutdown": (
        "terminationGracePeriodSeconds=60,config.delivery.shutdown_timeout=1m",
        "expected at least 70,",
        "lower delivery.shutdown_timeout",
    ),
    "shutdown out of a secret": (
        "config.delivery.shutdown_timeout.env=T",
        "expected a delivery.shutdown_timeout such as 25s that is known",
        "write it into the file",
    ),
    "a port that nobody knows": ("config.server.port.env=P", "expected a server.port", "write it into the file"),
    "any free port": ("config.server.port.env=P,env.P=0", "expected a server.port from 1", "write it into the file"),
    "a port beyond the last": ("config.server.port=99999", "expected a server.port from 1", "write it into the file"),
    "a port of a broker beyond the last": (
        "config.kafka.bootstrap_servers={kafka:99999}",
        "kafka.bootstrap_servers: expected a port from 1 to 65535, not 99999",
        "correct it",
    ),
    "a name that a Service may not have": (
        "staticMembership.enabled=true,fullnameOverride=1st",
        "expected a name that begins with a letter",
        "set fullnameOverride",
    ),
    "a server for itself": ("config.server.host=127.0.0.1", "expected a server.host", "leave server.host out"),
    "a server for itself, by IPv6": ("config.server.host=[::1]", "expected a server.host", "leave server.host out"),
    "brokers that nobody knows": (
        "config.kafka.bootstrap_servers.env=S",
        "networkPolicy.kafkaPorts: expected the ports",
        "set networkPolicy.kafkaPorts",
    ),
    "two identities": (
        "aws.podIdentity=true,aws.irsaRoleArn=arn:aws:iam::111122223333:role/r",
        "aws: expected one way to a role",
        "unset one",
    ),
    "a role without an account of ours": (
        "serviceAccount.create=false,serviceAccount.name=s,aws.irsaRoleArn=arn:aws:iam::111122223333:role/r",
        "aws.irsaRoleArn: expected serviceAccount.create to be true",
        "annotate yours",
    ),
    "no account at all": ("serviceAccount.create=false", "serviceAccount.name: expected the name", "set one"),
    "static ids in a Deployment": (
        r"config.kafka.librdkafka.group\.instance\.id=a",
        "expected no group.instance.id in a Deployment",
        "set staticMembership.enabled",
    ),
    "one static id for all": (
        r"staticMembership.enabled=true,config.kafka.librdkafka.group\.instance\.id=a",
        "expected group.instance.id to be the name of the pod",
        "POD_NAME",
    ),
    "static members that are scaled": (
        f"staticMembership.enabled=true,{KEDA}",
        "staticMembership: expected a fixed number of replicas",
        "disable one of them",
    ),
    "keda without partitions": ("keda.enabled=true", "keda.partitions: expected the number", "set it"),
    "more replicas than partitions": (
        f"{KEDA},keda.maxReplicaCount=5",
        "keda.maxReplicaCount: expected at most 4,",
        "lower it",
    ),
    "more replicas than quota": (
        f"{KEDA},keda.maxReplicaCount=4",
        "expected delivery.requests_per_second times it to be at most 1000 calls/s",
        "set delivery.requests_per_second to 250",
    ),
    "fewest above most": (f"{KEDA},keda.minReplicaCount=2", "keda.maxReplicaCount: expected at least 2", "raise it"),
    "an offset reset that keda has not": (
        f"{KEDA},config.kafka.auto_offset_reset=error",
        "expected kafka.auto_offset_reset to be earliest or latest",
        "change it",
    ),
    "a login that keda has not": (
        f"{KEDA},config.kafka.auth.type=scram",
        "keda.authenticationRef: expected the name of a TriggerAuthentication",
        "make one",
    ),
    "a certificate that keda has not": (
        f"{KEDA},config.kafka.tls.cert_file=/f,config.kafka.tls.key_file=/f",
        "keda.authenticationRef: expected the name of a TriggerAuthentication",
        "make one with the same ca",
    ),
    "an authority that keda has not": (
        f"{KEDA},config.kafka.tls.ca_file=/f",
        "KEDA has not the files that kafka.tls names",
        "make one with the same ca",
    ),
    "tokens of a region that nobody knows": (
        f"{KEDA},config.kafka.auth.type=msk_iam,keda.authenticationRef=a,env.AWS_REGION=null",
        "keda: expected the region of the cluster",
        "set kafka.auth.region",
    ),
    "servers that keda cannot read": (
        f"{KEDA},networkPolicy.enabled=false,config.kafka.bootstrap_servers.file=/f",
        "keda: expected kafka.bootstrap_servers as text",
        "write it so",
    ),
    "text instead of a file": ("configFile=text", "configFile: expected the connector's YAML file", "--set-file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_contradicts_itself_is_refused_in_words(case: str) -> None:
    values, expected, to_do = REFUSED[case]
    objects, problem = template("--set", values)
    assert not objects
    problem = " ".join(problem.split())
    assert expected in problem
    assert to_do in problem


@pytest.mark.parametrize(
    "values",
    ["replica=3", "image.tagg=x", "keda.lagThreshold=10", "replicas=many", "aws.irsaRoleArn=role", "config=text"],
)
def test_a_value_that_does_not_exist_or_is_of_another_kind_is_refused_by_the_schema(values: str) -> None:
    objects, problem = template("--set", values)
    assert not objects
    assert "values don't meet the specifications" in problem


# Names, labels and quantities that an API server or a kubelet refuses, each a little beside one that it takes.
UNFIT = {
    "nameOverride": "Clicks", "fullnameOverride": "clicks.shop", "image.repository": "shop/Clicks", "image.tag": "v1+2",
    "image.pullSecrets[0]": "a..b", "serviceAccount.name": "a_b", "priorityClassName": "High", "secrets.files.x": "A",
    "secrets.env.X.key": "a/b", "secrets.env.X.name": "a_b", "env.A B": "x", "podLabels.team": "a b",
    "podLabels.-a": "x",
    "nodeSelector.zone": "a/b", "podAnnotations.a b": "x", "serviceAccount.annotations.a b": "x",
    "resources.requests.cpu": "1 core",
    "resources.limits.memory": "512MB", "keda.authenticationRef": "Kafka", "monitoring.podMonitor.labels.a": "b c",
    "replicas": "3000000000", "networkPolicy.kafkaPorts[0]": "99999",
}  # fmt: skip
FIT = {
    "nameOverride": "clicks", "fullnameOverride": "clicks-shop", "image.tag": "v1-2",
    "image.repository": "host.eu:5000/shop/clicks_x",
    "image.pullSecrets[0]": "a.b", "serviceAccount.name": "a-b", "priorityClassName": "high", "secrets.files.x": "a",
    "secrets.env.X.key": "a.b", "env.A_B": "x", "podLabels.team": "a-b_c", "nodeSelector.zone": "a.b",
    r"podAnnotations.example\.com/a": "x y", "resources.requests.cpu": "1500m", "resources.limits.memory": "0.5Gi",
    "keda.authenticationRef": "kafka", "replicas": "3",
}  # fmt: skip


@pytest.mark.parametrize("name", UNFIT)
def test_what_the_api_server_would_refuse_is_refused_by_the_schema(name: str) -> None:
    objects, problem = template("--set", "secrets.env.X.name=s,secrets.env.X.key=k", "--set", f"{name}={UNFIT[name]}")
    assert not objects
    assert "values don't meet the specifications" in problem
    assert re.sub(r"\[.*", "", name).split(".")[0] in problem or "propertyName" in problem


@pytest.mark.parametrize("name", FIT)
def test_what_the_api_server_takes_is_not_refused(name: str) -> None:
    objects, problem = template("--set", "secrets.env.X.name=s,secrets.env.X.key=k", "--set", f"{name}={FIT[name]}")
    assert objects, problem


@pytest.mark.parametrize("values", ["terminationGracePeriodSeconds=35", f"{KEDA},keda.maxReplicaCount=1", "replicas=0"])
def test_what_just_fits_is_not_refused(values: str) -> None:
    objects, problem = template("--set", values)
    assert objects, problem
