"""Draws dashboard.json from a Prometheus's answers: the panels where Grafana puts them, without Grafana.

    $ pip install matplotlib
    $ python -m tools.draw_dashboard http://127.0.0.1:9090 docs/images/dashboard.png --minutes 15

It shows the panels' own queries, titles, units and layout, so that a change can be looked at before it is imported. It
is no copy of Grafana: colours and fonts differ.
"""

import argparse
import json
import math
import time
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tools.dashboard import TARGET

Series = list[tuple[str, list[float], list[float]]]  # legend, times, values

BACK, PANEL, TEXT, FAINT = "#111217", "#181b1f", "#ccccdc", "#6e7077"
COLOURS = (
    "#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d", "#fade2a",
    "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477",
)  # fmt: skip
STEPS = {"green": "#73bf69", "orange": "#ff9830", "red": "#f2495c"}
UNIT, INCH = 30, 100  # pixels of a unit of Grafana's grid, and of an inch
WIDE = 1680  # pixels
SUFFIXES = {"eps": " ev/s", "cps": " c/s", "reqps": " req/s"}


class Server:
    """A Prometheus, and the time that is looked at."""

    def __init__(self, url: str, minutes: float, ago: float, step: float) -> None:
        self._url = url
        self._end = time.time() - ago * 60
        self._start = self._end - minutes * 60
        self._step = step

    def ask(self, target: dict[str, Any]) -> Series:
        """What a panel's query answers over that time, with legends."""
        query = target["expr"].replace("$__rate_interval", "1m")
        for variable in ("$namespace", "$job", "$topic"):
            query = query.replace(variable, ".*")
        asked = {"query": query, "start": self._start, "end": self._end, "step": self._step}
        with urllib.request.urlopen(f"{self._url}/api/v1/query_range?{urllib.parse.urlencode(asked)}") as answer:  # noqa: S310  the caller's own server
            found = json.load(answer)["data"]["result"]
        return [
            (_legend(target["legendFormat"], each["metric"]), [t for t, _ in each["values"]],
             [float(value) for _, value in each["values"]])
            for each in found
        ]  # fmt: skip


def _legend(template: str, labels: dict[str, str]) -> str:
    for name, value in labels.items():
        template = template.replace(f"{{{{{name}}}}}", value)
    return template if template[0] != "_" else f"\u200b{template}"  # what begins with _ gets no place in a legend


def words(value: float, unit: str) -> str:
    """A value with its unit, as short as Grafana writes it."""
    if math.isnan(value):
        return "no data"
    if unit == "percentunit":
        return f"{value * 100:.3g} %" if value < 10 else f"{value * 100:.0f} %"
    if unit == "s":
        steps = ((3600, "h"), (60, "min"), (1, "s"), (0.001, "ms"))
        size, name = next(((size, name) for size, name in steps if value >= size), (1, "s"))
        return f"{value / size:.3g} {name}"
    if unit == "bytes":
        return f"{value / 2**20:.3g} MiB"
    short = f"{value / 1000:.3g}k" if value >= 1000 else f"{value:.3g}"
    return short + SUFFIXES.get(unit, "")


def draw(dashboard: dict[str, Any], server: Server, path: Path) -> None:
    """All panels into one picture."""
    tall = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]) * UNIT
    figure = plt.figure(figsize=(WIDE / INCH, tall / INCH), dpi=INCH, facecolor=BACK)
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        column, row = WIDE / 24, UNIT
        left, top = place["x"] * column, place["y"] * row
        wide, high = place["w"] * column, place["h"] * row
        if panel["type"] == "row":
            figure.text(8 / WIDE, 1 - (top + high / 2) / tall, f"⌄  {panel['title']}", color=TEXT, fontsize=11,
                        fontweight="bold", va="center")  # fmt: skip
            continue
        frame = figure.add_axes(((left + 3) / WIDE, 1 - (top + high - 3) / tall, (wide - 6) / WIDE, (high - 6) / tall))
        frame.set_facecolor(PANEL)
        frame.set_xticks([])
        frame.set_yticks([])
        frame.set(xlim=(0, 1), ylim=(0, 1))
        frame.text(8 / wide, 1 - 16 / high, panel["title"], color=TEXT, fontsize=9.5, va="center", fontweight="bold")
        answers = [each for target in panel["targets"] for each in server.ask(target)]
        if panel["type"] == "timeseries":
            names = list(dict.fromkeys(legend for legend, _, _ in answers))
            columns = max(1, int(wide / 7 / (max(map(len, names), default=1) + 6)))
            below = 36 + 13 * math.ceil(len(names) / columns)
            spot = (left + 66) / WIDE, 1 - (top + high - below) / tall
            inner = figure.add_axes((*spot, (wide - 82) / WIDE, (high - below - 34) / tall))
            _graph(inner, panel, answers)
            inner.legend(
                *_named(inner), loc="upper left", bbox_to_anchor=((left + 10) / WIDE, spot[1] - 20 / tall),
                bbox_transform=figure.transFigure, ncols=columns, fontsize=7, frameon=False, labelcolor=TEXT,
                handlelength=1.2, columnspacing=1.0, borderpad=0, labelspacing=0.25,
            )  # fmt: skip
        else:
            (_stat if panel["type"] == "stat" else _table)(frame, panel, answers)
    figure.savefig(path, dpi=INCH, facecolor=BACK)


