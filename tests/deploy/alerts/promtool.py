"""Prometheus's own tool judges the rules: nothing else knows what an expression means."""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.support.programs import ROOT, found

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it; it comes with Debian's package prometheus."""
    command = [found("promtool"), *map(str, arguments)]
    # It collects its garbage less often, a third of its time for 100 MB, and not beside itself, another sixth.
    env = {**os.environ, "GOGC": "400", "GOMAXPROCS": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, env=env)


def check_rules(path: Path) -> None:
    """Assert that Prometheus takes the file."""
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@cache  # a hundred tests ask for them
def groups() -> list[dict[str, Any]]:
    """The groups of the rule file."""
    listed: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    return listed


def alerts() -> dict[str, dict[str, Any]]:
    """The alerts of the rule file, by name."""
    return {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}
