"""A question beside the loop: its answer is a value, and no signal reaches its thread."""

import signal
import threading

from connector.kafka.aside import Aside
from connector.signals import STOPPING


def test_the_answer_is_a_value_and_an_error_is_none() -> None:
    aside: Aside[int] = Aside()
    aside.ask(lambda: 7)
    assert aside.wait(60)
    assert (aside.found, aside.busy) == (7, False)
    aside.ask(lambda: 1 // 0)
    assert aside.wait(60)
    assert aside.found is None


def test_while_the_question_runs_it_has_not_ended() -> None:
    aside: Aside[bool] = Aside()
    going_on = threading.Event()
    aside.ask(lambda: going_on.wait(60))
    assert aside.busy
    assert not aside.ended()
    going_on.set()
    assert aside.wait(60)
    assert aside.found is True
    assert not aside.wait(0), "an answer is picked up once"


def test_a_signal_is_left_to_the_main_thread() -> None:
    aside: Aside[set[signal.Signals | int]] = Aside()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    aside.ask(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, []))
    assert aside.wait(60)
    assert aside.found is not None
    assert aside.found >= set(STOPPING)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
