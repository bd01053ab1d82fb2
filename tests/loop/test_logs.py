"""Logs are lines for machines or for people; libraries' lines are like ours, and say nothing about requests."""

import io
import json
import logging

import pytest
import structlog

from connector import logs
from connector.logs import Repeats

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
    written = capsys.readouterr().err
    for words in ("it said so", "it failed", "we failed", "what went wrong"):
        assert words in written
    if log_format == "json":
        lines = [json.loads(line) for line in written.splitlines()]
        assert [line["level"] for line in lines] == ["warning", "error", "error"]


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
    repeats = Repeats(10.0, lambda: now[0])
    assert [repeats.written(("a",)), repeats.written(("a",)), repeats.written(("b",))] == [True, False, True]
    now[0] = 10.0
    assert repeats.written(("a",))
    assert (repeats.left_out(("a",)), repeats.left_out(("a",)), repeats.left_out(("b",))) == (1, 0, 0)
