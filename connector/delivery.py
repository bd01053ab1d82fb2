"""From a record's fate to its end: delivered, superseded, dropped on purpose, or safe in the dead letters.

Owned by the loop and run in its thread. A record is open until each of its entries is settled and, where something
was wrong with it, until the broker has its dead letter; only then does its offset close.
"""

import itertools
from typing import assert_never

from connector.core.operations import Operation
from connector.core.records import MAX_EVENTS_PER_CALL, Fate, Filtered, Reason, Rejection, Skipped, Stage, Transformed
from connector.core.rejections import merge
from connector.core.sending.destination import HeldRejection, Limits
from connector.core.sending.destinations import Destinations
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.offsets import OpenRecord
from connector.core.sending.outcomes import Delivered, Fatal
from connector.counters import Count
from connector.metrics import Metrics
from connector.ports import CallResult, DeadLetters, Environment, Sender


class TopicCounts:
    """What is counted for each record of one topic."""

    __slots__ = ("_latency", "consumed", "dead_lettered", "delivered", "filtered", "skipped", "superseded")

    def __init__(self, topic: str, metrics: Metrics) -> None:
        self.consumed = metrics.records_consumed.labels(topic)
        self.delivered = metrics.records.labels(topic, "delivered")
        self.filtered = metrics.records.labels(topic, "filtered")
        self.skipped = metrics.records.labels(topic, "skipped")
        self.superseded = metrics.records.labels(topic, "superseded")
        self.dead_lettered = metrics.records.labels(topic, "dead_lettered")
        self._latency = metrics.end_to_end_latency.labels(topic)

    def delivered_at(self, wall: float, timestamp: int | None) -> None:
        """A record with this timestamp, in Unix milliseconds, was delivered at ``wall``, in Unix seconds."""
        self.delivered.value += 1
        if timestamp is not None:
            self._latency.observe(max(0.0, wall - timestamp / 1000))


class OperationCounts:
    """What is counted for each call of one operation."""

    __slots__ = ("delivered", "duration", "fill", "rejected", "superseded")

    def __init__(self, operation: Operation, metrics: Metrics) -> None:
        self.delivered = metrics.events.labels(operation.action, "delivered")
        self.rejected = metrics.events.labels(operation.action, "rejected")
        self.superseded = metrics.events.labels(operation.action, "superseded")
        self.duration = metrics.request_duration.labels(operation.action)
        self.fill = metrics.events_per_request.labels(operation.action)


