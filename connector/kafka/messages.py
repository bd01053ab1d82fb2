"""What Kafka's client hands over and takes, as values of ours."""

from collections.abc import Iterable, Mapping
from sys import intern

from confluent_kafka import Message
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.records import Record, TopicPartition, fast_constructor, known_timestamp

Headers = tuple[tuple[str, bytes | None], ...]

_new_record = fast_constructor(Record)


def record_of(message: Message, headers: Headers) -> Record:
    """The message as a record: copies, since a Message held on to may pin the whole fetch that it came with."""
    kind, timestamp = message.timestamp()
    key, value = message.key(), message.value()
    return _new_record(
        (
            intern(message.topic() or ""),  # the client makes it anew for each message
            message.partition() or 0,
            message.offset() or 0,
            known_timestamp(timestamp) if kind else None,
            key if type(key) is bytes else as_bytes(key),
            value if type(value) is bytes else as_bytes(value),
            headers,
        )
    )


def as_bytes(value: str | bytes | None) -> bytes | None:
    """The client's types allow for text, too."""
    return value.encode() if isinstance(value, str) else value


def place_of(message: Message) -> TopicPartition:
    """Topic and partition."""
    return TopicPartition(message.topic() or "", message.partition() or 0)


def at(message: Message) -> str:
    """Where the message lies, for a log line."""
    return f"{message.topic()}-{message.partition()}@{message.offset()}"


def for_client(topic_partitions: Iterable[TopicPartition]) -> list[ClientTopicPartition]:
    """Places as the client takes them."""
    return [ClientTopicPartition(topic, partition) for topic, partition in topic_partitions]


def with_offsets(offsets: Mapping[TopicPartition, int]) -> list[ClientTopicPartition]:
    """Offsets as the client takes them."""
    return [ClientTopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
