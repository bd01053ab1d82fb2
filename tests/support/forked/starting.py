"""Starts that are forked, used as those of ``subprocess``; where one cannot be, it is a start as any other."""

from __future__ import annotations

import atexit
import ctypes
import inspect
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.forked import client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[3]
CONNECTOR = [sys.executable, "-m", "connector"]
CLOSED = -4  # in the place of a stream, beside subprocess.PIPE, STDOUT and DEVNULL
SWITCH = "FORKS"  # the variable: 1 forks, and anything else does not
# What Python and libraries read of the environment while they are loaded.
EARLY = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "OPENSSL_")
# What a forked start cannot do in another way than by default.
DEFAULTS: Mapping[str, Any] = {
    "executable": None,
    "preexec_fn": None,
    "close_fds": True,
    "pass_fds": (),
    "shell": False,
    "restore_signals": True,
    "gid": None,
    "gids": None,
    "uid": None,
    "umask": -1,
    "process_group": -1,
}
STREAMS = ("p2cread", "c2pwrite", "errwrite")
PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
PR_SET_CHILD_SUBREAPER = 36
_ONE_AT_A_TIME = threading.Lock()


class Popen(subprocess.Popen[Any]):
    """``subprocess.Popen``: what is ``python -m connector`` is forked, and a stream may be `CLOSED`."""

    def _execute_child(self, *given: Any, **named: Any) -> None:
        start = super()._execute_child  # type: ignore[misc]  # not in its types
        asked = inspect.signature(start).bind(*given, **named).arguments
        if not _can_be_forked(asked):
            start(**_closed_by_shell(asked))
            return
        streams = [number if asked[name] == -1 else asked[name] for number, name in enumerate(STREAMS)]
        order = {
            "words": [os.fsdecode(word) for word in asked["args"][len(CONNECTOR) :]],
            "cwd": str(Path(os.fsdecode(asked["cwd"] or ".")).absolute()),
            "env": dict(os.environ if asked["env"] is None else asked["env"]),
            "open": [number for number, stream in enumerate(streams) if stream != CLOSED],
            "session": asked["start_new_session"],
            "adopted": True,
        }
        self.pid = _fork(order, [stream for stream in streams if stream != CLOSED])
        self._child_created = True
        self._close_pipe_fds(*(asked[name] for name in PIPES))  # type: ignore[attr-defined]  # not in its types


def run(
    command: Sequence[str],
    *,
    given: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end: ``subprocess.run`` with what it wrote, as text, and with ``given`` as its input."""
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    pipe = subprocess.PIPE
    with Popen(command, stdin=stdin, stdout=pipe, stderr=pipe, cwd=cwd, env=env, text=True) as process:
        try:
            out, err = process.communicate(given, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def for_scripts() -> dict[str, str]:
    """The variables with which a script finds ``putevents``, forked where that can be."""
    folder, path = _folder(), os.environ["PATH"]
    command, more = CONNECTOR, {"PYTHONPATH": str(ROOT)}
    if _forks():
        command, more = [sys.executable, "-I", "-S", client.__file__], {client.SERVER: _server()}
    script = folder / "putevents"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    script.chmod(0o700)
    return {"PATH": f"{folder}{os.pathsep}{path}", **more}


def _forks() -> bool:
    return sys.platform == "linux" and os.environ.get(SWITCH) == "1"


def _can_be_forked(asked: Mapping[str, Any]) -> bool:
    words, env = asked["args"], asked["env"]
    return (
        _forks()
        and isinstance(words, list | tuple)
        and list(words[: len(CONNECTOR)]) == CONNECTOR
        and all(asked[name] == default for name, default in DEFAULTS.items())
        and (env is None or _early(env) == _early(os.environ))
        # What this process ignores a new program ignores, too; the server has been started without.
        and signal.SIG_IGN not in {signal.getsignal(each) for each in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)}
    )


def _early(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(EARLY)}


def _closed_by_shell(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The same start without `CLOSED` streams: a shell closes them, and becomes the program."""
    closed = [number for number, name in enumerate(STREAMS) if asked[name] == CLOSED]
    if not closed:
        return dict(asked)
    script = f'exec "$@" {" ".join(f"{number}>&-" for number in closed)}'
    opened = {STREAMS[number]: -1 for number in closed}
    return {**asked, **opened, "args": ["/bin/sh", "-c", script, "sh", *asked["args"]]}


def _fork(order: Mapping[str, Any], streams: Sequence[int]) -> int:
    """Have the server fork; the id of the process, which is a child of this one."""
    server = _server()
    with _ONE_AT_A_TIME, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, _orphans_are_adopted():
        connection.connect(server)
        socket.send_fds(connection, [json.dumps(order).encode()], streams)
        pid = int(connection.recv(64))
        connection.recv(1)  # the end, which comes when the process between is gone, whose child it was
    return pid


@contextmanager
def _orphans_are_adopted() -> Iterator[None]:
    """Processes whose parents end become children of this one, and not of the system's first."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@cache
def _server() -> str:
    """The address of the server of this process."""
    address = str(_folder() / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen()
        number = listening.fileno()
        command = [sys.executable, "-m", "tests.support.forked.server", str(number)]
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        server = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=null, pass_fds=(number,))
    atexit.register(server.communicate)
    return address


@cache
def _folder() -> Path:
    """For the socket, whose path has to be short, and the command of scripts."""
    folder = Path(tempfile.mkdtemp(prefix="forks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