class Delivery:
    """Carries entries to the service and invalid records to the dead letters, and closes what is done.

    Args:
        sender, dead_letters: see ports.py.
        limits, max_in_flight: see ``Destinations``.
        metrics: where all of it is counted.
        environment: clocks and chance.
    """

    def __init__(
        self,
        sender: Sender,
        dead_letters: DeadLetters,
        limits: Limits,
        max_in_flight: int,
        metrics: Metrics,
        environment: Environment,
    ) -> None:
        self.destinations = Destinations(limits, max_in_flight)
        self.fatal: Fatal | None = None
        self.full = 0  # calls in flight with all that a call takes: what is next of their session may wait for them
        self._sender = sender
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._topics: dict[str, TopicCounts] = {}
        self._matches: dict[tuple[str, str], Count] = {}  # by pipeline and rule
        self._operations: dict[Operation, OperationCounts] = {}
        self._environment = environment
        self._in_flight: dict[int, Batch] = {}

    # -- in ---------------------------------------------------------------------------------------------------

    def accept(self, opened: OpenRecord, topic: str, fate: Fate, now: float) -> None:
        """A record was read, and this is what becomes of it."""
        counts = self._counts_of(topic)
        counts.consumed.value += 1
        for pipeline, rule in fate.failed:
            self._metrics.rule_condition_errors.labels(pipeline, rule).value += 1
        match fate:
            case Transformed():
                key = (fate.pipeline, fate.rule)
                (self._matches.get(key) or self._counted(key)).value += 1
                if fate.rejection is not None:
                    opened.reject(fate.rejection)
                opened.await_entries(len(fate.entries), fate.pipeline, fate.rule)
                for entry in fate.entries:
                    self.destinations.add(Item(entry, opened, now), now)
            case Skipped():
                self._skip(opened, topic, fate)
                counts.skipped.value += 1
            case Filtered():
                counts.filtered.value += 1
                opened.close()
            case Rejection():
                self._bury(opened, fate)
            case _:
                assert_never(fate)

    def _skip(self, opened: OpenRecord, topic: str, skipped: Skipped) -> None:
        if skipped.rule is not None and skipped.pipeline is not None:
            self._metrics.rule_matches.labels(skipped.pipeline, skipped.rule).value += 1
        self._metrics.skipped_records.labels(topic, skipped.reason).value += 1
        opened.close()

    def _counted(self, key: tuple[str, str]) -> Count:
        return self._matches.setdefault(key, self._metrics.rule_matches.labels(*key))

    def _counts_of(self, topic: str) -> TopicCounts:
        counts = self._topics.get(topic)
        if counts is None:
            counts = self._topics[topic] = TopicCounts(topic, self._metrics)
        return counts

    # -- out --------------------------------------------------------------------------------------------------

    def work(self, wait: float = 0.0) -> None:
        """Settle the results that came, waiting up to ``wait`` seconds for a first one; then send what may go."""
        for result in self._sender.wait(wait):
            self._settle(result)
        for held in self.destinations.confirmed(self._environment.clock()):
            self._reject(held)
        self._supersede()
        for opened, rejection in self._dead_letters.acknowledged():
            self._buried(opened, rejection)
        if self.fatal is None:
            now = self._environment.clock()
            while (batch := self.destinations.take(now)) is not None:
                self._in_flight[id(batch)] = batch
                self.full += len(batch.items) == MAX_EVENTS_PER_CALL
                self._sender.submit(batch)

    def _settle(self, result: CallResult) -> None:
        batch, outcome, seconds = result
        del self._in_flight[id(batch)]
        self.full -= len(batch.items) == MAX_EVENTS_PER_CALL
        counts = self._of(batch.operation)
        self._metrics.requests.labels(batch.operation.action, outcome.status).value += 1
        counts.duration.observe(seconds)
        settled = self.destinations.settle(batch, outcome, self._environment.clock(), self._environment.chance())
        wall = self._environment.wall()
        if isinstance(outcome, Delivered):
            counts.fill.observe(len(batch.items))
            self._metrics.last_delivery.set(wall)
            counts.delivered.value += len(batch.items)
        for item in settled.delivered:
            self._settled(item.opened, wall)
        for held in settled.rejected:
            self._reject(held)
        self.fatal = self.fatal or settled.fatal

    def _of(self, operation: Operation) -> OperationCounts:
        counts = self._operations.get(operation)
        if counts is None:
            counts = self._operations[operation] = OperationCounts(operation, self._metrics)
        return counts

    def _supersede(self) -> None:
        """What was never sent, because a newer version was, is done with."""
        for operation, opened in self.destinations.let_go():
            opened.superseded += 1
            self._of(operation).superseded.value += 1
            self._settled(opened, self._environment.wall())

    def _reject(self, held: HeldRejection) -> None:
        opened, entry = held.item.opened, held.item.entry
        self._of(entry.operation).rejected.value += 1
        opened.reject(
            Rejection(
                Stage.DELIVER,
                Reason.REJECTED_BY_SERVICE,
                f"Amazon Personalize answered {held.rejected.code} to a call with this {entry.operation.noun} alone",
                pipeline=opened.pipeline,
                rule=opened.rule,
                indexes=() if entry.element is None else (entry.element,),
            )
        )
        self._settled(opened, self._environment.wall())

    # -- the end of a record ----------------------------------------------------------------------------------

    def _settled(self, opened: OpenRecord, wall: float) -> None:
        """One entry is delivered or rejected for good; with the last one, the record is done with."""
        if not opened.settle_entry() or opened.owner.revoked:
            return
        if opened.rejections:
            self._bury(opened, merge(opened.rejections))
            return
        counts = self._counts_of(opened.owner.topic_partition.topic)
        if opened.superseded == opened.events:
            counts.superseded.value += 1
        else:
            counts.delivered_at(wall, opened.timestamp)
        opened.close()

    def _bury(self, opened: OpenRecord, rejection: Rejection) -> None:
        topic = opened.owner.topic_partition.topic
        self._metrics.invalid_records.labels(topic, rejection.stage, rejection.reason).value += 1
        self._dead_letters.put(opened, rejection)

    def _buried(self, opened: OpenRecord, rejection: Rejection) -> None:
        # A dead letter must be safe before its record is committed.
        topic = opened.owner.topic_partition.topic
        self._metrics.dead_letter_records.labels(topic, rejection.reason).value += 1
        if not opened.revoked:
            self._counts_of(topic).dead_lettered.value += 1
            opened.close()

    # -- what is in flight ------------------------------------------------------------------------------------

    @property
    def results_expected(self) -> bool:
        """Whether a result or an acknowledgement may come at any moment."""
        return bool(self._in_flight) or self.letters_expected

    @property
    def letters_expected(self) -> bool:
        """Whether an acknowledgement of a dead letter may come at any moment."""
        return bool(self._dead_letters.pending())

    @property
    def unfinished(self) -> bool:
        """Whether anything is left that can still come to an end by itself."""
        rejections_will_be_confirmed = any(destination.confirmed_at() is not None for destination in self.destinations)
        return bool(self.destinations.waiting) or bool(self._dead_letters.pending()) or rejections_will_be_confirmed

    def revoking_in_flight(self) -> bool:
        """Whether a call or a dead letter of a partition that is being revoked is in flight."""
        # A revocation that took too long is over: nobody waits for what is still in flight of it.
        carried = itertools.chain(
            (item.opened for batch in self._in_flight.values() for item in batch.items),
            self._dead_letters.pending(),
        )
        return any(opened.revoking and not opened.revoked for opened in carried)

    def discard_revoked(self) -> None:
        """Drop what waits of partitions that are being revoked, or were: their next owner reads it again."""
        self.destinations.discard(lambda item: item.opened.revoking)
