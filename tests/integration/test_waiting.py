"""Records of a real consumer wait for their schema: in order, without loss, and without leaving the group.

The whole way from the bytes of a frame to the commit is the connector's own; the registry and the service are stubs, so
that the test says when they answer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import orjson
import pytest

from connector.core.formats.decoded import SchemaPending
from connector.core.formats.plain import decode_json
from connector.core.mapping.reading import Formats
from connector.core.mapping.rules import CompiledRules, compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline, Router
from connector.core.records import TopicPartition
from connector.core.sending.backpressure import Bounds
from connector.core.sending.outcomes import Delivered
from connector.kafka.source import KafkaSource
from connector.loop import Loop, Settings
from connector.metrics import Metrics
from connector.ports import CallResult, Environment
from tests.support.fakes import FakeFetcher
from tests.support.mock_cluster import FAILS_AFTER, QUICK, committed, produce, reading
from tests.support.simulation import USUAL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from connector.core.formats.decoded import Decode
    from connector.core.records import Rejection
    from connector.core.sending.lanes import Batch
    from connector.core.sending.offsets import OpenRecord
    from connector.local.mock_cluster import MockCluster
    from tests.support.kafka.admin import Kafka

POLL_INTERVAL = 6.0  # seconds: a member that does not poll for as long leaves the group; brokers allow no less
KNOWN, NEW, NEWER = 1, 2, 3  # schemas
RULE = {
    "name": "view",
    "put_events": {
        "sessionId": "value.session",
        "eventType": {"const": "View"},
        "eventId": "value.id",
        "sentAt": "timestamp",
    },
}


class Registry(FakeFetcher):
    """Schemas whose payloads are JSON; those that are not here are being fetched until the test answers."""

    def reader(self, schema: int | str, kind: str) -> Decode:
        assert kind == "avro"
        if str(schema) not in self.here:
            raise SchemaPending(f"schema {schema}")
        return decode_json


class Service:
    """Takes every call at once."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self._results: list[CallResult] = []

    def submit(self, batch: Batch) -> None:
        self.events += [orjson.loads(item.entry.body)["eventId"] for item in batch.items]
        self._results.append(CallResult(batch, Delivered(), 0.001))

    def wait(self, timeout: float) -> Sequence[CallResult]:
        if not self._results:
            time.sleep(timeout)
        there, self._results = self._results, []
        return there


class NoDeadLetters:
    def put(self, opened: OpenRecord, rejection: Rejection) -> None:
        raise AssertionError(f"a dead letter of {opened.owner.topic_partition}: {rejection.message}")

    def acknowledged(self) -> Sequence[tuple[OpenRecord, Rejection]]:
        return ()

    def pending(self) -> Collection[OpenRecord]:
        return ()


class Where(NamedTuple):
    """A group on a cluster, and two topics of two partitions each."""

    servers: str
    group: str
    topics: tuple[str, str]

    def places(self, topic: int) -> list[TopicPartition]:
        return [TopicPartition(self.topics[topic], number) for number in range(2)]


class Run:
    """A loop of the connector on this cluster, and what was produced for it."""

    def __init__(self, where: Where) -> None:
        self.where = where
        self.registry = Registry()
        self.registry.answer(str(KNOWN))
        self.service = Service()
        self.produced: dict[TopicPartition, list[str]] = {}
        self.metrics = Metrics()
        environment = Environment(time.monotonic, time.time, lambda: 0.5)
        properties = {"bootstrap.servers": where.servers, "group.id": where.group, **QUICK}
        limits = {"session.timeout.ms": 6000, "max.poll.interval.ms": int(POLL_INTERVAL * 1000)}
        self.source = KafkaSource({**properties, **limits}, reading(*where.topics), self.metrics)
        settings = Settings(USUAL._replace(linger=0.0), 8, Bounds(10_000, 1 << 26, 10_000), 0.2, 5.0)
        router = Router([self._pipeline()])
        self.loop = Loop(
            self.source, self.service, NoDeadLetters(), router, settings, self.metrics, environment, self.registry
        )
        self.source.subscribe(self.loop)

    def _pipeline(self) -> tuple[PipelineSpec, Pipeline]:
        said = {"name": "clicks", "topics": [*self.where.topics], "value": {"format": "avro"}, "rules": [RULE]}
        spec = PipelineSpec.model_validate(said)
        rules = compile_pipeline(spec)
        assert isinstance(rules, CompiledRules)
        return spec, Pipeline(spec, rules, "tracker", Formats(schemas=self.registry))

    def produce(self, place: TopicPartition, schema: int, count: int) -> None:
        names = self.produced.setdefault(place, [])
        first = len(names)
        names += [f"{place.topic}-{place.partition}-{number}" for number in range(first, first + count)]
        frame = b"\x00" + schema.to_bytes(4, "big")
        payloads = [orjson.dumps({"id": name, "session": f"{place.partition}"}) for name in names[first:]]
        produce(self.where.servers, place.topic, *(frame + each for each in payloads), partition=place.partition)

    def until(self, claim: Callable[[], bool]) -> None:
        deadline = time.monotonic() + FAILS_AFTER
        while not claim():
            assert time.monotonic() < deadline, (len(self.service.events), list(self.loop.waiting))
            self.loop.step()
            assert self.loop.fatal is None

    def delivered(self, place: TopicPartition) -> list[str]:
        prefix = f"{place.topic}-{place.partition}-"
        return [each for each in self.service.events if each.startswith(prefix)]

    def delivers(self, places: Iterable[TopicPartition]) -> Callable[[], bool]:
        return lambda: all(len(self.delivered(place)) >= len(self.produced[place]) for place in places)

    def close(self) -> None:
        self.loop.drain(5)
        self.source.close()


