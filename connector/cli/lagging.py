"""``putevents lag``: how far the group is behind, and whether it catches up."""

import argparse
import json
import os
import re
import shutil
import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from connector.cli.files import add_config, loaded_or_reported
from connector.cli.progress import Progress
from connector.config import Config, Loaded
from connector.config.problems import width
from connector.core.mapping.durations import parse_duration
from connector.core.mapping.topics import Topics
from connector.exits import Exit
from connector.streams import say

if TYPE_CHECKING:
    from connector.cli.topics import Stop
    from connector.core.records import TopicPartition
    from connector.core.sending.lag import Look
    from connector.kafka.clients import ClientFactory
    from connector.kafka.reading import TopicReader
    from connector.kafka.standing import Members
    from connector.looking.standing import Group

INTERVAL = 5.0  # seconds between two looks, at least
LOOKS = 12  # that a state and rates are told from
_REDRAW = 0.5  # seconds between two looks of the progress line
_CLEAR = "\x1b[{}F\x1b[J"
_STYLES = re.compile("\x1b\\[[0-9;]*m")

EXAMPLE = """\
example:
  putevents lag clicks.yaml                  two looks, some seconds apart: state, lag, rates, time to catch up
  putevents lag clicks.yaml --watch          the same, drawn again every few seconds, until Ctrl-C
  putevents lag clicks.yaml --output json | jq .lag_seconds
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A file, and how often to look."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "How far the group of the file is behind, in records and in seconds, and whether\n"
        "it catches up. Works while no connector runs. Nothing is joined or committed."
    )
    parser.epilog = EXAMPLE
    add_config(parser)
    parser.add_argument("--watch", action="store_true", help="go on until Ctrl-C: redraws a terminal, else adds lines")
    parser.add_argument(
        "--interval",
        metavar="D",
        type=_duration,
        help="time between two looks (default: 5s, or twice delivery.commit_interval where that is longer)",
    )
    parser.add_argument("--output", choices=("text", "json"), default="text", help="json: an object a look")


def _duration(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise argparse.ArgumentTypeError("expected a duration above 0, such as 5s or 1m")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """0, whatever the lag is; 69 and 77 where Kafka does not answer or refuses."""
    loaded = loaded_or_reported(arguments.config)
    if loaded is None:
        return Exit.BAD_FILE
    from connector.cli.topics import FAILURES, client_factory, code_of, opened  # noqa: PLC0415  loads Kafka's client

    try:
        clients = client_factory(loaded.config)
        with opened(loaded.config, clients) as reader:
            return _looked(arguments, loaded, reader, clients)
    except FAILURES as error:
        say(f"{error}\n")
        return code_of(error)


def _looked(arguments: argparse.Namespace, loaded: Loaded, reader: "TopicReader", clients: "ClientFactory") -> int:
    from connector.cli.topics import stop_signals  # noqa: PLC0415

    config = loaded.config
    interval: float = arguments.interval or max(INTERVAL, 2 * config.delivery.commit_interval)
    looking = _Looking(config, reader, clients)
    shown = _Shown(as_json=arguments.output == "json", watch=arguments.watch)
    say(f"looks twice, {interval:g} s apart: one look has no rate\n" if not sys.stderr.isatty() else "")
    with Progress(f"looks again after {interval:g} s: one look has no rate", "looks") as progress:
        looking.look()
        for _ in range(max(1, round(interval / _REDRAW))):
            time.sleep(min(interval, _REDRAW))
            progress.show(1, 2)
        shown(looking.look())
    if not arguments.watch:
        return Exit.OK
    with stop_signals() as stop:
        while not stop.wait(interval):
            _look_again(looking, shown, stop)
    return Exit.OK


def _look_again(looking: "_Looking", shown: "_Shown", stop: "Stop") -> None:
    """Look and show it. Brokers that are away end no watch: they come back."""
    from connector.ports import Unavailable  # noqa: PLC0415

    try:
        group = looking.look(stop)
    except Unavailable as error:
        shown.trouble(str(error))
        return
    if not stop.is_set():
        shown(group)


class _Looking:
    """The looks of one command at a group."""

    def __init__(self, config: Config, reader: "TopicReader", clients: "ClientFactory") -> None:
        from connector.kafka.standing import GroupStanding  # noqa: PLC0415

        self._topics = Topics(config.pipelines, config.dead_letter.topic)
        topics = reader.wanted(self._topics)
        self._config = config
        self._clients = clients
        self._standing = GroupStanding(reader, topics, config.kafka.auto_offset_reset)
        self._looks: dict[TopicPartition, deque[Look]] = {}

    def look(self, stop: "Stop | None" = None) -> "Group":
        """Look once; what that says, together with the looks before.

        Raises:
            Unavailable: a broker does not answer.
            Refused: this principal may not describe the group, or not read the topics.
        """
        from connector.cli.topics import admin_properties  # noqa: PLC0415
        from connector.kafka.standing import members_of  # noqa: PLC0415
        from connector.looking.holds import holds_of  # noqa: PLC0415
        from connector.looking.standing import group_of  # noqa: PLC0415

        kafka = self._config.kafka
        found = self._standing.look((lambda: False) if stop is None else stop.is_set)
        for place, look in found.looks.items():
            self._looks.setdefault(place, deque(maxlen=LOOKS)).append(look)
        members = members_of(kafka.group_id, admin_properties(self._config), self._clients.admin)
        looks = {place: tuple(self._looks[place]) for place in found.looks}
        held = holds_of(found.notes, self._owner)
        group, reset = kafka.group_id, kafka.auto_offset_reset
        return group_of(group, reset, looks, found.oldest, members=members.any, notes=_notes(members), held=held)

    def _owner(self, topic: str) -> str | None:
        number = self._topics.owner(topic)
        return None if number is None else self._config.pipelines[number].name


def _notes(members: "Members") -> tuple[str, ...]:
    if members.known is None:
        return (
            f"it cannot be told whether anybody is in the group ({members.why}): one that is stalled may be stopped",
        )
    if not members.known:
        why = "it was never used, its offsets have expired, or this principal may not describe it"
        return (f"the cluster knows no such group: {why}; check kafka.group_id",)
    return () if members.any else ("nobody is in the group: no connector runs",)


class _Shown:
    """Shows groups on stdout: in place of the one before where a terminal is watched."""

    def __init__(self, *, as_json: bool, watch: bool) -> None:
        self._as_json = as_json
        self._watch = watch
        self._lines = 0
        self._trouble = ""

    def __call__(self, group: "Group") -> None:
        """Show a group."""
        from connector.cli.topics import now  # noqa: PLC0415
        from connector.looking.standing import as_json, summary, table  # noqa: PLC0415
        from connector.styles import Style, columns_of, is_coloured  # noqa: PLC0415

        self._trouble = ""
        if self._as_json:
            text = json.dumps({"at": now(), **as_json(group)}) + "\n"
        elif self._watch and not self._in_place():
            text = f"{now()}  {summary(group)}\n"
        else:
            room = shutil.get_terminal_size().lines - 1 if self._watch else None
            text = table(group, Style(coloured=is_coloured(sys.stdout)), columns_of(sys.stdout), room)
        self._write(text)

    def trouble(self, message: str) -> None:
        """Say why there is nothing to show now; once, until there is something again or another reason."""
        from connector.cli.topics import note  # noqa: PLC0415

        if message != self._trouble:
            note(message)
            self._trouble = message
            self._lines = 0  # the message stays where it is

    def _in_place(self) -> bool:
        return self._watch and not self._as_json and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def _write(self, text: str) -> None:
        again = _CLEAR.format(self._lines) if self._lines and self._in_place() else ""
        sys.stdout.write(again + text)
        sys.stdout.flush()
        self._lines = _lines_on_terminal(text) if self._in_place() else 0


def _lines_on_terminal(text: str) -> int:
    """How many lines of the terminal a text takes: a long one is wrapped."""
    columns = max(1, shutil.get_terminal_size().columns)
    return sum(max(1, -(-width(_STYLES.sub("", line)) // columns)) for line in text.splitlines())
