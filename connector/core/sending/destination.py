"""One tracking id or dataset cannot stall or slow another, or spoil its data.

A destination owns the lanes, the rate limiter, the circuit breaker and the held rejections of one operation and its
target: a tracking id, or a dataset. ``take`` gives the next call, ``settle`` applies its outcome.

**Bad data or bad configuration?** The service answers both with InvalidInputException. Taking a wrong tracking id for
bad data would send a whole topic to the dead letters. So a rejected entry is held until a later call to the same
target succeeds, which confirms the rejection. If calls succeeded before and none follows (no more records), it is
confirmed after ``CONFIRMED_AFTER`` seconds. After ``stop_after_rejections`` in a row without a success, the process
stops and dead-letters none of them.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, assert_never

from connector.core.operations import PUT_EVENTS, Operation, short_name
from connector.core.sending.lanes import Batch, Item, Lanes
from connector.core.sending.mixed import MixedLanes
from connector.core.sending.offsets import OpenRecord
from connector.core.sending.outcomes import (
    IN_USE,
    Delivered,
    Expired,
    Fatal,
    Outcome,
    Rejected,
    Retryable,
    Throttled,
    described,
    expired_for_good,
)
from connector.core.sending.rate import CircuitBreaker, RateLimiter, backoff
from connector.core.sending.versions import Versions

CONFIRMED_AFTER = 5.0  # seconds
# What a target is, and what must be true of it.
_TARGETS: Mapping[str, tuple[str, str]] = {
    "trackingId": ("tracking id", "event tracker exists and is active"),
    "datasetArn": ("dataset", "dataset exists, is active, and has a schema that takes the properties that are sent"),
}


class Limits(NamedTuple):
    """What the configuration says about delivery. Times in seconds, rates in calls a second.

    ``configured``: tracking ids and datasets that the file names; None where all of them are. ``rates``: by action, of
    operations other than PutEvents, where the file gives one.
    """

    linger: float
    requests_per_second: float
    retry_initial: float
    retry_maximum: float
    stop_after_rejections: int
    configured: frozenset[str] | None
    rates: Mapping[str, float] = {}

    def rate_of(self, operation: Operation) -> float:
        """Calls a second of one operation."""
        if operation is PUT_EVENTS:
            return self.requests_per_second
        return self.rates.get(operation.action, operation.rate)


class ConfigurationProven:
    """Whether any call of the process has succeeded, to whatever tracking id: region and credentials are right then."""

    def __init__(self) -> None:
        self.proven = False


def lanes_for(operation: Operation, target: str, linger: float) -> Lanes | MixedLanes:
    """The queues of what an operation sends."""
    if operation is PUT_EVENTS:
        return Lanes(target, linger)
    return (MixedLanes if operation.identity is None else Versions)(operation, target, linger)


class HeldRejection(NamedTuple):
    """An entry that the service rejected alone, while it is open whether data or configuration is wrong."""

    item: Item
    rejected: Rejected
    at: float


class Settled(NamedTuple):
    """What an outcome means for records: entries delivered, confirmed rejections, or the end of the process."""

    delivered: tuple[Item, ...] = ()
    rejected: tuple[HeldRejection, ...] = ()
    fatal: Fatal | None = None


class Destination:
    """The calls of one operation to one tracking id or dataset.

    A target that a rule takes from the record is data, not configuration: once the
    configuration is proven, its rejections mean bad data and do not stop the process.
    """

    def __init__(
        self,
        target: str,
        limits: Limits,
        now: float,
        configuration: ConfigurationProven | None = None,
        operation: Operation = PUT_EVENTS,
    ) -> None:
        self.operation = operation
        self.target = target
        self._configured = limits.configured is None or target in limits.configured
        self._configuration = configuration or ConfigurationProven()
        self.lanes = lanes_for(operation, target, limits.linger)
        self.limiter = RateLimiter(limits.rate_of(operation), now)
        self.breaker = CircuitBreaker(limits.retry_initial, limits.retry_maximum)
        self.last_failure = ""  # why the last call failed for want of an endpoint, and when it did
        self.failed_at = 0.0
        self.in_flight = 0
        self.calls = 0  # taken so far
        self.rate_wait = 0.0  # seconds in which a call was ready and the rate limiter held it back
        self._held_from: float | None = None
        self._limits = limits
        self._succeeded = False
        self._in_a_row = 0
        self._held: list[HeldRejection] = []

    @property
    def idle(self) -> bool:
        """Nothing waits here and nothing is under way."""
        return not self.lanes.waiting and not self._held

    @property
    def outage_unknown(self) -> bool:
        """Whether the outage lasts is unknown: nothing is left to send that could probe the endpoint."""
        return self.breaker.since is not None and not self.lanes.waiting and not self.in_flight

    @property
    def busy(self) -> bool:
        """The calls fail because the dataset is in use; the service answers."""
        return self.breaker.since is not None and self.last_failure == IN_USE

    @property
    def held_count(self) -> int:
        """How many rejected entries are held."""
        return len(self._held)

    @property
    def name(self) -> str:
        """The tracking id or the dataset, for logs, which never show one that comes from a record."""
        return short_name(self.target) if self._configured else "(taken from records)"

    @property
    def proven(self) -> bool:
        """Whether rejections can be bad data: the target is, or was, known to be right, or is data itself."""
        return self._succeeded or (not self._configured and self._configuration.proven)

    def take(self, now: float) -> Batch | None:
        """The call that may go now, None where none may."""
        if self.breaker.ready_at(now) > now:
            return None
        ready_at = self.lanes.ready_at(now)
        if ready_at is None or ready_at > now:
            self._note_free(now)
            return None
        # Only a call that is ready asks the rate limiter, which learns from the calls that have to wait.
        if not self.limiter.take(now):
            self._held_from = now if self._held_from is None else self._held_from
            return None
        self._note_free(now)
        batch = self.lanes.take(now)
        self.in_flight += 1
        self.calls += 1
        self.breaker.on_call(batch, now)
        return batch

    def _note_free(self, now: float) -> None:
        if self._held_from is not None:
            self.rate_wait += now - self._held_from
            self._held_from = None

    def ready_at(self, now: float) -> float | None:
        """When ``take`` may have a call, with nothing added; None where only an answer can tell."""
        waiting = self.lanes.ready_at(now)
        return None if waiting is None else max(waiting, self.breaker.ready_at(now), self.limiter.ready_at(now))

    def settle(self, batch: Batch, outcome: Outcome, now: float, chance: float) -> Settled:
        """Take the answer to a call into account.

        Args:
            batch: from ``take``.
            outcome: how it ended.
            now: seconds.
            chance: a random number in [0, 1), for jitter.
        """
        self.in_flight -= 1
        match outcome:
            case Delivered() | Rejected():
                self._answered()
                self.limiter.on_accepted(batch.left_at)
                return self._rejected(batch, outcome, now) if isinstance(outcome, Rejected) else self._delivered(batch)
            case Throttled():
                self._answered()
                self.limiter.on_throttled(now, batch.left_at)
                # The rate limiter decides how fast retries go; meanwhile the lane lets the others go first.
                self._postpone(batch, 1, now, chance)
                return Settled()
            case Retryable():
                self.last_failure, self.failed_at = described(outcome), now
                self.breaker.on_failure(batch, now, chance)
                self._postpone(batch, self.lanes.failed(batch), now, chance)
                return Settled()
            case Expired() | Fatal():
                self._answered()
                self._postpone(batch, self.lanes.failed(batch), now, chance)
                return Settled(fatal=expired_for_good(outcome) if isinstance(outcome, Expired) else outcome)
            case _:
                assert_never(outcome)

    def _answered(self) -> None:
        if self.breaker.since is not None:
            self.lanes.wake()
        self.breaker.on_answer()

    def _postpone(self, batch: Batch, attempt: int, now: float, chance: float) -> None:
        wait = backoff(attempt, self._limits.retry_initial, self._limits.retry_maximum, chance)
        self.lanes.postpone(batch, now + wait)

    def _delivered(self, batch: Batch) -> Settled:
        self.lanes.delivered(batch)
        return Settled(delivered=batch.items, rejected=self._confirm())

    def _rejected(self, batch: Batch, outcome: Rejected, now: float) -> Settled:
        culprit = self.lanes.split(batch)
        if culprit is None:
            return Settled()
        self._in_a_row += 1
        self._held.append(HeldRejection(culprit, outcome, now))
        is_data = not self._configured and self._configuration.proven
        if self._in_a_row >= self._limits.stop_after_rejections and not is_data:
            return Settled(fatal=self._wrong_configuration(outcome))
        return Settled()

    def _wrong_configuration(self, outcome: Rejected) -> Fatal:
        before = "no call has succeeded since" if self._succeeded else "no call has ever succeeded"
        operation = self.operation
        what, where = _TARGETS[operation.target]
        return Fatal(
            outcome.code,
            f"the service rejected {self._in_a_row} {operation.nouns} in a row for one {what}, and {before}: "
            f"check personalize.{operation.setting} (and a rule's {operation.target}), that its {where}, "
            "and personalize.region; if the data really is that bad, raise delivery.stop_after_rejections",
            outcome.status,
        )

    def _confirm(self) -> tuple[HeldRejection, ...]:
        self._succeeded = self._configuration.proven = True
        self._in_a_row = 0
        confirmed, self._held = self._held, []
        return tuple(confirmed)

    def let_go(self) -> list[OpenRecord]:
        """Records that are done with since the last call although their own entry never went."""
        return self.lanes.let_go()

    def confirmed_by(self, now: float) -> tuple[HeldRejection, ...]:
        """Held rejections that were held long enough without a sign of a wrong configuration."""
        if not self.proven or not self._held or self._held[0].at + CONFIRMED_AFTER > now:
            return ()
        ripe = tuple(held for held in self._held if held.at + CONFIRMED_AFTER <= now)
        self._held = [held for held in self._held if held.at + CONFIRMED_AFTER > now]
        return ripe

    def confirmed_at(self) -> float | None:
        """When ``confirmed_by`` has something, None where only a success can tell."""
        return self._held[0].at + CONFIRMED_AFTER if self.proven and self._held else None

    def discard_held(self, revoking: Callable[[Item], bool]) -> None:
        """Drop the held rejections of revoked partitions."""
        self._held = [held for held in self._held if not revoking(held.item)]
