"""The messages of ``putevents validate``, one broken file each: ``messages/NAME.yaml``, and in ``NAME.txt`` its output.

``make messages`` writes the outputs; their difference is what a reviewer reads.
"""

import io
import os
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from connector.cli import main

FOLDER = Path(__file__).parent / "messages"
FILES = sorted(FOLDER.glob("*.yaml"))
# The whole environment that the files are validated in.
ENVIRONMENT = {"EMPTY": "", "HALF_A_CHARACTER": "\udcff", "BLANKS": "  "}


def printed(file: Path) -> str:
    """What ``putevents validate`` prints about a file, stdout before stderr, and its exit code."""
    out, err = io.StringIO(), io.StringIO()
    with (
        chdir(file.parent),
        patch.dict(os.environ, ENVIRONMENT, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = main(["validate", file.name])
    return f"{out.getvalue()}{err.getvalue()}exit code {int(code)}\n"


if __name__ == "__main__":
    for each in FILES:
        each.with_suffix(".txt").write_text(printed(each))
