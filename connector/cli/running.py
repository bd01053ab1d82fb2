"""Commands that run something: the connector, the demo, the endpoint; and what runs: version."""

import argparse
import platform
import sys
from importlib.metadata import version as version_of

from connector import __version__, app
from connector.cli.files import loaded_or_told
from connector.exits import Exit
from connector.local import demo as demonstration
from connector.local import endpoint_command


def run(arguments: argparse.Namespace) -> int:
    """Run the connector; see ``app.run`` for the exit codes."""
    loaded = loaded_or_told(arguments.config, warn=False)  # its warnings are lines of the log, like all that follows
    return Exit.BAD_FILE if loaded is None else app.run(loaded)


def add_demo(parser: argparse.ArgumentParser) -> None:
    """See local/demo.py."""
    demonstration.add_arguments(parser)


def demo(arguments: argparse.Namespace) -> int:
    """Run the demo; 0 where everything went as it should."""
    return demonstration.run(arguments)


def add_endpoint(parser: argparse.ArgumentParser) -> None:
    """See local/endpoint_command.py."""
    endpoint_command.add_arguments(parser)


def endpoint(arguments: argparse.Namespace) -> int:
    """Run the local endpoint until it is told to stop."""
    return endpoint_command.run(arguments)


def version(_: argparse.Namespace) -> int:
    """Print what an issue report needs."""
    libraries = ("confluent-kafka", "boto3", "botocore", "pydantic", "orjson", "jmespath")
    rows = [("putevents-connector", __version__), ("python", platform.python_version())]
    rows += [(name, version_of(name)) for name in libraries]
    sys.stdout.write("".join(f"{name} {number}\n" for name, number in rows))
    return Exit.OK
