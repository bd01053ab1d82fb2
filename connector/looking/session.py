"""One `putevents tap`: records in, text or JSON of those that are to be shown, and the table at the end."""

import json
import sys
from typing import NamedTuple

from connector.config import Loaded
from connector.core.formats.decoded import Schemas
from connector.core.records import Record
from connector.given_records import Json
from connector.looking.counting import Counts
from connector.looking.programs import AsJson
from connector.looking.table import Limits, Table, named_types
from connector.looking.tapping import Tap, Tapped
from connector.looking.text import AsText
from connector.looking.window import Window
from connector.schema_wait import SchemaWait
from connector.styles import Style, columns_of, is_coloured


class Filter(NamedTuple):
    """Which records are shown; None is any. All are counted."""

    outcome: str | None = None
    rule: str | None = None
    reason: str | None = None

    def takes(self, tapped: Tapped) -> bool:
        """Whether the record is shown."""
        return (
            self.outcome in {None, tapped.outcome}
            and self.rule in {None, tapped.rule}
            and self.reason in {None, tapped.reason}
        )


class Session:
    """Maps, counts and shows.

    Args:
        loaded: the configuration.
        schemas: the registry of the file, None where it needs none.
        wait: waits for the schemas of a record.
        window: follows the time in which records were read.
        chosen: which records are shown.
        values: whether values are shown.
        as_json: JSON in the place of text.
        sample: every how many of the chosen are shown.
    """

    def __init__(
        self,
        loaded: Loaded,
        schemas: Schemas | None,
        wait: SchemaWait,
        window: Window,
        chosen: Filter,
        *,
        values: bool,
        as_json: bool,
        sample: int = 1,
    ) -> None:
        self.counts = Counts(loaded)
        self.window = window
        self.shown = 0
        self._chosen = 0
        self._filter = chosen
        self._sample = sample
        self._tap = Tap(loaded, schemas, wait)
        self._types = None if values else named_types(loaded)
        self._limits = Limits(loaded.config.delivery.linger, loaded.config.delivery.by_operation)
        self._as_json = as_json
        self._json = AsJson(values=values, types=self._types or frozenset())
        self._style = Style(coloured=is_coloured(sys.stdout))
        self._text = AsText(self._style, columns_of(sys.stdout), self._json, values=values)

    def add(self, record: Record) -> str:
        """Count a record; the text of one that is to be shown, "" for any other.

        Raises:
            NoSchema: the schema of the record cannot be had now.
        """
        tapped = self._tap(record)
        self.counts.add(tapped)
        self.window.add(record)
        if not self._filter.takes(tapped):
            return ""
        self._chosen += 1
        if (self._chosen - 1) % self._sample:
            return ""
        self.shown += 1
        return as_line(self._json(tapped)) if self._as_json else self._text(tapped)

    def ended(self) -> str:
        """The table, or a last object with the one member ``summary``."""
        table = Table(self.counts, self._types, self.window.between(), self._limits)
        return as_line({"summary": table.json()}) if self._as_json else table.text(self._style)


def as_line(found: Json) -> str:
    """JSON in a line. Of numbers and other values that JSON does not have it holds the text."""
    return json.dumps(found, ensure_ascii=False, default=str) + "\n"
