"""Brokers that go and come back, and a dead-letter topic that does not take what it is given."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.chaos.sizes import SIZE, scaled, time_limit
from tests.support.traffic import dead_letters_in, stream

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from tests.chaos.world import World
    from tests.support.kafka.broker import KafkaCluster
    from tests.support.processes import Connector

pytestmark = [pytest.mark.chaos, pytest.mark.integration]

SAFE: Mapping[str, Any] = {
    "replication": 3,
    "topic": {"min_insync_replicas": "2"},
    "dead_letters": {"min_insync_replicas": "2"},
}


@pytest.mark.timeout(time_limit(90, 500))
def test_brokers_that_restart_one_after_another_lose_nothing(
    make_world: Callable[..., World], brokers: KafkaCluster, chance: random.Random, report: Callable[..., None]
) -> None:
    restarts, every = scaled(2, 9), scaled(2, 20)
    world = make_world(**SAFE)
    world.feed(rate=300)
    for _ in range(2):
        world.join()
    world.wait_for_progress(300)
    for number in range(restarts):
        node = brokers.nodes[number % 3]
        until = time.monotonic() + every
        how = chance.choice([node.stop, node.kill])
        how()
        world.let_pass(chance.uniform(0, 2))
        node.start()
        brokers.wait_until_ready()
        world.let_pass(max(0.0, until - time.monotonic()))
    figures = world.finish(seconds=150)
    report(restarts=restarts, **figures._asdict())


@pytest.mark.timeout(300)
def test_a_record_too_large_for_the_dead_letter_topic_leaves_a_stub_there(make_world: Callable[..., World]) -> None:
    # Less than a batch of two letters has: a letter refused together with others must not be taken for large itself.
    world = make_world(dead_letters={"max_message_bytes": "2000"})
    world.write(stream(3_000, 100, world.seed))
    world.join()
    figures = world.finish()
    assert figures.letter_repeats == 0
    stubs = [
        orjson.loads(message.value())
        for headers, message in dead_letters_in(world.kafka, world.dead_letters)
        if headers.get("putevents.stub") == "true"
    ]
    assert stubs
    assert min(stub["value_bytes"] for stub in stubs) > 1_000


@pytest.mark.timeout(time_limit(60, 120))
@pytest.mark.parametrize(
    "cause",
    [
        "too_few_replicas",
        pytest.param("leader_away", marks=pytest.mark.skipif(SIZE == 0, reason="with CHAOS_SIZE above 0 only")),
    ],
)
def test_while_the_dead_letter_topic_takes_nothing_bad_records_are_held(
    make_world: Callable[..., World], brokers: KafkaCluster, report: Callable[..., None], cause: str
) -> None:
    settings = {"replication": 3, "min_insync_replicas": "3"} if cause == "too_few_replicas" else {"replication": 1}
    world = make_world(replication=3, dead_letters=settings)
    leader = world.kafka.leader(world.dead_letters)
    away = leader if cause == "leader_away" else leader % 3 + 1
    node = brokers.nodes[away - 1]
    world.feed(rate=200)
    member = world.join()
    world.wait_for_progress(300)
    with world.standstill():
        node.stop()
        held = _settled(world, member)
        before = world.accepted
        world.let_pass(scaled(3, 60))
        assert world.accepted > before, "good events of other records go on"
        assert _confirmed(member) == held, "bad records are held"
        node.start()
        brokers.wait_until_ready()
    figures = world.finish(seconds=150)
    report(cause=cause, **figures._asdict())


def _confirmed(member: Connector) -> float:
    """Dead letters that the brokers confirmed to this member."""
    return member.metric("putevents_dead_letter_records_total")


def _settled(world: World, member: Connector) -> float:
    """The same, once those that were confirmed just before have been counted."""
    while True:
        before = _confirmed(member)
        world.wait_for_progress(200)
        if _confirmed(member) == before:
            return before
