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
from connector.cli import dlq_replaying
from connector.cli import dlq_text as text
from connector.cli.dlq import MAX_REPLAYS
from connector.cli.dlq_opening import each, mapping, opened, shown
from connector.cli.files import loaded_or_reported
from connector.config import Loaded
from connector.config.loading import read_text
from connector.dlq.adding import Trials, as_test
from connector.dlq.appending import CannotAdd, added
from connector.dlq.exporting import line_of
from connector.dlq.groups import Kind, grouped, kind_of
from connector.dlq.letters import Letter
from connector.dlq.reading import NoLetters, Topic, Wanted
from connector.dlq.trying import fate_of, why_left
from connector.exits import Exit
from connector.kafka.reading import TopicReader
from connector.ports import Refused, Unavailable
from connector.replacing import replace
from connector.schema_wait import NoSchema
from connector.signals import Signals
from connector.streams import say


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
    except (NoLetters, CannotAdd) as error:
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


# -- list ------------------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace, loaded: Loaded, __: Signals) -> int:
    replayed = left = 0

    def open_letters(found: Iterator[tuple[Letter, bool]], *, again: bool) -> Iterator[Letter]:
        nonlocal replayed, left
        for letter, done in found:
            replayed += done
            left += done and why_left(letter, MAX_REPLAYS) is not None
            if again or not done:
                yield letter

    with opened(arguments, loaded) as (_, reader, topic, wanted):
        groups = grouped(open_letters(each(reader, topic, wanted), again=wanted.again))
    if arguments.output == "json":
        shown(text.groups_json(groups, replayed, left) + "\n")
        return Exit.OK
    shown(text.groups_text(groups))
    say(text.groups_summary(topic.name, groups, replayed, left, again=wanted.again, config=arguments.config))
    return Exit.OK


# -- show ------------------------------------------------------------------------------------------------------


def _show(arguments: argparse.Namespace, loaded: Loaded, __: Signals) -> int:
    with opened(arguments, loaded) as (_, reader, topic, wanted):
        letter, done = _first(reader, topic, wanted)
    with mapping(loaded) as (router, wait):
        fate = None
        if letter.record is not None and not letter.stub:
            fate = wait(lambda: fate_of(router, letter, time.time()))
    found = text.letter_json(letter, fate, replayed=done, show_values=arguments.show_values)
    if arguments.output == "json":
        shown(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        shown(text.letter_text(found))
    return Exit.OK


def _first(reader: TopicReader, topic: Topic, wanted: Wanted) -> tuple[Letter, bool]:
    for letter, done in each(reader, topic, wanted):
        if wanted.again or not done:
            return letter, done
    raise NoLetters(f"no letter in {topic.name} is like that: `putevents dlq list` shows which there are")


# -- export, to-test -------------------------------------------------------------------------------------------


def _export(arguments: argparse.Namespace, loaded: Loaded, __: Signals) -> int:
    if arguments.to is None and sys.stdout.isatty() and not arguments.show_values:
        raise NoLetters("the records hold people's values: pipe them, give --to FILE, or --show-values for a terminal")
    count = stubs = 0
    with opened(arguments, loaded) as (_, reader, topic, wanted), _out(arguments.to) as write:
        for letter, done in each(reader, topic, wanted):
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
    with opened(arguments, loaded) as (_, reader, topic, wanted):
        for letter, done in each(reader, topic, wanted):
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
            test = as_test(letter, trials, before, whole=arguments.whole, show_values=arguments.show_values)
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
        shown(content)
    elif content != before:
        try:
            mark = b"\xef\xbb\xbf" if path.read_bytes().startswith(b"\xef\xbb\xbf") else b""
            replace(path, mark + content.encode())
        except OSError as error:
            raise NoLetters(f"{path}: expected a file that can be written: {(error.strerror or '').lower()}") from None
        say(f"next: mend the mapping, then `putevents test {path} --update` and read the difference\n")


_RUN: dict[str, Callable[[argparse.Namespace, Loaded, Signals], int]] = {
    "list": _list,
    "show": _show,
    "replay": dlq_replaying.run,
    "export": _export,
    "to-test": _to_test,
}
