"""A clickstream whose every record has a known end, and the judge who compares that with what happened."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.support.kafka.admin import Kafka

PARTITIONS = 6
SENT_AT = 1_795_509_011
BAD = 100  # one record in so many is invalid
POISON = 500  # one in so many is valid, and rejected by the endpoint only


class Expected(NamedTuple):
    """What a record must come to: an event, or a reason for being dead-lettered."""

    session: str
    event: dict[str, Any] | None
    reason: str | None


BROKEN: list[tuple[str, bytes | dict[str, Any]]] = [
    ("not_json", b'{"session": "cut o'),
    ("not_utf8", b'{"session": "\xff\xfe"}'),
    ("empty_value", b""),
    ("not_an_object", b"[1, 2, 3]"),
    ("nested_too_deep", b"[" * 10_000 + b"]" * 10_000),
    ("number_out_of_range", b'{"session": "s", "item": 123456789012345678901234567890}'),
    ("missing_member", {"session": None}),
    ("wrong_type", {"item": {"id": 1}}),
    ("invalid_time", {"at": "24/11/2026"}),
    ("time_out_of_window", {"at": 12_345}),
    ("ignored_literal", {"item": "undefined"}),
    ("too_long", {"item": "i" * 257}),
    ("not_json", b"x" * 900_000),
]


def stream(count: int, sessions: int, seed: int, first: int = 0) -> Iterator[tuple[bytes, bytes, Expected]]:
    """Key, value and what must come of it, for interleaved sessions of which a third log in half-way."""
    chance = random.Random(seed)
    seen: Counter[str] = Counter()
    large = 0
    for number in range(first, first + count):
        session = f"session-{chance.randrange(sessions)}"
        seen[session] += 1
        value: dict[str, Any] = {"id": f"e{number}", "session": session, "item": f"item-{number % 997}", "at": SENT_AT}
        if int(session[8:]) % 3 == 0 and seen[session] > 6:
            value["user"] = f"user-of-{session}"
        reason = None
        raw = None
        if number % BAD == 1:
            reason, change = BROKEN[(number // BAD) % len(BROKEN)]
            if isinstance(change, bytes):
                large += len(change) > 500_000
                # A few megabytes prove as much as two hundred, and do so sooner.
                raw = change if len(change) < 500_000 or large <= 5 else b"x" * 1_000
            else:
                value |= change
        elif number % POISON == 2:
            reason = "rejected_by_service"
            value["item"] = f"poison-{number}"
        event = {"eventType": "View", "eventId": value["id"], "itemId": value["item"], "sentAt": SENT_AT}
        expected = Expected(session, None if reason else {"user": value.get("user"), "event": event}, reason)
        yield session.encode(), orjson.dumps(value) if raw is None else raw, expected


def configuration(kafka: Kafka, topic: str, dead_letters: str, url: str, **delivery: Any) -> dict[str, Any]:
    rule = {
        "name": "view",
        "put_events": {
            "sessionId": "value.session",
            "userId": "value.user",
            "eventType": {"const": "View"},
            "eventId": "value.id",
            "itemId": "value.item",
            "sentAt": "value.at",
        },
    }
    return {
        "kafka": {"bootstrap_servers": [kafka.bootstrap_servers], "group_id": f"group-{topic}"},
        "personalize": {"tracking_id": "tracker", "endpoint_url": url},
        "delivery": {"requests_per_second": 5000, "linger": "300ms", **delivery},
        "dead_letter": {"topic": dead_letters},
        "pipelines": [{"name": "clicks", "topics": [topic], "rules": [rule]}],
    }


def topics(kafka: Kafka) -> tuple[str, str]:
    """A topic for records and one for dead letters, this test's own."""
    return kafka.create_topic(kafka.unique_name("clicks"), PARTITIONS), kafka.create_topic(kafka.unique_name("dead"))


