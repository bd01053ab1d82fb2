"""Looks from outside while a scenario runs: first at what is committed, and only then at what is done.

In this order a look is a proof: whatever lies below an offset that was committed before must be among what was
accepted or dead-lettered after. Two numbers say how much that was, since both ledgers only grow: the endpoint's by
rows, the dead-letter topic by offsets. So a look is cheap, and the comparison is left to the end (see `judgement`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_INTERVAL_SECONDS = 0.25
_PATIENCE_SECONDS = 3.0


class Observation(NamedTuple):
    """One look.

    Attributes:
        at: seconds of the monotonic clock, when it began.
        committed: partition → the group's committed offset, where it has one.
        accepted: rows in the endpoint's ledger, counted after ``committed`` was read.
        buried: dead letters, counted after ``committed`` was read.
        lag: records after the committed offsets.
        memory: member → bytes resident; empty where the system does not tell.
        running: how many members there were.
    """

    at: float
    committed: Mapping[int, int]
    accepted: int
    buried: int
    lag: int
    memory: Mapping[str, int]
    running: int


def resident(pid: int) -> int | None:
    """Bytes of memory that a process holds; None where it is gone or the system has no /proc."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return None


class Watcher(threading.Thread):
    """Looks four times a second, and whenever asked to.

    Args:
        servers, group, topic, dead_letters: what to look at; the dead-letter topic has one partition.
        partitions: of the topic; may be changed when it grows.
        accepted: counts the rows in the endpoint's ledger.
        members: name → process id of those that run.
    """

    def __init__(
        self,
        servers: str,
        group: str,
        topic: str,
        dead_letters: str,
        partitions: int,
        accepted: Callable[[], int],
        members: Callable[[], Mapping[str, int]],
    ) -> None:
        super().__init__(name="watcher", daemon=True)
        self.partitions = partitions
        self.observations: list[Observation] = []
        self._topic = topic
        self._dead_letters = TopicPartition(dead_letters, 0)
        self._accepted = accepted
        self._members = members
        self._one_at_a_time = threading.Lock()
        self._stopping = threading.Event()
        # The group's id only to ask for its offsets: it never joins.
        self._properties = {"bootstrap.servers": servers, "group.id": group, "log_level": 0}
        self._consumer = Consumer(self._properties)

    def run(self) -> None:
        while not self._stopping.wait(_INTERVAL_SECONDS):
            self.look()

    def stop(self) -> None:
        """Look no more, after a last time."""
        self._stopping.set()
        self.join()
        self.look()
        self._consumer.close()

    def look(self) -> Observation | None:
        """Look now; None where a broker that must be asked is away."""
        with self._one_at_a_time:
            try:
                observation = self._look()
            except KafkaException:
                # A client that reads nothing goes on asking the leader that it once heard of.
                self._consumer.close()
                self._consumer = Consumer(self._properties)
                return None
            self.observations.append(observation)
            return observation

    def _look(self) -> Observation:
        at = time.monotonic()
        committed = self._committed()
        accepted = self._accepted()
        _, buried = self._consumer.get_watermark_offsets(self._dead_letters, timeout=_PATIENCE_SECONDS)
        members = self._members()
        memory = {name: size for name, pid in members.items() if (size := resident(pid)) is not None}
        return Observation(at, committed, accepted, buried, self._lag(committed), memory, len(members))

    def _committed(self) -> dict[int, int]:
        wanted = [TopicPartition(self._topic, number) for number in range(self.partitions)]
        places = self._consumer.committed(wanted, timeout=_PATIENCE_SECONDS)
        for place in places:
            if place.error is not None:
                raise KafkaException(place.error)
        return {place.partition: place.offset for place in places if place.offset >= 0}

    def _lag(self, committed: Mapping[int, int]) -> int:
        total = 0
        for number in range(self.partitions):
            place = TopicPartition(self._topic, number)
            first, end = self._consumer.get_watermark_offsets(place, timeout=_PATIENCE_SECONDS)
            total += max(0, end - max(first, committed.get(number, 0)))
        return total
