"""Records that wait for a schema, and the partitions that wait behind them; or for the note of a partition.

Only a schema explains such a record, and it is being fetched in another thread. The record and everything that was
read after it of its partition are kept here unopened, so no commit can pass them and their order stays. The partition
is paused; the others go on. At each answer of the registry all of them are tried again, since which schema a record
needs shows only when it is decoded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from connector.core.records import Record, TopicPartition
from connector.core.sending.backpressure import Bounds, Load
from connector.core.sending.outcomes import Fatal
from connector.ports import Polled, SchemaFetcher, SchemaReach

MOST_AHEAD = 32  # awaited schemas, beyond which none is asked for ahead: another partition's would stand in a long line
LOOK_AHEAD = 0.01  # seconds that a partition that begins to wait may look for what else it needs


class Kept:
    """What is kept of one partition: its records from the one that waits on, and its end where that was reached.

    ``schema`` names for people what the first of them needs; ``size`` is in bytes.
    """

    __slots__ = ("end", "records", "schema", "size")

    def __init__(self, schema: str, records: Sequence[Record], end: int | None) -> None:
        self.schema = schema
        self.records: list[Record] = []
        self.size = 0
        self.end = end
        for record in records:
            self.add(record)

    @property
    def first(self) -> Record:
        """The record that waits."""
        return self.records[0]

    def add(self, record: Record) -> None:
        """One more, after those that are here."""
        self.records.append(record)
        self.size += record.size


class Waiting:
    """The partitions that wait for a schema.

    Args:
        fetcher: what fetches schemas; None where no pipeline needs any, and nothing ever waits.
    """

    def __init__(self, fetcher: SchemaFetcher | None) -> None:
        self._fetcher = fetcher
        self._refused: Fatal | None = None
        self._answers = 0
        self._kept: dict[TopicPartition, Kept] = {}
        self._ready: dict[TopicPartition, None] = {}  # to be tried again, in this order

    def __len__(self) -> int:
        """How many partitions wait."""
        return len(self._kept)

    def __iter__(self) -> Iterator[tuple[TopicPartition, Kept]]:
        return iter(self._kept.items())

    @property
    def expected(self) -> bool:
        """Whether any pipeline needs schemas at all."""
        return self._fetcher is not None

    @property
    def refused(self) -> Fatal | None:
        """Why the registry will not serve this client; None while it does."""
        return self._refused

    @property
    def places(self) -> AbstractSet[TopicPartition]:
        """The partitions that wait."""
        return self._kept.keys()

    @property
    def schemas(self) -> tuple[str, ...]:
        """What is waited for, each once."""
        return tuple(dict.fromkeys(kept.schema for kept in self._kept.values()))

    @property
    def ready(self) -> bool:
        """Whether some may go on, as far as is known."""
        return bool(self._ready)

    def of(self, topic_partition: TopicPartition) -> Kept | None:
        """What is kept of a partition, None where it does not wait."""
        return self._kept.get(topic_partition)

    def reach(self) -> SchemaReach:
        """Whether the registry answers."""
        return SchemaReach() if self._fetcher is None else self._fetcher.reach()

    def look(self) -> None:
        """See whether the registry has answered; before records are decoded, so that no answer goes unseen."""
        if self._fetcher is None:
            return
        self._refused = self._refused or self._fetcher.refused()
        answers = self._fetcher.answers()
        if answers != self._answers:
            self._answers = answers
            self._ready.update(dict.fromkeys(self._kept))

    def go_on(self, places: Iterable[TopicPartition]) -> None:
        """These need not wait any more."""
        self._ready.update(dict.fromkeys(place for place in places if place in self._kept))

    def park(self, schema: str, records: Sequence[Record], end: int | None) -> None:
        """Keep records of one partition, the first of which needs this schema."""
        self._kept[records[0].topic_partition] = Kept(schema, records, end)

    def ahead(self, records: Iterable[Record], clock: Callable[[], float]) -> Iterator[Record]:
        """Those of the records behind one that waits that are to be opened now, so that their schemas are asked for.

        Otherwise a topic of records whose schemas do not exist would take seconds for each of them.
        """
        until = clock() + LOOK_AHEAD
        for record in records:
            if clock() > until or len(self.reach().awaited) >= MOST_AHEAD:
                return
            yield record

    def keep(self, polled: Polled) -> Polled:
        """Keep what was polled of partitions that wait, behind what is here; returns the rest.

        They are paused, so there should be none. But one record that overtakes another would let a commit pass it.
        """
        rest: list[Record] = []
        for record in polled.records:
            kept = self._kept.get(record.topic_partition)
            if kept is None:
                rest.append(record)
            else:
                kept.add(record)
        for place in polled.ends.keys() & self._kept.keys():
            self._kept[place].end = polled.ends[place]
        return Polled(rest, {place: end for place, end in polled.ends.items() if place not in self._kept})

    def take(self) -> tuple[Sequence[Record], Mapping[TopicPartition, int]] | None:
        """Records and end of the next partition that may go on, which waits no more; None where there is none."""
        if not self._ready:
            return None
        place = next(iter(self._ready))
        del self._ready[place]
        kept = self._kept.pop(place)
        return kept.records, {} if kept.end is None else {place: kept.end}

    def let_go(self, gone: AbstractSet[TopicPartition]) -> None:
        """Forget what is kept of these: whoever owns them next reads it."""
        for place in gone & self._kept.keys():
            del self._kept[place]
            self._ready.pop(place, None)

    def weigh(self, loads: Sequence[Load], bounds: Bounds) -> Sequence[Load]:
        """The loads, with what is kept counted in where that alone would fill the buffer.

        Until then it has memory of its own, as much as the buffer, so that the other partitions go on at full speed.
        What may go on is left out: it comes next, and if it kept the buffer full, nothing would ever be read again.
        """
        if not self._kept:
            return loads
        waiting = [kept for place, kept in self._kept.items() if place not in self._ready]
        records, size = sum(len(kept.records) for kept in waiting), sum(kept.size for kept in waiting)
        if records <= bounds.events and size <= bounds.bytes:
            return loads
        return [self._weighed(load) for load in loads]

    def _weighed(self, load: Load) -> Load:
        kept = self._kept.get(load.topic_partition)
        if kept is None or load.topic_partition in self._ready:
            return load
        return load._replace(events=load.events + len(kept.records), bytes=load.bytes + kept.size)
