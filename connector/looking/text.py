"""A record and what becomes of it, for people."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from connector.core.records import Filtered, Rejection, Skipped, Transformed
from connector.dry_run import calls
from connector.given_records import Json
from connector.looking.columns import Line, beside, lines_of, one_line, short
from connector.looking.masking import masked, masked_name
from connector.looking.programs import AsJson
from connector.looking.tapping import Tapped
from connector.showing.calls import around, entries_of, operation_of
from connector.styles import BOLD, DIM, GREEN, RED, YELLOW, Style

_COLOURS = {"mapped": GREEN, "skipped": YELLOW, "filtered": DIM, "dead_letter": RED}
_WORDS = {"mapped": "mapped", "skipped": "skipped", "filtered": "filtered", "dead_letter": "dead letter"}


class AsText:
    """Makes the text of records.

    Args:
        style: colours, or none.
        columns: how wide a line may be.
        as_json: how members of events are masked.
        values: whether values are shown.
    """

    def __init__(self, style: Style, columns: int, as_json: AsJson, *, values: bool) -> None:
        self._style = style
        self._columns = columns
        self._as_json = as_json
        self._values = values

    def __call__(self, tapped: Tapped) -> str:
        """A head and the two sides, with an empty line at the end."""
        left, right = short(list(self._record(tapped))), short(list(self._fate(tapped)))
        return "\n".join([self._head(tapped), *beside(left, right, self._columns), "", ""])

    def _head(self, tapped: Tapped) -> str:
        record, outcome = tapped.record, tapped.outcome
        place = f"{record.topic}-{record.partition}@{record.offset}"
        rule = "" if tapped.rule is None else f", rule {tapped.rule}"
        what = self._style(_COLOURS[outcome], _WORDS[outcome])
        return f"{self._style(BOLD, place)}  {moment(record.timestamp)}  {what}  pipeline {tapped.pipeline}{rule}"

    def _record(self, tapped: Tapped) -> Iterator[Line]:
        record = tapped.record
        if record.key is not None:
            yield "key", self._bytes(record.key)
        for name, value in record.headers:
            yield f"header {one_line(name) if self._values else masked_name(name)}", self._bytes(value)
        if not tapped.documents:
            yield "value", "none" if record.value is None else self._bytes(record.value)
        several = len(tapped.documents) > 1
        for number, document in enumerate(tapped.documents):
            yield from lines_of(document, values=self._values, path=f"[{number}]" if several else "")

    def _bytes(self, value: bytes | None) -> str:
        if value is None or not self._values:
            return masked(value)
        try:
            return one_line(value.decode())
        except UnicodeDecodeError:
            return f"0x{value.hex()}"

    def _fate(self, tapped: Tapped) -> Iterator[Line]:
        match tapped.fate:
            case Transformed(entries=entries):
                for call in calls(entries):
                    yield from self._call(call)
            case Skipped():
                yield f"skipped: {tapped.fate.reason}", ""
            case Filtered():
                yield "filtered: no rule takes it, and the pipeline says unmatched: skip", ""
            case Rejection():
                pass  # said below, as of a record of which only some events are invalid
        rejection = tapped.rejection
        if rejection is not None:
            yield f"{rejection.reason}: {rejection.message}", ""

    def _call(self, call: Json) -> Iterator[Line]:
        operation, entries = operation_of(call), entries_of(call)
        envelope = {name: value for name, value in around(call).items() if name != operation.target}
        for number, entry in enumerate(entries):
            if len(entries) > 1:
                yield f"{operation.noun} {number + 1} of {len(entries)}", ""
            for name, value in {**envelope, **entry}.items():
                yield from self._member(name, value)

    def _member(self, name: str, value: Any) -> Iterator[Line]:
        if name == "properties" and isinstance(value, str):
            yield from lines_of(orjson.loads(value), values=self._values, path="properties")
        elif isinstance(value, dict | list):
            yield from lines_of(value, values=self._values, path=name)
        else:
            shown = self._as_json.member(name, value)
            yield name, one_line(shown)


def moment(milliseconds: int | None) -> str:
    """The time of a record, in UTC."""
    if milliseconds is None:
        return "no timestamp"
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"
    except (OverflowError, ValueError):
        return "a time beyond the year 9999"
