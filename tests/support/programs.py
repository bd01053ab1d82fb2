"""Where the programs come from that render and check: found here and nowhere else.

Missing is a reason to skip on a machine of somebody's own, and an error in CI, where it would hide that nothing ran.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".cache" / "bin"
HINT = ".ci/install-deploy-prerequisites gets it"


def found(*programs: str) -> str:
    """Path of the first of these that is in .cache/bin or else on the PATH; skips, or fails in CI, without any."""
    for program in programs:
        path = BIN / program
        if path.is_file():
            return str(path)
    for program in programs:
        on_path = shutil.which(program)
        if on_path is not None:
            return on_path
    message = f"no {' or '.join(programs)} here: {HINT}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """What it printed and how it ended; in a minute at most, and without anybody's helm or kubectl settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HELM_", "KUBE"))}
    environment = {**kept, "KUBECONFIG": os.devnull, "HELM_NO_PLUGINS": "1"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=environment)
