"""What is there twice says the same; the page names every value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from connector import __version__
from tests.support.manifests import only, rendered, template
from tools.copies import CHART, COPIES, DASHBOARD, KUSTOMIZE, RULES, described

ANNOTATIONS = 262_144  # bytes; kubectl apply keeps what it applied in one


@pytest.mark.parametrize("path", COPIES, ids=lambda path: path.name)
def test_every_copy_is_what_it_was_made_from(path: Path) -> None:
    assert path.read_text() == COPIES[path](), f"{path} is out of date: run make deploy"


@pytest.mark.parametrize("way", ["helm", "kustomize"])
def test_the_alerts_and_the_dashboard_arrive_as_they_are(way: str) -> None:
    objects = rendered(way, "example")
    assert only(objects, "PrometheusRule")["spec"] == yaml.safe_load(RULES.read_text())
    [board] = [one for one in objects if one["metadata"]["name"].endswith("-dashboard")]
    assert json.loads(board["data"]["putevents-connector.json"]) == json.loads(DASHBOARD.read_text())
    assert len(json.dumps(board)) < ANNOTATIONS


def test_alerts_link_to_where_the_runbooks_are() -> None:
    where = "https://wiki.example.com/putevents"
    settings = f"monitoring.prometheusRule.enabled=true,monitoring.prometheusRule.runbooks={where}"
    objects, problem = template("--set", settings)
    assert objects, problem
    rules = [rule for group in only(objects, "PrometheusRule")["spec"]["groups"] for rule in group["rules"]]
    links = [rule["annotations"]["runbook_url"] for rule in rules if "alert" in rule]
    assert links
    assert all(link.startswith(f"{where}#") for link in links)


def leaves(values: Any, path: str = "") -> set[str]:
    """Paths of what has no members; an empty mapping is one of those."""
    if not isinstance(values, dict) or not values:
        return {path}
    return set().union(*(leaves(value, f"{path}.{name}".lstrip(".")) for name, value in values.items()))


def test_every_value_has_a_default_and_a_description_and_no_description_lacks_its_value() -> None:
    names = {path for path, _ in described(json.loads((CHART / "values.schema.json").read_text()))}
    defaults = leaves(yaml.safe_load((CHART / "values.yaml").read_text()))
    assert not [path for path in defaults if not any(path == name or path.startswith(f"{name}.") for name in names)]
    for name in names:
        assert any(path == name or path.startswith(f"{name}.") for path in defaults), name


def test_the_versions_are_those_of_the_connector() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == chart["version"] == __version__
    for path in KUSTOMIZE.rglob("*.yaml"):
        for line in path.read_text().splitlines():
            if "app.kubernetes.io/version" in line or "newTag" in line:
                assert __version__ in line, f"{path}: {line}"
