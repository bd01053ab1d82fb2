"""Records from Kafka: poll, pause, commit, and the rebalance callbacks.

**Nothing raises out of a callback.** An exception in any of them makes the client drop the message that it would
have returned next, and can make close() hang for ever. So callbacks record what went wrong, and ``poll`` raises it
afterwards, when the only thing left to do is to stop.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.mapping.topics import Topics
from connector.core.records import Record, TopicPartition
from connector.kafka.errors import ABSENT, ErrorClassifier, refused, what_to_do
from connector.kafka.following import Following, existing
from connector.kafka.messages import Headers, as_bytes, at, for_client, place_of, record_of, with_offsets
from connector.kafka.missed import MissedRecords
from connector.kafka.reach import INTERVAL, Listening, quiet
from connector.kafka.startup import FIRST_ANSWER, known_cluster, require_names, require_topics
from connector.logs import CLIENT, LogLimiter
from connector.metrics import Metrics
from connector.ports import Polled, Reach, Refused

log = structlog.get_logger()

LEAVING = 0.05  # seconds a poll, on the way out of the group
SILENT = 2  # polls without a word, after which nothing calls back any more
PATIENCE = 100  # polls, after which it is left as it is
MAX_HEADERS = 10_000  # of a record; a short one takes twenty times in memory what it takes on the wire

# Ours, and why: config/client_properties.py refuses each in the file with the reason.
OWNED: Mapping[str, Any] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
}
# Prefetching is per partition; the client's own defaults can hold gigabytes.
DEFAULTS: Mapping[str, Any] = {
    "client.id": "putevents",
    "queued.min.messages": 5_000,
    "queued.max.messages.kbytes": 32_768,
    "fetch.queue.backoff.ms": 100,
    "statistics.interval.ms": INTERVAL,
}
_NO_LONGER_OURS = frozenset(
    {
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError._STATE,  # noqa: SLF001
        KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001
    }
)


class Listener(Protocol):
    """Who is told of the assignment; called from within ``poll`` and ``close``."""

    def on_assign(self, topic_partitions: Collection[TopicPartition]) -> None:
        """New partitions; may be none."""

    def on_revoke(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Partitions that are given up once this returns."""

    def on_lost(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Partitions that were given up already."""


class KafkaSource:
    """A consumer group's member.

    Args:
        properties: librdkafka properties: the connection and the user's own; ours are added.
        topics: what to read.
        metrics: where errors and commits are counted.
        make_consumer: makes the client of its configuration.
        make_asker: makes another for a question, in whatever thread; it is closed with the answer.
        excused: whether a refused login is of an outage of our own, see ``ErrorClassifier``.
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
        self._committing = False
        self._acknowledged: dict[TopicPartition, int] = {}
        self._let_go: set[TopicPartition] = set()
        self._failure: Exception | None = None
        self._limiter = LogLimiter(60.0)
        self._errors = ErrorClassifier(token_outage)
        self._last_error = ""
        self._trouble = ""  # the last before there were partitions, in words that may be shown
        self._placed = False
        self._listening = Listening(quiet(properties))
        callbacks: dict[str, Any] = {"on_commit": self._on_commit, "error_cb": self._on_error, "logger": CLIENT}
        callbacks["stats_cb"] = self._listening.hear
        self.consumer = make_consumer({**DEFAULTS, **_assignor(properties), **properties, **OWNED, **callbacks})
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
            self._take_in(error.args[0], "the Kafka client does not take a subscription: it is given again")
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
            self._let_go.update(topic_partitions)
            self._missed.forget(topic_partitions)
            self._following.hurry()  # a topic that is deleted shows in no other way, under KIP-848
            handle(topic_partitions)

        return gone

    def _resumed(self, handle: Callable[[Collection[TopicPartition]], None]) -> Callable[[list[TopicPartition]], None]:
        def assigned(topic_partitions: list[TopicPartition]) -> None:
            handle(topic_partitions)
            self._trouble, self._placed = "", True
            # A pause survives revocation and comes back with the partition; the loop believes it unpaused.
            self.resume(topic_partitions)
            self._missed.assigned(topic_partitions)

        return assigned

    def _on_commit(self, error: KafkaError | None, partitions: list[ClientTopicPartition]) -> None:
        self._committing = False
        try:
            self._acknowledged.update(self._outcome_of_commit(error, partitions))
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
        final, advice = self._errors.judge(error), what_to_do(error, self._servers)
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
            # A fatal error of the client comes this way and not through its callbacks; SystemError is what a callback
            # makes of it that was called with the exception under way. Messages may be lost: there is no going on.
            raise self._failure or refused(raised) from raised
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        polled = self._told_apart(messages)
        self._missed.look()
        self._follow()
        return polled

    def _messages(self, limit: int, timeout: float) -> list[Message]:
        # consume() would wait for all of ``limit``; poll() returns with the first, and the rest is there already.
        first = self.consumer.poll(timeout)
        if limit == 1 or first is None:
            return [] if first is None else [first]
        self._let_go.clear()
        more = self.consumer.consume(limit - 1, 0)
        # Its partition may have been revoked in between: what is not tracked yet is for the next owner.
        return more if place_of(first) in self._let_go else [first, *more]

    def _told_apart(self, messages: Iterable[Message]) -> Polled:
        records: list[Record] = []
        ends: dict[TopicPartition, int] = {}
        read = self._missed.read
        for message in messages:
            error = message.error()
            if error is None:
                record = record_of(message, self._headers(message))
                records.append(record)
                read(record)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                ends[place_of(message)] = message.offset() or 0
            else:
                self._take_in(error, "Kafka answered a fetch with an error")
        return Polled(records, ends)

    def _headers(self, message: Message) -> Headers:
        try:
            found: Any = message.headers()
        except (SystemError, UnicodeError):
            # The client hands no headers over if the name of one is not UTF-8. Stopping would stop at every restart,
            # for as long as the record lies there; so it is read without.
            return self._without_headers(message, "the name of one is not UTF-8")
        if not found:
            return ()
        if len(found) > MAX_HEADERS:
            return self._without_headers(message, f"there are more than {MAX_HEADERS}")
        return tuple([(name, as_bytes(value)) for name, value in found])

    def _without_headers(self, message: Message, why: str) -> Headers:
        if self._limiter.allow(("headers", message.topic() or "", why)):
            log.warning("a record is read without its headers", why=why, at=at(message))
        return ()

    def pause(self, topic_partitions: Collection[TopicPartition]) -> None:
        """See ``ports.Source``."""
        if topic_partitions:
            self.consumer.pause(for_client(topic_partitions))

    def resume(self, topic_partitions: Collection[TopicPartition]) -> None:
        """See ``ports.Source``."""
        if topic_partitions:
            self.consumer.resume(for_client(topic_partitions))

    # -- commits ----------------------------------------------------------------------------------------------

    def commit(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """See ``ports.Source``."""
        # Two commits under way can overtake each other, and the committed offset would go back.
        if self._committing:
            return False
        self._committing = True
        try:
            self.consumer.commit(offsets=with_offsets(offsets), asynchronous=True)
        except KafkaException as error:
            self._committing = False
            self._failed_commit(error.args[0])
        return True

    def committed(self) -> Mapping[TopicPartition, int]:
        """See ``ports.Source``."""
        acknowledged, self._acknowledged = self._acknowledged, {}
        return acknowledged

    def commit_now(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """See ``ports.Source``. With the coordinator away this takes up to the session's time-out."""
        if not offsets:
            return {}
        try:
            partitions = self.consumer.commit(offsets=with_offsets(offsets), asynchronous=False)
        except KafkaException as error:
            self._failed_commit(error.args[0])
            return {}
        return self._outcome_of_commit(None, partitions or [])

    def _outcome_of_commit(
        self, error: KafkaError | None, partitions: Iterable[ClientTopicPartition]
    ) -> dict[TopicPartition, int]:
        # The request may succeed while one of its partitions fails.
        errors = [each.error for each in partitions if each.error is not None]
        if error is not None or errors:
            self._failed_commit(error or errors[0])
        done = {
            TopicPartition(each.topic, each.partition): each.offset
            for each in partitions
            if error is None and each.error is None and each.offset >= 0
        }
        if done:
            self._metrics.commits.labels("ok").inc()
            self._metrics.last_commit.set_to_current_time()
        return done

    def _failed_commit(self, error: KafkaError) -> None:
        self._metrics.commits.labels("error").inc()
        self._metrics.kafka_errors.labels(error.name()).inc()
        if self._limiter.allow(("commit", error.name())):
            ours = error.code() not in _NO_LONGER_OURS
            then = "it is repeated" if ours else "its partitions have another owner, who reads them again"
            log.warning("a commit failed", then=then, code=error.name(), detail=error.str())

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

        An assignment that arrives within the client's own close() makes that hang for ever, with the interpreter's lock
        in hand. So everything that calls back happens before it, in polls. A static member does not unsubscribe: that
        would tell the group that it leaves, and its partitions are to wait for its return.
        """
        if not self._static:
            self._leave()
        self.consumer.close()

    def _leave(self) -> None:
        with contextlib.suppress(KafkaException, SystemError):
            self.consumer.unsubscribe()
            silent = 0
            for _ in range(PATIENCE):
                quiet = self.consumer.poll(LEAVING) is None and not self.consumer.assignment()
                silent = silent + 1 if quiet else 0
                if silent == SILENT:
                    break


def _assignor(properties: Mapping[str, Any]) -> dict[str, str]:
    if properties.get("group.protocol") == "consumer":
        return {}  # the broker assigns
    return {"partition.assignment.strategy": "cooperative-sticky"}
