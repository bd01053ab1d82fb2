"""Where the demo's files are, and how paths and commands are shown: as a user would type them here."""

import os
import shutil
import sys
from pathlib import Path

import connector
from connector.config import Config, Loaded, load
from connector.local.demo.processes import Failed, environment


def example() -> Path:
    """The configuration that the connector runs: the checkout's, or the copy in the installed package."""
    package = Path(connector.__file__).resolve().parent
    in_checkout = package.parent / "examples" / "segment.yaml"
    return in_checkout if in_checkout.exists() else package / "examples" / "segment.yaml"


def configuration(file: Path) -> Config:
    """The configuration in the file. Raises Failed where it is not valid."""
    loaded = load(file, environment(os.environ))
    if not isinstance(loaded, Loaded):
        raise Failed(f"{file}: {loaded[0].message}; run `{program()} validate {shown(file)}` for all problems")
    return loaded.config


def shown(file: Path) -> str:
    """The path as a user would type it here."""
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


def program() -> str:
    """The command that runs this program, as a user would type it here."""
    called = Path(sys.argv[0])
    if called.name != "putevents":
        return f"{Path(sys.executable).name} -m connector"
    return "putevents" if shutil.which("putevents") else shown(called.absolute())
