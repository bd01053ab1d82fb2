"""``putevents run``: the connector itself."""

import argparse

from connector import app
from connector.cli.files import add_config, loaded_or_reported
from connector.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One file."""
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the connector; see ``app.run`` for the exit codes."""
    loaded = loaded_or_reported(
        arguments.config, warn=False
    )  # its warnings are lines of the log, like all that follows
    return Exit.BAD_FILE if loaded is None else app.run(loaded)
