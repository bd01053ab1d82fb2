"""How a group stands in a partition, from looks at it: a state without thresholds, rates, and the time to catch up.

What is late depends on the stream, so no number of records or seconds decides. The rules are those of LinkedIn's
Burrow, applied to looks some seconds apart: a group that was at the end once keeps up; one whose offset moves is
compared with the end of the partition; one whose offset stands still is stalled, or stopped where nobody is in it.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, NamedTuple

Reset = Literal["earliest", "latest", "error"]


class State(StrEnum):
    """How a group stands; values are part of the JSON. In the order of severity, the worst first."""

    STOPPED = "stopped"
    STALLED = "stalled"
    FALLING_BEHIND = "falling behind"
    CATCHING_UP = "catching up"
    OK = "ok"


SEVERITY = tuple(State)


class Look(NamedTuple):
    """A partition at one moment.

    ``at`` is in seconds, ``committed`` the group's offset or None, ``begin`` the oldest offset that is kept, and
    ``end`` the offset that the next record will get. ``empty``: no record lies between the group's offset and the end,
    only markers of transactions and what compaction has removed.
    """

    at: float
    committed: int | None
    begin: int
    end: int
    empty: bool = False

    def deleted(self) -> int:
        """How many offsets were deleted before the group read them."""
        return 0 if self.committed is None else max(0, self.begin - self.committed)

    def beyond(self) -> bool:
        """Whether the group's offset lies after the end: the topic was deleted and created again."""
        return self.committed is not None and self.committed > self.end

    def usable(self) -> bool:
        """Whether reading goes on at the group's offset, and not where the reset says."""
        return self.committed is not None and not self.deleted() and not self.beyond()

    def position(self, reset: Reset) -> int | None:
        """Where a group reads on; None where it would stop with an error instead."""
        if self.usable():
            return self.committed
        return {"earliest": self.begin, "latest": self.end, "error": None}[reset]

    def lag(self, reset: Reset) -> int:
        """How many offsets there are still to read; those of a group that would stop are all that are kept."""
        if self.empty:
            return 0
        position = self.position(reset)
        return self.end - (self.begin if position is None else position)


class Rates(NamedTuple):
    """Offsets a second: committed by the group, and added to the partition."""

    read: float
    written: float


def rates(looks: Sequence[Look]) -> Rates | None:
    """Rates between the first and the last look; None where there is no time between them.

    Only what the group committed counts as read: where retention deletes what it did not read, nothing was read.
    """
    first, last = looks[0], looks[-1]
    seconds = last.at - first.at
    if seconds <= 0:
        return None
    before = first.begin if first.committed is None else first.committed
    read = 0 if last.committed is None else max(0, last.committed - before)
    return Rates(read / seconds, max(0, last.end - first.end) / seconds)


def catches_up_in(lag: int, found: Rates | None) -> float | None:
    """Seconds until nothing is left to read at these rates; None for never, and where no rates are known."""
    if lag == 0:
        return 0.0
    gain = found.read - found.written if found is not None else 0.0
    return lag / gain if gain > 0 else None


def state(looks: Sequence[Look], reset: Reset, *, members: bool) -> State:
    """How the group stands, from two looks at least, in the order of time; ``members``: whether anybody is in it."""
    first, last = looks[0], looks[-1]
    lag = last.lag(reset)
    if lag == 0:
        return State.OK
    if not members or last.position(reset) is None:
        return State.STOPPED
    if last.committed is None or last.committed == first.committed:
        return State.STALLED
    # All that was there at the first look is read: what is left came in meanwhile.
    if last.committed >= first.end or any(look.lag(reset) == 0 for look in looks):
        return State.OK
    return State.CATCHING_UP if lag < first.lag(reset) else State.FALLING_BEHIND


def worst(states: Sequence[State]) -> State:
    """The state of the group: that of its worst partition; ok where there are none."""
    return min(states, key=SEVERITY.index, default=State.OK)
