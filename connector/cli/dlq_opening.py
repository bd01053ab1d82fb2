"""What the actions of ``putevents dlq`` begin with: the topic, the letters that are meant, the mapping of the file."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from connector.cli.progress import Progress
from connector.config import Loaded
from connector.config.formats import uses_registry
from connector.core.mapping.transform import Router
from connector.dlq.letters import Letter
from connector.dlq.reading import Topic, Wanted, at_place, clients_of, group_of, letters, reader_of, topic_of
from connector.dlq.selection import Selection, digest
from connector.kafka.clients import ClientFactory
from connector.kafka.reading import TopicReader
from connector.schema_wait import SchemaWait
from connector.streams import say

UNSEEN = (
    "cannot see which letters were replayed already, so all are shown: {trouble}; "
    "allow Describe on the group {group} to see it\n"
)


def wanted_of(arguments: argparse.Namespace) -> Wanted:
    """Which letters the arguments mean."""
    key = None if arguments.key is None else digest(arguments.key)
    selection = Selection(arguments.reason, arguments.rule, arguments.member, arguments.topic, key)
    partition, offset = arguments.partition, arguments.offset
    again = arguments.again
    if getattr(arguments, "place", None) is not None:
        partition, offset = at_place(arguments.place)
        again = True  # whoever names a letter means it
    return Wanted(selection, arguments.since, arguments.until, partition, offset, again)


@contextmanager
def opened(arguments: argparse.Namespace, loaded: Loaded) -> Iterator[tuple[ClientFactory, TopicReader, Topic, Wanted]]:
    """The dead-letter topic as it is now, and what of it is wanted."""
    wanted, clients = wanted_of(arguments), clients_of(loaded.config)
    with reader_of(loaded.config, clients) as reader:
        topic = topic_of(loaded.config, reader, wanted)
        if topic.trouble:
            say(UNSEEN.format(trouble=topic.trouble, group=group_of(loaded.config)))
        yield clients, reader, topic, wanted


def each(reader: TopicReader, topic: Topic, wanted: Wanted) -> Iterator[tuple[Letter, bool]]:
    """The wanted letters, and whether each was replayed, with the progress on a terminal."""
    with Progress("reading the dead letters") as progress:
        for letter, read in letters(reader, topic, wanted):
            progress.show(read, topic.total)
            if letter is not None:
                yield letter, topic.replayed(letter)


@contextmanager
def mapping(loaded: Loaded) -> Iterator[tuple[Router, SchemaWait]]:
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


def shown(text: str) -> None:
    """Data on stdout, before what stderr says of it, also where both are the same file."""
    sys.stdout.write(text)
    sys.stdout.flush()
