"""Ctrl-C before a command has begun: the process ends, without a word.

An exception would arise wherever the import of a module has come to. Some modules pass it over, others leave what they
were initialising half done, and all of them print where that was.
"""

import os
import signal
from types import FrameType

_INTERRUPTED = 130  # 128 and the number of SIGINT; importing Exit would take the time in which this is to help


def end_at_once() -> None:
    """From now on SIGINT ends the process; where it is ignored, as in the background of a shell, it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_again() -> None:
    """The modules are there: from now on SIGINT is a ``KeyboardInterrupt`` again, which a command can tidy up after."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(_INTERRUPTED)
