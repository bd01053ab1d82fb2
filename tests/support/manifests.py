"""What is applied to a cluster, by either way, and the table of value sets that exist both ways.

Helm and kustomize write the same objects, and differ in what each has of its own: Helm's labels, and how a change of
the configuration reaches the pods. ``alike`` takes just that away; all else has to be equal.
"""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.support.programs import found, run
from tools.copies import CHART, KUSTOMIZE, NAME

Object = dict[str, Any]

KUBERNETES = "1.34"

# A set of values of the chart, and the folder of kustomize that is to be the same; None where there is none.
SETS: dict[str, tuple[str | None, str | None]] = {
    "default": (None, "base"),
    "static-membership": ("static-membership", "overlays/static-membership"),
    "keda": ("keda", "overlays/keda"),
    "example": ("example", "overlays/example"),
    "pod-identity": ("pod-identity", None),
}
BOTH = [name for name, (_, folder) in SETS.items() if folder is not None]
RENDERED = [("helm", name) for name in SETS] + [("kustomize", name) for name in BOTH]

_HELMS_OWN = ("helm.sh/chart", "app.kubernetes.io/managed-by")


def template(*arguments: str) -> tuple[list[Object], str]:
    """The objects that helm makes, and what it says where it makes none."""
    command = [found("helm"), "template", NAME, str(CHART), "--kube-version", KUBERNETES, *arguments]
    done = run(command)
    return (_objects(done.stdout), "") if done.returncode == 0 else ([], done.stderr)


def values_file(name: str) -> Path:
    """The chart's values of a set that is no default."""
    return CHART / "ci" / f"{name}-values.yaml"


@cache
def _rendered(way: str, name: str) -> list[Object]:
    values, folder = SETS[name]
    if way == "helm":
        objects, problem = template(*([] if values is None else ["--values", str(values_file(values))]))
    else:
        assert folder is not None
        objects, problem = kustomized(KUSTOMIZE / folder)
    assert objects, problem
    return objects


def rendered(way: str, name: str) -> list[Object]:
    """The objects of a set, by ``helm`` or ``kustomize``; the caller's own."""
    return copy.deepcopy(_rendered(way, name))


def kustomized(folder: Path) -> tuple[list[Object], str]:
    """The objects of a folder, and what kustomize says where there are none."""
    program = found("kustomize", "kubectl")
    verb = "build" if program.endswith("kustomize") else "kustomize"
    done = run([program, verb, str(folder)])
    return (_objects(done.stdout), "") if done.returncode == 0 else ([], done.stderr)


def _objects(text: str) -> list[Object]:
    return [each for each in yaml.safe_load_all(text) if each]


def only(objects: list[Object], *kinds: str) -> Object:
    """The one object of these kinds, the dashboard aside."""
    [found_one] = [
        each for each in objects if each["kind"] in kinds and not each["metadata"]["name"].endswith("-dashboard")
    ]
    return found_one


def workload(objects: list[Object]) -> Object:
    """The Deployment or StatefulSet."""
    return only(objects, "Deployment", "StatefulSet")


def pod_template(objects: list[Object]) -> Object:
    """Its pods."""
    pods: Object = workload(objects)["spec"]["template"]
    return pods


def pod_spec(objects: list[Object]) -> Object:
    """Their spec."""
    spec: Object = pod_template(objects)["spec"]
    return spec


def config_text(objects: list[Object]) -> str:
    """The connector's file."""
    text: str = only(objects, "ConfigMap")["data"]["config.yaml"]
    return text


def alike(objects: list[Object]) -> dict[tuple[str, str], Object]:
    """By kind and name, without what is Helm's own and without the hash of the configuration."""
    hashed = only(objects, "ConfigMap")["metadata"]["name"]
    known = re.sub(r"-[a-z0-9]{10}$", "", hashed)
    plain: dict[tuple[str, str], Object] = {}
    for each in objects:
        one = _renamed(each, hashed, known)
        for metadata in _metadata(one):
            for label in _HELMS_OWN:
                metadata.get("labels", {}).pop(label, None)
            metadata.get("annotations", {}).pop("checksum/config", None)
            if not metadata.get("annotations", True):
                del metadata["annotations"]
        if "config.yaml" in one.get("data", {}):
            one["data"] = yaml.safe_load(one["data"]["config.yaml"])
        for lists in _keyed(one):
            lists.sort(key=lambda each: json.dumps(each, sort_keys=True))
        plain[one["kind"], one["metadata"]["name"]] = one
    return plain


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each, old, new) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, old, new) for each in value]
    return new if value == old else value


def _metadata(one: Object) -> list[Object]:
    inner = one.get("spec", {}).get("template", {}).get("metadata")
    return [one["metadata"]] if inner is None else [one["metadata"], inner]


def _keyed(one: Object) -> list[list[Object]]:
    """What Kubernetes itself takes by name, in any order."""
    spec = one.get("spec", {}).get("template", {}).get("spec", {})
    containers = [*spec.get("initContainers", []), *spec.get("containers", [])]
    of_containers = [each.get(name, []) for each in containers for name in ("env", "volumeMounts")]
    return [spec.get("volumes", []), *of_containers]
