"""The screen of the demonstration: colour and a moving line on a terminal, plain lines elsewhere."""

import io

import pytest

from connector.local.demo.catalogue import rows
from connector.local.demo.report import GREEN, Progress, Screen, next_steps
from connector.local.demo.traffic import Sent
from tests.local.test_demo_judge import CLICKS


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_is_not_forced_on_anyone(env: dict[str, str]) -> None:
    assert Screen(_Terminal(), {}).paint("ok", GREEN) == "\033[32mok\033[0m"
    assert Screen(_Terminal(), env).paint("ok", GREEN) == "ok"
    assert Screen(io.StringIO(), {}).paint("ok", GREEN) == "ok"


def test_progress_moves_on_a_terminal_and_is_kept_when_something_else_is_said() -> None:
    out = _Terminal()
    screen = Screen(out, {})
    screen.progress("one")
    screen.progress("two")
    screen.say("done")
    assert out.getvalue() == "\r\033[Kone\r\033[Ktwo\ndone\n"


def test_progress_is_a_line_each_elsewhere() -> None:
    out = io.StringIO()
    screen = Screen(out, {})
    screen.progress("one")
    screen.progress("two")
    assert out.getvalue() == "one\ntwo\n"


def test_the_last_line_is_behind_until_it_says_what_the_page_will() -> None:
    progress, sent = Progress(), Sent(CLICKS, [0] * len(CLICKS), {}, rows(0, 1), {})
    early, late = {"events": 9, "accepted_calls": 2}, {"events": 10, "accepted_calls": 3}
    progress.line(sent, early, 4)
    assert progress.is_behind(sent, late, 4)
    assert progress.is_behind(sent, early, 5)
    progress.line(sent, late, 5)
    assert not progress.is_behind(sent, late, 5)


def test_a_line_of_progress_and_the_next_steps_fit_a_narrow_terminal() -> None:
    stats = {"events": 10_214, "accepted_calls": 1_948}
    line = Progress().line(Sent(CLICKS, [0] * len(CLICKS), {}, rows(0, 1), {}), stats, 461)
    assert len(line) < 80
    assert all(len(step) < 100 for step in next_steps("putevents", "examples/segment.yaml"))
