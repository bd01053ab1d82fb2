"""Whether Kafka answers is known from the client's statistics: of the real one, and of every kind that it can give."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from connector.core.records import TopicPartition
from connector.kafka.reach import Listening, quiet
from connector.kafka.source import KafkaSource
from connector.local.broker import EmbeddedBroker
from connector.local.mock_cluster import MockCluster
from connector.metrics import Metrics
from connector.ports import Reach
from tests.support.mock_cluster import FAILS_AFTER, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

NOW = 1000.0
P0 = TopicPartition("clicks", 0)


class Ours:
    """Follows the assignment."""

    def __init__(self) -> None:
        self.partitions: set[TopicPartition] = set()

    def on_assign(self, topic_partitions: Collection[TopicPartition]) -> None:
        self.partitions |= set(topic_partitions)

    def on_revoke(self, topic_partitions: Collection[TopicPartition]) -> None:
        self.partitions -= set(topic_partitions)

    on_lost = on_revoke


def joined(servers: str) -> tuple[KafkaSource, Ours]:
    quick = {"heartbeat.interval.ms": 300, "statistics.interval.ms": 200, "reconnect.backoff.max.ms": 500}
    slow = {"session.timeout.ms": 45_000}
    properties = {"bootstrap.servers": servers, "group.id": "g", "auto.offset.reset": "earliest", **quick, **slow}
    source, ours = KafkaSource(properties, reading("clicks"), Metrics()), Ours()
    source._listening._quiet = 1.0  # what six seconds are to a member that beats every three
    source.subscribe(ours)
    poll_until(source, lambda: bool(ours.partitions), "assigned")
    return source, ours


def test_a_partition_that_no_broker_leads_is_cut_off_until_one_does() -> None:
    """Its broker is none that the client could call silent, and another one answers all the time."""
    with MockCluster(2) as cluster:
        cluster.create_topic("clicks", 2)
        source, _ = joined(cluster.bootstrap_servers)
        cluster.set_leader("clicks", 0, -1)
        poll_until(source, lambda: source.reach().cut_off == {P0}, "the partition without a leader is cut off")
        assert source.reach().away_since is None
        cluster.set_leader("clicks", 0, 1)
        poll_until(source, lambda: not source.reach().cut_off, "nothing is cut off any more")
        source.close()


def poll_until(source: KafkaSource, condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + FAILS_AFTER
    while not condition():
        source.poll(100, 0.05)
        assert time.monotonic() < deadline, what


def test_a_broker_that_stands_still_is_away_until_it_goes_on() -> None:
    with EmbeddedBroker({"clicks": 2}) as broker:
        source, _ = joined(broker.bootstrap_servers)
        assert broker.pid is not None
        began = time.monotonic()
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            poll_until(source, lambda: source.reach().away_since is not None, "away")
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        assert began - 1 <= (source.reach().away_since or 0) <= began + 1
        poll_until(source, lambda: source.reach() == Reach(), "back")
        source.close()


def test_brokers_that_refuse_connections_are_away_until_they_are_back() -> None:
    with MockCluster() as cluster:
        cluster.create_topic("clicks", 2)
        source, _ = joined(cluster.bootstrap_servers)
        cluster.broker_down()
        poll_until(source, lambda: source.reach().away_since is not None, "away")
        cluster.broker_up()
        poll_until(source, lambda: source.reach() == Reach(), "back")
        source.close()


def test_of_two_brokers_one_that_is_down_cuts_off_its_partitions() -> None:
    with MockCluster(2) as cluster:
        cluster.create_topic("clicks", 2)
        cluster.set_coordinator("g", 1)
        cluster.set_leader("clicks", 0, 2)
        cluster.set_leader("clicks", 1, 1)
        source, _ = joined(cluster.bootstrap_servers)
        cluster.broker_down(2)
        poll_until(source, lambda: source.reach() == Reach(None, frozenset({P0})), "cut off")
        cluster.broker_up(2)
        poll_until(source, lambda: source.reach() == Reach(), "back")
        source.close()


@pytest.mark.parametrize(("topic", "there"), [("^nothing-.*", False), ("^cli.*", True), ("clicks", True)])
def test_whether_there_is_a_topic_to_read_is_known_before_the_group_is_joined(topic: str, *, there: bool) -> None:
    with MockCluster() as cluster:
        cluster.create_topic("clicks", 1)
        cluster.create_topic("dead", 1)
        source = KafkaSource(
            {"bootstrap.servers": cluster.bootstrap_servers, "group.id": "g"}, reading(topic), Metrics()
        )
        source.require("dead", FAILS_AFTER)
        assert source.reach().topics is there
        source.close()


# -- every kind of statistics ---------------------------------------------------------------------------------


def broker(state: str = "UP", idle: float | None = 0.1, owes: int = 1, source: str = "learned") -> dict[str, Any]:
    """A connection that was heard so many seconds ago, and owes so many answers."""
    rxidle = -1 if idle is None else int(idle * 1e6)
    partitions = {} if source == "logical" else {"clicks-0": {"topic": "clicks", "partition": 0}}
    return {"state": state, "rxidle": rxidle, "waitresp_cnt": owes, "source": source, "toppars": partitions}


def after(
    *brokers: Mapping[str, Any],
    join_state: str = "steady",
    rebalances: int = 0,
    times: int = 2,
    before: Reach | None = None,
) -> Reach:
    listening = Listening(6.0, lambda: NOW)
    if before is not None:
        listening.reach = before
    found = {
        "brokers": {str(number): each for number, each in enumerate(brokers)},
        "cgrp": {"join_state": join_state, "rebalance_cnt": rebalances},
    }
    for _ in range(times):
        listening.hear(orjson.dumps(found))
    return listening.reach


HERE, AWAY, P0_CUT_OFF = Reach(), Reach(NOW), Reach(None, frozenset({P0}))
LOGICAL = "logical"
KINDS: dict[str, tuple[Reach, Reach]] = {
    "a broker that answers": (after(broker()), HERE),
    "nothing to hear of it, and nothing owed": (after(broker(idle=900.0, owes=0)), HERE),
    "silent": (after(broker(idle=9.0)), AWAY),
    "silent once": (after(broker(idle=9.0), times=1), HERE),
    "down": (after(broker("DOWN", None)), AWAY),
    "down once": (after(broker("DOWN", None), times=1), HERE),
    "trying": (after(broker("TRY_CONNECT", None), broker("CONNECT", None)), AWAY),
    "never needed": (after(broker("INIT", None)), HERE),
    "a member's brokers between two tries": (after(broker("INIT", None), rebalances=1), AWAY),
    "a member's brokers between two tries, seen once": (after(broker("INIT", None), rebalances=1, times=1), HERE),
    "one silent, one answering": (after(broker(idle=9.0), broker(owes=0)), P0_CUT_OFF),
    "one down, one answering": (after(broker("DOWN", None), broker(owes=0) | {"toppars": {}}), P0_CUT_OFF),
    "the coordinator lets a join wait": (after(broker(idle=9.0, source=LOGICAL), join_state="wait-join"), HERE),
    "the coordinator is silent": (after(broker(idle=9.0, source=LOGICAL)), AWAY),
    "away, and the join waits": (
        after(broker(idle=9.0, source=LOGICAL), join_state="wait-join", before=Reach(5.0)),
        Reach(5.0),
    ),
    "back": (after(broker(), times=1, before=Reach(5.0)), HERE),
    "no brokers": (after(), HERE),
}


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_mean(kind: str) -> None:
    found, expected = KINDS[kind]
    assert found == expected


@pytest.mark.parametrize(("fetches", "expected"), [(True, AWAY), (False, HERE)])
def test_who_fetches_always_needs_a_broker(*, fetches: bool, expected: Reach) -> None:
    listening = Listening(6.0, lambda: NOW, fetches=fetches)
    for _ in range(2):
        listening.hear(orjson.dumps({"brokers": {"1": broker("INIT", None)}}))
    assert listening.reach == expected


@pytest.mark.parametrize("text", ["", "[]", "null", '{"brokers": []}', '{"brokers": {"a": null}}', "{"])
def test_statistics_of_another_form_say_nothing_and_raise_nothing(text: str) -> None:
    listening = Listening(6.0)
    listening.hear(text)
    assert listening.reach == HERE


@pytest.mark.parametrize(
    ("properties", "seconds"),
    [
        ({}, 6),
        ({"heartbeat.interval.ms": 10_000}, 20),
        ({"heartbeat.interval.ms": 100}, 6),
        ({"group.protocol": "consumer"}, 10),
    ],
)
def test_silence_means_something_after_two_heartbeats(properties: dict[str, Any], seconds: float) -> None:
    assert quiet(properties) == seconds
