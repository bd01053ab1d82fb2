"""Commits the offsets of a cut-over for the group, unless something speaks against it.

Everything is looked at first and said at once; nothing is committed unless all of it is right. The broker itself
refuses the commit of a stranger while the group has members, so that a member which joins between is safe, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException

from connector.core.records import TopicPartition
from connector.exporting.cutover import Cutover
from connector.kafka.messages import with_offsets
from connector.kafka.reading import TopicReader
from connector.ports import Unavailable


class Move(NamedTuple):
    """One partition: what the group has committed there now (None: nothing), and what it is to have."""

    before: int | None
    after: int


@dataclass(frozen=True)
class Plan:
    """What a cut-over does.

    ``wrong`` cannot be forced, ``doubts`` can. ``beside`` are partitions of the topics that the cut-over does not
    have: they appeared after the export.
    """

    moves: Mapping[TopicPartition, Move]
    wrong: tuple[str, ...]
    doubts: tuple[str, ...]
    beside: tuple[TopicPartition, ...]

    @property
    def changes(self) -> dict[TopicPartition, int]:
        """The offsets that are to be committed; those that the group has already are left out."""
        return {place: move.after for place, move in self.moves.items() if move.before != move.after}


def plan_of(cutover: Cutover, reader: TopicReader, group: str) -> Plan:
    """What the cut-over would do.

    Raises:
        Unavailable: a broker does not answer.
        Refused: this principal may not describe the group.
    """
    wrong = [*_other_cluster(cutover, reader)]
    known = reader.topics()
    topics = sorted({place.topic for place in cutover.offsets})
    wrong += [
        f"topic {topic} does not exist, or this principal may not describe it" for topic in topics if topic not in known
    ]
    ends = reader.ends([topic for topic in topics if topic in known])
    wrong += [said for place, offset in cutover.offsets.items() if (said := _outside(place, offset, ends, known))]
    there = [place for place in cutover.offsets if place in ends]
    committed = reader.committed(there) if there else {}
    moves = {place: Move(committed.get(place), cutover.offsets[place]) for place in there}
    doubts = [*_other_group(cutover, group), *_elsewhere(moves)]
    return Plan(moves, tuple(wrong), tuple(doubts), tuple(sorted(ends.keys() - cutover.offsets.keys())))


def cluster_id(reader: TopicReader) -> str:
    """What the cluster calls itself, "" where it says nothing."""
    cluster: Any = reader.cluster()
    return "" if cluster is None else cluster.cluster_id or ""


def _other_cluster(cutover: Cutover, reader: TopicReader) -> list[str]:
    known = cluster_id(reader)
    if cutover.cluster and known and cutover.cluster != known:
        return [f"the export read another Kafka cluster: expected cluster id {cutover.cluster}, not {known}"]
    return []


def _outside(
    place: TopicPartition, offset: int, ends: Mapping[TopicPartition, tuple[int, int]], known: frozenset[str]
) -> str | None:
    where = f"{place.topic}-{place.partition}"
    if place not in ends:
        return f"partition {where} does not exist" if place.topic in known else None
    first, end = ends[place]
    if offset > end:
        return f"{where} ends at {end}, before the offset {offset}: the topic was created again after the export"
    if offset < first:
        lost = first - offset
        return (
            f"{where} begins at {first}: retention has deleted {lost} offsets that are neither in the export nor "
            "left to read; export again"
        )
    return None


def _other_group(cutover: Cutover, group: str) -> list[str]:
    return [] if cutover.group == group else [f"the export was made for group {cutover.group}, not for {group}"]


def _elsewhere(moves: Mapping[TopicPartition, Move]) -> list[str]:
    moved = [move for move in moves.values() if move.before not in {None, move.after}]
    if not moved:
        return []
    back = sum(move.after < (move.before or 0) for move in moved)
    where = f"{len(moved)} of {len(moves)} partitions"
    return [f"the group has other offsets in {where}: {back} would go back, {len(moved) - back} would skip records"]


def commit(reader: TopicReader, offsets: Mapping[TopicPartition, int]) -> None:
    """Commit them for the group that the reader names.

    Raises:
        Unavailable: the group has a member by now, or its coordinator does not take the commit.
    """
    if not offsets:
        return
    try:
        answers = reader.consumer.commit(offsets=with_offsets(offsets), asynchronous=False) or []
        errors = [each.error for each in answers if each.error is not None]
    except KafkaException as error:
        errors = [error.args[0]]
    if errors:
        raise Unavailable(_refusal(errors[0]))


def _refusal(error: KafkaError) -> str:
    if error.code() in {KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS}:
        return "a member has joined the group meanwhile: stop every connector of the group, then try again"
    return f"the group's coordinator did not take the offsets ({error.str()}): try again"
