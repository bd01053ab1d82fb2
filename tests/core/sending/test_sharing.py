"""Senders on one quota find fair shares without talking to each other, use it up, and are seldom throttled.

A simulation: senders that always have something to send, a service with a token bucket, and random times in flight.
"""

import heapq
import random
from collections.abc import Iterable
from typing import Literal, NamedTuple

import pytest

from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Outcome
from connector.core.sending.rate import RateLimiter
from tests.support.simulation import DELIVERED, THROTTLED, USUAL, Simulation, item, warm_up

Step = Literal["wake", "arrival", "answer", "stranger"]

LATENCY = 0.03  # seconds
IN_FLIGHT = 128


class Quota:
    """The service's token bucket; in a storm it has nothing for anybody."""

    def __init__(self, rate: float, burst: float, storm: tuple[float, float]) -> None:
        self._rate, self._capacity, self._storm = rate, max(1.0, rate * burst), storm
        self._tokens, self._at = self._capacity, 0.0

    def accepts(self, now: float) -> bool:
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0 or self._storm[0] <= now < self._storm[1]:
            return False
        self._tokens -= 1.0
        return True


class Call(NamedTuple):
    sender: int
    arrived: float
    accepted: bool


class Sharing:
    """``senders`` with the whole quota as their ceiling, joined by a stranger who does not slow down."""

    def __init__(
        self,
        senders: int,
        quota: float,
        *,
        seconds: float,
        burst: float = 0.2,
        ceiling: float | None = None,
        stranger: float = 0.0,
        storm: tuple[float, float] = (0.0, 0.0),
        latency: float = LATENCY,
    ) -> None:
        self.senders, self.quota, self.latency, self.calls = senders, quota, latency, list[Call]()
        self._random = random.Random(1)
        self._service = Quota(quota, burst, storm)
        self._paces = [RateLimiter(ceiling or quota, 0.0) for _ in range(senders)]
        self._in_flight = [0] * senders
        self._events: list[tuple[float, int, Step, int, float, bool]] = []
        self._count = 0
        for sender in range(senders):
            self._at(self._random.random() / 100, "wake", sender)
        if stranger:
            self._at(0.0, "stranger", senders)
        while self._events[0][0] < seconds:
            now, _, what, sender, left_at, accepted = heapq.heappop(self._events)
            match what:
                case "wake":
                    self._send(sender, now)
                case "arrival":
                    accepted = self._call(sender, now)
                    self._at(now + self.latency / 2, "answer", sender, left_at, accepted=accepted)
                case "answer":
                    self._answer(sender, now, left_at, accepted=accepted)
                case "stranger":
                    self._call(sender, now)
                    self._at(now + self._random.expovariate(stranger), "stranger", sender)

    def _at(self, time: float, what: Step, sender: int, left_at: float = 0.0, *, accepted: bool = False) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, what, sender, left_at, accepted))

    def _call(self, sender: int, now: float) -> bool:
        accepted = self._service.accepts(now)
        self.calls.append(Call(sender, now, accepted))
        return accepted

    def _send(self, sender: int, now: float) -> None:
        while self._in_flight[sender] < IN_FLIGHT:
            if not self._paces[sender].take(now):
                self._at(self._paces[sender].ready_at(now) + self._random.random() / 500, "wake", sender)
                return
            self._in_flight[sender] += 1
            self._at(now + self.latency * (0.35 + self._random.random() * 0.3), "arrival", sender, now)

    def _answer(self, sender: int, now: float, left_at: float, *, accepted: bool) -> None:
        was_full = self._in_flight[sender] == IN_FLIGHT
        self._in_flight[sender] -= 1
        if accepted:
            self._paces[sender].on_accepted(left_at)
        else:
            self._paces[sender].on_throttled(now, left_at)
        if was_full:
            self._at(now, "wake", sender)

    # -- what came of it ----------------------------------------------------------------------------------------------

    def between(self, start: float, end: float) -> Iterable[Call]:
        return (call for call in self.calls if start <= call.arrived < end)

    def used(self, start: float, end: float) -> float:
        """The part of the quota's calls that anybody got, strangers included."""
        return sum(call.accepted for call in self.between(start, end)) / (end - start) / self.quota

    def throttled(self, start: float, end: float) -> float:
        """The part of our calls that were throttled."""
        ours = [call.accepted for call in self.between(start, end) if call.sender < self.senders]
        return 1 - sum(ours) / len(ours)

    def shares(self, start: float, end: float) -> list[float]:
        """What each of us got, in calls a second."""
        counts = [0] * (self.senders + 1)
        for call in self.between(start, end):
            counts[call.sender] += call.accepted
        return [count / (end - start) for count in counts[: self.senders]]


