"""docs/guarantees.md names its tests, and all that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "guarantees.md"
NO_SCENARIOS = {"test_cluster.py", "test_guarantees.py"}


def _tests() -> set[str]:
    return {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }


def test_every_guarantee_is_held_by_a_test_that_exists() -> None:
    text = DOCUMENT.read_text()
    promised, _, _ = text.partition("## Not promised")
    promises = [line for line in promised.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert promises
    assert not [line for line in promises if "`test_" not in line], "a promise without a test"
    assert not set(re.findall(r"`(test_\w+)`", text)) - _tests(), "a test that is not there"


def test_every_scenario_is_named_in_the_guarantees() -> None:
    scenarios = {
        name
        for path in Path(__file__).parent.glob("test_*.py")
        if "pytest.mark.chaos" in path.read_text() and path.name not in NO_SCENARIOS
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert scenarios
    assert not scenarios - set(re.findall(r"`(test_\w+)`", DOCUMENT.read_text()))