def test_a_mock_cluster_waits_for_a_registry_that_goes_away_and_comes_back(cluster: MockCluster) -> None:
    cluster.create_topic("orders", 2)
    goes_away_and_comes_back(Where(cluster.bootstrap_servers, "waiting", ("clicks", "orders")), 2.0)


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_kafka_waits_for_a_registry_that_goes_away_and_comes_back(kafka: Kafka) -> None:
    topics = (kafka.create_topic(partitions=2), kafka.create_topic(partitions=2))
    where = Where(kafka.bootstrap_servers, kafka.unique_name("group"), topics)
    goes_away_and_comes_back(where, 1.5 * POLL_INTERVAL)


def goes_away_and_comes_back(where: Where, away: float) -> None:
    """A new schema appears in the middle of one topic while the registry is away for so many seconds."""
    run = Run(where)
    (first, second), orders = where.places(0), where.places(1)
    run.produce(first, KNOWN, 700)
    run.produce(first, NEW, 1_500)
    run.produce(first, KNOWN, 100)  # known, and behind those that wait
    run.produce(second, NEWER, 50)
    for place in orders:
        run.produce(place, KNOWN, 800)
    try:
        run.until(lambda: run.delivers(orders)() and set(run.loop.waiting.places) == {first, second})
        gone_at, assignments = time.monotonic(), _assignments(run)
        while time.monotonic() - gone_at < away:
            for place in orders:
                run.produce(place, KNOWN, 20)
            run.until(run.delivers(orders))
        assert len(run.delivered(first)) == 700
        assert run.delivered(second) == []
        assert set(run.loop.waiting.places) == {first, second}
        run.until(lambda: committed(where.servers, first, group=where.group) == [700])
        run.produce(first, NEWER, 100)
        run.registry.answer(str(NEW))
        run.until(lambda: len(run.delivered(first)) >= 2_300)
        run.registry.answer(str(NEWER))
        run.until(run.delivers(run.produced))
        assert {place: run.delivered(place) for place in run.produced} == run.produced, "in order, each once"
        ends = [len(run.produced[place]) for place in (first, second, *orders)]
        run.until(lambda: committed(where.servers, first, second, *orders, group=where.group) == ends)
        assert _assignments(run) == assignments, "it has left the group"
    finally:
        run.close()


def _assignments(run: Run) -> tuple[float | None, ...]:
    kinds = ("assign", "revoke", "lost")
    return tuple(run.metrics.registry.get_sample_value("putevents_rebalances_total", {"kind": kind}) for kind in kinds)


@pytest.mark.parametrize("how", ["a drain", "a crash"])
def test_what_waits_when_a_process_ends_is_read_by_the_next(cluster: MockCluster, how: str) -> None:
    where = Where(cluster.bootstrap_servers, "waiting", ("clicks", "clicks"))
    place = TopicPartition("clicks", 0)
    first = Run(where)
    first.produce(place, KNOWN, 5)
    first.produce(place, NEW, 20)
    first.until(lambda: len(first.delivered(place)) == 5 and len(first.loop.waiting) == 1)
    first.until(lambda: committed(where.servers, place, group=where.group) == [5])
    if how == "a crash":
        first.loop.give_up()
        first.source.close()
    else:
        first.close()
    second = Run(where)
    second.produced = first.produced
    second.registry.answer(str(NEW))
    try:
        second.until(lambda: len(second.delivered(place)) >= 20)
        assert first.delivered(place) + second.delivered(place) == first.produced[place]
    finally:
        second.close()
