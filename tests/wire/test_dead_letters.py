"""A dead letter is the record as it was, with headers that say what is wrong; it counts when the broker has it."""

import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import __version__
from connector.config.client_properties import PRODUCER_DEFAULTS, PRODUCER_FIXED
from connector.core.records import Reason, Record, Rejection, Stage, TopicPartition
from connector.core.sending.offsets import OpenRecord
from connector.kafka.dead_letters import KafkaDeadLetters
from connector.kafka.letter import headers
from connector.local.mock_cluster import ApiKey, MockCluster
from connector.metrics import Metrics
from tests.support.batches import opened
from tests.support.mock_cluster import FAILS_AFTER, read_all

TOPIC = "clicks.dead"
RECORD = Record(
    "clicks", 3, 42, 1_795_500_000_123, b"k\xff", b"\xffv", (("trace", b"a"), ("trace", b"b"), ("none", None))
)
REJECTION = Rejection(Stage.MAP, Reason.MISSING_MEMBER, "no itemId", "itemId", "web", "view", (1, 3))


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with MockCluster() as cluster:
        cluster.create_topic(TOPIC, 1)
        yield cluster


class Post:
    """Dead letters, a clock, and what was acknowledged."""

    def __init__(self, servers: str, make_producer: Callable[[dict[str, Any]], Any] = Producer, **more: Any) -> None:
        self.now = 100.0
        self.metrics = Metrics()
        options = {"connect_headers": False, "group_id": "g-1", **more}
        self.letters = KafkaDeadLetters(
            {"bootstrap.servers": servers, "retry.backoff.ms": 20, "retry.backoff.max.ms": 50},
            TOPIC,
            metrics=self.metrics,
            clock=lambda: self.now,
            make_producer=make_producer,
            **options,
        )
        self.done: list[tuple[OpenRecord, Rejection]] = []

    def put(self, record: Record = RECORD) -> OpenRecord:
        fresh = opened(record)
        self.letters.put(fresh, REJECTION)
        return fresh

    def take(self) -> None:
        self.done += self.letters.acknowledged()

    def until(self, claim: Callable[[], object]) -> None:
        deadline = time.monotonic() + FAILS_AFTER
        while not claim():
            assert time.monotonic() < deadline
            self.take()
            time.sleep(0.005)

    @property
    def errors(self) -> float | None:
        return self.metrics.registry.get_sample_value("putevents_dead_letter_errors_total")


