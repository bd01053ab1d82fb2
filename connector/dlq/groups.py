"""Letters of one kind, counted: the same reason, rule, member and topic. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from connector.dlq.letters import Letter, Place


class Kind(NamedTuple):
    """What the letters of a group have in common."""

    reason: str
    rule: str
    member: str
    topic: str


@dataclass
class Group:
    """How many letters of a kind there are, and when the first and the last were dead-lettered.

    Times are in ms; None where no letter has one. ``example`` is the first letter's place. ``stubs`` are letters
    without their record.
    """

    kind: Kind
    example: Place
    count: int = 0
    first: int | None = None
    last: int | None = None
    replays: int = 0
    stubs: int = 0

    def add(self, letter: Letter) -> None:
        """One letter more."""
        self.count += 1
        self.replays = max(self.replays, letter.replays)
        self.stubs += letter.stub
        if letter.written is not None:
            self.first = letter.written if self.first is None else min(self.first, letter.written)
            self.last = letter.written if self.last is None else max(self.last, letter.written)


def kind_of(letter: Letter) -> Kind:
    """The kind of a letter."""
    return Kind(letter.reason, letter.rule, letter.member, letter.topic)


def grouped(letters: Iterable[Letter]) -> list[Group]:
    """The groups, the largest first."""
    found: dict[Kind, Group] = {}
    for letter in letters:
        kind = kind_of(letter)
        if kind not in found:
            found[kind] = Group(kind, letter.place)
        found[kind].add(letter)
    return sorted(found.values(), key=lambda group: (-group.count, group.kind))
