"""Where the text of an expectation begins and ends in its file, and how a new one is laid out there."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import yaml

from connector.config.example_checks import CONTAINS
from connector.config.yaml_tree import Path, Place, Tree
from connector.trials.values import in_yaml

WIDTH = 120  # columns; a longer line is broken between members
LINE = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as YAML counts them
_BETWEEN = re.compile(r"\s*:(?:\s|#[^\r\n]*[\r\n])*\Z")  # a key's end, and comments before its value
_SHARED = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken)


class Region(NamedTuple):
    """The text of a value: from ``start`` to ``end``, in characters.

    ``column`` is where it begins, ``indent`` where its key does; ``beside`` says that both are on one line. ``flow``:
    it is inside of braces or brackets. ``on_one_line`` is how it is written now.
    """

    start: int
    end: int
    column: int
    indent: int
    beside: bool
    flow: bool
    on_one_line: bool


class CannotUpdate(Exception):
    """The expectation cannot be replaced without a change of something else; the message says why."""


class Layout:
    """A file's text and where its paths stand in it."""

    def __init__(self, text: str, tree: Tree) -> None:
        self._text = text
        self._tree = tree
        self._starts = [0, *(match.end() for match in LINE.finditer(text))]
        tokens = list(yaml.scan(text))
        self._shared = [token.start_mark.index for token in tokens if isinstance(token, _SHARED)]
        self._gaps = [(one.end_mark.index, other.start_mark.index) for one, other in pairwise(tokens)]
        self._sharing = Counter(place[1:] for place in tree.places.values())
        self._children: dict[Path, list[Path]] = {}
        for path in tree.places:
            self._children.setdefault(path[:-1], []).append(path)
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def region(self, path: Path) -> Region:
        """The text of the value at a path.

        Raises:
            CannotUpdate: see there.
        """
        place = self._tree.places[path]
        if self._sharing[place[1:]] > 1:
            raise CannotUpdate("other tests share it, through an alias or a merge")
        assert place.key is not None  # noqa: S101  for the type checker: it is the value of a key
        start = self._offset(place.value.line, place.value.column)
        after_key = self._offset(place.key.line, place.key.column + place.key.length)
        if not _BETWEEN.match(self._text[after_key:start]):
            raise CannotUpdate("it stands elsewhere in the file, through an alias or a merge")
        node_end = self._offset(*place.end)
        if any(after_key <= index < node_end for index in self._shared):
            raise CannotUpdate("there is an anchor, an alias or a tag in it")
        end = self._end(path, place)
        beside = place.key.line == place.value.line
        flow = any(self._is_flow(path[:depth]) for depth in range(len(path)))
        one_line = self._text[start:end].find("\n") < 0 and (beside or self._is_flow(path))
        return Region(start, end, place.value.column, place.key.column, beside, flow, one_line)

    def has_comments(self, region: Region) -> bool:
        """Whether comments stand in the value: they have no place in another."""
        inside = ((start, end) for start, end in self._gaps if region.start <= start and end <= region.end)
        return any("#" in self._text[start:end] for start, end in inside)

    def written(self, region: Region, output: Any) -> str:
        """The text that says ``output`` there; it begins with a line break where it moves below its key."""
        line = in_yaml(output)
        fits = region.column + len(line) <= WIDTH
        if region.flow or not isinstance(output, list) or not output or (region.on_one_line and fits):
            # A list may begin at its key's own column; nothing else may.
            return line if region.beside else " " * (region.indent + 2 - region.column) + line
        column = region.indent + 2 if region.beside else region.column
        lines = [part for event in output for part in _item(event, column)]
        text = f"{self.newline}{' ' * column}".join(lines)
        return f"{self.newline}{' ' * column}{text}" if region.beside else text

    def _is_flow(self, path: Path) -> bool:
        place = self._tree.places.get(path)
        if place is None or place.kind == "scalar":
            return False
        return self._text[self._offset(place.value.line, place.value.column)] in "{["

    def _end(self, path: Path, place: Place) -> int:
        """After the last character of the value: YAML's own end of a block includes what follows it."""
        if place.kind == "scalar" or self._is_flow(path):
            end = self._offset(*place.end)
            return len(self._text[:end].rstrip()) if place.style in ("|", ">") else end
        return max(self._end(inner, self._tree.places[inner]) for inner in self._children[path])

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line] + column if line < len(self._starts) else len(self._text)


def _item(event: Any, column: int) -> Sequence[str]:
    """An event, or the output of a record, as an item of a block, broken where it is too long for a line."""
    line = f"- {in_yaml(event)}"
    if column + len(line) <= WIDTH or not event:
        return [line]
    if isinstance(event, list):
        inner = [part for each in event for part in _item(each, column + 2)]
        return [f"{'  ' if number else '- '}{part}" for number, part in enumerate(inner)]
    some = list(event) == [CONTAINS]
    opening, closing = ("- {contains: {", "}}") if some else ("- {", "}")
    return _wrapped(opening, event[CONTAINS] if some else event, closing, column)


def _wrapped(opening: str, members: dict[str, Any], closing: str, column: int) -> Sequence[str]:
    lines, current = [], opening
    for number, (name, value) in enumerate(members.items()):
        part = in_yaml({name: value})[1:-1] + (closing if number == len(members) - 1 else ",")
        gap = "" if current.endswith("{") else " "
        if column + len(current) + len(gap) + len(part) > WIDTH and current.strip() not in ("", opening):
            lines.append(current)
            current, gap = "  ", " "
        current += gap + part
    return [*lines, current]
