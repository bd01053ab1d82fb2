"""The objects are what Kubernetes, KEDA and the Prometheus operator take; the files are tidy."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it has no types
import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest

from tests.support.manifests import KUBERNETES, RENDERED, SETS, Object, rendered, values_file
from tests.support.programs import ROOT, found, run
from tools.copies import CHART

SCHEMAS = Path(__file__).parent / "schemas"
CUSTOM = {"ScaledObject", "PodMonitor", "PrometheusRule"}
VERSIONS = ("1.31", "1.34", "1.37")  # the oldest that EKS still supports at extra cost, one between, the newest known


@cache
def schema(kind: str) -> Object:
    found_one: Object = json.loads((SCHEMAS / f"{kind.lower()}.json").read_text())
    return found_one


def check(one: Object, version: str = KUBERNETES) -> None:
    if one["kind"] in CUSTOM:
        jsonschema.Draft202012Validator(schema(one["kind"])).validate(one)
    else:
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.grid
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("way", "name"), RENDERED)
def test_every_object_is_valid_strictly_and_in_three_versions(way: str, name: str, version: str) -> None:
    for one in rendered(way, name):
        check(one, version)


def test_every_custom_kind_is_among_what_is_checked() -> None:
    kinds = {one["kind"] for way, name in RENDERED for one in rendered(way, name)}
    assert kinds > CUSTOM


@pytest.mark.parametrize("kind", sorted(CUSTOM | {"Deployment", "NetworkPolicy"}))
def test_a_misspelt_member_of_any_depth_is_found(kind: str) -> None:
    one = next(one for way, name in RENDERED for one in rendered(way, name) if one["kind"] == kind)
    inner = {
        "ScaledObject": lambda: one["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
        "PodMonitor": lambda: one["spec"]["podMetricsEndpoints"][0],
        "PrometheusRule": lambda: one["spec"]["groups"][0]["rules"][0],
        "Deployment": lambda: one["spec"]["template"]["spec"]["containers"][0]["securityContext"],
        "NetworkPolicy": lambda: one["spec"]["egress"][0],
    }[kind]()
    inner["misspelt"] = 1
    with pytest.raises(Exception, match="misspelt"):
        check(one)


@pytest.mark.parametrize("name", SETS)
def test_helm_finds_nothing_to_say_about_the_chart(name: str) -> None:
    values = SETS[name][0]
    arguments = [] if values is None else ["--values", str(values_file(values))]
    done = run([found("helm"), "lint", "--strict", "--kube-version", KUBERNETES, str(CHART), *arguments])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


def test_the_chart_packs_what_it_needs_and_no_more(tmp_path: Path) -> None:
    done = run([found("helm"), "package", str(CHART), "--destination", str(tmp_path)])
    assert done.returncode == 0, done.stderr
    [package] = tmp_path.glob("*.tgz")
    listed = run(["tar", "--list", "--file", str(package)]).stdout
    assert "files/rules.yaml" in listed
    assert "files/dashboard.json" in listed
    assert "ci/" not in listed


def test_yamllint_finds_nothing_in_the_files_that_are_plain_yaml() -> None:
    command = [sys.executable, "-m", "yamllint", "--strict", "--config-file", str(ROOT / ".yamllint.yaml")]
    of_chart = [CHART / name for name in ("Chart.yaml", "values.yaml", "ci")]
    plain = [*of_chart, ROOT / "deploy" / "kustomize", ROOT / "examples"]
    done = run([*command, *map(str, plain)])
    assert done.returncode == 0, done.stdout + done.stderr
