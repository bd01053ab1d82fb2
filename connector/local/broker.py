"""The embedded broker as a process of its own.

It never outlives its owner: it ends on SIGTERM, on SIGINT, and, if its standard input is a pipe, when the
other side of that pipe is gone, which the kernel sees to however the owner dies.

    $ python -m connector.local.broker --topic clicks:4 --topic clicks.dead-letter:1
    {"bootstrap_servers": "127.0.0.1:37459"}

For what it can and cannot do see `connector.local.mock_cluster`.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import socket
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

from connector.local.mock_cluster import MockCluster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_STOP_SECONDS = 5.0


class EmbeddedBroker:
    """A broker in a child process, from ``__enter__`` to ``__exit__``, with the topics that it is to have.

    Args:
        topics: name → number of partitions.
        brokers: how many brokers the cluster has.
        timeout: seconds until its address must be known.

    Raises:
        RuntimeError: on entering, if the process ended or said nothing in time; its standard error is ours.
    """

    def __init__(self, topics: Mapping[str, int], *, brokers: int = 1, timeout: float = 20.0) -> None:
        self.bootstrap_servers = ""
        self._command = [sys.executable, "-m", __name__, "--brokers", str(brokers)]
        for name, partitions in topics.items():
            self._command += ["--topic", f"{name}:{partitions}"]
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603  # this interpreter, this module, no shell
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C reaches every process of a terminal's group at once; the consumer must still be able to
            # commit while it stops.
            start_new_session=True,
        )
        try:
            self.bootstrap_servers = _read_address(self._process, self._timeout)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with process:  # closes the pipes and waits
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _read_address(process: subprocess.Popen[bytes], timeout: float) -> str:
    if process.stdout is None:
        raise RuntimeError("expected a pipe from the embedded broker")
    deadline = time.monotonic() + timeout
    line = b""
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not ready.select(max(0.0, deadline - time.monotonic())):
                raise RuntimeError(f"expected the embedded broker's address within {timeout:g} s")
            chunk = os.read(process.stdout.fileno(), 4096)
            if not chunk:
                raise RuntimeError("expected the embedded broker's address, but the process ended")
            line += chunk
    address: str = json.loads(line)["bootstrap_servers"]
    return address


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the broker until told to stop; returns the exit code."""
    options = _parser().parse_args(arguments)
    with _stop_signals() as stopping, MockCluster(options.brokers) as cluster:
        for name, partitions in options.topics:
            cluster.create_topic(name, partitions)
        sys.stdout.write(json.dumps({"bootstrap_servers": cluster.bootstrap_servers}) + "\n")
        sys.stdout.flush()
        _wait(stopping)
    return 0


def _stop_signals() -> socket.socket:
    """A socket that becomes readable at the first signal to stop.

    The handlers do nothing by themselves: one that raises could strike between any two lines.
    """
    readable, writable = socket.socketpair()
    writable.setblocking(False)
    signal.set_wakeup_fd(writable.detach())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return readable


def _wait(stopping: socket.socket) -> None:
    stdin = 0
    with selectors.DefaultSelector() as ready:
        ready.register(stopping, selectors.EVENT_READ)
        # A terminal or /dev/null is nobody whose death could be noticed.
        if _is_pipe(stdin):
            ready.register(stdin, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is stopping or not os.read(stdin, 4096):
                    return


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:  # closed before we started
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m connector.local.broker",
        description="an in-memory Kafka broker for demonstrations and tests, on 127.0.0.1",
    )
    parser.add_argument("--brokers", type=int, default=1, help="how many brokers (default 1)")
    parser.add_argument(
        "--topic",
        dest="topics",
        action="append",
        default=[],
        type=_topic,
        metavar="NAME[:PARTITIONS]",
        help="a topic to create, with one partition unless told otherwise; may be repeated",
    )
    return parser


def _topic(text: str) -> tuple[str, int]:
    name, _, partitions = text.partition(":")
    if not name or (partitions and not (partitions.isdecimal() and int(partitions) > 0)):
        raise argparse.ArgumentTypeError("expected NAME or NAME:PARTITIONS")
    return name, int(partitions or 1)


if __name__ == "__main__":
    sys.exit(main())
