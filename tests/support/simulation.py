"""Destinations under a simulated clock and a simulated service, every law asserted at every step."""

import heapq
import random
from collections import deque
from collections.abc import Callable, Iterable

from connector.core.records import MAX_EVENTS_PER_CALL, Entry, Record, TopicPartition
from connector.core.sending.destination import Limits
from connector.core.sending.destinations import Destinations
from connector.core.sending.lanes import Batch, Item, Lanes
from connector.core.sending.mixed import MixedLanes
from connector.core.sending.offsets import OpenRecord, PartitionOffsets
from connector.core.sending.outcomes import Delivered, Outcome, Rejected, Retryable, Status, Throttled
from connector.core.sending.rate import RateLimiter

REJECTED = Rejected("InvalidInputException")
THROTTLED = Throttled("ThrottlingException")
OUTAGE = Retryable("ServiceUnavailable", Status.SERVER_ERROR)
DELIVERED = Delivered()
POISON = b"poison"

Service = Callable[[Batch, float], tuple[Outcome, float]]  # a call and its time to its outcome and duration

USUAL = Limits(
    linger=1.0,
    requests_per_second=1000.0,
    retry_initial=0.1,
    retry_maximum=20.0,
    stop_after_rejections=20,
    configured=None,
)


def partition(number: int = 0) -> PartitionOffsets:
    return PartitionOffsets(TopicPartition("topic", number))


def item(
    session: str = "s",
    user: str | None = None,
    since: float = 0.0,
    *,
    owner: PartitionOffsets | None = None,
    body: bytes = b"{}",
    tracking_id: str = "t",
) -> Item:
    owner = owner or partition()
    opened = OpenRecord(Record("topic", owner.topic_partition.partition, 0, None, None, b""), owner)
    return Item(Entry(tracking_id, session, user, body), opened, since)


def places(lanes: Lanes | MixedLanes) -> int:
    """How much room the queues of lanes take, void places included."""
    if isinstance(lanes, MixedLanes):
        return len(lanes._ready) + len(lanes._delayed)
    return len(lanes._ready) + len(lanes._lingering) + len(lanes._delayed)


def warm_up(limiter: RateLimiter, now: float) -> None:
    """Have calls accepted, one after the other, until the rate is its ceiling; it is by ``now``."""
    at = now - 60.0
    while limiter.rate < limiter.ceiling:
        at = limiter.ready_at(at)
        assert limiter.take(at)
        limiter.take(at)  # the next is ready, too, and has to wait
        limiter.on_accepted(at)
    assert at <= now
    limiter.advance(now)


class Random(random.Random):
    """Chance for tests, where every run must be the same again."""

    def once_in(self, times: float) -> bool:
        return self.random() * times < 1


def steady(batch: Batch, _: float) -> tuple[Outcome, float]:
    """A service that rejects calls with poison in them and takes all others, in 30 ms."""
    poisoned = any(each.entry.body == POISON for each in batch.items)
    return (REJECTED if poisoned else DELIVERED), 0.03


