"""How many calls a second a stream needs, by the same lanes that send, from the times of its records.

An event waits ``linger`` for others of its session, and any other entry for others of its target. In a backlog calls
are fuller, so this is what a connector needs that keeps up. Answers are taken to come at once; while a call is in
flight its lane fills, so the real number is at most this one.
"""

import zlib
from collections.abc import Iterable
from typing import NamedTuple

from connector.core.operations import Operation
from connector.core.records import Entry
from connector.core.sending.backlog import ANY_RECORD
from connector.core.sending.destination import lanes_for
from connector.core.sending.lanes import Item, Lanes
from connector.core.sending.mixed import MixedLanes

MOST = 100_000  # events that are kept
MOST_HALVINGS = 10  # then further events are left out: a single session is larger than all the memory


class Calls(NamedTuple):
    """Calls, and entries for them, of ``sessions`` within ``seconds``. For users, items and actions these are ids."""

    calls: int
    events: int
    sessions: int
    seconds: float

    @property
    def a_second(self) -> float:
        """Calls a second; 0 where the events are of one moment."""
        return self.calls / self.seconds if self.seconds > 0 else 0.0


class NeededCalls:
    """Takes the events of a stream with their times, and counts their calls.

    Beyond ``most`` events only every second session is kept, then every fourth, and so on. A call of PutEvents is of
    one session, so what is left out changes nothing in the calls that are counted; of others it may be too many.

    Args:
        linger: seconds, ``delivery.linger``.
        most: events that are kept in memory.
    """

    def __init__(self, linger: float, most: int = MOST) -> None:
        self._linger = linger
        self._most = most
        self._halved = 0
        self._kept: list[tuple[float, Entry]] = []

    def add(self, at: float, entries: Iterable[Entry]) -> None:
        """The entries of one record, which was written at ``at`` (Unix seconds)."""
        self._kept += [(at, entry._replace(body=b"")) for entry in entries if self._is_kept(entry)]
        while len(self._kept) > self._most and self._halved < MOST_HALVINGS:
            self._halved += 1
            self._kept = [kept for kept in self._kept if self._is_kept(kept[1])]
        del self._kept[self._most :]

    def _is_kept(self, entry: Entry) -> bool:
        if not self._halved:
            return True
        session = f"{entry.target}\0{entry.lane}".encode("utf-8", "replace")
        return not zlib.crc32(session) & ((1 << self._halved) - 1)

    def calls(self, since: float, until: float) -> dict[tuple[Operation, str], Calls]:
        """Operation and target to the calls of the entries between two times (Unix seconds, both included)."""
        kept = sorted((each for each in self._kept if since <= each[0] <= until), key=lambda each: each[0])
        found: dict[tuple[Operation, str], Calls] = {}
        for destination in dict.fromkeys((entry.operation, entry.target) for _, entry in kept):
            own = [(at, entry) for at, entry in kept if (entry.operation, entry.target) == destination]
            sessions = len({entry.lane for _, entry in own})
            times = 1 << self._halved
            calls = _sent(lanes_for(*destination, self._linger), own)
            found[destination] = Calls(calls * times, len(own) * times, sessions * times, until - since)
        return found


def _sent(lanes: Lanes | MixedLanes, entries: Iterable[tuple[float, Entry]]) -> int:
    calls = 0
    for at, entry in entries:
        calls += _due(lanes, at)
        lanes.add(Item(entry, ANY_RECORD, since=at))
    lanes.draining = True
    return calls + _due(lanes, float("inf"))


def _due(lanes: Lanes | MixedLanes, now: float) -> int:
    """Send what is due up to a time; how many calls that are."""
    calls = 0
    while (batch := lanes.take(now)) is not None:
        lanes.delivered(batch)
        calls += 1
    return calls
