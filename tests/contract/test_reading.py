"""A topic is read between two positions, without a group and without a trace, on the mock cluster and on Kafka."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.topics import Topics
from connector.core.positions import BeforeEnd, End, Offset, Start, Time
from connector.core.records import TopicPartition
from connector.kafka.reading import Bounds, TopicReader
from connector.kafka.startup import require_leaders
from connector.local.mock_cluster import MockCluster
from connector.ports import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from connector.core.positions import Position
    from connector.core.records import Record
    from tests.support.kafka.admin import Kafka

pytestmark = pytest.mark.timeout(180)
BEGUN = 1_764_000_000_000


class World:
    """A topic of two partitions: the values of partition p are p0, p1, …, a second apart."""

    def __init__(self, servers: str, topic: str) -> None:
        self.servers, self.topic = servers, topic
        self.group = f"{topic}-group"
        self.written = [0, 0]

    def write(self, *counts: int, **properties: Any) -> None:
        producer = Producer({"bootstrap.servers": self.servers, "log_level": 0, "linger.ms": 0, **properties})
        if properties:
            producer.init_transactions(30)
            producer.begin_transaction()
        failed: list[KafkaError] = []
        for partition, count in enumerate(counts):
            for _ in range(count):
                number = self.written[partition]
                self.written[partition] += 1
                producer.produce(
                    self.topic,
                    f"{partition}{number}".encode(),
                    partition=partition,
                    timestamp=BEGUN + number * 1000,
                    headers=[("n", b"%d" % number)],
                    on_delivery=lambda error, _: failed.append(error) if error else None,
                )
        assert producer.flush(60) == 0
        assert not failed
        if properties:
            producer.abort_transaction(30)

    def reader(self, **properties: Any) -> TopicReader:
        return TopicReader({"bootstrap.servers": self.servers, "group.id": self.group, **properties})

    def read(self, begin: Position, end: Position | None = None) -> dict[int, list[str]]:
        with self.reader() as reader:
            bounds = reader.bounds([self.topic], begin, end)
            return self.sorted(each for each in reader.records(bounds) if each is not None)

    @staticmethod
    def sorted(records: Iterator[Record]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {0: [], 1: []}
        for each in records:
            found[each.partition].append((each.value or b"").decode())
        return found

    def place(self, partition: int) -> TopicPartition:
        return TopicPartition(self.topic, partition)


@pytest.fixture(params=["mock", pytest.param("kafka", marks=pytest.mark.integration)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with ExitStack() as closing:
        if request.param == "mock":
            cluster = closing.enter_context(MockCluster())
            cluster.create_topic("clicks", 2)
            yield World(cluster.bootstrap_servers, "clicks")
        else:
            # These times are long past.
            kafka: Kafka = request.getfixturevalue("kafka")
            yield World(kafka.bootstrap_servers, kafka.create_topic(kafka.unique_name("clicks"), 2, retention_ms="-1"))


def topics(*names: str) -> Topics:
    rule = {"name": "all", "skip": "never"}
    return Topics([PipelineSpec.model_validate({"name": "p", "topics": list(names), "rules": [rule]})], "dead")


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (Start(), None, {0: ["00", "01", "02", "03"], 1: ["10", "11"]}),
        (End(), None, {0: [], 1: []}),
        (Offset(1), None, {0: ["01", "02", "03"], 1: ["11"]}),
        (Offset(1), Offset(3), {0: ["01", "02"], 1: ["11"]}),
        (Offset(9), None, {0: [], 1: []}),
        (BeforeEnd(1), End(), {0: ["03"], 1: ["11"]}),
        (Time(BEGUN + 500), None, {0: ["01", "02", "03"], 1: ["11"]}),
        (Start(), Time(BEGUN + 1500), {0: ["00", "01"], 1: ["10", "11"]}),
        (Time(BEGUN + 3000), End(), {0: ["03"], 1: []}),
    ],
)
def test_records_between_two_positions_come_in_order(
    world: World, begin: Position, end: Position | None, expected: dict[int, list[str]]
) -> None:
    if world.topic == "clicks" and Time in {type(begin), type(end)}:
        pytest.skip("the mock cluster knows no times")
    world.write(4, 2)
    assert world.read(begin, end) == expected


def test_many_records_come_once_each_and_no_more_than_there_were_at_the_start(world: World) -> None:
    world.write(1500, 700)
    with world.reader() as reader:
        bounds = reader.bounds([world.topic], Start())
        world.write(50, 50)
        found = world.sorted(each for each in reader.records(bounds) if each is not None)
    assert found == {0: [f"0{n}" for n in range(1500)], 1: [f"1{n}" for n in range(700)]}


def test_one_reader_reads_the_same_records_again(world: World) -> None:
    world.write(4, 2)
    with world.reader() as reader:
        bounds = reader.bounds([world.topic], Start())
        for _ in range(3):
            found = world.sorted(each for each in reader.records(bounds) if each is not None)
            assert found == {0: ["00", "01", "02", "03"], 1: ["10", "11"]}


def test_a_record_comes_with_its_place_time_and_headers(world: World) -> None:
    world.write(2)
    with world.reader() as reader:
        bounds = reader.bounds([world.topic], BeforeEnd(1))
        (record,) = [each for each in reader.records(bounds) if each is not None]
    assert (record.topic, record.partition, record.offset) == (world.topic, 0, 1)
    assert (record.timestamp, record.headers) == (BEGUN + 1000, (("n", b"1"),))


def test_reading_leaves_no_offset_and_no_member_of_the_group(world: World) -> None:
    world.write(3)
    assert world.read(Start())[0] == ["00", "01", "02"]
    with world.reader() as reader:
        assert reader.committed([world.place(0), world.place(1)]) == {}


def test_the_offsets_of_the_group_are_found_where_there_are_any(world: World) -> None:
    world.write(3)
    member = Consumer({"bootstrap.servers": world.servers, "group.id": world.group, "log_level": 0})
    member.commit(offsets=[ClientTopicPartition(world.topic, 0, 2)], asynchronous=False)
    member.close()
    with world.reader() as reader:
        assert reader.committed([world.place(0), world.place(1)]) == {world.place(0): 2}


def test_following_goes_on_with_what_is_written_later_until_it_is_stopped(world: World) -> None:
    world.write(1)
    stop = threading.Event()
    found: list[str] = []
    with world.reader() as reader:
        for record in reader.records(reader.bounds([world.topic], Start()), follow=True, stopping=stop.is_set):
            if record is None:
                continue
            found.append((record.value or b"").decode())
            if len(found) == 1:
                world.write(2, 1)
            if len(found) == 4:
                stop.set()
    assert sorted(found) == ["00", "01", "02", "10"]


def test_nothing_to_read_ends_at_once(world: World) -> None:
    with world.reader() as reader:
        assert list(reader.records({})) == []
        assert list(reader.records({world.place(0): Bounds(0, 0, 0)})) == []


def test_a_topic_that_does_not_exist_is_named_with_what_to_do(world: World) -> None:
    with world.reader() as reader, pytest.raises(Unavailable, match=r"topic gone does not exist .* pipelines\[\]"):
        reader.wanted(topics("gone", world.topic))


def test_a_pattern_that_matches_nothing_is_named(world: World) -> None:
    with world.reader() as reader, pytest.raises(Unavailable, match=r"no topic .* matches \^none-"):
        reader.wanted(topics("^none-.*"))


def test_patterns_and_names_give_the_topics_that_are_there(world: World) -> None:
    with world.reader() as reader:
        assert reader.wanted(topics(f"^{world.topic}$", world.topic)) == [world.topic]


def test_a_wait_for_brokers_can_be_given_up(world: World) -> None:
    with world.reader() as reader:
        assert reader.topics(stopping=lambda: True) == frozenset()


def test_without_a_broker_the_message_names_the_servers() -> None:
    reader = TopicReader({"bootstrap.servers": "127.0.0.1:1", "group.id": "g"})
    with reader, pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        reader.topics(timeout=0.5)


def test_a_broker_that_does_not_answer_a_question_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.kafka.reading.ANSWERED_WITHIN", 0.2)
    with TopicReader({"bootstrap.servers": "127.0.0.1:1", "group.id": "g"}) as reader:
        for ask in (lambda: reader.ends(["clicks"]), lambda: reader.committed([TopicPartition("clicks", 0)])):
            with pytest.raises(Unavailable, match=r"did not answer a question"):
                ask()


def test_partitions_that_no_broker_leads_are_named_where_their_ends_cannot_be_known() -> None:
    with pytest.raises(Unavailable, match=r"no broker leads clicks-0, clicks-2, clicks-3 and 1 more: "):
        require_leaders({("clicks", number): 7 if number == 1 else -1 for number in range(5)})
    require_leaders({("clicks", 1): 7})


def test_brokers_that_go_away_while_a_range_is_read_end_it_in_words(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.kafka.reading.SILENCE", 1.0)
    world = World(cluster.bootstrap_servers, "clicks")
    world.write(3)
    with world.reader() as reader:
        bounds = reader.bounds(["clicks"], Start())
        cluster.broker_down()
        with pytest.raises(Unavailable, match=r"no record came from Kafka"):
            list(reader.records(bounds))


@pytest.mark.parametrize("refused", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED])
def test_a_client_that_may_not_read_is_refused(cluster: MockCluster, refused: int) -> None:
    world = World(cluster.bootstrap_servers, "clicks")
    with world.reader() as reader:
        reader._on_error(KafkaError(refused))
        with pytest.raises(Refused):
            list(reader.records({world.place(0): Bounds(0, 1, 0)}))


def test_aborted_transactions_and_their_markers_are_passed_over(world: World) -> None:
    if world.topic == "clicks":
        pytest.skip("the mock cluster shows what was aborted")
    world.write(2)
    world.write(2, 2, **{"transactional.id": f"{world.topic}-writer"})
    assert world.read(Start()) == {0: ["00", "01"], 1: []}


def test_no_partition_is_left_out_of_the_bounds(world: World) -> None:
    world.write(3, 1)
    expected: Collection[tuple[TopicPartition, Bounds]] = [
        (world.place(0), Bounds(1, 3, 0)),
        (world.place(1), Bounds(1, 1, 0)),
    ]
    with world.reader() as reader:
        assert sorted(reader.bounds([world.topic], Offset(1)).items()) == sorted(expected)
