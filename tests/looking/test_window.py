"""Calls a second are counted in the time in which all partitions were read."""

from connector.core.records import Record, TopicPartition
from connector.looking.window import Partition, Window

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def read(window: Window, place: TopicPartition, *records: tuple[int, float | None]) -> None:
    for offset, at in records:
        window.add(Record(*place, offset, None if at is None else int(at * 1000), None, None))


def partitions(
    *, from_beginning: bool = True, to_end: bool = True, begin: int = 0, end: int = 3
) -> dict[TopicPartition, Partition]:
    return dict.fromkeys((A, B), Partition(begin, end, from_beginning, to_end))


def test_all_that_was_read_from_beginning_to_end_counts() -> None:
    window = Window(partitions())
    read(window, A, (0, 100.0), (2, 200.0))
    read(window, B, (0, 150.0), (2, 160.0))
    assert window.between() == (100.0, 200.0)


def test_of_the_last_records_only_the_time_of_all_counts() -> None:
    """A hot partition's last hundred records are of seconds, a quiet one's of a day."""
    window = Window(partitions(from_beginning=False))
    read(window, A, (0, 100.0), (2, 200.0))
    read(window, B, (0, 190.0), (2, 199.0))
    assert window.between() == (190.0, 200.0)


def test_a_partition_that_is_not_read_to_its_end_ends_the_window() -> None:
    window = Window(partitions())
    read(window, A, (0, 100.0), (2, 200.0))
    read(window, B, (0, 100.0), (1, 120.0))
    assert window.between() == (100.0, 120.0)
    window.finish()  # what is missing at its end is no record
    assert window.between() == (100.0, 200.0)


def test_without_a_time_in_common_nothing_is_said() -> None:
    window = Window(partitions(from_beginning=False, to_end=False))
    assert window.between() is None
    read(window, A, (0, 100.0), (2, 200.0))
    assert window.between() is None  # of the other nothing was read yet
    read(window, B, (0, 300.0), (2, 400.0))
    assert window.between() is None


def test_an_empty_partition_sets_no_limit_and_records_without_a_time_none_either() -> None:
    window = Window({A: Partition(0, 3, from_beginning=True, to_end=True), B: Partition(7, 7, False, True)})
    read(window, A, (0, None), (1, 100.0), (2, 160.0))
    assert window.between() == (100.0, 160.0)
