"""Values that contradict each other are refused, with what was expected and what to do."""

from __future__ import annotations

import pytest

from tests.deploy.render import template

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
    "a file that is none": ("configFile=text", "configFile: expected the connector's YAML file", "--set-file"),
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


@pytest.mark.parametrize("values", ["terminationGracePeriodSeconds=35", f"{KEDA},keda.maxReplicaCount=1", "replicas=0"])
def test_what_just_fits_is_not_refused(values: str) -> None:
    objects, problem = template("--set", values)
    assert objects, problem
