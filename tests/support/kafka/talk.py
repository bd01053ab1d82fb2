"""The least that a test says to a real broker: records in, records out."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaError, Message, Producer

FAILS_AFTER = 30.0  # seconds


def produce(servers: str, topic: str, *values: bytes) -> list[str]:
    """The errors that the broker reported; none if all are acknowledged by every copy in sync."""
    errors: list[str] = []

    def note(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            errors.append(error.str())

    settings: dict[str, str | int] = {"acks": "all", "linger.ms": 0, "reconnect.backoff.max.ms": 200}
    producer = Producer({"bootstrap.servers": servers, "log_level": 0, **settings})
    for value in values:
        producer.produce(topic, value, headers=[("n", value)], on_delivery=note)
    assert producer.flush(FAILS_AFTER) == 0
    return errors


def consumer(servers: str, group_id: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group_id,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,
        }
    )


def read(consumer: Consumer, count: int) -> list[Message]:
    messages: list[Message] = []
    deadline = time.monotonic() + FAILS_AFTER
    while len(messages) < count:
        assert time.monotonic() < deadline
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            messages.append(message)
    return messages
