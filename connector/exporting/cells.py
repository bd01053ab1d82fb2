"""How a value is written in a file for the import: one line a record, UTF-8, quoted as RFC 4180 says.

A record must be on a single line, so that line breaks and other control characters within a text become blanks.
"""

import re
from typing import Any

import orjson

# What splits lines for one reader or another, and what no text needs.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """The text without line breaks and control characters."""
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def quoted(text: str) -> str:
    """The text as a cell."""
    if "," not in text and '"' not in text:
        return text
    return '"' + text.replace('"', '""') + '"'


def line_of(cells: list[str]) -> str:
    """The cells as a line without its end; nearly all are written as they are."""
    line = ",".join(cells)
    if '"' not in line and line.count(",") == len(cells) - 1:
        return line
    return ",".join(map(quoted, cells))


def cell_of(value: Any) -> str:
    """The text of a value that is no text itself: several texts are joined by ``|``, any other list is JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list) and all(isinstance(each, str) and "|" not in each for each in value):
        return one_line("|".join(value))
    return one_line(orjson.dumps(value).decode())
