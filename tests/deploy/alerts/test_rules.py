"""Each alert fires when it must and is silent when it nearly must; it says what to do, and asks for what exists."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.alerts.contract import names, problems
from tests.deploy.alerts.promtool import RULES, alerts, check_rules, groups, promtool
from tests.support.programs import ROOT

pytestmark = pytest.mark.timeout(300)  # promtool evaluates days, on a machine that is busy otherwise

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()
RECORDED = {rule["record"] for group in groups() for rule in group["rules"] if "record" in rule}
EXPRESSIONS = {rule.get("alert") or rule["record"]: rule["expr"] for group in groups() for rule in group["rules"]}


@cache  # reading them takes a tenth of a second, and each alert asks
def cases() -> list[dict[str, Any]]:
    return [case for path in FILES for case in yaml.safe_load(path.read_text())["tests"]]


def test_prometheus_takes_the_rules() -> None:
    check_rules(RULES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_alerts_fire_and_are_silent_as_their_cases_say(path: Path) -> None:
    tested = promtool("test", "rules", path)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("alert", alerts())
def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_nearly_does(alert: str) -> None:
    fires: list[dict[str, Any]] = []
    silent: list[dict[str, Any]] = []
    for case in cases():
        [asked] = case["promql_expr_test"]
        if f'"{alert}"' in asked["expr"]:
            (fires if asked["exp_samples"] else silent).append(case)
            claimed = "fires" if asked["exp_samples"] else "is silent"
            assert case["name"].startswith(f"{alert} {claimed}: ")
    assert fires
    assert silent
    asked_for = names(alerts()[alert]["expr"])
    # A near miss has the very metrics that the alert looks at; without them, anything is silent.
    for case in silent:
        given = {series["series"].split("{")[0] for series in case["input_series"]}
        assert given & (asked_for | _sources(asked_for)), case["name"]


def _sources(recorded: set[str]) -> set[str]:
    return {name for each in recorded & RECORDED for name in names(EXPRESSIONS[each])}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_rules_name_metrics_labels_and_values_that_exist(name: str) -> None:
    assert problems(EXPRESSIONS[name], RECORDED) == []


def test_a_name_that_does_not_exist_is_found() -> None:
    for wrong in (
        "putevents_record_total",
        'putevents_records_total{topics="x"}',
        'putevents_records_total{outcome="delivred"}',
        'putevents_requests_total{status=~"error|slow"}',
        "sum by (pod) (putevents_records_total)",
        "sum by (status) (putevents_records_total)",
    ):
        assert problems(wrong, RECORDED), wrong


@pytest.mark.parametrize("alert", alerts())
def test_each_alert_says_how_bad_it_is_and_where_to_read_on(alert: str) -> None:
    rule = alerts()[alert]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks.md#{alert.lower()}"


@pytest.mark.parametrize("alert", alerts())
def test_each_alert_is_one_a_job_and_not_one_a_pod(alert: str) -> None:
    expression = alerts()[alert]["expr"]
    for listed in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {"namespace", "job"} <= {name.strip() for name in listed.split(",")}
    outermost = re.search(r"by \(([^)]*)\)|namespace_job\w*:", expression)
    assert outermost is not None
    assert "instance" not in (outermost.group(1) or "")


@pytest.mark.parametrize("alert", alerts())
def test_each_alert_has_a_runbook_that_says_what_to_look_at_do_and_not_do(alert: str) -> None:
    section = sections().get(alert)
    assert section is not None
    for part in ("**It means**", "**Look at**", "**Do**", "**Do not**"):
        assert part in section, part
    assert f"`{alerts()[alert]['labels']['severity']}`" in section


def test_each_runbook_is_of_an_alert() -> None:
    assert {name for name in sections() if name.startswith("PutEvents")} == alerts().keys()


def sections() -> dict[str, str]:
    found = re.split(r"^## (.+)$", RUNBOOKS, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def test_queries_of_the_runbooks_name_what_exists() -> None:
    queries = re.findall(r"^```promql\n(.*?)^```", RUNBOOKS, re.DOTALL | re.MULTILINE)
    assert queries
    for query in queries:
        assert problems(query, RECORDED) == [], query


def test_log_messages_of_the_runbooks_are_those_of_the_code() -> None:
    quoted = re.findall(r"log: `([^`]+)`", RUNBOOKS)
    assert quoted
    code = "\n".join(path.read_text() for path in (ROOT / "connector").rglob("*.py"))
    # A message may be cut at the end of a line of code.
    code = re.sub(r'"\s*\n\s*f?"', "", code)
    for message in quoted:
        assert message in code, message


def test_panels_of_the_runbooks_are_on_the_dashboard() -> None:
    panels = (ROOT / "deploy" / "grafana" / "panels.yaml").read_text()
    titles = {panel["title"] for row in yaml.safe_load(panels).values() for panel in row}
    named = set(re.findall(r"panel \*([^*]+)\*", RUNBOOKS))
    assert named
    assert named <= titles


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_words_of_an_alert_are_whole(path: Path, tmp_path: Path) -> None:
    """Prometheus is asked for alerts that nobody expects, so it tells which there are, with their words."""
    file = yaml.safe_load(path.read_text())
    file["rule_files"] = [str(RULES)]
    kept: dict[str, dict[str, Any]] = {}  # one case an alert
    for case in file["tests"]:
        [asked] = case.pop("promql_expr_test")
        alert = re.findall(r'alertname="(\w+)"', asked["expr"])[0]
        unexpected = [{"exp_labels": {"nobody": "expects"}}]
        case["alert_rule_test"] = [{"eval_time": asked["eval_time"], "alertname": alert, "exp_alerts": unexpected}]
        if asked["exp_samples"]:
            kept.setdefault(alert, case)
    file["tests"] = list(kept.values())
    written = tmp_path / path.name
    written.write_text(yaml.safe_dump(file))
    said = promtool("test", "rules", written)
    said_all = said.stdout + said.stderr
    got = re.findall(r"got:.*?Annotations:(\{.*?\})\n", said_all, re.DOTALL)
    assert len(got) == len(file["tests"]), said_all
    for words in got:
        assert not re.search(r"\{\{|<no value>|<error|NaN|%!", words), words
        assert 'runbook_url="docs/runbooks.md#putevents' in words
