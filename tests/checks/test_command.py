"""The command as it is typed, on a mock cluster and the local endpoint; and the codes that it gives."""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import connector
from connector.checks.everything import CATEGORIES
from connector.cli import main
from connector.explained.book import PAGES
from connector.kafka import asking
from tests.support.config_files import run_config

if TYPE_CHECKING:
    from connector.local.endpoint.server import Endpoint
    from connector.local.mock_cluster import MockCluster

pytestmark = pytest.mark.usefixtures("aws", "logs_as_before")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock cluster keeps silent to questions for rights and settings: they are not waited for as long."""
    monkeypatch.setattr(asking, "SECONDS", 0.3)


def written(folder: Path, config: dict[str, Any]) -> str:
    path = folder / "clicks.yaml"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_all_is_well_and_each_category_is_there(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, run_config(cluster.bootstrap_servers, endpoint.url))
    assert main(["check", file]) == 0
    shown = capsys.readouterr()
    assert [line for line in shown.out.splitlines() if line in {each.name for each in CATEGORIES}] == [
        each.name for each in CATEGORIES
    ]
    assert shown.out.endswith(": a run can start\n")
    assert shown.err == ""
    assert main(["check", file, "--output", "short"]) == 0
    assert capsys.readouterr().out == ""


def test_json_says_what_is_missing_with_its_exit_code(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = run_config(cluster.bootstrap_servers, endpoint.url, dead_letter={"topic": "absent"})
    assert main(["check", written(tmp_path, config), "--output", "json"]) == 69
    report = json.loads(capsys.readouterr().out)
    assert report["exit"] == 69
    assert [(each["category"], each["code"]) for each in report["checks"] if each["code"]] == [
        ("dead-letter topic", "missing-topic")
    ]


def test_a_file_that_is_wrong_ends_with_78_and_everything_else_is_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "clicks.yaml"
    file.write_text("version: 1\n")
    assert main(["check", str(file), "--wait", "1h"]) == 78
    shown = capsys.readouterr().out
    assert "missing" in shown
    assert shown.count("skipped: needs configuration") == len(CATEGORIES) - 1


def test_a_file_that_is_not_there_ends_with_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "absent.yaml"), "--output", "short"]) == 78
    assert "configuration: " in capsys.readouterr().out


def test_a_wait_goes_on_until_what_is_missing_is_there_and_shows_only_what_changes(
    cluster: MockCluster,
    endpoint: Endpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = run_config(cluster.bootstrap_servers, endpoint.url, dead_letter={"topic": "late"})
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        cluster.create_topic("late", 1)

    pausing = SimpleNamespace(monotonic=time.monotonic, time=time.time, sleep=sleep)
    monkeypatch.setattr("connector.cli.checking.time", pausing)
    assert main(["check", written(tmp_path, config), "--wait", "10m", "--send-test-event", "View"]) == 0
    shown = capsys.readouterr().out
    assert len(slept) == 1
    assert len(endpoint.accepted()) == 1  # of two looks only the first sends the test event
    assert shown.count("\nbrokers\n") == 1
    assert shown.count("\ndead-letter topic\n") == 2
    assert "late has 1 partition" in shown


@pytest.mark.parametrize("wrong", ["2", "soon", "-1s"])
def test_a_wait_is_a_duration(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "clicks.yaml", f"--wait={wrong}"])
    assert ended.value.code == 2
    assert "expected a duration such as 30s or 2m" in capsys.readouterr().err


def codes() -> set[str]:
    """What the checks give as codes; ``judged`` and a choice between two are given theirs as arguments."""
    found = set()
    for path in (Path(connector.__file__).parent / "checks").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", "")
                given = node.args[1:2] if name == "judged" else node.args[:1]
                makes = name in {"failed", "warning", "judged"} or isinstance(node.func, ast.IfExp)
                found |= {str(each.value) for each in given if makes and isinstance(each, ast.Constant)}
    return found | {"untrusted-certificate", "no-tls"}


def test_every_code_of_a_finding_has_a_page_and_no_page_is_without_use() -> None:
    of_files = {page.code for page in PAGES if page.kind == "error"}
    assert codes() - of_files == {page.code for page in PAGES if page.kind == "check"}
