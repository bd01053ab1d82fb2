"""What the page shows is looked at in the loop's thread, once a second, and published as one value.

The loop owns all state and has no locks; to give away a reference to something finished needs none either. What may
be asked from another thread at any time is only ``latest`` and ``view``.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from connector.core.operations import Operation
from connector.core.records import TopicPartition
from connector.core.sending.destination import Destination
from connector.core.sending.offsets import OpenRecord
from connector.core.sending.outcomes import Status
from connector.kafka.dead_letters import Buried
from connector.loop import Loop
from connector.metrics import Metrics
from connector.ports import Environment, Source
from connector.status.conditions import Conditions, Sight
from connector.status.history import History, read
from connector.status.model import (
    Condition,
    Facts,
    Kind,
    Lags,
    Letter,
    Pacing,
    PartitionLag,
    Registry,
    Totals,
    View,
)
from connector.waiting import Waiting
from connector.watch import Lag

MOST_ROWS = 50  # partitions on the page
STALLED = 10.0  # seconds without a look
WINDOW = 5.0  # seconds over which calls are counted for "now"
UNANSWERED = frozenset({Status.TIMEOUT, Status.CONNECTION, Status.SERVER_ERROR})
Row = tuple[Operation, str]  # an operation and the name of a tracking id or dataset
DOING = frozenset({Kind.DELIVERING, Kind.IDLE})  # what a process that stops or stands still does not do


class Letters(Protocol):
    """What is asked of the dead letters."""

    latest: deque[Buried]

    trouble: str

    def pending(self) -> Collection[OpenRecord]:
        """Those that the broker does not have yet."""


class Board:
    """Looks at a loop and publishes what it sees.

    Args:
        facts: what does not change.
        loop: looked at in its own thread only.
        source: asked whether Kafka answers.
        letters: the latest that the broker has, and those that it has not.
        metrics: where the counts come from.
        environment: clocks.
        stopping: whether a signal asks to stop.
    """

    def __init__(
        self,
        facts: Facts,
        loop: Loop,
        source: Source,
        letters: Letters,
        metrics: Metrics,
        environment: Environment,
        stopping: Callable[[], bool],
    ) -> None:
        self._facts = facts
        self._loop = loop
        self._source = source
        self._rates = CallRates()
        self._letters = letters
        self._metrics = metrics
        self._environment = environment
        self._stopping = stopping
        now = environment.clock()
        self._conditions = Conditions(facts.started, now)
        self._history = History(read(metrics, now))
        self._looked_at = now
        self._failed = False  # whether a call has failed for lack of a response since one was accepted
        self._known = Lags()  # the last that were known of some partition
        self.latest = View(facts, environment.wall(), (Condition(Kind.STARTING, facts.started),), Lags())

    # -- in the loop's thread ---------------------------------------------------------------------------------

    def look(self, lags: Sequence[Lag]) -> None:
        """Publish what is so now; ``lags`` are of all assigned partitions."""
        now, wall = self._environment.clock(), self._environment.wall()
        reading = read(self._metrics, now)
        self._history.add(reading, wall)
        loop, destinations = self._loop, tuple(self._loop.delivery.destinations)
        self._rates.look(destinations, now)
        lag = self._lags(lags, now, wall)
        self.latest = View(
            self._facts,
            wall,
            self._conditions.look(self._sight(destinations, lags, reading.totals), now, wall),
            lag,
            pacing(destinations, self._rates.rates),
            reading.totals,
            self._history.points,
            tuple(Letter(wall - (now - each.at), *each[1:]) for each in reversed(self._letters.latest)),
            len(self._letters.pending()),
            loop.offsets.open_records,
            loop.delivery.destinations.waiting,
            loop.delivery.destinations.in_flight,
            registry(loop.waiting, now, wall),
            tuple(tuple(guard.told().items()) for guard in loop.holding.held.values()),
        )
        self._looked_at = now

    def _sight(self, destinations: tuple[Destination, ...], lags: Sequence[Lag], totals: Totals) -> Sight:
        loop, before = self._loop, self.latest.totals
        read_since = totals.consumed > before.consumed
        delivered = totals.delivered_events > before.delivered_events
        if delivered or not loop.delivery.destinations.waiting:
            self._failed = False
        elif _unanswered(totals) > _unanswered(before):
            self._failed = True
        unheard = sum(lag.records is None for lag in lags)
        return Sight(
            loop,
            destinations,
            self._source.reach(),
            busy=read_since or loop.offsets.open_records > 0 or any(lag.records != 0 for lag in lags),
            delivered=delivered,
            failing=not delivered and (self._failed or loop.delivery.destinations.in_flight > 0),
            unheard=unheard,
            letters=self._letters.trouble,
        )

    def _lags(self, lags: Sequence[Lag], now: float, wall: float) -> Lags:
        """What is known of the lag; where nothing is by now, the last that was, and when that was."""
        away_since = self._source.reach().away_since
        heard = wall if away_since is None else wall - (now - away_since)
        if lags or (self._loop.placed and away_since is None):
            found = summary(lags, self._loop.backpressure.paused)
            self._known = found._replace(as_of=heard, partitions=0, worst=(), unknown=0)
            return found if away_since is None else found._replace(as_of=heard)
        known = self._known
        return known if known.as_of is None else known._replace(as_of=min(known.as_of, heard))

    # -- in any thread ----------------------------------------------------------------------------------------

    def view(self) -> View:
        """The latest look, with what has come since that cannot wait for the next: there may be none."""
        latest, urgent = self.latest, []
        stopping, fatal = self._stopping(), self._loop.fatal
        if fatal is not None:
            urgent.append(Condition(Kind.REFUSED, latest.at, f"{fatal.code}: {fatal.advice}"))
        if stopping:
            urgent.append(Condition(Kind.STOPPING, latest.at))
        if not urgent and self._environment.clock() - self._looked_at > STALLED:
            urgent.append(Condition(Kind.STALLED, latest.at))
        if not urgent:
            return latest
        others = [each for each in latest.conditions if each.kind not in DOING]
        return latest._replace(conditions=(*urgent, *others))


class CallRates:
    """Calls a second over the last ``WINDOW`` seconds, by the destination's row."""

    def __init__(self) -> None:
        self.rates: Mapping[Row, float] = {}
        self._calls: dict[Destination, int] = {}  # of each destination at the last look
        self._looks: deque[tuple[float, Counter[Row]]] = deque()

    def look(self, destinations: Sequence[Destination], now: float) -> None:
        """Count the calls since the last look."""
        counts: Counter[Row] = Counter()
        for each in destinations:
            counts[_row(each)] += each.calls - self._calls.get(each, 0)
        self._calls = {each: each.calls for each in destinations}
        self._looks.append((now, counts))
        while len(self._looks) > 1 and self._looks[1][0] <= now - WINDOW:
            self._looks.popleft()
        seconds = now - self._looks[0][0]
        if seconds > 0:
            sums: Counter[Row] = Counter()
            for _, each_look in list(self._looks)[1:]:
                sums.update(each_look)
            self.rates = {_row(each): sums[_row(each)] / seconds for each in destinations}


