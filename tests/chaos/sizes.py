"""How large the scenarios are and where their chance comes from; both by environment, so that a run can be repeated."""

from __future__ import annotations

import os
import secrets

SIZE = float(os.environ.get("CHAOS_SIZE", "0"))
"""0 for the short suite, 1 for the sizes that the guarantees are measured with, or anything between."""

SEED = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))


def scaled(short: int, whole: int) -> int:
    """A number between that of the short suite and that of the whole one."""
    return round(short + (whole - short) * SIZE)


def time_limit(short: int, whole: int) -> int:
    """Seconds that a test may take; this machine may be busy with others."""
    return 240 + 2 * scaled(short, whole)
