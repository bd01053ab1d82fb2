"""The standard streams of a command, whatever state they are in.

A stream may be closed (``map <&-``), full (``map >/dev/full``) or have a reader that leaves early (``map | head -1``).
Data that cannot be written ends the command with its own exit code. A message that cannot be written is dropped,
because no other stream is left for it.
"""

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

from connector.exits import Exit
from connector.streams import STANDARD

STDIN, STDOUT, STDERR = STANDARD
Write = Callable[[Any], int]


class CannotWrite(Exception):
    """Standard output takes no data; not an OSError, so that no code mistakes it for an error of a file or a socket."""


class ReaderLeft(Exception):
    """Whoever read standard output has closed it: the data that follows is not wanted."""


class _Stream(io.RawIOBase):
    """A standard stream to write to, by its descriptor."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)


class _Output(_Stream):
    """Standard output, whose failures cannot be taken for those of anything else."""

    def write(self, data: Any, /) -> int:
        try:
            return os.write(self._number, data)
        except BrokenPipeError:
            raise ReaderLeft from None
        except OSError as error:
            raise CannotWrite("it is closed" if error.errno == errno.EBADF else str(error.strerror).lower()) from None


class _Messages(_Stream):
    """Standard error; what it does not take is lost, and the command goes on."""

    def write(self, data: Any, /) -> int:
        try:
            return os.write(self._number, data)
        except OSError:
            return len(data)


def with_standard_streams(command: Callable[[], int], closed: frozenset[int]) -> int:
    """The exit code of ``command``, or that of a standard output which took not all of its data.

    Args:
        command: what reads and writes.
        closed: the descriptors of standard streams that were closed, and have /dev/null in their place.
    """
    for number, direction in ((STDIN, os.O_WRONLY), (STDOUT, os.O_RDONLY)):
        if number in closed:
            # Open in the wrong direction it fails when it is used, as a closed one should.
            _replace(number, direction)
    sys.stdout = _text(_Output(STDOUT), sys.stdout)
    sys.stderr = _text(_Messages(STDERR), sys.stderr, line_buffering=True)
    try:
        code = _code_of(command)
        sys.stdout.flush()
    except ReaderLeft:
        _forget_output()
        return Exit.OK
    except CannotWrite as error:
        _forget_output()
        sys.stderr.write(f"putevents: expected a standard output that takes data: {error}\n")
        return Exit.CANNOT_WRITE
    return code


def _text(raw: _Stream, before: TextIO, *, line_buffering: bool = False) -> TextIO:
    buffered = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, before.encoding, before.errors, line_buffering=line_buffering or raw.isatty())


def _code_of(command: Callable[[], int]) -> int:
    """The exit code, also where argparse ends the process by itself."""
    try:
        return command()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else Exit.OK


def _forget_output() -> None:
    """Let what is still buffered go to nowhere: it would fail again when the interpreter ends."""
    _replace(STDOUT, os.O_WRONLY)


def _replace(number: int, direction: int) -> None:
    descriptor = os.open(os.devnull, direction)
    os.dup2(descriptor, number)
    os.close(descriptor)
