"""What the page needs of calls and dead letters is noted where they pass, once for each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from connector.core.records import Reason, Record, Rejection, Stage, TopicPartition
from connector.kafka.dead_letters import REMEMBERED, KafkaDeadLetters
from connector.metrics import Metrics
from connector.status.taps import CountedCalls
from tests.support.batches import batch, opened
from tests.support.fakes import Clock, FakeSender

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


def test_calls_are_counted_by_tracking_id_and_handed_on() -> None:
    sender = FakeSender(Clock())
    counted = CountedCalls(sender)
    batches = [batch(tracking_id=name) for name in ("a", "b", "a")]
    for each in batches:
        counted.submit(each)
    assert counted.counts == {"a": 2, "b": 1}
    assert sender.calls == batches
    assert [answer.batch for answer in counted.wait(1.0)] == batches


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
