"""The last quarter of an hour in steps of five seconds, from counters that are there anyway.

A step is the difference between two readings, so no record and no call pays for it. A reading goes past
prometheus_client's ``collect``, which makes an object for each sample and costs the loop thirty times as much.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from connector.metrics import OUTCOMES, Metrics
from connector.status.model import Point, Totals

STEP = 5.0  # seconds
SPAN = 900.0  # seconds
HIGH = 0.95  # the quantile that stands for the slow ones


class Buckets(NamedTuple):
    """A histogram's upper bounds and counts, each count for its own bucket alone."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    def since(self, before: "Buckets") -> "Buckets":
        """What was added; all of it where there were no buckets before."""
        former = before.counts or (0,) * len(self.counts)
        return Buckets(self.bounds, tuple(now - then for now, then in zip(self.counts, former, strict=True)))


class Reading(NamedTuple):
    """The counters at one time; ``clock`` in seconds that do not go back."""

    clock: float
    totals: Totals
    durations: Buckets
    freshness: Buckets


def read(metrics: Metrics, clock: float) -> Reading:
    """Read what the page shows."""
    outcomes = _by_last_label(metrics.records)
    events = _by_last_label(metrics.events)
    totals = Totals(
        sum(_by_last_label(metrics.records_consumed).values()),
        tuple((outcome, outcomes.get(outcome, 0)) for outcome in OUTCOMES),
        events.get("delivered", 0),
        events.get("rejected", 0),
        tuple(_by_last_label(metrics.requests).items()),
        buckets(metrics.events_per_request).counts[:-1],
    )
    return Reading(clock, totals, buckets(metrics.request_duration), buckets(metrics.end_to_end_latency))


def _children(metric: MetricWrapperBase) -> list[tuple[Sequence[str], Any]]:
    with metric._lock:  # noqa: SLF001  see above
        return list(metric._metrics.items())  # noqa: SLF001


def _by_last_label(counter: Counter) -> dict[str, int]:
    sums: dict[str, int] = {}
    for labels, child in _children(counter):
        sums[labels[-1]] = sums.get(labels[-1], 0) + int(child._value.get())  # noqa: SLF001
    return sums


def buckets(histogram: Histogram) -> Buckets:
    """The sum over all label sets; empty where there is none."""
    children = [child for _, child in _children(histogram)]
    if not children:
        return Buckets((), ())
    counts = zip(*([int(each.get()) for each in child._buckets] for child in children), strict=True)  # noqa: SLF001
    return Buckets(tuple(children[0]._upper_bounds), tuple(map(sum, counts)))  # noqa: SLF001


def quantile(share: float, among: Buckets) -> float | None:
    """The value below which so large a share lies, as far as buckets tell; None of nothing.

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
