"""``putevents run`` with standard streams that are closed, full or unread: it delivers, and ends as documented."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from connector import streams as standard
from connector.core.records import TopicPartition
from connector.local.endpoint.server import Endpoint
from connector.local.mock_cluster import MockCluster
from connector.streams import Lines
from tests.support import forked
from tests.support.config_files import run_config
from tests.support.forked import CLOSED, CONNECTOR
from tests.support.mock_cluster import committed, produce
from tests.support.processes import environment, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0
P0 = TopicPartition("clicks", 0)
FULL = "/dev/full"
Streams = dict[str, int | str]  # of a process, by name: a descriptor, or a file to write to
REDIRECTIONS: dict[str, Streams] = {
    "stdout closed": {"stdout": CLOSED},
    "stderr closed": {"stderr": CLOSED},
    "all closed": {"stdin": CLOSED, "stdout": CLOSED, "stderr": CLOSED},
    "stdout full": {"stdout": FULL},
    "stderr full": {"stderr": FULL},
    "both full": {"stdout": FULL, "stderr": FULL},
    "stdout closed, stderr full": {"stdout": CLOSED, "stderr": FULL},
}
needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which Linux has")  # noqa: PTH110


def written(path: Path, servers: str, url: str, **sections: dict[str, Any]) -> str:
    more: dict[str, dict[str, Any]] = {
        "server": {"host": "127.0.0.1", "port": 0, "linger_after_refusal": "0s"},
        "log": {"level": "debug"},
    }
    file = path / "connector.yaml"
    file.write_text(yaml.safe_dump(run_config(servers, url, **(more | sections))))
    return str(file)


@contextmanager
def redirected(file: str, streams: Streams) -> Iterator[subprocess.Popen[bytes]]:
    """``putevents run``, its streams as a shell makes them."""
    with ExitStack() as opened:
        given: dict[str, Any] = {
            name: opened.enter_context(Path(stream).open("wb")) if isinstance(stream, str) else stream
            for name, stream in streams.items()
        }
        process = opened.enter_context(forked.Popen([*CONNECTOR, "run", file], env=environment(), **given))
        try:
            yield process
        finally:
            process.kill()


def delivers_and_ends(process: subprocess.Popen[bytes], servers: str, endpoint: Endpoint, records: int = 3) -> int:
    """The exit code after everything was delivered and SIGTERM."""
    wait_until(lambda: committed(servers, P0) == [records], PATIENCE, "committed", lambda: process.poll() is None)
    assert len(endpoint.accepted()) == records
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


@needs_full
@pytest.mark.parametrize("streams", REDIRECTIONS.values(), ids=REDIRECTIONS)
def test_streams_that_take_nothing_neither_stop_delivery_nor_change_the_exit_code(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path, streams: Streams
) -> None:
    servers = cluster.bootstrap_servers
    produce(servers, "clicks", *[json.dumps({"session": f"s-{number}"}).encode() for number in range(3)])
    with redirected(written(tmp_path, servers, endpoint.url), streams) as process:
        assert delivers_and_ends(process, servers, endpoint) == 0


@pytest.mark.parametrize("gone", [False, True], ids=["nobody reads", "the reader has gone"])
def test_a_log_that_nobody_reads_stops_nothing(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path, *, gone: bool
) -> None:
    """The pipe is full from the start, so that the very first line finds no room."""
    servers = cluster.bootstrap_servers
    produce(servers, "clicks", *[json.dumps({"session": f"s-{number}"}).encode() for number in range(3)])
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    with redirected(written(tmp_path, servers, endpoint.url), {"stderr": writing}) as process:
        os.close(writing)
        if gone:
            os.close(reading)
        assert delivers_and_ends(process, servers, endpoint) == 0
    if not gone:
        os.close(reading)


@needs_full
@pytest.mark.parametrize("redirection", ["stderr closed", "stderr full", "both full", "all closed"])
@pytest.mark.parametrize(
    ("sections", "code"),
    [({"dead_letters": {}}, 78), ({"personalize": {"region": "eu-west-1", "tracking_id": "t"}}, 69)],
    ids=["a wrong file", "no broker"],
)
def test_what_cannot_be_said_still_ends_with_its_exit_code(
    tmp_path: Path, redirection: str, sections: dict[str, dict[str, Any]], code: int
) -> None:
    taken = {"server": {"host": "203.0.113.1", "port": 1}}  # of a network for documentation: nobody can listen there
    file = written(tmp_path, "127.0.0.1:1", "http://127.0.0.1:1", **taken, **sections)
    with redirected(file, REDIRECTIONS[redirection]) as process:
        assert process.wait(PATIENCE) == code


# -- in process -----------------------------------------------------------------------------------------------


def test_lines_are_whole_and_in_order_while_somebody_reads() -> None:
    reading, writing = os.pipe()
    lines = Lines(writing)
    for number in range(3):
        lines.write(f"{number} {'ä' * 3000}\n")
    os.close(writing)
    with open(reading, encoding="utf-8") as read:  # noqa: PTH123  a descriptor has no path
        assert [line[:2] for line in read] == ["0 ", "1 ", "2 "]


def test_a_reader_that_is_behind_is_waited_for_once_and_heard_again_when_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standard, "READER_WAIT", 0.01)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    lines = Lines(writing)
    for _ in range(100):
        lines.write("x" * 4095 + "\n")  # a pipe holds 64 KiB
    while True:
        try:
            os.read(reading, 1 << 16)
        except BlockingIOError:
            break
    lines.write("again\n")
    assert os.read(reading, 100) == b"again\n"
    os.close(reading)
    lines.write("nobody is left\n")
    os.close(writing)


OCCUPIES = """
import os, sys
from connector.streams import occupy_closed
closed = occupy_closed()
descriptor = os.open(os.devnull, os.O_RDONLY)
sys.exit(0 if closed == {0, 1, 2} and descriptor > 2 and print("x") is None and sys.stdin.read() == "" else 3)
"""


def test_what_is_opened_later_never_takes_the_number_of_a_closed_stream() -> None:
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", OCCUPIES]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0
