"""Rounds of two connectors, taken in turns, to medians, ratios and their spread: pure.

What disturbs a shared machine lasts longer than a run, so the two runs of one round meet it alike: a ratio is taken
within each round, and how far the ratios of the rounds lie apart says how far to trust their median.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from bench.figures import median
from bench.tables import TO, Column, number, table

Row = Mapping[str, Any]


class Measure(NamedTuple):
    """A figure of a run: the name in its row, how it is written, and which way is better."""

    name: str
    heading: str
    digits: int = 0
    unit: str = ""
    more_is_better: bool = False


class Spread(NamedTuple):
    """The median of some values, the least and the most of them."""

    median: float
    least: float
    most: float


_CPU = Measure("cpu_per_event", "CPU an event", 1, " µs")
_CORE = Measure("core", "of a core", 1, " %")
_MEMORY = Measure("peak_mib", "peak memory", 0, " MiB")
_RATE = Measure("events_per_second", "events/s", more_is_better=True)
# What is compared of each scenario; a new figure is a line here.
MEASURES: Mapping[str, Sequence[Measure]] = MappingProxyType(
    {
        "costs": (Measure("cpu_per_event", "CPU an event, loop alone", 1, " µs"),),
        "unbounded": (_RATE, _CPU, _MEMORY),
        "quota": (_CORE, _CPU, Measure("quota_used", "of the quota's calls", 1, " %", more_is_better=True), _MEMORY),
        "light": (_CPU, _CORE, Measure("p99", "p99", 2, " s"), _MEMORY),
    }
)


class Compared(NamedTuple):
    """A figure of both sides over all rounds.

    ``best`` is the ratio of the best of each side: others on the machine can only make a run worse. ``better`` counts
    the rounds in which this side was.
    """

    scenario: str
    stream: str
    measure: Measure
    other: Spread
    this: Spread
    ratio: Spread
    best: float
    better: int
    rounds: int


def spread(values: Sequence[float]) -> Spread:
    """Of these values. ValueError where there are none."""
    return Spread(median(values), min(values), max(values))


def compared(rows: Sequence[Row]) -> Iterator[Compared]:
    """Every figure, from rows of scenario, stream, side and round, in the order of their first rows.

    A round that lacks one of its two runs counts for nothing, since nothing was beside it.
    """
    for scenario, stream in dict.fromkeys((row["scenario"], row["stream"]) for row in rows):
        sides: dict[str, dict[int, Row]] = {"other": {}, "this": {}}
        for row in rows:
            if (row["scenario"], row["stream"]) == (scenario, stream):
                sides[row["side"]][row["round"]] = row
        rounds = sorted(sides["other"].keys() & sides["this"].keys())
        for measure in MEASURES[scenario] if rounds else ():
            other, this = ([found[each][measure.name] for each in rounds] for found in sides.values())
            yield _compare(scenario, stream, measure, other, this)


def _compare(scenario: str, stream: str, measure: Measure, other: Sequence[float], this: Sequence[float]) -> Compared:
    ratios = [after / before for before, after in zip(other, this, strict=True)]
    best = max if measure.more_is_better else min
    better = sum(ratio > 1 if measure.more_is_better else ratio < 1 for ratio in ratios)
    return Compared(
        scenario,
        stream,
        measure,
        spread(other),
        spread(this),
        spread(ratios),
        best(this) / best(other),
        better,
        len(ratios),
    )


def _values(found: Spread, measure: Measure) -> str:
    middle, least, most = (number(value, measure.digits) for value in found)
    return f"{middle}{measure.unit} ({least}{TO}{most})"


def _ratio(found: Spread) -> str:
    return f"{found.median:.2f} \N{MULTIPLICATION SIGN} ({found.least:.2f}{TO}{found.most:.2f})"


_COLUMNS = (
    Column("", lambda row: row["of"].scenario, right=False),
    Column("sessions", lambda row: row["of"].stream, right=False),
    Column("figure", lambda row: row["of"].measure.heading, right=False),
    Column("other", lambda row: _values(row["of"].other, row["of"].measure)),
    Column("this", lambda row: _values(row["of"].this, row["of"].measure)),
    Column("this to other", lambda row: _ratio(row["of"].ratio)),
    Column("best to best", lambda row: number(row["of"].best, 2, " \N{MULTIPLICATION SIGN}")),
    Column("better in", lambda row: f"{row['of'].better} of {row['of'].rounds}"),
)


def _told(side: Row) -> str:
    """A line about one side: what is compared is known only from this."""
    words = [f"connector {side['version']}"]
    if "python" in side:
        compiled = f"{side['compiled']} of {side['modules']} modules compiled" if side["compiled"] else "pure Python"
        words += [f"commit {side['commit']}"] if side["commit"] else []
        words += [f"Python {side['python']}", compiled, side["connector"]]
    return f"- {side['name']}: {', '.join(words)} (`{side['command']}`)\n"


def render(result: Mapping[str, Any]) -> str:
    """The table of a comparison, and what the two sides are."""
    sides = "".join(map(_told, result["sides"]))
    failed = "".join(f"- failed: {each}\n" for each in result["failed"])
    return f"{sides}{failed}\n{table(_COLUMNS, [{'of': each} for each in compared(result['rows'])])}"
