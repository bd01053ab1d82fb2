"""How pip builds the wheel: setuptools does, and where there is a C compiler, mypyc compiles the core before.

    pip wheel .                        compiled where that is possible, else pure Python; it says which
    PUTEVENTS_COMPILE=1 pip wheel .    compiled, or it fails
    PUTEVENTS_COMPILE=0 pip wheel .    pure Python

The source is the same, and so is what it does; a compiled record takes about half of the time. An editable install is
never compiled: what is edited must be what runs. See docs/decisions/0082-compiled-core.md.
"""

import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

CHOICE = "PUTEVENTS_COMPILE"  # 1, 0, or empty for "where it is possible"
TOLD = "_PUTEVENTS_COMPILING"  # what setup.py is told, for as long as the wheel is built: must, or try
_CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"

Settings = Mapping[str, Any] | None


def obstacle() -> str | None:
    """Why nothing can be compiled here, in words; None where it can."""
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} is not CPython"
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"there is no C compiler ({compiler}); on Debian and Ubuntu: apt-get install gcc libc6-dev"
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        return "there is no Python.h; on Debian and Ubuntu: apt-get install python3-dev"
    return None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Setuptools' own, and the pinned mypy where something is to be compiled."""
    needed = list(build_meta.get_requires_for_build_wheel(config_settings))
    choice = os.environ.get(CHOICE, "")
    if choice == "1" or (choice != "0" and obstacle() is None):
        needed += re.findall(r"^mypy==.+$", _CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
    return needed


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """The wheel's name; see above for what is compiled.

    Raises:
        SystemExit: it must be compiled, and cannot be.
    """
    choice, why = os.environ.get(CHOICE, ""), obstacle()
    if choice == "1" and why is not None:
        raise SystemExit(f"{CHOICE}=1, but {why}")
    if choice != "0" and why is not None:
        sys.stderr.write(f"the wheel is pure Python, which takes twice the CPU: {why}\n")
    if choice != "0" and why is None:
        os.environ[TOLD] = "must" if choice == "1" else "try"
    try:
        return str(build_meta.build_wheel(wheel_directory, config_settings, metadata_directory))
    finally:
        os.environ.pop(TOLD, None)