def _graph(axes: Axes, panel: dict[str, Any], answers: Series) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    custom, unit = defaults["custom"], defaults["unit"]
    axes.set_facecolor(PANEL)
    stacked = custom["stacking"]["mode"] == "normal"
    below: dict[float, float] = {}
    for index, (legend, times, values) in enumerate(answers):
        colour = COLOURS[index % len(COLOURS)]
        at: Any = [datetime.fromtimestamp(moment, UTC) for moment in times]  # matplotlib's types know no times
        low = [below.get(moment, 0.0) if stacked else 0.0 for moment in times]
        high = [base + (0.0 if math.isnan(value) else value) for base, value in zip(low, values, strict=True)]
        shown = high if stacked else values
        axes.plot(at, shown, color=colour, linewidth=1.1, label=legend)
        axes.fill_between(at, low, shown, color=colour, alpha=custom["fillOpacity"] / 100, linewidth=0)
        below.update(zip(times, high, strict=True))
    _dress(axes, unit, answers)


def _dress(axes: Axes, unit: str, answers: Series) -> None:
    axes.set_ylim(bottom=0)
    if not any(value > 0 for _, _, values in answers for value in values):
        axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=unit == "none"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words(value, unit) if value else "0"))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    clock: Any = DateFormatter  # matplotlib leaves it without types
    axes.xaxis.set_major_formatter(clock("%H:%M"))
    axes.grid(color="#2c2f36", linewidth=0.6)
    axes.tick_params(colors=FAINT, labelsize=7.5, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if not answers:
        axes.text(0.5, 0.5, "no data", color=FAINT, transform=axes.transAxes, ha="center")


def _named(axes: Axes) -> tuple[list[Any], list[str]]:
    handles, names = axes.get_legend_handles_labels()
    first = {name: handle for handle, name in reversed(list(zip(handles, names, strict=True)))}
    return list(first.values())[::-1], list(first)[::-1]


def _stat(frame: Axes, panel: dict[str, Any], answers: Series) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    values = [value for _, _, values in answers for value in values if not math.isnan(value)]
    last = values[-1] if values else math.nan
    steps = defaults["thresholds"]["steps"]
    reached = [step["color"] for step in steps if step["value"] is None or last >= step["value"]] or ["green"]
    colour = STEPS[reached[-1]]
    frame.text(0.5, 0.55, words(last, defaults["unit"]), color=colour, fontsize=19, ha="center", va="center")
    if values and max(values) > 0:
        across = [index / max(1, len(values) - 1) for index in range(len(values))]
        frame.fill_between(across, [0.26 * value / max(values) for value in values], color=colour, alpha=0.35)


def _table(frame: Axes, panel: dict[str, Any], answers: Series) -> None:
    for index, (legend, _, values) in enumerate(answers[:4]):
        frame.text(0.03, 0.62 - 0.17 * index, legend, color=TEXT, fontsize=9)
        frame.text(0.8, 0.62 - 0.17 * index, words(values[-1], panel["fieldConfig"]["defaults"]["unit"]), color=TEXT,
                   fontsize=9)  # fmt: skip


def main() -> None:
    """Ask, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of a Prometheus that has scraped the connector")
    parser.add_argument("picture", type=Path, help="where to write the PNG")
    parser.add_argument("--minutes", type=float, default=15.0, help="how far to look back (default: %(default)s)")
    parser.add_argument("--ago", type=float, default=0.0, help="minutes since what is looked at ended (default: now)")
    parser.add_argument("--step", type=float, default=5.0, help="seconds between points (default: %(default)s)")
    options = parser.parse_args()
    dashboard = json.loads(TARGET.read_text())
    draw(dashboard, Server(options.url, options.minutes, options.ago, options.step), options.picture)


if __name__ == "__main__":
    main()
