"""The connector of another folder or interpreter: how it is started, and what it says of itself."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench import system
from tests.support.processes import PUTEVENTS, Program, environment

ASKING_SECONDS = 60
COSTS_SECONDS = 600
_SEEN_BY_PYTHON = ("bench", "tests")  # of this checkout, beside a connector that is installed elsewhere
# Extension modules beside sources are what a compiled build differs in.
_FACTS = """
import json, pathlib, platform, sys, connector
folder = pathlib.Path(connector.__file__).parent
compiled = len([*folder.rglob("*.so")])
print(json.dumps({"version": connector.__version__, "python": platform.python_version(),
                  "connector": str(folder), "modules": len([*folder.rglob("*.py")]), "compiled": compiled}))
"""


class Side(NamedTuple):
    """One of two connectors that are compared: its ``putevents``, and the interpreter that it runs on.

    ``python`` is None where only a command is known; ``folder`` where it is not the connector of a folder.
    """

    name: str
    putevents: Program
    python: tuple[str, ...] | None
    folder: Path | None


THIS = Side("this", PUTEVENTS._replace(folder=system.ROOT), (sys.executable,), system.ROOT)


def side_of(text: str) -> Side:
    """The connector that a path names: a folder with ``.venv``, an interpreter, or an installed ``putevents``.

    Raises:
        ValueError: there is none; the message says what was expected.
    """
    path = Path(text).absolute()  # not resolved: an interpreter finds its environment by the name it was called by
    if path.is_dir():
        return _in_folder(path)
    if not os.access(path, os.X_OK) or not path.is_file():
        raise ValueError(
            f"expected a folder with .venv, an interpreter or an installed putevents, found none of them at {path}"
        )
    if path.name.startswith("python"):
        # The connector that is installed there, not the one of the folder that the benchmark was started in.
        return Side("other", Program((str(path), "-P", "-m", "connector")), (str(path), "-P"), None)
    beside = path.with_name("python")
    return Side("other", Program((str(path),)), (str(beside), "-P") if beside.exists() else None, None)


def _in_folder(path: Path) -> Side:
    python = path / ".venv" / "bin" / "python"
    if not (path / "connector").is_dir():
        raise ValueError(f"expected the folder connector in {path}: give the top of a checkout")
    if not python.exists():
        raise ValueError(f"expected an interpreter at {python}: run make setup there")
    return Side("other", Program((str(python), "-m", "connector"), path), (str(python),), path)


def facts(side: Side) -> dict[str, Any]:
    """What it says of itself: version, interpreter, where its modules lie and how many of them are compiled.

    Raises:
        ValueError: it cannot be started; the message has its words.
    """
    named = {"name": side.name, "command": " ".join(side.putevents.words)}
    if side.python is None:
        return {**named, "version": _said([*side.putevents.words, "--version"], side.folder).strip()}
    found = json.loads(_said([*side.python, "-c", _FACTS], side.folder))
    return {**named, **found, "commit": "" if side.folder is None else system.commit(side.folder)}


def costs(side: Side) -> dict[str, float]:
    """Stream to µs a record in the loop, by ``python -m bench costs`` of that folder.

    A connector without a folder is measured by this checkout's benchmark and fakes.

    Raises:
        ValueError: it cannot be measured; the message has its words.
    """
    if side.python is None:
        raise ValueError(f"expected an interpreter beside {side.putevents.words[0]} to measure the loop with")
    with _benchmark_of(side) as folder:
        # Without -P: there the benchmark lies in the folder that it is started in.
        printed = _said([side.python[0], "-m", "bench", "costs"], folder, COSTS_SECONDS)
    lines = [line.split() for line in printed.splitlines() if " sessions: " in line]
    return {words[0]: float(words[2]) for words in lines}


@contextmanager
def _benchmark_of(side: Side) -> Iterator[Path]:
    if side.folder is not None:
        yield side.folder
        return
    with tempfile.TemporaryDirectory(prefix="putevents-bench-") as name:
        for package in _SEEN_BY_PYTHON:
            (Path(name) / package).symlink_to(system.ROOT / package)
        yield Path(name)


def _said(words: list[str], folder: Path | None, seconds: float = ASKING_SECONDS) -> str:
    try:
        done = subprocess.run(  # noqa: S603  our own words, and a program that the caller named
            words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=seconds, check=True
        )
    except subprocess.CalledProcessError as error:
        raise ValueError(f"expected {' '.join(words[:3])} to succeed, but it ended:\n{error.stderr[-2000:]}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"expected {words[0]} to run: {error}") from None
    return done.stdout
