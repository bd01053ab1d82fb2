"""Progress: one line on a terminal, after two seconds, and no trace of it afterwards."""

from io import StringIO

import pytest

from connector.cli import with_positions
from connector.cli.progress import AFTER, Progress, line, remaining


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_shown_before_two_seconds_are_over() -> None:
    terminal, clock = Terminal(), Clock()
    with Progress("reading", stream=terminal, clock=clock) as progress:
        clock.now += AFTER - 0.1
        progress.show(5)
    assert terminal.getvalue() == ""


def test_the_line_is_drawn_in_place_and_taken_away_at_the_end() -> None:
    terminal, clock = Terminal(), Clock()
    with Progress("reading", stream=terminal, clock=clock) as progress:
        clock.now += 10
        progress.show(1_000, 4_000)
        progress.show(1_001, 4_000)
        clock.now += 10
        progress.show(2_000, 4_000)
    assert terminal.getvalue().split("\r\x1b[K") == [
        "",
        "reading: 1,000 of 4,000 records (25%), 100/s, 30 s left",
        "reading: 2,000 of 4,000 records (50%), 100/s, 20 s left",
        "",
    ]


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    closed = Terminal()
    clock, plain = Clock(), StringIO()
    for stream in (plain, closed):
        with Progress("reading", stream=stream, clock=clock) as progress:
            if stream is plain:
                clock.now += 10
                progress.show(1)
    assert plain.getvalue() == ""


def test_a_closed_stream_is_no_terminal() -> None:
    stream, clock = StringIO(), Clock()
    stream.close()
    with Progress("reading", stream=stream, clock=clock) as progress:
        clock.now += 10
        progress.show(1)


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [
        (0, None, 0.0, "reading: 0 records, 0/s"),
        (500, None, 10.0, "reading: 500 records, 50/s"),
        (0, 100, 5.0, "reading: 0 of 100 records (0%), 0/s"),
        (100, 100, 5.0, "reading: 100 of 100 records (100%), 20/s"),
        (120, 100, 5.0, "reading: 120 of 100 records (100%), 24/s"),
    ],
)
def test_the_line_says_what_is_known(done: int, total: int | None, seconds: float, text: str) -> None:
    assert line("reading", done, total, "records", seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.6, "1 min 0 s"), (75, "1 min 15 s"), (3_700, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_a_time_that_is_left_has_two_units(seconds: float, text: str) -> None:
    assert remaining(seconds) == text


@pytest.mark.parametrize(
    ("given", "joined"),
    [
        (["tap", "c.yaml", "-o", "-1h"], ["tap", "c.yaml", "-o-1h"]),
        (["tap", "-o", "-100", "c.yaml"], ["tap", "-o-100", "c.yaml"]),
        (["tap", "--offset", "-1h"], ["tap", "--offset=-1h"]),
        (["tap", "-o", "@-1h", "-n", "5"], ["tap", "-o", "@-1h", "-n", "5"]),
        (["init", "-o", "--force"], ["init", "-o", "--force"]),
    ],
)
def test_a_position_that_begins_with_a_dash_is_no_option(given: list[str], joined: list[str]) -> None:
    assert with_positions(given) == joined
