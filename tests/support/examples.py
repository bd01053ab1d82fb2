"""How many examples a law is tried on, and how many cases of a grid.

All under ``CI`` or ``ALL_CASES``; elsewhere a quarter, and others each time, since who changes the code runs the tests
often.
"""

import os
import random
from collections.abc import Iterable

LEAST = 25
IN_FULL = any(os.environ.get(name, "").lower() not in {"", "0", "false"} for name in ("CI", "ALL_CASES"))


def examples(full: int) -> int:
    """Of a law."""
    return full if IN_FULL else min(full, max(LEAST, full // 4))


def left_out(grids: Iterable[list[str]]) -> set[str]:
    """Of each grid three of four, rounded down.

    Processes that run the tests side by side leave out the same ones, as pytest-xdist demands.
    """
    chance = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
    return {test for grid in grids for test in chance.sample(grid, len(grid) * 3 // 4)}
