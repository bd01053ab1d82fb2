"""Loads every module of the connector, and forks for each start: ``python -m tests.support.forked.server DESCRIPTOR``.

The descriptor is that of a socket which listens. The server ends, and removes the socket's folder, when its standard
input does.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import connector

LONGEST = 1 << 20  # bytes of an order


def main() -> None:
    """Serve; in a process that was forked, be the command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which then end
    load()
    with socket.socket(fileno=int(sys.argv[1])) as listening:
        order = None
        while order is None:
            if sys.stdin in select.select([sys.stdin, listening], [], [])[0]:
                shutil.rmtree(Path(listening.getsockname()).parent, ignore_errors=True)
                return
            connection, _ = listening.accept()
            with connection:
                order = forked(connection)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    become(order)
    runpy.run_module("connector", run_name="__main__", alter_sys=True)


def load() -> None:
    """Load all that a command may load later."""
    for module in pkgutil.walk_packages(connector.__path__, "connector."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    sys.modules.pop("connector.__main__", None)  # each process has it as its own
    # Nothing of it is garbage, and pages that a collector has walked through are shared no more.
    gc.collect()
    gc.freeze()


def forked(connection: socket.socket) -> dict[str, Any] | None:
    """Fork as an order says. Returns the order in the new process, and None in this one.

    There is a process between the two. It ends at once where whoever asks adopts the new one, so that it is a child
    of theirs; otherwise it waits, and tells the status.
    """
    data, streams, _, _ = socket.recv_fds(connection, LONGEST, 3)
    order: dict[str, Any] = json.loads(data)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass  # those between that have waited
    between = os.fork()
    if between == 0:
        pid = os.fork()
        if pid == 0:
            return {**order, "streams": dict(zip(order["open"], streams, strict=True))}
        for stream in streams:
            os.close(stream)
        connection.send(str(pid if order.get("adopted") else os.waitpid(pid, 0)[1]).encode())
        os._exit(0)
    for stream in streams:
        os.close(stream)
    if order.get("adopted"):
        os.waitpid(between, 0)
    return None


def become(order: dict[str, Any]) -> None:
    """Make this process the one that was asked for."""
    if order.get("session"):
        os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    sys.path[0] = order["cwd"]
    sys.argv = ["connector", *order["words"]]
    sys.orig_argv = [sys.executable, "-m", *sys.argv]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = stream_of(number, order["streams"].get(number))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def stream_of(number: int, descriptor: int | None) -> IO[str] | None:
    """A standard stream, on this descriptor and as Python makes it: None where that is closed."""
    before = getattr(sys, ("stdin", "stdout", "stderr")[number])
    if descriptor is None:
        os.close(number)
        return None
    os.dup2(descriptor, number)
    os.close(descriptor)
    mode = "r" if number == 0 else "w"
    buffering = 1 if number == 2 or os.isatty(number) else -1
    return open(number, mode, buffering, encoding=before.encoding, errors=before.errors, closefd=False)


if __name__ == "__main__":
    main()
