from __future__ import annotations

import os
import time

from bench.system import cores, cpu_seconds, machine, machine_seconds, memory

MIB = 1024 * 1024
NOBODY = 2**22 + 1  # above the most that a process id can be


def test_the_cpu_of_this_process_is_what_it_says_itself() -> None:
    spent = time.process_time()
    assert abs(cpu_seconds(os.getpid()) - spent) < 0.2
    assert machine_seconds() > cpu_seconds(os.getpid())


def test_the_most_memory_is_no_less_than_what_is_held_now() -> None:
    now, most = memory(os.getpid())
    assert 5 * MIB < now <= most


def test_a_process_that_has_ended_uses_nothing() -> None:
    assert cpu_seconds(NOBODY) == cpu_seconds(None) == 0.0
    assert memory(NOBODY) == (0, 0)


def test_a_result_says_what_it_was_measured_on() -> None:
    found = machine()
    assert found["cores"] == cores() >= 1
    assert found["versions"]["boto3"]
