"""What the actions of ``putevents dlq`` do: they read or replay letters, and hand the result to dlq_text.py."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from connector import logs
from connector.aws.credentials import NotConfigured
from connector.cli import dlq_text as text
from connector.cli.files import loaded_or_reported
from connector.cli.progress import Progress
from connector.config import Loaded
from connector.config.formats import uses_registry
from connector.config.loading import read_text
from connector.core.mapping.transform import Router
from connector.dlq.adding import CannotAdd, Trials, added, test_of
from connector.dlq.exporting import line_of
from connector.dlq.groups import Kind, grouped, kind_of
from connector.dlq.letters import Letter
from connector.dlq.newer import Newer, newer_events
from connector.dlq.reading import NoLetters, Topic, Wanted, at_place, clients_of, group_of, letters, reader_of, topic_of
from connector.dlq.replaying import How, Replay, replay
from connector.dlq.selection import Selection, digest
from connector.dlq.trying import STUB, Tried, fate_of, why_left
from connector.exits import Exit
from connector.kafka.clients import ClientFactory
from connector.kafka.reading import TopicReader
from connector.ports import Refused, Unavailable
from connector.schema_wait import NoSchema, SchemaWait
from connector.signals import Signals
from connector.streams import say

UNSEEN = (
    "cannot see which letters were replayed already, so all are shown: {trouble}; "
    "allow Describe on the group {group} to see it\n"
)

WAITS = (
    "another replay has all partitions in the group {group}, or one that was killed a moment ago: "
    "waiting for it; Ctrl-C ends this one\n"
)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; what goes wrong becomes a message and an exit code."""
    loaded = loaded_or_reported(arguments.config, warn=False)
    if loaded is None:
        return Exit.BAD_FILE
    logs.configure("warning", "text")
    signals = Signals()
    if arguments.action == "replay" and arguments.execute:
        signals.install()
    try:
        return _RUN[arguments.action](arguments, loaded, signals)
    except (NoLetters, CannotAdd, ValueError) as error:
        say(f"{error}\n")
        return Exit.NOT_OK
    except Unavailable as error:
        say(f"{error}\n")
        return Exit.UNAVAILABLE
    except Refused as error:
        say(f"refused by Kafka: {error}\n")
        return Exit.REFUSED
    except NotConfigured as error:
        say(f"{error}\n")
        return Exit.REFUSED
    except NoSchema as error:
        say(f"{error}\n")
        return error.code


def _wanted(arguments: argparse.Namespace) -> Wanted:
    key = None if arguments.key is None else digest(arguments.key)
    selection = Selection(arguments.reason, arguments.rule, arguments.member, arguments.topic, key)
    partition, offset = arguments.partition, arguments.offset
    again = arguments.again
    if getattr(arguments, "place", None) is not None:
        partition, offset = at_place(arguments.place)
        again = True  # whoever names a letter means it
    return Wanted(selection, arguments.since, arguments.until, partition, offset, again)


@contextmanager
def _opened(
    arguments: argparse.Namespace, loaded: Loaded
) -> Iterator[tuple[ClientFactory, TopicReader, Topic, Wanted]]:
    wanted, clients = _wanted(arguments), clients_of(loaded.config)
    with reader_of(loaded.config, clients) as reader:
        topic = topic_of(loaded.config, reader, wanted)
        if topic.trouble:
            say(UNSEEN.format(trouble=topic.trouble, group=group_of(loaded.config)))
        yield clients, reader, topic, wanted


def _each(reader: TopicReader, topic: Topic, wanted: Wanted) -> Iterator[tuple[Letter, bool]]:
    """The wanted letters, and whether each was replayed, with the progress on a terminal."""
    with Progress("reading the dead letters") as progress:
        for letter, read in letters(reader, topic, wanted):
            progress.show(read, topic.total)
            if letter is not None:
                yield letter, topic.replayed(letter)


# -- list ------------------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace, loaded: Loaded, __: Signals) -> int:
    replayed = 0

    def open_letters(found: Iterator[tuple[Letter, bool]], *, again: bool) -> Iterator[Letter]:
        nonlocal replayed
        for letter, done in found:
            replayed += done
            if again or not done:
                yield letter

    with _opened(arguments, loaded) as (_, reader, topic, wanted):
        groups = grouped(open_letters(_each(reader, topic, wanted), again=wanted.again))
    if arguments.output == "json":
        sys.stdout.write(text.groups_json(groups, replayed) + "\n")
        return Exit.OK
    sys.stdout.write(text.groups_text(groups))
    say(text.groups_summary(topic.name, groups, replayed, again=wanted.again, config=arguments.config))
    return Exit.OK


# -- show ------------------------------------------------------------------------------------------------------


