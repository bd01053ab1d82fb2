"""``putevents explain``: what a code means."""

import argparse
import sys

from connector.exits import Exit
from connector.explained.book import near, pages_of
from connector.explained.shown import contents, text
from connector.styles import is_coloured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A code, or none for all of them."""
    parser.add_argument(
        "code",
        metavar="CODE",
        nargs="?",
        help="a code of validate or check, a reason of dead letters or skips, or an exit code (default: list all)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the page of the code, or of each thing that has this name; 1 where there is none."""
    coloured = is_coloured(sys.stdout)
    word: str | None = arguments.code
    if word is None:
        sys.stdout.write(contents(coloured=coloured))
        return Exit.OK
    found = pages_of(word)
    if not found:
        meant = near(word)
        hint = f"did you mean {meant}?" if meant else "putevents explain lists all of them"
        sys.stderr.write(f"expected a code of putevents; {hint}\n")
        return Exit.NOT_OK
    sys.stdout.write("\n".join(text(page, coloured=coloured) for page in found))
    return Exit.OK
