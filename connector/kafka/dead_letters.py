"""Writes invalid records to the dead-letter topic, unchanged, with headers that say what is wrong.

Until the broker has acknowledged a letter, its record stays open and uncommitted, so nothing is dropped here. A letter
that fails is written again, for as long as it takes. A letter that is too large becomes a stub that says where the
record lies; one whose timestamp the topic refuses gets the time of writing. A topic refuses a whole batch for one of
its letters, so a reason counts only for a letter that was refused alone.

A fatal error of the producer does not reach its callbacks: confluent-kafka raises it out of ``poll``, and the remaining
delivery reports of that poll are lost. So this module keeps its own list of what the producer still has.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connector.config.client_properties import PRODUCER_OF_SINGLE_LETTERS, producer_properties
from connector.core.records import Record, Rejection, TopicPartition
from connector.core.sending.offsets import OpenRecord
from connector.kafka.aside import Aside
from connector.kafka.errors import ABSENT
from connector.kafka.letter import ALL, Letter, headers, stub_of
from connector.logs import CLIENT, LogLimiter
from connector.metrics import Metrics

log = structlog.get_logger()


REPEAT_AFTER = 1.0  # seconds
LOOKED_UP = 5.0  # seconds that the brokers have to say whether the topic is there
REMEMBERED = 20  # of the latest dead letters, for the status page
# These do not say why: a topic that is gone looks like one whose brokers are away.
_UNCLEAR = ABSENT | {KafkaError._MSG_TIMED_OUT}  # noqa: SLF001


class Buried(NamedTuple):
    """A dead letter that the broker has: since when, where its record lies, what is wrong; nothing of the record."""

    at: float
    topic_partition: TopicPartition
    offset: int
    rejection: Rejection


class KafkaDeadLetters:
    """The dead-letter topic.

    ``latest`` are the last few that the broker has, the newest at the end; ``trouble`` is why the next do not come to
    it, in words, "" where that is not known or they do.

    Args:
        properties: librdkafka properties of the connection.
        topic: where to.
        connect_headers: also write the headers that Kafka Connect's tools read.
        group_id: named in those as the connector.
        metrics: where failures are counted.
        clock: seconds that never go back.
        make_producer: tests give a fake.
        as_source: the source record of one that is read; a replay reads letters.
    """

    _lone: Producer | None = None  # of batches of one letter; made when there is one to write

    def __init__(
        self,
        properties: Mapping[str, Any],
        topic: str,
        *,
        connect_headers: bool,
        group_id: str,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        make_producer: Callable[[dict[str, Any]], Producer] = Producer,
        as_source: Callable[[Record], Record] = lambda record: record,
    ) -> None:
        self._as_source = as_source
        self.latest: deque[Buried] = deque(maxlen=REMEMBERED)
        self.trouble = ""
        self._topic = topic
        self._unclear: KafkaError | None = None
        self._lookup: Aside[str] = Aside()
        self._connector = group_id if connect_headers else None
        self._metrics = metrics
        self._clock = clock
        self._limiter = LogLimiter(60.0, clock)
        self._letters = LogLimiter(10.0, clock)
        self._configuration = {
            **producer_properties(properties),
            "error_cb": self._on_error,
            "logger": CLIENT,
        }
        self._make_producer = make_producer
        self._producer = make_producer(self._configuration)
        self._broken = False
        self._pending: dict[int, OpenRecord] = {}
        self._under_way: dict[int, Letter] = {}  # those that the producer has
        self._done: list[tuple[OpenRecord, Rejection]] = []
        self._again: deque[tuple[float, Letter]] = deque()  # and from when on; in that order

    def put(self, opened: OpenRecord, rejection: Rejection) -> None:
        """See ``ports.DeadLetters``."""
        if opened.record is None:
            return
        record = self._as_source(opened.record)
        self._log_letter(record, rejection)
        self._pending[id(opened)] = opened
        self._produce(Letter(opened, record, rejection))

    def _log_letter(self, record: Record, rejection: Rejection) -> None:
        kind = (record.topic, rejection.reason)
        if self._letters.allow(kind):
            log.warning(
                "a record goes to the dead letters",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                stage=rejection.stage.value,
                reason=rejection.reason.value,
                detail=rejection.message,
                more_of_this_kind_before=self._letters.left_out(kind),
            )

    def _written(self, letter: Letter) -> tuple[str, Mapping[str, Any]]:
        """The topic, and what is written to it: key, value, headers and timestamp."""
        record = letter.record if letter.cut < ALL else letter.record._replace(key=None, headers=())
        return self._topic, {
            "key": record.key,
            "value": stub_of(letter.record) if letter.cut else record.value,
            "headers": headers(record, letter.rejection, self._connector, stub=letter.cut > 0),
            "timestamp": 0 if letter.undated else record.timestamp or 0,  # 0: the client's clock
        }

    def _produce(self, letter: Letter) -> None:
        self._under_way[id(letter.opened)] = letter
        try:
            topic, message = self._written(letter)
            self._writer(letter).produce(topic, **message, on_delivery=self._on_delivery(letter))
        except BufferError:
            self._later(letter)
        except KafkaException as error:
            self._failed(letter._replace(alone=True), error.args[0])  # the client itself refuses it

    def _writer(self, letter: Letter) -> Producer:
        if not letter.alone:
            return self._producer
        if self._lone is None:
            self._lone = self._make_producer({**self._configuration, **PRODUCER_OF_SINGLE_LETTERS})
        return self._lone

    @property
    def _producers(self) -> list[Producer]:
        return [self._producer] if self._lone is None else [self._producer, self._lone]

    def _on_delivery(self, letter: Letter) -> Callable[[KafkaError | None, Message], None]:
        def delivered(error: KafkaError | None, _: Message) -> None:
            # A callback must not raise, so it only records.
            if self._under_way.get(id(letter.opened)) is not letter:
                return  # given to another producer since
            if error is not None:
                self._failed(letter, error)
                return
            del self._under_way[id(letter.opened)]
            self._pending.pop(id(letter.opened), None)
            self._done.append((letter.opened, letter.rejection))

        return delivered

    def _later(self, letter: Letter) -> None:
        self._under_way.pop(id(letter.opened), None)
        self._again.append((self._clock() + REPEAT_AFTER, letter))

    def _instead(self, letter: Letter, code: int) -> Letter | None:
        """What to write in its place after that refusal; None: it is written again as it is."""
        return letter.instead(code)

    def _failed(self, letter: Letter, error: KafkaError) -> None:
        self._metrics.dead_letter_errors.inc()
        self._broken = self._broken or error.fatal() or error.code() == KafkaError._FATAL  # noqa: SLF001
        other = self._instead(letter, error.code())
        if other is not None:
            self._under_way.pop(id(letter.opened), None)
            self._again.appendleft((self._clock(), other))
            if other.undated and not letter.undated:
                self._log_timestamp()
            return
        self._later(letter)
        if error.code() in _UNCLEAR:
            self._unclear = error
        else:
            self._log_failure(error, "")

    def _look_up(self) -> None:
        """Ask the brokers, beside the loop, whether the topic of letters that failed still exists."""
        error, ended = self._unclear, self._lookup.ended()
        if error is None:
            return
        if ended:
            self._unclear = None
            self.trouble = self._lookup.found or "no broker answers"
            self._log_failure(error, self.trouble)
        elif not self._lookup.busy and self._letters.allow(("lookup",)):
            self._lookup.ask(partial(_what_is_wrong, self._producer, self._topic))

    def _log_failure(self, error: KafkaError, why: str) -> None:
        if self._limiter.allow((error.name(), why)):
            log.error(
                "a dead letter could not be written: it is tried again, and its record stays uncommitted",
                topic=self._topic,
                code=error.name(),
                detail=error.str(),
                **({"why": why} if why else {}),
            )

    def _log_timestamp(self) -> None:
        if self._limiter.allow(("undated",)):
            log.warning(
                "the dead-letter topic refuses the timestamp of a record: its letter has the time of writing",
                topic=self._topic,
                what_to_do="set message.timestamp.type=LogAppendTime on the topic",
            )

    def _on_error(self, error: KafkaError) -> None:
        # A callback must not raise, so it only records.
        self._metrics.kafka_errors.labels(error.name()).inc()
        self._broken = self._broken or error.fatal()

    def acknowledged(self) -> Sequence[tuple[OpenRecord, Rejection]]:
        """See ``ports.DeadLetters``."""
        if not self._pending and not self._done:
            return ()
        self._serve()
        if self._broken:
            self._replace_producer()
        self._look_up()
        self._repeat()
        done, self._done = self._done, []
        if done:
            self.trouble, self._unclear = "", None
        now = self._clock()
        for opened, rejection in done[-REMEMBERED:]:
            self.latest.append(Buried(now, opened.owner.topic_partition, opened.offset, rejection))
        return done

    def _serve(self) -> None:
        for producer in self._producers:
            try:
                producer.poll(0)
            except (KafkaException, SystemError):
                # SystemError is what a callback makes of it that was called with the exception under way.
                self._broken = True

    def _repeat(self) -> None:
        now = self._clock()
        while self._again and self._again[0][0] <= now:
            _, letter = self._again.popleft()
            if letter.opened.revoked:
                self._pending.pop(id(letter.opened), None)
            else:
                self._produce(letter)

    def _replace_producer(self) -> None:
        # An idempotent producer that has met a fatal error never writes again.
        log.warning("the dead-letter producer met a fatal error and is replaced")
        for producer in self._producers:
            producer.purge()
        self._serve()
        for letter in list(self._under_way.values()):
            self._later(letter)
        self._producer, self._lone = self._make_producer(self._configuration), None
        self._broken = False

    def pending(self) -> Collection[OpenRecord]:
        """See ``ports.DeadLetters``."""
        return self._pending.values()

    def close(self, seconds: float) -> None:
        """Wait up to so many seconds for what is under way."""
        deadline = self._clock() + seconds
        for producer in self._producers:
            try:
                producer.flush(max(0.0, deadline - self._clock()))
            except (KafkaException, SystemError):
                self._broken = True


def _what_is_wrong(producer: Producer, topic: str) -> str:
    """Why a letter to the topic may have failed; raises if no broker answers."""
    error = producer.list_topics(topic, timeout=LOOKED_UP).topics[topic].error
    if error is None:
        return f"the topic {topic} exists, but the brokers that lead it accept nothing: check them"
    if error.code() in ABSENT:
        return f"the topic {topic} does not exist: create it; until then dead letters wait"
    return f"the topic {topic} cannot be used ({error.name()}): check it, and what this principal may do with it"
