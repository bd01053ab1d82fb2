"""From a path in the data to a place in the file.

The one place where lines and columns are worked out, so that every problem points the same way: an unknown
key at the key, a missing one at the key of its mapping, a wrong value at the value.
"""

import re

from connector.config.masking import cuts_of, cuts_of_text, show
from connector.config.problems import Problem
from connector.config.yaml_tree import Fault, Path, Place, Span, Tree, lines_of

_ESCAPE = r"\\x..|\\u.{4}|\\U.{8}|\\.|."
_CHARACTERS = {"'": re.compile("''|."), '"': re.compile(_ESCAPE)}


class Located:
    """One file: its name, its lines as they may be shown, and the place of every path."""

    def __init__(self, name: str, text: str, tree: Tree, *, before: Tree | None = None) -> None:
        """``before``: the tree as it was written, where ``tree`` has had its slips corrected."""
        self.name = name
        self.tree = tree
        self._lines = lines_of(text)
        trees = [tree] if before is None or before is tree else [tree, before]
        cuts = [cut for each in trees for cut in cuts_of(each.places, self._lines)]
        self._shown = show(self._lines, cuts if tree.places else cuts_of_text(self._lines))

    def fault(self, fault: Fault) -> Problem:
        """A fault of the YAML as a problem."""
        return self._problem(fault.code, fault.message, fault.span, fault.hint)

    def at_key(self, path: Path, code: str, message: str, hint: str | None = None) -> Problem:
        """Points at the key of ``path``, or of the nearest mapping above it that is in the file."""
        path, place = self._nearest(path)
        span = place.key or place.value if place else Span(0, 0, 1)
        return self._problem(code, message, span._replace(length=1) if not path else span, hint)

    def at_value(self, path: Path, code: str, message: str, hint: str | None = None) -> Problem:
        """Points at the value of ``path``; at its key where the value is not written out, or not one line."""
        path, place = self._nearest(path)
        if place is None:
            return self.at_key(path, code, message, hint)
        tall = place.kind != "scalar" and place.end[0] != place.value.line
        if place.key and (tall or self._is_blank(place.value)):
            return self.at_key(path, code, message, hint)
        return self._problem(code, message, place.value, hint)

    def in_scalar(self, path: Path, offset: int, code: str, message: str, hint: str | None = None) -> Problem:
        """Points at a character of a scalar on one line; at the start of any other."""
        place = self.tree.places.get(path)
        if place is None or place.kind != "scalar":
            return self.at_value(path, code, message, hint)
        skip = self._skip(place.value, place.style, offset) if place.value.line == place.end[0] else None
        if skip is None:
            return self._problem(code, message, place.value, hint)
        span = Span(place.value.line, place.value.column + skip, 1)
        return self._problem(code, message, span, hint)

    def is_bare(self, path: Path) -> bool:
        """Whether a key stands without a colon: the piece of an unquoted text that follows a comma in it."""
        place = self.tree.places.get(path)
        if place is None or place.key is None or place.kind != "scalar" or place.style is not None:
            return False
        return place.value[:2] == (place.key.line, place.key.column + place.key.length)

    def _nearest(self, path: Path) -> tuple[Path, Place | None]:
        """The path itself, or the part of it that is in the file."""
        while path and path not in self.tree.places:
            path = path[:-1]
        return path, self.tree.places.get(path)

    def _skip(self, span: Span, style: str | None, offset: int) -> int | None:
        """Characters of the source before the offset; None where the scalar is not simply written there."""
        source = self._lines[span.line][span.column : span.column + span.length]
        if style is None:
            # An anchor or a tag stands before the text and counts as the scalar's start.
            return offset if source[:1] not in ("&", "!") and offset <= len(source) else None
        if style not in _CHARACTERS or source[:1] != style:
            return None
        characters = _CHARACTERS[style].findall(source[1:-1])
        return 1 + len("".join(characters[:offset]))

    def _is_blank(self, span: Span) -> bool:
        line = self._lines[span.line] if span.line < len(self._lines) else ""
        return not line[span.column :].split("#")[0].strip()

    def _problem(self, code: str, message: str, span: Span, hint: str | None) -> Problem:
        if span.line >= len(self._shown):  # PyYAML's end of the stream lies after the last line
            span = Span(len(self._shown) - 1, 0, 1)
        shown = self._shown[span.line]
        caret = shown.offset(span.column)
        length = max(1, shown.offset(span.column + span.length) - caret)
        return Problem(code, message, self.name, span.line + 1, span.column + 1, shown.text, caret, length, hint)
