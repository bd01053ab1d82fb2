"""Letters go back to the topics that their records came from, as they were, for the running connector to read."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from connector.core.records import Record, Rejection
from connector.core.sending.lanes import Batch
from connector.kafka.dead_letters import KafkaDeadLetters
from connector.kafka.letter import Letter
from connector.ports import CallResult


class Returned(KafkaDeadLetters):
    """Writes as dead letters are written: idempotent, acknowledged by all replicas, repeated until it succeeds.

    ``partitions`` is how many each source topic has. A record returns to its own partition, because the client's
    partitioner may differ from the one that the producer used; where it is gone, the key decides.
    """

    partitions: Mapping[str, int] = {}

    def _written(self, letter: Letter) -> tuple[str, Mapping[str, Any]]:
        record = letter.record
        own = record.partition < self.partitions.get(record.topic, 0)
        return record.topic, {
            "key": record.key,
            "value": record.value,
            "headers": list(record.headers),
            "timestamp": 0 if letter.undated else record.timestamp or 0,  # 0: the client's clock
            **({"partition": record.partition} if own else {}),
        }

    def _instead(self, letter: Letter, code: int) -> Letter | None:
        other = super()._instead(letter, code)
        # A stub is for dead letters: other consumers read the source topic.
        return None if other is not None and other.cut else other

    def _log_letter(self, record: Record, rejection: Rejection) -> None:
        """That a record returns is what was asked for."""


class NoCalls:
    """Stands for the service where none is called; ``ports.Sender``."""

    def submit(self, batch: Batch) -> None:  # noqa: ARG002  the Protocol's signature
        """No batch is made."""
        raise AssertionError("a replay to the topic makes no calls")

    def wait(self, timeout: float) -> Sequence[CallResult]:
        """Nothing comes: the wait is for what the producer acknowledges."""
        time.sleep(timeout)
        return ()
