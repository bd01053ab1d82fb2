"""What a replay says of its commits: only those of partitions that are still its own count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.records import TopicPartition
from connector.dlq.reading import Topic, Wanted
from connector.dlq.source import Pace, ReplaySource
from connector.kafka.reading import Bounds

if TYPE_CHECKING:
    from connector.kafka.source import KafkaSource

REBALANCING = KafkaError(KafkaError.REBALANCE_IN_PROGRESS)
FIRST, SECOND = TopicPartition("dead", 0), TopicPartition("dead", 1)


class Member:
    """A member of the group and its client; ``refused``: the partitions whose commits the group refuses now."""

    def __init__(self) -> None:
        self.consumer = self
        self.refused: set[int] = set()
        self.whole = True  # whether the whole request fails where one of its partitions is refused

    def committed(self, places: list[ClientTopicPartition], **_: float) -> list[ClientTopicPartition]:
        return [ClientTopicPartition(place.topic, place.partition, -1001) for place in places]

    def incremental_assign(self, places: list[ClientTopicPartition]) -> None:
        pass

    def commit(self, offsets: list[ClientTopicPartition], **_: bool) -> list[Any]:
        refused = [each for each in offsets if each.partition in self.refused]
        if refused and self.whole:
            raise KafkaException(REBALANCING)
        return [_Answer(each, REBALANCING if each in refused else None) for each in offsets]


class _Answer:
    def __init__(self, place: ClientTopicPartition, error: KafkaError | None) -> None:
        self.topic, self.partition, self.error = place.topic, place.partition, error


@pytest.fixture
def member() -> Member:
    return Member()


@pytest.fixture
def source(member: Member) -> ReplaySource:
    bounds = dict.fromkeys((FIRST, SECOND), Bounds(0, 10, 0))
    topic = Topic("dead", bounds, {}, {})
    replaying = ReplaySource(cast("KafkaSource", member), topic, Wanted(), Pace(100.0, lambda: 0.0))
    replaying.on_assign([FIRST, SECOND])
    return replaying


@pytest.mark.parametrize("whole", [True, False])
def test_a_commit_that_fails_is_trouble_until_it_succeeds(source: ReplaySource, member: Member, whole: bool) -> None:  # noqa: FBT001
    member.refused, member.whole = {1}, whole
    assert source.commit_now({FIRST: 5, SECOND: 5}) == {}
    assert source.commit_trouble == REBALANCING.str()
    assert source.commit_now({FIRST: 6}) == {FIRST: 6}
    assert source.commit_trouble  # of the second one nothing is noted yet
    member.refused = set()
    assert source.commit_now({SECOND: 5}) == {SECOND: 5}
    assert source.commit_trouble == ""


def test_a_commit_that_failed_of_a_partition_that_another_member_has_is_no_trouble(
    source: ReplaySource, member: Member
) -> None:
    """It is common: partitions are shared anew when a second replay joins, and a commit just then is refused."""
    member.refused = {1}
    assert source.commit_now({SECOND: 5}) == {}
    source.on_revoke([SECOND])
    assert source.commit_trouble == ""
    assert source.commit_now({FIRST: 10}) == {FIRST: 10}
