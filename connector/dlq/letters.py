"""A message of the dead-letter topic becomes a letter: the record as it was, and what was wrong with it. Pure.

The record has its first place again, because default event ids are made of that: an event that was delivered in part
before keeps its id. The first failure's headers go along with a replay under ``putevents.first.``, so that a letter
that fails again says how it began; ``putevents.error.`` always has the latest failure.
"""

import re
from typing import NamedTuple

from connector.core.records import Record, known_timestamp
from connector.kafka.letter import CONNECT_PREFIX, PREFIX, REPLAYS

FIRST = f"{PREFIX}first."
_ERROR, _SOURCE = f"{PREFIX}error.", f"{PREFIX}source."
_OURS = (_ERROR, _SOURCE, FIRST, CONNECT_PREFIX)
_OUR_NAMES = frozenset({f"{PREFIX}version", f"{PREFIX}stub", REPLAYS})
_NUMBER = re.compile(rb"[0-9]{1,18}", re.ASCII)


class Place(NamedTuple):
    """Partition and offset of a letter in the dead-letter topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Letter(NamedTuple):
    """One dead letter.

    ``written`` is the time of the message in ms, None where it has none. ``record`` is the source's, without our
    headers; None where the message has no headers of ours. ``reason``, ``stage``, ``message``, ``member``, ``pipeline``
    and ``rule`` are what the latest failure says, "" where it says nothing. ``elements`` are those of the record that
    failed, as text; none where the whole record did. ``first`` are headers of the first failure, where it was replayed.
    """

    place: Place
    written: int | None
    key: bytes | None
    record: Record | None
    reason: str = ""
    stage: str = ""
    message: str = ""
    member: str = ""
    pipeline: str = ""
    rule: str = ""
    elements: frozenset[str] = frozenset()
    replays: int = 0
    stub: bool = False
    first: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def topic(self) -> str:
        """The source's; "" where it is not known."""
        return "" if self.record is None else self.record.topic


def letter_of(message: Record) -> Letter:
    """The letter that a message of the dead-letter topic is."""
    found = {name: value for name, value in message.headers if value is not None}
    place = Place(message.partition, message.offset)
    record = _source(message, found)
    if record is None:
        return Letter(place, message.timestamp, message.key, None)
    elements = _text(found, f"{_ERROR}indexes")
    return Letter(
        place,
        message.timestamp,
        message.key,
        record,
        reason=_text(found, f"{_ERROR}reason"),
        stage=_text(found, f"{_ERROR}stage"),
        message=_text(found, f"{_ERROR}message"),
        member=_text(found, f"{_ERROR}field"),
        pipeline=_text(found, f"{_ERROR}pipeline"),
        rule=_text(found, f"{_ERROR}rule"),
        elements=frozenset(elements.split(",")) if elements else frozenset(),
        replays=_whole(found.get(REPLAYS)) or 0,
        stub=found.get(f"{PREFIX}stub") == b"true",
        first=_first(message, found),
    )


def _source(message: Record, found: dict[str, bytes]) -> Record | None:
    topic = _text(found, f"{_SOURCE}topic")
    partition, offset = (_whole(found.get(f"{_SOURCE}{name}")) for name in ("partition", "offset"))
    if not topic or partition is None or offset is None:
        return None
    timestamp = known_timestamp(_whole(found.get(f"{_SOURCE}timestamp")))
    kept = tuple(pair for pair in message.headers if not is_ours(pair[0]))
    return Record(topic, partition, offset, timestamp, message.key, message.value, kept)


def is_ours(name: str) -> bool:
    """Whether the connector wrote a header of this name."""
    return name.startswith(_OURS) or name in _OUR_NAMES


def _first(message: Record, found: dict[str, bytes]) -> tuple[tuple[str, bytes | None], ...]:
    """Headers of the first failure: those that a replay left, else those of this one."""
    kept = tuple(pair for pair in message.headers if pair[0].startswith(FIRST))
    if kept:
        return kept
    names = [name for name in found if name.startswith((_ERROR, _SOURCE)) or name == f"{PREFIX}version"]
    return tuple((f"{FIRST}{name.removeprefix(_ERROR).removeprefix(PREFIX)}", found[name]) for name in names)


def replayed(letter: Letter) -> Record | None:
    """The record as a replay hands it on: counted once more, with the headers of its first failure."""
    if letter.record is None:
        return None
    count = (REPLAYS, str(letter.replays + 1).encode())
    return letter.record._replace(headers=(*letter.record.headers, *letter.first, count))


def first_failure(letter: Letter) -> dict[str, str]:
    """The first failure in words, by the names of its headers without the prefix."""
    return {name.removeprefix(FIRST): (value or b"").decode("utf-8", "replace") for name, value in letter.first}


def _text(found: dict[str, bytes], name: str) -> str:
    return found.get(name, b"").decode("utf-8", "replace")


def _whole(value: bytes | None) -> int | None:
    """Anybody may write to the topic: what is no number counts as absent."""
    return int(value) if value is not None and _NUMBER.fullmatch(value) else None
