"""How many examples a law is tried on."""

import os

LEAST = 100


def examples(full: int) -> int:
    """All under ``CI``; elsewhere a quarter, since whoever changes the code runs the tests again and again."""
    in_full = os.environ.get("CI", "").lower() not in {"", "0", "false"}
    return full if in_full else max(LEAST, full // 4)
