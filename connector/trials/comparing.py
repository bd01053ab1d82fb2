"""The differences between what a test expects and what was found, member by member."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import Enum
from typing import Any, NamedTuple

from connector.config.example_checks import CONTAINS
from connector.config.examples import FilteredOutput, RejectedOutput, SkippedOutput
from connector.trials.outcomes import TARGETS, Event, Outcome, id_of


class Absent(Enum):
    """Nothing is there: not even null."""

    ABSENT = "-"


ABSENT = Absent.ABSENT


class Row(NamedTuple):
    """One line of a comparison; either side may be ABSENT."""

    name: str
    expected: Any
    found: Any

    @property
    def same(self) -> bool:
        """Whether the two are equal."""
        return same(self.expected, self.found)


class Block(NamedTuple):
    """A part of a record's result that differs: an event, or the outcome as a whole."""

    title: str
    rows: Sequence[Row]


def differences(expected: Any, found: Outcome) -> list[Block]:
    """What differs; empty where the outcome is as expected. ``expected`` is an output of the file's model."""
    blocks = []
    rows = list(_outcome_rows(expected, found))
    if not all(row.same for row in rows):
        blocks.append(Block("outcome", rows))
    events = expected.events or [] if isinstance(expected, RejectedOutput) else expected
    events = events if isinstance(events, list) else []
    return blocks + list(_event_blocks(events, found.events, found.operation.noun))


def same(expected: Any, found: Any) -> bool:
    """Equality of JSON: a number equals a number, whatever its type, and nothing else."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(same(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(same, expected, found))
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    return bool(expected == found)


def _outcome_rows(expected: Any, found: Outcome) -> Iterator[Row]:
    kind = _kind(expected)
    yield Row("outcome", kind, found.kind)
    if isinstance(expected, SkippedOutput) or found.skipped is not None:
        yield Row("reason", expected.skipped if isinstance(expected, SkippedOutput) else ABSENT, _or(found.skipped))
    rejection = found.rejection
    if isinstance(expected, RejectedOutput) or rejection is not None:
        wanted = expected if isinstance(expected, RejectedOutput) else None
        yield Row("rejected", ABSENT if wanted is None else str(wanted.rejected), _reason(found))
        if wanted is None or wanted.member is not None:
            member = ABSENT if wanted is None else wanted.member
            yield Row("member", member, _or(None if rejection is None else rejection.field))


def _kind(expected: Any) -> str:
    match expected:
        case SkippedOutput():
            return "skipped"
        case FilteredOutput():
            return "filtered"
        case RejectedOutput():
            return "rejected"
        case _:
            return "events"


def _or(value: str | None) -> Any:
    return ABSENT if value is None else value


def _reason(found: Outcome) -> Any:
    return ABSENT if found.rejection is None else str(found.rejection.reason)


def _event_blocks(expected: Sequence[Event], found: Sequence[Event], noun: str) -> Iterator[Block]:
    for number, (wanted, event) in enumerate(_pairs(expected, found), 1):
        title = f"{noun} {number}"
        if wanted is None:
            title = f"{noun} {number} is not expected"
        elif event is None:
            title = f"{noun} {number} is missing"
        rows = list(_members(wanted or {}, event or {}, whole=wanted is None or event is None))
        if not all(row.same for row in rows) or wanted is None or event is None:
            yield Block(title, rows)


def _pairs(expected: Sequence[Event], found: Sequence[Event]) -> Iterator[tuple[Event | None, Event | None]]:
    """Events side by side: in their order, and where there are more or fewer than expected by their ids."""
    if len(expected) == len(found):
        yield from zip(expected, found, strict=True)
        return
    ids = [id_of(event.get(CONTAINS, event)) for event in expected]
    wanted_ids = [str(number if each is None else each) for number, each in enumerate(ids)]
    matcher = SequenceMatcher(None, wanted_ids, [str(id_of(event)) for event in found], False)
    for _, first, last, start, end in matcher.get_opcodes():
        for offset in range(max(last - first, end - start)):
            wanted = expected[first + offset] if first + offset < last else None
            event = found[start + offset] if start + offset < end else None
            yield wanted, event


def _members(wanted: Event, event: Event, *, whole: bool) -> Iterator[Row]:
    """The members that are compared: of ``contains`` those that it names, else all.

    Each has the tracking id or the dataset of the file, so it counts only where a test names it.
    """
    some = wanted.get(CONTAINS) if list(wanted) == [CONTAINS] else None
    expected = wanted if some is None else some
    names = list(dict.fromkeys([*expected, *(event if some is None or whole else ())]))
    for name in names:
        if name in TARGETS and name not in expected:
            continue
        left, right = expected.get(name, ABSENT), event.get(name, ABSENT)
        if name == "properties" and (isinstance(left, dict) or left is ABSENT) and isinstance(right, dict | Absent):
            yield from _properties({} if left is ABSENT else left, {} if right is ABSENT else right)
        else:
            yield Row(name, left, right)


def _properties(left: dict[str, Any], right: dict[str, Any]) -> Iterator[Row]:
    for name in dict.fromkeys([*left, *right]):
        yield Row(f"properties.{name}", left.get(name, ABSENT), right.get(name, ABSENT))
