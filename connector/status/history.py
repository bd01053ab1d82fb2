"""The last quarter of an hour in steps of five seconds, from counters that are there anyway.

A step is the difference between two readings, so no record and no call pays for it.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from connector.counters import Buckets
from connector.metrics import OUTCOMES, Metrics
from connector.status.model import Point, Totals

STEP = 5.0  # seconds
SPAN = 900.0  # seconds
HIGH = 0.95  # the quantile that stands for the slow ones


class Reading(NamedTuple):
    """The counters at one time; ``clock`` in seconds that do not go back."""

    clock: float
    totals: Totals
    durations: Buckets
    freshness: Buckets


def read(metrics: Metrics, clock: float) -> Reading:
    """Read what the page shows."""
    outcomes = metrics.records.by_last_label()
    events = metrics.events.by_last_label()
    totals = Totals(
        sum(metrics.records_consumed.by_last_label().values()),
        tuple((outcome, outcomes.get(outcome, 0)) for outcome in OUTCOMES),
        events.get("delivered", 0),
        events.get("rejected", 0),
        tuple(metrics.requests.by_last_label().items()),
        metrics.events_per_request.buckets().counts[:-1],
    )
    return Reading(clock, totals, metrics.request_duration.buckets(), metrics.end_to_end_latency.buckets())


def quantile(share: float, among: Buckets) -> float | None:
    """The value below which so large a share lies, as far as the buckets show; None where they are empty.

    Within a bucket values count as spread evenly. In the last one, which has no end, it is the bound before.
    """
    wanted = share * sum(among.counts)
    if not wanted:
        return None
    passed, lower = 0, 0.0
    for bound, count in zip(among.bounds[:-1], among.counts[:-1], strict=True):
        if passed + count >= wanted:
            return lower + (bound - lower) * (wanted - passed) / count
        passed, lower = passed + count, bound
    return lower


class History:
    """Points of the last ``SPAN`` seconds, the oldest first."""

    def __init__(self, first: Reading) -> None:
        self._points: deque[Point] = deque(maxlen=int(SPAN / STEP))
        self._last = first

    @property
    def points(self) -> tuple[Point, ...]:
        """One for each step that is over."""
        return tuple(self._points)

    def add(self, reading: Reading, wall: float) -> bool:
        """Take a reading into account; True where that ended a step."""
        seconds = reading.clock - self._last.clock
        if seconds < STEP:
            return False
        before, self._last = self._last, reading
        durations = reading.durations.since(before.durations)
        self._points.append(
            Point(
                wall,
                (reading.totals.delivered_events - before.totals.delivered_events) / seconds,
                (_sum(reading.totals.calls) - _sum(before.totals.calls)) / seconds,
                quantile(0.5, durations),
                quantile(HIGH, durations),
                quantile(HIGH, reading.freshness.since(before.freshness)),
            )
        )
        return True


def _sum(counts: Sequence[tuple[str, int]]) -> int:
    return sum(count for _, count in counts)
