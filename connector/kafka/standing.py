"""Where a group stands in its topics, asked without joining it: offsets, the next record to read, members."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from connector.core.records import TopicPartition
from connector.core.sending.lag import Look, Reset
from connector.kafka.messages import for_client
from connector.kafka.reading import ANSWERED_WITHIN, Bounds, TopicReader

# Any other state, also one that this client's version does not know, is of a group with members.
_WITHOUT_MEMBERS = frozenset({ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD})


class Members(NamedTuple):
    """Whether anybody is in a group.

    ``known``: whether the cluster has the group at all, None where that cannot be asked, as ``why`` says.
    """

    known: bool | None
    any: bool
    why: str = ""


class Standing(NamedTuple):
    """A look at all partitions; ``oldest`` is the time of the next record to read, in ms, None where it has none.

    ``notes``: what was committed beside the offsets of those where something is left to read.
    """

    looks: Mapping[TopicPartition, Look]
    oldest: Mapping[TopicPartition, int | None]
    notes: Mapping[TopicPartition, str] = {}


class GroupStanding:
    """Looks at one group.

    Args:
        reader: of the topics, which names the group.
        topics: names of topics that exist.
        reset: where a partition without a usable offset is read.
        clock: Unix seconds.
    """

    def __init__(
        self, reader: TopicReader, topics: list[str], reset: Reset, clock: Callable[[], float] = time.time
    ) -> None:
        self._reader = reader
        self._topics = topics
        self._reset = reset
        self._clock = clock
        self._places: frozenset[TopicPartition] = frozenset()

    def look(self, stopping: Callable[[], bool] = lambda: False) -> Standing:
        """Look once: offsets of the group, then of the partitions, then the next record of each.

        Raises:
            Unavailable: a broker does not answer.
            Refused: this principal may not describe the group, or not read the topics.
        """
        # The ends come last, so that no offset of the group lies beyond them.
        commits = self._reader.commits(self._places or self._reader.ends(self._topics).keys())
        committed = {place: offset for place, (offset, _) in commits.items()}
        ends = self._reader.ends(self._topics)
        self._places = frozenset(ends)
        at = self._clock()
        looks = {place: Look(at, committed.get(place), *found) for place, found in ends.items()}
        bounds = {place: bound for place, look in looks.items() if (bound := self._unread(look)) is not None}
        oldest = self._first_records(bounds, stopping)
        empty = bounds.keys() - oldest.keys() if not stopping() else frozenset()
        notes = {place: note for place, (_, note) in commits.items() if place in oldest}
        return Standing({place: look._replace(empty=place in empty) for place, look in looks.items()}, oldest, notes)

    def _unread(self, look: Look) -> Bounds | None:
        position = look.position(self._reset)
        begin = look.begin if position is None else position
        return Bounds(begin, look.end, look.begin) if begin < look.end else None

    def _first_records(
        self, bounds: Mapping[TopicPartition, Bounds], stopping: Callable[[], bool]
    ) -> dict[TopicPartition, int | None]:
        """The times of the first records within the bounds; a partition that has none is left out."""
        found: dict[TopicPartition, int | None] = {}
        records = self._reader.records(bounds, stopping=lambda: len(found) == len(bounds) or stopping())
        for record in records:
            if record is not None and record.topic_partition not in found:
                found[record.topic_partition] = record.timestamp
                # One record of each is enough; without this a long partition is read until the slowest has answered.
                self._reader.consumer.pause(for_client([record.topic_partition]))
        return found


def members_of(group: str, properties: Mapping[str, Any], admin: Callable[[dict[str, Any]], AdminClient]) -> Members:
    """Whether anybody is in the group, as the cluster lists it. Works for groups of KIP-848 as well."""
    client = admin(dict(properties))
    try:
        listed = client.list_consumer_groups(request_timeout=ANSWERED_WITHIN).result(ANSWERED_WITHIN * 2)
    except KafkaException as error:
        return Members(None, any=True, why=error.args[0].name())
    except TimeoutError:
        return Members(None, any=True, why="no answer")
    if listed.errors and not any(each.group_id == group for each in listed.valid):
        return Members(None, any=True, why=listed.errors[0].name())
    states = [each.state for each in listed.valid if each.group_id == group]
    return Members(bool(states), any=any(state not in _WITHOUT_MEMBERS for state in states))