class Simulation:
    """Sends what is added; ``run`` goes from event to event for as long as anything can happen by itself."""

    def __init__(self, limits: Limits, max_in_flight: int = 8, service: Service = steady, seed: int = 0) -> None:
        self.destinations = Destinations(limits, max_in_flight)
        self.now = 0.0
        self.calls: list[Batch] = []
        self.delivered: list[Item] = []
        self.rejected: list[Item] = []
        self.revoking: list[Item] = []
        self.waits: dict[int, float] = {}  # id of an item to when it first went
        self.most_places = 0
        self._service = service
        self._random = Random(seed)
        self._max_in_flight = max_in_flight
        self._wire: list[tuple[float, int, Batch, Outcome]] = []
        self._sessions: dict[tuple[str, str], deque[Item]] = {}
        self._busy: set[tuple[str, str]] = set()
        self._held: set[int] = set()

    # -- what happens around it ------------------------------------------------------------------------------

    def add(self, added: Item) -> None:
        self._sessions.setdefault((added.entry.target, added.entry.lane), deque()).append(added)
        self.destinations.add(added, self.now)

    def revoke(self, owner: PartitionOffsets) -> None:
        owner.revoking = True
        self.destinations.discard(lambda each: each.opened.revoking)
        in_flight = {id(each) for _, _, batch, _ in self._wire for each in batch.items}
        for session in self._sessions.values():
            dropped = [each for each in session if each.opened.revoking and id(each) not in in_flight]
            self._forget(session, dropped)

    def _forget(self, session: deque[Item], dropped: Iterable[Item]) -> None:
        for each in dropped:
            session.remove(each)
            self.revoking.append(each)

    # -- what happens by itself ---------------------------------------------------------------------------------

    def run(self, until: float = float("inf")) -> None:
        """Go on until nothing is left to happen, or to a time."""
        while True:
            self._send()
            at = self._next_time()
            if at is None or at > until:
                break
            self.now = at
            self._settle()
            self._confirm()
        self.now = max(self.now, until) if until < float("inf") else self.now

    def _next_time(self) -> float | None:
        ready_at = self.destinations.ready_at(self.now)
        if ready_at is not None:
            assert ready_at > self.now, "ready now, and yet nothing was to be had: a busy loop"
        if not self._wire:
            if ready_at is None:
                assert self.destinations.waiting == 0, "entries wait for an answer that nobody will give"
            return ready_at
        answered_at = self._wire[0][0]
        if ready_at is None or answered_at <= ready_at:
            return answered_at
        return ready_at

    def _confirm(self) -> None:
        ready_at, nothing_else = self.destinations.ready_at(self.now), not self._wire or self._wire[0][0] > self.now
        confirmed = [held.item for held in self.destinations.confirmed(self.now)]
        self._reject(confirmed)
        sent = self._send()
        if nothing_else and ready_at is not None and ready_at <= self.now:
            assert confirmed or sent, "ready at this time, and yet nothing was to be had"

    def _send(self) -> int:
        sent = 0
        while (batch := self.destinations.take(self.now)) is not None:
            self._check(batch)
            outcome, duration = self._service(batch, self.now)
            sent += 1
            self.calls.append(batch)
            heapq.heappush(self._wire, (self.now + duration, len(self.calls), batch, outcome))
            for destination in self.destinations:
                self.most_places = max(self.most_places, places(destination.lanes))
        assert self.destinations.in_flight == len(self._wire) <= self._max_in_flight
        return sent

    def _check(self, batch: Batch) -> None:
        key = (batch.target, batch.lane)
        assert 1 <= len(batch.items) <= MAX_EVENTS_PER_CALL
        entries = {each.entry[:3] for each in batch.items}
        assert entries == {(batch.target, batch.lane, batch.user_id)}, "a call mixes"
        assert key not in self._busy, "two calls of a session are in flight"
        assert not any(each.opened.revoking for each in batch.items), "a call carries what was revoked"
        waiting = [each for each in self._sessions[key] if id(each) not in self._held][: len(batch.items)]
        assert list(map(id, waiting)) == list(map(id, batch.items)), "out of order"
        self._busy.add(key)
        for each in batch.items:
            self.waits.setdefault(id(each), self.now)

    def _settle(self) -> None:
        while self._wire and self._wire[0][0] <= self.now:
            _, _, batch, outcome = heapq.heappop(self._wire)
            key = (batch.target, batch.lane)
            self._busy.discard(key)
            if isinstance(outcome, Rejected) and len(batch.items) == 1:
                self._held.add(id(batch.items[0]))
            settled = self.destinations.settle(batch, outcome, self.now, self._random.random())
            assert settled.fatal is None
            assert settled.delivered == (batch.items if isinstance(outcome, Delivered) else ())
            session = self._sessions[key]
            for each in settled.delivered:
                self.delivered.append(each)
                session.remove(each)
            if not isinstance(outcome, Delivered):
                kept = [each for each in batch.items if id(each) not in self._held]
                self._forget(session, [each for each in kept if each.opened.revoking])
            self._reject([held.item for held in settled.rejected])

    def _reject(self, items: Iterable[Item]) -> None:
        for each in items:
            assert id(each) in self._held, "rejected without having stood alone"
            self._sessions[each.entry.target, each.entry.lane].remove(each)
            self.rejected.append(each)

    # -- the end --------------------------------------------------------------------------------------------------

    def assert_nothing_is_left(self) -> None:
        assert self.destinations.waiting == 0
        assert self.destinations.in_flight == 0
        for destination in self.destinations:
            assert len(destination.lanes) == 0
            assert destination.in_flight == 0
