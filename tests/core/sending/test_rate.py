"""Calls never go faster than the rate, slow down when told to, and whoever waits as long as told may then go."""

import math
from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.sending.rate import (
    BURST,
    DECREASE,
    DOUBLING,
    FLOOR,
    SETTLING,
    START,
    CircuitBreaker,
    RateLimiter,
    backoff,
)
from tests.support.simulation import warm_up

RATES = st.floats(0.05, 20_000)
STARTS = st.sampled_from([0.0, 1.5, 1e5, 86_400.0 * 400, 1.8e9]) | st.floats(0, 1e7)
STEPS = st.lists(st.floats(0, 3) | st.floats(0, 1e-3), max_size=60)


def burst(rate: float) -> float:
    return max(1.0, rate * BURST)


def warm(ceiling: float, now: float) -> RateLimiter:
    """A rate limiter that has reached its ceiling by ``now``, and had a call accepted."""
    limiter = RateLimiter(ceiling, now - 60)
    warm_up(limiter, now)
    limiter.on_accepted(now)
    return limiter


# -- rate limiter -----------------------------------------------------------------------------------------------------


@given(RATES, STARTS, STEPS, st.lists(st.integers(0, 40), min_size=60, max_size=60), st.sampled_from([1, 7]))
def test_in_no_window_more_calls_go_than_rate_and_burst_allow(
    rate: float, now: float, steps: list[float], wishes: list[int], throttled: int
) -> None:
    limiter, taken = RateLimiter(rate, now), []
    for step, wished in zip(steps, wishes, strict=False):
        now += step
        if wished % throttled == 1:  # now and then, or never
            limiter.on_throttled(now, now)
        taken += [now for _ in range(wished) if limiter.take(now)]
    for first in range(len(taken)):
        window = taken[-1] - taken[first]
        assert len(taken) - first <= rate * window + burst(rate) + 1e-3


@given(RATES, STARTS, st.integers(1, 60))
def test_who_waits_as_long_as_told_may_go(rate: float, now: float, calls: int) -> None:
    limiter = RateLimiter(rate, now)
    for _ in range(calls):
        ready_at = limiter.ready_at(now)
        assert ready_at >= now
        now = ready_at
        assert limiter.take(now), "to be told to wait and then refused is a busy loop"


@given(RATES, STARTS, STEPS)
def test_nobody_waits_longer_than_needed(rate: float, now: float, steps: list[float]) -> None:
    limiter = warm(rate, now)
    for step in steps:
        now += step
        while limiter.take(now):
            pass
        ready_at = limiter.ready_at(now)
        assert now < ready_at <= now + 1 / limiter.rate + 1e-6
        half = now + (ready_at - now) / 2
        if half > now and ready_at - half > 1e-5:
            assert not limiter.take(half)


@given(RATES, STARTS, st.floats(0.2, 1))
def test_what_is_ready_after_throttling_is_told_truthfully(rate: float, now: float, chance: float) -> None:
    limiter = RateLimiter(rate, now)
    for _ in range(20):
        limiter.on_throttled(now, now)
        now = limiter.ready_at(now)
        assert limiter.take(now)
        now += chance


def test_a_pause_saves_up_a_burst_and_not_more() -> None:
    limiter = warm(1000.0, 0.0)
    assert sum(limiter.take(100.0) for _ in range(1000)) == 1000 * BURST


def test_all_of_the_rate_can_be_used() -> None:
    limiter, now, calls = warm(1000.0, 0.0), 0.0, 0
    while now < 2.0:
        now = limiter.ready_at(now)
        calls += limiter.take(now)
    assert calls == pytest.approx(2000 + 50, abs=2)


@pytest.mark.parametrize("rate", [0.05, 0.5, 1.0])
def test_a_tiny_rate_works(rate: float) -> None:
    limiter, now = RateLimiter(rate, 0.0), 0.0
    times: list[float] = []
    while len(times) < 5:
        now = limiter.ready_at(now)
        if limiter.take(now):
            times.append(now)
    assert times == pytest.approx([number / rate for number in range(5)])


# -- the start --------------------------------------------------------------------------------------------------------


def start(ceiling: float, seconds: float, latency: float = 0.03) -> RateLimiter:
    """A rate limiter after so many seconds of accepted calls, with another one always ready."""
    limiter, now, answers = RateLimiter(ceiling, 0.0), 0.0, deque[float]()
    while now < seconds:
        while answers and answers[0] + latency <= now:
            limiter.on_accepted(answers.popleft())
        while limiter.take(now):
            answers.append(now)
        now = min(limiter.ready_at(now), answers[0] + latency) if answers else limiter.ready_at(now)
    return limiter


