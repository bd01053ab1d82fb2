"""What a proposal consists of, and what its parts are found with."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from connector.starting.envelopes import Envelope
from connector.starting.fields import EACH, Field, Fields, Path, expression, value_at
from connector.starting.roles import candidates
from connector.starting.samples import Samples


class Member(NamedTuple):
    """A member of an event: its field spec as YAML, and the evidence."""

    name: str
    spec: str
    why: str = ""


@dataclass
class Rule:
    """A rule of the proposal."""

    name: str
    why: str
    when: str | None = None
    skip: str | None = None
    for_each: str | None = None
    members: list[Member] = field(default_factory=list)
    names: frozenset[str] = frozenset()
    """Names of the events that it is for; none where records have no names."""


@dataclass
class Plan:
    """What to write."""

    samples: Samples
    documents: list[dict[str, Any]]
    fields: Fields
    envelope: Envelope
    inside: Path | None = None
    """The list whose elements are the events; none where a record is an event."""
    event: Field | None = None
    session: list[Field] = field(default_factory=list)
    lookup: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    """Names of the columns that fit into the quota."""
    notes: list[str] = field(default_factory=list)
    people: set[Path] = field(default_factory=set)
    """Members that the rules read and that are of people."""
    agents: set[Path] = field(default_factory=set)
    """Members that the rules read and that name a browser."""
    things: set[Path] = field(default_factory=set)
    """Members that the rules read and that are not."""

    time: Field | None = None
    """The member that is the event's time."""

    @property
    def topic(self) -> str:
        """The topic that most records say they are of."""
        names = Counter(sample.topic for sample in self.samples.records if sample.topic)
        name = names.most_common(1)[0][0] if names else "events"
        return name if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}", name) else "events"

    def evidence(self, found: Field) -> str:
        """How often a member is there, and how many values it has."""
        total = self.fields.total(found.path)
        of = " elements of lists" if EACH in found.path else ""
        share = 100 * found.present // total
        return f"{expression(found.path)}: {share} % present, {found.distinct:,} distinct in {total:,}{of}"


def find(made: Plan, role: str) -> list[Field]:
    """Candidates: of the elements, where these are the events, then of the record."""
    found = candidates(made.fields, role, made.inside).fields if made.inside else []
    return [*found, *candidates(made.fields, role).fields]


def note_others(made: Plan, what: str, ranked: Sequence[Field]) -> None:
    """List the other members that could be meant."""
    for other in ranked[1:4]:
        made.notes.append(f"{what} could also be {made.evidence(other)}")


def records_of(made: Plan, name: str) -> list[dict[str, Any]]:
    """The records of events of this name; where names are within lists, all."""
    path = () if made.event is None else made.event.path
    return [document for document in made.documents if EACH in path or value_at(document, path) == name]


def has(made: Plan, names: set[str], found: Field) -> bool:
    """Whether a record of these names has the member; of lists and of records without names all are taken to."""
    if made.event is None or EACH in (*made.event.path, *found.path):
        return True
    return any(value_at(document, found.path) is not None for name in names for document in records_of(made, name))
