"""Which state the process is in: everything that holds, the gravest first, and since when.

A state is a line of ``HOLDS``. Some are so only after a while: a dead letter takes a moment to be acknowledged, and
between two events of a quiet topic nobody would call the process idle. How long is measured by a clock that never goes
back; the wall's is only shown.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from connector.core.channel import Channel
from connector.loop import Loop
from connector.status.model import Condition, Kind


class Sight(NamedTuple):
    """What is looked at. ``busy``: records were read since the last look, are not done with, or wait in Kafka."""

    loop: Loop
    channels: tuple[Channel, ...]
    busy: bool


PATIENCE = 10.0  # seconds
AFTER: Mapping[Kind, float] = {Kind.LETTERS_WAIT: PATIENCE}


def _outage(sight: Sight) -> str | None:
    away = [channel.name for channel in sight.channels if channel.outage.since is not None]
    return f"{_names(away)}; calls end with {sight.loop.delivery.last_failure}" if away else None


def _in_doubt(sight: Sight) -> str | None:
    held = [channel for channel in sight.channels if channel.in_doubt and not channel.proven]
    events = sum(channel.in_doubt for channel in held)
    return f"{_names([channel.name for channel in held])}; events held: {events:,}" if held else None


def _throttled(sight: Sight) -> str | None:
    slow = [channel.name for channel in sight.channels if channel.pace.throttled]
    return _names(slow) if slow else None


def _paused(sight: Sight) -> str | None:
    paused, ours = len(sight.loop.flow.paused), len(sight.loop.offsets)
    return f"{paused} of {ours} partitions" if paused else None


HOLDS: Mapping[Kind, Callable[[Sight], str | None]] = {
    Kind.STARTING: lambda sight: None if sight.loop.joined else "",
    Kind.OUTAGE: _outage,
    Kind.IN_DOUBT: _in_doubt,
    Kind.LETTERS_WAIT: lambda sight: "" if sight.loop.delivery.letters_expected else None,
    Kind.THROTTLED: _throttled,
    Kind.PAUSED: _paused,
    Kind.UNASSIGNED: lambda sight: "" if sight.loop.joined and not len(sight.loop.offsets) else None,
    Kind.DELIVERING: lambda sight: "" if sight.busy else None,
}


class Since(NamedTuple):
    """A moment, by the clock that never goes back and in Unix time."""

    clock: float
    wall: float


class Conditions:
    """Remembers since when each of them holds."""

    def __init__(self, started: float, now: float) -> None:
        self._since: dict[Kind, Since] = {Kind.STARTING: Since(now, started)}
        self._busy_until = now

    def look(self, sight: Sight, now: float, wall: float) -> tuple[Condition, ...]:
        """What holds now, by the clock and in Unix time; never empty."""
        details = {kind: detail for kind, holds in HOLDS.items() if (detail := holds(sight)) is not None}
        self._settle(details, now)
        self._since = {kind: self._since.get(kind, Since(now, wall)) for kind in details}
        return tuple(
            Condition(kind, self._since[kind].wall, detail)
            for kind, detail in details.items()
            if now - self._since[kind].clock >= AFTER.get(kind, 0.0)
        )

    def _settle(self, details: dict[Kind, str], now: float) -> None:
        """Idle is what is left, once nothing has been under way for a while."""
        if Kind.DELIVERING in details:
            self._busy_until = now + PATIENCE
        if Kind.STARTING in details or Kind.UNASSIGNED in details:
            return
        if now < self._busy_until:
            details.setdefault(Kind.DELIVERING, "")
        elif not details or details.keys() <= AFTER.keys():
            details[Kind.IDLE] = ""


def _names(names: list[str]) -> str:
    """Each once, in the order of their first coming."""
    each = list(dict.fromkeys(names))
    return f"tracking id{'s' if len(each) > 1 else ''} {', '.join(each)}"
