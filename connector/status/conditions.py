"""Which state the process is in: everything that holds, the most serious first, and since when.

A state is a line of ``HOLDS``. Some are so only after a while: a dead letter takes a moment to be acknowledged, and
between two events of a quiet topic nobody would call the process idle. How long is measured by a clock that never goes
back; the wall's is only shown.

What is not known is not claimed. Beside a trouble the process is only said to deliver where events were delivered since
the last look, and it is idle only where everything that there is to read is known.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from connector.core.operations import Operation
from connector.core.sending.destination import Destination
from connector.loop import Loop
from connector.ports import Reach
from connector.status.model import Condition, Kind
from connector.status.wording import schemas


class Sight(NamedTuple):
    """What is looked at.

    Args:
        loop, destinations: the loop and its destinations.
        reach: whether Kafka answers.
        busy: records were read since the last look, are not done with, or wait in Kafka.
        delivered: events were delivered since the last look.
        failing: calls are in flight or failed without a response, and none was accepted since.
        unheard: partitions of whose end nothing was heard yet.
        letters: why dead letters may wait, as far as is known.
    """

    loop: Loop
    destinations: tuple[Destination, ...]
    reach: Reach = Reach()
    busy: bool = False
    delivered: bool = False
    failing: bool = False
    unheard: int = 0
    letters: str = ""


LASTING = 10.0  # seconds that some states must hold before they are shown
AFTER: Mapping[Kind, float] = dict.fromkeys(
    (Kind.LETTERS_WAIT, Kind.FAILING, Kind.UNHEARD, Kind.SCHEMA_AWAITED), LASTING
)
# Nothing can be read, or be known to be read, while one of these holds.
HALTED = frozenset({Kind.KAFKA_AWAY, Kind.NO_TOPICS, Kind.STARTING, Kind.REJOINING, Kind.UNASSIGNED})


def _outage(sight: Sight) -> str | None:
    away = [
        destination
        for destination in sight.destinations
        if destination.breaker.since is not None and not destination.outage_unknown and not destination.busy
    ]
    return _failures(away) if away else None


def _busy(sight: Sight) -> str | None:
    busy = [each for each in sight.destinations if each.busy and not each.outage_unknown]
    return _names(busy) if busy else None


def _outage_unknown(sight: Sight) -> str | None:
    away = [destination for destination in sight.destinations if destination.outage_unknown]
    return _failures(away) if away else None


def _failures(destinations: list[Destination]) -> str:
    codes = dict.fromkeys(destination.last_failure for destination in destinations)
    return f"{_names(destinations)}; the last calls ended with {', '.join(codes)}"


def _failing(sight: Sight) -> str | None:
    return (
        "" if sight.failing and all(destination.breaker.since is None for destination in sight.destinations) else None
    )


def _cut_off(sight: Sight) -> str | None:
    """Of those that are ours: the client may know of others."""
    cut_off = sum(each in sight.loop.offsets for each in sight.reach.cut_off)
    return f"{cut_off} of {len(sight.loop.offsets)} partitions" if cut_off else None


def _held_count(sight: Sight) -> str | None:
    held = [destination for destination in sight.destinations if destination.held_count and not destination.proven]
    events = sum(destination.held_count for destination in held)
    return f"{_names(held)}; events held: {events:,}" if held else None


def _throttled(sight: Sight) -> str | None:
    slow = [destination for destination in sight.destinations if destination.limiter.throttled]
    return _names(slow) if slow else None


def _paused(sight: Sight) -> str | None:
    paused, ours = len(sight.loop.crowded), len(sight.loop.offsets)
    return f"{paused} of {ours} partitions" if paused else None


def _pipeline_held(sight: Sight) -> str | None:
    told = [guard.told() for guard in sight.loop.holding.held.values()]
    return "; ".join(", ".join(f"{name} {words}" for name, words in each.items()) for each in told) or None


def _registry_away(sight: Sight) -> str | None:
    reach = sight.loop.waiting.reach()
    if reach.away_since is None:
        return None
    return "; ".join(each for each in (reach.trouble, _awaited(sight)) if each)


def _awaited(sight: Sight) -> str | None:
    waiting = sight.loop.waiting
    if not waiting:
        return None
    return f"{len(waiting)} of {len(sight.loop.offsets)} partitions wait for {schemas(waiting.schemas)}"


def _schema_awaited(sight: Sight) -> str | None:
    return None if sight.loop.waiting.reach().away_since is not None else _awaited(sight)


HOLDS: Mapping[Kind, Callable[[Sight], str | None]] = {
    Kind.KAFKA_AWAY: lambda sight: None if sight.reach.away_since is None else "",
    Kind.NO_TOPICS: lambda sight: None if sight.loop.joined or sight.reach.topics else sight.reach.trouble,
    Kind.TOPICS_GONE: lambda sight: ", ".join(sight.reach.gone) or None,
    Kind.STARTING: lambda sight: sight.reach.trouble if not sight.loop.joined and sight.reach.topics else None,
    Kind.REJOINING: lambda sight: "" if sight.loop.joined and not sight.loop.placed else None,
    Kind.OUTAGE: _outage,
    Kind.REJECTIONS_HELD: _held_count,
    Kind.FAILING: _failing,
    Kind.PIPELINE_HELD: _pipeline_held,
    Kind.REGISTRY_AWAY: _registry_away,
    Kind.SCHEMA_AWAITED: _schema_awaited,
    Kind.DATASET_BUSY: _busy,
    Kind.LETTERS_WAIT: lambda sight: sight.letters if sight.loop.delivery.letters_expected else None,
    Kind.OUTAGE_UNKNOWN: _outage_unknown,
    Kind.CUT_OFF: _cut_off,
    Kind.UNHEARD: lambda sight: f"{sight.unheard} of {len(sight.loop.offsets)} partitions" if sight.unheard else None,
    Kind.THROTTLED: _throttled,
    Kind.PAUSED: _paused,
    Kind.UNASSIGNED: lambda sight: "" if sight.loop.placed and not len(sight.loop.offsets) else None,
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
        since = self._begun(details, now, wall)
        registry = sight.loop.waiting.reach()
        for kind, heard in ((Kind.KAFKA_AWAY, sight.reach.away_since), (Kind.REGISTRY_AWAY, registry.away_since)):
            if heard is not None and kind in details:
                since[kind] = Since(heard, wall - (now - heard))
        shown = [kind for kind in details if now - since[kind].clock >= AFTER.get(kind, 0.0)]
        otherwise = self._otherwise(frozenset(shown), sight, now)
        self._since = since | self._begun(otherwise, now, wall)
        return tuple(Condition(kind, self._since[kind].wall, details.get(kind, "")) for kind in (*shown, *otherwise))

    def _begun(self, kinds: Iterable[Kind], now: float, wall: float) -> dict[Kind, Since]:
        return {kind: self._since.get(kind, Since(now, wall)) for kind in kinds}

    def _otherwise(self, shown: frozenset[Kind], sight: Sight, now: float) -> tuple[Kind, ...]:
        """Whether it delivers or is idle, as far as what is shown leaves that open."""
        if sight.busy:
            self._busy_until = now + LASTING
        if shown & HALTED:
            return ()
        if shown:
            return (Kind.DELIVERING,) if sight.delivered else ()
        return (Kind.DELIVERING,) if now < self._busy_until else (Kind.IDLE,)


def _names(destinations: list[Destination]) -> str:
    """Each once, by operation, in the order of their first coming: ``PutItems to dataset shop/ITEMS``."""
    names: dict[Operation, dict[str, None]] = {}
    for each in destinations:
        names.setdefault(each.operation, {})[each.name] = None
    return "; ".join(_named(operation, list(own)) for operation, own in names.items())


def _named(operation: Operation, names: list[str]) -> str:
    noun = "tracking id" if operation.target == "trackingId" else "dataset"
    return f"{operation.name} to {noun}{'s' if len(names) > 1 else ''} {', '.join(names)}"
