"""The folder of an export: refused where it holds anything else, locked while an export writes to it.

An export that has not ended keeps what it needs in the folder ``.putevents-export`` in there, and goes on from it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WORK = ".putevents-export"
CUTOVER, SCHEMA = "cutover.json", "schema.json"


class NotUsable(Exception):
    """The folder cannot be written to, or holds something else; the message says what to do."""


@contextmanager
def taken(folder: Path) -> Iterator[Path]:
    """The folder in which rows wait, made where it is new, for this process alone.

    Raises:
        NotUsable: there is something else in the folder, or it cannot be made, or another export writes to it.
    """
    work = folder / WORK
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not work.exists():
            _require_empty(folder)
            work.mkdir(mode=0o700)
        descriptor = os.open(work / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        why = (error.strerror or "not a path").lower()
        raise NotUsable(f"{folder}: expected a folder that can be written to: {why}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise NotUsable(f"{folder}: another export writes to this folder: wait for it, or name another") from None
    try:
        yield work
    finally:
        os.close(descriptor)


def _require_empty(folder: Path) -> None:
    there = sorted(path.name for path in folder.iterdir())
    if CUTOVER in there:
        raise NotUsable(f"{folder}: holds a finished export: name a new folder, or remove this one")
    if there:
        raise NotUsable(f"{folder}: expected a new or an empty folder: it holds {len(there)} files or folders")


def cleared(work: Path) -> None:
    """Nothing waits any more."""
    shutil.rmtree(work, ignore_errors=True)


def remove_results(folder: Path, name: str) -> None:
    """Files that an export which was killed while it finished has written."""
    for path in folder.glob(f"{name}-[0-9]*.csv*"):
        path.unlink()


def sync(paths: list[Path]) -> None:
    """Make sure that what was written survives a machine that fails."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
