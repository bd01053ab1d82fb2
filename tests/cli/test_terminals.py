"""On a terminal: colour unless NO_COLOR says otherwise, and a watch that draws itself again in place."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.local.mock_cluster import MockCluster
from tests.support import forked
from tests.support.mock_cluster import produce
from tests.support.trials import case, config

pytestmark = pytest.mark.timeout(180)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PATIENCE = 60.0


class Terminal:
    """A command whose streams are a terminal."""

    def __init__(self, running: "subprocess.Popen[bytes]", screen: int) -> None:
        self.running = running
        self.shown = ""
        self._screen = screen

    def read(self, until: str | None = None) -> str:
        """What was shown, until a text came for the last time, or to the end."""
        deadline = time.monotonic() + PATIENCE
        while until is None or until not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if not select.select([self._screen], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self._screen, 65_536)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            self.shown += data.decode()
        return self.shown


@contextmanager
def on_terminal(folder: Path, *words: str, **more: str) -> Iterator[Terminal]:
    """``putevents`` with these words, its standard streams being a terminal of 120 columns."""
    screen, streams = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM", "COLUMNS", "LINES"}}
    env = {**kept, "TERM": "xterm", "COLUMNS": "120", "LINES": "40", **more}
    command = [*forked.CONNECTOR, *words]
    running = forked.Popen(command, cwd=folder, stdin=streams, stdout=streams, stderr=streams, env=env)
    os.close(streams)
    try:
        yield Terminal(running, screen)
    finally:
        running.kill()
        running.wait(PATIENCE)
        os.close(screen)


@pytest.fixture
def folder(cluster: MockCluster, tmp_path: Path) -> Path:
    (tmp_path / "tested.yaml").write_text(config(case(name="bad", output="[]")))
    rule = "{name: view, put_events: {sessionId: value.session, eventType: {const: View}}}"
    (tmp_path / "clicks.yaml").write_text(
        f"kafka: {{bootstrap_servers: '{cluster.bootstrap_servers}', group_id: readers}}\n"
        "personalize: {tracking_id: t}\ndead_letter: {topic: clicks.dead}\n"
        f"pipelines: [{{name: web, topics: [clicks], rules: [{rule}]}}]\n"
    )
    (tmp_path / "other.yaml").write_text((tmp_path / "clicks.yaml").read_text().replace("const: View", "const: Look"))
    (tmp_path / "records.jsonl").write_text('{"session": "s"}\n')
    produce(cluster.bootstrap_servers, "clicks", json.dumps({"session": "s"}).encode())
    return tmp_path


COMMANDS: Sequence[tuple[str, ...]] = (
    ("explain", "missing_member"),
    ("plan", "clicks.yaml", "other.yaml", "--input", "records.jsonl"),
    ("test", "tested.yaml"),
    ("tap", "clicks.yaml", "-o", "start:end"),
    ("lag", "clicks.yaml", "--interval", "100ms"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_colour_is_shown_on_a_terminal_and_not_with_no_color(folder: Path, words: tuple[str, ...]) -> None:
    with on_terminal(folder, *words, TERM="xterm") as terminal:
        assert COLOUR.search(terminal.read())
    for without in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}):
        with on_terminal(folder, *words, **without) as terminal:
            shown = terminal.read()
            assert shown
            assert not COLOUR.search(shown)


def test_a_watch_is_drawn_again_in_its_place(folder: Path) -> None:
    with on_terminal(folder, "lag", "clicks.yaml", "--watch", "--interval", "200ms") as terminal:
        again = re.compile(r"\x1b\[(\d+)F\x1b\[J")
        terminal.read(until="\x1b[J")
        found = again.search(terminal.shown)
        assert found is not None
        before = terminal.shown[: found.start()].rpartition("group readers")[2]
        assert int(found[1]) == before.count("\n")
        terminal.running.send_signal(signal.SIGINT)
        terminal.read()
        assert terminal.running.wait(PATIENCE) == 0
