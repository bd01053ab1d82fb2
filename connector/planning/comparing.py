"""Two outcomes of one record: which events belong together, and which of their members differ.

Nothing here prefers a side: with the two exchanged the result is the same with its sides exchanged.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from enum import Enum
from typing import Any, NamedTuple

from connector.planning.outcomes import Event, Outcome


class Absent(Enum):
    """Nothing is there: not even null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class Difference(NamedTuple):
    """A member that differs; either side may be ABSENT."""

    member: str
    old: Any
    new: Any


class Pair(NamedTuple):
    """Two events that stand for the same thing; None where one side has no such event."""

    old: Event | None
    new: Event | None


def pairs(old: Sequence[Event], new: Sequence[Event]) -> list[Pair]:
    """Events side by side: by their element of the record, then by their ids, then in order if as many are left."""
    found: list[Pair] = []
    left, right = list(old), list(new)
    for key in (_element, _id):
        matched, left, right = _matched(left, right, key)
        found += matched
    if len(left) == len(right):
        return found + [Pair(*both) for both in zip(left, right, strict=True)]
    return found + [Pair(each, None) for each in left] + [Pair(None, each) for each in right]


def _element(event: Event) -> Hashable:
    return event.element


def _id(event: Event) -> Hashable:
    return (event.operation, event.key) if isinstance(event.key, str) else None


def _matched(
    old: Sequence[Event], new: Sequence[Event], key: Callable[[Event], Hashable]
) -> tuple[list[Pair], list[Event], list[Event]]:
    """The events whose key one event of each side has, and those that are left."""
    olds, news = _unique(old, key), _unique(new, key)
    both = [name for name in olds if name in news]
    matched = [Pair(olds[name], news[name]) for name in both]
    known = set(both)
    return matched, [each for each in old if key(each) not in known], [each for each in new if key(each) not in known]


def _unique(events: Sequence[Event], key: Callable[[Event], Hashable]) -> dict[Hashable, Event]:
    """Events by their key, where it is not null and no other event has it."""
    counts = Counter(map(key, events))
    return {name: each for each in events if (name := key(each)) is not None and counts[name] == 1}


def differences(old: Event, new: Event) -> Iterator[Difference]:
    """The members that differ, those of the old event first."""
    for member in dict.fromkeys([*old.members, *new.members]):
        left, right = old.members.get(member, ABSENT), new.members.get(member, ABSENT)
        if not _same(left, right):
            yield Difference(member, left, right)


def _same(left: Any, right: Any) -> bool:
    """Equality of JSON: 1 is 1.0 but not true, at every depth."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def same(old: Outcome, new: Outcome) -> bool:
    """Whether nothing of what would be sent, and no reason why it would not, differs."""
    if old[2:] != new[2:] or old.kind != new.kind or len(old.events) != len(new.events):
        return False
    return all(
        pair.old is not None and pair.new is not None and not list(differences(pair.old, pair.new))
        for pair in pairs(old.events, new.events)
    )
