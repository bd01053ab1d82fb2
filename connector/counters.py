"""Counters and histograms that the loop's thread owns: to count is an addition, without a lock or a look-up.

prometheus_client's own take a lock for each count, and cannot be read without making an object for each sample. These
are plain numbers. Each family is a custom collector: a scrape, in its own thread, copies the numbers. Only the loop's
thread may count here; what other threads count too stays with prometheus_client.
"""

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.samples import Sample
from prometheus_client.utils import INF, floatToGoString

# The variable of prometheus_client that switches the series with the time of creation off.
WITH_CREATED = os.environ.get("PROMETHEUS_DISABLE_CREATED_SERIES", "").lower() not in {"true", "1", "t"}


class Count:
    """One series of a counter: keep it where you count often, and add to ``value``."""

    __slots__ = ("created", "value")

    def __init__(self) -> None:
        self.created = time.time()
        self.value = 0


class Distribution:
    """One series of a histogram: each of ``counts`` is for its own bucket alone, the last for what exceeds them."""

    __slots__ = ("bounds", "counts", "created", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.created = time.time()
        self.bounds = bounds
        self.counts = [0] * len(bounds)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Buckets(NamedTuple):
    """A histogram's upper bounds and counts, each count for its own bucket alone."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    def since(self, before: "Buckets") -> "Buckets":
        """What was added; all of it where there were no buckets before."""
        former = before.counts or (0,) * len(self.counts)
        return Buckets(self.bounds, tuple(now - then for now, then in zip(self.counts, former, strict=True)))


Series = TypeVar("Series", Count, Distribution)


class _Family(Generic[Series]):
    """The series of one name, by the values of their labels."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self._name = name
        self._text = text
        self.label_names = labels
        self._series: dict[tuple[str, ...], Series] = {}
        self._lock = threading.Lock()  # a scrape copies the series while the loop adds one

    def labels(self, *values: str) -> Series:
        """The series with these labels, in the order of their names; created at 0 where it is new."""
        return self._series.get(values) or self._create(values)

    def _create(self, values: tuple[str, ...]) -> Series:
        if len(values) != len(self.label_names):
            raise ValueError(f"{self._name}: expected values for {self.label_names}, found {len(values)}")
        series = self._new()
        with self._lock:
            self._series[tuple(str(value) for value in values)] = series
        return series

    def _new(self) -> Series:
        raise NotImplementedError

    def series(self) -> list[tuple[tuple[str, ...], Series]]:
        """All series with the values of their labels, in the order of their creation."""
        with self._lock:
            return list(self._series.items())


class CounterFamily(_Family[Count]):
    """A counter, by its labels; a custom collector of prometheus_client."""

    def _new(self) -> Count:
        return Count()

    def by_last_label(self) -> dict[str, int]:
        """The counts, added up for each value of the last label."""
        sums: dict[str, int] = {}
        for labels, count in self.series():
            sums[labels[-1]] = sums.get(labels[-1], 0) + count.value
        return sums

    def describe(self) -> Iterator[Metric]:
        """Name and type, for the registry."""
        yield CounterMetricFamily(self._name, self._text)

    def collect(self) -> Iterator[Metric]:
        """What a scrape shows."""
        family = CounterMetricFamily(self._name, self._text, labels=self.label_names)
        for labels, count in self.series():
            family.add_metric(labels, count.value, count.created if WITH_CREATED else None)
        yield family


class HistogramFamily(_Family[Distribution]):
    """A histogram, by its labels; a custom collector of prometheus_client. ``bounds`` rise, and infinity is added."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...], bounds: Iterable[float]) -> None:
        super().__init__(name, text, labels)
        self._bounds = (*map(float, bounds), INF)
        self._bound_labels = [floatToGoString(bound) for bound in self._bounds]  # type: ignore[no-untyped-call]

    def _new(self) -> Distribution:
        return Distribution(self._bounds)

    def buckets(self) -> Buckets:
        """The sum over all series; empty where there is none."""
        counts = [each.counts for _, each in self.series()]
        return Buckets(self._bounds, tuple(map(sum, zip(*counts, strict=True)))) if counts else Buckets((), ())

    def describe(self) -> Iterator[Metric]:
        """Name and type, for the registry."""
        yield HistogramMetricFamily(self._name, self._text)

    def collect(self) -> Iterator[Metric]:
        """What a scrape shows: each bucket counts those below it too."""
        family = HistogramMetricFamily(self._name, self._text, labels=self.label_names)
        for labels, each in self.series():
            family.add_metric(labels, self._cumulative(each), each.total)
            if WITH_CREATED:  # which add_metric of a histogram cannot take
                named = dict(zip(self.label_names, labels, strict=True))
                family.samples.append(Sample(f"{self._name}_created", named, each.created))
        yield family

    def _cumulative(self, each: Distribution) -> list[tuple[str, float]]:
        below, rows = 0, []
        for bound, count in zip(self._bound_labels, tuple(each.counts), strict=True):
            below += count
            rows.append((bound, float(below)))
        return rows
