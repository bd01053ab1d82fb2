"""What records have: their members, how often each is there, and how many different values it has."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str, ...]
"""Names from the root on: value, key, headers or envelope. ``EACH`` stands for the elements of a list."""
EACH = "[]"

_DEEPEST = 8
_MOST_FIELDS = 2_000
_MOST_VALUES = 5_000
_WIDEST = 200  # members of one object; more are values that were used as names
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Field:
    """A member of the records."""

    path: Path
    present: int = 0
    """How many records, or elements of the list that it is in, have it with a value."""
    values: list[Any] = field(default_factory=list)
    """The scalar values."""
    lists: int = 0
    """How often it is a list of objects."""
    plain_lists: int = 0
    """How often it is a list of texts or numbers."""

    @property
    def distinct(self) -> int:
        """How many different values."""
        return len(Counter(map(repr, self.values)))

    @property
    def name(self) -> str:
        """The last of its names."""
        return self.path[-1]

    @property
    def is_scalar(self) -> bool:
        """Whether it is text or a number, wherever it is there."""
        return len(self.values) == self.present > 0 and all(type(value) in {str, int, float} for value in self.values)


class Fields(dict[Path, Field]):
    """All members by their paths."""

    def __init__(self, documents: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        self.records = len(documents)
        self.chosen: dict[str, Path] = {}  # by role: what the user says it is
        for document in documents:
            for name, part in document.items():
                self._add((name,), part)

    def _add(self, path: Path, value: Any) -> None:
        if value is None or value == "" or not _usable(path):
            return
        if path not in self and len(self) == _MOST_FIELDS:
            return
        found = self.setdefault(path, Field(path))
        found.present += 1
        if isinstance(value, dict):
            self._members(path, value)
        elif isinstance(value, list):
            self._elements(found, value)
        elif len(found.values) < _MOST_VALUES:
            found.values.append(value)

    def _members(self, path: Path, value: dict[str, Any]) -> None:
        if len(value) <= _WIDEST:
            for name, part in value.items():
                self._add((*path, name), part)

    def _elements(self, found: Field, value: list[Any]) -> None:
        """Of lists of objects their members; not of lists in lists, which a proposal does not read."""
        if not value or EACH in found.path:
            return
        if all(isinstance(element, dict) for element in value):
            found.lists += 1
            for element in value[:100]:
                self._add((*found.path, EACH), element)
        elif all(type(element) in {str, int} for element in value):
            found.plain_lists += 1

    def within(self, path: Path) -> Iterator[Field]:
        """The members of the elements of a list."""
        yield from (each for each in self.values() if each.path[: len(path) + 1] == (*path, EACH))

    def total(self, path: Path) -> int:
        """How many records, or elements, could have this member."""
        if EACH not in path:
            return self.records
        return self[path[: path.index(EACH) + 1]].present

    def share(self, path: Path) -> float:
        """In how much of them it is."""
        return self[path].present / self.total(path)


def _usable(path: Path) -> bool:
    """Whether an expression can name it: braces would end a template."""
    name = path[-1]
    return len(path) <= _DEEPEST and 0 < len(name) <= 100 and name.isprintable() and not set(name) & set("{}")


def value_at(document: Any, path: Iterable[str]) -> Any:
    """The value at a path without lists; None where there is none."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def expression(path: Path) -> str:
    """The path in JMESPath; of a member of an element it begins with item."""
    names = ("item", *path[path.index(EACH) + 1 :]) if EACH in path else path
    return ".".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    if _IDENTIFIER.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
