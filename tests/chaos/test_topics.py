"""Topics that change under the connector, and topics with holes."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.chaos.streams import good
from tests.support.traffic import PARTITIONS, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.world import World
    from tests.support.traffic import Expected

pytestmark = [pytest.mark.chaos, pytest.mark.integration]


@pytest.mark.timeout(300)
def test_partitions_added_while_running_are_read_from_their_beginning(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.feed(rate=300)
    world.join()
    world.join()
    world.wait_for_progress(300)
    world.kafka.add_partitions(world.topic, PARTITIONS + 3)
    world.watcher.partitions = PARTITIONS + 3
    world.wait(lambda: any(place[0] >= PARTITIONS for place in list(world.placed)), 20, "records in the new ones")
    world.wait_for_progress(600)
    world.finish()
    assert {place[0] for place in world.placed} == set(range(PARTITIONS + 3))


@pytest.mark.timeout(300)
def test_a_compacted_topic_is_delivered_with_its_holes(make_world: Callable[..., World]) -> None:
    compaction = {"cleanup_policy": "compact", "min_cleanable_dirty_ratio": "0.01", "segment_ms": "100"}
    world = make_world(partitions=1, topic={**compaction, "max_compaction_lag_ms": "200"})
    written = world.write(good(number, f"session-{number % 7}", key=f"key-{number % 50}") for number in range(600))
    left = _compacted(world, written)
    assert 0 < sum(offset < written for offset in left) < written
    world.placed = {place: expected for place, expected in world.placed.items() if place[1] in left}
    world.join()
    world.finish()


def _compacted(world: World, written: int) -> set[int]:
    """The offsets that are left once compaction has done what it will; each further record closes a segment."""
    before: set[int] = set()
    for number in itertools.count(written):
        world.write(iter([good(number, "last", key=f"last-{number}")]))
        time.sleep(1)  # the cleaner looks twice a second, and nothing tells when it has
        left = _offsets(world)
        old = {offset for offset in left if offset < written}
        if old == before and len(old) < written:
            return left
        before = old
    raise AssertionError


def _offsets(world: World) -> set[int]:
    consumer = Consumer(
        {"bootstrap.servers": world.kafka.bootstrap_servers, "group.id": "reader", "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(world.topic, 0, 0)])
    found = set()
    while (message := consumer.poll(20)) is not None and message.error() is None:
        found.add(message.offset() or 0)
    consumer.close()
    return found


@pytest.mark.timeout(300)
def test_aborted_transactions_are_not_delivered_and_their_markers_leave_no_lag(
    make_world: Callable[..., World],
) -> None:
    world = make_world(partitions=2)
    producer = Producer(
        {
            "bootstrap.servers": world.kafka.bootstrap_servers,
            "transactional.id": world.kafka.unique_name("writer"),
            "log_level": 0,
        }
    )
    producer.init_transactions(30)
    world.join()
    for number in range(20):  # the last one is aborted: only markers lie behind the last record that counts
        _transact(world, producer, number, keep=number % 2 == 0)
    world.finish()


def _transact(world: World, producer: Producer, number: int, *, keep: bool) -> None:
    producer.begin_transaction()
    for row in range(number * 50, number * 50 + 50):
        key, value, expected = good(row, f"session-{row % 9}")

        def note(error: Any, message: Any, expected: Expected = expected) -> None:
            assert error is None
            if keep:
                world.placed[message.partition(), message.offset()] = expected

        producer.produce(world.topic, key=key, value=value, on_delivery=note)
    producer.flush(30)
    if keep:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)


@pytest.mark.timeout(300)
def test_after_retention_has_passed_the_position_it_goes_on_from_what_is_left(make_world: Callable[..., World]) -> None:
    world = make_world(partitions=1)
    world.write(stream(1_000, 50, world.seed))
    member = world.join()
    world.wait_for_no_lag(30)
    assert world.leave(member) == 0
    committed = world.kafka.committed_offsets(world.config["kafka"]["group_id"], world.topic)[0]
    world.write(good(1_000_000 + number, f"later-{number % 50}") for number in range(2_000))
    left = committed + 500
    world.kafka.delete_records(world.topic, 0, before=left)
    world.placed = {
        place: expected for place, expected in world.placed.items() if place[1] < committed or place[1] >= left
    }
    world.join()
    world.finish()
    # Here belongs what is to be said and counted of records that retention took (and auto_offset_reset: error).