def test_a_start_is_gentle_and_short() -> None:
    limiter = RateLimiter(1000.0, 0.0)
    assert limiter.rate == 1000 * START
    assert not limiter.throttled, "slow because it is new, not because anybody said so"
    assert start(1000.0, 0.3).rate < 100
    assert start(1000.0, 1.2).rate == 1000.0


def test_time_alone_proves_nothing() -> None:
    limiter = RateLimiter(1000.0, 0.0)
    limiter.advance(3600.0)
    assert limiter.rate == 1000 * START


def test_a_trickle_proves_nothing_about_a_flood() -> None:
    limiter = RateLimiter(1000.0, 0.0)
    for second in range(600):
        assert limiter.take(float(second))
        limiter.on_accepted(float(second))
    assert limiter.rate == 1000 * START


def test_an_accepted_call_doubles_the_rate_at_most() -> None:
    limiter = RateLimiter(100.0, 0.0)
    rates = [limiter.rate]
    for number in range(6):
        now = limiter.ready_at(float(number))
        assert limiter.take(now)
        assert not limiter.take(now)
        limiter.on_accepted(now)
        rates.append(limiter.rate)
    assert all(later <= 2 * earlier for earlier, later in pairwise(rates))
    assert rates == sorted(rates)


def test_who_is_throttled_before_anything_was_accepted_still_starts_gently() -> None:
    """The quota is used up by others: when it comes free, the ceiling is no better known than before."""
    limiter = RateLimiter(1000.0, 0.0)
    for second in range(5):
        limiter.on_throttled(float(second), float(second))
    limiter.advance(600.0)
    assert limiter.rate <= 1000 * START


# -- afterwards -------------------------------------------------------------------------------------------------------


@given(st.floats(2.5, 20_000), st.floats(0.0, 60.0), st.lists(st.floats(0.001, 1), min_size=1, max_size=30))
def test_how_a_rate_grows_does_not_depend_on_how_often_it_is_looked_at(
    rate: float, calm: float, steps: list[float]
) -> None:
    looked_at, left_alone = warm(rate, 0.0), warm(rate, 0.0)
    now = calm
    for limiter in (looked_at, left_alone):
        for number in range(8):
            limiter.on_throttled(now + number * SETTLING, now + number * SETTLING)
    now += 8 * SETTLING
    for step in steps:
        now += step
        looked_at.advance(now)
    left_alone.advance(now)
    assert looked_at.rate == pytest.approx(left_alone.rate)


def test_one_throttled_call_means_that_the_rate_is_a_little_too_high() -> None:
    limiter = warm(1000.0, 0.0)
    limiter.on_throttled(0.0, 0.0)
    assert limiter.throttled
    assert limiter.rate == pytest.approx(1000 * (1 - DECREASE))


def test_calls_that_left_before_the_rate_fell_do_not_lower_it_again() -> None:
    limiter = warm(1000.0, 0.0)
    limiter.on_throttled(0.03, 0.0)
    for number in range(200):
        limiter.on_throttled(0.04 + number / 10, 0.0299)
    assert limiter.rate > 1000 * (1 - DECREASE)


def test_acceptances_of_calls_that_left_before_the_rate_fell_say_nothing_about_the_new_one() -> None:
    limiter = warm(1000.0, 0.0)
    limiter.on_throttled(0.03, 0.0)
    for _ in range(100):
        limiter.on_accepted(0.0299)
    limiter.on_throttled(0.03 + SETTLING, 0.04)
    assert limiter.rate < 1000 * (1 - DECREASE) / 1.5, "of those that left since, none got through"


def test_what_gets_through_is_what_the_quota_has_for_us() -> None:
    """Three of four calls are throttled: within one look the rate is a quarter, instead of after twenty steps."""
    limiter, now = warm(1000.0, 0.0), 0.0
    limiter.on_throttled(now, now)
    for number in range(100):
        now = 0.01 + number * SETTLING / 100
        if number % 4:
            limiter.on_throttled(now, now)
        else:
            limiter.on_accepted(now)
    assert now >= SETTLING
    assert limiter.rate == pytest.approx(250, rel=0.15)


def test_after_a_storm_the_rate_is_back_at_its_share_within_seconds() -> None:
    limiter, now = warm(1000.0, 0.0), 0.0
    while now < 20.0:
        now = limiter.ready_at(now)
        assert limiter.take(now)
        limiter.on_throttled(now, now)
    assert limiter.rate <= FLOOR * 2
    share = 1000 * (1 - DECREASE)
    while limiter.rate < share:
        now = limiter.ready_at(now)
        assert limiter.take(now)
        limiter.on_accepted(now)
    assert now < 20.0 + 2 / FLOOR + 10 * DOUBLING


