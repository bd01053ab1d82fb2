"""Exports of records that are given, without Kafka: what the tests of this folder share."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector.core.records import Record, TopicPartition
from connector.exporting.datasets import INTERACTIONS, Dataset
from connector.exporting.finishing import Finishing
from connector.exporting.noted import Noted, Partition, Same, read_note
from connector.exporting.parts import Parts
from connector.exporting.reading import Reading, own_ids, router_of
from connector.exporting.schema import schema_of
from connector.schema_wait import SchemaWait
from tests.support.config_files import build, loaded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.exporting.columns import Seen

TIME = 1_764_000_000
RULE = (
    "{name: view, put_events: {sessionId: value.session, userId: value.user, eventType: value.type, "
    "itemId: value.item, sentAt: value.time, eventValue: value.price, impression: value.seen, "
    "recommendationId: value.rec, eventAttributionSource: value.source, properties: value.more}}"
)
WITH_ID = RULE.replace("sessionId:", "eventId: value.id, sessionId:")


def event(session: str = "s", user: str | None = "u", item: str | None = "i", **more: Any) -> dict[str, Any]:
    return {"session": session, "user": user, "item": item, "type": "View", "time": TIME, **more}


class Exported:
    """A dataset made of the values of records, all of one partition."""

    def __init__(
        self,
        folder: Path,
        rule: str = RULE,
        dataset: Dataset = INTERACTIONS,
        settings: str = "",
        target: str = "tracker-1",
    ) -> None:
        pipelines = f"pipelines: [{{name: web, topics: [clicks], {settings} rules: [{rule}]}}]"
        self.loaded = loaded(build(pipelines=pipelines))
        self.folder = folder
        self.dataset = dataset
        self.target = target
        self.work = folder / "work"
        self.work.mkdir()
        self.reading = self.begun()

    def begun(self) -> Reading:
        """A reading as the last note has it."""
        place = TopicPartition("clicks", 0)
        same = Same(self.dataset.name, self.loaded.hash, "cluster", "start", self.target)
        noted = read_note(self.work) or Noted(same, {place: Partition(0, 1_000_000, 0)})
        own = own_ids(self.loaded, self.dataset)
        return Reading(self.work, noted, self.dataset, router_of(self.loaded, None), own, SchemaWait(None))

    def read(self, values: Iterable[dict[str, Any] | bytes], first: int = 0) -> Exported:
        self.reading.all(records(values, first), dict)
        return self

    def finish(self, most: int = 10**9) -> list[list[str]]:
        """The rows of all files, the header left out."""
        rows, columns = self.reading.rows, self.reading.columns
        self.left_out = Counter(rows.left_out)
        self.parts = Parts(self.folder, self.dataset.name, columns.names, most)
        finishing = Finishing(self.work, self.parts, columns.width, rows.widths, self.left_out)
        (finishing.events if self.dataset.adds_up else finishing.newest)()
        self.paths = self.parts.close()
        self.header = columns.names
        found = [self._rows(path) for path in self.paths]
        assert all(each[0] == self.header for each in found)
        return [row for each in found for row in each[1:]]

    @staticmethod
    def _rows(path: Path) -> list[list[str]]:
        with path.open(encoding="utf-8", newline="") as lines:
            return list(csv.reader(lines, strict=True))

    def dicts(self) -> list[dict[str, str]]:
        return [dict(zip(self.header, row, strict=True)) for row in self.finish()]

    @property
    def seen(self) -> dict[str, Seen]:
        return {each.name: each for each in self.reading.columns.seen(self.reading.rows.taken)}

    @property
    def schema(self) -> dict[str, Any]:
        return schema_of(self.dataset, list(self.seen.values()))


def records(values: Iterable[dict[str, Any] | bytes], first: int = 0) -> list[Record]:
    return [
        Record(
            "clicks",
            0,
            offset,
            TIME * 1000 + offset,
            None,
            each if isinstance(each, bytes) else json.dumps(each).encode(),
        )
        for offset, each in enumerate(values, first)
    ]
