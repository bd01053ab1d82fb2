"""Arguments to calls, results to exit codes; nothing else.

stdout is data, stderr is messages. A command is a row of ``COMMANDS``: its help, and the module that has its arguments
and its call. Only the module of the command that is given is imported, because
Kafka's client and the AWS SDK take most of a second to load and most commands need neither.

| module | what it has |
|---|---|
| running.py | `run` |
| files.py | `validate`, `print-config`, `schema`; loads a file for the other commands |
| mapping.py, given_lines.py | `map`, and its records |
| registries.py, schemas.py | the schemas that commands ask for |
| starting.py, testing.py, playing.py | `init`, `test`, `play` |
| planning.py, planned_records.py | `plan`, and the records of its files |
| tapping.py, lagging.py, topics.py | `tap`, `lag`, and the reader of commands that look at topics |
| checking.py | `check` |
| exporting.py, offsets.py | `export`, `offsets` |
| explaining.py, completing.py, versions.py | `explain`, `completion`, `version` |
| dlq.py, dlq_opening.py | `dlq`: its arguments; the letters that are meant |
| dlq_actions.py, dlq_text.py | `dlq list`, `show`, `export`, `to-test`, and how that is shown |
| dlq_replaying.py, dlq_foreseeing.py, dlq_outcomes.py | `dlq replay`, what it would do, and how that is shown |
| progress.py | how far a command has come, on a terminal |
| streams.py | a command on standard streams, whatever state they are in |
"""

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from connector import interrupt
from connector.cli.streams import with_standard_streams
from connector.streams import flushed

_BACK = re.compile(r"-[0-9]")
_POSITIONS = ("-o", "--offset", "--since", "--until")


class Command(NamedTuple):
    """One command: a function of ``module`` takes its parser, another takes its arguments and returns the exit code."""

    help: str
    module: str
    run: str = "run"
    add_arguments: str = "add_arguments"
    example: str = ""  # where the module gives none of its own

    def load(self) -> tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]:
        """What adds its arguments to a parser, and what runs it."""
        module = importlib.import_module(self.module)
        return getattr(module, self.add_arguments), getattr(module, self.run)


COMMANDS = {
    "run": Command(
        "run the connector until SIGTERM or SIGINT", "connector.cli.running", example="putevents run clicks.yaml"
    ),
    "init": Command("a first file, from a preset or from sample records", "connector.cli.starting"),
    "validate": Command(
        "check files: everything that needs no network",
        "connector.cli.files",
        "validate",
        "add_validate",
        example="putevents validate clicks.yaml",
    ),
    "map": Command("dry run: records in on stdin, PutEvents calls out", "connector.cli.mapping"),
    "test": Command(
        "run the tests of files through their mappings, and report what differs",
        "connector.cli.testing",
        "run_tests",
    ),
    "plan": Command("what a change of a file changes, on real records, before it runs", "connector.cli.planning"),
    "tap": Command(
        "real records of the topics and what becomes of them; joins no group, commits nothing", "connector.cli.tapping"
    ),
    "lag": Command("how far the group is behind, and whether it catches up", "connector.cli.lagging"),
    "check": Command("try everything that a run needs: brokers, rights, topics, AWS", "connector.cli.checking"),
    "play": Command("a mapping and its result side by side in the browser, on loopback", "connector.cli.playing"),
    "dlq": Command("the dead letters: list, show, replay, export, make tests of them", "connector.cli.dlq"),
    "export": Command("history as files for a bulk import, by the same mapping", "connector.cli.exporting"),
    "offsets": Command("where the group begins: after an export, for one", "connector.cli.offsets"),
    "demo": Command(
        "a shop's clickstream through the real connector, on a broker and an endpoint of its own",
        "connector.local.demo.command",
        example="putevents demo --records 5000",
    ),
    "endpoint": Command(
        "a local PutEvents endpoint: enforces every service limit; faults can be injected",
        "connector.local.endpoint.command",
    ),
    "broker": Command(
        "a local Kafka broker in memory, for trials and tests",
        "connector.local.broker",
        example="putevents broker --topic clicks:4",
    ),
    "print-config": Command(
        "the effective file: defaults filled in, secrets masked",
        "connector.cli.files",
        "show",
        "add_config",
        example="putevents print-config clicks.yaml",
    ),
    "schema": Command(
        "the JSON Schema of the file, for editors",
        "connector.cli.files",
        "schema",
        "add_nothing",
        example="putevents schema > putevents.schema.json",
    ),
    "explain": Command(
        "what a code means that validate, a dead letter or an exit gave",
        "connector.cli.explaining",
        example="putevents explain missing_member",
    ),
    "completion": Command("completion of commands and options for bash, zsh or fish", "connector.cli.completing"),
    "version": Command(
        "versions of the connector and of its libraries", "connector.cli.versions", example="putevents version"
    ),
}


def process(closed: frozenset[int]) -> int:
    """The command line as a process: ``main`` on the standard streams, whatever state they are in.

    ``closed`` are the descriptors of those that were closed, from ``occupy_closed``. ``run`` writes no data, and
    its log must not stop it.
    """
    if sys.argv[1:2] != ["run"]:
        return with_standard_streams(main, closed)
    try:
        return main()
    finally:
        for stream in (sys.stdout, sys.stderr):
            flushed(stream)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; returns the exit code."""
    given = with_positions(sys.argv[1:] if arguments is None else arguments)
    parsed, unknown = _parser(given).parse_known_args(given)
    if unknown:  # said by the command itself, whose usage names the options that there are
        parsed.refuse(f"unrecognized arguments: {' '.join(unknown)}")
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        interrupt.raise_again()
        return int(run(parsed))
    except KeyboardInterrupt:
        return 130


def with_positions(arguments: Sequence[str]) -> list[str]:
    """``-o -1h`` as ``-o-1h``: argparse takes what begins with a dash and is no number for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _POSITIONS and _BACK.match(argument):
            joined[-1] += argument if joined[-1] == "-o" else f"={argument}"
        else:
            joined.append(argument)
    return joined


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; of the commands only the one that is given has its arguments."""
    parser = argparse.ArgumentParser(
        prog="putevents",
        description="Kafka to Amazon Personalize: interaction records in, validated PutEvents calls out.",
        epilog="Start with `putevents demo`; then `putevents init --sample` with your records, and `putevents play`.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    named = next((word for word in given if not word.startswith("-")), None)
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.help, description=command.help)
        if name == named:
            add_arguments, run = command.load()
            add_arguments(subparser)
            if command.example and subparser.epilog is None:
                subparser.formatter_class = argparse.RawDescriptionHelpFormatter
                subparser.epilog = f"example:\n  {command.example}\n"
            subparser.set_defaults(run=run, refuse=subparser.error)
    return parser
