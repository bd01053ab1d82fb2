"""The pods: admitted where security is strict, probed with patience, ended with enough time, moved one at a time."""

from __future__ import annotations

import re
from pathlib import Path

import botocore
import pytest
import yaml

from connector.config import Loaded, load
from connector.config.registry import ConfluentRegistry
from connector.kafka.startup import FIRST_ANSWER
from connector.life import STALLED
from tests.deploy.restricted import CONTROLS, violations
from tests.support.manifests import (
    RENDERED,
    Object,
    config_text,
    only,
    pod_spec,
    pod_template,
    rendered,
    template,
    workload,
)

CERTIFICATES = Path(botocore.__file__).parent / "cacert.pem"  # any will do

every_set = pytest.mark.parametrize(("way", "name"), RENDERED)


def environment(objects: list[Object], *, container: str = "connector") -> dict[str, str]:
    """What the pod's environment would be, with text in place of what comes from elsewhere."""
    [found] = [
        each
        for each in (*pod_spec(objects)["containers"], *pod_spec(objects)["initContainers"])
        if each["name"] == container
    ]
    return {each["name"]: each.get("value", "from-elsewhere-1:9092") for each in found.get("env", ())}


def loaded(objects: list[Object], folder: Path) -> Loaded:
    """The connector's file as its pod would load it, with files in place of the Secrets'."""
    mounts = {each["name"]: each["mountPath"] for each in pod_spec(objects)["containers"][0]["volumeMounts"]}
    secrets = [mounts[volume["name"]] for volume in pod_spec(objects)["volumes"] if "secret" in volume]
    text = config_text(objects)
    for path in re.findall(r"/etc/putevents-secrets/[a-z/.]+", text):
        assert any(path.startswith(f"{mount}/") for mount in secrets)
        file = folder / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(CERTIFICATES.read_bytes() if path.endswith(".crt") else b"text")
        text = text.replace(path, str(file))
    (folder / "config.yaml").write_text(text)
    found = load(str(folder / "config.yaml"), environment(objects))
    assert isinstance(found, Loaded), found
    return found


@every_set
def test_a_namespace_that_enforces_the_restricted_profile_admits_the_pods(way: str, name: str) -> None:
    assert violations(pod_spec(rendered(way, name))) == []


