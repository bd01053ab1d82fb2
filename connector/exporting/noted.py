"""What an export notes on its way: how far it has read, how long its files were then, and all that it has counted.

The note is replaced as a whole, after the files that it speaks of were made safe. So an export that is killed at any
moment goes on at the note before, and what it wrote after that is cut off and made again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from connector.core.records import TopicPartition
from connector.kafka.reading import Bounds
from connector.replacing import replace

NOTE = "note.json"
_VERSION = 1


@dataclass
class Same:
    """What must be the same for an export to go on: else what it has written does not fit what it would write."""

    dataset: str
    config: str
    cluster: str
    position: str
    target: str | None

    def differs(self, other: "Same") -> str | None:
        """In which respect another differs, in words; None where it is the same."""
        for name, words in _WORDS.items():
            if getattr(self, name) != getattr(other, name):
                return words
        return None


_WORDS = {
    "dataset": "of another dataset",
    "config": "by another version of the configuration file",
    "cluster": "of another Kafka cluster",
    "position": "of other positions (-o or --until)",
    "target": "for another --target",
}


@dataclass
class Partition:
    """One partition: read from ``begin`` to before ``end``; ``next`` is read next."""

    begin: int
    end: int
    next: int


@dataclass
class Noted:
    """One note. ``missed`` counts records that retention deleted before they were read; ``read`` those that were read.

    ``complete``: all was read, and only files are to be finished.
    """

    same: Same
    partitions: dict[TopicPartition, Partition]
    read: int = 0
    missed: int = 0
    complete: bool = False
    sizes: Mapping[str, int] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    fates: dict[str, Any] = field(default_factory=dict)

    def bounds(self) -> dict[TopicPartition, Bounds]:
        """What is left to read."""
        return {place: Bounds(each.next, each.end, each.begin) for place, each in self.partitions.items()}


def read_note(work: Path) -> Noted | None:
    """The last note, None where there is none yet.

    Raises:
        ValueError: it is no note of this version.
    """
    path = work / NOTE
    if not path.exists():
        return None
    found = orjson.loads(path.read_bytes())
    if not isinstance(found, dict) or found.pop("version", None) != _VERSION:
        raise ValueError("a note of another version of putevents")
    partitions = {
        TopicPartition(topic, number): Partition(*offsets) for topic, number, offsets in found.pop("partitions")
    }
    return Noted(same=Same(**found.pop("same")), partitions=partitions, **found)


def write_note(work: Path, noted: Noted) -> None:
    """Replace the note."""
    partitions = [
        [place.topic, place.partition, [each.begin, each.end, each.next]] for place, each in noted.partitions.items()
    ]
    found = {**asdict(noted), "version": _VERSION, "partitions": partitions}
    replace(work / NOTE, orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS))
