"""A record on the left, what becomes of it on the right: lines of a name and a value each, as wide as there is room."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from connector.config.problems import width
from connector.looking.masking import MOST_NAMES, masked, masked_name

Line = tuple[str, str]  # a name and what it has, or a sentence alone
MOST_LINES = 30  # of a side
DEEPEST = 20
GAP = 2


def lines_of(value: Any, *, values: bool, path: str = "") -> Iterator[Line]:
    """The members of a document, one a line, by their paths; of a list its first element and how many there are."""
    match value:
        case dict() if value and path.count(".") < DEEPEST and (values or len(value) <= MOST_NAMES):
            for name, each in value.items():
                shown = one_line(name) if values else masked_name(name)
                yield from lines_of(each, values=values, path=f"{path}.{shown}" if path else shown)
        case [first, *rest] if path.count(".") < DEEPEST:
            yield from lines_of(first, values=values, path=f"{path}[0]")
            if rest:
                yield f"{path}[…]", f"{len(rest)} more"
        case _:
            yield path or "value", one_line(value) if values else masked(value)


def one_line(value: Any) -> str:
    """A value as a program would write it, without anything that moves a terminal's cursor."""
    plain = isinstance(value, str) and value.isprintable() and value.strip() == value != ""
    text = value if plain else json.dumps(value, ensure_ascii=False, default=str)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def short(lines: Sequence[Line]) -> list[Line]:
    """As many as are shown."""
    left_out = len(lines) - MOST_LINES
    return list(lines) if left_out <= 0 else [*lines[:MOST_LINES], ("…", f"{left_out} more")]


def beside(left: Sequence[Line], right: Sequence[Line], columns: int) -> list[str]:
    """Both, one beside the other within so many columns, or one below the other where that is too narrow."""
    half = (columns - GAP - 2) // 2
    ours, theirs = aligned(left, half), aligned(right, half)
    if half < 30:
        ours, theirs = aligned(left, columns - 2), aligned(right, columns - 2)
        return [f"  {line}" for line in [*ours, "->", *theirs]]
    taken = max(map(width, ours), default=0)
    pairs = zip_longest(ours, theirs, fillvalue="")
    return [f"  {padded(one, taken)}{' ' * GAP}{other}".rstrip() for one, other in pairs]


def aligned(lines: Sequence[Line], columns: int) -> list[str]:
    """Names in one column, values in the next; a sentence, which has no value, is wrapped."""
    names = min(max((width(name) for name, value in lines if value), default=0), columns * 2 // 3)
    found: list[str] = []
    for name, value in lines:
        if value:
            found.append(f"{padded(cut(name, names), names)} {cut(value, columns - names - 1)}")
        else:
            found += textwrap.wrap(name, columns) or [""]
    return found


def padded(text: str, columns: int) -> str:
    """The text with blanks up to a column."""
    return text + " " * (columns - width(text))


def cut(text: str, columns: int) -> str:
    """The text in so many columns at most."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return f"{text}…"
