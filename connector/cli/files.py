"""Commands about the file: validate, schema, print-config; and how a file is loaded for the others."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence

from connector.config import Loaded, Problem, json_schema, load, print_config, render
from connector.config.problems import Format
from connector.exits import Exit
from connector.streams import say


def add_nothing(_: argparse.ArgumentParser) -> None:
    """The command has no arguments."""


def add_config(parser: argparse.ArgumentParser) -> None:
    """One file."""
    parser.add_argument("config", metavar="CONFIG", help="the configuration, a YAML file")


def add_validate(parser: argparse.ArgumentParser) -> None:
    """Files, and how problems are shown."""
    parser.add_argument("configs", metavar="CONFIG", nargs="+", help="configurations, YAML files")
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text for people, json for programs (an array on stdout), github for annotations (default: text)",
    )


def loaded_or_reported(path: str, *, warn: bool = True) -> Loaded | None:
    """The file, with its warnings on stderr if wanted; or None, with everything that is wrong with it on stderr."""
    loaded = load(path, os.environ)
    if isinstance(loaded, Loaded):
        warnings = [each for each in loaded.warnings if warn and each.severity == "warning"]
        if warnings:
            say(f"{render(warnings)}\n\n")
        return loaded
    say(render(loaded, "text") + f"\n\n{_counted(len(loaded), path)}\n")
    return None


def validate(arguments: argparse.Namespace) -> int:
    """Exit 0 where all files are valid, with warnings or without, else 78."""
    problems: list[Problem] = []
    for path in arguments.configs:
        loaded = load(path, os.environ)
        if isinstance(loaded, Loaded):
            problems += _warned(loaded, path, arguments.format)
        else:
            problems += loaded
            sys.stderr.write(f"{_counted(len(loaded), path)}\n")
    # A program reads an array even when nothing is wrong; people and GitHub read only what is.
    if problems or arguments.format == "json":
        sys.stdout.write(render(problems, arguments.format) + "\n")
    return Exit.BAD_FILE if any(problem.severity == "error" for problem in problems) else Exit.OK


def _warned(loaded: Loaded, path: str, form: Format) -> Sequence[Problem]:
    """Say that a file is valid. Returns its warnings and notes where a program wants them; people read stderr."""
    if form == "text" and loaded.warnings:
        sys.stderr.write(render(loaded.warnings) + "\n\n")
    kinds = Counter(problem.severity for problem in loaded.warnings)
    counts = ", ".join(
        f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in sorted(kinds.items(), reverse=True)
    )
    sys.stderr.write(f"{path}: valid{f' ({counts})' if counts else ''}\n")
    return () if form == "text" else loaded.warnings


def _counted(count: int, path: str) -> str:
    return f"{path}: {count} problem{'' if count == 1 else 's'}"


def show(arguments: argparse.Namespace) -> int:
    """Print the effective file."""
    loaded = loaded_or_reported(arguments.config)
    if loaded is None:
        return Exit.BAD_FILE
    sys.stdout.write(print_config(loaded.config))
    return Exit.OK


def schema(_: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
    return Exit.OK
