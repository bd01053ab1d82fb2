"""Programs that write files of this repository from their sources; each is run as ``python -m tools.NAME``.

`make docs` and `make deploy` run those whose result is committed. A test of each fails where the result is out of date.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
