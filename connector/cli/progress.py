"""One line on a terminal that says how far a command has come; nothing anywhere else.

It appears after two seconds, is redrawn in place at most five times a second, and is gone before anything else is
written. Only stderr is used: stdout is data.
"""

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, Self

AFTER = 2.0  # seconds until the line appears
_EVERY = 0.2  # seconds between two looks of the line
_CLEAR = "\r\x1b[K"


class Progress:
    """``with Progress("reading") as progress: … progress.show(done, total)``.

    Args:
        doing: what is going on, such as "reading the topic".
        unit: what is counted.
        stream: where the line is drawn, if that is a terminal.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        doing: str,
        unit: str = "records",
        stream: IO[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._doing = doing
        self._unit = unit
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._begun = clock()
        self._next = self._begun + AFTER
        self._shown = False
        self._on = _is_terminal(self._stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, done: int, total: int | None = None, note: str = "") -> None:
        """So many are done, of ``total`` where that is known; cheap enough to call for each record."""
        if not self._on or (now := self._clock()) < self._next:
            return
        self._next = now + _EVERY
        self._shown = True
        self._stream.write(_CLEAR + line(self._doing, done, total, self._unit, now - self._begun) + note)
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, since something else is to be written."""
        if self._shown:
            self._shown = False
            self._stream.write(_CLEAR)
            self._stream.flush()


class Waiting:
    """``with Waiting() as waiting: waiting.on("brokers")``: the line says what a command waits for, and how long.

    A thread draws it: who waits for an answer cannot call `Progress.show` meanwhile.

    Args:
        stream: where the line is drawn, if that is a terminal.
        clock: seconds that never go back.
    """

    def __init__(self, stream: IO[str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._what = ""
        self._begun = clock()
        self._shown = False
        self._drawing = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if _is_terminal(self._stream):
            self._thread = threading.Thread(target=self._draw_on, name="waiting", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.on("")

    def on(self, what: str) -> None:
        """It is this that is waited for now; "" is nothing, before something else is written."""
        with self._drawing:
            self._what, self._begun = what, self._clock()
            if self._shown:
                self._shown = False
                self._stream.write(_CLEAR)
                self._stream.flush()

    def draw(self) -> None:
        """Draw the line, where it has been waited long enough."""
        with self._drawing:
            waited = self._clock() - self._begun
            if self._what and waited >= AFTER:
                self._shown = True
                self._stream.write(f"{_CLEAR}{self._what}: {remaining(waited)}")
                self._stream.flush()

    def _draw_on(self) -> None:
        while not self._over.wait(_EVERY):
            self.draw()


def line(doing: str, done: int, total: int | None, unit: str, seconds: float) -> str:
    """The text of the line: how many, what part, how fast, and how long it still takes at this rate."""
    rate = done / seconds if seconds > 0 else 0.0
    if not total:
        return f"{doing}: {done:,} {unit}, {rate:,.0f}/s"
    part = min(1.0, done / total)
    left = f", {remaining((total - done) / rate)} left" if rate > 0 and done < total else ""
    return f"{doing}: {done:,} of {total:,} {unit} ({part:.0%}), {rate:,.0f}/s{left}"


def remaining(seconds: float) -> str:
    """A time that is left, in the two largest units."""
    whole = int(seconds + 0.5)
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if whole >= 3600:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False
