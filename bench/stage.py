"""What every contender plays on: a broker with filled topics, and the local endpoint.

Apache Kafka from its jars (or the one that KAFKA_BOOTSTRAP_SERVERS names), because its CPU is its own and topics
may be large; with ``--mock`` the embedded broker, which needs no Java and keeps 5 MiB a partition.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Producer

from bench.streams import Click, Fewest
from connector.local.broker import EmbeddedBroker
from tests.support.kafka.admin import Kafka
from tests.support.kafka.broker import KafkaCluster

PARTITIONS = 8
DEAD_LETTERS = "dead"
MOCK_RECORDS = 80_000  # what the embedded broker surely keeps of 360 bytes each
FORMAT_TOPICS = ("json", "avro", "protobuf")
TOPICS = {
    **dict.fromkeys(("short", "long", "backlog", "replicas", *FORMAT_TOPICS), PARTITIONS),
    DEAD_LETTERS: 1,
}
LIVE_TOPICS = 8
_FLUSH_SECONDS = 60.0


class Stage(NamedTuple):
    """A running broker: its address, its process if it is ours, and a folder for files."""

    servers: str
    pid: int | None
    origin: str
    folder: Path
    most_records: int | None
    create: Callable[[str], None]


@contextmanager
def open_stage(*, mock: bool = False, live_topics: int = LIVE_TOPICS) -> Iterator[Stage]:
    """A broker while the block runs; every topic that a scenario names is there once ``create`` was called with it.

    The embedded broker must know before how many ``live_topics`` there will be.

    Raises:
        MissingError: there is neither Java nor a broker in the environment.
    """
    named = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="putevents-bench-")))
        if mock:
            topics = TOPICS | {f"live-{number}": PARTITIONS for number in range(live_topics)}
            broker = stack.enter_context(EmbeddedBroker(topics))
            yield Stage(broker.bootstrap_servers, broker.pid, "embedded", folder, MOCK_RECORDS, lambda _: None)
            return
        cluster = None if named else stack.enter_context(KafkaCluster())
        servers, admin_servers = (cluster.bootstrap_servers, cluster.admin_servers) if cluster else (named, named)
        kafka = Kafka(servers, admin_servers)
        stack.callback(kafka.delete_topics)
        created: set[str] = set()

        def create(name: str) -> None:
            if name not in created:
                created.add(name)
                kafka.create_topic(name, TOPICS.get(name, PARTITIONS))

        create(DEAD_LETTERS)
        pid = cluster.nodes[0].pid if cluster else None
        yield Stage(servers, pid, "Apache Kafka" if cluster else "KAFKA_BOOTSTRAP_SERVERS", folder, None, create)


def fill(stage: Stage, topic: str, clicks: Iterator[Click]) -> Fewest:
    """Write a stream as fast as it goes; the fewest calls that can carry it. RuntimeError where not all was taken."""
    stage.create(topic)
    producer = Producer({"bootstrap.servers": stage.servers, "linger.ms": 50, "batch.size": 500_000, "log_level": 0})
    fewest = Fewest()
    for click in clicks:
        fewest.add(click.session, click.user)
        while True:
            try:
                producer.produce(topic, click.value, click.session)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    if producer.flush(_FLUSH_SECONDS):
        raise RuntimeError(f"expected the broker to take all records of {topic}")
    return fewest


class Feed(threading.Thread):
    """Writes a stream at a rate and notes when each record was written: its Kafka timestamp, by message id.

    Args:
        stage: where.
        topic: which.
        clicks: what.
        rate: records a second.
        seconds: for how long.
    """

    def __init__(self, stage: Stage, topic: str, clicks: Iterator[Click], rate: float, seconds: float) -> None:
        super().__init__(name="feed", daemon=True)
        self.written: dict[str, float] = {}  # message id → Unix seconds
        self._topic = topic
        self._clicks = clicks
        self._rate = rate
        self._seconds = seconds
        self._producer = Producer({"bootstrap.servers": stage.servers, "linger.ms": 5, "log_level": 0})

    def run(self) -> None:
        """Write until time is up."""
        began = time.monotonic()
        for number, click in enumerate(self._clicks):
            due = number / self._rate
            if due > self._seconds:
                break
            while (early := began + due - time.monotonic()) > 0:
                self._producer.poll(early)
            now = time.time()
            self.written[message_id(click.value)] = now
            self._producer.produce(self._topic, click.value, click.session, timestamp=int(now * 1000))
        self._producer.flush(_FLUSH_SECONDS)


def message_id(value: bytes) -> str:
    """The message id of a record, without decoding the rest."""
    return value.partition(b'"messageId":"')[2].partition(b'"')[0].decode()