BREAKS: dict[str, Object] = {
    "host namespaces": {"hostNetwork": True},
    "privileged containers": {"privileged": True},
    "capabilities added": {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
    "capabilities not dropped": {"capabilities": {}},
    "volume types": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
    "host ports": {"ports": [{"containerPort": 1, "hostPort": 1}]},
    "privilege escalation": {"allowPrivilegeEscalation": True},
    "running as non-root": {"runAsNonRoot": False},
    "running as user 0": {"runAsUser": 0},
    "seccomp": {"seccompProfile": {"type": "Unconfined"}},
    "/proc mount type": {"procMount": "Unmasked"},
    "sysctls": {"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]},
    "AppArmor": {"appArmorProfile": {"type": "Unconfined"}},
    "SELinux": {"seLinuxOptions": {"type": "spc_t"}},
    "host processes of Windows": {"windowsOptions": {"hostProcess": True}},
    "hosts of probes": {"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}},
}


@pytest.mark.parametrize("control", CONTROLS)
def test_a_pod_that_breaks_a_control_of_the_profile_is_refused_for_it(control: str) -> None:
    spec = pod_spec(rendered("helm", "default"))
    broken = BREAKS[control]
    match control:
        case "host namespaces" | "volume types":
            spec.update(broken)
        case "sysctls":
            spec["securityContext"].update(broken)
        case "host ports" | "hosts of probes":
            spec["containers"][0].update(broken)
        case _:
            spec["containers"][0]["securityContext"].update(broken)
    assert any(each.startswith(control) for each in violations(spec))


def test_numbers_arrive_as_they_were_written(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(
        "env: {BYTES: 33554432, RATIO: 0.25, FLAG: true}\n"
        "config:\n"
        "  server: {port: {env: P, default: 9464}}\n"
        "  delivery: {max_buffered_events: 1000000, requests_per_second: 0.5}\n"
        "  kafka: {librdkafka: {fetch.max.bytes: 52428800, queued.max.messages.kbytes: {env: BYTES}}}\n"
    )
    objects, problem = template("--values", str(values))
    assert objects, problem
    assert environment(objects).items() >= {"BYTES": "33554432", "RATIO": "0.25", "FLAG": "true"}.items()
    config = yaml.safe_load(config_text(objects))
    assert config["delivery"] == {"max_buffered_events": 1_000_000, "requests_per_second": 0.5}
    assert config["kafka"]["librdkafka"]["fetch.max.bytes"] == 52_428_800
    [container] = pod_spec(objects)["containers"]
    assert container["ports"][0]["containerPort"] == 9464


@every_set
def test_pods_have_no_token_of_the_cluster_and_write_nowhere(way: str, name: str) -> None:
    objects = rendered(way, name)
    spec = pod_spec(objects)
    assert spec["automountServiceAccountToken"] is False
    assert only(objects, "ServiceAccount")["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["runAsGroup"] == 65532
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert all(mount["readOnly"] for mount in container["volumeMounts"])


@every_set
def test_what_is_validated_is_what_runs(way: str, name: str) -> None:
    spec = pod_spec(rendered(way, name))
    [validate], [connector] = spec["initContainers"], spec["containers"]
    assert validate["args"] == ["validate", "/etc/putevents/config.yaml"]
    assert connector["args"] == ["run", "/etc/putevents/config.yaml"]
    for same in ("image", "env", "volumeMounts", "resources"):
        assert validate[same] == connector[same]


@every_set
def test_the_configuration_passes_validate_with_the_environment_of_its_pod(way: str, name: str, tmp_path: Path) -> None:
    assert isinstance(loaded(rendered(way, name), tmp_path), Loaded)


@every_set
def test_the_grace_period_outlasts_the_shutdown(way: str, name: str, tmp_path: Path) -> None:
    objects = rendered(way, name)
    timeout = loaded(objects, tmp_path).config.delivery.shutdown_timeout
    assert pod_spec(objects)["terminationGracePeriodSeconds"] >= timeout + 10


@every_set
def test_no_probe_ends_a_process_that_waits_for_a_broker_before_it_ends_itself(way: str, name: str) -> None:
    [container] = pod_spec(rendered(way, name))["containers"]
    startup, liveness = container["startupProbe"], container["livenessProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= FIRST_ANSWER + 30
    assert liveness["httpGet"]["path"] == startup["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    # It replaces itself when certificates change, and then does not listen either. A loop that stands still is no
    # hurry: /livez itself waits for a minute.
    assert FIRST_ANSWER + 10 <= liveness["periodSeconds"] * liveness["failureThreshold"] <= STALLED


@every_set
def test_the_port_is_the_one_that_the_file_says(way: str, name: str, tmp_path: Path) -> None:
    objects = rendered(way, name)
    port = loaded(objects, tmp_path).config.server.port
    [container] = pod_spec(objects)["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": port, "protocol": "TCP"}]
    [ingress] = only(objects, "NetworkPolicy")["spec"]["ingress"]
    assert ingress["ports"] == [{"protocol": "TCP", "port": port}]


@every_set
def test_the_network_lets_dns_the_brokers_and_aws_be_reached_and_nothing_else(way: str, name: str) -> None:
    egress = only(rendered(way, name), "NetworkPolicy")["spec"]["egress"]
    ports = [sorted({port["port"] for port in rule["ports"]}) for rule in egress]
    brokers = {"example": [9096], "pod-identity": [9092, 9093]}.get(name, [9092])
    assert ports == [[53], brokers, [443], *([[80]] if name == "pod-identity" else [])]
    # What may be reached on port 80 is the agent of Pod Identity on the node, and no metadata of an instance.
    assert all("169.254.170.23/32" in str(rule["to"]) for rule in egress if rule["ports"][0]["port"] == 80)


REGISTRY = """\
config:
  schema_registry:
    url: %s
    auth:
      type: basic
      username: {file: /etc/putevents-secrets/registry/username}
      password: {file: /etc/putevents-secrets/registry/password}
    tls: {ca_file: /etc/putevents-secrets/registry/ca.crt}
secrets:
  files: {registry: shop-registry}
env: {REGISTRY: "https://registry.shop.svc:8443"}
"""


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("https://registry.shop.svc:8081", 8081),
        ("https://registry.shop.svc:8081/apis/ccompat/v7", 8081),
        ('["https://registry-1.shop.svc:8081", "https://registry-2.shop.svc:8081"]', 8081),
        ("{env: REGISTRY}", 8443),
        ("https://psrc-1.eu-west-1.aws.confluent.cloud", None),  # 443 is open anyway
    ],
)
def test_the_schema_registry_is_reached_with_its_secrets(url: str, port: int | None, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(REGISTRY % url)
    objects, problem = template("--values", str(values))
    assert objects, problem
    egress = only(objects, "NetworkPolicy")["spec"]["egress"]
    others = [[port["port"] for port in rule["ports"]] for rule in egress[3:]]
    assert others == ([] if port is None else [[port]])
    registry = loaded(objects, tmp_path).config.schema_registry
    assert isinstance(registry, ConfluentRegistry)
    assert registry.tls.ca_file is not None


def test_a_schema_registry_without_tls_and_port_is_reached_on_port_80() -> None:
    objects, problem = template("--set", "config.schema_registry.url=http://registry")
    assert objects, problem
    egress = only(objects, "NetworkPolicy")["spec"]["egress"]
    assert egress[-1] == {"ports": [{"protocol": "TCP", "port": 80}]}


def test_a_schema_registry_whose_url_is_a_secret_is_reached_by_a_rule_of_ones_own() -> None:
    objects, problem = template(
        "--set", "config.schema_registry.url.env=U,secrets.env.U.name=s,secrets.env.U.key=k",
        "--set-json", 'networkPolicy.extraEgress=[{"ports": [{"protocol": "TCP", "port": 8081}]}]',
    )  # fmt: skip
    assert objects, problem
    egress = only(objects, "NetworkPolicy")["spec"]["egress"]
    assert egress[3:] == [{"ports": [{"protocol": "TCP", "port": 8081}]}]


@every_set
def test_memory_is_above_what_was_measured_and_cpu_has_no_limit(way: str, name: str) -> None:
    [container] = pod_spec(rendered(way, name))["containers"]
    assert container["resources"]["requests"] == {"cpu": "250m", "memory": "256Mi"}  # 140 MiB was measured
    assert container["resources"]["limits"] == {"memory": "512Mi"}


@every_set
def test_why_a_container_ended_is_told_with_its_pod(way: str, name: str) -> None:
    spec = pod_spec(rendered(way, name))
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


@every_set
def test_a_rollout_never_has_a_member_more_than_there_should_be(way: str, name: str) -> None:
    one = workload(rendered(way, name))
    if one["kind"] == "Deployment":
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    else:
        assert one["spec"]["updateStrategy"]["type"] == "RollingUpdate"


@every_set
def test_all_that_selects_pods_selects_these(way: str, name: str) -> None:
    objects = rendered(way, name)
    labels = pod_template(objects)["metadata"]["labels"].items()
    selectors = [workload(objects)["spec"]["selector"]["matchLabels"]]
    selectors += [each["labelSelector"]["matchLabels"] for each in pod_spec(objects)["topologySpreadConstraints"]]
    for one in objects:
        match one["kind"]:
            case "PodDisruptionBudget" | "PodMonitor":
                selectors.append(one["spec"]["selector"]["matchLabels"])
            case "NetworkPolicy":
                selectors.append(one["spec"]["podSelector"]["matchLabels"])
            case "Service":
                selectors.append(one["spec"]["selector"])
            case _:
                pass
    assert len(selectors) >= 5
    for selector in selectors:
        assert selector
        assert selector.items() <= labels


@pytest.mark.parametrize("way", ["helm", "kustomize"])
def test_static_members_are_named_after_their_pods_which_keep_their_names(way: str, tmp_path: Path) -> None:
    objects = rendered(way, "static-membership")
    assert workload(objects)["kind"] == "StatefulSet"
    [container] = pod_spec(objects)["containers"]
    [name] = [each for each in container["env"] if each["name"] == "POD_NAME"]
    assert name["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    properties = loaded(objects, tmp_path).config.kafka.librdkafka
    assert properties["group.instance.id"] == environment(objects)["POD_NAME"]
    # A pod that stops, is replaced and starts must be back before its partitions are given away.
    grace = pod_spec(objects)["terminationGracePeriodSeconds"]
    assert int(properties["session.timeout.ms"]) / 1000 >= grace + FIRST_ANSWER + 30


def test_with_kip_848_no_session_timeout_is_set_which_the_library_would_refuse(tmp_path: Path) -> None:
    properties = loaded(rendered("helm", "pod-identity"), tmp_path).config.kafka.librdkafka
    assert "session.timeout.ms" not in properties
    assert "group.instance.id" in properties