@pytest.mark.grid
@pytest.mark.parametrize("burst", [0.02, 1.0])
@pytest.mark.parametrize(("senders", "quota"), [(1, 300), (2, 1000), (4, 400), (8, 1000), (8, 400)])
def test_replicas_use_the_quota_fairly_and_are_seldom_throttled(senders: int, quota: float, burst: float) -> None:
    sharing = Sharing(senders, quota, seconds=70, burst=burst, ceiling=1000)
    assert sharing.used(20, 70) >= 0.95
    assert sharing.throttled(20, 70) <= 0.03
    shares = sharing.shares(20, 70)
    fair = quota / senders
    assert 0.55 * fair < min(shares) <= max(shares) < 1.6 * fair, shares


def test_replicas_that_start_together_do_not_begin_with_a_storm() -> None:
    sharing = Sharing(8, 1000, seconds=10, burst=0.02)
    assert sharing.throttled(0, 10) <= 0.03
    assert sharing.used(0, 10) >= 0.95


@pytest.mark.grid
@pytest.mark.parametrize("latency", [0.03, 0.1])
@pytest.mark.parametrize("burst", [0.2, 1.0])
@pytest.mark.parametrize(
    ("senders", "ratio"),
    [(1, 1), (1, 2), (1, 5), (1, 10), (1, 50), (1, 100), (2, 1), (2, 10), (2, 50), (4, 2), (4, 20), (8, 1), (8, 10)],
)
def test_in_the_first_minute_few_calls_are_throttled_however_high_the_ceiling(
    senders: int, ratio: float, burst: float, latency: float
) -> None:
    """The ceiling of each of them is so many times the quota; each one's share is five calls a second at least."""
    sharing = Sharing(senders, 1000 / ratio, seconds=60, burst=burst, ceiling=1000, latency=latency)
    assert sharing.throttled(0, 60) <= 0.1
    assert sharing.used(0, 60) >= 0.97
    if senders == ratio == 1:
        assert sharing.throttled(0, 60) == 0
        assert sharing.used(0, 60) >= 0.98, "a ceiling that is right costs too much at the start"


@pytest.mark.grid
@pytest.mark.parametrize("quota", [10, 20, 100, 200, 500, 1000])
def test_a_flood_after_a_trickle_is_not_throttled_much_either(quota: int) -> None:
    """Single events of many sessions, a quarter of the quota, each of which lingers; then a backlog for a minute."""
    service, answers = Quota(quota, 1.0, (0.0, 0.0)), list[tuple[float, bool]]()

    def answer(_: Batch, now: float) -> tuple[Outcome, float]:
        answers.append((now, service.accepts(now)))
        return (DELIVERED if answers[-1][1] else THROTTLED), 0.05

    simulation = Simulation(USUAL._replace(linger=1.0, requests_per_second=1000.0), 64, answer)
    for number in range(quota // 4 * 30):
        simulation.run(number * 4 / quota)
        simulation.add(item(f"trickle-{number}", since=simulation.now))
    simulation.run(30.0)
    for number in range(quota * 30):
        simulation.add(item(f"flood-{number}", since=simulation.now - 1.0))
    simulation.run(60.0)
    throttled = sum(not accepted for _, accepted in answers)
    assert throttled <= 0.1 * len(answers)
    flood = sum(accepted for at, accepted in answers if at >= 30.0)
    assert flood >= 0.93 * 30 * quota


@pytest.mark.parametrize("burst", [0.02, 1.0])
def test_a_stranger_who_does_not_slow_down_keeps_what_it_takes_and_we_use_the_rest(burst: float) -> None:
    sharing = Sharing(4, 1000, seconds=60, burst=burst, stranger=300)
    assert sharing.used(20, 60) >= 0.95
    assert sharing.throttled(20, 60) <= 0.03
    assert sum(sharing.shares(20, 60)) == pytest.approx(700, rel=0.05)


@pytest.mark.parametrize(("senders", "quota"), [(1, 1000), (4, 1000), (8, 400)])
def test_after_a_storm_the_quota_is_used_again_within_seconds(senders: int, quota: float) -> None:
    sharing = Sharing(senders, quota, seconds=60, ceiling=1000, storm=(20.0, 40.0))
    assert sharing.used(45, 46) >= 0.9, "it may take ten seconds"
    assert sharing.throttled(45, 60) <= 0.03
    asked = sum(1 for _ in sharing.between(25, 40)) / 15 / senders
    assert asked < 4, "calls a second of each, in the storm: enough to notice its end"


def test_room_that_a_stranger_leaves_is_taken_within_seconds() -> None:
    """A third of the quota comes free: growth rises with the time without throttling."""
    limiter = RateLimiter(1000.0, -60.0)
    warm_up(limiter, 0.0)
    limiter.on_throttled(0.0, 0.0)
    for number in range(1, 40):  # of ten calls four are throttled, for as long as the stranger is there
        now = number * 0.01
        (limiter.on_accepted(now) if number % 10 < 6 else limiter.on_throttled(now, now))
    share = limiter.rate
    assert share == pytest.approx(600, rel=0.15)
    limiter.advance(10.0)
    assert limiter.rate > share * 1.5
