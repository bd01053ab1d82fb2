"""Writes the demo's records to the broker, and reads what became of them.

Delivered events are read from the endpoint, committed offsets and dead letters from the broker. Of the connector only
its metrics are read.
"""

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, Producer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from connector.local.demo.catalogue import ITEMS as ITEMS_TOPIC
from connector.local.demo.catalogue import ITEMS_ARN, USERS_ARN, Rows
from connector.local.demo.catalogue import USERS as USERS_TOPIC
from connector.local.demo.clickstream import SECONDS, Click
from connector.local.demo.processes import Failed

TIMEOUT = 5.0  # seconds to wait at most for one response of a broker or a server
SLICE = 500  # records written between two looks at the clock
Place = tuple[int, int]  # partition and offset
Page = Callable[[str], bytes]


class Letter(NamedTuple):
    """A dead letter: the place of its record, the reason, and the record itself."""

    place: Place
    reason: str
    message: str
    key: bytes | None
    value: bytes | None


class Sent(NamedTuple):
    """Clicks that are sent: ``times`` are Kafka timestamps in ms, ``places`` the partition and offset of each click.

    ``rows`` are the changes of products and profiles sent beside them, ``row_ends`` the offset after the last of them,
    by topic and partition.
    """

    clicks: Sequence[Click]
    times: list[int]
    places: dict[Place, int]
    rows: Rows
    row_ends: dict[tuple[str, int], int]

    def ends(self) -> dict[int, int]:
        """The offset after the last record, by partition."""
        ends: dict[int, int] = {}
        for partition, offset in self.places:
            ends[partition] = max(ends.get(partition, 0), offset + 1)
        return ends


def page(url: str) -> Page:
    """A function that gets a path of a local server. It ignores proxies."""
    address = urlsplit(url)

    def get(path: str) -> bytes:
        connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            raise Failed(f"{url}{path} does not respond: {type(error).__name__}") from None
        finally:
            connection.close()
        if response.status != 200:
            raise Failed(f"{url}{path} responded with {response.status}")
        return body

    return get


def send(servers: str, topic: str, sent: Sent, seconds: float, pause: Callable[[], None]) -> None:
    """Write all clicks with their keys, an hour compressed into ``seconds``.

    ``pause`` is called between two slices; it waits a little and may raise.
    """
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 5, "acks": "all", "log_level": 0})
    begun, changes, delivered = time.monotonic(), deque(sent.rows.changes), Counter[str]()
    while len(sent.times) < len(sent.clicks) or changes:
        until = (time.monotonic() - begun) * SECONDS / seconds
        while changes and changes[0].at <= until:
            change = changes.popleft()
            noted_row = _noted_row(sent.row_ends, delivered)
            producer.produce(change.topic, change.value, change.key, on_delivery=noted_row)
        for number in range(len(sent.times), min(len(sent.times) + SLICE, len(sent.clicks))):
            click = sent.clicks[number]
            if click.at > until:
                break
            sent.times.append(int(time.time() * 1000))
            noted = _noted(number, sent.places)
            producer.produce(topic, click.value, click.key, timestamp=sent.times[-1], on_delivery=noted)
        producer.poll(0)
        pause()
    expected = len(sent.clicks) + len(sent.rows.changes)
    if producer.flush(TIMEOUT) or (there := len(sent.places) + delivered.total()) < expected:
        raise Failed(f"the broker accepted {there:,} of {expected:,} records")


def _noted(number: int, places: dict[Place, int]) -> Callable[[Any, Message], None]:
    def note(error: Any, message: Message) -> None:
        if error is None:
            places[message.partition() or 0, message.offset() or 0] = number

    return note


def _noted_row(ends: dict[tuple[str, int], int], delivered: Counter[str]) -> Callable[[Any, Message], None]:
    def note(error: Any, message: Message) -> None:
        if error is None:
            topic, place = message.topic() or "", message.partition() or 0
            ends[topic, place] = max(ends.get((topic, place), 0), (message.offset() or 0) + 1)
            delivered[topic] += 1

    return note


