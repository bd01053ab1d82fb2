"""examples/ci: a change of event ids is stopped, a harmless one passes."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support import forked
from tests.support.repositories import git, repository

EXAMPLE = Path(__file__).parents[2] / "examples" / "ci"
FILES = {path.name: path.read_bytes() for path in sorted(EXAMPLE.iterdir())}
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository with the example on main, and a branch on which to change it."""
    repository(tmp_path, FILES)
    git(tmp_path, "switch", "-q", "-c", "change")
    return tmp_path


def change(shop: Path, old: str, new: str) -> None:
    path = shop / "putevents.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    git(shop, "commit", "-q", "-a", "-m", "change")


def check(shop: Path, base: str = "main", **env: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **forked.for_scripts(), **env}
    return subprocess.run(["sh", "check.sh", base], cwd=shop, env=env, capture_output=True, text=True, check=False)


def test_a_change_of_event_ids_is_stopped_with_exit_1(shop: Path) -> None:
    change(shop, "eventId: value.id", 'eventId: {template: "click-{{ value.id }}"}')
    ran = check(shop)
    assert ran.returncode == 1, ran.stderr
    plan = (shop / "plan.md").read_text()
    assert plan in ran.stdout
    assert "**the event ids of 3 of 5 events change" in plan
    assert "❌ **fails on event_ids**" in plan


def test_a_change_that_is_meant_is_let_through_with_other_conditions(shop: Path) -> None:
    change(shop, "eventId: value.id", 'eventId: {template: "click-{{ value.id }}"}')
    assert check(shop, FAIL_ON="dead_letters").returncode == 0


def test_a_harmless_change_passes_and_is_shown(shop: Path) -> None:
    change(shop, "{category: value.category}", "{section: value.category}")
    change(shop, "properties: {category: shoes}", "properties: {section: shoes}")
    ran = check(shop)
    assert ran.returncode == 0, ran.stderr
    assert "| properties.section | 3 |" in (shop / "plan.md").read_text()
    assert (shop / "junit.xml").read_text().startswith("<?xml")


def test_a_test_that_fails_stops_before_the_plan(shop: Path) -> None:
    change(shop, "itemId: value.item", "itemId: value.items")
    assert check(shop).returncode == 1
    assert not (shop / "plan.md").exists()


def test_a_base_that_was_not_fetched_is_no_success(shop: Path) -> None:
    ran = check(shop, "origin/main")
    assert ran.returncode == 1
    assert ran.stderr.endswith("expected a revision of this repository, not origin/main: fetch it first\n")


def test_a_base_without_the_file_has_nothing_to_compare(shop: Path) -> None:
    git(shop, "switch", "-q", "--orphan", "empty")
    git(shop, "commit", "-q", "--allow-empty", "-m", "empty")
    git(shop, "switch", "-q", "change")
    ran = check(shop, "empty")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("empty has no putevents.yaml: there is nothing to compare with\n")


def test_the_workflow_runs_the_script_and_takes_no_name_of_a_branch_into_a_command() -> None:
    workflow = yaml.safe_load(FILES["workflow.yaml"])
    steps = workflow["jobs"]["check"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert 'sh check.sh "origin/$BASE"' in commands
    assert not any("github." in command for command in commands)
    assert steps[0]["with"]["fetch-depth"] == 0
    assert set(FILES) - {"workflow.yaml"} <= set(workflow[True]["pull_request"]["paths"])
