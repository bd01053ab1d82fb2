"""The source of a replay: the dead-letter topic, from what was not replayed yet to where it ended at the start.

Letters that the replay itself writes lie after that end, and are not read. The members of the group share the
partitions, so that two replays at once never have the same letter.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.records import Record, TopicPartition
from connector.dlq.guarding import Guard
from connector.dlq.letters import Letter
from connector.dlq.marks import Marks
from connector.dlq.reading import Topic, Wanted
from connector.kafka.commits import committed_of
from connector.kafka.reading import Bounds
from connector.kafka.source import KafkaSource, Listener
from connector.ports import NO_NOTES, Notes, Offsets, Polled, Reach, Unavailable

BURST = 0.1  # seconds of the rate that may come at once
_NOTHING = Bounds(0, 0, 0)


class Pace:
    """Letters a second. What comes at once is taken from what may come later.

    Args:
        rate: letters a second.
        clock: seconds that never go back.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._free_at = clock()

    @property
    def wait(self) -> float:
        """Seconds until the next letter may come."""
        return max(0.0, self._free_at - self._clock())

    @property
    def burst(self) -> int:
        """How many letters may come at once."""
        return max(1, int(self._rate * BURST))

    def took(self, letters: int) -> None:
        """So many have come."""
        self._free_at = max(self._free_at, self._clock()) + letters / self._rate


class Owned(NamedTuple):
    """A partition of this member: what was replayed of it before, and what is to be."""

    marks: Marks
    bounds: Bounds


