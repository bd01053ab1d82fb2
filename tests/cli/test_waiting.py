"""What a command waits for: one line on a terminal, drawn while the command itself can do nothing."""

import socket
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from connector.cli.progress import AFTER, Waiting
from tests.cli.test_progress import Clock, Terminal
from tests.cli.test_terminals import on_terminal

pytestmark = pytest.mark.timeout(180)


def test_the_line_names_what_is_waited_for_and_goes_before_anything_else_is_written() -> None:
    terminal, clock = Terminal(), Clock()
    waiting = Waiting(terminal, clock)
    waiting.on("looking at brokers")
    clock.now += AFTER - 0.1
    waiting.draw()
    assert terminal.getvalue() == ""
    clock.now += 1
    waiting.draw()
    waiting.on("")
    waiting.draw()
    assert terminal.getvalue() == "\r\x1b[Klooking at brokers: 3 s\r\x1b[K"


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    plain, clock = StringIO(), Clock()
    with Waiting(plain, clock) as waiting:
        waiting.on("looking at brokers")
        clock.now += 10
    assert plain.getvalue() == ""


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("output", ["text", "json", "short"])
def test_a_check_says_on_a_terminal_what_it_waits_for(silent: str, tmp_path: Path, output: str) -> None:
    (tmp_path / "clicks.yaml").write_text(
        f"kafka: {{bootstrap_servers: '{silent}', group_id: readers}}\n"
        f"personalize: {{tracking_id: t, endpoint_url: 'http://{silent}'}}\ndead_letter: {{topic: clicks.dead}}\n"
        "pipelines: [{name: web, topics: [clicks], rules: [{name: view, put_events: "
        "{sessionId: value.session, eventType: {const: View}}}]}]\n"
    )
    with on_terminal(tmp_path, "check", "clicks.yaml", "--output", output) as terminal:
        assert "looking at authentication: " in terminal.read(until="looking at authentication: ")
