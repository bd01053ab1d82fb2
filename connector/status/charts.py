"""Small charts as SVG: read by eyes as lines and bars, by screen readers as a sentence.

They stretch to the width that there is, so what must keep its shape (text, strokes) lies outside or is exempt from it.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from connector.status.history import SPAN
from connector.status.markup import Html, join, tag
from connector.status.model import Point

WIDTH, HEIGHT, MARGIN = 300.0, 64.0, 3.0
ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 20.0)  # the last for what rounding does to a logarithm
HEADROOM = 1.1  # so that no line runs through the number at the top


class Line(NamedTuple):
    """One line of a chart: its name in the legend, its style, its value at a point."""

    name: str
    style: str
    value: Callable[[Point], float | None]


class Chart(NamedTuple):
    """A chart: what it shows, its lines, and how a value is written."""

    key: str
    title: str
    lines: tuple[Line, ...]
    written: Callable[[float | None], str]


def sparkline(chart: Chart, points: Sequence[Point], now: float) -> Html:
    """The chart over the last quarter of an hour."""
    values = [value for line in chart.lines for point in points if (value := line.value(point)) is not None]
    top = nice(max(values, default=0.0) * HEADROOM)
    shapes = [_line(line, points, now, top, filled=len(chart.lines) == 1) for line in chart.lines]
    return join(
        tag("span", chart.written(top), class_="top", aria_hidden="true"),
        tag(
            "svg",
            tag("title", f"{chart.title}, last 15 minutes", id=f"{chart.key}-title"),
            tag("desc", _sentence(chart, points), id=f"{chart.key}-desc"),
            *(tag("path", class_="grid", d=f"M0 {y}H{WIDTH:g}") for y in (MARGIN, HEIGHT / 2, HEIGHT - MARGIN)),
            *shapes,
            viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
            preserveAspectRatio="none",
            role="img",
            aria_labelledby=f"{chart.key}-title {chart.key}-desc",
        ),
    )


def nice(value: float) -> float:
    """The least round number that is not below the value; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in ROUND if step * power >= value)


def _line(line: Line, points: Sequence[Point], now: float, top: float, *, filled: bool) -> Html:
    """Pieces of a line, broken where there is no value."""
    places = [(_x(point.at, now), line.value(point)) for point in points if point.at >= now - SPAN]
    runs = [[(x, _y(value, top)) for x, value in run if value is not None] for _, run in groupby(places, _known)]
    drawn = [run for run in runs if run]
    base = HEIGHT - MARGIN
    under = [f"M{run[0][0]:.1f} {base:g}L{_path(run)}L{run[-1][0]:.1f} {base:g}Z" for run in drawn]
    along = [f"M{_path(run)}" + ("h.01" if len(run) == 1 else "") for run in drawn]
    return join(
        tag("path", class_=f"area {line.style}", d="".join(under)) if filled else None,
        tag("path", class_=f"line {line.style}", d="".join(along)),
    )


def _known(place: tuple[float, float | None]) -> bool:
    return place[1] is not None


def _path(run: Iterable[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in run)


def _x(at: float, now: float) -> float:
    return WIDTH * (1.0 - min(SPAN, max(0.0, now - at)) / SPAN)


def _y(value: float, top: float) -> float:
    return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value / top


def _sentence(chart: Chart, points: Sequence[Point]) -> str:
    parts = []
    for line in chart.lines:
        values = [value for point in points if (value := line.value(point)) is not None]
        if values:
            lowest, highest, last = (chart.written(value) for value in (min(values), max(values), values[-1]))
            parts.append(f"{line.name}: lowest {lowest}, highest {highest}, last {last}.")
    return " ".join(parts) or "Nothing was measured yet."


def meter(value: float, limit: float, ceiling: float, said: str) -> Html:
    """A bar for a value, up to a ceiling, with a mark at a limit between."""
    whole = ceiling or 1.0
    used, allowed = (min(100.0, 100.0 * part / whole) for part in (value, limit))
    return tag(
        "svg",
        tag("rect", class_="track", width=100, height=8, rx=1),
        tag("rect", class_="allowed", width=f"{allowed:.1f}", height=8, rx=1),
        tag("rect", class_="used", width=f"{used:.1f}", height=8, rx=1),
        class_="meter",
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        role="img",
        aria_label=said,
    )


def bars(counts: Sequence[int], said: str) -> Html:
    """Bars side by side, as high as their counts."""
    top = max(counts, default=0) or 1
    width = WIDTH / max(1, len(counts))
    heights = [(HEIGHT - MARGIN) * each / top for each in counts]
    return tag(
        "svg",
        *(
            tag(
                "rect",
                class_="bar",
                x=f"{number * width + width * 0.1:.1f}",
                y=f"{HEIGHT - max(height, 1.0):.1f}",
                width=f"{width * 0.8:.1f}",
                height=f"{max(height, 1.0):.1f}",
            )
            for number, height in enumerate(heights)
        ),
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        preserveAspectRatio="none",
        role="img",
        aria_label=said,
    )
