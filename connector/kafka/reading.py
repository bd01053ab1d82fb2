"""Reads topics without a group: for commands that look at records and leave no trace of it.

The client joins no group and commits nothing. It names the configured group all the same, because a principal that may
read these topics may describe that group, and a group of another name would need a permission of its own.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as ClientTopicPartition
from confluent_kafka.admin import ClusterMetadata  # type: ignore[attr-defined]  # public, but not marked as exported

from connector.config.client_properties import question_properties
from connector.core.mapping.topics import Topics
from connector.core.positions import Position, Time, resolved
from connector.core.records import Record, TopicPartition
from connector.kafka.commits import committed_of
from connector.kafka.errors import ErrorClassifier, what_to_do
from connector.kafka.following import existing
from connector.kafka.messages import HeaderReader, place_of, record_of
from connector.kafka.outages import Outages
from connector.kafka.startup import FIRST_ANSWER, known_cluster, leaders, require_leaders, require_names
from connector.logs import CLIENT, LogLimiter
from connector.ports import Refused, Unavailable

ANSWERED_WITHIN = 10.0  # seconds for the answer to one question about offsets
SILENCE = 60.0  # seconds without a record or an end, while an error is known, until reading is given up
_POLL = 0.25  # seconds between two looks at whether to stop
_BATCH = 500  # messages that are taken at once


@dataclass(frozen=True, slots=True)
class Bounds:
    """Offsets of one partition: read from ``begin`` to before ``end``; its oldest record has ``first``."""

    begin: int
    end: int
    first: int


class TopicReader:
    """A client that reads without a group. Close it, or use it in a ``with``.

    Args:
        properties: librdkafka properties: the connection and the user's own, with ``group.id``.
        make_consumer: makes the client of its configuration.
    """

    def __init__(
        self, properties: Mapping[str, Any], make_consumer: Callable[[dict[str, Any]], Consumer] = Consumer
    ) -> None:
        self.servers = str(properties.get("bootstrap.servers"))
        self._errors = ErrorClassifier()
        self._failure: Refused | None = None
        self._last_error = ""
        self._advice: str | None = None
        self._headers = HeaderReader(LogLimiter(60.0))
        self.outages = Outages(self.servers, properties, lambda: self._last_error)
        self.consumer = make_consumer(
            {
                **question_properties(properties),
                **self.outages.properties,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",  # only where retention deletes a record between two looks
                "error_cb": self._on_error,
                "logger": CLIENT,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the client."""
        self.consumer.close()

    def _on_error(self, error: KafkaError) -> None:
        # Nothing may raise out of a callback: what went wrong is kept, and raised by the call that waits.
        self._failure = self._failure or self._errors.classify(error)
        self._last_error = error.str()
        self._advice = what_to_do(error, self.servers)

    def _heard(self) -> str:
        if self._failure is not None:
            raise self._failure
        return self._last_error

    # -- questions --------------------------------------------------------------------------------------------

    def cluster(
        self, timeout: float = FIRST_ANSWER, stopping: Callable[[], bool] = lambda: False
    ) -> ClusterMetadata | None:
        """Brokers and topics; None where the wait was given up.

        Raises:
            Unavailable: no broker answers within ``timeout`` seconds.
            Refused: the brokers do not let this principal in.
        """
        return known_cluster(self.consumer, self.servers, timeout, stopping=stopping, heard=self._heard)

    def topics(self, timeout: float = FIRST_ANSWER, stopping: Callable[[], bool] = lambda: False) -> frozenset[str]:
        """The names of all topics that this principal may describe; none where the wait was given up.

        Raises:
            Unavailable: no broker answers within ``timeout`` seconds, or none can be found by its name.
            Refused: the brokers do not let this principal in.
        """
        cluster = self.cluster(timeout, stopping)
        if cluster is None:
            return frozenset()
        require_names({str(broker.host) for broker in cluster.brokers.values()})
        return existing(cluster.topics)

    def wanted(self, topics: Topics, timeout: float = FIRST_ANSWER) -> list[str]:
        """The existing topics that pipelines read, sorted.

        Raises:
            Unavailable: as ``topics``, or a topic that the file names does not exist, or there is none at all to read.
            Refused: as ``topics``.
        """
        known = self.topics(timeout)
        absent = sorted(set(topics.names) - known)
        if absent:
            raise Unavailable(
                f"topic {absent[0]} does not exist at {self.servers}, or this principal may not describe it: "
                "create it, correct pipelines[].topics, or allow Describe on it"
            )
        found = sorted(topics.among(known))
        if not found:
            raise Unavailable(
                f"no topic at {self.servers} matches {', '.join(topics.patterns)}: a pattern must match the whole name"
            )
        return found

    def ends(self, topics: Collection[str]) -> dict[TopicPartition, tuple[int, int]]:
        """For each partition the offset of its oldest record, and the one that its next record will get.

        Raises:
            Unavailable: a broker does not answer.
        """
        with self._asking():
            places = [ClientTopicPartition(*each) for each in leaders(self.consumer, topics, ANSWERED_WITHIN)]
            try:
                found = [self.consumer.get_watermark_offsets(place, timeout=ANSWERED_WITHIN) for place in places]
            except KafkaException:
                require_leaders(leaders(self.consumer, topics, ANSWERED_WITHIN))  # as it is by now
                raise
        return {TopicPartition(place.topic, place.partition): ends for place, ends in zip(places, found, strict=True)}

    def bounds(
        self, topics: Collection[str], begin: Position, end: Position | None = None
    ) -> dict[TopicPartition, Bounds]:
        """Where to begin and to end in each partition; without an ``end`` it is where the partition ends now.

        Raises:
            Unavailable: a broker does not answer.
        """
        ends = self.ends(topics)
        begins, stops = self._at_time(begin, ends), self._at_time(end, ends)
        found: dict[TopicPartition, Bounds] = {}
        for place, (first, last) in ends.items():
            start = resolved(begin, first, last, begins.get(place))
            stop = last if end is None else resolved(end, first, last, stops.get(place))
            found[place] = Bounds(start, max(start, stop), first)
        return found

    def _at_time(self, position: Position | None, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offsets from a time on; a partition without a record that young is left out."""
        if not isinstance(position, Time) or not places:
            return {}
        asked = [ClientTopicPartition(place.topic, place.partition, position.ms) for place in places]
        with self._asking():
            answers = self.consumer.offsets_for_times(asked, timeout=ANSWERED_WITHIN)
        return {TopicPartition(each.topic, each.partition): each.offset for each in answers if each.offset >= 0}

    def committed(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets that the configured group has committed; a partition without one is left out.

        Raises:
            Unavailable: the group's coordinator does not answer.
            Refused: this principal may not describe the group.
        """
        return {place: offset for place, (offset, _) in self.commits(places).items()}

    def commits(self, places: Collection[TopicPartition]) -> dict[TopicPartition, tuple[int, str]]:
        """The same, each with the note that was committed beside it."""
        with self._asking():
            answers = committed_of(self.consumer, places)
        return {
            TopicPartition(each.topic, each.partition): (each.offset, each.metadata or "")
            for each in answers
            if each.offset >= 0
        }

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            raise self._unavailable(error.args[0]) from None

    def _unavailable(self, error: KafkaError) -> Exception:
        final = self._failure or self._errors.classify(error)
        if final is not None:
            return final
        advice = (
            what_to_do(error, self.servers) or self._advice or "try again, and look at the brokers if it comes back"
        )
        return Unavailable(f"Kafka at {self.servers} did not answer a question ({error.str()}): {advice}")

    # -- records ----------------------------------------------------------------------------------------------

    def records(
        self,
        bounds: Mapping[TopicPartition, Bounds],
        *,
        follow: bool = False,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Iterator[Record | None]:
        """The records within the bounds, in order within each partition; None now and then while none comes.

        Args:
            bounds: where to read; nothing else is read.
            follow: whether to go on after the ends, with what is written later; then it waits for brokers, too.
            stopping: whether to stop; asked several times a second.

        Raises:
            Unavailable: the brokers went away and did not come back.
            Refused: the brokers do not let this principal read.
        """
        left = {place for place, each in bounds.items() if follow or each.begin < each.end}
        if not left:
            return
        self.consumer.assign(
            [ClientTopicPartition(place.topic, place.partition, bounds[place].begin) for place in sorted(left)]
        )
        # A partition that was left in an earlier read is still paused.
        self.consumer.resume([ClientTopicPartition(place.topic, place.partition) for place in left])
        heard = time.monotonic()
        try:
            while left and not stopping():
                messages = self._messages()
                for message in messages:
                    place = place_of(message)
                    record = self._taken(message)
                    if not follow and place in left and self._over(message, bounds[place].end):
                        self._leave(left, place)
                    if record is not None and (follow or record.offset < bounds[place].end):
                        yield record
                if messages:
                    heard = time.monotonic()
                elif self._heard() and not follow and time.monotonic() - heard > SILENCE:
                    raise Unavailable(
                        f"no record came from Kafka at {self.servers} for {SILENCE:g} s ({self._last_error}): "
                        + (self._advice or "try again, and look at the brokers if it comes back")
                    )
                else:
                    yield None
        finally:
            self.consumer.unassign()

    def _messages(self) -> list[Message]:
        try:
            return self.consumer.consume(_BATCH, _POLL)
        except KafkaException as error:
            raise self._unavailable(error.args[0]) from None

    def _taken(self, message: Message) -> Record | None:
        error = message.error()
        if error is None:
            return record_of(message, self._headers.of(message))
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
            self._on_error(error)
            self._heard()
        return None

    @staticmethod
    def _over(message: Message, end: int) -> bool:
        """Whether nothing before ``end`` follows. Transactions and compaction leave offsets that no record has."""
        offset = message.offset()
        if message.error() is None:
            return offset is not None and offset >= end - 1
        return message.error().code() == KafkaError._PARTITION_EOF and (offset or 0) >= end  # type: ignore[union-attr]  # noqa: SLF001

    def _leave(self, left: set[TopicPartition], place: TopicPartition) -> None:
        left.discard(place)
        self.consumer.pause([ClientTopicPartition(place.topic, place.partition)])
