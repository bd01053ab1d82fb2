"""Commits of a group's member: one at a time, and what the broker has acknowledged of them; what a group committed."""

import time
from collections.abc import Collection, Iterable, Mapping

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.records import TopicPartition
from connector.kafka.messages import for_client, with_offsets
from connector.logs import LogLimiter
from connector.metrics import Metrics
from connector.ports import NO_NOTES, Notes, Offsets

log = structlog.get_logger()

_REVOKED = frozenset(
    {
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError._STATE,  # noqa: SLF001
        KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001
    }
)

ANSWERED_WITHIN = 10.0  # seconds for the answer to a question about offsets
_AGAIN = 0.25  # seconds between two questions to a coordinator that starts
# What a coordinator answers for a moment after its start, or after another took over.
_STARTING = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)


def committed_of(consumer: Consumer, places: Collection[TopicPartition]) -> list[ClientTopicPartition]:
    """What the group of the consumer has committed; asks again for some seconds while a coordinator starts up.

    Raises:
        KafkaException: no usable answer came.
    """
    asked = for_client(places)
    deadline = time.monotonic() + ANSWERED_WITHIN
    while True:
        try:
            answers = consumer.committed(asked, timeout=ANSWERED_WITHIN)
            errors = [each.error for each in answers if each.error is not None]
        except KafkaException as error:
            answers, errors = [], [error.args[0]]
        if not errors:
            return answers
        if errors[0].code() not in _STARTING or time.monotonic() > deadline:
            raise KafkaException(errors[0])
        time.sleep(_AGAIN)  # nothing tells when the coordinator has read its topic


class Commits:
    """Commits offsets of a consumer's partitions.

    Args:
        consumer: commits; its ``on_commit`` has to end in ``ended``.
        metrics: where commits and errors are counted.
        limiter: of the log lines about failures.
    """

    def __init__(self, consumer: Consumer, metrics: Metrics, limiter: LogLimiter) -> None:
        self._consumer = consumer
        self._metrics = metrics
        self._limiter = limiter
        self._under_way = False
        self._acknowledged: dict[TopicPartition, int] = {}

    def begin(self, offsets: Mapping[TopicPartition, int], notes: Notes = NO_NOTES) -> bool:
        """Begin to commit; False where the commit before has not ended."""
        # Two commits under way can overtake each other, and the committed offset would go back.
        if self._under_way:
            return False
        self._under_way = True
        try:
            self._consumer.commit(offsets=with_offsets(offsets, notes), asynchronous=True)
        except KafkaException as error:
            self._under_way = False
            self._failed(error.args[0])
        return True

    def ended(self, error: KafkaError | None, partitions: Iterable[ClientTopicPartition]) -> None:
        """A commit that was begun has ended: what the client calls back with."""
        self._under_way = False
        self._acknowledged.update(self._outcome(error, partitions))

    def acknowledged(self) -> Mapping[TopicPartition, int]:
        """What the broker has acknowledged of these since the last call."""
        acknowledged, self._acknowledged = self._acknowledged, {}
        return acknowledged

    def commit_now(self, offsets: Offsets, notes: Notes = NO_NOTES) -> Offsets:
        """Commit and wait for the answer; returns what the broker acknowledged. Never raises."""
        if not offsets:
            return {}
        try:
            partitions = self._consumer.commit(offsets=with_offsets(offsets, notes), asynchronous=False)
        except KafkaException as error:
            self._failed(error.args[0])
            return {}
        return self._outcome(None, partitions or [])

    def _outcome(
        self, error: KafkaError | None, partitions: Iterable[ClientTopicPartition]
    ) -> dict[TopicPartition, int]:
        # The request may succeed while one of its partitions fails.
        errors = [each.error for each in partitions if each.error is not None]
        if error is not None or errors:
            self._failed(error or errors[0])
        done = {
            TopicPartition(each.topic, each.partition): each.offset
            for each in partitions
            if error is None and each.error is None and each.offset >= 0
        }
        if done:
            self._metrics.commits.labels("ok").inc()
            self._metrics.last_commit.set_to_current_time()
        return done

    def _failed(self, error: KafkaError) -> None:
        self._metrics.commits.labels("error").inc()
        self._metrics.kafka_errors.labels(error.name()).inc()
        if self._limiter.allow(("commit", error.name())):
            revoked = error.code() in _REVOKED
            then = "its partitions have another owner, who reads them again" if revoked else "it is tried again"
            log.warning("a commit failed", then=then, code=error.name(), detail=error.str())
