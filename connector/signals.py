"""Signals to stop, and restarting in place: the same process, with every file read again.

A handler only notes, since one that raises would destroy what the Kafka client has fetched; and no signal is lost on
the way from one program to the next.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

from connector.exits import Exit

RESTART = "new files"  # in place of a signal: the process is to restart
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
DESCRIPTORS = Path("/proc/self/fd")  # where there is none, a few descriptors are the price
LAST_STANDARD = 2  # standard input, output and error are for the new program, too


class Signals:
    """SIGTERM, SIGINT and SIGHUP. The handler only notes: one that raises would destroy a fetched batch."""

    def __init__(self) -> None:
        self.received: str | None = None

    def stopping(self) -> bool:
        """Whether one has come."""
        return self.received is not None

    def begin_restart(self) -> None:
        """Stop as for a signal, then restart; a signal that comes meanwhile only stops."""
        self.received = self.received or RESTART

    def ordered(self) -> bool:
        """Whether a signal asks the process to end."""
        return self.received not in {None, RESTART}

    def restart_wanted(self, code: Exit) -> bool:
        """Whether a process that ended with this code restarts."""
        return code is Exit.OK and self.received == RESTART

    def install(self) -> None:
        """Listen from now on, and to what came while the program restarted."""
        for number in STOPPING:
            # Under nohup it is ignored, and that is meant to last.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def ignore(self) -> None:
        """All is done: a signal that comes now would only spoil the exit code."""
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)

    def hold(self) -> None:
        """What comes from now on waits for the new program; a blocked signal outlives ``execv``, a handler does not."""
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.ordered():
            if number == signal.SIGHUP:
                return  # a terminal that is closed sends it twice: the shell, then the kernel
            # Whoever asks twice does not want to wait. What is lost is only work: nothing uncommitted is.
            os._exit(128 + number)
        self.received = signal.Signals(number).name


def restarted(signals: Signals) -> Exit:
    """Replace this program by itself: the same process and arguments, and every file read again."""
    _inherit_nothing()
    signals.hold()
    if signals.received == RESTART:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  no shell is wanted
    return Exit.OK  # a signal to stop has come after all


def _inherit_nothing() -> None:
    """The Kafka client's pipes are not close-on-exec; each restart would leak some."""
    with suppress(OSError):
        for descriptor in DESCRIPTORS.iterdir():
            with suppress(OSError):  # that of the listing itself is closed by now
                if int(descriptor.name) > LAST_STANDARD:
                    os.set_inheritable(int(descriptor.name), False)
