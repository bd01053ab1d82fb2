"""Logs are lines for machines or for people; libraries' lines are like ours, and say nothing about requests."""

import fcntl
import io
import json
import logging
import os
import pty
import re
import struct
import termios

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from connector import logs
from connector.logs import LogLimiter, folded

pytestmark = pytest.mark.usefixtures("logs_as_before")


def _fail() -> None:
    raise ValueError("what went wrong")


def test_a_json_line_begins_with_time_level_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    structlog.get_logger().info("partitions assigned", partitions=["clicks-0"])
    line = json.loads(capsys.readouterr().err)
    assert list(line) == ["time", "level", "message", "partitions"]
    assert (line["level"], line["message"], line["partitions"]) == ("info", "partitions assigned", ["clicks-0"])
    assert line["time"].endswith("Z")


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_lines_of_libraries_and_tracebacks_have_the_same_form(
    log_format: logs.Format, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info", log_format)
    logging.getLogger("some.library").warning("it said %s", "so")
    try:
        _fail()
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
        structlog.get_logger().exception("we failed")
    allow = capsys.readouterr().err
    for words in ("it said so", "it failed", "we failed", "what went wrong"):
        assert words in allow
    if log_format == "json":
        lines = [json.loads(line) for line in allow.splitlines()]
        assert [line["level"] for line in lines] == ["warning", "error", "error"]


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_key_or_a_password_in_a_url_is_in_no_line(
    log_format: logs.Format, capsys: pytest.CaptureFixture[str]
) -> None:
    """Librdkafka names the token endpoint that failed, botocore and urllib3 the endpoint."""
    logs.configure("info", log_format)
    said = 'Failed to retrieve OIDC token from "https://provider/token?p=1&key=SECRET-1": no answer'
    logging.getLogger("librdkafka").error("%s", said)
    structlog.get_logger().warning("a refused login", detail=said, why="see http://me:SECRET-2@proxy:3128")
    allow = "".join(capsys.readouterr().err.split())
    assert "SECRET" not in allow
    assert "https://provider/token?p=********&key=********" in allow
    assert "http://********@proxy:3128" in allow


def test_a_level_hides_what_is_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "json")
    structlog.get_logger().info("hidden")
    logging.getLogger("some.library").info("hidden")
    structlog.get_logger().warning("shown")
    assert [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == ["shown"]


@pytest.mark.parametrize("library", ["botocore.endpoint", "boto3", "urllib3.connectionpool"])
def test_what_writes_requests_out_is_silent_even_at_debug_level(
    library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug", "json")
    logging.getLogger(library).debug("Making request with SECRET")
    assert capsys.readouterr().err == ""


def test_json_keeps_the_callers_order_and_every_value(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    structlog.get_logger().info("m", zebra=None, apple=["a-0", "a-1"], why="so", more_of_this_kind_before=0)
    allow = capsys.readouterr().err
    assert allow.count("\n") == 1
    line = json.loads(allow)
    assert list(line) == ["time", "level", "message", "zebra", "apple", "why", "more_of_this_kind_before"]
    assert line["apple"] == ["a-0", "a-1"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["time"])


def test_text_begins_with_utc_milliseconds_and_keeps_the_callers_order(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    structlog.get_logger().warning("a record", topic="clicks", partition=3, offset=0, nothing=None)
    structlog.get_logger().info("stopped", exit_code=0)
    first, second = capsys.readouterr().err.splitlines()
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[warning  \] a record +topic=clicks partition=3 offset=0"
    assert re.fullmatch(pattern, first)
    assert first.index("topic=") == second.index("exit_code="), "fields stand in a column"


def test_text_puts_sentences_below_the_line_and_leaves_them_whole_on_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    advice = " ".join(["check the network"] * 20)
    structlog.get_logger().error("refused", what_to_do=advice, detail="it said no", code="X")
    line, *below = capsys.readouterr().err.splitlines()
    assert line.endswith("code=X")
    assert below == [f"{logs.MARGIN}detail: it said no", f"{logs.MARGIN}what to do: {advice}"]


def test_text_gives_each_key_of_the_setup_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    structlog.get_logger().info("started", port=1, setup={"tracking_ids": ["t-1", "t-2"], "region": "a\nb"})
    line, *below = capsys.readouterr().err.splitlines()
    assert line.endswith("port=1")
    assert below == [f"{logs.MARGIN}tracking ids: t-1..2", f"{logs.MARGIN}region: a\\nb"]


def test_text_says_how_many_were_left_out_only_where_some_were(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    for left_out in (0, 3):
        structlog.get_logger().info("a letter", more_of_this_kind_before=left_out)
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("a letter")
    assert second.endswith("more_of_this_kind_before=3")


def test_what_a_broker_says_cannot_make_a_line_of_its_own_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    structlog.get_logger().error("refused", detail="no\n2026-01-01 [info] all is well\x1b[2J déjà vu")
    _, *below = capsys.readouterr().err.splitlines()
    assert below == [f"{logs.MARGIN}detail: no\\n2026-01-01 [info] all is well\\x1b[2J déjà vu"]


def test_text_shows_where_a_bug_was_as_a_traceback_does(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    structlog.get_logger().error("a bug", places=['  File "a.py", line 1, in f\n    g()\n', '  File "b.py", line 2\n'])
    _, *below = capsys.readouterr().err.splitlines()
    assert below == [
        f"{logs.MARGIN}places:",
        '  File "a.py", line 1, in f',
        "    g()",
        '  File "b.py", line 2',
    ]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["clicks-0"], "clicks-0"),
        (["clicks-0", "clicks-1", "clicks-2", "clicks-4", "views-5"], "clicks-0..2,clicks-4,views-5"),
        (["clicks", "^web.*"], "clicks,^web.*"),
        (["day-08", "day-09"], "day-08,day-09"),
        (["t-9", "t-10"], "t-9..10"),
        ([f"t{number}" for number in range(10)], "t0,t1,t2,t3,t4,t5,t6,t7 and 2 more"),
    ],
)
def test_names_are_told_in_few_words(names: list[str], text: str) -> None:
    assert folded(names) == text


@given(st.lists(st.tuples(st.sampled_from(["a", "b-1", "c-"]), st.integers(0, 12)), max_size=8))
def test_short_lists_lose_nothing_by_being_folded(places: list[tuple[str, int]]) -> None:
    names = [f"{stem}-{number}" for stem, number in places]
    unfolded = []
    for part in filter(None, folded(names).split(",")):
        stem, _, numbers = part.rpartition("-")
        first, _, last = numbers.partition("..")
        unfolded += [f"{stem}-{number}" for number in range(int(first), int(last or first) + 1)]
    assert unfolded == names


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, log_format: logs.Format, **fields: str) -> str:
    """What a line looks like where standard error is a terminal of a hundred columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with open(theirs, "w", encoding="utf-8") as stderr:  # noqa: PTH123  a descriptor has no path
        monkeypatch.setattr("sys.stderr", stderr)
        logs.configure("info", log_format)
        structlog.get_logger().warning("a line", **fields)
        stderr.flush()
        allow = os.read(ours, 1 << 16).decode()
    os.close(ours)
    return allow


@pytest.fixture
def colors(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nobody has anything against colours."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return monkeypatch


def test_text_on_a_terminal_has_colours(colors: pytest.MonkeyPatch) -> None:
    assert "\x1b[33m" in on_a_terminal(colors, "text")


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colours_gets_none(variable: str, value: str, colors: pytest.MonkeyPatch) -> None:
    colors.setenv(variable, value)
    allow = on_a_terminal(colors, "text")
    assert "a line" in allow
    assert "\x1b" not in allow


def test_sentences_are_wrapped_at_the_width_of_the_terminal(colors: pytest.MonkeyPatch) -> None:
    advice = " ".join(f"word{number}" for number in range(40))
    _, *below = on_a_terminal(colors, "text", what_to_do=advice).splitlines()
    assert max(map(len, below)) <= 100
    assert len(below) > 1
    assert all(line.startswith(logs.MARGIN) for line in below)
    assert " ".join(" ".join(below).split()) == f"what to do: {advice}"


def test_json_is_the_same_on_a_terminal(colors: pytest.MonkeyPatch) -> None:
    assert json.loads(on_a_terminal(colors, "json"))["message"] == "a line"


def test_text_on_a_pipe_has_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    structlog.get_logger().warning("plain", count=1)
    assert "\x1b" not in capsys.readouterr().err


def test_the_kafka_client_is_quoted_once_a_minute_for_each_thing_that_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("info", "json")
    for attempt in range(100):
        for broker in (1, 2):
            text = f"FAIL [putevents#consumer-1] [thrd:broker-{broker}]: broker-{broker}: refused (after {attempt} ms)"
            logs.CLIENT.error(text)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_configuring_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logs.configure("info", "json")
    structlog.get_logger().info("once")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_log_that_cannot_be_written_does_not_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr("sys.stderr", closed)
    logs.configure("info", "json")
    closed.close()
    monkeypatch.setattr(logging, "raiseExceptions", False)
    structlog.get_logger().info("nobody reads this")
    assert closed.closed


def test_repeats_pass_once_an_interval_and_count_what_they_left_out() -> None:
    now = [0.0]
    repeats = LogLimiter(10.0, lambda: now[0])
    assert [repeats.allow(("a",)), repeats.allow(("a",)), repeats.allow(("b",))] == [True, False, True]
    now[0] = 10.0
    assert repeats.allow(("a",))
    assert (repeats.left_out(("a",)), repeats.left_out(("a",)), repeats.left_out(("b",))) == (1, 0, 0)
