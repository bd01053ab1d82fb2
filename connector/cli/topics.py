"""A reader of the topics of a file, for commands that look at them; and what ends such a command."""

import os
import random
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from connector import logs
from connector.aws.credentials import NotConfigured
from connector.config import Config
from connector.config.client_properties import base_properties, for_consumer, for_producer, question_properties
from connector.exits import Exit
from connector.kafka.clients import ClientFactory
from connector.kafka.reading import TopicReader
from connector.metrics import Metrics
from connector.ports import Environment, Refused, Unavailable
from connector.schema_wait import NoSchema
from connector.streams import say

# What an expected end of such a command is raised as.
FAILURES = (NotConfigured, NoSchema, Refused, Unavailable)


def code_of(error: Exception) -> Exit:
    """The exit code of a failure."""
    if isinstance(error, NoSchema):
        return error.code
    return Exit.UNAVAILABLE if isinstance(error, Unavailable) else Exit.REFUSED


def client_factory(config: Config) -> ClientFactory:
    """What makes clients that log in as the file says; the command itself says what is wrong, not the log."""
    logs.configure("error", "text")
    return ClientFactory(config.kafka, Metrics(), Environment(time.monotonic, time.time, random.random))


def reader_properties(config: Config) -> dict[str, Any]:
    """Properties of a client that reads, and names the group without joining it."""
    return {**for_consumer(base_properties(config.kafka)), "group.id": config.kafka.group_id}


def admin_properties(config: Config) -> dict[str, Any]:
    """Properties of a client that asks about groups."""
    return {**question_properties(for_producer(base_properties(config.kafka))), "logger": logs.CLIENT}


@contextmanager
def opened(config: Config, clients: ClientFactory | None = None) -> Iterator[TopicReader]:
    """A reader that joins no group, closed at the end."""
    clients = clients or client_factory(config)
    with TopicReader(reader_properties(config), clients.asker) as reader:
        yield reader


def note(text: str) -> None:
    """Say on stderr what happens while a command runs for long, with the time."""
    say(f"{now()}  {text}\n")


def now() -> str:
    """The time, as messages and rows of a long look have it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Stop:
    """Whether a command is to end. A signal's handler sets it.

    Not an Event: its ``set`` takes a lock that the main thread may hold in ``wait`` at that moment, for ever.
    """

    def __init__(self) -> None:
        self._set = False
        self._reading, self._writing = os.pipe()

    def set(self) -> None:
        """End the command."""
        self._set = True
        os.write(self._writing, b"x")

    def is_set(self) -> bool:
        """Whether it is to end."""
        return self._set

    def wait(self, seconds: float) -> bool:
        """Wait until it is to end, at most so many seconds; whether it is."""
        if not self._set:
            select.select([self._reading], [], [], seconds)
        return self._set

    def close(self) -> None:
        """Release the pipe."""
        os.close(self._reading)
        os.close(self._writing)


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Set once SIGINT or SIGTERM came: the first is to end the command in good order, another ends it at once."""
    stop = Stop()
    of_main = threading.current_thread() is threading.main_thread()  # no other thread may ask for signals
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM) if of_main}

    def handle(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()
