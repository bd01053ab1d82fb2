"""What a replay would do, seen before it is done: the letters mapped, and what was delivered after them."""

import argparse
import time
from typing import NamedTuple

from connector.cli.dlq_opening import each, mapping
from connector.cli.progress import Progress
from connector.config import Loaded
from connector.core.mapping.transform import Router
from connector.core.records import Fate, TopicPartition
from connector.dlq.guarding import Guard, guard_of, replacing
from connector.dlq.letters import Letter
from connector.dlq.newer import Newer, Sessions, newer_events
from connector.dlq.reading import Topic, Wanted, topic_of
from connector.dlq.trying import ANY, Tried, fate_of, version_of, why_left
from connector.kafka.clients import ClientFactory
from connector.kafka.reading import Bounds, TopicReader
from connector.schema_wait import SchemaWait


class Foreseen(NamedTuple):
    """The letters, what is newer (None: nobody looked), and what is not sent because of that."""

    tried: Tried
    newer: Newer | None
    guard: Guard


class Mapped(NamedTuple):
    """How a letter is mapped."""

    router: Router
    wait: SchemaWait

    def __call__(self, letter: Letter) -> Fate:
        """What becomes of its record."""
        return self.wait(lambda: fate_of(self.router, letter, time.time()))


def replaces(loaded: Loaded) -> bool:
    """Whether the file sends users, items or actions."""
    operations = [rule.operation for pipeline in loaded.config.pipelines for rule in pipeline.rules]
    return any(each is not None and each.identity is not None for each in operations)


def foreseen(
    arguments: argparse.Namespace,
    loaded: Loaded,
    clients: ClientFactory,
    reader: TopicReader,
    topic: Topic,
    wanted: Wanted,
) -> Foreseen:
    """Map the letters, and look through their sources."""
    with mapping(loaded) as (router, wait):
        tried, mapped = Tried(), Mapped(router, wait)
        read = (_whole(loaded, reader, topic, wanted), Wanted()) if replaces(loaded) else (topic, wanted)
        for letter, done in each(reader, *read):
            meant = _within(topic, letter) and wanted.selection.takes(letter)
            _try(letter, arguments, mapped, tried, meant=meant, done=done, again=wanted.again)
        newer = _newer(arguments, loaded, clients, mapped, tried)
    guard = guard_of(tried.versions, newer, to_topic=arguments.to == "topic", allow_unknown=arguments.allow_older)
    return Foreseen(tried, newer, guard)


def _whole(loaded: Loaded, reader: TopicReader, topic: Topic, wanted: Wanted) -> Topic:
    """All letters that were not replayed, beside those that are wanted: what is a letter itself was not delivered."""
    found = topic_of(loaded.config, reader, Wanted())
    bounds: dict[TopicPartition, Bounds] = {}
    for place, full in found.bounds.items():
        begin = full.begin if wanted.again or place not in found.marks else max(full.begin, found.marks[place].base)
        bounds[place] = Bounds(min(begin, full.end), full.end, full.first)
    return found._replace(bounds=bounds, marks={**found.marks, **topic.marks})


def _within(topic: Topic, letter: Letter) -> bool:
    bounds = topic.bounds.get(TopicPartition(topic.name, letter.place.partition))
    return bounds is not None and bounds.begin <= letter.place.offset < bounds.end


def _try(
    letter: Letter, arguments: argparse.Namespace, mapped: Mapped, tried: Tried, *, meant: bool, done: bool, again: bool
) -> None:
    if done and not (meant and again):
        tried.replayed += meant
        return
    why = why_left(letter, arguments.max_replays)
    if meant and why is not None:
        tried.leave(letter, why)
    fate = _waiting(letter, mapped, tried, done=done)
    if fate is None or not meant or why is not None:
        return
    tried.add(letter, fate)
    # A record returns to its topic with all of its elements.
    whole = letter._replace(elements=frozenset()) if arguments.to == "topic" else letter
    version = version_of(letter, mapped(whole) if whole.elements != letter.elements else fate)
    if version is not None:
        tried.versions.append(version)


def _waiting(letter: Letter, mapped: Mapped, tried: Tried, *, done: bool) -> Fate | None:
    """What becomes of the letter, where it has its record; and that it was not delivered, if it was not replayed."""
    if letter.record is None:
        return None
    if letter.stub:
        tried.undelivered.add((*letter.record.topic_partition, letter.record.offset, ANY))
        return None
    fate = mapped(letter)
    if not done:
        tried.waits(letter, fate)
    return fate


def _newer(
    arguments: argparse.Namespace, loaded: Loaded, clients: ClientFactory, mapped: Mapped, tried: Tried
) -> Newer | None:
    sessions = _sessions(arguments, tried)
    if not arguments.look or not sessions:
        return None
    with Progress("looking for newer events of the same sessions") as progress:
        return newer_events(
            loaded.config,
            clients,
            mapped.router,
            mapped.wait,
            sessions,
            arguments.look,
            undelivered=tried.undelivered,
            stopping=lambda: False,
            show=progress.show,
        )


def _sessions(arguments: argparse.Namespace, tried: Tried) -> Sessions:
    """What to look for: a replay itself asks only for what it would replace."""
    found: dict[tuple[str, int], dict[tuple[str, str, str], int]] = {}
    for place, sessions in tried.sessions.items():
        kept = replacing(sessions) if arguments.execute else sessions
        found[place] = {each: sessions[each] for each in sessions if each in kept}
    for version in tried.versions:  # with --to topic also elements that were delivered
        known = found.setdefault(version.source, {})
        for session in version.sessions:
            known[session] = min(known.get(session, version.offset), version.offset)
    return {place: known for place, known in found.items() if known}
