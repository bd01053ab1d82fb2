"""``putevents check``: everything that a run needs, tried for real."""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Sequence

from connector import logs
from connector.checks.everything import CATEGORIES, of_problems
from connector.checks.inspection import Section, exit_of, inspected
from connector.checks.report import Look, as_json, changes, look_for, short, summary, text
from connector.checks.waiting import until_well
from connector.checks.world import World
from connector.cli.progress import Waiting, remaining
from connector.config import Loaded, load
from connector.core.mapping.durations import parse_duration
from connector.ports import Environment
from connector.styles import is_coloured

EXAMPLE = """\
example:
  putevents check clicks.yaml                         names, brokers, rights, topics, registry, AWS, clock, quota
  putevents check clicks.yaml --wait 2m --output short   in an init container: what is wrong, until it is mended
  putevents check clicks.yaml --send-test-event View  sends one event, to know that the tracking id takes it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A file, how long to wait, and what to say."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    parser.add_argument("config", metavar="CONFIG", help="the configuration, a YAML file")
    parser.add_argument(
        "--wait", metavar="TIME", type=_duration, default=0.0, help="look again until all is well, for so long: 2m"
    )
    parser.add_argument(
        "--output", choices=("text", "json", "short"), default="text", help="short prints only what is wrong"
    )
    parser.add_argument(
        "--send-test-event",
        metavar="TYPE",
        type=_event_type,
        help="send one event of this type to each tracking id of the file: it is recorded, and cannot be taken back",
    )


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("expected a duration such as 30s or 2m") from error


def _event_type(text: str) -> str:
    if not 1 <= len(text) <= 256:
        raise argparse.ArgumentTypeError("expected the name of an event type, of 1 to 256 characters")
    return text


def run(arguments: argparse.Namespace) -> int:
    """0; 78 for the file, 77 for what refuses, 69 for what is away."""
    # What goes wrong is a finding; the clients' own lines would only come between.
    logs.configure("critical", "text")
    delivered: set[str] = set()
    with Waiting() as waiting:
        shown = Shown(arguments.output, arguments.config, waiting)
        found = until_well(
            lambda: _looked(arguments, shown, delivered),
            arguments.wait,
            shown.changed,
            clock=time.monotonic,
            sleep=shown.pause,
        )
    shown.ended(found)
    return exit_of(found)


def _looked(arguments: argparse.Namespace, shown: "Shown", delivered: set[str]) -> Sequence[Section]:
    """One look at everything."""
    loaded = load(arguments.config, os.environ)
    found: list[Section] = []
    if not isinstance(loaded, Loaded):
        for section in of_problems(loaded):
            shown.section(section)
            found.append(section)
        shown.looked(found)
        return found
    world = World(loaded, Environment(time.monotonic, time.time, random.random), arguments.send_test_event, delivered)
    try:
        for section in inspected(CATEGORIES, world, shown.begins):
            shown.section(section)
            found.append(section)
    finally:
        world.close()
    shown.looked(found)
    return found


class Shown:
    """Writes what was found, in the form that was asked for: the first look as it goes on, then what changes."""

    def __init__(self, output: str, path: str, waiting: Waiting) -> None:
        self._waiting = waiting
        self._output = output
        self._path = path
        self._first = True
        self._written = False

    def begins(self, name: str) -> None:
        """A category is looked at now; a terminal says so where that takes long."""
        self._waiting.on(f"looking at {name}")

    def pause(self, seconds: float) -> None:
        """Nothing is looked at for so long."""
        self._waiting.on(f"not all is well: looking again after {remaining(seconds)}, waiting")
        time.sleep(seconds)

    def section(self, section: Section) -> None:
        """A category of a look."""
        if self._first and self._output == "text":
            self._write(text(section, _look()))

    def looked(self, found: Sequence[Section]) -> None:
        """A look is over."""
        if self._first and self._output == "short":
            self._write(short(found, _look()))
        self._first = False

    def changed(self, before: Sequence[Section], now: Sequence[Section]) -> None:
        """A look after the first: only what is new in it."""
        fresh = changes(before, now)
        if self._output == "text":
            self._write("".join(text(section, _look()) for section in fresh))
        elif self._output == "short":
            self._write(short(fresh, _look()))

    def ended(self, found: Sequence[Section]) -> None:
        """The last word; short says nothing where all was well from the beginning."""
        if self._output == "json":
            self._write(json.dumps(as_json(self._path, found), indent=2, ensure_ascii=False) + "\n")
        elif self._output == "text" or self._written:
            self._write(summary(found))

    def _write(self, content: str) -> None:
        self._waiting.on("")
        self._written = self._written or bool(content)
        # A name in the file may have letters that the output has not.
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(content.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()


def _look() -> Look:
    return look_for(sys.stdout.encoding, coloured=is_coloured(sys.stdout))