def _show(arguments: argparse.Namespace, loaded: Loaded, __: Signals) -> int:
    with _opened(arguments, loaded) as (_, reader, topic, wanted):
        letter, done = _first(reader, topic, wanted)
    with _mapping(loaded) as (router, wait):
        fate = None
        if letter.record is not None and not letter.stub:
            fate = wait(lambda: fate_of(router, letter, time.time()))
    shown = text.letter_json(letter, fate, replayed=done, show_values=arguments.show_values)
    if arguments.output == "json":
        sys.stdout.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.write(text.letter_text(shown))
    return Exit.OK


def _first(reader: TopicReader, topic: Topic, wanted: Wanted) -> tuple[Letter, bool]:
    for letter, done in _each(reader, topic, wanted):
        if wanted.again or not done:
            return letter, done
    raise NoLetters(f"no letter in {topic.name} is like that: `putevents dlq list` shows which there are")


@contextmanager
def _mapping(loaded: Loaded) -> Iterator[tuple[Router, SchemaWait]]:
    """The pipelines of the file, and what waits for the schemas of a record."""
    settings, dead_letter = loaded.config.schema_registry, loaded.config.dead_letter.topic
    if settings is None or not uses_registry(loaded.config.pipelines):
        yield Router(loaded.pipelines(None), dead_letter), SchemaWait(None)
        return
    from connector.cli.schemas import started  # noqa: PLC0415  loads what most files do not need

    registry = started(settings)
    try:
        yield Router(loaded.pipelines(registry), dead_letter), SchemaWait(registry)
    finally:
        registry.close(0)


# -- replay ----------------------------------------------------------------------------------------------------


def _replay(arguments: argparse.Namespace, loaded: Loaded, signals: Signals) -> int:
    if arguments.execute:
        return _execute(arguments, loaded, signals)
    with _mapping(loaded) as (router, wait):
        with _opened(arguments, loaded) as (clients, reader, topic, wanted):
            tried = Tried()
            for letter, done in _each(reader, topic, wanted):
                _try(letter, done and not wanted.again, arguments.max_replays, router, wait, tried)
            stubs = _still_there(reader, tried.left.get(STUB, []))
        newer = _newer(arguments, loaded, clients, router, wait, tried)
    if arguments.output == "json":
        sys.stdout.write(text.tried_json(tried, newer, stubs) + "\n")
    else:
        sys.stdout.write(text.tried_text(tried, newer, stubs, arguments.to, arguments.max_replays))
        if tried.letters:
            say(text.next_step(group_of(loaded.config)))
    return Exit.OK


def _try(letter: Letter, done: bool, max_replays: int, router: Router, wait: SchemaWait, tried: Tried) -> None:  # noqa: FBT001
    if done:
        tried.replayed += 1
        return
    why = why_left(letter, max_replays)
    if why is not None:
        tried.leave(letter, why)
        return
    tried.add(letter, wait(lambda: fate_of(router, letter, time.time())))


def _still_there(reader: TopicReader, stubs: list[Letter]) -> list[tuple[Letter, bool | None]]:
    """Whether the records of stubs are still in their topics; None where that cannot be known."""
    if not stubs:
        return []
    there = reader.topics()
    ends = reader.ends(sorted({letter.topic for letter in stubs} & there))
    found: list[tuple[Letter, bool | None]] = []
    for letter in stubs:
        record = letter.record
        if record is None:
            continue
        first, end = ends.get(record.topic_partition, (0, 0))
        found.append((letter, first <= record.offset < end))
    return found


def _newer(
    arguments: argparse.Namespace,
    loaded: Loaded,
    clients: ClientFactory,
    router: Router,
    wait: SchemaWait,
    tried: Tried,
) -> Newer | None:
    if not arguments.look or not tried.sessions:
        return None
    with Progress("looking for newer events of the same sessions") as progress:
        return newer_events(
            loaded.config,
            clients,
            router,
            wait,
            tried.sessions,
            arguments.look,
            stopping=lambda: False,
            show=progress.show,
        )


def _execute(arguments: argparse.Namespace, loaded: Loaded, signals: Signals) -> int:
    with _opened(arguments, loaded) as (clients, reader, topic, wanted):
        _require_room(topic, wanted)
        partitions = _partitions(reader, loaded) if arguments.to == "topic" else {}
    if not topic.total:
        ended = Replay()
    else:
        how = How(arguments.to, arguments.rate, arguments.max_replays)
        with Progress("replaying", "letters") as progress:
            ended = replay(
                loaded,
                topic,
                wanted,
                how,
                clients,
                partitions=partitions,
                stopping=signals.stopping,
                show=_showing(progress, topic.total),
                waits=lambda: say(WAITS.format(group=group_of(loaded.config))),
            )
    if arguments.output == "json":
        sys.stdout.write(text.replayed_json(ended) + "\n")
    else:
        sys.stdout.write(text.replayed_text(ended, arguments.to, arguments.max_replays))
    if ended.refused is not None:
        say(f"{ended.refused.reason}; the same command goes on where this one ended\n")
        return Exit.REFUSED
    if ended.stopped:
        say("stopped by a signal: the same command goes on where this one ended\n")
    return Exit.NOT_OK if ended.again or ended.left or ended.stopped or not ended.complete else Exit.OK


