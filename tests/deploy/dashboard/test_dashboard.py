"""The dashboard is what its table says, asks for what exists, and every panel says what it shows."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.alerts.contract import known, names, problems
from tests.deploy.alerts.promtool import check_rules
from tools.dashboard import TARGET, text

DASHBOARD = json.loads(TARGET.read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
VARIABLES = {"$namespace": ".*", "$job": ".*", "$topic": ".*", "$__rate_interval": "5m"}


def substituted(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    assert "$" not in query
    return query


def test_the_file_is_what_its_table_makes() -> None:
    assert text() == TARGET.read_text(), "out of date: run make deploy"


def test_the_rows_are_those_of_an_event_on_its_way() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Overview", "Kafka", "Mapping", "Personalize", "Process"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_has_a_unit_a_description_and_legends(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    assert all(target["legendFormat"] for target in panel["targets"])
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    if panel["type"] == "timeseries":  # the schema of Grafana requires the member
        assert panel["options"]["legend"]["calcs"] == ["lastNotNull", "max"]


def test_ids_and_titles_are_unique_and_no_panel_covers_another() -> None:
    places: dict[tuple[int, int], int] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert places.setdefault((x, y), panel["id"]) == panel["id"]
    titles = [panel["title"] for panel in PANELS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("query", QUERIES)
def test_queries_name_metrics_labels_and_values_that_exist(query: str) -> None:
    assert problems(query, set()) == []


def test_every_query_selects_by_the_variables() -> None:
    for query in QUERIES:
        assert query.count('namespace=~"$namespace",job=~"$job"') == query.count("{"), query


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"query:{index}", "expr": substituted(query)} for index, query in enumerate(QUERIES)]
    written = tmp_path / "queries.yaml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    check_rules(written)


def test_every_variable_that_a_query_names_is_declared() -> None:
    declared = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert declared == {"datasource", "namespace", "job", "topic"}


def test_every_metric_is_on_some_panel() -> None:
    shown = set().union(*(names(query) for query in QUERIES))
    families = {name for name in known() if name.startswith("putevents_") and not name.endswith("_created")}
    parts = ("_bucket", "_sum", "_count")
    unseen = {
        name
        for name in families - shown
        if not (name.endswith(parts) and any(f"{name.rsplit('_', 1)[0]}{part}" in shown for part in parts))
    }
    assert unseen == set()
