"""A question that may take long is asked beside the loop, in a thread that shares nothing: its answer comes as a value.

The thread is the question's own and ends with it, so whoever asks seldom has none lying about. It is a daemon: no
answer is worth waiting for at the end of the process.
"""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Aside(Generic[Found]):
    """Asks one question at a time. ``found`` is the last answer; None where a question came to nothing."""

    def __init__(self) -> None:
        self.found: Found | None = None
        self._answers: queue.SimpleQueue[Found | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is still to be picked up."""
        return self._thread is not None

    def ask(self, question: Callable[[], Found]) -> None:
        """Begin a question; only where none is under way. One that raises comes to nothing."""

        def answer() -> None:
            found = None
            with contextlib.suppress(Exception):
                found = question()
            self._answers.put(found)

        self._thread = threading.Thread(target=answer, name="aside", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # there are too many threads on this machine
            self._answers.put(None)

    def ended(self) -> bool:
        """Whether the question has come to its end, told once; never waits."""
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """The same, waiting up to so many seconds for it."""
        if self._thread is None:
            return False
        try:
            self.found = self._answers.get(timeout=seconds) if seconds > 0 else self._answers.get_nowait()
        except queue.Empty:
            return False
        self._thread = None
        return True
