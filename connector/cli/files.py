"""Commands about the file: validate, schema, print-config; and how a file is loaded for the others."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from connector.config import Loaded, Problem, json_schema, load, print_config, render
from connector.config.example_files import FoundTests, is_test_file, load_test_file
from connector.config.markdown import is_markdown, load_blocks
from connector.config.problems import Format, Severity
from connector.exits import Exit
from connector.streams import say

_EXPLAIN = "; for more: putevents explain CODE"


def add_nothing(_: argparse.ArgumentParser) -> None:
    """The command has no arguments."""


def add_config(parser: argparse.ArgumentParser) -> None:
    """One file."""
    parser.add_argument("config", metavar="CONFIG", help="the configuration, a YAML file")


def add_validate(parser: argparse.ArgumentParser) -> None:
    """Files, and how problems are shown."""
    parser.add_argument(
        "configs",
        metavar="CONFIG",
        nargs="+",
        help="configurations, YAML files; of a Markdown file, the ```yaml blocks that are whole files",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text for people, json for programs (an array on stdout), github for annotations (default: text)",
    )
    parser.add_argument("--deny-warnings", action="store_true", help="exit 78 for warnings, too; notes are allowed")


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
    """Exit 0 where all files are valid, with warnings or without, else 78; with ``--deny-warnings`` also for those."""
    problems: list[Problem] = []
    severities: set[Severity] = set()
    for path in arguments.configs:
        for name, loaded in _once(_each(path)):
            if isinstance(loaded, list):
                problems += loaded
                severities.add("error")
                sys.stderr.write(f"{_counted(len(loaded), name)}\n")
            else:
                problems += _warned(loaded, name, arguments.format)
                severities.update(problem.severity for problem in loaded.warnings)
    # A program reads an array even when nothing is wrong; people and GitHub read only what is.
    if problems or arguments.format == "json":
        sys.stdout.write(render(problems, arguments.format) + "\n")
    denied: set[Severity] = {"error", "warning"} if arguments.deny_warnings else {"error"}
    return Exit.OK if severities.isdisjoint(denied) else Exit.BAD_FILE


def _each(path: str) -> Iterator[tuple[str, Loaded | FoundTests | list[Problem]]]:
    """The file, or each block of a Markdown file that is one, with its name for people."""
    if not is_markdown(path):
        tests = is_test_file(Path(path))
        yield path, load_test_file(Path(path), os.environ) if tests else load(path, os.environ)
        return
    blocks = load_blocks(path, os.environ)
    if isinstance(blocks, list):
        yield path, blocks
        return
    if not blocks:
        sys.stderr.write(f"{path}: no ```yaml block in it is a whole file, with the key pipelines\n")
    for line, loaded in blocks.items():
        yield f"{path}:{line}", loaded


def _once(
    found: Iterable[tuple[str, Loaded | FoundTests | list[Problem]]],
) -> Iterator[tuple[str, Loaded | FoundTests | list[Problem]]]:
    """The same with each kind of note once: a page of twenty files would say twenty times that its tests do not run."""
    said: set[str] = set()
    for name, loaded in found:
        if isinstance(loaded, list):
            yield name, loaded
            continue
        new = tuple(each for each in loaded.warnings if each.severity != "note" or each.code not in said)
        said.update(each.code for each in new if each.severity == "note")
        yield name, replace(loaded, warnings=new) if isinstance(loaded, Loaded) else loaded._replace(warnings=new)


def _warned(loaded: Loaded | FoundTests, path: str, form: Format) -> Sequence[Problem]:
    """Say that a file is valid. Returns its warnings and notes where a program wants them; people read stderr."""
    if form == "text" and loaded.warnings:
        sys.stderr.write(render(loaded.warnings) + "\n\n")
    kinds = Counter(problem.severity for problem in loaded.warnings)
    counts = ", ".join(
        f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in sorted(kinds.items(), reverse=True)
    )
    more = f" ({counts}){_EXPLAIN if kinds['warning'] else ''}" if counts else ""
    sys.stderr.write(f"{path}: valid{more}\n")
    return () if form == "text" else loaded.warnings


def _counted(count: int, path: str) -> str:
    return f"{path}: {count} problem{'' if count == 1 else 's'}{_EXPLAIN}"


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
