"""The audit of the dependencies fails when something is found, and when nothing could be looked up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "audit.py"
WELL = {"name": "a", "version": "1", "vulns": []}
ILL = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1"}]}
SKIPPED = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


def audit(folder: Path, said: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a pip-audit that says this."""
    fake = folder / "pip-audit"
    fake.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    fake.chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if name != "AUDIT_MAY_SKIP"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(fake)], capture_output=True, text=True, check=False, env={**clean, **env}
    )


@pytest.mark.parametrize(
    ("dependencies", "code"),
    [([WELL], 0), ([WELL, ILL], 1), ([WELL, SKIPPED], 1), ([], 1)],
    ids=["well", "ill", "skipped", "none"],
)
def test_the_audit_succeeds_only_where_all_was_looked_up_and_is_well(
    dependencies: list[dict[str, Any]], code: int, tmp_path: Path
) -> None:
    done = audit(tmp_path, json.dumps({"dependencies": dependencies}))
    assert done.returncode == code
    assert ("NOT AUDITED" in done.stderr) is (WELL not in dependencies or SKIPPED in dependencies)
    assert ("PYSEC-1" in done.stderr) is (ILL in dependencies)


def test_the_audit_may_be_told_that_no_data_is_no_failure_and_says_so(tmp_path: Path) -> None:
    done = audit(tmp_path, json.dumps({"dependencies": [WELL, SKIPPED]}), AUDIT_MAY_SKIP="1")
    assert done.returncode == 0
    assert "NOT AUDITED: c" in done.stderr
    found = audit(tmp_path, json.dumps({"dependencies": [ILL, SKIPPED]}), AUDIT_MAY_SKIP="1")
    assert found.returncode == 1


def test_no_report_is_a_failure_unless_it_may_be_and_is_told_in_either_case(tmp_path: Path) -> None:
    for may_skip, code in (("0", 1), ("1", 0)):
        done = audit(tmp_path, "no connection", AUDIT_MAY_SKIP=may_skip)
        assert done.returncode == code
        assert "NOT AUDITED" in done.stderr