def test_the_first_throttling_counts_on_any_clock() -> None:
    for now in (0.0, 0.1, 1e6 + 0.1, 1.8e9 + 0.3):
        limiter = warm(10.0, now)
        limiter.on_throttled(now, now)
        assert limiter.rate == pytest.approx(10 * (1 - DECREASE))


def test_throttling_takes_what_was_saved_up() -> None:
    limiter = warm(1000.0, 0.0)
    limiter.on_throttled(0.0, 0.0)
    assert not limiter.take(0.0)
    assert limiter.ready_at(0.0) == pytest.approx(1 / (1000 * (1 - DECREASE)))


def test_the_rate_comes_back_to_its_ceiling_and_stays_there() -> None:
    limiter = warm(100.0, 0.0)
    limiter.on_throttled(0.0, 0.0)
    seen = []
    for second in range(1, 31):
        limiter.take(float(second))
        seen.append(limiter.rate)
    assert seen == sorted(seen)
    assert seen[0] < 100.0
    assert limiter.rate == limiter.ceiling
    assert not limiter.throttled


@given(RATES, st.integers(1, 200))
def test_the_rate_never_falls_below_one_that_notices_the_end(rate: float, times: int) -> None:
    limiter = RateLimiter(rate, 0.0)
    for number in range(times):
        limiter.on_throttled(number * SETTLING, number * SETTLING)
    assert min(FLOOR, rate) <= limiter.rate <= rate


@given(RATES, st.floats(0.001, 1000))
def test_a_clock_that_goes_back_is_harmless(rate: float, back: float) -> None:
    limiter, now = RateLimiter(rate, 2000.0), 2000.0
    while limiter.take(now):
        pass
    limiter.on_throttled(now - back, now - back)
    assert not limiter.take(now - back)
    ready_at = limiter.ready_at(now - back)
    assert not limiter.take(now - back)
    assert not limiter.take(now), "time that was counted already is not counted again"
    assert limiter.take(ready_at)
    assert not math.isnan(limiter.rate)


# -- backoff ----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 10_000), st.floats(0.001, 10), st.floats(0, 1, exclude_max=True))
def test_a_wait_grows_to_its_maximum_and_is_jittered(attempt: int, initial: float, chance: float) -> None:
    maximum = 20.0
    wait = backoff(attempt, initial, maximum, chance)
    assert 0 <= wait <= maximum
    assert wait == pytest.approx(chance * min(maximum, initial * 2 ** min(attempt - 1, 60)))


def test_waits_double() -> None:
    assert [backoff(attempt, 0.1, 1.0, 0.5) for attempt in range(1, 6)] == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.5])


# -- outage -----------------------------------------------------------------------------------------------------------


class Caller:
    """Makes calls as fast as an outage allows."""

    def __init__(self, maximum: float = 20.0) -> None:
        self.breaker = CircuitBreaker(0.1, maximum)

    def call(self, now: float) -> object | None:
        if self.breaker.ready_at(now) > now:
            return None
        call = object()
        self.breaker.on_call(call, now)
        return call

    def must_call(self, now: float) -> object:
        call = self.call(now)
        assert call is not None
        return call

    def fail(self, times: int, now: float = 0.0) -> None:
        for call in [self.must_call(now) for _ in range(times)]:
            self.breaker.on_failure(call, now, 0.5)


def test_a_failure_here_and_there_is_no_outage() -> None:
    caller = Caller()
    for _ in range(10):
        caller.fail(CircuitBreaker.OPENS_AFTER - 1)
        assert caller.breaker.since is None
        caller.breaker.on_answer()
    assert caller.breaker.ready_at(5.0) == 5.0


def test_in_an_outage_one_call_at_a_time_probes() -> None:
    caller = Caller()
    caller.fail(CircuitBreaker.OPENS_AFTER, 7.0)
    assert caller.breaker.since == 7.0
    asked_at = caller.breaker.ready_at(7.0)
    assert 7.0 < asked_at <= 7.1
    assert caller.call(7.0) is None
    probe = caller.must_call(asked_at)
    assert caller.breaker.ready_at(asked_at) == asked_at + CircuitBreaker.LONGEST
    assert caller.call(asked_at + 0.99 * CircuitBreaker.LONGEST) is None
    caller.breaker.on_failure(probe, asked_at + 1, 0.5)
    again_at = caller.breaker.ready_at(asked_at + 1)
    assert again_at > asked_at + 1


