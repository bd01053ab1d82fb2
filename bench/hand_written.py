"""The other contenders: what people write with boto3, first and in the end. A process of its own each.

``naive`` is the first attempt: a record, a call, a commit. ``grouped`` is the good consumer: it reads many, groups
them by session, cuts at users and at tens, calls from 32 threads, waits for all and commits. Both map the same
members as the connector's file does, by hand. ``assigned`` on stdout says that partitions have come.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from confluent_kafka import Consumer, Message

REGION = "eu-west-1"
THREADS = 32
TYPES = {"Product Viewed": "View", "Product Clicked": "Click", "Product Added": "AddToCart"}
Event = dict[str, Any]


class Mapped(NamedTuple):
    """An event, and the call that it belongs in."""

    session: str
    user: str | None
    event: Event


def map_record(message: Message) -> Mapped:
    """One record by hand: no checks, as such code has none."""
    value = json.loads(message.value() or b"")
    properties = value["properties"]
    event = {
        "eventType": TYPES[value["event"]],
        "eventId": value["messageId"],
        "itemId": properties["product_id"],
        "eventValue": float(properties["price"]),
        "sentAt": int(datetime.fromisoformat(value["timestamp"]).timestamp()),
        "properties": json.dumps({"category": properties["category"], "position": properties["position"]}),
    }
    return Mapped(value["anonymousId"], value.get("userId"), event)


def calls_of(mapped: list[Mapped]) -> Iterator[tuple[str | None, list[Event]]]:
    """User and events of each call for the events of one session, in order."""
    user, events = mapped[0].user, [mapped[0].event]
    for each in mapped[1:]:
        if each.user != user or len(events) == 10:
            yield user, events
            user, events = each.user, []
        events.append(each.event)
    yield user, events


def sender(url: str) -> Callable[[str, str | None, list[Event]], None]:
    """A function that makes a call, again where it was throttled."""
    client = boto3.client("personalize-events", REGION, endpoint_url=url, config=Config(max_pool_connections=THREADS))

    def send(session: str, user: str | None, events: list[Event]) -> None:
        who = {} if user is None else {"userId": user}
        while True:
            try:
                client.put_events(trackingId="tracker", sessionId=session, eventList=events, **who)  # type: ignore[arg-type]  # plain dicts
            except ClientError as error:
                # boto3 has waited and tried again five times by now.
                if error.response["Error"]["Code"] != "ThrottlingException":
                    raise
            else:
                return

    return send


def naive(consumer: Consumer, options: argparse.Namespace) -> None:
    """A record, a call, a commit."""
    send = sender(options.endpoint)
    while True:
        message = consumer.poll(1.0)
        if message is None or message.error() is not None:
            continue
        session, user, event = map_record(message)
        send(session, user, [event])
        consumer.commit(message=message, asynchronous=False)


def grouped(consumer: Consumer, options: argparse.Namespace) -> None:
    """Many records, a call for up to ten of a session, a commit for all of them."""
    send = sender(options.endpoint)

    def send_session(session: str, mapped: list[Mapped]) -> None:
        # One after the other: that keeps the order within a session.
        for user, events in calls_of(mapped):
            send(session, user, events)

    with ThreadPoolExecutor(THREADS) as pool:
        while True:
            sessions: dict[str, list[Mapped]] = {}
            for message in consumer.consume(options.records, options.timeout):
                if message.error() is None:
                    mapped = map_record(message)
                    sessions.setdefault(mapped.session, []).append(mapped)
            for future in [pool.submit(send_session, *each) for each in sessions.items()]:
                future.result()
            if sessions:
                consumer.commit(asynchronous=False)


WAYS = {"naive": naive, "grouped": grouped}


def main() -> None:
    """Consume until killed."""
    parser = argparse.ArgumentParser(prog="python -m bench.hand_written")
    parser.add_argument("way", choices=WAYS)
    for name in ("--servers", "--topic", "--group", "--endpoint"):
        parser.add_argument(name, required=True)
    parser.add_argument("--records", type=int, default=2_000, help="most records of one consume()")
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds of one consume()")
    options = parser.parse_args()
    consumer = Consumer(
        {
            "bootstrap.servers": options.servers,
            "group.id": options.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )

    def assigned(*_: object) -> None:
        sys.stdout.write("assigned\n")
        sys.stdout.flush()

    consumer.subscribe([options.topic], on_assign=assigned)
    WAYS[options.way](consumer, options)


if __name__ == "__main__":
    main()
