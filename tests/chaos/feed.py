"""Writes traffic into a topic at a rate, in a thread, and notes where each record lies and when it was handed over."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from confluent_kafka import Producer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.chaos.streams import Row
    from tests.support.traffic import Expected

_FLUSH_SECONDS = 60.0
_WAKE_SECONDS = 0.05


class Feed(threading.Thread):
    """Records a second until they are out or `stop` is called.

    Idempotent, since a broker that is restarted would otherwise leave records twice or out of order, and the judge
    would blame the connector.

    Args:
        servers, topic: where to.
        records: key, value, and what must come of it.
        rate: records a second.
        placed: (partition, offset) → what must come of the record there; filled as the brokers acknowledge.
        place: the partition by what is expected of a record; unless given, the key decides.
    """

    def __init__(
        self,
        servers: str,
        topic: str,
        records: Iterable[Row],
        rate: float,
        placed: dict[tuple[int, int], Expected],
        place: Callable[[Expected], int] | None = None,
    ) -> None:
        super().__init__(name="feed", daemon=True)
        self.handed_over: dict[str, float] = {}  # event id → Unix time
        self._topic = topic
        self._records = records
        self._rate = rate
        self._placed = placed
        self._place = place
        self._stopping = threading.Event()
        self._failures: list[str] = []
        properties: dict[str, Any] = {
            "bootstrap.servers": servers,
            "enable.idempotence": True,
            "linger.ms": 5,
            "message.max.bytes": 1_000_000,
            "topic.metadata.refresh.interval.ms": 1_000,
            "log_level": 0,
        }
        self._producer = Producer(properties)

    def run(self) -> None:
        began = time.monotonic()
        for number, row in enumerate(self._records):
            self._wait_for(began + number / self._rate)
            if self._stopping.is_set():
                break
            self._write(row)
        if self._producer.flush(_FLUSH_SECONDS):
            self._failures.append("not all records were acknowledged")

    def _wait_for(self, due: float) -> None:
        while (early := due - time.monotonic()) > 0 and not self._stopping.is_set():
            self._producer.poll(min(early, _WAKE_SECONDS))

    def _write(self, row: Row) -> None:
        key, value, expected = row

        def note(error: Any, message: Any) -> None:
            if error is None:
                self._placed[message.partition(), message.offset()] = expected
            else:
                self._failures.append(error.str())

        if expected.event is not None:
            self.handed_over[expected.event["event"]["eventId"]] = time.time()
        where: dict[str, Any] = {} if self._place is None else {"partition": self._place(expected)}
        while True:
            try:
                self._producer.produce(self._topic, key=key, value=value, on_delivery=note, **where)
            except BufferError:
                self._producer.poll(_WAKE_SECONDS)
            else:
                return

    def stop(self) -> None:
        """Write no more; returns once all that was written is acknowledged, AssertionError where something is not."""
        self._stopping.set()
        self.finish()

    def finish(self) -> None:
        """Wait for the last record to be written and acknowledged; AssertionError where one is not."""
        self.join()
        assert not self._failures, f"the feed failed: {self._failures[:3]}"
