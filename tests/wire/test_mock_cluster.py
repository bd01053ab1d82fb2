"""The embedded broker does what tests and the demonstration rely on, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from connector.cli import main
from connector.local.broker import EmbeddedBroker
from connector.local.mock_cluster import ApiKey, MockCluster
from tests.support import forked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FAILS_AFTER = 15.0


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with MockCluster() as started:
        yield started


def _producer(servers: str) -> Producer:
    return Producer({"bootstrap.servers": servers, "linger.ms": 0, "log_level": 0})


def _consumer(servers: str, group: str = "readers") -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 3000,
            "heartbeat.interval.ms": 200,
            "log_level": 0,
        }
    )


def _produce(servers: str, topic: str, *values: bytes) -> None:
    producer = _producer(servers)
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(_FAILS_AFTER) == 0


def _next(consumer: Consumer) -> Message:
    message = consumer.poll(_FAILS_AFTER)
    assert message is not None
    assert message.error() is None
    return message


def _wait_until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _FAILS_AFTER
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_record_comes_back_with_its_key_headers_and_timestamp(cluster: MockCluster) -> None:
    cluster.create_topic("clicks", 1)
    producer = _producer(cluster.bootstrap_servers)
    headers: list[tuple[str, str | bytes | None]] = [("trace", b"a1"), ("trace", b"a2"), ("empty", b"")]
    producer.produce("clicks", b"value", b"key", headers=headers, timestamp=1_700_000_000_123)
    assert producer.flush(_FAILS_AFTER) == 0
    consumer = _consumer(cluster.bootstrap_servers)
    consumer.subscribe(["clicks"])
    message = _next(consumer)
    assert (message.key(), message.value()) == (b"key", b"value")
    assert message.headers() == headers
    assert message.timestamp()[1] == 1_700_000_000_123
    consumer.close()


def test_a_topic_has_the_partitions_it_was_created_with(cluster: MockCluster) -> None:
    cluster.create_topic("seven", 7)
    topics = _producer(cluster.bootstrap_servers).list_topics("seven", timeout=_FAILS_AFTER).topics
    assert sorted(topics["seven"].partitions) == list(range(7))


def test_a_topic_cannot_be_created_twice(cluster: MockCluster) -> None:
    cluster.create_topic("once", 1)
    with pytest.raises(KafkaException) as refused:
        cluster.create_topic("once", 1)
    assert refused.value.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads and their signals are only listed on Linux")
def test_no_thread_of_the_cluster_takes_a_signal() -> None:
    """A signal that interrupts the cluster's thread ends it, and `close` would wait for ever."""
    before = {thread.name for thread in Path("/proc/self/task").iterdir()}
    with MockCluster():
        started = [thread for thread in Path("/proc/self/task").iterdir() if thread.name not in before]
        assert started
        for thread in started:
            blocked = re.search(r"^SigBlk:\s*([0-9a-f]+)$", (thread / "status").read_text(), re.MULTILINE)
            assert blocked is not None
            taken = [each for each in (signal.SIGTERM, signal.SIGINT) if not int(blocked[1], 16) >> each - 1 & 1]
            assert not taken, (thread / "comm").read_text()


def test_the_first_member_of_a_group_does_not_wait_for_others(cluster: MockCluster) -> None:
    cluster.create_topic("clicks", 1)
    _produce(cluster.bootstrap_servers, "clicks", b"one")
    consumer = _consumer(cluster.bootstrap_servers)
    consumer.subscribe(["clicks"])
    started = time.monotonic()
    _next(consumer)
    # With the mock's own delay it cannot be under 3 seconds.
    assert time.monotonic() - started < 2.5
    consumer.close()


@pytest.mark.parametrize(
    "code", [KafkaError.REBALANCE_IN_PROGRESS, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION]
)
def test_a_pushed_commit_error_reaches_the_consumer_once(cluster: MockCluster, code: int) -> None:
    cluster.create_topic("clicks", 1)
    consumer = _consumer(cluster.bootstrap_servers)
    position = [TopicPartition("clicks", 0, 1)]
    consumer.assign([TopicPartition("clicks", 0, 0)])
    cluster.push_request_errors(ApiKey.OFFSET_COMMIT, code)
    with pytest.raises(KafkaException) as refused:
        consumer.commit(offsets=position, asynchronous=False)
    assert refused.value.args[0].code() == code
    consumer.commit(offsets=position, asynchronous=False)
    assert consumer.committed(position, timeout=_FAILS_AFTER)[0].offset == 1
    consumer.close()


