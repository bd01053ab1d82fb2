"""A gap is told from a loss by asking the broker where the partition begins now."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException

from connector.core.records import Record, TopicPartition
from connector.metrics import Metrics
from connector.retention import ASKED, WORTH_ASKING, Retention

PLACE = TopicPartition("clicks", 3)


class Broker:
    """Knows where the group stands and where the partition begins; counts how often it is asked for the latter."""

    def __init__(self, committed: int = -1001, begins: int = 0) -> None:
        self.begins = begins
        self.asked = 0
        self.down = False
        self._committed = committed

    def committed(self, places: list[Any], timeout: float) -> list[Any]:
        assert timeout > 0
        if self.down:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        for place in places:
            place.offset = self._committed
        return places

    def get_watermark_offsets(self, _: Any, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        self.asked += 1
        if self.down:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return self.begins, 10_000


class Case:
    def __init__(self, broker: Broker) -> None:
        self.now = 100.0
        self.metrics = Metrics()
        self.retention = Retention(broker, self.metrics, lambda: self.now)  # type: ignore[arg-type]  # a fake
        self.retention.assigned([PLACE])

    def read(self, *offsets: int) -> None:
        for offset in offsets:
            self.retention.read(Record(*PLACE, offset, None, None, None))

    @property
    def missed(self) -> float:
        name = "putevents_records_missed_total"
        return self.metrics.registry.get_sample_value(name, {"topic": "clicks"}) or 0.0


def test_what_was_deleted_while_nobody_read_is_counted() -> None:
    case = Case(Broker(committed=50, begins=80))
    case.read(80, 81)
    assert case.missed == 30


def test_what_was_deleted_while_reading_is_counted() -> None:
    broker = Broker(committed=0)
    case = Case(broker)
    case.read(0, 1)
    broker.begins = 2 + WORTH_ASKING
    case.read(2 + WORTH_ASKING)
    assert case.missed == WORTH_ASKING


def test_gaps_of_compaction_and_transactions_are_no_loss() -> None:
    broker = Broker(committed=0, begins=0)
    case = Case(broker)
    case.read(0, 2, 4, 6 + WORTH_ASKING)
    assert (case.missed, broker.asked) == (0, 1)


def test_only_what_lies_before_the_beginning_is_lost_of_a_compacted_gap() -> None:
    case = Case(Broker(committed=10, begins=15))
    case.read(40)
    assert case.missed == 5


def test_a_first_start_misses_nothing() -> None:
    case = Case(Broker(committed=-1001, begins=500))
    case.read(500)
    assert case.missed == 0


def test_the_broker_is_not_asked_at_every_gap() -> None:
    broker = Broker(committed=0)
    case = Case(broker)
    case.read(*range(0, 100 * WORTH_ASKING, 2 * WORTH_ASKING))
    assert broker.asked == 1
    case.now += ASKED
    case.read(200 * WORTH_ASKING)
    assert broker.asked == 2


def test_a_broker_that_does_not_answer_stops_nothing() -> None:
    broker = Broker(committed=0)
    case = Case(broker)
    broker.down = True
    case.read(5 * WORTH_ASKING)
    case.retention.assigned([PLACE])
    assert case.missed == 0


def test_nothing_is_kept_of_a_partition_that_left() -> None:
    case = Case(Broker(committed=50, begins=80))
    case.retention.forget([PLACE])
    case.read(80)
    assert case.missed == 0