class ReplaySource:
    """The letters that are wanted, for the loop; ``ports.Source``.

    Args:
        source: the member of the group.
        topic: the dead-letter topic as it was at the start.
        wanted: which letters.
        pace: how fast.
        guard: which letters are left, so that they are not noted as done.
    """

    def __init__(
        self, source: KafkaSource, topic: Topic, wanted: Wanted, pace: Pace, guard: Guard | None = None
    ) -> None:
        self.owned: dict[TopicPartition, Owned] = {}
        self.seen = 0
        self._uncommitted: dict[TopicPartition, str] = {}  # why the last commit of these failed
        self._source = source
        self._topic = topic
        self._wanted = wanted
        self._pace = pace
        self._guard = guard or Guard()
        self._listener: Listener | None = None
        self._ends: dict[TopicPartition, int] = {}  # to be reported with the next poll
        self._acknowledged: dict[TopicPartition, int] = {}

    # -- the group --------------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> None:
        """Join the group."""
        self._listener = listener
        self._source.subscribe(self)

    def on_assign(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Read what was replayed of these, and begin after it."""
        consumer = self._source.consumer
        try:
            found = committed_of(consumer, topic_partitions)
        except KafkaException as error:
            # Without it, what was replayed would be replayed again.
            why = error.args[0].str()
            raise Unavailable(f"cannot read what was replayed already ({why}): try again") from None
        starts = []
        for answer in found:
            place = TopicPartition(answer.topic, answer.partition)
            bounds = self._topic.bounds.get(place, _NOTHING)
            marks = self._marks(place, answer.offset, answer.metadata, bounds)
            self.owned[place] = Owned(marks, bounds)
            start = bounds.begin if self._wanted.again else max(bounds.begin, marks.base)
            starts.append(ClientTopicPartition(*place, min(start, bounds.end)))
            if start >= bounds.end:
                self._ends[place] = bounds.end
        consumer.incremental_assign(starts)
        if self._listener is not None:
            self._listener.on_assign(topic_partitions)

    def _marks(self, place: TopicPartition, offset: int, note: str | None, bounds: Bounds) -> Marks:
        """What was replayed by now; a commit of the topic before it was created again says nothing."""
        known = offset >= 0 and offset != self._topic.void.get(place)
        marks = Marks.of_note(offset, note) if known else Marks()
        return marks._replace(base=max(marks.base, bounds.first))

    def on_revoke(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Another member of the group takes over."""
        if self._listener is not None:
            self._listener.on_revoke(topic_partitions)
        self._forget(topic_partitions)

    def on_lost(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Another member has taken over."""
        if self._listener is not None:
            self._listener.on_lost(topic_partitions)
        self._forget(topic_partitions)

    def _forget(self, topic_partitions: Collection[TopicPartition]) -> None:
        for place in topic_partitions:
            self.owned.pop(place, None)
            self._ends.pop(place, None)
            self._uncommitted.pop(place, None)  # whoever has it now reads it again, and commits

    # -- letters ----------------------------------------------------------------------------------------------

    def wants(self, letter: Letter) -> bool:
        """Whether the letter is meant, and was not replayed before."""
        owned = self.owned.get(TopicPartition(self._topic.name, letter.place.partition))
        if owned is None or not self._wanted.selection.takes(letter):
            return False
        within = owned.bounds.begin <= letter.place.offset < owned.bounds.end
        return within and (self._wanted.again or not owned.marks.has(letter))

    def poll(self, limit: int, timeout: float) -> Polled:
        """See ``ports.Source``."""
        wait = self._pace.wait
        if wait > 0:
            time.sleep(min(wait, timeout))
            if wait > timeout:
                return self._polled((), {})
        polled = self._source.poll(min(limit, self._pace.burst), timeout)
        return self._polled(polled.records, polled.ends)

    def _polled(self, records: Iterable[Record], ends: Mapping[TopicPartition, int]) -> Polled:
        kept: list[Record] = []
        reached, self._ends = self._ends, {}
        for record in records:
            place = record.topic_partition
            end = self.owned[place].bounds.end if place in self.owned else 0
            if record.offset < end:
                kept.append(record)
            if record.offset >= end - 1:
                reached[place] = end
        for place, offset in ends.items():
            end = self.owned[place].bounds.end if place in self.owned else 0
            if offset >= end:
                reached[place] = end
        if reached:
            self._source.pause([place for place in reached if place in self.owned])
        self.seen += len(kept)
        return Polled(kept, reached)

    def took(self) -> None:
        """One letter is replayed now."""
        self._pace.took(1)

    def finished(self, committable: Mapping[TopicPartition, int | None]) -> bool:
        """Whether all letters of this member's partitions are done with."""
        return bool(self.owned) and all(
            (done := committable.get(place)) is not None and done >= each.bounds.end
            for place, each in self.owned.items()
        )

    def pause(self, topic_partitions: Collection[TopicPartition]) -> None:
        """See ``ports.Source``."""
        self._source.pause(topic_partitions)

    def resume(self, topic_partitions: Collection[TopicPartition]) -> None:
        """See ``ports.Source``."""
        self._source.resume(topic_partitions)

    # -- commits ----------------------------------------------------------------------------------------------

    def commit(self, offsets: Mapping[TopicPartition, int], notes: Notes = NO_NOTES) -> bool:
        """See ``ports.Source``. It waits for the answer: a replay has the time, and its notes must not overtake."""
        self._acknowledged.update(self.commit_now(offsets, notes))
        return True

    def committed(self) -> Mapping[TopicPartition, int]:
        """See ``ports.Source``."""
        acknowledged, self._acknowledged = self._acknowledged, {}
        return acknowledged

    def commit_now(self, offsets: Offsets, notes: Notes = NO_NOTES) -> Offsets:
        """See ``ports.Source``. What is committed is where everything is done, with a note of what is done after it.

        The notes are a replay's own: no pipeline is held in one.
        """
        del notes
        news = {}
        for place, offset in offsets.items():
            if place in self.owned:
                marks, bounds = self.owned[place]
                news[place] = self._guard.progress(
                    marks, self._wanted.selection, place.partition, bounds.begin, min(offset, bounds.end)
                )
        wanted = [
            ClientTopicPartition(*place, marks.base, metadata=marks.note())
            for place, marks in news.items()
            if marks != self.owned[place].marks
        ]
        if not wanted or self._committed(wanted):
            return {place: offset for place, offset in offsets.items() if place in self.owned}
        return {}

    def _committed(self, wanted: list[ClientTopicPartition]) -> bool:
        places = [TopicPartition(each.topic, each.partition) for each in wanted]
        try:
            answers = self._source.consumer.commit(offsets=wanted, asynchronous=False) or []
        except KafkaException as error:
            self._uncommitted.update(dict.fromkeys(places, error.args[0].str()))
            return False
        for place in places:
            self._uncommitted.pop(place, None)
        failed = {TopicPartition(each.topic, each.partition): each.error.str() for each in answers if each.error}
        self._uncommitted.update(failed)
        return not failed

    @property
    def commit_trouble(self) -> str:
        """Why something that was replayed is not noted as done; "" where all of it is, or is another member's."""
        return next(iter(self._uncommitted.values()), "")

    # -- what else the client knows ---------------------------------------------------------------------------

    def end_offsets(self, topic_partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See ``ports.Source``."""
        return {place: self.owned[place].bounds.end for place in topic_partitions if place in self.owned}

    def reach(self) -> Reach:
        """See ``ports.Source``."""
        return self._source.reach()
