"""Text with a structure of lines and columns: JSON documents one a line, and rows of delimited columns.

The line break at the end of a value is not data: many producers send a line of a file with it.
"""

import csv
from collections.abc import Sequence
from typing import Any

from connector.core.formats.decoded import Decode, DecodingError
from connector.core.formats.plain import decode_json, decode_text
from connector.core.records import Reason

MAX_LINES = 10_000  # of one value: each costs a microsecond, and a record makes a thousand events at most
TAB = "\t"
_QUOTED = frozenset(",;")


def decode_json_lines(value: bytes) -> list[Any]:
    """The documents of all lines that are not blank.

    Raises:
        DecodingError: a line is no JSON, all are blank, or there are too many.
    """
    if value.count(b"\n") > MAX_LINES:
        raise DecodingError(Reason.TOO_LONG, f"expected at most {MAX_LINES} lines, found more")
    documents = [
        _line(number, line) for number, line in enumerate(value.split(b"\n"), 1) if line.strip(b" \t\r\n\xef\xbb\xbf")
    ]
    if not documents:
        raise DecodingError(Reason.EMPTY_VALUE, "expected lines of JSON, but the value is empty")
    return documents


def _line(number: int, line: bytes) -> Any:
    try:
        return decode_json(line)
    except DecodingError as error:
        raise DecodingError(error.reason, f"line {number}: {error.message}") from None


def decode_document(value: bytes) -> str:
    """The whole value as text, without a byte order mark.

    Raises:
        DecodingError: the bytes are not UTF-8.
    """
    return decode_text(value).removeprefix("\ufeff")


def compile_delimited(columns: Sequence[str], delimiter: str = TAB) -> Decode:
    """A decoder of one row: an object of the name of a column to its text.

    A row may end early: sources such as Snowplow append columns with each version, so columns at the end are left out
    of the object where an older producer did not write them. A row with more cells than ``columns`` is invalid, because
    a delimiter inside a cell moves all cells after it; and so is one without any delimiter, which is no row. An empty
    cell is empty text. With a comma or a semicolon, cells may be quoted as RFC 4180 says; with others, such as the tab,
    quotes are text.
    """
    cells_of = _quoted_cells if delimiter in _QUOTED else _plain_cells
    names, expected = tuple(columns), f"expected {_count(len(columns))}"

    def decode(value: bytes) -> dict[str, str]:
        text = decode_document(value.removesuffix(b"\n").removesuffix(b"\r"))
        if not text.strip():
            raise DecodingError(Reason.EMPTY_VALUE, f"{expected}, but the value is empty")
        cells, found = cells_of(text, delimiter, len(names))
        if found > len(names) or (found == 1 and len(names) > 1):
            raise DecodingError(Reason.WRONG_COLUMNS, f"{expected}, found {found}")
        return dict(zip(names, cells, strict=False))

    return decode


def _plain_cells(text: str, delimiter: str, limit: int) -> tuple[list[str], int]:
    """The cells, and how many there are; of more than ``limit``, not all are made."""
    return text.split(delimiter, limit), text.count(delimiter) + 1


def _quoted_cells(text: str, delimiter: str, limit: int) -> tuple[list[str], int]:
    lines = (f"{line}\n" for line in text.split("\n"))
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        cells = next(rows)
        if next(rows, None) is not None:
            raise DecodingError(Reason.WRONG_COLUMNS, "expected one row, found more")
    except csv.Error:
        message = f"expected {_count(limit)}, quoted as RFC 4180 says, found other quotes or a cell that is too long"
        raise DecodingError(Reason.WRONG_COLUMNS, message) from None
    return cells, len(cells)


def _count(columns: int) -> str:
    return "1 column" if columns == 1 else f"{columns} columns"
