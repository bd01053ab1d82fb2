"""From a record's fate to its end: delivered, dropped on purpose, or safe in the dead letters.

Owned by the loop and run in its thread. A record is open until each of its entries is settled and, where something
was wrong with it, until the broker has its dead letter; only then does its offset close.
"""

import itertools
from typing import assert_never

from connector.core.batching import Batch, Item
from connector.core.channel import Doubtful, Limits
from connector.core.channels import Channels
from connector.core.offsets import OpenRecord
from connector.core.outcomes import Delivered, Fatal, Retryable, Throttled
from connector.core.records import Filtered, Reason, Rejection, Skipped, Stage
from connector.core.transform import Fate, Transformed, merge
from connector.metrics import PUT_EVENTS, Metrics, Tally
from connector.ports import Answer, DeadLetters, Outside, Sender


class Delivery:
    """Carries entries to the service and invalid records to the dead letters, and closes what is done.

    Args:
        sender, dead_letters: the outside.
        limits, max_in_flight: see ``Channels``.
        metrics: where it is counted.
        outside: clocks and chance.
    """

    def __init__(
        self,
        sender: Sender,
        dead_letters: DeadLetters,
        limits: Limits,
        max_in_flight: int,
        metrics: Metrics,
        outside: Outside,
    ) -> None:
        self.channels = Channels(limits, max_in_flight)
        self.fatal: Fatal | None = None
        self.last_failure = ""  # the code of the last call that is to be repeated, for whoever tells of an outage
        self._sender = sender
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._tally = Tally()
        self._outside = outside
        self._on_the_wire: dict[int, Batch] = {}
        self._duration = metrics.request_duration.labels(PUT_EVENTS)
        self._fill = metrics.events_per_request.labels(PUT_EVENTS)

    # -- in ---------------------------------------------------------------------------------------------------

    def accept(self, opened: OpenRecord, topic: str, fate: Fate, now: float) -> None:
        """A record was read, and this is what becomes of it."""
        metrics, tally = self._metrics, self._tally
        tally.add(metrics.records_consumed, topic)
        match fate:
            case Transformed(pipeline, rule, entries, rejection):
                tally.add(metrics.rule_matches, pipeline, rule)
                if rejection is not None:
                    opened.rejections.append(rejection)
                opened.expect(len(entries), pipeline, rule)
                for entry in entries:
                    self.channels.add(Item(entry, opened, now), now)
            case Skipped(reason, rule, pipeline):
                if rule is not None and pipeline is not None:
                    tally.add(metrics.rule_matches, pipeline, rule)
                tally.add(metrics.skipped_records, topic, reason)
                self._close(opened, topic, "skipped")
            case Filtered():
                self._close(opened, topic, "filtered")
            case Rejection():
                self._bury(opened, fate)
            case _:
                assert_never(fate)

    # -- out --------------------------------------------------------------------------------------------------

    def work(self, wait: float = 0.0) -> None:
        """Take in what came back, waiting up to ``wait`` seconds for a first answer; then send what may go."""
        for answer in self._sender.wait(wait):
            self._settle(answer)
        for doubtful in self.channels.believed(self._outside.clock()):
            self._reject(doubtful)
        for opened, rejection in self._dead_letters.acknowledged():
            self._buried(opened, rejection)
        if self.fatal is None:
            now = self._outside.clock()
            while (batch := self.channels.take(now)) is not None:
                self._on_the_wire[id(batch)] = batch
                self._sender.submit(batch)
        self._tally.flush()

    def _settle(self, answer: Answer) -> None:
        batch, outcome, seconds = answer
        del self._on_the_wire[id(batch)]
        self._tally.add(self._metrics.requests, PUT_EVENTS, outcome.status)
        self._duration.observe(seconds)
        settled = self.channels.settle(batch, outcome, self._outside.clock(), self._outside.chance())
        if isinstance(outcome, Delivered):
            self._fill.observe(len(batch.items))
            self._metrics.last_delivery.set(self._outside.wall())
            self._tally.add(self._metrics.events, PUT_EVENTS, "delivered", count=len(batch.items))
        elif isinstance(outcome, Throttled | Retryable):
            self.last_failure = outcome.code
        for item in settled.delivered:
            self._settled(item.opened)
        for doubtful in settled.rejected:
            self._reject(doubtful)
        self.fatal = self.fatal or settled.fatal

    def _reject(self, doubtful: Doubtful) -> None:
        opened, element = doubtful.item.opened, doubtful.item.entry.element
        self._tally.add(self._metrics.events, PUT_EVENTS, "rejected")
        opened.rejections.append(
            Rejection(
                Stage.DELIVER,
                Reason.REJECTED_BY_SERVICE,
                f"Amazon Personalize answered {doubtful.rejected.code} to a call with this event alone",
                pipeline=opened.pipeline,
                rule=opened.rule,
                indexes=() if element is None else (element,),
            )
        )
        self._settled(opened)

    # -- the end of a record ----------------------------------------------------------------------------------

    def _settled(self, opened: OpenRecord) -> None:
        """One entry is delivered or rejected for good; with the last one, the record is done with."""
        opened.waiting -= 1
        if opened.waiting or opened.gone:
            return
        if opened.rejections:
            self._bury(opened, merge(opened.rejections))
            return
        topic = opened.owner.topic_partition.topic
        if opened.timestamp is not None:
            latency = self._outside.wall() - opened.timestamp / 1000
            self._metrics.end_to_end_latency.labels(topic).observe(max(0.0, latency))
        self._close(opened, topic, "delivered")

    def _bury(self, opened: OpenRecord, rejection: Rejection) -> None:
        topic = opened.owner.topic_partition.topic
        self._tally.add(self._metrics.invalid_records, topic, rejection.stage, rejection.reason)
        self._dead_letters.put(opened, rejection)

    def _buried(self, opened: OpenRecord, rejection: Rejection) -> None:
        # A dead letter must be safe before its record is committed.
        topic = opened.owner.topic_partition.topic
        self._tally.add(self._metrics.dead_letter_records, topic, rejection.reason)
        if not opened.gone:
            self._close(opened, topic, "dead_lettered")

    def _close(self, opened: OpenRecord, topic: str, outcome: str) -> None:
        opened.close()
        self._tally.add(self._metrics.records, topic, outcome)

    # -- what is under way ------------------------------------------------------------------------------------

    @property
    def answers_expected(self) -> bool:
        """Whether an answer or an acknowledgement may come at any moment."""
        return bool(self._on_the_wire) or self.letters_expected

    @property
    def letters_expected(self) -> bool:
        """Whether an acknowledgement of a dead letter may come at any moment."""
        return bool(self._dead_letters.pending())

    @property
    def unfinished(self) -> bool:
        """Whether anything is left that can still come to an end by itself."""
        doubts_will_end = any(channel.believed_at() is not None for channel in self.channels)
        return bool(self.channels.waiting) or bool(self._dead_letters.pending()) or doubts_will_end

    def leaving_under_way(self) -> bool:
        """Whether a call or a dead letter of a partition that is leaving is under way."""
        # What is gone already, after a revocation that took too long, is nobody's to wait for.
        carried = itertools.chain(
            (item.opened for batch in self._on_the_wire.values() for item in batch.items),
            self._dead_letters.pending(),
        )
        return any(opened.given_up and not opened.gone for opened in carried)

    def discard_given_up(self) -> None:
        """Drop what waits of partitions that are leaving or gone: it is for their next owner."""
        self.channels.discard(lambda item: item.opened.given_up)