class Batches:
    """A producer whose batch is all that lies between two polls, and one letter where it is to be one."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        self.single = configuration.get("batch.num.messages") == 1
        self.unsettled: list[dict[str, Any]] = []

    def produce(self, _: str, **message: Any) -> None:
        self.unsettled.append(message)

    def batches(self) -> list[list[dict[str, Any]]]:
        batch, self.unsettled = self.unsettled, []
        return [[each] for each in batch] if self.single else [batch] * bool(batch)


def _ours(message: Message) -> dict[str, str]:
    found: Any = message.headers()
    return {name: value.decode() for name, value in found if name.startswith(("putevents.", "__connect."))}


# -- what is written ------------------------------------------------------------------------------------------


def test_key_value_headers_and_timestamp_stay_and_ours_follow(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    fresh = post.put()
    post.until(lambda: post.done)
    assert post.done == [(fresh, REJECTION)]
    [message] = read_all(cluster.bootstrap_servers, TOPIC, 1)
    assert (message.key(), message.value(), message.timestamp()[1]) == (b"k\xff", b"\xffv", 1_795_500_000_123)
    found: Any = message.headers()
    assert tuple(found[:3]) == RECORD.headers
    assert _ours(message) == {
        "putevents.error.reason": "missing_member",
        "putevents.error.stage": "map",
        "putevents.error.message": "no itemId",
        "putevents.error.field": "itemId",
        "putevents.error.pipeline": "web",
        "putevents.error.rule": "view",
        "putevents.error.indexes": "1,3",
        "putevents.source.topic": "clicks",
        "putevents.source.partition": "3",
        "putevents.source.offset": "42",
        "putevents.source.timestamp": "1795500000123",
        "putevents.version": __version__,
        "putevents.replays": "0",
    }


def test_elements_of_lists_within_lists_are_named_by_their_place_in_each() -> None:
    ours = dict(headers(RECORD, REJECTION._replace(indexes=((1, 0), (2,), (10, 3))), None))
    assert ours["putevents.error.indexes"] == b"1/0,2,10/3"


def test_a_record_without_key_value_or_timestamp_stays_without(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    post.put(Record("clicks", 0, 0, None, None, None))
    post.until(lambda: post.done)
    [message] = read_all(cluster.bootstrap_servers, TOPIC, 1)
    assert (message.key(), message.value()) == (None, None)
    assert "putevents.source.timestamp" not in _ours(message)


def test_the_headers_of_kafka_connect_are_written_on_request(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers, connect_headers=True)
    post.put()
    post.until(lambda: post.done)
    [message] = read_all(cluster.bootstrap_servers, TOPIC, 1)
    connect = {name: value for name, value in _ours(message).items() if name.startswith("__connect.")}
    assert connect.keys() == {
        f"__connect.errors.{name}"
        for name in (
            "topic",
            "partition",
            "offset",
            "connector.name",
            "task.id",
            "stage",
            "class.name",
            "exception.class.name",
            "exception.message",
            "exception.stacktrace",
        )
    }
    assert connect["__connect.errors.topic"] == "clicks"
    assert connect["__connect.errors.connector.name"] == "g-1"
    assert connect["__connect.errors.exception.message"] == "no itemId"


def test_headers_of_an_earlier_letter_are_replaced_and_its_count_of_replays_is_kept() -> None:
    own: tuple[tuple[str, bytes | None], ...] = (
        ("trace", b"a"),
        ("putevents.error.reason", b"old"),
        ("putevents.source.offset", b"7"),
        ("putevents.replays", b"2"),
    )
    written = headers(RECORD._replace(headers=own), REJECTION, None)
    assert [value for name, value in written if name == "putevents.replays"] == [b"2"]
    assert [value for name, value in written if name == "putevents.error.reason"] == [b"missing_member"]
    assert [value for name, value in written if name == "putevents.source.offset"] == [b"42"]
    assert written[0] == ("trace", b"a")


@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        ([b"0"], b"0"),
        ([b"007"], b"7"),
        ([b"999999"], b"999999"),
        ([b"1000000"], b"0"),
        ([b"1" * 24], b"0"),
        ([b"-5"], b"0"),
        ([b"+5"], b"0"),
        ([b" 5"], b"0"),
        ([b"5\n"], b"0"),
        ([b"five"], b"0"),
        (["\u0665".encode()], b"0"),
        ([b"\xff"], b"0"),
        ([b""], b"0"),
        ([None], b"0"),
        ([], b"0"),
        ([b"1", b"2"], b"2"),
        ([b"1", b"-5", None], b"1"),
    ],
)
def test_a_count_of_replays_is_kept_where_it_can_be_one(counts: list[bytes | None], kept: bytes) -> None:
    own = tuple(("putevents.replays", count) for count in counts)
    written = headers(RECORD._replace(headers=own), REJECTION, None)
    assert [value for name, value in written if name == "putevents.replays"] == [kept]


def test_a_sources_own_headers_are_kept_whatever_they_begin_with() -> None:
    own = (
        ("putevents.tenant", b"a"),
        ("putevents.error", b"b"),
        ("putevents.", None),
        ("__connect.errors.trace", b"\xff"),
        ("__connect.errors.topic", b"of another connector"),
        ("putevents.tenant", b"c"),
    )
    kept = headers(RECORD._replace(headers=own), REJECTION, None)
    assert tuple(kept[: len(own)]) == own
    replaced = headers(RECORD._replace(headers=own), REJECTION, "g-1")
    assert tuple(replaced[:5]) == own[:4] + own[5:]


def test_no_header_of_an_earlier_letter_is_left_where_this_one_has_none() -> None:
    before = headers(RECORD, REJECTION, "g-1", stub=True)
    kept = tuple((name, value) for name, value in before if isinstance(value, bytes))
    record = RECORD._replace(timestamp=None, headers=kept)
    after = headers(record, Rejection(Stage.DECODE, Reason.NOT_JSON, "no JSON"), "g-1")
    names = [name for name, _ in after if name != "trace"]
    assert len(names) == len(set(names))
    revoked = {f"error.{name}" for name in ("field", "pipeline", "rule", "indexes")} | {"stub", "source.timestamp"}
    assert {f"putevents.{name}" for name in revoked}.isdisjoint(names)


def test_headers_of_kafka_connect_from_an_earlier_letter_are_not_doubled() -> None:
    own = (("__connect.errors.topic", b"old"),)
    written = headers(RECORD._replace(headers=own), REJECTION, "g-1")
    assert [value for name, value in written if name == "__connect.errors.topic"] == [b"clicks"]


# -- when it counts -------------------------------------------------------------------------------------------


def test_a_letter_counts_only_when_the_broker_has_it(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    cluster.push_delay(1, ApiKey.PRODUCE, 500)
    fresh = post.put()
    started = time.monotonic()
    post.take()
    assert (post.done, list(post.letters.pending())) == ([], [fresh])
    post.until(lambda: post.done)
    assert time.monotonic() - started > 0.4
    assert list(post.letters.pending()) == []


def test_a_letter_that_fails_is_written_again_until_the_broker_has_it(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    cluster.push_request_errors(ApiKey.PRODUCE, *[KafkaError.POLICY_VIOLATION] * 2)
    fresh = post.put()
    for failures in (1, 2):
        post.until(lambda failures=failures: post.errors == failures)  # type: ignore[misc]
        post.take()
        assert (post.done, list(post.letters.pending())) == ([], [fresh])
        post.now += 1.0
    post.until(lambda: post.done)
    assert len(read_all(cluster.bootstrap_servers, TOPIC, 1)) == 1


def test_a_letter_that_failed_waits_before_it_is_written_again(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    cluster.push_request_errors(ApiKey.PRODUCE, KafkaError.POLICY_VIOLATION)
    post.put()
    post.until(lambda: post.errors)
    for _ in range(50):
        post.take()
    assert len(post.letters._again) == 1


def test_a_letter_that_the_topic_is_too_small_for_becomes_a_stub(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    cluster.push_request_errors(ApiKey.PRODUCE, *[KafkaError.MSG_SIZE_TOO_LARGE] * 2)
    post.put()
    post.until(lambda: post.done)
    [message] = read_all(cluster.bootstrap_servers, TOPIC, 1)
    stub = orjson.loads(message.value() or b"")
    assert (stub["topic"], stub["partition"], stub["offset"], stub["value_bytes"]) == ("clicks", 3, 42, 2)
    assert stub["value_sha256"] == hashlib.sha256(b"\xffv").hexdigest()
    assert message.key() == b"k\xff"
    assert _ours(message)["putevents.stub"] == "true"


def test_a_stub_whose_key_and_headers_are_too_large_goes_without_them(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    cluster.push_request_errors(ApiKey.PRODUCE, *[KafkaError.MSG_SIZE_TOO_LARGE] * 3)
    post.put()
    post.until(lambda: post.done)
    [message] = read_all(cluster.bootstrap_servers, TOPIC, 1)
    assert message.key() is None
    found: Any = message.headers()
    assert len(found) == len(_ours(message))
    assert _ours(message)["putevents.source.offset"] == "42"


def test_letters_of_a_batch_that_is_too_large_are_written_whole_one_by_one(cluster: MockCluster) -> None:
    made: list[dict[str, Any]] = []

    def make(configuration: dict[str, Any]) -> Producer:
        made.append(configuration)
        return Producer(configuration)

    post = Post(cluster.bootstrap_servers, make)
    cluster.push_request_errors(ApiKey.PRODUCE, KafkaError.MSG_SIZE_TOO_LARGE)
    fresh = [post.put(RECORD._replace(offset=offset)) for offset in range(20)]
    post.until(lambda: len(post.done) == len(fresh))
    assert post.errors == len(fresh), "they were one batch"
    messages = read_all(cluster.bootstrap_servers, TOPIC, len(fresh))
    assert {message.value() for message in messages} == {RECORD.value}
    assert {_ours(message)["putevents.source.offset"] for message in messages} == set(map(str, range(20)))
    assert [each.get("batch.num.messages") for each in made] == [None, 1]
    assert [each["acks"] for each in made] == ["all", "all"]


STALE = KafkaError.INVALID_TIMESTAMP


def test_a_letter_whose_time_the_topic_refuses_is_written_with_the_time_of_writing(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    cluster.push_request_errors(ApiKey.PRODUCE, STALE, STALE)
    before = int(time.time() * 1000)
    fresh = post.put()
    with structlog.testing.capture_logs() as logs:
        post.until(lambda: post.done)
    assert post.done == [(fresh, REJECTION)]
    [message] = read_all(cluster.bootstrap_servers, TOPIC, 1)
    assert before <= message.timestamp()[1] <= int(time.time() * 1000)
    assert (message.key(), message.value()) == (RECORD.key, RECORD.value)
    assert _ours(message)["putevents.source.timestamp"] == str(RECORD.timestamp)
    assert "putevents.stub" not in _ours(message)
    [line] = logs
    assert "LogAppendTime" in line["what_to_do"]


@pytest.mark.parametrize("code", [STALE, KafkaError.INVALID_RECORD, KafkaError._INVALID_DIFFERENT_RECORD])
def test_letters_of_a_batch_that_is_refused_for_one_of_them_are_written_unchanged_one_by_one(code: int) -> None:
    batches: list[list[dict[str, Any]]] = []

    class Once(Batches):
        def poll(self, _: float) -> None:
            for batch in self.batches():
                batches.append(batch)
                error = KafkaError(code) if len(batches) == 1 else None
                for message in batch:
                    message["on_delivery"](error, None)

    post = Post("unused:1", Once)
    for offset in range(3):
        post.put(RECORD._replace(offset=offset))
    for _ in range(3):
        post.take()
    assert [len(batch) for batch in batches] == [3, 1, 1, 1]
    assert {message["timestamp"] for batch in batches for message in batch} == {RECORD.timestamp}
    assert len(post.done) == 3


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_only_letters_that_the_topic_finds_too_old_lose_their_time(old: list[bool]) -> None:
    limit = 1_000
    written: dict[str, int] = {}

    class Punctual(Batches):
        """As Kafka 4 and librdkafka answer: one stale record is told as such, several of a batch are only invalid."""

        def poll(self, _: float) -> None:
            for batch in self.batches():
                stale = [message for message in batch if 0 < message["timestamp"] < limit]
                for message in batch:
                    code = STALE if len(stale) == 1 else KafkaError.INVALID_RECORD
                    if len(stale) > 1 and message not in stale:
                        code = KafkaError._INVALID_DIFFERENT_RECORD
                    message["on_delivery"](KafkaError(code) if stale else None, None)
                    if not stale:
                        written[dict(message["headers"])["putevents.source.offset"].decode()] = message["timestamp"]

    post = Post("unused:1", Punctual)
    for offset, stale in enumerate(old):
        post.put(RECORD._replace(offset=offset, timestamp=limit - 1 if stale else limit))
    for _ in range(4):
        post.take()
    assert written == {str(offset): 0 if stale else limit for offset, stale in enumerate(old)}
    assert not post.letters.pending()


def test_a_letter_that_is_refused_alone_for_what_cannot_be_changed_waits() -> None:
    class Never(Batches):
        def poll(self, _: float) -> None:
            for batch in self.batches():
                for message in batch:
                    message["on_delivery"](KafkaError(KafkaError.INVALID_RECORD), None)

    post = Post("unused:1", Never)
    fresh = post.put()
    for _ in range(100):
        post.take()
    assert (post.errors, list(post.letters.pending())) == (2, [fresh])


# -- what the user may set ------------------------------------------------------------------------------------


def configured(**properties: Any) -> dict[str, Any]:
    made: list[dict[str, Any]] = []
    more = {name.replace("_", "."): value for name, value in properties.items()}
    KafkaDeadLetters(
        more,
        TOPIC,
        connect_headers=False,
        group_id="g",
        metrics=Metrics(),
        make_producer=made.append,  # type: ignore[arg-type]  # a stand-in for a producer: None
    )
    return made[0]


def test_the_user_s_own_properties_stand_and_those_that_keep_the_promise_are_ours() -> None:
    own = {"linger_ms": 50, "batch_size": 1_000_000, "message_timeout_ms": 5000, "message_max_bytes": 2_000_000}
    found = configured(**own, acks=1, enable_idempotence=False)
    assert {name: found[name.replace("_", ".")] for name in own} == own
    assert (found["acks"], found["enable.idempotence"]) == ("all", True)
    assert configured().items() >= {**PRODUCER_DEFAULTS, **PRODUCER_FIXED}.items()


@pytest.mark.parametrize(
    "other", [{"queue.buffering.max.ms": 40_000}, {"delivery.timeout.ms": 4}], ids=lambda each: next(iter(each))
)
def test_another_name_of_a_default_takes_its_place(other: dict[str, int]) -> None:
    found = configured(**{"bootstrap.servers": "", **other})
    with pytest.raises(KafkaException, match=r"must be greater than `linger\.ms`"):
        Producer(found)


class Topic:
    """A producer to a topic that takes batches of so many bytes; a batch is all that lies between two polls."""

    most = 1_500

    def __init__(self, configuration: dict[str, Any]) -> None:
        self.single = configuration.get("batch.num.messages") == 1
        self.batch: list[dict[str, Any]] = []

    def produce(self, _: str, **message: Any) -> None:
        self.batch.append(message)

    def poll(self, _: float) -> None:
        batch, self.batch = self.batch, []
        for one in [[each] for each in batch] if self.single else [batch]:
            refused = sum(map(self._size, one)) > self.most
            error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE) if refused else None
            for message in one:
                TAKEN.extend([] if refused else [message])
                message["on_delivery"](error, None)

    def flush(self, _: float) -> None:
        self.poll(0)

    @staticmethod
    def _size(message: dict[str, Any]) -> int:
        own = sum(len(name) + len(value or b"") for name, value in message["headers"])
        return own + len(message["value"] or b"") + len(message["key"] or b"")


TAKEN: list[dict[str, Any]] = []


@settings(deadline=None)
@given(st.lists(st.integers(0, 4_000), min_size=1, max_size=30), st.integers(1_500, 20_000))
def test_into_a_topic_of_any_size_goes_every_letter_that_fits_whole_and_of_the_others_a_stub(
    sizes: list[int], most: int
) -> None:
    TAKEN.clear()
    Topic.most = most
    post = Post("unused:1", Topic)
    fresh = [post.put(RECORD._replace(offset=offset, value=b"v" * size)) for offset, size in enumerate(sizes)]
    for _ in range(5):
        post.take()
    assert sorted(id(each) for each, _ in post.done) == sorted(map(id, fresh))
    assert not post.letters.pending()
    for message in TAKEN:
        written = dict(message["headers"])
        size = sizes[int(written["putevents.source.offset"])]
        whole = {**message, "value": b"v" * size, "headers": [
            each for each in message["headers"] if each[0] != "putevents.stub"
        ]}  # fmt: skip
        assert ("putevents.stub" in written) == (Topic._size(whole) > most)


def test_a_topic_that_not_even_a_stub_fits_into_holds_the_record_and_asks_once_a_second() -> None:
    TAKEN.clear()
    Topic.most = 10
    post = Post("unused:1", Topic)
    fresh = post.put()
    for _ in range(100):
        post.take()
    assert (post.done, list(post.letters.pending())) == ([], [fresh])
    assert post.errors == 4  # in a batch, alone, as a stub, and without key and headers
    post.now += 1.0
    post.take()
    post.take()
    assert post.errors == 5
    post.letters.close(0)


def test_a_record_that_is_larger_than_any_message_becomes_a_stub(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    post.put(RECORD._replace(value=b"v" * 17_000_000))
    post.until(lambda: post.done)
    [message] = read_all(cluster.bootstrap_servers, TOPIC, 1)
    assert orjson.loads(message.value() or b"")["value_bytes"] == 17_000_000


def test_a_producer_that_met_a_fatal_error_is_replaced_and_nothing_is_lost(cluster: MockCluster) -> None:
    made: list[Producer] = []

    def make(configuration: dict[str, Any]) -> Producer:
        made.append(Producer(configuration))
        return made[-1]

    post = Post(cluster.bootstrap_servers, make)
    cluster.push_request_errors(ApiKey.PRODUCE, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
    fresh = [post.put(RECORD._replace(offset=offset)) for offset in range(5)]
    post.until(lambda: len(made) == 2)
    post.now += 1.0
    post.until(lambda: len(post.done) == 5)
    assert {id(each) for each, _ in post.done} == {id(each) for each in fresh}
    offsets = {_ours(message)["putevents.source.offset"] for message in read_all(cluster.bootstrap_servers, TOPIC, 5)}
    assert offsets == {"0", "1", "2", "3", "4"}


def test_the_letter_of_a_partition_that_is_gone_is_dropped(cluster: MockCluster) -> None:
    post = Post(cluster.bootstrap_servers)
    cluster.push_request_errors(ApiKey.PRODUCE, KafkaError.POLICY_VIOLATION)
    fresh = post.put()
    post.until(lambda: post.errors)
    fresh.owner.revoked = True
    post.now += 1.0
    post.until(lambda: not post.letters.pending())
    assert post.done == []


class FullProducer:
    """A producer whose queue is full for the first two letters."""

    def __init__(self, _: dict[str, Any]) -> None:
        self.written: list[Callable[[KafkaError | None, Message | None], None]] = []
        self.refusals = 2

    def produce(self, _: str, **message: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise BufferError
        self.written.append(message["on_delivery"])

    def poll(self, _: float) -> None:
        while self.written:
            self.written.pop()(None, None)


def test_a_full_queue_is_waited_for() -> None:
    post = Post("unused:1", FullProducer)
    fresh = [post.put(RECORD._replace(offset=offset)) for offset in range(3)]
    post.take()
    assert [each for each, _ in post.done] == fresh[2:]
    post.now += 1.0
    post.take()
    post.take()
    assert {id(each) for each, _ in post.done} == {id(each) for each in fresh}
    assert list(post.letters.pending()) == []


def test_a_producer_that_raises_out_of_poll_is_replaced() -> None:
    class Fatal(FullProducer):
        def purge(self) -> None:
            self.written.clear()

        def poll(self, _: float) -> None:
            raise KafkaException(KafkaError(KafkaError._FATAL))

    made: list[FullProducer] = []

    def make(configuration: dict[str, Any]) -> FullProducer:
        made.append(FullProducer(configuration) if made else Fatal(configuration))
        made[-1].refusals = 0
        return made[-1]

    post = Post("unused:1", make)
    fresh = post.put()
    post.take()
    post.now += 1.0
    post.take()
    post.take()
    assert post.done == [(fresh, REJECTION)]
    assert len(made) == 2


def test_a_broker_that_is_away_for_an_hour_costs_no_letter_and_little_time() -> None:
    class Away(FullProducer):
        def produce(self, _: str, **message: Any) -> None:
            message["on_delivery"](KafkaError(KafkaError._MSG_TIMED_OUT), None)

    post = Post("unused:1", Away)
    fresh = [post.put(RECORD._replace(offset=offset)) for offset in range(20_000)]
    started = time.monotonic()
    for _ in range(2_000):  # ten seconds of the loop's naps, in which no letter is due
        post.take()
    assert time.monotonic() - started < 2
    assert len(post.letters.pending()) == len(fresh)


def test_where_it_lies_is_in_the_clear() -> None:
    place = TopicPartition(RECORD.topic, RECORD.partition)
    written = dict(headers(RECORD, REJECTION, None))
    assert written["putevents.source.topic"] == place.topic.encode()


# -- a topic that is gone -------------------------------------------------------------------------------------


class Silent:
    """A producer whose letters time out, with brokers that say of the topic what they are told to."""

    def __init__(self, code: int | None) -> None:
        self.unsettled: list[dict[str, Any]] = []
        self.code = code
        self.asked = 0
        self.well = False

    def produce(self, _: str, **message: Any) -> None:
        self.unsettled.append(message)

    def poll(self, _: float) -> None:
        unsettled, self.unsettled = self.unsettled, []
        for message in unsettled:
            message["on_delivery"](None if self.well else KafkaError(KafkaError._MSG_TIMED_OUT), None)

    def list_topics(self, topic: str, timeout: float) -> Any:
        assert timeout > 0
        self.asked += 1
        if self.code == KafkaError._TRANSPORT:
            raise KafkaException(KafkaError(self.code))
        error = None if self.code is None else KafkaError(self.code)
        return type("Metadata", (), {"topics": {topic: type("Topic", (), {"error": error})}})


SAID = {
    "gone": (
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        f"the topic {TOPIC} does not exist: create it; until then dead letters wait",
    ),
    "there": (None, f"the topic {TOPIC} exists, but the brokers that lead it accept nothing: check them"),
    "forbidden": (
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        f"the topic {TOPIC} cannot be used (TOPIC_AUTHO",
    ),
    "silence": (KafkaError._TRANSPORT, "no broker answers"),
}


@pytest.mark.parametrize(("code", "said"), SAID.values(), ids=SAID.keys())
def test_a_letter_that_times_out_says_what_became_of_the_topic(code: int | None, said: str) -> None:
    silent = Silent(code)
    post = Post("unused", lambda _: silent)
    with structlog.testing.capture_logs() as lines:
        post.put()
        post.until(lambda: post.letters.trouble)
    assert post.letters.trouble.startswith(said)
    [line] = [line for line in lines if line["event"].startswith("a dead letter could not be written")]
    assert (line["code"], line["why"]) == ("_MSG_TIMED_OUT", post.letters.trouble)


def test_the_topic_is_looked_up_once_in_a_while_and_the_trouble_ends_with_the_first_letter_that_arrives() -> None:
    silent = Silent(KafkaError.UNKNOWN_TOPIC_OR_PART)
    post = Post("unused", lambda _: silent)
    post.put()
    post.until(lambda: post.letters.trouble)
    for _ in range(9):  # seconds
        post.now += 1
        post.take()
    assert silent.asked == 1
    silent.well = True
    post.now += 1
    post.until(lambda: post.done)
    assert post.letters.trouble == ""