def _unanswered(totals: Totals) -> int:
    return sum(count for status, count in totals.calls if status in UNANSWERED)


def summary(lags: Sequence[Lag], paused: Collection[TopicPartition]) -> Lags:
    """All partitions in three numbers, and rows for the worst of them."""
    if not lags:
        return Lags(0, 0, 0.0)
    worst = heapq.nlargest(MOST_ROWS, lags, key=lambda lag: (lag.seconds, lag.records or 0))
    known = [lag for lag in lags if lag.records is not None]
    return Lags(
        len(lags),
        sum(lag.records or 0 for lag in known) if known else None,
        max((age for lag in lags if (age := _age(lag)) is not None), default=None),
        tuple(
            PartitionLag(
                lag.topic_partition,
                lag.records,
                _age(lag),
                lag.open_records,
                paused=lag.topic_partition in paused,
                cut_off=lag.cut_off,
                schema=lag.schema,
            )
            for lag in worst
        ),
        len(lags) - len(known),
    )


def registry(waiting: Waiting, now: float, wall: float) -> Registry | None:
    """What is known of the schema registry; None where nobody needs one."""
    if not waiting.expected:
        return None
    reach = waiting.reach()
    return Registry(
        None if reach.away_since is None else wall - (now - reach.away_since),
        reach.trouble,
        len(waiting),
        sum(len(kept.records) for _, kept in waiting),
        waiting.schemas,
    )


def _age(lag: Lag) -> float | None:
    """That nothing of it is unfinished says how old the oldest is only where it is known that nothing waits."""
    return None if lag.records is None and not lag.open_records else lag.seconds


def _row(destination: Destination) -> Row:
    return destination.operation, destination.name


def pacing(destinations: Sequence[Destination], rates: Mapping[Row, float]) -> tuple[Pacing, ...]:
    """A row for each operation and name: those whose tracking ids come from records share one."""
    rows: dict[Row, Pacing] = {}
    for each in destinations:
        row = _row(each)
        empty = Pacing(each.name, 0, rates.get(row), 0.0, 0.0, 0, 0, 0, each.operation.action)
        before = rows.get(row, empty)
        rows[row] = before._replace(
            tracking_ids=before.tracking_ids + 1,
            limit=before.limit + each.limiter.rate,
            ceiling=before.ceiling + each.limiter.ceiling,
            in_flight=before.in_flight + each.in_flight,
            waiting=before.waiting + each.lanes.waiting,
            held_count=before.held_count + each.held_count,
        )
    return tuple(rows.values())