def test_cleared_errors_reach_nobody(cluster: MockCluster) -> None:
    cluster.create_topic("clicks", 1)
    consumer = _consumer(cluster.bootstrap_servers)
    consumer.assign([TopicPartition("clicks", 0, 0)])
    cluster.push_request_errors(ApiKey.OFFSET_COMMIT, *[KafkaError.UNKNOWN_MEMBER_ID] * 3)
    cluster.clear_request_errors(ApiKey.OFFSET_COMMIT)
    result = consumer.commit(offsets=[TopicPartition("clicks", 0, 1)], asynchronous=False)
    assert [partition.error for partition in result] == [None]
    consumer.close()


def test_a_delayed_commit_is_late_and_right(cluster: MockCluster) -> None:
    cluster.create_topic("clicks", 1)
    consumer = _consumer(cluster.bootstrap_servers)
    consumer.assign([TopicPartition("clicks", 0, 0)])
    cluster.push_delay(1, ApiKey.OFFSET_COMMIT, 400)
    started = time.monotonic()
    result = consumer.commit(offsets=[TopicPartition("clicks", 0, 1)], asynchronous=False)
    assert time.monotonic() - started >= 0.4
    assert result[0].error is None
    consumer.close()


def test_a_slow_broker_answers_after_its_round_trip_time(cluster: MockCluster) -> None:
    cluster.create_topic("clicks", 1)
    producer = _producer(cluster.bootstrap_servers)
    producer.list_topics("clicks", timeout=_FAILS_AFTER)
    cluster.set_rtt(1, 300)
    started = time.monotonic()
    producer.produce("clicks", b"late")
    assert producer.flush(_FAILS_AFTER) == 0
    assert time.monotonic() - started >= 0.3


def test_a_broker_that_was_down_comes_back_with_what_it_held(cluster: MockCluster) -> None:
    cluster.create_topic("clicks", 1)
    _produce(cluster.bootstrap_servers, "clicks", b"kept")
    address = cluster.bootstrap_servers
    cluster.broker_down()
    with pytest.raises(KafkaException):
        _producer(address).list_topics(timeout=0.3)
    cluster.broker_up()
    assert cluster.bootstrap_servers == address
    consumer = _consumer(address)
    consumer.subscribe(["clicks"])
    assert _next(consumer).value() == b"kept"
    consumer.close()


def test_a_partition_and_a_group_move_to_another_broker() -> None:
    with MockCluster(brokers=2) as cluster:
        cluster.create_topic("clicks", 1, replication=2)
        producer = _producer(cluster.bootstrap_servers)
        for broker in (2, 1):
            cluster.set_leader("clicks", 0, broker)
            cluster.set_coordinator("readers", broker)
            metadata = producer.list_topics("clicks", timeout=_FAILS_AFTER)
            assert metadata.topics["clicks"].partitions[0].leader == broker
        with pytest.raises(KafkaException):
            cluster.set_leader("clicks", 0, 99)


def test_a_topic_with_an_error_says_so_until_it_is_taken_back(cluster: MockCluster) -> None:
    cluster.create_topic("secret", 1)
    producer = _producer(cluster.bootstrap_servers)
    cluster.set_topic_error("secret", KafkaError.TOPIC_AUTHORIZATION_FAILED)
    error = producer.list_topics("secret", timeout=_FAILS_AFTER).topics["secret"].error
    assert error is not None
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    cluster.set_topic_error("secret", 0)
    assert producer.list_topics("secret", timeout=_FAILS_AFTER).topics["secret"].error is None


