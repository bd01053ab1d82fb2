"""Where the demonstration finds its file, and how paths and commands are shown: as one would type them here."""

import os
import shutil
import sys
from pathlib import Path

import connector
from connector.config import Config, Loaded, load
from connector.local.demo.processes import Failed, environment


def example() -> Path:
    """The file that the connector runs: that of the checkout, or the one that the package brought along."""
    package = Path(connector.__file__).resolve().parent
    in_checkout = package.parent / "examples" / "segment.yaml"
    return in_checkout if in_checkout.exists() else package / "examples" / "segment.yaml"


def configuration(file: Path) -> Config:
    """What the file says, with its defaults. Raises Failed where it is not valid."""
    loaded = load(file, environment(os.environ))
    if not isinstance(loaded, Loaded):
        raise Failed(f"{file}: {loaded[0].message}; ask `putevents validate {shown(file)}` for more")
    return loaded.config


def shown(file: Path) -> str:
    """The path as one would type it here."""
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


def program() -> str:
    """How this command was called, as one would type it here."""
    called = Path(sys.argv[0])
    if called.name != "putevents":
        return f"{Path(sys.executable).name} -m connector"
    return "putevents" if shutil.which("putevents") else shown(called.absolute())
