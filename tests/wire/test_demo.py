"""The demonstration, as whoever types it sees it: it says what happened, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from connector.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEMO_TAKES_AT_MOST = 45.0  # seconds
PARTS = {"broker": "connector.local.broker", "endpoint": "connector.local.endpoint.command", "connector": "run"}

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


class Performance:
    """A running demo. Its processes are known by their folder for temporary files."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.folder = folder
        self.mark = f"TMPDIR={folder}".encode()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "connector", "demo", *arguments],
            env={**os.environ, **env, "TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def running(self) -> dict[int, str]:
        """Command lines by process id."""
        found: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and self.mark in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # gone meanwhile, or another's
                continue
        return {pid: command for pid, command in found.items() if command}  # a zombie has none

    def part(self, name: str) -> int | None:
        """The process id of a part, once it runs."""
        words = f" -m {'connector run' if name == 'connector' else PARTS[name]} "
        return next((pid for pid, command in self.running().items() if words in command), None)

    def until_records_flow(self) -> str:
        """Read the output up to the first progress."""
        assert self.process.stdout is not None
        read = ""
        for line in self.process.stdout:
            read += line
            if "records  " in line:
                return read
        raise AssertionError(read + self.end()[2])

    def end(self) -> tuple[int, str, str]:
        """Exit code, and the rest of both outputs."""
        out, err = self.process.communicate(timeout=DEMO_TAKES_AT_MOST)
        return self.process.returncode, out, err


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEMO_TAKES_AT_MOST
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.fixture
def perform(tmp_path: Path) -> Iterator[Callable[..., Performance]]:
    performances: list[Performance] = []

    def start(*arguments: str, **env: str) -> Performance:
        performances.append(Performance(tmp_path, *arguments, **env))
        return performances[-1]

    yield start
    for performance in performances:
        performance.process.kill()
        performance.process.communicate()
        for pid in performance.running():
            os.kill(pid, signal.SIGKILL)


HOSTILE = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "AWS_PROFILE": "not-there",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_SESSION_TOKEN": "expired",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "PERSONALIZE_TRACKING_ID": "a-real-one",
    "PERSONALIZE_ENDPOINT_URL": "http://127.0.0.1:9",
    "HOME": "/not-there",
    "COLUMNS": "100",
}


def test_a_demo_ends_well_whatever_the_developer_has_set_and_leaves_nothing(
    perform: Callable[..., Performance], tmp_path: Path
) -> None:
    performance = perform("--records", "1500", "--rate", "1500", "--seed", "3", **HOSTILE)
    code, out, err = performance.end()
    assert (code, err) == (0, ""), out
    assert "Nothing was lost, nothing is out of order." in out
    numbers = {
        name: int(number.replace(",", ""))
        for name, number in re.findall(r"^ +([a-z-]+) +([\d,]+)  ", out, re.MULTILINE)
    }
    parts = (numbers[name] for name in ("delivered", "filtered", "skipped", "dead-lettered"))
    assert numbers["records"] == sum(parts) == 1500
    changes = sum(int(each.replace(",", "")) for each in re.findall(r"newest versions, of ([\d,]+) changes", out))
    assert changes > 300
    assert numbers["committed"] == 1500 + changes
    assert numbers["calls"] < numbers["events"]
    last = re.findall(r"^ +100% .*? ([\d,]+) events .*? ([\d,]+) calls +([\d,]+) dead letters$", out, re.MULTILINE)[-1]
    calls = numbers["calls"] + sum(map(int, re.findall(r" changes in .*, in (\d+) calls", out)))
    assert [int(number.replace(",", "")) for number in last] == [numbers["events"], calls, numbers["dead-lettered"]]
    assert "WRONG" not in out
    assert not performance.running()
    assert not list(tmp_path.iterdir())


@pytest.mark.grid
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_all_of_it_at_once(
    perform: Callable[..., Performance], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    performance = perform("--records", "9000", "--rate", "500")
    performance.until_records_flow()
    assert all(map(performance.part, PARTS))
    performance.process.send_signal(number)
    assert performance.end()[0] == code
    assert not performance.running()
    assert not list(tmp_path.iterdir())


def test_sigint_ends_it_even_where_whoever_started_it_ignores_sigint(
    perform: Callable[..., Performance], tmp_path: Path
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for `demo &` in a script
    try:
        performance = perform("--records", "9000", "--rate", "500")
    finally:
        signal.signal(signal.SIGINT, before)
    performance.until_records_flow()
    performance.process.send_signal(signal.SIGINT)
    assert performance.end()[0] == 130
    assert not performance.running()
    assert not list(tmp_path.iterdir())


def test_no_folder_for_temporary_files_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/not-there")
    assert main(["demo", "--records", "10"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "expected a writable folder for temporary files: No such file or directory; set TMPDIR" in err


def test_a_signal_during_the_start_ends_all_of_it(perform: Callable[..., Performance], tmp_path: Path) -> None:
    performance = perform()
    _until(lambda: performance.part("broker") is not None, "expected the broker to be started")
    performance.process.send_signal(signal.SIGINT)
    assert performance.end()[0] == 130
    assert not performance.running()
    assert not list(tmp_path.iterdir())


@pytest.mark.grid
@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_dies_is_named_and_ends_the_rest(
    perform: Callable[..., Performance], tmp_path: Path, name: str
) -> None:
    performance = perform("--records", "9000", "--rate", "500")
    performance.until_records_flow()
    os.kill(performance.part(name) or 0, signal.SIGKILL)
    code, out, err = performance.end()
    assert code == 1
    assert f"the demo failed: the {name} ended by itself" in err
    assert "Traceback" not in err
    [kept] = tmp_path.iterdir()
    assert str(kept) in out
    assert (kept / "connector.log").exists()
    assert not performance.running()


def test_even_a_demo_that_is_killed_leaves_no_process(perform: Callable[..., Performance]) -> None:
    performance = perform("--records", "9000", "--rate", "500")
    performance.until_records_flow()
    performance.process.kill()
    _until(lambda: not performance.running(), f"still running: {performance.running()}")


def test_what_is_lost_is_missed_and_named(perform: Callable[..., Performance], tmp_path: Path) -> None:
    performance = perform("--records", "900", "--rate", "300")
    performance.until_records_flow()
    _until(lambda: _events(tmp_path) > 0, "expected accepted events")
    _endpoint(tmp_path, "POST", "/_local/reset")
    code, out, err = performance.end()
    assert code == 1
    assert re.search(r"WRONG +every event accepted", out)
    assert "was never accepted" in out
    assert re.search(r"the demo failed: \d of 9 checks failed", err)
    assert str(next(tmp_path.iterdir()) / "connector.log") in err
    assert not performance.running()


def _events(folder: Path) -> int:
    events: int = json.loads(_endpoint(folder, "GET", "/_local/stats"))["events"]
    return events


def _endpoint(folder: Path, method: str, path: str) -> bytes:
    [log] = folder.glob("*/endpoint.log")
    address = urlsplit(json.loads(log.read_text().splitlines()[0])["url"])
    connection = HTTPConnection(address.hostname or "", address.port, timeout=DEMO_TAKES_AT_MOST)
    with closing(connection):
        connection.request(method, path)
        return connection.getresponse().read()
