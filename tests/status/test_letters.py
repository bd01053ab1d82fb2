"""The dead letters remember the latest for the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from connector.core.records import Reason, Record, Rejection, Stage, TopicPartition
from connector.kafka.dead_letters import REMEMBERED, KafkaDeadLetters
from connector.metrics import Metrics
from tests.support.batches import opened

REJECTION = Rejection(Stage.MAP, Reason.MISSING_MEMBER, "no itemId", "itemId", "web", "view")


class QuickProducer:
    """A producer whose broker has everything at the next poll."""

    def __init__(self, _: dict[str, Any]) -> None:
        self._callbacks: list[Callable[[None, None], None]] = []

    def produce(self, _: str, *, on_delivery: Callable[[None, None], None], **__: Any) -> None:
        self._callbacks.append(on_delivery)

    def poll(self, _: float) -> None:
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(None, None)


def test_the_latest_dead_letters_are_remembered_once_the_broker_has_them_and_without_their_records() -> None:
    make: Any = QuickProducer
    producer: Callable[[dict[str, Any]], Producer] = make
    letters = KafkaDeadLetters(
        {}, "dead", connect_headers=False, group_id="g", metrics=Metrics(), clock=lambda: 7.0, make_producer=producer
    )
    for offset in range(REMEMBERED + 5):
        letters.put(opened(Record("clicks", 3, offset, None, b"key", b"value")), REJECTION)
    assert len(letters.latest) == 0
    assert len(letters.acknowledged()) == REMEMBERED + 5
    assert [each.offset for each in letters.latest] == list(range(5, REMEMBERED + 5))
    assert letters.latest[-1] == (7.0, TopicPartition("clicks", 3), REMEMBERED + 4, REJECTION)
