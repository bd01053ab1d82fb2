"""All differences between two versions together: counted, each kind with the first record that shows it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from connector.core.records import Record
from connector.planning.comparing import Difference, differences, pairs
from connector.planning.outcomes import PROPERTIES, UNREAD, Outcome
from connector.planning.sides import Side

MOST = 200  # kinds of one sort that are kept apart; properties and reasons may be named by data
OTHERS = "others"


class Place(NamedTuple):
    """A record that shows something, as a user can find it: a line of the input, or a place of a topic."""

    line: int | None
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}" if self.line is None else f"line {self.line}"


class Group(NamedTuple):
    """Records that fare alike: why, by which pipeline and rule, for which member; what became of them before."""

    was: str
    reason: str | None = None
    pipeline: str | None = None
    rule: str | None = None
    member: str | None = None


class Moved(NamedTuple):
    """Records that another rule takes: pipeline and rule on each side."""

    old: tuple[str | None, str]
    new: tuple[str | None, str]


@dataclass
class Seen:
    """How often, and where first."""

    count: int
    place: Place


@dataclass
class Member:
    """The events in which one member differs; ``example`` is the first of them."""

    count: int
    place: Place
    example: Difference
    rule: str | None


# What becomes of records now that did not before, and the other way around.
GROUPS = ("dead_letter", "skipped", "filtered", UNREAD, "delivered")


@dataclass
class Findings:
    """What was found in the records that were compared."""

    records: int = 0
    changed: int = 0
    unread: int = 0  # records of topics that neither version reads
    compared_events: int = 0  # events that both versions make of a record
    changed_events: int = 0
    added: int = 0  # events that only the new version makes of a record that both deliver
    removed: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    newly: dict[str, dict[Group, Seen]] = field(default_factory=lambda: {kind: {} for kind in GROUPS})
    reasons: dict[Group, Seen] = field(default_factory=dict)  # dead letters and skips that are so for another reason
    rules: dict[Moved, Seen] = field(default_factory=dict)
    first: int | None = None  # ms, of the oldest record
    last: int | None = None

    @property
    def changed_ids(self) -> int:
        """Events whose id differs."""
        found = self.members.get("eventId")
        return 0 if found is None else found.count

    @property
    def seconds(self) -> float:
        """The time that the records span; 0 where they have no times."""
        return 0.0 if self.first is None or self.last is None else (self.last - self.first) / 1000

    def total(self, kind: str) -> int:
        """How many records newly end so."""
        return sum(seen.count for seen in self.newly[kind].values())

    @property
    def undelivered(self) -> int:
        """Records that made events and make none any more, and events that a record makes no more."""
        kinds = ("dead_letter", "skipped", "filtered", UNREAD)
        lost = sum(seen.count for kind in kinds for group, seen in self.newly[kind].items() if group.was == "delivered")
        return lost + self.removed

    def time(self, timestamp: int | None) -> None:
        """Take note of the time of a record, in ms."""
        if timestamp is not None:
            self.first = timestamp if self.first is None else min(self.first, timestamp)
            self.last = timestamp if self.last is None else max(self.last, timestamp)

    def add(self, old: Outcome, new: Outcome, place: Place) -> None:
        """Compare the outcomes of one record."""
        self.records += 1
        before = self.changed_events, self.added, self.removed
        moved = self._kind(old, new, place) | self._rule(old, new, place)
        if old.events and new.events:
            self._events(old, new, place)
        elif "delivered" not in (old.kind, new.kind):  # a dead letter of which one version delivers some events
            self.added, self.removed = self.added + len(new.events), self.removed + len(old.events)
        if moved or before != (self.changed_events, self.added, self.removed):
            self.changed += 1

    def same(self, outcome: Outcome) -> None:
        """A record of which both versions make the same."""
        self.records += 1
        self.compared_events += len(outcome.events)
        if outcome.kind == UNREAD:
            self.unread += 1

    def _kind(self, old: Outcome, new: Outcome, place: Place) -> bool:
        group = Group(old.kind, new.reason, new.pipeline, new.rule, new.member)
        if old.kind != new.kind:
            _seen(self.newly[new.kind], group, place)
        elif (old.reason, old.member) != (new.reason, new.member):
            _seen(self.reasons, group._replace(was=f"{old.kind}, {old.reason}"), place)
        else:
            return False
        return True

    def _rule(self, old: Outcome, new: Outcome, place: Place) -> bool:
        if old.rule is None or new.rule is None or old[2:4] == new[2:4]:
            return False
        _seen(self.rules, Moved((old.pipeline, old.rule), (new.pipeline, new.rule)), place)
        return True

    def _events(self, old: Outcome, new: Outcome, place: Place) -> None:
        for pair in pairs(old.events, new.events):
            if pair.old is None or pair.new is None:
                self.added += pair.old is None
                self.removed += pair.new is None
                continue
            found = list(differences(pair.old, pair.new))
            self.compared_events += 1
            self.changed_events += bool(found)
            for each in found:
                self._member(each, place, new.rule)

    def _member(self, difference: Difference, place: Place, rule: str | None) -> None:
        name = difference.member
        if name not in self.members and len(self.members) >= MOST:
            name = PROPERTIES + OTHERS
        known = self.members.get(name)
        if known is None:
            self.members[name] = Member(1, place, difference, rule)
        else:
            known.count += 1


def _seen(groups: dict[Group, Seen] | dict[Moved, Seen], group: Group | Moved, place: Place) -> None:
    """Count one of a group; what is beyond ``MOST`` groups is counted with the last."""
    known: dict[Group | Moved, Seen] = groups  # type: ignore[assignment]  # both are looked up alike
    if group not in known and len(known) >= MOST:
        group = next(reversed(known))
    if group in known:
        known[group].count += 1
    else:
        known[group] = Seen(1, place)


class Comparison:
    """Sends records through both versions, and keeps what differs.

    Args:
        old: the version that runs.
        new: the one that shall run.
        now: the time for both, in Unix seconds.
    """

    def __init__(self, old: Side, new: Side, now: float) -> None:
        self.old = old
        self.new = new
        self.found = Findings()
        self._now = now

    def add(self, record: Record, line: int | None = None, *, named: bool = True, timed: bool = True) -> None:
        """Compare what becomes of one record; ``line`` and ``named``, ``timed``: what its input says of it.

        Raises:
            NoSchema: the schema of the record cannot be had now.
        """
        fates = [side.fate(record, self._now, named=named) for side in (self.old, self.new)]
        old, new = self.old.count(fates[0]), self.new.count(fates[1])
        self.found.time(record.timestamp if timed else None)
        if fates[0] == fates[1]:
            self.found.same(new)
        else:
            self.found.add(old, new, Place(line, record.topic, record.partition, record.offset))
