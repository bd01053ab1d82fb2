"""A broker lives no longer than the process that started it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support.kafka.jars import REPOSITORY
from tests.support.kafka.talk import FAILS_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.integration


def _answers(address: str) -> bool:
    try:
        AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=1)
    except KafkaException:
        return False
    return True


def _wait_until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FAILS_AFTER
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
@pytest.mark.usefixtures("kafka_jars")
def test_a_broker_and_its_data_go_with_its_owner(tmp_path: Path, number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "tests.support.kafka"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(  # this interpreter, our module, no shell
        command, stdout=subprocess.PIPE, cwd=REPOSITORY, env=environment
    ) as owner:
        assert owner.stdout is not None
        address = owner.stdout.readline().decode().strip().removeprefix("bootstrap.servers=")
        assert _answers(address)
        owner.send_signal(number)
        assert owner.wait(FAILS_AFTER) == code
    _wait_until(lambda: not _answers(address))
    _wait_until(lambda: list(tmp_path.iterdir()) == [])