def produce(
    kafka: Kafka, topic: str, records: Iterator[tuple[bytes, bytes, Expected]]
) -> dict[tuple[int, int], Expected]:
    """(partition, offset) to what must come of the record there."""
    placed: dict[tuple[int, int], Expected] = {}
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 20, "message.max.bytes": 1_000_000})
    for key, value, expected in records:

        def note(error: Any, message: Any, expected: Expected = expected) -> None:
            assert error is None
            placed[message.partition(), message.offset()] = expected

        while True:
            try:
                producer.produce(topic, key=key, value=value, on_delivery=note)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush()
    return placed


def lag(kafka: Kafka, topic: str) -> int:
    """Records after the group's committed offsets; -1 while the brokers are still finding their leaders."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": f"group-{topic}", "log_level": 0})
    try:
        total = 0
        for place in consumer.committed([TopicPartition(topic, number) for number in range(PARTITIONS)], timeout=20):
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, place.partition), timeout=20)
            total += end - max(place.offset, first)
    except KafkaException as error:
        if error.args[0].retriable() or error.args[0].code() == KafkaError.UNKNOWN_LEADER_EPOCH:
            return -1
        raise
    else:
        return total
    finally:
        consumer.close()


def dead_letters_in(kafka: Kafka, topic: str) -> list[tuple[dict[str, str], Any]]:
    """Headers as text, and the message, of each dead letter."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": "reader",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 10,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    while (message := consumer.poll(20)) is not None and message.error() is None:
        headers: Any = message.headers()
        found.append(({name: value.decode() for name, value in headers}, message))
    consumer.close()
    return found


def judge(
    placed: dict[tuple[int, int], Expected],
    accepted: Iterable[dict[str, Any]],
    letters: Iterable[tuple[dict[str, str], Any]],
) -> None:
    """Nothing lost, nothing changed, nothing out of order; the dead letters are the bad records, with their reasons."""
    first = first_acceptances(accepted)
    judge_events(placed, first)
    judge_order(placed, first)
    judge_dead_letters(placed, letters)


def first_acceptances(accepted: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Event id to its first row, in the order of acceptance; a repeat must be the same event."""
    first: dict[str, dict[str, Any]] = {}
    for row in accepted:
        known = first.setdefault(row["eventId"], row)
        assert (row["sha256"], row["userId"]) == (known["sha256"], known["userId"]), "a repeat differs from the first"
    return first


def judge_events(placed: dict[tuple[int, int], Expected], first: dict[str, dict[str, Any]]) -> None:
    good = {expected.event["event"]["eventId"]: expected for expected in placed.values() if expected.event}
    assert not good.keys() - first.keys(), f"{len(good.keys() - first.keys())} events were lost"
    assert not first.keys() - good.keys(), "events were accepted that should not have been"
    for event_id, row in first.items():
        expected = good[event_id]
        assert (row["trackingId"], row["sessionId"]) == ("tracker", expected.session)
        assert expected.event == {"user": row["userId"], "event": row["event"]}


def judge_order(placed: dict[tuple[int, int], Expected], first: dict[str, dict[str, Any]]) -> None:
    wanted: dict[str, list[str]] = {}
    for _, expected in sorted(placed.items(), key=lambda each: each[0]):
        if expected.event:
            wanted.setdefault(expected.session, []).append(expected.event["event"]["eventId"])
    got: dict[str, list[str]] = {}
    for event_id, row in first.items():
        got.setdefault(row["sessionId"], []).append(event_id)
    disordered = [session for session, ids in wanted.items() if got[session] != ids]
    assert not disordered, f"{len(disordered)} sessions are out of order"


def judge_dead_letters(placed: dict[tuple[int, int], Expected], letters: Iterable[tuple[dict[str, str], Any]]) -> None:
    written = {
        (int(headers["putevents.source.partition"]), int(headers["putevents.source.offset"])): headers[
            "putevents.error.reason"
        ]
        for headers, _ in letters
    }
    assert written == {place: expected.reason for place, expected in placed.items() if expected.reason}
