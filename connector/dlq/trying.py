"""What the current mapping makes of letters: the pipelines of ``run``, over the records as they were."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple, assert_never

from connector.core.mapping.transform import Router
from connector.core.operations import Operation
from connector.core.records import Entry, Fate, Filtered, Pending, Rejection, Skip, Skipped, Transformed, place_text
from connector.dlq.groups import Kind
from connector.dlq.letters import Letter, Place

STUB = "stub"
REPLAYED_OFTEN = "max_replays"
FOREIGN = "no_headers"
TOPIC_GONE = "topic_gone"


def why_left(letter: Letter, max_replays: int) -> str | None:
    """Why a letter cannot be replayed; None where it can."""
    if letter.record is None:
        return FOREIGN
    if letter.stub:
        return STUB
    return REPLAYED_OFTEN if letter.replays >= max_replays else None


def fate_of(router: Router, letter: Letter, now: float) -> Fate | Pending:
    """What becomes of the record; ``now`` is in Unix seconds. The letter has its record."""
    assert letter.record is not None  # noqa: S101  for the type checker: see why_left
    fate = router(letter.record, now)
    return fate if isinstance(fate, Pending) else _not_delivered_yet(letter, fate)


def _not_delivered_yet(letter: Letter, fate: Fate) -> Fate:
    """Only the elements that failed, since the others were delivered; all where another rule decides now.

    An element is known by its number, which means the same only in the same rule.
    """
    if not letter.elements or not isinstance(fate, Transformed):
        return fate
    if (fate.pipeline, fate.rule or "") != (letter.pipeline, letter.rule):
        return fate
    entries = tuple(entry for entry in fate.entries if entry.element is None or _is_of(letter, entry.element))
    rejection = fate.rejection
    if rejection is not None and rejection.indexes:
        indexes = tuple(each for each in rejection.indexes if _is_of(letter, each))
        rejection = rejection._replace(indexes=indexes) if indexes else None
    if entries:
        return fate._replace(entries=entries, rejection=rejection)
    return rejection or Skipped(Skip.NO_ELEMENTS, fate.rule, fate.pipeline)


def _is_of(letter: Letter, element: int | tuple[int, ...]) -> bool:
    """Whether the element failed, or is within one that did."""
    text = place_text(element)
    return any(text == each or text.startswith(f"{each}/") for each in letter.elements)


class Again(NamedTuple):
    """Letters that would fail again in the same way."""

    kind: Kind
    message: str


# What keeps its order: a session of an operation and a target, or the id of a user, an item or an action.
Session = tuple[str, str, str]
ANY: Session = ("", "", "")  # of a letter without its record: nothing of it was delivered


def session_of(entry: Entry) -> Session:
    """The session of an entry."""
    return entry.operation.action, entry.target, entry.lane


class Version(NamedTuple):
    """A letter of users, items or actions: its place, its record's, and the ids.

    ``alone`` says that all of its entries are of these ids.
    """

    place: Place
    source: tuple[str, int]
    offset: int
    sessions: frozenset[Session]
    alone: bool


def version_of(letter: Letter, fate: Fate) -> Version | None:
    """The ids that the letter would replace; None where it is none of users, items or actions."""
    record = letter.record
    if record is None or not isinstance(fate, Transformed):
        return None
    found = [entry for entry in fate.entries if entry.operation.identity is not None]
    if not found:
        return None
    alone = len(found) == len(fate.entries) and fate.rejection is None
    source = (record.topic, record.partition)
    return Version(letter.place, source, record.offset, frozenset(map(session_of, found)), alone)


@dataclass
class Tried:
    """What a replay would do. ``sessions`` are those of the entries, by source partition, with the first offset.

    ``made`` counts the entries by their operation; ``events`` is all of them. ``versions`` are letters of users, items
    and actions. ``undelivered`` has the ids of all such letters that were not replayed, also of those that are not
    wanted: topic, partition and offset of the record, and the session.
    """

    deliver: int = 0
    made: Counter[Operation] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    again: Counter[Again] = field(default_factory=Counter)
    left: dict[str, list[Letter]] = field(default_factory=dict)
    replayed: int = 0
    sessions: dict[tuple[str, int], dict[Session, int]] = field(default_factory=dict)
    examples: dict[Again, Place] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    undelivered: set[tuple[str, int, int, Session]] = field(default_factory=set)

    @property
    def events(self) -> int:
        """How many entries would be sent."""
        return self.made.total()

    @property
    def letters(self) -> int:
        """How many a replay would take."""
        return self.deliver + sum(self.skipped.values()) + sum(self.again.values())

    def leave(self, letter: Letter, why: str) -> None:
        """One that cannot be replayed."""
        self.left.setdefault(why, []).append(letter)

    def waits(self, letter: Letter, fate: Fate) -> None:
        """One that was not replayed yet, wanted or not: its ids were not delivered."""
        version = version_of(letter, fate)
        if version is not None:
            self.undelivered.update((*version.source, version.offset, each) for each in version.sessions)

    def add(self, letter: Letter, fate: Fate) -> None:
        """One letter more, and what becomes of it."""
        match fate:
            case Transformed():
                self._delivered(letter, fate)
                if fate.rejection is not None:
                    self._fails(letter, fate.rejection)
            case Skipped(reason):
                self.skipped[str(reason)] += 1
            case Filtered():
                self.skipped["filtered"] += 1
            case Rejection():
                self._fails(letter, fate)
            case _:
                assert_never(fate)

    def _delivered(self, letter: Letter, fate: Transformed) -> None:
        if fate.rejection is None:
            self.deliver += 1
        self.made.update(entry.operation for entry in fate.entries)
        record = letter.record
        if record is None:
            return
        known = self.sessions.setdefault((record.topic, record.partition), {})
        for entry in fate.entries:
            session = session_of(entry)
            known[session] = min(known.get(session, record.offset), record.offset)

    def _fails(self, letter: Letter, rejection: Rejection) -> None:
        kind = Kind(rejection.reason.value, rejection.rule or "", rejection.field or "", letter.topic)
        again = Again(kind, rejection.message)
        self.again[again] += 1
        self.examples.setdefault(again, letter.place)
