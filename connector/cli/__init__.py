"""Arguments to calls, results to exit codes; nothing else.

stdout is data, stderr is messages. A command is a row of ``COMMANDS``: its help, its arguments, its call. What it does
lies in app.py, config/, dry_run.py and local/.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from connector.cli import files, mapping, running
from connector.exits import Exit


class Command(NamedTuple):
    """One command of the command line."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS = {
    "run": Command("run the connector until SIGTERM or SIGINT", files.add_config, running.run),
    "validate": Command("check files: everything that needs no network", files.add_validate, files.validate),
    "map": Command("dry run: records in on stdin, PutEvents calls out", mapping.add_arguments, mapping.run),
    "demo": Command(
        "a shop's clickstream through the real connector, on a broker and an endpoint of its own",
        running.add_demo,
        running.demo,
    ),
    "endpoint": Command(
        "a local PutEvents endpoint with every limit and with faults to order", running.add_endpoint, running.endpoint
    ),
    "print-config": Command("the effective file: defaults filled in, secrets masked", files.add_config, files.show),
    "schema": Command("the JSON Schema of the file, for editors", files.add_nothing, files.schema),
    "version": Command("versions of the connector and of what it stands on", files.add_nothing, running.version),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        code = int(run(parsed))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has had enough (`| head`); nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="putevents",
        description="Kafka to Amazon Personalize: interaction records in, validated PutEvents calls out.",
        epilog="Start with `putevents demo`; then `putevents validate` and `putevents map` with a file of your own.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.help, description=command.help)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser
