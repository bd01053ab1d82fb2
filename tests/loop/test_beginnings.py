"""Where reading begins in old data, one line a topic says so."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from connector.beginnings import BEGINS_OLD, GATHERED, OLD, WITHIN, Beginnings
from connector.core.records import Record, TopicPartition

WALL = 1_800_000_000.0
P0, P1, ORDERS = TopicPartition("clicks", 0), TopicPartition("clicks", 1), TopicPartition("orders", 0)
DAY = 86_400.0


def record(place: TopicPartition, age: float | None) -> Record:
    timestamp = None if age is None else int((WALL - age) * 1000)
    return Record(*place, 7, timestamp, None, b"1")


def warned(*polls: tuple[float, list[Record]], bounded: str = "") -> list[dict[str, Any]]:
    """What is said when all are assigned at 100 and these are read, each at its time."""
    it = Beginnings(lambda topic: topic == bounded)
    it.assigned([P0, P1, ORDERS], 100.0)
    with capture_logs() as lines:
        for now, records in polls:
            it.look(records, now, WALL)
    assert {line["event"] for line in lines} <= {BEGINS_OLD}
    return [{key: line[key] for key in ("topic", "partitions", "oldest_days")} for line in lines]


def test_partitions_of_a_topic_make_one_line_with_the_oldest_once_all_are_known() -> None:
    records = [record(P0, 20 * DAY), record(P1, 30 * DAY), record(ORDERS, DAY)]
    assert warned((100.0, records)) == [{"topic": "clicks", "partitions": 2, "oldest_days": 30}]


def test_what_is_known_is_said_after_a_while_though_a_partition_is_empty() -> None:
    polls = [(100.0, [record(P0, 20 * DAY)]), (101.0, [record(P1, 20 * DAY)]), (100.0 + GATHERED, list[Record]())]
    assert warned(*polls[:2]) == []
    assert warned(*polls) == [{"topic": "clicks", "partitions": 2, "oldest_days": 20}]


def test_data_of_exactly_fourteen_days_is_not_old() -> None:
    assert warned((100.0, [record(P0, OLD), record(P1, OLD), record(ORDERS, OLD)])) == []


def test_only_the_first_record_of_a_partition_counts() -> None:
    new, old = record(P0, 0), record(P0, 20 * DAY)
    assert warned((100.0, [new, old]), (100.0 + WITHIN, [])) == []


def test_a_record_without_a_time_is_not_old() -> None:
    assert warned((100.0, [record(P0, None), record(P1, None), record(ORDERS, None)])) == []


def test_where_max_age_leaves_old_events_out_there_is_nothing_to_warn_of() -> None:
    records = [record(P0, 20 * DAY), record(P1, 20 * DAY), record(ORDERS, 20 * DAY)]
    assert [line["topic"] for line in warned((100.0, records), bounded="clicks")] == ["orders"]


def test_a_first_record_long_after_the_start_is_not_where_reading_begins() -> None:
    assert warned((100.0 + WITHIN, []), (101.0 + WITHIN, [record(P0, 20 * DAY)]), (200.0 + WITHIN, [])) == []
