"""The demo's processes: each has a log of its own, and none outlives the demo.

They run in sessions of their own, so that Ctrl-C in a terminal reaches only the demo, which then ends them in order.
If the demo is killed, the kernel ends them (on Linux; elsewhere only the broker ends, by its pipe).
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Self

import connector

START_STOP_SECONDS = 20.0  # to wait at most until a process is ready, or has ended
NAP = 0.02  # seconds between two checks
_PR_SET_PDEATHSIG = 1

# The user's own settings. They could break the demo, or send invented data to a real account.
_OURS = ("AWS_", "KAFKA_", "PERSONALIZE_", "SERVER_", "BOTO")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Failed(Exception):
    """The demo cannot go on; ``log`` is the log to look at, if any."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class Interrupted(Exception):
    """A signal to stop was received."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Interrupts:
    """Signals to stop: the handler stores the first one, and ``check`` raises it. The second one exits at once."""

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in self.NUMBERS:
            # SIGHUP stays ignored under nohup. SIGINT is handled even where it is ignored, as in background jobs of a
            # script: someone sent it on purpose.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self._received is not None:
            os._exit(128 + number)
        self._received = number

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self._received is not None:
            raise Interrupted(self._received)


class Part:
    """One process: ``python -m`` and arguments, its output in ``NAME.log`` of a folder."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  this interpreter, our modules, no shell
                [sys.executable, "-m", *arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # This package, even if the current folder holds another one.
                cwd=Path(connector.__file__).parents[1],
                env=dict(env),
                start_new_session=True,
                # Parts are started before anything here has threads.
                preexec_fn=_end_with_parent,  # noqa: PLW1509
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def check(self) -> None:
        """Raise Failed if the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise Failed(f"the {self.name} ended by itself with exit code {code}", self.log)

    def said(self, key: str) -> dict[str, Any] | None:
        """The first line of its log that is a JSON object with this key; None if there is none yet."""
        with self.log.open("rb") as log:
            for line in log:
                # A line without its end is still being written.
                if line.startswith(b"{") and line.endswith(b"}\n"):
                    said: dict[str, Any] = json.loads(line)
                    if key in said:
                        return said
        return None

    def stop(self) -> int | None:
        """Ask the process to end; its exit code, or None if it does not end in time."""
        self._process.terminate()
        try:
            return self._process.wait(START_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End the process now, if it has not ended."""
        with self._process:  # closes the pipe and waits
            self._process.kill()


def environment(given: Mapping[str, str], **ours: str) -> dict[str, str]:
    """The environment of the processes: without the user's accounts, proxies and settings; for this machine only."""
    kept = {
        name: value
        for name, value in given.items()
        if not name.upper().startswith(_OURS) and name.lower() not in _PROXIES
    }
    return {
        **kept,
        "NO_PROXY": "127.0.0.1",
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **ours,
    }


def wait_for(
    what: str, found: Callable[[], Any], pause: Callable[[], None], seconds: float = START_STOP_SECONDS
) -> Any:
    """What ``found`` returns once it is true; ``pause`` is called between two attempts and may raise.

    Raises:
        Failed: it does not come true in time.
    """
    deadline = time.monotonic() + seconds
    while not (result := found()):
        if time.monotonic() > deadline:
            raise Failed(f"expected {what} within {seconds:g} s")
        pause()
    return result


_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
