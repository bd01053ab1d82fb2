"""A backlog of millions: does the rate hold, and does memory stay where it is?"""

import math
from typing import Any

from bench.figures import MIB, steadiness
from bench.runs import UNBOUNDED, Order, run, tell
from bench.stage import Stage, fill
from bench.streams import SHAPES, clicks

SLOWEST = 1_500.0  # events a second below which the run is given up
START_SECONDS = 60.0
POINTS = 600  # of a plot


def backlog(stage: Stage, seed: int, records: int) -> list[dict[str, Any]]:
    """One row; its ``series`` has seconds, events a second and MiB, a point a second or more."""
    records = min(records, stage.most_records or records)
    fewest = fill(stage, "backlog", clicks(SHAPES["long"], seed, records))
    order = Order(
        "putevents",
        "backlog",
        fewest.events / fewest.calls,
        records,
        START_SECONDS + records / SLOWEST,
        delivery=UNBOUNDED,
    )
    row, samples = run(stage, order, interval=0.5)
    points = steadiness(samples, max(1.0, math.ceil(row["seconds"] / POINTS)))
    series = [(seconds, rate, rss / MIB) for seconds, rate, rss in points]
    row |= {"records": records, "series": series}
    tell(row)
    return [row]
