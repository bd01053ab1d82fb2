"""Adds a test to the end of ``tests:`` in a file, and changes nothing else.

The new text is read again before it is used: its data must be the old plus the test.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from connector.config.yaml_tree import Path as Node
from connector.config.yaml_tree import Place, parse
from connector.dlq.minimal import at
from connector.starting.writing import flow
from connector.trials.values import in_yaml


class CannotAdd(Exception):
    """No test can be made of the letter, or not added; the message says why, and what to do."""


def added(text: str, test: Mapping[str, Any]) -> str | None:
    """The file's text with the test as the last of ``tests``; None where it has the same test under any name.

    Raises:
        CannotAdd: the file is written in a way that would change more than that.
    """
    tree = parse(text)
    tests = at(tree.data, ("tests",)) or []
    if any(_same(each, test) for each in tests):
        return None
    number = sum(1 for each in tests if str(at(each, ("name",))).startswith(test["name"]))
    named = {**test, "name": f"{test['name']} ({number + 1})" if number else test["name"]}
    newline = "\r\n" if "\r\n" in text else "\n"
    after = _with(text, tree.places, len(tests), _lines(named), newline)
    read = parse(after)
    wanted = {**tree.data, "tests": [*tests, named]}
    if read.faults or orjson.dumps(read.data, default=str) != orjson.dumps(
        {name: wanted[name] for name in read.data}, default=str
    ):
        raise CannotAdd("the file is written in a way that would change more than its tests: add the test by hand")
    return after


def _same(one: Any, other: Mapping[str, Any]) -> bool:
    names = ("pipeline", "input", "output")
    return isinstance(one, dict) and all(one.get(name) == other[name] for name in names)


def _with(text: str, places: Mapping[Node, Place], count: int, lines: list[str], newline: str) -> str:
    rows = text.splitlines(keepends=True)
    if not count:
        key = places.get(("tests",))
        if key is not None and key.key is not None:  # `tests:` or `tests: []`
            row = key.key.line
            rows[row : key.end[0] + 1 if key.end[1] else max(row + 1, key.end[0])] = [f"tests:{newline}"]
            at_row, column = row + 1, 2
        else:
            if rows and not rows[-1].endswith(("\n", "\r")):
                rows[-1] += newline
            rows += [newline, f"tests:{newline}"]
            at_row, column = len(rows), 2
    else:
        last = places["tests", count - 1]
        before = rows[last.value.line][: last.value.column]
        if before.strip() != "-":
            raise CannotAdd("the tests of the file are written in brackets: add the test by hand")
        column = before.index("-")
        at_row = _end_row(places, count - 1, rows)
        if not rows[at_row - 1].endswith(("\n", "\r")):
            rows[at_row - 1] += newline
    made = [" " * column + line + newline for line in lines]
    return "".join([*rows[:at_row], *made, *rows[at_row:]])


def _end_row(places: Mapping[Node, Place], number: int, rows: list[str]) -> int:
    """The row after the last one of a test; comments and empty lines after it stay where they are."""
    line, column = places["tests", number].end
    row = min(line + 1 if column else line, len(rows))
    first = places["tests", number].value.line
    while row - 1 > first and (not rows[row - 1].strip() or rows[row - 1].lstrip().startswith("#")):
        row -= 1
    return row


def _lines(test: Mapping[str, Any]) -> list[str]:
    """The test in block style, each part of its input and its output in flow style, broken where they are long."""
    lines = [f"- name: {in_yaml(test['name'])}", f"  pipeline: {in_yaml(test['pipeline'])}", "  input:"]
    for name, part in test["input"].items():
        lines += f"    {name}: {flow(part, len(name) + 6)}".split("\n")
    return [*lines, f"  output: {in_yaml(test['output'])}"]
