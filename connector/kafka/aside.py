"""Runs a slow question in a thread of its own, so that the loop does not wait; the answer comes as a value.

The thread ends with the question. It is a daemon: the process does not wait for an answer at its end.
"""

import contextlib
import queue
import signal
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Aside(Generic[Found]):
    """Asks one question at a time. ``found`` is the last answer; None if the question raised."""

    def __init__(self) -> None:
        self.found: Found | None = None
        self._answers: queue.SimpleQueue[Found | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is still to be picked up."""
        return self._thread is not None

    def ask(self, question: Callable[[], Found]) -> None:
        """Start a question; only while no other one runs."""

        def answer() -> None:
            found = None
            with contextlib.suppress(Exception):
                found = question()
            self._answers.put(found)

        self._thread = threading.Thread(target=answer, name="aside", daemon=True)
        # A thread inherits what its maker blocks. It may outlive the loop, and a signal that it took in the moment of a
        # restart in place would be lost: only the main thread keeps one for the new program.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread.start()
        except RuntimeError:  # there are too many threads on this machine
            self._answers.put(None)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def ended(self) -> bool:
        """Whether the question has ended since the last call; never waits."""
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """As ``ended``, but wait for it at most so many seconds."""
        if self._thread is None:
            return False
        try:
            self.found = self._answers.get(timeout=seconds) if seconds > 0 else self._answers.get_nowait()
        except queue.Empty:
            return False
        self._thread = None
        return True
