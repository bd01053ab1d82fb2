"""Reads the records of the topics, each once, and notes how far it has come."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

from connector.config import Loaded
from connector.core.formats.decoded import Schemas
from connector.core.mapping.transform import Router
from connector.core.records import (
    Fate,
    Filtered,
    Pending,
    Record,
    Rejection,
    Skipped,
    TopicPartition,
    Transform,
    Transformed,
)
from connector.exporting.columns import Columns
from connector.exporting.datasets import Dataset
from connector.exporting.folder import sync
from connector.exporting.noted import Noted, write_note
from connector.exporting.rows import Rows
from connector.exporting.spill import Appended
from connector.schema_wait import SchemaWait

HELD = 16 * 1024 * 1024  # bytes of entries whose rows are held in memory
BATCH = 500  # records that are taken at once
EVERY = 2.0  # seconds between two notes, at least
SHARE = 20  # a note may take one part in so many of the time
WORTH_ASKING = 100  # offsets: transactions and compaction leave gaps of a few at every moment


class Fates:
    """What became of records: counted by names of the file and by reasons, never by values."""

    def __init__(self) -> None:
        self.mapped = 0
        self.filtered = 0
        self.skipped: Counter[tuple[str, str]] = Counter()  # reason, rule
        self.rejected: Counter[tuple[str, str, str]] = Counter()  # reason, rule, member

    def add(self, fate: Fate) -> None:
        """One record."""
        if type(fate) is Transformed:  # nearly every record
            self.mapped += 1
            if fate.rejection is not None:
                self._reject(fate.rejection)
            return
        match fate:
            case Skipped(reason, rule):
                self.skipped[reason, rule or ""] += 1
            case Filtered():
                self.filtered += 1
            case Rejection():
                self._reject(fate)
            case Transformed():
                pass  # see above

    def _reject(self, rejection: Rejection) -> None:
        self.rejected[str(rejection.reason), rejection.rule or "", rejection.field or ""] += 1

    def state(self) -> dict[str, Any]:
        """What is noted, as JSON."""
        return {
            "mapped": self.mapped,
            "filtered": self.filtered,
            "skipped": [[*names, count] for names, count in self.skipped.items()],
            "rejected": [[*names, count] for names, count in self.rejected.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """As it was noted."""
        self.mapped, self.filtered = state["mapped"], state["filtered"]
        self.skipped = Counter({(reason, rule): count for reason, rule, count in state["skipped"]})
        self.rejected = Counter({(reason, rule, member): count for reason, rule, member, count in state["rejected"]})


def router_of(loaded: Loaded, schemas: Schemas | None) -> Router:
    """The pipelines of the file, for records of any age: ``max_age`` keeps history out of calls, not out of a file."""
    config = loaded.config
    pipelines = [each.model_copy(update={"max_age": None}) for each in config.pipelines]
    whole = changed(loaded, config=config.model_copy(update={"pipelines": pipelines}))
    return Router(whole.pipelines(schemas), config.dead_letter.topic)


def own_ids(loaded: Loaded, dataset: Dataset) -> frozenset[tuple[str, str]]:
    """The rules, by pipeline and name, whose events have ids that other records may have, too."""
    return frozenset(
        (pipeline.name, rule.name)
        for pipeline in loaded.config.pipelines
        for rule in pipeline.rules
        if getattr(getattr(rule, dataset.operation.action, None), "eventId", None) is not None
    )


class Reading:
    """Reads what a note has left, into the files of its folder.

    Args:
        work: the folder.
        noted: where to go on.
        dataset: whose rows are made.
        transform: the mapping.
        own: the rules that give ids of their own.
        wait: waits for the schemas of a record.
    """

    def __init__(
        self,
        work: Path,
        noted: Noted,
        dataset: Dataset,
        transform: Transform,
        own: frozenset[tuple[str, str]],
        wait: SchemaWait,
    ) -> None:
        self.noted = noted
        self.columns = Columns(dataset)
        self.files = Appended(work, noted.sizes)
        self.rows = Rows(dataset, self.columns, self.files, noted.same.target)
        self.fates = Fates()
        self._work = work
        self._transform = transform
        self._own = own
        self._wait = wait
        self._gaps: dict[tuple[str, int], list[tuple[int, int]]] = {}
        self._next: dict[tuple[str, int], int] = {place: each.next for place, each in noted.partitions.items()}
        self._note_at = time.monotonic() + EVERY
        self.files.cut()
        if noted.rows:
            self.columns.restore(noted.columns)
            self.rows.restore(noted.rows)
            self.fates.restore(noted.fates)

    def all(
        self,
        records: Iterable[Record | None],
        first: Callable[[], Mapping[TopicPartition, int]],
        show: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Take records until there are no more.

        Args:
            records: those that are left; None now and then while none comes.
            first: of each partition the oldest offset that is left, asked where offsets were passed over.
            show: is given how many were read.

        Raises:
            NoSchema: the schema of a record cannot be had now.
        """
        batch: list[Record] = []
        for record in records:
            if record is not None:
                batch.append(record)
            if record is None or len(batch) == BATCH:
                self._take(batch)
                batch.clear()
                self._look(first)
                show(self.noted.read)
        self._take(batch)
        self.note(first)

    def _take(self, batch: Sequence[Record]) -> None:
        """One step after the other for all of a batch: a third faster than all steps for one record after the other."""
        records = [record for record in batch if self._is_next(record)]
        transform, now = self._transform, time.time()
        fates = [transform(record, now) for record in records]
        add, own = self.rows.add, self._own
        for record, found in zip(records, fates, strict=True):
            fate = self._waited(record) if isinstance(found, Pending) else found
            if type(fate) is Transformed:
                own_id = (fate.pipeline, fate.rule) in own
                for entry in fate.entries:
                    add(entry, own_id=own_id)
            self.fates.add(fate)
        self.noted.read += len(records)

    def _waited(self, record: Record) -> Fate:
        return self._wait(lambda: self._transform(record, time.time()))

    def _is_next(self, record: Record) -> bool:
        """Whether the record is new, and no second copy: the client may deliver one."""
        place = record[0], record[1]  # as good a key as a TopicPartition, and five times as quick to make
        expected, offset = self._next[place], record.offset
        if offset != expected:
            if offset < expected:
                return False
            if offset - expected >= WORTH_ASKING:
                self._gaps.setdefault(place, []).append((expected, offset))
        self._next[place] = offset + 1
        return True

    def _look(self, first: Callable[[], Mapping[TopicPartition, int]]) -> None:
        if time.monotonic() >= self._note_at:
            self.note(first)
        elif self.rows.held > HELD:
            self.rows.flush()

    def note(self, first: Callable[[], Mapping[TopicPartition, int]]) -> None:
        """Make safe what was written, and note it."""
        began = time.monotonic()
        self._count_missed(first)
        self.rows.flush()
        sync(self.files.touched())
        noted = self.noted
        for place, offset in self._next.items():
            noted.partitions[TopicPartition(*place)].next = offset
        noted.sizes, noted.rows, noted.columns = dict(self.files.sizes), self.rows.state(), self.columns.state()
        noted.fates = self.fates.state()
        write_note(self._work, noted)
        now = time.monotonic()
        self._note_at = now + max(EVERY, SHARE * (now - began))

    def _count_missed(self, first: Callable[[], Mapping[TopicPartition, int]]) -> None:
        """Records that retention deleted while others were read: offsets that were passed over and are gone."""
        gaps, self._gaps = self._gaps, {}
        if gaps:
            begins = first()
            self.noted.missed += sum(
                max(0, min(begins.get(TopicPartition(*place), 0), came) - expected)
                for place, each in gaps.items()
                for expected, came in each
            )
