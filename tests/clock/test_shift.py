"""A process whose clock is shifted sees another date, and waits as long as before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from tests.clock import __main__ as command
from tests.clock.shift import DAY, MissingError, preload

_LOOK = """
import datetime, json, subprocess, sys, threading, time
from confluent_kafka import Consumer

begin = time.monotonic()
lock = threading.Lock()
with lock:
    assert not lock.acquire(timeout=0.2)
assert not threading.Event().wait(0.2)
consumer = Consumer({"bootstrap.servers": "127.0.0.1:1", "group.id": "clock", "log_level": 0})
assert consumer.poll(0.2) is None
waited = time.monotonic() - begin
consumer.close()
child = subprocess.run([sys.executable, "-c", "import time; print(time.time())"], capture_output=True, check=True)
clocks = [time.time(), time.time_ns() / 1e9, datetime.datetime.now(datetime.UTC).timestamp(), float(child.stdout)]
print(json.dumps({"clocks": clocks, "monotonic": begin, "waited": waited}))
"""


@pytest.mark.parametrize("days", [400, -30])
def test_every_clock_of_the_date_is_shifted_and_waits_take_as_long_as_ever(days: int) -> None:
    before, begin = time.time(), time.monotonic()
    seen = json.loads(
        subprocess.run([sys.executable, "-c", _LOOK], env=_shifted(days), capture_output=True, check=True).stdout
    )
    for clock in seen["clocks"]:
        assert before <= clock - days * DAY <= time.time()
    assert begin <= seen["monotonic"] <= time.monotonic()
    assert 0.55 <= seen["waited"] <= time.monotonic() - begin


def test_without_a_compiler_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", "/nowhere")
    assert command.main(["+1", "--", "tests/core"]) == 1
    assert "found no cc: apt-get install gcc libc6-dev" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["tests/core"], ["--", "tests/core"]])
def test_a_shift_that_is_not_given_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 2
    assert "usage: python -m tests.clock" in capsys.readouterr().err


def _shifted(days: int) -> dict[str, str]:
    try:
        return {**os.environ, **preload(days)}
    except MissingError as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))
