"""Cells in columns that fit a width. The cells of a row that does not fit stand below each other."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from connector.config.problems import width
from connector.styles import BOLD, PLAIN, Style

GAP = 2
LONGEST = 1_200  # characters of a value; all that an event may hold of one fits


class Cell(NamedTuple):
    """Text of a row; ``style`` is one of styles.py."""

    text: str
    style: str = PLAIN


Row = Sequence[Cell]


def painted(cell: Cell, *, colour: bool) -> str:
    """The text as a terminal shows it in its style."""
    return Style(coloured=colour)(cell.style, cell.text)


def table(heads: Sequence[str], rows: Sequence[Row], *, room: int, colour: bool) -> list[str]:
    """Lines of a table whose columns are as wide as their cells; longer ones than fit do not widen a column."""
    columns = _widths([[Cell(head) for head in heads], *(row for row in rows if _alone(row) is None)], room)
    lines = [_line([Cell(head, BOLD) for head in heads], columns, colour=colour)]
    for row in rows:
        if (place := _alone(row)) is not None:
            lines.append(" " * (sum(columns[:place]) + GAP * place) + painted(row[place], colour=colour))
            continue
        fits = all(width(cell.text) <= most for cell, most in zip(row[:-1], columns, strict=False))
        last = sum(columns[:-1]) + GAP * (len(columns) - 1) + width(row[-1].text)
        lines += (
            [_line(row, columns, colour=colour)]
            if fits and last <= room
            else _stacked(heads, row, columns[0], colour=colour)
        )
    return lines


def _alone(row: Row) -> int | None:
    """The place of the only cell of a row, behind its first: a remark, as long as it has to be."""
    places = [place for place, cell in enumerate(row) if cell.text]
    return places[0] if len(places) == 1 and places[0] > 0 else None


def _widths(rows: Sequence[Row], room: int) -> list[int]:
    """A column is as wide as its widest cell, but the widest columns give way until a row fits."""
    wanted = [max(width(row[number].text) for row in rows) for number in range(len(rows[0]))]
    most = max(wanted)
    while most > 1 and sum(min(each, most) for each in wanted) + GAP * (len(wanted) - 1) > room:
        most -= 1
    return [
        max((cell for row in rows if (cell := width(row[number].text)) <= most), default=0)
        for number in range(len(wanted))
    ]


def _line(row: Row, columns: Sequence[int], *, colour: bool) -> str:
    cells = [
        painted(cell, colour=colour) + " " * (columns[number] - width(cell.text) + GAP)
        for number, cell in enumerate(row[:-1])
    ]
    return ("".join(cells) + painted(row[-1], colour=colour)).rstrip()


def _stacked(heads: Sequence[str], row: Row, first: int, *, colour: bool) -> list[str]:
    """The second cell beside the first, and the others below it, each behind the name of its column."""
    name = max(map(width, heads[2:]), default=0)
    start = painted(row[0], colour=colour) + " " * (first - width(row[0].text) + GAP)
    below = [
        f"{' ' * (first + 2 * GAP)}{head}{' ' * (name - width(head))}{' ' * GAP}{painted(cell, colour=colour)}"
        for head, cell in zip(heads[2:], row[2:], strict=True)
        if cell.text
    ]
    return [start + painted(row[1], colour=colour), *below]


def shown(value: Any) -> str:
    """A value as JSON on one line, in which nothing moves a terminal's cursor; the end of a very long one is cut."""
    written = json.dumps(value, ensure_ascii=False)
    safe = "".join(each if each.isprintable() else _escaped(each) for each in written[:LONGEST])
    more = len(written) - LONGEST
    return f"{safe} and {more:,} more characters: --output json shows them" if more > 0 else safe


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"