def test_a_closed_cluster_refuses_instead_of_crashing() -> None:
    cluster = MockCluster()
    cluster.close()
    cluster.close()
    with pytest.raises(RuntimeError, match="closed"):
        cluster.create_topic("clicks", 1)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def test_the_embedded_broker_has_its_topics_and_leaves_no_process() -> None:
    with EmbeddedBroker({"clicks": 3, "clicks.dead-letter": 1}) as broker:
        pid = broker.pid
        topics = _producer(broker.bootstrap_servers).list_topics(timeout=_FAILS_AFTER).topics
        assert {name: len(topic.partitions) for name, topic in topics.items()} == {
            "clicks": 3,
            "clicks.dead-letter": 1,
        }
    assert pid is not None
    assert not _is_running(pid)


def test_the_embedded_broker_says_so_when_it_cannot_start() -> None:
    with pytest.raises(RuntimeError, match="the process ended"), EmbeddedBroker({"clicks": 0}):
        pass


def test_a_connector_of_the_current_folder_is_not_taken_for_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "connector.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    with EmbeddedBroker({"clicks": 1}) as broker:
        assert _listens(broker.bootstrap_servers)


BAD_OPTIONS = [
    ("--topic=a:1 --topic=a:2", "expected each topic once, but a is named twice"),
    ("--topic=a --topic=a", "expected each topic once"),
    ("--topic=a:0", "expected the partitions of a to be a number from 1 to 1,000, not '0'"),
    ("--topic=a:1001", "expected the partitions of a"),
    ("--topic=a:", "expected the partitions of a"),
    ("--topic=a:b:c", "expected the partitions of a"),
    ("--topic=:3", "expected NAME or NAME:PARTITIONS"),
    ("--topic=..", "expected NAME or NAME:PARTITIONS"),
    ("--topic=clics/1", "expected NAME or NAME:PARTITIONS"),
    (f"--topic={'a' * 250}", "expected NAME or NAME:PARTITIONS"),
    ("--brokers=0", "expected a whole number from 1 to 32, not '0'"),
    ("--brokers=many", "expected a whole number from 1 to 32"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS)
def test_a_bad_option_of_the_broker_is_refused_in_words(
    options: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["broker", *options.split()])
    assert left.value.code == 2
    assert message in capsys.readouterr().err


@contextmanager
def _broker_command(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [*forked.CONNECTOR, "broker", *options]
    pipe = subprocess.PIPE
    with forked.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["bootstrap_servers"], process
        finally:
            process.kill()


def test_the_broker_says_what_it_keeps_and_once_a_partition_that_it_drops() -> None:
    with _broker_command("--topic", "clicks:2") as (servers, process):
        assert process.stderr is not None
        assert "keeps its newest 5 MiB" in process.stderr.readline()
        producer = _producer(servers)
        for number in range(1_500):  # 7.5 MB for each partition
            producer.produce("clicks", b"x" * 10_000, partition=number % 2)
        assert producer.flush(_FAILS_AFTER) == 0
        said = {process.stderr.readline() for _ in range(2)}
        assert {line.split(":")[1] for line in said} == {" topic clicks, partition 0", " topic clicks, partition 1"}
        assert all("messages were dropped" in line for line in said)
        process.terminate()
        assert (process.wait(_FAILS_AFTER), process.stderr.read()) == (0, "")


def test_a_quiet_broker_says_nothing_but_its_address() -> None:
    with _broker_command("--quiet") as (_, process):
        process.terminate()
        assert process.communicate(timeout=_FAILS_AFTER) == ("", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("program", [["connector.local.broker"], ["connector", "broker"]])
def test_a_signal_ends_the_broker_with_exit_code_0(number: signal.Signals, program: list[str]) -> None:
    command = [sys.executable, "-m", *program, "--topic", "clicks:1"]
    with forked.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert b"bootstrap_servers" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(_FAILS_AFTER) == 0


def test_the_broker_ends_when_its_owner_is_killed() -> None:
    owner_code = (
        "import sys, time\n"
        "from connector.local.broker import EmbeddedBroker\n"
        "with EmbeddedBroker({'clicks': 1}) as broker:\n"
        "    print(broker.bootstrap_servers, flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", owner_code]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        address = owner.stdout.readline().decode().strip()
        assert _listens(address)
        owner.kill()
    _wait_until(lambda: not _listens(address))
