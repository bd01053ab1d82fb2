"""``putevents version``: what an issue report needs."""

import argparse
import platform
import sys
from importlib.metadata import version as version_of
from importlib.util import find_spec

from connector import __version__
from connector.__main__ import neighbours
from connector.exits import Exit

LIBRARIES = ("confluent-kafka", "boto3", "botocore", "pydantic", "orjson", "jmespath")


def add_arguments(_: argparse.ArgumentParser) -> None:
    """The command has no arguments."""


def is_compiled() -> bool:
    """Whether the core is the one that tools/build_backend.py compiles."""
    found = find_spec("connector.core.sending.lanes")
    return found is not None and not str(found.origin).endswith(".py")


def run(_: argparse.Namespace) -> int:
    """Print the versions of the connector, Python and the libraries; warn about other packages called connector."""
    rows = [("putevents-connector", __version__), ("python", platform.python_version())]
    rows += [("core", "compiled" if is_compiled() else "pure Python")]
    rows += [(name, version_of(name)) for name in LIBRARIES]
    sys.stdout.write("".join(f"{name} {number}\n" for name, number in rows))
    sys.stderr.write("".join(f"{warning}\n" for warning in neighbours()))
    return Exit.OK
