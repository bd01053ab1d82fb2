"""Ctrl-C at any moment of a command: 130, and no traceback."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import forked
from tests.support.trials import config

pytestmark = pytest.mark.timeout(120)
PATIENCE = 60.0
# Interrupts itself in the midst of importing the module that it is told.
IN_AN_IMPORT = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Interrupting(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)

wanted = sys.argv.pop()
from connector.__main__ import main
for name in [wanted, *(each for each in sys.modules if each.startswith(f"{wanted}."))]:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Interrupting())
sys.exit(main())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clicks.yaml"
    path.write_text(config())
    return path


@pytest.mark.parametrize("module", ["argparse", "connector.cli", "pydantic_core", "orjson"])
def test_ctrl_c_while_modules_load_ends_without_a_traceback(file: Path, module: str) -> None:
    ended = _run("-c", IN_AN_IMPORT, "validate", str(file), module)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_an_ignored_interrupt_stays_ignored_as_in_the_background_of_a_shell(file: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a child inherits it
    try:
        ended = _run("-c", IN_AN_IMPORT, "validate", str(file), "pydantic_core")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (ended.returncode, ended.stderr) == (0, f"{file}: valid\n")


def test_ctrl_c_amid_the_records_ends_without_a_traceback(file: Path, tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    records.write_text('{"value": {}}\n' * 20_000)  # what becomes of them fills the pipe, so the command waits in it
    command = [*forked.CONNECTOR, "map", str(file), "--records", "--input", str(records)]
    with forked.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, messages = running.communicate(timeout=PATIENCE)
    assert (running.returncode, messages) == (130, "")


def _run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words], input="", capture_output=True, text=True, timeout=PATIENCE, check=False
    )
