"""Samples to figures: pure, so that what is published can be checked by a test.

A run is sampled from outside, ten times a second. Its beginning is the last sample without an event, its end the
first with all of them (or the last one, where time was up), so that the tail, when what is left lingers for a batch
that never fills, is part of every figure but those of the ``middle``: its rate, and what held the run back.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MIB = 1024 * 1024
BUSY = 0.9  # of a core, or of the machine: what counts as all of it
ELSEWHERE = 0.3  # cores that what surrounds a run may use before the run is theirs
MIDDLE = (0.2, 0.8)  # of the events: the part in which a backlog is read and written steadily


class Sample(NamedTuple):
    """What was seen at one moment: ``at`` in seconds, the counters since the start of each process.

    ``cpu`` maps own, endpoint, broker and machine to seconds of CPU; ``rss`` is the contender's memory in bytes.
    """

    at: float
    events: int
    calls: int
    refused: int
    cpu: Mapping[str, float]
    rss: int


class Window(NamedTuple):
    """A stretch of a run: seconds, and what was counted in it."""

    seconds: float
    events: int
    calls: int
    refused: int
    cpu: Mapping[str, float]


def between(first: Sample, last: Sample) -> Window:
    """What happened from one sample to another."""
    return Window(
        last.at - first.at,
        last.events - first.events,
        last.calls - first.calls,
        last.refused - first.refused,
        {name: last.cpu[name] - first.cpu.get(name, 0.0) for name in last.cpu},
    )


def whole(samples: Sequence[Sample]) -> Window:
    """From the last sample without an event to the last one. ValueError where nothing was delivered."""
    if not samples or not samples[-1].events:
        raise ValueError("expected a run that delivered something")
    first = max((index for index, sample in enumerate(samples) if not sample.events), default=0)
    end = next(index for index, sample in enumerate(samples) if sample.events == samples[-1].events)
    return between(samples[first], samples[end])


def middle(samples: Sequence[Sample]) -> Window | None:
    """The middle of the run, without start and tail; None where it was too short to have one."""
    low, high = (fraction * samples[-1].events for fraction in MIDDLE)
    inside = [sample for sample in samples if low <= sample.events <= high]
    if len(inside) < 3:
        return None
    return between(inside[0], inside[-1])


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed (nearest rank). ValueError where there are none."""
    if not values:
        raise ValueError("expected at least one value")
    rank = max(1, math.ceil(share * len(values)))
    return sorted(values)[rank - 1]


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two."""
    if not values:
        raise ValueError("expected at least one value")
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def bound(cores: Mapping[str, float], machine_cores: int, used: float | None = None) -> str:
    """What held a run back, by the cores that each process used; ``used`` is the share of the quota.

    A process of Python's runs on one core, the clients' threads in C a little more.
    """
    if used is not None and used >= BUSY:
        return "the quota"
    if cores.get("own", 0.0) >= BUSY:
        return "its own core"
    if cores.get("endpoint", 0.0) >= BUSY:
        return "the endpoint's core"
    if cores.get("machine", 0.0) >= BUSY * machine_cores:
        ours = sum(used for name, used in cores.items() if name != "machine")
        return "the machine's cores" if ours >= BUSY * machine_cores - ELSEWHERE else "others on this machine"
    return "waiting for answers"


def figures(
    samples: Sequence[Sample], best_fill: float, machine_cores: int, quota: float | None = None
) -> dict[str, Any]:
    """One run as a row: rates in events and calls a second, CPU in µs, memory in MiB.

    ``best_fill`` is the events a call of the fewest possible calls of the stream.
    """
    window = whole(samples)
    calls, events, seconds = max(1, window.calls), window.events, window.seconds
    steady = middle(samples)
    busiest = steady or window
    share = None if quota is None else busiest.calls / busiest.seconds / quota
    return {
        "seconds": seconds,
        "events": events,
        "calls": calls,
        "refused": window.refused,
        "events_per_second": events / seconds,
        "middle_events_per_second": None if steady is None else steady.events / steady.seconds,
        "calls_per_second": calls / seconds,
        "events_per_call": events / calls,
        "over_fewest": best_fill / (events / calls),
        "cpu_per_event": window.cpu["own"] / events * 1e6,
        "cpu_per_call": window.cpu["own"] / calls * 1e6,
        "cores": _cores(window),
        "quota_used": None if quota is None else calls / seconds / quota,
        "bound": bound(_cores(busiest), machine_cores, share),
    }


def _cores(window: Window) -> dict[str, float]:
    return {name: used / window.seconds for name, used in window.cpu.items()}


def middle_run(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of repeated runs the one with the median rate, and the spread of the rates beside it."""
    ordered = sorted(runs, key=lambda run: run["events_per_second"])
    chosen = ordered[(len(ordered) - 1) // 2]
    rates = [run["events_per_second"] for run in ordered]
    return {**chosen, "repeats": len(runs), "slowest": rates[0], "fastest": rates[-1]}


def steadiness(samples: Sequence[Sample], seconds: float = 1.0) -> list[tuple[float, float, int]]:
    """(seconds since the first, events a second, bytes of memory) at distances of at least ``seconds``."""
    rows: list[tuple[float, float, int]] = []
    last = samples[0]
    for sample in samples[1:]:
        if sample.at - last.at >= seconds:
            rate = (sample.events - last.events) / (sample.at - last.at)
            rows.append((sample.at - samples[0].at, rate, sample.rss))
            last = sample
    return rows


def recovered_after(samples: Sequence[Sample], storm_ends: float, level: float, seconds: float = 1.0) -> float | None:
    """Seconds from the end of a storm until ``seconds`` in a row carried at least ``level`` calls a second."""
    after = [sample for sample in samples if sample.at >= storm_ends]
    for index, first in enumerate(after):
        last = next((sample for sample in after[index:] if sample.at - first.at >= seconds), None)
        if last is None:
            return None
        if (last.calls - first.calls) / (last.at - first.at) >= level:
            return first.at - storm_ends
    return None
