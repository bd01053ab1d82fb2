"""Reads the letters of the dead-letter topic, without a group; and which of them were replayed already.

The group of replays has a name of its own. What it has committed says which letters are done, see marks.py.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from connector.config import Config
from connector.config.client_properties import base_properties, for_consumer
from connector.core.positions import Position, Start
from connector.core.records import TopicPartition
from connector.dlq.letters import Letter, letter_of
from connector.dlq.marks import Marks
from connector.dlq.selection import Selection
from connector.kafka.clients import ClientFactory
from connector.kafka.reading import Bounds, TopicReader
from connector.metrics import Metrics
from connector.ports import Environment, Refused, Unavailable

GROUP_SUFFIX = ".dlq-replay"
# A static member's name belongs to the connector, and a replay that was killed is to be resumed soon.
_NOT_OURS = ("group.instance.id",)
_SESSION = 10_000  # ms until the group gives up a replay that was killed


class NoLetters(Exception):
    """What was asked for cannot be; the message says what can."""


class Wanted(NamedTuple):
    """Which letters: what they are like, between two positions, of one partition or all; ``again``: replayed ones."""

    selection: Selection = Selection()
    begin: Position | None = None
    end: Position | None = None
    partition: int | None = None
    offset: int | None = None
    again: bool = False


class Topic(NamedTuple):
    """The dead-letter topic as it is now: what is to be read, and what was replayed.

    ``void`` are commits past the end: the topic was deleted and created again since. ``trouble`` is why it cannot be
    seen what was replayed.
    """

    name: str
    bounds: Mapping[TopicPartition, Bounds]
    marks: Mapping[TopicPartition, Marks]
    void: Mapping[TopicPartition, int]
    trouble: str = ""

    @property
    def total(self) -> int:
        """Offsets within the bounds."""
        return sum(each.end - each.begin for each in self.bounds.values())

    def replayed(self, letter: Letter) -> bool:
        """Whether the letter was replayed, as far as is known."""
        marks = self.marks.get(TopicPartition(self.name, letter.place.partition))
        return marks is not None and marks.has(letter)


def group_of(config: Config) -> str:
    """The group of replays."""
    return config.kafka.group_id + GROUP_SUFFIX


def replay_properties(config: Config) -> dict[str, Any]:
    """The properties of a client in the group of replays."""
    kafka = for_consumer(base_properties(config.kafka))
    kept = {name: value for name, value in kafka.items() if name not in _NOT_OURS}
    session = {} if kept.get("group.protocol") == "consumer" else {"session.timeout.ms": _SESSION}
    return {**kept, **session, "group.id": group_of(config), "auto.offset.reset": "earliest"}


def environment() -> Environment:
    """This machine's clocks and chance."""
    return Environment(time.monotonic, time.time, random.random)


def clients_of(config: Config) -> ClientFactory:
    """What makes the clients.

    Raises:
        NotConfigured: see ``ClientFactory``.
    """
    return ClientFactory(config.kafka, Metrics(), environment())


@contextmanager
def reader_of(
    config: Config, clients: ClientFactory, properties: Mapping[str, Any] | None = None
) -> Iterator[TopicReader]:
    """A reader, by default with the name of the group of replays."""
    given = replay_properties(config) if properties is None else properties
    with TopicReader(given, clients.consumer) as reader:
        yield reader


def topic_of(config: Config, reader: TopicReader, wanted: Wanted) -> Topic:
    """The dead-letter topic, and what of it is wanted.

    Raises:
        Unavailable: the topic does not exist, or no broker answers.
        Refused: the brokers do not let this principal in.
        NoLetters: there is no such partition.
    """
    name = config.dead_letter.topic
    if name not in reader.topics():
        raise Unavailable(
            f"topic {name} does not exist at {reader.servers}, or this principal may not describe it: "
            "create it, correct dead_letter.topic, or allow Describe on it"
        )
    bounds: Mapping[TopicPartition, Bounds] = reader.bounds(
        [name], Start() if wanted.begin is None else wanted.begin, wanted.end
    )
    places = {place.partition for place in bounds}
    if wanted.partition is not None and wanted.partition not in places:
        raise NoLetters(f"topic {name} has the partitions 0 to {len(places) - 1}: there is no {wanted.partition}")
    if wanted.offset is not None:
        bounds = _at_offset(bounds, name, wanted)
    if wanted.partition is not None:
        bounds = {place: each for place, each in bounds.items() if place.partition == wanted.partition}
    marks, void, trouble = _marks(reader, name, bounds)
    return Topic(name, bounds, marks, void, trouble)


def _at_offset(bounds: Mapping[TopicPartition, Bounds], name: str, wanted: Wanted) -> Mapping[TopicPartition, Bounds]:
    """Only one offset. It names a letter together with its partition."""
    if wanted.partition is None and len(bounds) > 1:
        raise NoLetters(f"topic {name} has {len(bounds)} partitions: give --partition with --offset")
    offset = wanted.offset or 0
    return {
        place: Bounds(max(each.begin, offset), max(each.begin, offset, min(each.end, offset + 1)), each.first)
        for place, each in bounds.items()
    }


def _marks(
    reader: TopicReader, name: str, bounds: Mapping[TopicPartition, Bounds]
) -> tuple[dict[TopicPartition, Marks], dict[TopicPartition, int], str]:
    """What was replayed and which commits are void; where that cannot be seen nothing, and why."""
    try:
        commits = reader.commits(bounds)
        ends = {place: end for place, (_, end) in reader.ends([name]).items()}
    except (Unavailable, Refused) as error:
        return {}, {}, str(error)
    void = {place: offset for place, (offset, _) in commits.items() if offset > ends.get(place, offset)}
    found = {}
    for place, each in bounds.items():
        marks = Marks() if place in void else Marks.of_note(*commits.get(place, (0, "")))
        found[place] = marks._replace(base=max(marks.base, each.first))
    return found, void, ""


def letters(
    reader: TopicReader, topic: Topic, wanted: Wanted, stopping: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Letter | None, int]]:
    """The wanted letters in order within each partition, with how many offsets were read; None while none comes."""
    read = 0
    for message in reader.records(topic.bounds, stopping=stopping):
        if message is None:
            yield None, read
            continue
        read += 1
        letter = letter_of(message)
        yield (letter if wanted.selection.takes(letter) else None), read


def at_place(place: str) -> tuple[int, int]:
    """PARTITION:OFFSET as numbers.

    Raises:
        NoLetters: it is none.
    """
    partition, colon, offset = place.partition(":")
    if not (colon and partition.isdecimal() and offset.isdecimal()):
        raise NoLetters("expected PARTITION:OFFSET, such as 0:17, as `putevents dlq list` shows it")
    return int(partition), int(offset)