def _showing(progress: Progress, total: int) -> Callable[[int], None]:
    return lambda seen: progress.show(seen, total)


def _require_room(topic: Topic, wanted: Wanted) -> None:
    """Make sure that what is done can be noted; else a replay that is killed would start over."""
    for place, marks in topic.marks.items():
        bounds = topic.bounds[place]
        if not marks.with_progress(wanted.selection, bounds.begin, bounds.end).fits:
            raise NoLetters(
                "too many different selections were replayed to note another beside the group's offset: "
                "replay what is left without a filter, or up to --until, and then select again"
            )


def _partitions(reader: TopicReader, loaded: Loaded) -> dict[str, int]:
    """How many partitions each topic has: letters name their sources, which need not be those of the file."""
    counts: dict[str, int] = {}
    known = reader.topics() - {loaded.config.dead_letter.topic}
    for place in reader.ends(sorted(name for name in known if not name.startswith("__"))):
        counts[place.topic] = counts.get(place.topic, 0) + 1
    return counts


# -- export, to-test -------------------------------------------------------------------------------------------


def _export(arguments: argparse.Namespace, loaded: Loaded, __: Signals) -> int:
    if arguments.to is None and sys.stdout.isatty() and not arguments.show_values:
        raise NoLetters("the records hold people's values: pipe them, give --to FILE, or --show-values for a terminal")
    count = stubs = 0
    with _opened(arguments, loaded) as (_, reader, topic, wanted), _out(arguments.to) as write:
        for letter, done in _each(reader, topic, wanted):
            if done and not wanted.again:
                continue
            if letter.record is None or letter.stub:
                stubs += 1
                continue
            write(line_of(letter.record))
            count += 1
    say(f"{text.count(count, 'record')} exported\n")
    if stubs:
        say(f"{text.count(stubs, 'letter')} left out, without the whole record: `putevents dlq list` counts them\n")
    return Exit.OK


@contextmanager
def _out(path: str | None) -> Iterator[Callable[[bytes], Any]]:
    if path is None:
        yield sys.stdout.buffer.write
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise NoLetters(f"{path}: expected a file that can be written: {(error.strerror or '').lower()}") from None
    with os.fdopen(descriptor, "wb") as file:
        yield file.write


def _to_test(arguments: argparse.Namespace, loaded: Loaded, __: Signals) -> int:
    chosen: dict[Kind, Letter] = {}
    with _opened(arguments, loaded) as (_, reader, topic, wanted):
        for letter, done in _each(reader, topic, wanted):
            if wanted.again or not done:
                chosen.setdefault(kind_of(letter), letter)
    if not chosen:
        raise NoLetters(f"no letter in {topic.name} is like that: `putevents dlq list` shows which there are")
    path = Path(arguments.config)
    content = read_text(path)
    if not isinstance(content, str):
        raise NoLetters(f"{path}: {content.message}")
    failed, before = False, content
    for letter in chosen.values():
        try:
            trials = Trials(loaded, path, letter.pipeline)
            test = test_of(letter, trials, before, show_values=arguments.show_values)
            after = added(content, test.data)
        except CannotAdd as error:
            failed = True
            say(f"letter {letter.place} ({letter.reason}): {error}\n")
            continue
        say(f"{path}: {'has this test already' if after is None else 'added'}: {test.data['name']}\n")
        content = content if after is None else after
    _write(path, before, content, show=arguments.print)
    return Exit.NOT_OK if failed else Exit.OK


def _write(path: Path, before: str, content: str, *, show: bool) -> None:
    if show:
        sys.stdout.write(content)
    elif content != before:
        try:
            mark = b"\xef\xbb\xbf" if path.read_bytes().startswith(b"\xef\xbb\xbf") else b""
            path.write_bytes(mark + content.encode())
        except OSError as error:
            raise NoLetters(f"{path}: expected a file that can be written: {(error.strerror or '').lower()}") from None
        say(f"next: mend the mapping, then `putevents test {path} --update` and read the difference\n")


_RUN: dict[str, Callable[[argparse.Namespace, Loaded, Signals], int]] = {
    "list": _list,
    "show": _show,
    "replay": _replay,
    "export": _export,
    "to-test": _to_test,
}
