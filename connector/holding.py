"""Pipelines that are held, since their records turned invalid all at once: a flood of dead letters that is stopped.

A held pipeline's partitions are paused, and what was read of them is dropped unopened, so that no commit passes the
first of it; one of which nothing was read is read until its first record or its end, since a note goes with an offset
only. Only a restart lets them go on, from what is committed: nothing else can mend a mapping. What is usual for
a pipeline, and whether it is held, goes with its commits, so that the next process knows; see core/sending/flood.py.
A note of a hold that is over is written again, also in partitions without anything new: it would be believed later.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from connector.core.records import Fate, Pending, Record, Rejection, TopicPartition, Transformed
from connector.core.sending.flood import NO_MAPPING, Flood, Limit
from connector.core.sending.flood_notes import cause_of, tells_of_flood

Action = Literal["hold", "stop"]
PATIENCE = 30.0  # seconds that invalid records of a partition wait for its note, if the group's coordinator is slow
LOOKED_AT = 50  # records that say whether a flood goes on after a restart
MEND = (
    "nothing of this pipeline is dead-lettered or committed any more, nothing is lost: mend its mapping, then restart; "
    "with the same mapping the same records hold it again, so if they are meant to be invalid, skip them by a rule, or "
    "set dead_letter.flood.action: off until they are read"
)


class FloodSettings(NamedTuple):
    """What is a flood, and what then; None in its place where floods are let through."""

    limit: Limit
    action: Action


class Guard:
    """One pipeline: what became of its records, and of each rule the last that was right.

    ``changed`` is what is different in the record that is held from that one, in words; "" where nothing can be said.
    """

    __slots__ = ("changed", "flood", "last_good", "name")

    def __init__(self, name: str, limit: Limit, mapping: str) -> None:
        self.name = name
        self.flood = Flood(limit, mapping)
        self.last_good: dict[str, Record] = {}
        self.changed = ""

    def told(self) -> dict[str, str]:
        """What is known of its flood, for the log and the page; names of the configuration and of members only."""
        flooded = self.flood.flooded
        if flooded is None:
            return {}
        cause = flooded.cause
        found = {
            "pipeline": self.name,
            "reason": cause.reason.value,
            "rule": cause.rule,
            "member": cause.member,
            "since": ", ".join(f"{topic}-{number}@{offset}" for (topic, number), offset in flooded.since),
            "share": f"{flooded.share:.0%}",
            "before": None if flooded.before is None else f"{flooded.before:.0%}",
            "changed": self.changed,
            "again": "the same as before the restart" if flooded.again else None,
        }
        return {name: words for name, words in found.items() if words}


Later = Callable[[TopicPartition], Iterator[Fate | Pending]]


class Holding:
    """Decides of each record that is mapped whether its pipeline is held from there.

    Args:
        settings: None where nothing is ever held.
        owner: a topic's pipeline, by name; None where it has none.
        compare: what is different in the second record from the first: names of members, no values.
        fingerprint: of what judges the records of a pipeline, by its name; see ``Flood``.
    """

    def __init__(
        self,
        settings: FloodSettings | None = None,
        owner: Callable[[str], str | None] = lambda _: None,
        compare: Callable[[Record, Record], str] = lambda _, __: "",
        fingerprint: Callable[[str], str] = lambda _: NO_MAPPING,
    ) -> None:
        self._settings = settings
        self._owner = owner
        self._compare = compare
        self._fingerprint = fingerprint
        self._guards: dict[str, Guard] = {}  # by pipeline
        self._of_topic: dict[str, Guard | None] = {}
        self.held: dict[str, Guard] = {}  # the pipelines that are held
        self.unknown: dict[TopicPartition, float] = {}  # without a note yet, and until when that is worth waiting for
        self._told: set[TopicPartition] = set()  # whose last note speaks of a hold, or of what may become one

    @property
    def stopped(self) -> Guard | None:
        """The pipeline whose flood is to end the process."""
        if self._settings is None or self._settings.action != "stop":
            return None
        return next(iter(self.held.values()), None)

    def holds(self, topic: str) -> bool:
        """Whether the pipeline of this topic is held."""
        guard = self._guard(topic)
        return guard is not None and guard.flood.flooded is not None

    def assigned(self, places: Iterable[TopicPartition], now: float) -> None:
        """What went with the commits of these is not known yet."""
        if self._settings is not None:
            self.unknown.update(dict.fromkeys(places, now + PATIENCE))

    def waits(self, record: Record, fate: Fate, now: float) -> bool:
        """Whether to find out first if this partition was held: another process's letters may be enough.

        The answer mostly comes with the first record; where the coordinator is slow, good records need not wait for it.
        """
        until = self.unknown.get(record.topic_partition)
        if until is None:
            return False
        if now >= until:
            del self.unknown[record.topic_partition]
            return False
        return _rejected(fate) is not None and self._guard(record.topic) is not None

    def overdue(self, now: float) -> list[TopicPartition]:
        """Partitions whose note was waited for long enough."""
        return [place for place, until in self.unknown.items() if now >= until]

    def stops(self, record: Record, fate: Fate, later: Later) -> bool:
        """Whether this record is where its pipeline is held; ``later`` maps those of its partition that are here."""
        guard = self._of_topic.get(record.topic) or self._guard(record.topic)
        if guard is None:
            return False
        if isinstance(fate, Transformed):
            rejection = fate.rejection
        elif isinstance(fate, Rejection):
            rejection = fate
        else:
            return False
        if rejection is None:
            guard.last_good[fate.rule] = record  # type: ignore[index]  # a Transformed has one
            guard.flood.good()
            stopped = False
        else:
            stopped = self._floods(guard, record, rejection, later)
        if guard.flood.pending:
            guard.flood.looked(record.topic_partition)
        return stopped

    def _floods(self, guard: Guard, record: Record, rejection: Rejection, later: Later) -> bool:
        flood, place = guard.flood, record.topic_partition
        stopped = False
        if flood.pending and flood.suspected(rejection, place):
            stopped = flood.again(rejection, place, record.offset, _share(rejection, later(place)))
        if not stopped and not flood.bad(rejection, place, record.offset):
            return False
        before = guard.last_good.get(rejection.rule or "") or next(reversed(guard.last_good.values()), None)
        self.held[guard.name] = guard
        guard.changed = "" if before is None else self._compare(before, record)
        return True

    def _guard(self, topic: str) -> Guard | None:
        if self._settings is None:
            return None
        if topic not in self._of_topic:
            name = self._owner(topic)
            if name is not None and name not in self._guards:
                self._guards[name] = Guard(name, self._settings.limit, self._fingerprint(name))
            self._of_topic[topic] = None if name is None else self._guards[name]
        return self._of_topic[topic]

    # -- over a restart ---------------------------------------------------------------------------------------

    def recall(self, notes: Mapping[TopicPartition, str]) -> None:
        """Take in what went with the commits of these partitions."""
        for place, text in notes.items():
            self.unknown.pop(place, None)
            guard = self._guard(place.topic)
            if guard is not None:
                guard.flood.recall(place, text)
                self._tell(place, text)

    def notes(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, str]:
        """What is to go with these commits."""
        of: dict[str, dict[TopicPartition, int]] = {}
        for place, offset in offsets.items():
            guard = self._guard(place.topic)
            if guard is not None:
                of.setdefault(guard.name, {})[place] = offset
        found: dict[TopicPartition, str] = {}
        for name, those in of.items():
            found |= self._guards[name].flood.notes(those)
        for place, text in found.items():
            self._tell(place, text)
        return found

    def _tell(self, place: TopicPartition, text: str) -> None:
        if tells_of_flood(text):
            self._told.add(place)

    def renews(self, place: TopicPartition) -> bool:
        """Whether the note of this partition is to be written again, even if there is nothing else to commit there."""
        guard = self._guard(place.topic) if self.held or self._told else None
        if guard is None:
            return False
        return guard.flood.flooded is not None or (place in self._told and guard.flood.quiet)

    def noted(self, committed: Iterable[TopicPartition]) -> None:
        """These were committed, and their notes with them."""
        for place in self._told.intersection(committed) if self._told else ():
            guard = self._guard(place.topic)
            if guard is None or guard.flood.quiet:
                self._told.discard(place)


def _rejected(fate: Fate | Pending) -> Rejection | None:
    return fate if isinstance(fate, Rejection) else fate.rejection if isinstance(fate, Transformed) else None


def _share(rejection: Rejection, later: Iterator[Fate | Pending]) -> float:
    """Which part of the records that are here, this one included, is invalid for the same cause."""
    cause, same, others = cause_of(rejection), 1, 0
    for fate, _ in zip(later, range(LOOKED_AT), strict=False):
        found = _rejected(fate)
        if found is not None and cause_of(found) == cause:
            same += 1
        elif found is not None or isinstance(fate, Transformed):
            others += 1
    return same / (same + others)
