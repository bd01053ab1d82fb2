"""A record knows its place and what holding it costs."""

from connector.core.records import Record, TopicPartition


def test_a_record_has_the_size_of_everything_that_it_carries() -> None:
    record = Record("t", 3, 7, None, b"key", b"value", (("h", b"12"), ("none", None)))
    assert record.size == len(b"key") + len(b"value") + len("h") + len(b"12") + len("none")
    assert Record("t", 3, 7, None, None, None).size == 0


def test_a_record_lies_in_its_partition() -> None:
    assert Record("t", 3, 7, None, None, None).topic_partition == TopicPartition("t", 3)
