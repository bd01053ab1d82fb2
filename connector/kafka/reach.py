"""Whether Kafka answers, according to the client's own statistics.

The client reports an error when a connection is refused or breaks off. It reports a broker that hangs only after a
minute, and a broker that has come back not at all. Its statistics show both: how long each connection has been silent,
and how many requests wait there for an answer.

Heartbeats and fetches are answered within seconds, so silence means something. A request to join a group is not: the
broker holds it until the other members have joined, too.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import orjson

from connector.config.client_properties import DEFAULTS, HEARTBEAT_OF_BROKERS, seconds_of
from connector.core.records import TopicPartition
from connector.ports import Reach

MISSED = 2  # heartbeats without an answer, after which a broker is silent
SILENT_STATISTICS = 2  # in a row mean an outage: one alone may be a reconnection
CONNECTED: Final = frozenset({"UP", "UPDATE"})
NO_LEADER = -1
HERE = Reach()

Broker = Mapping[str, Any]  # a connection, in the words of librdkafka's STATISTICS.md


class Listening:
    """Judges statistics in the order of their arrival.

    Args:
        quiet: seconds without an answer, after which a broker that owes one is silent.
        clock: seconds that never go back.
        fetches: whether the client fetches from the start, without joining a group.
    """

    def __init__(self, quiet: float, clock: Callable[[], float] = time.monotonic, *, fetches: bool = False) -> None:
        self.reach = HERE
        self._quiet = quiet
        self._fetches = fetches
        self._clock = clock
        self._heard_at = clock()
        self._silent = 0  # statistics in a row

    def hear(self, statistics: str | bytes) -> None:
        """Take the latest into account. A callback: it may not raise, and what it cannot read says nothing."""
        with suppress(Exception):
            self._judge(orjson.loads(statistics))

    def _judge(self, found: Mapping[str, Any]) -> None:
        brokers = [each for each in found.get("brokers", {}).values() if each.get("state") != "INIT"]
        group = found.get("cgrp", {})
        steady, was_member = group.get("join_state") == "steady", group.get("rebalance_cnt", 0) > 0
        heard = [idle for each in brokers if (idle := self._answered(each)) is not None]
        if heard:
            self._heard_at, self._silent = self._clock() - min(heard), 0
            self.reach = Reach(None, frozenset([*self._cut_off(brokers), *_without_leader(found)]))
        elif self._nobody(brokers, steady=steady) if brokers else was_member or self._fetches:
            # A broker that refuses connections is INIT between two tries, like one that was never needed. But a member
            # of a group always needs one, and so does who fetches.
            self._silent += 1
            if self._silent >= SILENT_STATISTICS:
                self.reach = Reach(self._heard_at, frozenset())

    def _answered(self, broker: Broker) -> float | None:
        """Seconds since the broker was heard, where that is short enough."""
        idle = broker.get("rxidle", -1) / 1e6
        return idle if broker.get("state") in CONNECTED and 0 <= idle <= self._quiet else None

    def _nobody(self, brokers: Iterable[Broker], *, steady: bool) -> bool:
        connected = [each for each in brokers if each.get("state") in CONNECTED]
        return not connected or any(self._silence(each, steady=steady) for each in connected)

    def _silence(self, broker: Broker, *, steady: bool) -> bool:
        """Whether a connected broker owes an answer for too long. The coordinator may take its time with a join."""
        may_wait = broker.get("source") == "logical" and not steady
        return broker.get("waitresp_cnt", 0) > 0 and broker.get("rxidle", -1) / 1e6 > self._quiet and not may_wait

    def _cut_off(self, brokers: Iterable[Broker]) -> Iterable[TopicPartition]:
        for broker in brokers:
            if broker.get("state") not in CONNECTED or self._silence(broker, steady=True):
                for each in broker.get("toppars", {}).values():
                    yield TopicPartition(each.get("topic", ""), each.get("partition", -1))


def _without_leader(found: Mapping[str, Any]) -> Iterable[TopicPartition]:
    """Partitions that are read and that no broker leads, as when the only one that has them is gone."""
    for topic, known in found.get("topics", {}).items():
        for each in known.get("partitions", {}).values():
            if each.get("desired") and each.get("leader") == NO_LEADER:
                yield TopicPartition(topic, each.get("partition", -1))


def quiet(properties: Mapping[str, Any]) -> float:
    """Seconds of silence that mean something to a member with these properties of the client."""
    name = "heartbeat.interval.ms"
    default = HEARTBEAT_OF_BROKERS if properties.get("group.protocol") == "consumer" else None
    return MISSED * max(DEFAULTS[name] / 1000, seconds_of(properties, name, default))
