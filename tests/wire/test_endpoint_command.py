"""The command as a user's CI runs it: one line on stdout, options that work, a clean end."""

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from connector.local.endpoint.command import add_arguments, read_faults, run
from tests.wire.endpoint_support import KEY, SECRET, call, event, post, request, stock_client


@contextmanager
def command(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    words = [sys.executable, "-m", "connector.local.endpoint.command", "--port", "0", *arguments]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield orjson.loads(process.stdout.readline())["url"], process
        finally:
            process.kill()


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_serves_and_ends_cleanly_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    log = tmp_path / "accepted.jsonl"
    options = ("--access-key", KEY, "--secret-key", SECRET, "--ledger", "--log", str(log), "--latency", "1ms-2ms")
    with command(*options) as (url, process):
        with stock_client(url) as client:
            client.put_events(**call(event(eventId="e")))
        lines = request(url, "GET", "/_local/accepted").body
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout is not None
        assert process.stderr is not None
        assert (process.stdout.read(), process.stderr.read()) == ("", "")
    assert log.read_bytes() == lines
    assert orjson.loads(lines)["eventId"] == "e"


def test_a_signal_ends_it_while_calls_hang() -> None:
    with command("--hang-rate", "1") as (url, process):
        with pytest.raises(Exception, match="time"), stock_client(url, timeout=0.2) as client:
            client.put_events(**call())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_every_fault_option_reaches_the_faults() -> None:
    faults = read_faults(
        parse(
            *("--quota", "5", "--latency", "20ms-50ms", "--fail-rate", ".1", "--reset-rate", ".2"),
            *("--reset-after-rate", ".3", "--hang-rate", ".4", "--poison-prefix", "p"),
            *("--tracking-id", "a", "--tracking-id", "b", "--access-key", "k", "--secret-key", "s"),
        )
    )
    assert faults.latency == pytest.approx((0.02, 0.05))
    assert faults.tracking_ids == frozenset("ab")
    assert (faults.quota, faults.poison_prefix) == (5, "p")
    rates = (faults.fail_rate, faults.reset_rate, faults.reset_after_rate, faults.hang_rate)
    assert rates == (0.1, 0.2, 0.3, 0.4)
    assert faults.credentials == {"k": "s"}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--fail-rate", "2"), "--fail-rate"),
        (("--latency", "fast"), "--latency"),
        (("--quota", "0"), "--quota"),
        (("--access-key", "k"), "--secret-key"),
    ],
)
def test_a_wrong_option_is_named_and_ends_with_2(
    options: tuple[str, ...], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(parse(*options)) == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--port", "99999", "expected a port from 0 to 65535, not '99999'"),
        ("--port", "65536", "expected a port from 0 to 65535"),
        ("--port", "-1", "expected a port from 0 to 65535"),
        ("--port", "http", "expected a port from 0 to 65535"),
        ("--tracking-id", "", "expected text that is not empty"),
        ("--poison-prefix", "", "expected text that is not empty"),
    ],
)
def test_a_port_that_is_none_and_an_empty_text_are_refused(
    option: str, value: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(f"{option}={value}")
    assert left.value.code == 2
    assert expected in capsys.readouterr().err


def test_a_log_or_a_port_that_cannot_be_had_ends_with_69(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parse("--log", str(tmp_path / "no" / "such"))) == 69
    assert "No such file" in capsys.readouterr().err
    with command() as (url, _):
        assert post(url, call()).status == 200
        assert run(parse("--port", url.rsplit(":", 1)[1])) == 69


def test_help_fits_a_terminal_and_names_every_page() -> None:
    parser = argparse.ArgumentParser(prog="putevents endpoint")
    add_arguments(parser)
    text = parser.format_help()
    assert all(len(line) <= 110 for line in text.splitlines())
    assert all(page in text for page in ("/_local/stats", "/_local/accepted", "/_local/control", "/_local/reset"))
