"""How many newer events of the same sessions were delivered already: a bounded look through the source topics.

The same is asked of users, items and actions, where it matters more: there a replayed version replaces the newer one. A
replayed event comes after those that were delivered while it lay in the dead letters. How many that are cannot be
known without reading: from the letter's record on to the offset that the connector has committed, in the same
partition. What lies in another partition, or beyond the bound, is not known.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from connector.config import Config
from connector.config.client_properties import base_properties, for_consumer
from connector.core.mapping.transform import Router
from connector.core.operations import BY_ACTION, Operation
from connector.core.records import TopicPartition, Transformed
from connector.dlq.reading import reader_of
from connector.dlq.trying import ANY, Session, session_of
from connector.kafka.clients import ClientFactory
from connector.kafka.reading import Bounds, TopicReader
from connector.ports import Refused, Unavailable
from connector.schema_wait import SchemaWait

Sessions = Mapping[tuple[str, int], Mapping[Session, int]]
Undelivered = Collection[tuple[str, int, int, Session]]


@dataclass
class Newer:
    """Events of the same sessions that were delivered after the letters' records, and what is not known.

    ``versions`` are those of users, items and actions, of so many ``ids``. ``not_looked_at`` is how many records are
    beyond the bound; ``deleted`` that retention took some before the look. ``newest`` has the offset of the newest
    version of each id that was delivered, by source partition. ``known`` are the partitions that were looked through
    up to what is committed, with the offset from which on.
    """

    events: int = 0
    sessions: int = 0
    versions: int = 0
    ids: int = 0
    looked_at: int = 0
    not_looked_at: int = 0
    deleted: bool = False
    trouble: str = ""
    newest: dict[tuple[str, int], dict[Session, int]] = field(default_factory=dict)
    known: dict[tuple[str, int], int] = field(default_factory=dict)

    def knows(self, source: tuple[str, int], offset: int) -> bool:
        """Whether everything was looked at that was delivered after this record."""
        return source in self.known and self.known[source] <= offset + 1

    def add(self, operation: Operation) -> None:
        """One more that is newer."""
        if operation.identity is None:
            self.events += 1
        else:
            self.versions += 1


def newer_events(
    config: Config,
    clients: ClientFactory,
    router: Router,
    wait: SchemaWait,
    sessions: Sessions,
    most: int,
    *,
    undelivered: Undelivered = (),
    stopping: Callable[[], bool],
    show: Callable[[int, int], None],
) -> Newer:
    """Look through the source.

    Args:
        config: the file's.
        clients: makes clients of Kafka.
        router: the current mapping.
        wait: waits for the schemas of a record.
        sessions: by topic and partition, each session with the offset of its first letter's record.
        most: records to look at.
        undelivered: what is a dead letter itself, by topic, partition, offset and session: nothing newer came of it.
        stopping: whether to stop.
        show: is given how many records were looked at, of how many.
    """
    found = Newer()
    properties = {**for_consumer(base_properties(config.kafka)), "group.id": config.kafka.group_id}
    try:
        with reader_of(config, clients, properties) as reader:
            bounds = _bounds(reader, sessions, most, found)
            total, hits = sum(each.end - each.begin for each in bounds.values()), set[Session]()
            for record in reader.records(bounds, stopping=stopping):
                show(found.looked_at, total)
                if record is None:
                    continue
                found.looked_at += 1
                fate = wait(lambda record=record: router(record, time.time()))  # type: ignore[misc]
                wanted = sessions[record.topic, record.partition]
                for entry in fate.entries if isinstance(fate, Transformed) else ():
                    session = session_of(entry)
                    if wanted.get(session, record.offset) >= record.offset:
                        continue
                    if entry.operation.identity is not None:
                        place = (record.topic, record.partition, record.offset)
                        if (*place, session) in undelivered or (*place, ANY) in undelivered:
                            continue
                        found.newest.setdefault((record.topic, record.partition), {})[session] = record.offset
                    found.add(entry.operation)
                    hits.add(session)
            found.ids = sum(BY_ACTION[action].identity is not None for action, _, _ in hits)
            found.sessions = len(hits) - found.ids
    except (Unavailable, Refused) as error:
        found.trouble = str(error)
        found.known.clear()
    return found


def _bounds(reader: TopicReader, sessions: Sessions, most: int, found: Newer) -> dict[TopicPartition, Bounds]:
    """From the first letter's record to what is committed; no more than the bound, shared by the partitions."""
    places = [TopicPartition(*place) for place, known in sessions.items() if known]
    there = reader.topics()
    ends = reader.ends(sorted({place.topic for place in places if place.topic in there}))
    committed = reader.committed([place for place in places if place in ends])
    bounds: dict[TopicPartition, Bounds] = {}
    for place in places:
        if place not in ends or place not in committed:
            found.deleted = True
            continue
        (first, _), begin = ends[place], min(sessions[place].values()) + 1
        found.deleted = found.deleted or begin < first
        begin = max(begin, first)
        end = max(begin, committed[place])
        room = most // len(places)
        found.not_looked_at += max(0, end - begin - room)
        bounds[place] = Bounds(begin, min(end, begin + room), first)
        if end - begin <= room:
            found.known[place] = first
    return bounds
