"""Results to pictures: SVG on a white card, so that they can be read on a dark page, too.

matplotlib is imported here and nowhere else; only ``report --write`` needs it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK = "#1f2430"
FAINT = "#d5d9e0"
COLOURS: Mapping[str, str] = MappingProxyType(
    {"naive": "#b9bec8", "grouped": "#7d93b2", "grouped-2000": "#9fb3cc", "putevents": "#1f6feb"}
)
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "naive": "a call a record",
        "grouped": "grouped by hand",
        "grouped-2000": "grouped, 2,000 a poll",
        "putevents": "putevents run",
    }
)
WINDOW = 1.0  # seconds over which calls are counted for the storm

mpl.rcParams.update(
    {
        "svg.hashsalt": "bench",  # the same picture for the same numbers
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": FAINT,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": FAINT,
        "grid.linewidth": 0.6,
        "axes.axisbelow": True,
    }
)


def _figure(height: float) -> Figure:
    return Figure(figsize=(8.0, height), facecolor="white", edgecolor=FAINT, linewidth=1.5, layout="constrained")


def throughput(rows: list[dict[str, Any]]) -> Figure:
    """Events a second of each contender, by stream."""
    figure = _figure(2.8)
    axes = figure.subplots()
    for place, row in enumerate(reversed(rows)):
        rate = row["events_per_second"]
        axes.barh(place, rate, color=COLOURS[row["contender"]], height=0.7)
        axes.text(rate, place, f"  {rate:,.0f}", va="center")
    labels = [f"{NAMES[row['contender']]}, {row['topic']} sessions" for row in reversed(rows)]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_xlabel("events a second, no quota, 20 ms a call")
    axes.margins(x=0.12)
    axes.grid(visible=False, axis="y")
    return figure


def backlog(rows: list[dict[str, Any]]) -> Figure:
    """Rate and memory over the whole of a backlog."""
    figure = _figure(4.2)
    upper, lower = figure.subplots(2, 1, sharex=True)
    seconds, rates, mib = zip(*rows[0]["series"], strict=True)
    upper.plot(seconds, rates, color=COLOURS["putevents"], linewidth=1.2)
    upper.set_ylabel("events a second")
    lower.plot(seconds, mib, color=COLOURS["putevents"], linewidth=1.2)
    lower.set_ylabel("memory, MiB")
    lower.set_xlabel(f"seconds, of {rows[0]['records']:,} records")
    for axes in (upper, lower):
        axes.set_ylim(bottom=0)
    return figure


def storm(rows: list[dict[str, Any]]) -> Figure:
    """Accepted calls a second around a storm of throttling, for each number of connectors."""
    figure = _figure(3.0)
    axes = figure.subplots()
    for row in rows:
        times, rates = _rates(row["series"])
        axes.plot(times, rates, linewidth=1.2, label=f"{row['replicas']} connectors")
    axes.axvspan(-rows[0]["storm_seconds"], 0, color=FAINT, alpha=0.5, linewidth=0)
    axes.set_xlabel("seconds after everything was throttled")
    axes.set_ylabel("accepted calls a second")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def _rates(series: list[tuple[float, int]]) -> tuple[list[float], list[float]]:
    times, rates = [], []
    first = 0
    for at, calls in series:
        while series[first + 1][0] <= at - WINDOW and first + 1 < len(series):
            first += 1
        if at > series[first][0]:
            times.append(at)
            rates.append((calls - series[first][1]) / (at - series[first][0]))
    return times, rates


PLOTS: Mapping[str, Callable[[list[dict[str, Any]]], Figure]] = MappingProxyType(
    {"unbounded": throughput, "backlog": backlog, "replicas": storm}
)


def draw(name: str, rows: list[dict[str, Any]], folder: Path) -> Path | None:
    """The picture of a scenario as ``bench-NAME.svg``; None where it has none."""
    plot = PLOTS.get(name)
    if plot is None or not rows:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"bench-{name}.svg"
    plot(rows).savefig(path, metadata={"Date": None})
    return path
