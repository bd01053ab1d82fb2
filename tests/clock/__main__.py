"""pytest with the clock some days off: ``python -m tests.clock +400 -- tests/core``. See also ``make shifted``."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.clock.shift import MissingError, preload


def main(arguments: list[str]) -> int:
    """Run once for each number of days; returns pytest's first exit code that is not 0."""
    if "--" not in arguments or not arguments.index("--"):
        sys.stderr.write("usage: python -m tests.clock DAYS... -- ARGUMENTS OF PYTEST, e.g. +400 -30 -- tests/core\n")
        return 2
    border = arguments.index("--")
    try:
        shifts = {days: preload(int(days)) for days in arguments[:border]}
    except MissingError as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    for days, variables in shifts.items():
        sys.stdout.write(f"the clock is {int(days):+} days off\n")
        sys.stdout.flush()
        command = [sys.executable, "-m", "pytest", *arguments[border + 1 :]]
        code = subprocess.run(command, env={**os.environ, **variables}, check=False).returncode
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
