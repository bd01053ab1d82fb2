"""Colour: on terminals only, and not where NO_COLOR is set or the terminal is dumb. See https://no-color.org."""

import os
from typing import IO

RED, GREEN, YELLOW, BOLD, DIM, PLAIN = "31", "32", "33", "1", "2", ""
NARROWEST = 40  # columns; a terminal that says less does not know
WHERE_NO_TERMINAL = 120  # columns


class Style:
    """Text in colours, or as it is."""

    def __init__(self, *, coloured: bool) -> None:
        self.coloured = coloured

    def __call__(self, code: str, text: str) -> str:
        """The text in a colour."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured and code and text else text


def is_coloured(stream: IO[str]) -> bool:
    """Whether a stream takes colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns_of(stream: IO[str]) -> int:
    """How wide lines may be: as wide as the terminal, or as COLUMNS says."""
    if not stream.isatty():
        return WHERE_NO_TERMINAL
    import shutil  # noqa: PLC0415  which loads what compresses archives

    return max(NARROWEST, shutil.get_terminal_size((WHERE_NO_TERMINAL, 24)).columns)