@contextmanager
def _failures_of_the_broker() -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise Failed(f"the broker does not respond: {error.args[0].str()}") from None


class Broker:
    """Reads a group's offsets and the dead letters. Its consumer joins no group and commits nothing."""

    def __init__(self, servers: str, group: str, topic: str, dead_letters: str) -> None:
        settings = {"bootstrap.servers": servers, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        self._consumer = Consumer({**settings, "enable.partition.eof": False})
        self._topic = topic
        self._dead_letters = TopicPartition(dead_letters, 0, OFFSET_BEGINNING)

    def committed(self, partitions: Sequence[int]) -> dict[int, int]:
        """The group's committed offset by partition, 0 where there is none."""
        asked = [TopicPartition(self._topic, partition) for partition in partitions]
        with _failures_of_the_broker():
            return {each.partition: max(0, each.offset) for each in self._consumer.committed(asked, TIMEOUT)}

    def committed_rows(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """The same of other topics, by topic and partition."""
        asked = [TopicPartition(topic, partition) for topic, partition in places]
        with _failures_of_the_broker():
            found = self._consumer.committed(asked, TIMEOUT) if asked else []
        return {(each.topic, each.partition): max(0, each.offset) for each in found}

    def dead_letter_count(self) -> int:
        """The number of dead letters."""
        with _failures_of_the_broker():
            low, high = self._consumer.get_watermark_offsets(self._dead_letters, TIMEOUT)
        return high - low

    def dead_letters(self) -> Iterator[Letter]:
        """All dead letters, in order."""
        left = self.dead_letter_count()
        self._consumer.assign([self._dead_letters])
        while left:
            messages = self._consumer.consume(min(left, 1_000), TIMEOUT)
            if not messages:
                raise Failed(f"expected {left} more dead letters from the broker")
            left -= len(messages)
            yield from map(_letter, messages)

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()


def _letter(message: Message) -> Letter:
    headers: Any = message.headers() or ()
    said = {name: value.decode() for name, value in headers if value is not None}
    place = int(said["putevents.source.partition"]), int(said["putevents.source.offset"])
    reason, text = said["putevents.error.reason"], said["putevents.error.message"]
    key: Any = message.key()
    value: Any = message.value()
    return Letter(place, reason, text, key, value)


class Accepted(NamedTuple):
    """One event that the endpoint accepted, at ``time`` (Unix seconds)."""

    time: float
    session: str
    user: str | None
    event_id: str


class Kept(NamedTuple):
    """What the endpoint has of the items or the users: each id's newest entry, and how many calls that took."""

    state: Mapping[str, Mapping[str, Any]]
    calls: int


def accepted(endpoint: Page) -> list[Accepted]:
    """All of them, in order."""
    rows = map(json.loads, endpoint("/_local/accepted").splitlines())
    return [
        Accepted(row["time"], row["sessionId"], row["userId"], row["eventId"]) for row in rows if "operation" not in row
    ]


def kept(endpoint: Page) -> dict[str, Kept]:
    """By topic, what became of its changes."""
    rows = [json.loads(line) for line in endpoint("/_local/accepted").splitlines()]
    found = {}
    for topic, arn in ((ITEMS_TOPIC, ITEMS_ARN), (USERS_TOPIC, USERS_ARN)):
        mine = [row for row in rows if row.get("destination") == arn]
        state = {row["id"]: {**row["entry"], "properties": json.loads(row["entry"]["properties"])} for row in mine}
        found[topic] = Kept(state, len({row["call"] for row in mine}))
    return found


def counted(metrics: bytes, *topics: str) -> dict[str, int]:
    """The connector's own counters of the records of some topics: consumed, and by outcome."""
    counts: dict[str, int] = {}
    for family in text_string_to_metric_families(metrics.decode()):
        for sample in family.samples:
            if sample.labels.get("topic") not in topics:
                continue
            if sample.name == "putevents_records_consumed_total":
                counts["consumed"] = counts.get("consumed", 0) + int(sample.value)
            if sample.name == "putevents_records_total":
                outcome = sample.labels["outcome"]
                counts[outcome] = counts.get(outcome, 0) + int(sample.value)
    return counts
