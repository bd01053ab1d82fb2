"""Where the demo's files are, and how paths and commands are shown: as a user would type them here."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

import connector
from connector.config import Config, Loaded, load
from connector.local.demo.processes import Failed, environment


def example(name: str = "segment.yaml") -> Path:
    """A configuration that the connector runs: the checkout's, or the copy in the installed package."""
    package = Path(connector.__file__).resolve().parent
    in_checkout = package.parent / "examples" / name
    return in_checkout if in_checkout.exists() else package / "examples" / name


def whole_shop(clicks: Path, shop: Path, file: Path) -> None:
    """Write a configuration with the pipelines of one file and, beside them, those of the shop's items and users."""
    both: dict[str, Any] = yaml.safe_load(clicks.read_text())
    other: dict[str, Any] = yaml.safe_load(shop.read_text())
    datasets = {name: value for name, value in other["personalize"].items() if name.endswith("_dataset_arn")}
    both["personalize"] |= datasets
    events = [each["name"] for each in other["pipelines"] if any("put_events" in rule for rule in each["rules"])]
    events = [each["name"] for each in other["pipelines"] if any("put_events" in rule for rule in each["rules"])]
    both["pipelines"] += [each for each in other["pipelines"] if each["name"] not in events]
    both.pop("tests", None)
    file.write_text(yaml.safe_dump(both, sort_keys=False))


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
