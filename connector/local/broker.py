"""``putevents broker``: the embedded broker as a process of its own.

It never outlives its owner. It ends on SIGTERM and SIGINT. If its standard input is a pipe, it also ends when the
other end is closed, which the kernel does however the owner dies.

    $ putevents broker --topic clicks:4 --topic clicks.dead-letter:1
    {"bootstrap_servers": "127.0.0.1:37459"}

Also ``python -m connector.local.broker``. For what it can and cannot do see `connector.local.mock_cluster`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import selectors
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from confluent_kafka import KafkaException

import connector
from connector.local.dropped import KEPT, Dropped
from connector.local.mock_cluster import MockCluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

EXIT_OK = 0
EXIT_UNAVAILABLE = 69
MOST_BROKERS = 32
MOST_PARTITIONS = 1_000  # of a topic
_STOP_SECONDS = 5.0
_LOOK_SECONDS = 1.0  # between two looks for dropped messages
_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")  # of a topic, as Kafka allows it

DESCRIPTION = f"""\
An in-memory Kafka broker on 127.0.0.1, for trials and tests. It prints its address when it is ready. A
partition keeps its newest {KEPT}, and drops the rest.
A topic that is not named here is created on first use, with 4 partitions. Nothing is kept when the broker ends.
"""


class EmbeddedBroker:
    """A broker in a child process, from ``__enter__`` to ``__exit__``.

    Args:
        topics: name → number of partitions; they are created at the start.
        brokers: how many brokers the cluster has.
        timeout: seconds to wait for its address at most.

    Raises:
        RuntimeError: on entering, if the process ends or prints no address in time; its standard error is ours.
    """

    def __init__(self, topics: Mapping[str, int], *, brokers: int = 1, timeout: float = 20.0) -> None:
        self.bootstrap_servers = ""
        self._command = [sys.executable, "-m", __name__, "--quiet", "--brokers", str(brokers)]
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
            # The same package as ours, whatever lies in the current folder.
            cwd=Path(connector.__file__).parents[1],
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options and the help of this command."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--brokers", type=_brokers, default=1, metavar="N", help="how many brokers (default: %(default)s)")
    add(
        "--topic",
        dest="topics",
        action=_Topics,
        default={},
        type=_topic,
        metavar="NAME[:PARTITIONS]",
        help="a topic to create, with one partition unless a number is given; may be repeated",
    )
    add("--quiet", action="store_true", help="print no messages on stderr: neither what is kept nor what is dropped")


def run(arguments: argparse.Namespace) -> int:
    """Run the broker until a signal or a closed pipe ends it. Exit code 0; 69 where the broker cannot start."""
    with _stop_signals() as stopping:
        try:
            with MockCluster(arguments.brokers) as cluster:
                _serve(cluster, arguments.topics, stopping, quiet=arguments.quiet)
        except (RuntimeError, KafkaException) as error:
            what = error.args[0].str() if isinstance(error, KafkaException) else error
            sys.stderr.write(f"putevents broker: {what}\n")
            return EXIT_UNAVAILABLE
    return EXIT_OK


def _serve(cluster: MockCluster, topics: Mapping[str, int], stopping: socket.socket, *, quiet: bool) -> None:
    for name, partitions in topics.items():
        cluster.create_topic(name, partitions)
    sys.stdout.write(json.dumps({"bootstrap_servers": cluster.bootstrap_servers}) + "\n")
    sys.stdout.flush()
    if quiet:
        _wait(stopping)
        return
    sys.stderr.write(f"putevents broker: a partition keeps its newest {KEPT}; nothing is kept when it ends\n")
    dropped = Dropped(cluster.bootstrap_servers)
    while not _wait(stopping, _LOOK_SECONDS):
        for message in dropped.look():
            sys.stderr.write(f"putevents broker: {message}\n")


@contextmanager
def _stop_signals() -> Iterator[socket.socket]:
    """A socket that becomes readable at the first signal to stop.

    The handlers do nothing: one that raises could interrupt the code between any two lines.
    """
    readable, writable = socket.socketpair()
    writable.setblocking(False)
    with readable, writable:
        wakeup = signal.set_wakeup_fd(writable.fileno())
        before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield readable
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)


def _wait(stopping: socket.socket, seconds: float | None = None) -> bool:
    """Whether the broker has to stop within so many seconds; None waits without a limit."""
    stdin = 0
    deadline = None if seconds is None else time.monotonic() + seconds
    with selectors.DefaultSelector() as ready:
        ready.register(stopping, selectors.EVENT_READ)
        # Only a pipe shows that its other end is closed; a terminal or /dev/null does not.
        if _is_pipe(stdin):
            ready.register(stdin, selectors.EVENT_READ)
        while found := ready.select(None if deadline is None else max(0.0, deadline - time.monotonic())):
            for key, _ in found:
                if key.fileobj is stopping or not os.read(stdin, 4096):
                    return True
    return False


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:  # closed before we started
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class _Topics(argparse.Action):
    """Topics by name, each once."""

    def __call__(self, _: object, namespace: argparse.Namespace, values: Any, __: str | None = None) -> None:
        name, partitions = values
        topics: dict[str, int] = getattr(namespace, self.dest)
        if name in topics:
            raise argparse.ArgumentError(self, f"expected each topic once, but {name} is named twice")
        setattr(namespace, self.dest, {**topics, name: partitions})


def _brokers(text: str) -> int:
    return _number(text, MOST_BROKERS, "a whole number")


def _topic(text: str) -> tuple[str, int]:
    name, colon, partitions = text.partition(":")
    if not _NAME.fullmatch(name) or name in {".", ".."}:
        raise argparse.ArgumentTypeError(
            f"expected NAME or NAME:PARTITIONS, the name of 1 to 249 letters, digits, dots, underscores and hyphens, "
            f"not {text!r}"
        )
    return name, _number(partitions, MOST_PARTITIONS, f"the partitions of {name} to be a number") if colon else 1


def _number(text: str, most: int, what: str) -> int:
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 1 <= number <= most:
        raise argparse.ArgumentTypeError(f"expected {what} from 1 to {most:,}, not {text!r}")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """The command on its own."""
    parser = argparse.ArgumentParser(prog="putevents broker")
    add_arguments(parser)
    return run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
