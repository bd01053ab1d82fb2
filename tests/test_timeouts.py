"""A test that hangs fails by itself: the tests after it run, and the run ends with its summary."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_HANGING = """
import socket, subprocess, sys, threading, time
import pytest
from confluent_kafka import Consumer

pytestmark = pytest.mark.timeout(0.5)


@pytest.fixture
def never_ends():
    yield
    threading.Event().wait()


def test_that_waits_for_a_thread():
    threading.Event().wait()


def test_that_waits_for_a_process():
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            process.wait()
        finally:
            process.kill()


def test_that_waits_for_the_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.accept()


def test_that_polls_the_kafka_client():
    consumer = Consumer({"bootstrap.servers": "127.0.0.1:1", "group.id": "g", "log_level": 0})
    consumer.subscribe(["clicks"])
    consumer.poll(60)


def test_that_forgives_every_exception():
    try:
        threading.Event().wait()
    except Exception:
        pass


def test_that_cleans_up_for_ever(never_ends):
    pass


def test_after_them():
    pass
"""


@pytest.mark.timeout(600)  # it starts an interpreter or two, and loads the plugins of pytest
@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["alone", "in a worker"])
def test_a_time_out_fails_its_test_and_the_others_go_on(tmp_path: Path, options: list[str]) -> None:
    file = tmp_path / "test_hanging.py"
    file.write_text(_HANGING)
    # The settings are those of this project; the cache is not.
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", *options]
    done = subprocess.run([*command, str(file)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    summary = done.stdout.splitlines()[-1]
    assert "5 failed, 2 passed, 1 error" in summary, done.stdout
