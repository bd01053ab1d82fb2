"""Reads records from Kafka: poll, pause, commit, and the rebalance callbacks.

**Nothing raises out of a callback.** After an exception there the client drops the message that it would return next,
and close() can hang for ever. So a callback records what went wrong, and ``poll`` raises it afterwards.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.config.client_properties import consumer_properties
from connector.core.mapping.topics import Topics
from connector.core.records import Record, TopicPartition
from connector.kafka.commits import Commits
from connector.kafka.errors import ABSENT, ErrorClassifier, refused, what_to_do
from connector.kafka.following import Following, existing
from connector.kafka.leaving import leave
from connector.kafka.messages import HeaderReader, for_client, place_of, record_of
from connector.kafka.missed import MissedRecords
from connector.kafka.reach import Listening, quiet
from connector.kafka.startup import FIRST_ANSWER, known_cluster, require_names, require_topics
from connector.logs import CLIENT, LogLimiter
from connector.metrics import Metrics
from connector.ports import NO_NOTES, Notes, Offsets, Polled, Reach, Refused

log = structlog.get_logger()


class Listener(Protocol):
    """Follows the assignment; called from within ``poll`` and ``close``."""

    def on_assign(self, topic_partitions: Collection[TopicPartition]) -> None:
        """New partitions; may be none."""

    def on_revoke(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Partitions that are revoked once this returns."""

    def on_lost(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Partitions that were lost already."""


class KafkaSource:
    """A consumer group's member.

    Args:
        properties: librdkafka properties: the connection and the user's own; ours are added.
        topics: what to read.
        metrics: where errors and commits are counted.
        make_consumer: makes the client of its configuration.
        make_asker: makes another for one question, in any thread; it is closed with the answer.
        token_outage: see ``ErrorClassifier``.
    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        topics: Topics,
        metrics: Metrics,
        *,
        make_consumer: Callable[[dict[str, Any]], Consumer] = Consumer,
        make_asker: Callable[[dict[str, Any]], Consumer] = Consumer,
        token_outage: Callable[[], bool] = lambda: False,
    ) -> None:
        self._metrics = metrics
        self._topics = topics
        self._listener: Listener | None = None
        self._subscribed: frozenset[str] = frozenset()
        self._servers = str(properties.get("bootstrap.servers"))
        self._static = "group.instance.id" in properties
        self._revoked: set[TopicPartition] = set()
        self._failure: Exception | None = None
        self._limiter = LogLimiter(60.0)
        self._headers = HeaderReader(self._limiter)
        self._errors = ErrorClassifier(token_outage)
        self._last_error = ""
        self._trouble = ""  # the last error before there were partitions, without secrets
        self._placed = False
        self._listening = Listening(quiet(properties))
        callbacks = {"on_commit": self._on_commit, "error_cb": self._on_error, "stats_cb": self._listening.hear}
        self.consumer = make_consumer({**consumer_properties(properties), **callbacks, "logger": CLIENT})
        self._commits = Commits(self.consumer, metrics, self._limiter)
        self._missed = MissedRecords(self.consumer, metrics, latest=properties.get("auto.offset.reset") == "latest")
        self._following = Following(topics, properties, make_asker)

    def subscribe(self, listener: Listener) -> None:
        """Join the group; assignments come from within the polls that follow, and change as topics come and go."""
        self._listener = listener
        self._subscribe(listener)

    def _subscribe(self, listener: Listener) -> None:
        """Subscribe to names only (see core/mapping/topics.py). Partitions that stay are kept."""
        wanted = self._following.wanted
        try:
            if wanted:
                self.consumer.subscribe(
                    sorted(wanted),
                    on_assign=self._guarded(self._resumed(listener.on_assign)),
                    on_revoke=self._guarded(self._gone(listener.on_revoke)),
                    on_lost=self._guarded(self._gone(listener.on_lost)),
                )
            elif self._subscribed:
                self.consumer.unsubscribe()
        except KafkaException as error:
            self._take_in(error.args[0], "the Kafka client refuses a subscription: it is tried again")
            self._following.hurry()
            return
        self._subscribed = wanted

    def _follow(self) -> None:
        answered = self._following.look()
        if answered and self._listener is not None and self._following.wanted != self._subscribed:
            self._subscribe(self._listener)

    # -- callbacks --------------------------------------------------------------------------------------------

    def _guarded(
        self, handle: Callable[[list[TopicPartition]], None]
    ) -> Callable[[Consumer, list[ClientTopicPartition]], None]:
        def callback(_: Consumer, partitions: list[ClientTopicPartition]) -> None:
            try:
                handle([TopicPartition(each.topic, each.partition) for each in partitions])
            except Exception as error:  # noqa: BLE001  nothing may raise out of a callback
                self._failure = self._failure or error

        return callback

    def _gone(self, handle: Callable[[Collection[TopicPartition]], None]) -> Callable[[list[TopicPartition]], None]:
        def gone(topic_partitions: list[TopicPartition]) -> None:
            self._revoked.update(topic_partitions)
            self._missed.forget(topic_partitions)
            self._following.hurry()  # under KIP-848 nothing else reports a deleted topic
            handle(topic_partitions)

        return gone

    def _resumed(self, handle: Callable[[Collection[TopicPartition]], None]) -> Callable[[list[TopicPartition]], None]:
        def assigned(topic_partitions: list[TopicPartition]) -> None:
            handle(topic_partitions)
            self._trouble, self._placed = "", True
            # A pause survives revocation and returns with the partition, but the loop counts it as unpaused.
            self.resume(topic_partitions)
            self._missed.assigned(topic_partitions)

        return assigned

    def _on_commit(self, error: KafkaError | None, partitions: list[ClientTopicPartition]) -> None:
        try:
            self._commits.ended(error, partitions)
        except Exception as failure:  # noqa: BLE001  nothing may raise out of a callback
            self._failure = self._failure or failure

    def _on_error(self, error: KafkaError) -> None:
        try:
            self._take_in(error, "the Kafka client reported an error")
        except Exception as failure:  # noqa: BLE001  nothing may raise out of a callback
            self._failure = self._failure or failure

    def _take_in(self, error: KafkaError, what: str) -> None:
        self._metrics.kafka_errors.labels(error.name()).inc()
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  which says less than what came before it
            self._last_error = error.str()
        if error.code() in ABSENT:
            self._following.hurry()
        final, advice = self._errors.classify(error), what_to_do(error, self._servers)
        if error.code() != KafkaError._ALL_BROKERS_DOWN and not self._placed:  # noqa: SLF001
            self._trouble = f"{error.name()}: {advice or 'see the log'}"
        if final is not None:
            self._failure = self._failure or final
        elif self._limiter.allow((error.name(), advice or "")):
            log.warning(what, code=error.name(), detail=error.str(), **({"what_to_do": advice} if advice else {}))

    # -- in ---------------------------------------------------------------------------------------------------

    def poll(self, limit: int, timeout: float) -> Polled:
        """See ``ports.Source``.

        Raises:
            Refused: Kafka will not serve this client until somebody changes something.
        """
        try:
            messages = self._messages(limit, timeout)
        except (KafkaException, SystemError) as raised:
            # A fatal error of the client is raised here and does not reach its callbacks. It becomes a SystemError if
            # a callback is called meanwhile. Messages may be lost, so the process has to stop.
            raise self._failure or refused(raised) from raised
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        polled = self._sorted(messages)
        self._missed.look()
        self._follow()
        return polled

    def _messages(self, limit: int, timeout: float) -> list[Message]:
        # consume() would wait for all of ``limit``; poll() returns with the first, and the rest is there already.
        first = self.consumer.poll(timeout)
        if limit == 1 or first is None:
            return [] if first is None else [first]
        self._revoked.clear()
        more = self.consumer.consume(limit - 1, 0)
        # Its partition may have been revoked in between: then the next owner reads it.
        return more if place_of(first) in self._revoked else [first, *more]

    def _sorted(self, messages: Iterable[Message]) -> Polled:
        records: list[Record] = []
        ends: dict[TopicPartition, int] = {}
        headers, read = self._headers.of, self._missed.read
        for message in messages:
            error = message.error()
            if error is None:
                record = record_of(message, headers(message))
                records.append(record)
                read(record)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                ends[place_of(message)] = message.offset() or 0
            else:
                self._take_in(error, "Kafka answered a fetch with an error")
        return Polled(records, ends, self._missed.take_notes())

    def pause(self, topic_partitions: Collection[TopicPartition]) -> None:
        """See ``ports.Source``."""
        if topic_partitions:
            self.consumer.pause(for_client(topic_partitions))

    def resume(self, topic_partitions: Collection[TopicPartition]) -> None:
        """See ``ports.Source``."""
        if topic_partitions:
            self.consumer.resume(for_client(topic_partitions))

    # -- commits ----------------------------------------------------------------------------------------------

    def commit(self, offsets: Mapping[TopicPartition, int], notes: Notes = NO_NOTES) -> bool:
        """See ``ports.Source``."""
        return self._commits.begin(offsets, notes)

    def committed(self) -> Mapping[TopicPartition, int]:
        """See ``ports.Source``."""
        return self._commits.acknowledged()

    def commit_now(self, offsets: Offsets, notes: Notes = NO_NOTES) -> Offsets:
        """See ``ports.Source``. With the coordinator away this takes up to the session's time-out."""
        return self._commits.commit_now(offsets, notes)

    # -- what else the client knows ---------------------------------------------------------------------------

    def end_offsets(self, topic_partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See ``ports.Source``."""
        ends: dict[TopicPartition, int] = {}
        for topic_partition in topic_partitions:
            place = ClientTopicPartition(topic_partition.topic, topic_partition.partition)
            _, end = self.consumer.get_watermark_offsets(place, cached=True)
            if end >= 0:
                ends[topic_partition] = end
        return ends

    def reach(self) -> Reach:
        """See ``ports.Source``."""
        topics = self._following.anything
        trouble = self._trouble if topics else ", ".join(self._topics.patterns)
        gone = tuple(self._following.missing)
        return self._listening.reach._replace(topics=topics, trouble=trouble, gone=gone)

    def require(
        self, dead_letter: str, timeout: float = FIRST_ANSWER, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Make sure that a broker answers, that the topics are there, and that the dead letters have theirs.

        Args:
            dead_letter: the topic of the dead letters.
            timeout: seconds to wait for a broker.
            stopping: whether the wait is to be given up; then nothing is made sure of.

        Raises:
            Unavailable: no broker answers, or a topic is missing, or none of the brokers can be found by its name.
            Refused: the brokers do not let this principal in.
        """
        servers = self._servers
        cluster = known_cluster(self.consumer, servers, timeout, stopping=stopping, heard=self._heard)
        if cluster is not None:
            self._errors.running()
            require_topics(cluster.topics, self._topics.names, dead_letter, servers)
            require_names({str(broker.host) for broker in cluster.brokers.values()})
            self._following.begin(existing(cluster.topics))

    def _heard(self) -> str:
        if isinstance(self._failure, Refused):
            raise self._failure
        return self._last_error

    def close(self) -> None:
        """Leave the group; calls the listener for what is still assigned. May hang: call it under a watchdog.

        A static member does not unsubscribe: it would leave the group, and its partitions are to wait for its return.
        """
        if not self._static:
            leave(self.consumer)
        self.consumer.close()
