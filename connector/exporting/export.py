"""One export, from the first record to the last file; it goes on where an earlier one in the same folder ended."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

from connector.config import Loaded
from connector.core.formats.decoded import Schemas
from connector.core.mapping.topics import Topics
from connector.core.positions import Range, Start
from connector.core.records import Record, TopicPartition
from connector.exporting.columns import Seen
from connector.exporting.committing import cluster_id
from connector.exporting.cutover import Cutover
from connector.exporting.datasets import Dataset
from connector.exporting.finishing import Finishing
from connector.exporting.folder import CUTOVER, SCHEMA, NotUsable, cleared, remove_results, taken
from connector.exporting.noted import Noted, Partition, Same, read_note, write_note
from connector.exporting.parts import MOST_BYTES, Parts
from connector.exporting.reading import Fates, Reading, own_ids, router_of
from connector.exporting.schema import schema_of
from connector.kafka.reading import TopicReader
from connector.replacing import replace
from connector.schema_wait import SchemaWait

Upload = Callable[[list[Path]], None]  # of the finished files


class Wanted(NamedTuple):
    """What is to be exported.

    ``text`` is ``positions`` as the user wrote them; ``until``: the ends of an earlier export in place of those of now.
    """

    dataset: Dataset
    positions: Range
    text: str
    until: Cutover | None = None
    target: str | None = None
    most_bytes: int = MOST_BYTES


class Tell(NamedTuple):
    """How an export says what it does.

    Notices; news of the brokers; how many of how many records it has read; how many bytes of files it has made.
    """

    say: Callable[[str], None]
    news: Callable[[str], None]
    read: Callable[[int, int], None]
    finish: Callable[[int], None]


@dataclass(frozen=True)
class Done:
    """A finished export. ``left_out`` are rows, ``others`` entries of other datasets, both by reason or action."""

    dataset: Dataset
    folder: Path
    files: list[Path]
    rows: int
    bytes: int
    columns: list[Seen]
    records: int
    missed: int
    fates: Fates
    left_out: Counter[str]
    others: Counter[str]
    types: Counter[str]
    no_columns: Counter[str]
    cutover: Cutover
    from_start: bool


def feeding(loaded: Loaded, dataset: Dataset) -> frozenset[str]:
    """The pipelines of which a rule makes rows of the dataset."""
    action = dataset.operation.action
    return frozenset(
        pipeline.name
        for pipeline in loaded.config.pipelines
        if any(getattr(rule, action, None) is not None for rule in pipeline.rules)
    )


class Export:
    """One export.

    Args:
        loaded: the configuration.
        reader: of the topics.
        wanted: see there.
        folder: where the files are made.
        tell: says how far it has come.
        schemas: the registry of the file, None where it needs none.
        wait: waits for the schemas of a record.
    """

    def __init__(
        self,
        loaded: Loaded,
        reader: TopicReader,
        wanted: Wanted,
        folder: Path,
        tell: Tell,
        schemas: Schemas | None = None,
        wait: SchemaWait | None = None,
    ) -> None:
        self._loaded = loaded
        self._reader = reader
        self._wanted = wanted
        self._folder = folder
        self._tell = tell
        self._router = router_of(loaded, schemas)
        self._wait = wait or SchemaWait(None)

    def __call__(self, stopping: Callable[[], bool], upload: Upload = lambda _: None) -> Done | None:
        """Export; None where a signal stopped it before it was done.

        Raises:
            NotUsable: the folder holds something else, or another export writes to it.
            Unavailable, Refused, NoSchema: as the reader and the registry raise.
        """
        with taken(self._folder) as work:
            noted = self._noted(work)
            dataset = self._wanted.dataset
            own = own_ids(self._loaded, dataset)
            reading = Reading(work, noted, dataset, self._router, own, self._wait)
            if not noted.complete:
                self._read(reading, noted, stopping)
                if stopping():
                    return None
                noted.complete = True
                write_note(work, noted)
            return self._finish(work, reading, upload)

    # -- where to read ----------------------------------------------------------------------------------------

    def _noted(self, work: Path) -> Noted:
        try:
            found = read_note(work)
        except (ValueError, TypeError, KeyError):
            raise NotUsable(f"{self._folder}: its unfinished export cannot be read: remove the folder") from None
        same = self._same()
        if found is None:
            noted = Noted(same, self._partitions())
            write_note(work, noted)
            self._tell.say(_notice(noted, self._reader.servers))
            return noted
        differs = same.differs(found.same)
        if differs is not None:
            raise NotUsable(
                f"{self._folder}: holds an unfinished export {differs}: name another folder, or remove this one"
            )
        self._go_on(found)
        return found

    def _same(self) -> Same:
        wanted = self._wanted
        target = wanted.target or _default_target(self._loaded, wanted.dataset)
        return Same(wanted.dataset.name, self._loaded.hash, cluster_id(self._reader), wanted.text, target)

    def _partitions(self) -> dict[TopicPartition, Partition]:
        config = self._loaded.config
        there = self._reader.wanted(Topics(config.pipelines, config.dead_letter.topic))
        fed = feeding(self._loaded, self._wanted.dataset)
        topics = [topic for topic in there if self._router.owner(topic) in fed]
        begin, end = self._wanted.positions
        bounds = self._reader.bounds(topics, begin or Start(), end)
        found = {place: Partition(each.begin, each.end, each.begin) for place, each in bounds.items()}
        until = self._wanted.until
        if until is None:
            return found
        if until.cluster != cluster_id(self._reader):
            raise NotUsable("expected the cutover.json of an export of the same Kafka cluster for --until")
        return _cut(found, until)

    def _go_on(self, noted: Noted) -> None:
        """Look at what has become of the partitions meanwhile."""
        ends = self._reader.ends({place.topic for place in noted.partitions})
        for place, each in noted.partitions.items():
            first, end = ends.get(place, (0, 0))
            if end < each.end:
                raise NotUsable(
                    f"{self._folder}: {place.topic}-{place.partition} ends before the offset that its unfinished "
                    "export is to reach: the topic was created again; remove the folder and export again"
                )
            if each.next < min(first, each.end):
                noted.missed += min(first, each.end) - each.next
                each.next = min(first, each.end)
        left = sum(each.end - each.next for each in noted.partitions.values())
        self._tell.say(f"goes on with the unfinished export in {self._folder}: {left:,} offsets are left\n")

    # -- reading ----------------------------------------------------------------------------------------------

    def _read(self, reading: Reading, noted: Noted, stopping: Callable[[], bool]) -> None:
        topics = {place.topic for place in noted.partitions}
        total = sum(each.end - each.begin for each in noted.partitions.values())
        reading.all(
            self._noticed(self._reader.records(noted.bounds(), stopping=stopping)),
            lambda: {place: first for place, (first, _) in self._reader.ends(topics).items()},
            lambda count: self._tell.read(count, total),
        )

    def _noticed(self, records: Iterator[Record | None]) -> Iterator[Record | None]:
        """The same; while none comes, it is said whether Kafka answers."""
        for record in records:
            if record is None and (news := self._reader.outages.news()) is not None:
                self._tell.news(news)
            yield record

    # -- files ------------------------------------------------------------------------------------------------

    def _finish(self, work: Path, reading: Reading, upload: Upload) -> Done:
        wanted, rows, columns, noted = self._wanted, reading.rows, reading.columns, reading.noted
        remove_results(self._folder, wanted.dataset.name)
        left_out = Counter(rows.left_out)
        parts = Parts(self._folder, wanted.dataset.name, columns.names, wanted.most_bytes)
        finishing = Finishing(work, parts, columns.width, rows.widths, left_out, self._tell.finish)
        if wanted.dataset.adds_up:
            finishing.events()
        else:
            finishing.newest()
        files = parts.close()
        seen = columns.seen(rows.taken)
        replace(self._folder / SCHEMA, _json(schema_of(wanted.dataset, seen)))
        upload(files)
        cutover = self._cutover(noted)
        replace(self._folder / CUTOVER, _json(cutover.document()))
        cleared(work)
        return Done(
            wanted.dataset,
            self._folder,
            files,
            parts.rows,
            parts.bytes,
            seen,
            noted.read,
            noted.missed,
            reading.fates,
            +left_out,
            rows.others,
            rows.types,
            columns.left_out,
            cutover,
            isinstance(wanted.positions.begin, Start | None),
        )

    def _cutover(self, noted: Noted) -> Cutover:
        offsets = {place: each.end for place, each in noted.partitions.items()}
        return Cutover(
            noted.same.cluster, self._loaded.config.kafka.group_id, self._loaded.hash, noted.same.dataset, offsets
        )


def _json(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def _default_target(loaded: Loaded, dataset: Dataset) -> str | None:
    found = getattr(loaded.config.personalize, dataset.operation.setting, None)
    return None if found is None else str(found)


def _cut(found: dict[TopicPartition, Partition], until: Cutover) -> dict[TopicPartition, Partition]:
    """Up to the ends of an earlier export; of its topics, partitions that it did not know are not read."""
    topics = {place.topic for place in until.offsets}
    return {
        place: Partition(each.begin, end, each.begin)
        for place, each in found.items()
        if place in until.offsets or place.topic not in topics
        for end in [max(each.begin, min(each.end, until.offsets.get(place, each.end)))]
    }


def _notice(noted: Noted, servers: str) -> str:
    topics = len({place.topic for place in noted.partitions})
    partitions = len(noted.partitions)
    offsets = sum(each.end - each.begin for each in noted.partitions.values())
    return (
        f"reads {offsets:,} offset{'' if offsets == 1 else 's'} of {topics} topic{'' if topics == 1 else 's'}, "
        f"{partitions} partition{'' if partitions == 1 else 's'} at {servers}\n"
        "no group is joined and nothing is committed\n"
    )
