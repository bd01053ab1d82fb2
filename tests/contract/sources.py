"""Groups to hold the contract of ``ports.Source`` against: simulated, librdkafka's mock cluster, Apache Kafka."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Protocol, Self

from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient

from connector.core.records import Record, TopicPartition
from connector.local.mock_cluster import ApiKey, MockCluster
from connector.ports import Source
from tests.support.fakes import Clock, FakeSource
from tests.support.kafka.admin import Kafka
from tests.support.mock_cluster import FAILS_AFTER, Listening, Member, committed, produce

PARTITIONS = 2


class Reader(Protocol):
    """A member of the group: its source, who listens to it, and what it brought of partitions that were its own."""

    listening: Listening
    records: list[Record]
    ends: dict[TopicPartition, int]

    @property
    def source(self) -> Source: ...

    def poll(self, limit: int = 500, timeout: float = 0.02) -> Sequence[Record]: ...


class SourceBackend(Protocol):
    """A group, and a topic of two partitions."""

    topic: str

    def produce(self, number: int, *values: bytes) -> None:
        """Append to a partition."""

    def join(self) -> Any:
        """A new member, as a ``Reader``; its partitions come with its polls."""

    def leave(self, reader: Any) -> None:
        """Close it, as the process would at its end."""

    def stored(self, number: int) -> int:
        """What the group has committed of a partition; negative or 0 for nothing."""

    def lose_all(self, reader: Any) -> None:
        """Take away all that it has, without asking; the next polls report that."""


class FakeReader:
    def __init__(self, source: FakeSource) -> None:
        self.source = source
        self.listening = Listening()
        self.records: list[Record] = []
        self.ends: dict[TopicPartition, int] = {}

    def poll(self, limit: int = 500, timeout: float = 0.02) -> Sequence[Record]:
        polled = self.source.poll(limit, timeout)
        self.records += polled.records
        self.ends.update(polled.ends)
        return polled.records


class FakeGroup:
    """Fakes that share their logs and what is committed; partitions move from within polls, in two steps."""

    topic = "clicks"

    def __init__(self) -> None:
        self._clock = Clock()
        self._shared = FakeSource(self._clock)
        self._members: list[FakeReader] = []
        self._places = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]

    def produce(self, number: int, *values: bytes) -> None:
        for value in values:
            self._shared.produce(self._places[number], value.decode())

    def join(self) -> FakeReader:
        source = FakeSource(self._clock)
        source.logs, source.stored = self._shared.logs, self._shared.stored
        reader = FakeReader(source)
        self._members.append(reader)
        self._share_out()
        return reader

    def leave(self, reader: FakeReader) -> None:
        self._members.remove(reader)
        reader.source.revoke(reader.listening, *reader.listening.owned)
        self._share_out()

    def stored(self, number: int) -> int:
        return self._shared.stored.get(self._places[number], 0)

    def lose_all(self, reader: FakeReader) -> None:
        def lose() -> None:
            reader.source.lose(reader.listening, *reader.listening.owned)
            self._share_out()

        reader.source.during_poll.append(lose)

    def _share_out(self) -> None:
        for index, reader in enumerate(self._members):
            reader.source.during_poll.append(partial(self._take, reader, index))

    def _take(self, reader: FakeReader, index: int) -> None:
        share = set(self._places[index :: len(self._members)])
        owned = set(reader.listening.owned)
        if owned - share:
            reader.source.revoke(reader.listening, *sorted(owned - share))
        others = set().union(*(each.listening.owned for each in self._members if each is not reader))
        if share - owned - others:
            reader.source.assign(reader.listening, *sorted(share - owned - others))
        if share & others:  # not given up yet
            reader.source.during_poll.append(partial(self._take, reader, index))


class _Cluster(ExitStack):
    """What the two with a real client share; members that are left are closed at the end."""

    topic = "clicks"
    group = "readers"
    bootstrap_servers = ""
    properties: Mapping[str, Any] = {}

    def __init__(self) -> None:
        super().__init__()
        self._members: list[Member] = []

    def produce(self, number: int, *values: bytes) -> None:
        produce(self.bootstrap_servers, self.topic, *values, partition=number)

    def join(self) -> Member:
        member = Member(self, self.topic, group_id=self.group, **self.properties)
        self._members.append(member)
        return member

    def leave(self, reader: Member) -> None:
        self._members.remove(reader)
        reader.source.close()

    def close_members(self) -> None:
        for member in self._members:
            member.source.close()

    def stored(self, number: int) -> int:
        [offset] = committed(self.bootstrap_servers, TopicPartition(self.topic, number), group=self.group)
        return offset


class MockGroup(_Cluster):
    def __enter__(self) -> Self:
        self._cluster = self.enter_context(MockCluster())
        self._cluster.create_topic(self.topic, PARTITIONS)
        self.bootstrap_servers = self._cluster.bootstrap_servers
        self.callback(self.close_members)
        return self

    def lose_all(self, reader: Member) -> None:
        del reader  # there is only one
        self._cluster.push_request_errors(ApiKey.HEARTBEAT, KafkaError.UNKNOWN_MEMBER_ID)


class KafkaGroup(_Cluster):
    # The shortest that brokers allow; a member that polls too seldom is taken out of the group after as long.
    properties: Mapping[str, Any] = {"session_timeout_ms": 6000, "max_poll_interval_ms": 6000}

    def __init__(self, kafka: Kafka) -> None:
        super().__init__()
        self.bootstrap_servers = kafka.bootstrap_servers
        self.topic = kafka.create_topic(partitions=PARTITIONS)
        self.group = kafka.unique_name("group")
        self.callback(self.close_members)

    def lose_all(self, reader: Member) -> None:
        del reader  # there is only one, and it does not poll meanwhile
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        deadline = time.monotonic() + FAILS_AFTER
        while admin.describe_consumer_groups([self.group])[self.group].result().members:
            assert time.monotonic() < deadline, "the group still has its member"
