"""How many examples a law is tried on."""

import os

LEAST = 50


def examples(full: int) -> int:
    """All under ``CI``; elsewhere a quarter, and others each time, since who changes the code runs the tests often."""
    in_full = os.environ.get("CI", "").lower() not in {"", "0", "false"}
    return full if in_full else min(full, max(LEAST, full // 4))
