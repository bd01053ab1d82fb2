"""A record knows its place and what holding it costs."""

import tracemalloc

import pytest

from connector.core.mapping.limits import EARLIEST_SENT_AT
from connector.core.records import EARLIEST_TIMESTAMP, HEADER, SKIPS, Record, Skip, TopicPartition, known_timestamp


def test_a_record_has_the_size_of_everything_that_it_carries() -> None:
    record = Record("t", 3, 7, None, b"key", b"value", (("h", b"12"), ("none", None)))
    assert record.size == len(b"key") + len(b"value") + len("h") + len(b"12") + len("none") + 2 * HEADER
    assert Record("t", 3, 7, None, None, None).size == 0


def test_headers_without_number_are_not_held_for_less_than_they_take() -> None:
    """Once: 330,000 of them counted as a third of a megabyte, and held twenty."""
    raw = b"h" * 330_000
    tracemalloc.start()
    headers = tuple([(chr(byte), bytes([byte])) for byte in raw])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert Record("t", 3, 7, None, None, None, headers).size >= held


def test_a_record_lies_in_its_partition() -> None:
    assert Record("t", 3, 7, None, None, None).topic_partition == TopicPartition("t", 3)


@pytest.mark.parametrize("milliseconds", [None, -(2**63), -1, 0, 1, 1_795_509_011, EARLIEST_TIMESTAMP - 1])
def test_a_timestamp_before_2000_is_none(milliseconds: int | None) -> None:
    assert known_timestamp(milliseconds) is None


def test_a_timestamp_from_2000_on_is_one_and_an_event_may_have_it() -> None:
    assert [known_timestamp(each) for each in (EARLIEST_TIMESTAMP, 2**62)] == [EARLIEST_TIMESTAMP, 2**62]
    assert EARLIEST_TIMESTAMP == EARLIEST_SENT_AT * 1000


def test_every_reason_to_skip_says_what_it_means() -> None:
    assert SKIPS.keys() == set(Skip)
