"""No letter puts an older version of a user, an item or an action in the place of a newer one that was delivered. Pure.

The service replaces the whole record of an id, so what a replay sends last is what stays. A letter whose ids all have a
newer version is superseded: it is done, and nothing is sent. Where it cannot be known whether there is a newer one, the
letter is left, and a later replay takes it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from connector.core.operations import BY_ACTION
from connector.core.records import Fate, Skipped, Transformed
from connector.dlq.letters import Letter, Place
from connector.dlq.marks import Marks
from connector.dlq.newer import Newer
from connector.dlq.selection import Selection
from connector.dlq.trying import Session, Version, session_of

UNKNOWN = "newer_unknown"
MIXED = "newer_of_some"
SUPERSEDED = Skipped("superseded")


class Guard(NamedTuple):
    """What is not sent: the ids of each letter that have a newer version, and the letters that are left, with why."""

    superseded: Mapping[Place, frozenset[Session]] = {}
    left: Mapping[Place, str] = {}
    done: int = 0

    def sent(self, letter: Letter, fate: Fate) -> Fate:
        """What of a letter is sent."""
        older = self.superseded.get(letter.place)
        if older is None or not isinstance(fate, Transformed):
            return fate
        entries = tuple(entry for entry in fate.entries if session_of(entry) not in older)
        return fate._replace(entries=entries) if entries else fate.rejection or SUPERSEDED

    def progress(self, marks: Marks, selection: Selection, partition: int, begin: int, end: int) -> Marks:
        """The marks once the letters from ``begin`` to before ``end`` are done, but for those that are left."""
        for offset in sorted(place.offset for place in self.left if place.partition == partition):
            if begin <= offset < end:
                marks = marks.with_progress(selection, begin, offset)
                begin = offset + 1
        return marks.with_progress(selection, begin, end)


def guard_of(versions: Iterable[Version], newer: Newer | None, *, to_topic: bool, allow_unknown: bool) -> Guard:
    """What to do with letters of users, items and actions.

    Args:
        versions: these letters.
        newer: what was found in the source topics; None where nobody looked.
        to_topic: whether records return whole, with all of their ids.
        allow_unknown: whether to send what is not known to be older.
    """
    superseded: dict[Place, frozenset[Session]] = {}
    left: dict[Place, str] = {}
    done = 0
    for version in versions:
        older = frozenset() if newer is None else _older(version, newer)
        every = older == version.sessions
        if not every and not allow_unknown and not (newer is not None and newer.knows(version.source, version.offset)):
            left[version.place] = UNKNOWN
        elif older and to_topic and not (every and version.alone):
            left[version.place] = MIXED
        elif older:
            superseded[version.place] = older
            done += every and version.alone
    return Guard(superseded, left, done)


def _older(version: Version, newer: Newer) -> frozenset[Session]:
    newest = newer.newest.get(version.source, {})
    return frozenset(each for each in version.sessions if newest.get(each, -1) > version.offset)


def replacing(sessions: Iterable[Session]) -> frozenset[Session]:
    """Those of users, items and actions."""
    return frozenset(each for each in sessions if BY_ACTION[each[0]].identity is not None)
