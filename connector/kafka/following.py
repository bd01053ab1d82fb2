"""Follows the cluster's topics: which topics are read changes while the process runs.

A thread beside the loop asks the brokers for their topics, as often as the client refreshes its metadata. The
subscription changes only if the answer changes it, since that is a rebalance for the whole group. A broker that has
just started may not know every topic yet, so a topic counts as gone only when two answers in a row lack it.

Each question has a client of its own: the reading client serves one thread at a time, so the loop would wait for the
answer. The client is in no group, so nobody notices it, and unlike a producer it does not create the topic it asks for.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import structlog
from confluent_kafka import Consumer

from connector.config.client_properties import question_properties, seconds_of
from connector.core.mapping.topics import Topics
from connector.kafka.aside import Aside
from connector.kafka.errors import ABSENT

log = structlog.get_logger()

WAITING = 30.0  # seconds, at most, between two questions while a topic to read is missing
AGAIN = 2.0  # seconds until a missing topic is asked for again, or after the client reported an error
ANSWERED_WITHIN = 10.0  # seconds for an answer; nobody waits for it
SHOWN = 3600.0  # seconds for which a topic that matched a pattern is reported as gone


def existing(topics: Mapping[str, Any]) -> frozenset[str]:
    """The names of the topics that exist, according to the cluster's metadata."""
    return frozenset(name for name, topic in topics.items() if topic.error is None or topic.error.code() not in ABSENT)


class Following:
    """Which topics to subscribe to.

    Args:
        topics: what is to be read.
        properties: those of the client that reads; one of them says how often to ask.
        make_consumer: makes a client for a question, in whatever thread.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        topics: Topics,
        properties: Mapping[str, Any],
        make_consumer: Callable[[dict[str, Any]], Consumer] = Consumer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topics = topics
        self._properties = question_properties(properties)
        self._make_consumer = make_consumer
        self._clock = clock
        interval = seconds_of(properties, "topic.metadata.refresh.interval.ms")
        self._interval = interval if interval > 0 else math.inf
        self._aside: Aside[frozenset[str]] = Aside()
        self._next = clock()
        self._known = False
        self._there: frozenset[str] = frozenset()
        self._unconfirmed: frozenset[str] = frozenset()
        self._gone: dict[str, float] = {}  # and since when
        self.wanted = frozenset(topics.names)  # to subscribe to: every name, and what the patterns match

    @property
    def anything(self) -> bool:
        """Whether there is any topic to read, as far as is known."""
        return bool(self.wanted) or not self._known

    @property
    def missing(self) -> list[str]:
        """Topics that were read and do not exist any more."""
        now = self._clock()
        lasting = (name for name, at in self._gone.items() if name in self._topics.names or now - at < SHOWN)
        return sorted(lasting)

    def begin(self, known: Collection[str]) -> None:
        """Take in the topics that exist at the start."""
        self._known = True
        self._there = self._topics.among(known)
        self.wanted = self._there.union(self._topics.names)
        self._log_patterns(known)
        self._plan()

    def hurry(self) -> None:
        """Ask soon: the client reported something about a topic."""
        self._next = min(self._next, self._clock() + AGAIN)

    def look(self) -> bool:
        """Ask if it is time, and take in the answer if there is one. Returns whether there was. Never waits."""
        if self._aside.busy:
            return self._aside.ended() and self._answered(self._aside.found)
        if self._clock() >= self._next:
            self._aside.ask(self._ask)
        return False

    def _ask(self) -> frozenset[str]:
        consumer = self._make_consumer(self._properties)
        try:
            if self._topics.patterns:
                return existing(consumer.list_topics(timeout=ANSWERED_WITHIN).topics)
            answers = [consumer.list_topics(name, timeout=ANSWERED_WITHIN) for name in self._topics.names]
            return frozenset().union(*(existing(answer.topics) for answer in answers))
        finally:
            consumer.close()

    # -- answers ----------------------------------------------------------------------------------------------

    def _answered(self, known: frozenset[str] | None) -> bool:
        if known is not None:
            self._known = True
            self._compare(known)
            self.wanted = self._there.union(self._topics.names)
        self._plan()
        return known is not None

    def _plan(self) -> None:
        incomplete = not self._there or not self._there.issuperset(self._topics.names)
        wait = min(self._interval, WAITING) if incomplete else self._interval
        self._next = self._clock() + (min(wait, AGAIN) if self._unconfirmed else wait)

    def _compare(self, known: frozenset[str]) -> None:
        there = self._topics.among(known)
        absent = self._there - there
        gone = absent & self._unconfirmed
        self._unconfirmed = absent - gone
        come = there - self._there
        self._there = (self._there | there) - gone
        self._log_new(come)
        for topic in come:
            self._gone.pop(topic, None)
        self._log_gone(gone)
        self._gone.update(dict.fromkeys(gone, self._clock()))

    def _log_new(self, come: Collection[str]) -> None:
        again = sorted(come & self._gone.keys())
        if again:
            log.warning(
                "topics exist again: they were deleted and created again, or this principal may describe them again",
                topics=again,
                then="each is read from where the group stands in it, or as kafka.auto_offset_reset says",
            )
        new = sorted(come - self._gone.keys())
        if new:
            log.info("new topics match a pattern: they are read from now on", topics=new)

    def _log_gone(self, gone: Collection[str]) -> None:
        if gone:
            log.warning(
                "topics that are read are gone: deleted, or this principal may not describe them any more",
                topics=sorted(gone),
                then="what was not delivered of a deleted topic is lost; the rest is read as before",
                what_to_do="create them again, allow Describe on them, or correct pipelines[].topics",
            )

    def _log_patterns(self, known: Collection[str]) -> None:
        for pattern, like in self._topics.unmatched(known).items():
            hint = None if like is None else f"a pattern has to match the whole name: for {like} end it with .*"
            log.warning("no topic matches yet", pattern=pattern, **({"what_to_do": hint} if hint else {}))
