"""Senders that share a quota find equal shares of it without talking to each other.

The quota belongs to the dataset group, so replicas and other applications share it. Each rate grows in proportion to
itself, and each throttled call reduces it by a fixed part. Who sends more is throttled more often, so the rates drift
towards equal shares. Throttled calls stay few: about ``GROWTH / DECREASE`` a second and sender, whatever the quota is,
and fewer where the rate is small.

At the start the quota is unknown and may be a hundredth of the ceiling. So the rate starts low and rises only as calls
are accepted. Here is also how long to wait after failures. docs/decisions/0012-rate-limiter.md and 0022-slow-start.md
have the figures.

Units: rates in calls a second, times in seconds of any clock that does not go back.
"""

import math
from typing import ClassVar

BURST = 0.05  # seconds' worth of calls that may go at once after a pause
START = 1 / 100  # of the ceiling: the quota may be that much lower
STARTING = 0.12  # seconds in which the rate doubles at the start, while calls are accepted as fast as they may go
DOUBLING = 0.25  # seconds in which the rate doubles, up to the share that it had
GROWTH = 0.05  # gained a second beyond that share, in proportion to the rate
SMALL = 25.0  # calls a second; below, growth is slower, so that the throttled part stays below a tenth
CALM = 3.0  # seconds without throttling, after which growth is no longer steady but rises with time, and storms end
DECREASE = 0.06  # of the rate, lost to a throttled call; more where more than that share of the calls was throttled
FORGOTTEN = 30.0  # seconds without throttling, after which a start that was throttled is like any other
SETTLING = 0.25  # seconds in which the effect of a decrease is measured before the next
FLOOR = 2.0  # calls a second: the least, so that the end of a throttling is noticed
_STEP = math.log(2) / STARTING  # that each accepted call adds, so that a rate which is used up doubles in that time
_WHOLE = 1.0 - 1e-9  # of a token, after rounding


class RateLimiter:
    """A token bucket; its rate falls when calls are throttled and grows back towards the ceiling."""

    __slots__ = (
        "_accepted",
        "_changed",
        "_growth",
        "_held_at",
        "_rate",
        "_refused",
        "_share",
        "_starting",
        "_storm",
        "_tokens",
        "_updated",
        "ceiling",
    )

    def __init__(self, ceiling: float, now: float) -> None:
        self.ceiling = ceiling
        self._rate = max(ceiling * START, min(FLOOR, ceiling))
        self._share = ceiling  # what the quota had for us when it was last seen
        self._growth = GROWTH
        self._starting = self._rate < ceiling  # neither the quota nor the ceiling was reached yet
        self._held_at = -math.inf  # when a call had to wait for its time
        self._tokens = self._capacity
        self._updated = now
        self._changed = -math.inf  # when throttling last slowed us down
        self._accepted = self._refused = 0  # answers to calls that left since then
        self._storm = False  # whether none got through

    @property
    def rate(self) -> float:
        """Calls a second that are allowed now."""
        return self._rate

    @property
    def throttled(self) -> bool:
        """Whether the rate is below its ceiling because calls were throttled."""
        return self._rate < self.ceiling and self._changed > -math.inf

    @property
    def _capacity(self) -> float:
        return max(1.0, self._rate * BURST)

    def advance(self, now: float) -> None:
        """Let time pass: the rate grows back towards its ceiling, and calls become due."""
        if now <= self._updated:
            return
        if self._starting:
            if now - self._changed >= FORGOTTEN:
                self._changed = -math.inf
        elif self._rate < self.ceiling:
            self._grow(self._updated, now)
        elapsed, self._updated = now - self._updated, now
        self._tokens = min(self._capacity, self._tokens + self._rate * elapsed)

    def _grow(self, since: float, now: float) -> None:
        if self._storm:
            since = max(since, self._changed + CALM)
            if now <= since:
                return
            self._storm = False
        if self._rate < self._share:
            there = since + math.log2(self._share / self._rate) * DOUBLING
            if now < there:
                self._rate *= 2.0 ** ((now - since) / DOUBLING)
                return
            self._rate, since = self._share, there
        gained = self._growth * (_growth_of_calm(now - self._changed) - _growth_of_calm(since - self._changed))
        most = math.log(self.ceiling / self._rate)
        self._rate = self.ceiling if gained >= most else self._rate * math.exp(gained)

    def take(self, now: float) -> bool:
        """Whether a call that is ready may go now; counts it if so."""
        self.advance(now)
        if self._tokens < _WHOLE:
            self._held_at = now
            return False
        self._tokens -= 1.0
        return True

    def ready_at(self, now: float) -> float:
        """When the next call may go; ``now`` or earlier where it may go at once."""
        self.advance(now)
        if self._tokens >= _WHOLE:
            return now
        at = self._updated + (1.0 - self._tokens) / self._rate
        # Far from zero a clock is coarse and the sum may fall short of the token: a caller that waits for it would
        # spin.
        short = self._tokens + self._rate * (at - self._updated) < _WHOLE
        return math.nextafter(at, math.inf) if short else at

    def on_accepted(self, left_at: float) -> None:
        """The quota had room for a call that left at ``left_at``."""
        if left_at < self._changed:
            return
        self._accepted += 1
        self._storm = False
        # A call that goes as soon as it is ready proves nothing about a higher rate: only those that had to wait do.
        if self._starting and self._held_at >= left_at - STARTING:
            self._rate = min(self.ceiling, self._rate + min(self._rate, _STEP))
            self._starting = self._rate < self.ceiling

    def on_throttled(self, now: float, left_at: float) -> None:
        """The quota had no room for a call that left at ``left_at``: slow down, once for all that left before we did.

        One throttled call means that the rate is a little too high. If it turns out to be far too high, the share of
        calls that got through is what the quota has for us. If none got through, nothing is learnt about that share,
        and the rate grows back to it quickly once the storm is over.
        """
        self.advance(now)
        if left_at < self._changed:
            return
        self._refused += 1
        if now - self._changed < SETTLING:
            return
        least = min(FLOOR, self.ceiling)
        if self._accepted:
            self._starting = False
            refused = self._refused / (self._refused + self._accepted) if self._refused > 1 else 0.0
            self._rate = self._share = max(least, self._rate * (1.0 - max(DECREASE, refused)))
            self._growth = GROWTH * min(1.0, self._share / SMALL)
        else:
            self._rate = max(least, self._rate / 2.0)
            self._storm = True
        self._changed = now
        self._accepted = self._refused = 0
        self._tokens = min(self._tokens, 0.0)


