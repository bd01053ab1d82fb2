"""Build the library that shifts the wall clock, and the environment that loads it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("shift.c")
CACHE = Path(__file__).parents[2] / ".cache" / "clock"
DAY = 86_400


class MissingError(Exception):
    """The clock cannot be shifted here; the message says what to install."""


def preload(days: int) -> dict[str, str]:
    """The variables that shift the wall clock of a process and of its children.

    Raises:
        MissingError: this is not Linux, or there is no C compiler that works.
    """
    loaded = [str(_library()), *os.environ.get("LD_PRELOAD", "").split()]
    return {"LD_PRELOAD": " ".join(loaded), "CLOCK_SHIFT": str(days * DAY)}


def _library() -> Path:
    """Built once for each text of its source."""
    if sys.platform != "linux":
        raise MissingError(f"the clock is shifted by LD_PRELOAD: expected Linux, found {sys.platform}")
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingError("expected a C compiler, to shift the clock, found no cc: apt-get install gcc libc6-dev")
    library = CACHE / f"{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}.so"
    if not library.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = library.with_suffix(f".{os.getpid()}")
        options = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(unfinished), str(SOURCE), "-ldl"]
        built = subprocess.run([compiler, *options], capture_output=True, text=True, check=False)
        if built.returncode != 0:
            raise MissingError(f"{compiler} cannot build {SOURCE} (apt-get install gcc libc6-dev):\n{built.stderr}")
        unfinished.replace(library)  # whole or not at all, for whoever builds it beside us
    return library
