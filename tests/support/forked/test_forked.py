"""A process that is forked is one as any other: what tests see of it is what they see of one that starts by itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support import forked
from tests.support.config_files import build
from tests.support.forked.starting import CLOSED, CONNECTOR, SWITCH
from tests.support.processes import wait_until

PATIENCE = 60.0
PIPE = subprocess.PIPE
ROOT = Path(__file__).parents[3]
RECORD = '{"timestamp": 1795509011000, "value": {"session": "ä"}}\n'

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt another's child")


@pytest.fixture(autouse=True)
def _forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file.yaml").write_text(build())
    (tmp_path / "bad.yaml").write_text(build(personalize="personalize: {tracking_idd: {env: NAMED}}"))
    return tmp_path


def both(words: list[str], how: Callable[[list[str]], object]) -> tuple[object, object]:
    """What a forked start gives, and one from the beginning."""
    found = []
    for switch in ("1", "0"):
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv(SWITCH, switch)
            found.append(how([*CONNECTOR, *words]))
    return found[0], found[1]


@pytest.mark.grid
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["run", "--help"],
        ["validate", "file.yaml"],
        ["validate", "bad.yaml"],
        ["map", "file.yaml", "--records"],
        ["nope"],
    ],
    ids=" ".join,
)
def test_it_prints_and_ends_as_one_that_starts_by_itself(folder: Path, words: list[str]) -> None:
    def how(command: list[str]) -> object:
        ran = forked.run(command, cwd=folder, given=RECORD, env={**os.environ, "COLUMNS": "70"})
        return ran.returncode, ran.stdout, ran.stderr

    ours, theirs = both(words, how)
    assert ours == theirs


@pytest.mark.grid
@pytest.mark.parametrize("closed", [{"stdin"}, {"stdout"}, {"stderr"}, {"stdin", "stdout", "stderr"}], ids=sorted)
def test_streams_that_are_closed_are_closed_in_it(folder: Path, closed: set[str]) -> None:
    def how(command: list[str]) -> object:
        streams: dict[str, Any] = {name: CLOSED if name in closed else PIPE for name in ("stdin", "stdout", "stderr")}
        with forked.Popen(command, cwd=folder, **streams) as process:
            return process.communicate(timeout=PATIENCE), process.wait(PATIENCE)

    ours, theirs = both(["map", "file.yaml"], how)
    assert ours == theirs


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_is_a_child_of_the_test_and_ends_by_its_signals(number: signal.Signals) -> None:
    def how(command: list[str]) -> object:
        with forked.Popen(command, stdout=PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            assert process.poll() is None
            process.send_signal(number)
            return process.wait(PATIENCE)

    ours, theirs = both(["endpoint"], how)
    assert ours == theirs
    with forked.Popen([*CONNECTOR, "endpoint"], stdout=PIPE) as process:
        assert int(of_status(process.pid, "PPid")) == os.getpid()
        process.kill()


def of_status(pid: int, name: str) -> str:
    """A line of what Linux tells of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))


def test_variables_that_python_reads_while_it_starts_are_read(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(42)")
    assert forked.run([*CONNECTOR, "--help"], env={**os.environ, "PYTHONPATH": str(tmp_path)}).returncode == 42


def test_a_signal_that_the_test_ignores_is_ignored_in_it() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with forked.Popen([*CONNECTOR, "endpoint"], stdout=PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            ignored = of_status(process.pid, "SigIgn")
            process.kill()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert int(ignored, 16) & 1 << signal.SIGHUP - 1


SCRIPT = """
putevents validate file.yaml; echo $?
putevents validate bad.yaml; echo $?
putevents map file.yaml <&-; echo $?
putevents explain not-json >&-; echo $?
echo '{"session": "s"}' | putevents map file.yaml | head -c 20; echo
"""


def test_scripts_see_of_it_what_they_see_of_one_that_starts_by_itself(folder: Path) -> None:
    def how(_: list[str]) -> object:
        env = {**os.environ, **forked.for_scripts()}
        ran = subprocess.run(["sh", "-c", SCRIPT], cwd=folder, env=env, capture_output=True, text=True, check=True)
        return ran.stdout, ran.stderr

    ours, theirs = both([], how)
    assert ours == theirs


def test_a_script_is_told_of_the_signal_that_ended_it(tmp_path: Path) -> None:
    env = {**os.environ, **forked.for_scripts()}
    script = "putevents endpoint; exit $?"
    with subprocess.Popen(["sh", "-c", script], cwd=tmp_path, env=env, stdout=PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline()
        [pid] = [pid for pid in forked_ones() if os.readlink(f"/proc/{pid}/cwd") == str(tmp_path)]  # noqa: PTH115
        os.kill(pid, signal.SIGKILL)
        assert running.wait(PATIENCE) == 128 + signal.SIGKILL


def forked_ones() -> list[int]:
    """All servers and all that they have forked, of the tests that run beside this one, too."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # it is gone, or of another user
            if entry.name.isdecimal() and b"tests.support.forked.server" in (entry / "cmdline").read_bytes():
                (entry / "cwd").readlink()
                found.append(int(entry.name))
    return found


OWNER = """
import os, subprocess, sys
from tests.support import forked
from tests.support.forked import starting
os.environ[starting.SWITCH] = "1"
with forked.Popen([*forked.CONNECTOR, "version"], stdout=subprocess.DEVNULL) as process:
    pass
print(starting._folder(), flush=True)
sys.stdin.read()
"""


def test_the_server_and_its_folder_go_with_the_process_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        assert folder.is_dir()
        owner.kill()
    wait_until(lambda: not folder.exists(), PATIENCE, "the folder gone")
