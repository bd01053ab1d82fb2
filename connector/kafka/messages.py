"""Converts between the Kafka client's types and ours, both ways."""

from collections.abc import Iterable, Mapping
from sys import intern
from typing import Any

import structlog
from confluent_kafka import Message
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.records import Record, TopicPartition, fast_constructor, known_timestamp
from connector.logs import LogLimiter
from connector.ports import NO_NOTES

log = structlog.get_logger()

MAX_HEADERS = 10_000  # of a record; a short header takes twenty times as much memory as in the fetch
Headers = tuple[tuple[str, bytes | None], ...]

_new_record = fast_constructor(Record)


def record_of(message: Message, headers: Headers) -> Record:
    """The message as a record: a copy, since a Message may keep its whole fetch in memory."""
    kind, timestamp = message.timestamp()
    key, value = message.key(), message.value()
    return _new_record(
        (
            intern(message.topic() or ""),  # the client makes a new text for each message
            message.partition() or 0,
            message.offset() or 0,
            known_timestamp(timestamp) if kind else None,
            key if type(key) is bytes else as_bytes(key),
            value if type(value) is bytes else as_bytes(value),
            headers,
        )
    )


class HeaderReader:
    """Reads the headers of messages; a record whose headers cannot be read is read without them.

    Args:
        limiter: of the log lines about such records.
    """

    def __init__(self, limiter: LogLimiter) -> None:
        self._limiter = limiter

    def of(self, message: Message) -> Headers:
        """The headers of a message, in their order."""
        try:
            found: Any = message.headers()
        except (SystemError, UnicodeError):
            # The client hands over no headers if the name of one is not UTF-8. To stop would mean to stop at every
            # restart, for as long as the record lies there; so it is read without.
            return self._without(message, "the name of one is not UTF-8")
        if not found:
            return ()
        if len(found) > MAX_HEADERS:
            return self._without(message, f"there are more than {MAX_HEADERS}")
        return tuple([(name, as_bytes(value)) for name, value in found])

    def _without(self, message: Message, why: str) -> Headers:
        if self._limiter.allow(("headers", message.topic() or "", why)):
            log.warning("a record is read without its headers", why=why, at=at(message))
        return ()


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


def with_offsets(
    offsets: Mapping[TopicPartition, int], notes: Mapping[TopicPartition, str] = NO_NOTES
) -> list[ClientTopicPartition]:
    """Offsets as the client takes them, with the notes that go with them."""
    return [ClientTopicPartition(*place, offset, notes.get(place, "")) for place, offset in offsets.items()]