def _growth_of_calm(calm: float) -> float:
    """The growth that so many seconds without throttling bring, in units of ``GROWTH``."""
    return calm if calm < CALM else (calm * calm / CALM + CALM) / 2


def backoff(attempt: int, initial: float, maximum: float, chance: float) -> float:
    """Seconds to wait before attempt ``attempt`` (1 is the first retry): exponential, capped, full jitter.

    Args:
        attempt: how many times the call has failed.
        initial: upper bound of the first wait.
        maximum: upper bound of every wait.
        chance: a number in [0, 1), drawn by the caller.
    """
    exponent = min(attempt - 1, 63)  # 2.0**64 is beyond any maximum, and overflow is far
    return chance * min(maximum, initial * 2.0**exponent)


class CircuitBreaker:
    """In an outage calls stop, and single probes find out when the endpoint answers again.

    After a failure a lane waits by itself. That is enough for single failures, but in an outage thousands of waiting
    lanes would still make a thousand useless calls a second. So after ``OPENS_AFTER`` failures with no success between
    them calls stop, and probes go at growing intervals. The longest interval is short, so that everything goes on
    within seconds of the first success.

    A probe that hangs is not waited for: it may have left just before the endpoint came back, and its time-out exceeds
    the longest interval. The next probe leaves while it is still in flight.
    """

    OPENS_AFTER: ClassVar = 8  # failures in a row
    LONGEST: ClassVar = 3.0  # seconds between two probes

    __slots__ = ("_failures", "_initial", "_maximum", "_next", "_probe", "_probes", "_since")

    def __init__(self, initial: float, maximum: float) -> None:
        self._initial = initial
        self._maximum = min(maximum, self.LONGEST)
        self._failures = 0
        self._probes = 0
        self._next = 0.0
        self._since: float | None = None
        self._probe: object | None = None  # the latest

    @property
    def since(self) -> float | None:
        """When the outage began; None where there is none."""
        return self._since

    def ready_at(self, now: float) -> float:
        """When a call may go: ``now``, or later."""
        return now if self._since is None else max(now, self._next)

    def on_call(self, call: object, now: float) -> None:
        """A call leaves; in an outage it is a probe."""
        if self._since is not None:
            self._probe = call
            self._next = now + self.LONGEST

    def on_answer(self) -> None:
        """The endpoint answered, whatever it said: it is there."""
        self._failures = self._probes = 0
        self._since = None
        self._probe = None

    def on_failure(self, call: object, now: float, chance: float) -> None:
        """A call got no answer of the endpoint."""
        if self._since is None:
            self._failures += 1
            if self._failures < self.OPENS_AFTER:
                return
            self._since = now
        elif call is not self._probe:
            return  # it left before the latest probe, so its failure is no news
        self._probe = None
        self._probes += 1
        # Half of the wait is certain: with full jitter alone a single sender would often probe at once.
        self._next = now + backoff(self._probes, self._initial, self._maximum, 0.5 + chance / 2)
