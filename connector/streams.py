"""Standard streams that may be closed, full, or read by nobody: writing to them neither fails nor blocks for long.

A closed descriptor is worse than useless. The next file or socket that the process opens takes its number, and what
is meant for the log is written there. So the first thing that a command does is to occupy closed ones.
"""

import os
import select
import sys
from contextlib import suppress
from typing import TextIO

STANDARD = (0, 1, 2)
ATOMIC = select.PIPE_BUF  # bytes that a pipe which is ready takes without blocking
READER_WAIT = 1.0  # seconds to wait for a reader that is behind


def occupy_closed() -> frozenset[int]:
    """Open /dev/null in place of standard streams that are closed; returns which were."""
    closed = frozenset(number for number in STANDARD if not _is_open(number))
    for number in sorted(closed):
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor != number:
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.set_inheritable(number, True)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  for good
    return closed


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def say(message: str) -> None:
    """Write a message to stderr; lost where that does not take it, since there is no other place to say so."""
    with suppress(OSError, ValueError):
        sys.stderr.write(message)
        sys.stderr.flush()


def flushed(stream: TextIO) -> bool:
    """Flush a standard stream; where that fails, drop what it holds, so that the interpreter's end does not fail too.

    Without this Python ends with exit code 120, whatever the command's own was.
    """
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            descriptor = os.open(os.devnull, os.O_WRONLY)
            os.dup2(descriptor, stream.fileno())
            os.close(descriptor)
        return False
    return True


class Lines:
    """Lines for a descriptor. Those that it does not take are dropped; nothing raises.

    A write waits once for a reader that is behind, ``READER_WAIT`` seconds. From then on lines are dropped at once,
    until it reads again: a log that nobody reads must not stop the process.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._wait = READER_WAIT
        self._writable = select.poll()
        self._writable.register(descriptor, select.POLLOUT)

    def write(self, text: str) -> None:
        """Write a line, with its end."""
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        with suppress(OSError):
            while data and self._ready():
                data = data[os.write(self._descriptor, data[:ATOMIC]) :]

    def flush(self) -> None:
        """Nothing is held back."""

    def _ready(self) -> bool:
        ready = bool(self._writable.poll(self._wait * 1000))
        self._wait = READER_WAIT if ready else 0.0
        return ready
