"""``putevents completion``: what a shell needs to complete the commands and options of putevents."""

import argparse
import sys
from pathlib import Path

from connector.exits import Exit

FOLDER = Path(__file__).parent / "completions"
SHELLS = ("bash", "zsh", "fish")
EXAMPLE = """\
example:
  putevents completion bash > ~/.local/share/bash-completion/completions/putevents
  putevents completion zsh > ~/.zsh/completions/_putevents      a folder of fpath, before compinit
  putevents completion fish > ~/.config/fish/completions/putevents.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A shell."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")


def run(arguments: argparse.Namespace) -> int:
    """Print the file of the shell."""
    sys.stdout.write((FOLDER / f"putevents.{arguments.shell}").read_text(encoding="utf-8"))
    return Exit.OK