def test_a_probe_that_hangs_is_not_waited_for() -> None:
    """The endpoint comes back just after it left, and the time-out of a call is ten seconds."""
    caller, now, timeout = Caller(), 0.0, 10.0
    caller.fail(CircuitBreaker.OPENS_AFTER)
    hanging = list[tuple[float, object]]()
    while now < 60.0:
        now = caller.breaker.ready_at(now)
        while hanging and hanging[0][0] + timeout <= now:
            caller.breaker.on_failure(hanging.pop(0)[1], now, 0.99)
        before = hanging[-1][0] if hanging else None
        hanging.append((now, caller.must_call(now)))
        assert before is None or now - before <= CircuitBreaker.LONGEST + 1e-9
        assert len(hanging) <= timeout / CircuitBreaker.LONGEST + 1
    caller.breaker.on_answer()
    assert caller.breaker.since is None


def test_calls_that_left_before_an_outage_neither_probe_nor_lengthen_it() -> None:
    caller = Caller()
    early = [caller.must_call(0.0) for _ in range(64)]
    for call in early[: CircuitBreaker.OPENS_AFTER]:
        caller.breaker.on_failure(call, 1.0, 0.5)
    asked_at = caller.breaker.ready_at(1.0)
    probe = caller.must_call(asked_at)
    for call in early[CircuitBreaker.OPENS_AFTER :]:
        caller.breaker.on_failure(call, asked_at, 0.5)
        assert caller.breaker.ready_at(asked_at) == asked_at + CircuitBreaker.LONGEST, "a second probe would leave"
    caller.breaker.on_failure(probe, asked_at, 0.5)
    again_at = caller.breaker.ready_at(asked_at)
    assert again_at - asked_at <= 0.2


def test_probes_come_at_growing_intervals_up_to_a_few_seconds() -> None:
    caller, now = Caller(), 0.0
    caller.fail(CircuitBreaker.OPENS_AFTER)
    waits = []
    for _ in range(12):
        ready_at = caller.breaker.ready_at(now)
        waits.append(ready_at - now)
        now = ready_at
        caller.breaker.on_failure(caller.must_call(now), now, 0.99)
    assert all(later > earlier - 1e-9 for earlier, later in pairwise(waits))
    assert waits[0] < 0.11
    assert waits[-1] == pytest.approx(CircuitBreaker.LONGEST, rel=0.01)


@given(st.floats(0, 1, exclude_max=True))
def test_half_of_a_wait_is_certain(chance: float) -> None:
    breaker = CircuitBreaker(0.1, 20.0)
    for _ in range(CircuitBreaker.OPENS_AFTER):
        breaker.on_failure(object(), 1.0, chance)
    ready_at = breaker.ready_at(1.0)
    assert 1.05 <= ready_at <= 1.1


def test_a_shorter_maximum_holds_for_probes_too() -> None:
    caller = Caller(maximum=0.2)
    caller.fail(CircuitBreaker.OPENS_AFTER)
    for _ in range(5):
        ready_at = caller.breaker.ready_at(0.0)
        assert ready_at <= 0.2
        caller.breaker.on_failure(caller.must_call(ready_at), 0.0, 0.99)


def test_the_first_answer_ends_an_outage_whichever_call_it_is_to() -> None:
    caller = Caller()
    early = caller.must_call(0.0)
    caller.fail(CircuitBreaker.OPENS_AFTER)
    probe = caller.must_call(1.0)
    assert early is not probe
    caller.breaker.on_answer()
    assert caller.breaker.since is None
    assert caller.breaker.ready_at(1.0) == 1.0
    caller.breaker.on_failure(probe, 1.0, 0.5)
    caller.fail(CircuitBreaker.OPENS_AFTER - 2)
    assert caller.breaker.since is None, "the old probe is one failure among others now"
    caller.fail(1)
    assert caller.breaker.since is not None


def test_a_later_outage_begins_with_short_intervals_again() -> None:
    caller, now = Caller(), 0.0
    for _ in range(2):
        caller.fail(CircuitBreaker.OPENS_AFTER, now)
        for _ in range(6):
            ready_at = caller.breaker.ready_at(now)
            now = ready_at
            caller.breaker.on_failure(caller.must_call(now), now, 0.9)
        caller.breaker.on_answer()
    caller.fail(CircuitBreaker.OPENS_AFTER, now)
    ready_at = caller.breaker.ready_at(now)
    assert ready_at - now <= 0.1
