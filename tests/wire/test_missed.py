"""A gap is told from a loss by asking the broker where the partition begins now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from connector.core.records import Record, TopicPartition
from connector.kafka.missed import ALLOWANCE, ANSWERED_WITHIN, ASKED, BEGINNING, SHARE, WORTH_ASKING, MissedRecords
from connector.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE = TopicPartition("clicks", 3)


class Broker:
    """Knows where the group stands and where the partition begins; counts how often it is asked."""

    def __init__(self, committed: int = -1001, begins: int = 0) -> None:
        self.begins = begins
        self.position = committed
        self.asked = 0  # for the beginning
        self.questions = 0  # of both kinds
        self.down = False
        self.note: str | None = None
        self.refuses = False
        self.takes: Callable[[float], object] = lambda _: None  # the time until an answer, or that it is waited for

    def _question(self, timeout: float) -> None:
        assert 0 < timeout <= ANSWERED_WITHIN
        self.questions += 1
        self.takes(timeout)
        if self.down:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def committed(self, places: list[Any], timeout: float) -> list[Any]:
        self._question(timeout)
        error = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED) if self.refuses else None
        return [
            SimpleNamespace(
                topic=each.topic, partition=each.partition, offset=self.position, error=error, metadata=self.note
            )
            for each in places
        ]

    def offsets_for_times(self, places: list[Any], timeout: float) -> list[Any]:
        assert {place.offset for place in places} == {BEGINNING}
        self.asked += 1
        self._question(timeout)
        return [
            SimpleNamespace(topic=each.topic, partition=each.partition, offset=self.begins, error=None)
            for each in places
        ]


class Case:
    def __init__(self, broker: Broker, *, latest: bool = False) -> None:
        self.now = 100.0
        self.held = 0.0
        self.metrics = Metrics()
        self.missed_records = MissedRecords(
            broker,  # type: ignore[arg-type]  # a fake
            self.metrics,
            latest=latest,
            clock=lambda: self.now,
        )
        self.missed_records.assigned([PLACE])

    def read(self, *offsets: int) -> None:
        for offset in offsets:
            self.missed_records.read(Record(*PLACE, offset, None, None, None))

    def pass_by(self, seconds: float) -> None:
        """Time in which the loop waits."""
        self.now += seconds
        self.held += seconds

    @property
    def missed(self) -> float:
        name = "putevents_records_missed_total"
        return self.metrics.registry.get_sample_value(name, {"topic": "clicks"}) or 0.0


@pytest.mark.parametrize(("note", "told"), [("a note", "a note"), (None, ""), ("", "")])
def test_what_went_with_the_commit_is_told_once_also_where_that_is_nothing(note: str | None, told: str) -> None:
    broker = Broker(committed=50)
    broker.note = note
    case = Case(broker)
    case.read(50)
    assert case.missed_records.take_notes() == {PLACE: told}
    assert case.missed_records.take_notes() == {}


def test_nothing_is_told_of_a_partition_until_the_coordinator_answers() -> None:
    broker = Broker(committed=50)
    broker.down = True
    case = Case(broker)
    case.read(50)
    assert case.missed_records.take_notes() == {}
    broker.down = False
    case.pass_by(60)
    case.missed_records.look()
    assert case.missed_records.take_notes() == {PLACE: ""}


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


@pytest.mark.parametrize(("latest", "missed"), [(False, 400), (True, 9_900)])
def test_what_is_passed_over_to_go_on_at_the_end_is_missed_like_what_was_deleted(*, latest: bool, missed: int) -> None:
    case = Case(Broker(committed=100, begins=500), latest=latest)
    case.read(10_000)
    assert case.missed == missed


def test_a_gap_of_compaction_is_no_loss_where_reading_would_go_on_at_the_end() -> None:
    case = Case(Broker(committed=100, begins=100), latest=True)
    case.read(10_000)
    assert case.missed == 0


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
    case.missed_records.assigned([PLACE])
    assert case.missed == 0


def test_nothing_is_kept_of_a_partition_that_left() -> None:
    case = Case(Broker(committed=50, begins=80))
    case.missed_records.forget([PLACE])
    case.read(80)
    assert case.missed == 0


def test_nothing_is_asked_from_within_a_callback() -> None:
    broker = Broker(committed=50, begins=80)
    case = Case(broker)
    case.missed_records.forget([PLACE])
    case.missed_records.assigned([PLACE])
    assert broker.questions == 0


def test_a_loss_is_counted_once_a_broker_answers_that_did_not() -> None:
    broker = Broker(committed=50, begins=80)
    case = Case(broker)
    case.read(80)
    broker.begins, broker.down = 90 + WORTH_ASKING, True
    case.read(90 + WORTH_ASKING)
    assert case.missed == 30
    broker.down = False
    case.now += ASKED
    case.read(91 + WORTH_ASKING)
    assert case.missed == 30 + 9 + WORTH_ASKING


def test_a_loss_at_the_start_is_counted_once_the_group_s_position_is_known() -> None:
    broker = Broker(committed=50, begins=80)
    broker.down = True
    case = Case(broker)
    case.read(80, 81, 82)
    assert case.missed == 0
    broker.down = False
    case.now += ASKED
    case.missed_records.look()
    assert case.missed == 30
    case.now += ASKED
    case.read(83)
    assert case.missed == 30


def test_two_gaps_between_two_questions_are_both_counted() -> None:
    broker = Broker(committed=0)
    case = Case(broker)
    case.read(0, WORTH_ASKING + 1)  # asked: a gap of compaction
    broker.begins = 10 * WORTH_ASKING
    case.read(3 * WORTH_ASKING, 6 * WORTH_ASKING)
    assert case.missed == 0
    case.now += ASKED
    case.read(6 * WORTH_ASKING + 1)
    assert case.missed == (2 * WORTH_ASKING - 2) + (3 * WORTH_ASKING - 1)


@pytest.mark.parametrize("down", [True, False])
def test_a_slow_broker_holds_the_loop_for_a_second_in_a_row_and_a_tenth_of_the_time(*, down: bool) -> None:
    """Each of a hundred partitions has something to ask, at every record."""
    broker = Broker(committed=0)
    case = Case(broker)
    broker.takes, broker.down = lambda seconds: case.pass_by(min(seconds, 0.4)), down
    places = [TopicPartition("clicks", number) for number in range(100)]
    case.missed_records.assigned(places)
    began = case.now
    for number, place in enumerate(places):
        case.missed_records.read(Record(*place, 5 * WORTH_ASKING, None, None, None))
        assert number > 0 or case.held <= ALLOWANCE
    assert case.held <= ALLOWANCE + SHARE * (case.now - began)
    for _ in range(600):
        case.now += 0.1
        case.missed_records.look()
    assert case.held <= ALLOWANCE + SHARE * (case.now - began)
    assert broker.questions > 2


def test_the_first_records_of_many_partitions_take_two_questions_in_all() -> None:
    broker = Broker(committed=50, begins=80)
    case = Case(broker)
    places = [TopicPartition("clicks", number) for number in range(1, 100)]
    case.missed_records.assigned(places)
    for place in places:
        case.missed_records.read(Record(*place, 80, None, None, None))
    assert case.missed == 99 * 30
    assert broker.questions == 2


def test_an_answer_of_long_ago_says_nothing_of_a_topic_that_was_created_again() -> None:
    broker = Broker(committed=50, begins=10_000)
    case = Case(broker)
    case.read(10_000)
    missed = case.missed
    broker.begins = 0
    case.now += ASKED
    case.read(0, 2 * WORTH_ASKING)
    assert case.missed == missed


def test_what_is_lost_of_many_partitions_is_one_question() -> None:
    broker = Broker(committed=0, begins=5 * WORTH_ASKING)
    case = Case(broker)
    places = [TopicPartition("clicks", number) for number in range(1, 100)]
    broker.down = True
    for place in places:
        case.missed_records.assigned([place])
        case.missed_records.read(Record(*place, 5 * WORTH_ASKING, None, None, None))
    broker.down = False
    case.now += 10 * ASKED
    case.missed_records.look()
    assert case.missed == 99 * 5 * WORTH_ASKING
    assert broker.asked == 1


def test_a_partition_whose_position_may_not_be_asked_for_is_let_be() -> None:
    broker = Broker(committed=50, begins=80)
    broker.refuses = True
    case = Case(broker)
    case.read(80, 81)
    case.now += ASKED
    case.read(82)
    assert (case.missed, broker.questions) == (0, 1)


def test_what_we_committed_ourselves_before_the_answer_is_no_position_to_compare_with() -> None:
    broker = Broker(committed=50, begins=80)
    broker.down = True
    case = Case(broker)
    case.read(80, 81)
    broker.down, broker.position = False, 82
    case.now += ASKED
    case.read(82)
    assert case.missed == 0
