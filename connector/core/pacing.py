"""How fast calls may go: a token bucket whose rate finds its share of the quota, and how long to wait after failures.

The quota belongs to the dataset group, so replicas and strangers share it without talking to each other. Additive
increase and multiplicative decrease is what makes such a sharing fair: every sender gives up in proportion to what
it takes, and all gain alike.

Units: rates in calls a second, times in seconds of any clock that does not go back.
"""

import math

BURST = 0.05  # seconds' worth of calls that may go at once after a pause
DECREASE = 0.85  # the rate that is left after throttling
INCREASE = 0.05  # of the ceiling, gained a second
SETTLING = 0.5  # seconds in which throttled answers are still those of the rate before
_WHOLE = 1.0 - 1e-9  # of a token: what rounding leaves of one
FLOOR = 1.0  # calls a second: the least, so that the end of a throttling is noticed


class Pace:
    """A token bucket; its rate falls when calls are throttled and grows back towards the ceiling."""

    __slots__ = ("_changed", "_rate", "_tokens", "_updated", "ceiling")

    def __init__(self, ceiling: float, now: float) -> None:
        self.ceiling = ceiling
        self._rate = ceiling
        self._tokens = self._capacity
        self._updated = now
        self._changed = -math.inf

    @property
    def rate(self) -> float:
        """Calls a second that are allowed now."""
        return self._rate

    @property
    def throttled(self) -> bool:
        """Whether the rate is below its ceiling because calls were throttled."""
        return self._rate < self.ceiling

    @property
    def _capacity(self) -> float:
        return max(1.0, self._rate * BURST)

    def advance(self, now: float) -> None:
        """Let time pass: the rate grows back towards its ceiling, and calls become due."""
        elapsed = max(0.0, now - self._updated)
        self._updated = max(now, self._updated)
        self._rate = min(self.ceiling, self._rate + self.ceiling * INCREASE * elapsed)
        self._tokens = min(self._capacity, self._tokens + self._rate * elapsed)

    def take(self, now: float) -> bool:
        """Whether a call may go now; counts it if so."""
        self.advance(now)
        if self._tokens < _WHOLE:
            return False
        self._tokens -= 1.0
        return True

    def give_back(self) -> None:
        """The call that was counted did not take place."""
        self._tokens += 1.0

    def ready_at(self, now: float) -> float:
        """When the next call may go; ``now`` or earlier where it may go at once."""
        self.advance(now)
        if self._tokens >= _WHOLE:
            return now
        at = self._updated + (1.0 - self._tokens) / self._rate
        # Far from zero a clock is coarse, and the sum may fall short of the token: who waits for it would spin.
        short = self._tokens + self._rate * (at - self._updated) < _WHOLE
        return math.nextafter(at, math.inf) if short else at

    def on_throttled(self, now: float) -> None:
        """A call was over the quota: slow down, once for all calls that left under the same rate."""
        self.advance(now)
        if now - self._changed < SETTLING:
            return
        self._changed = now
        self._rate = max(min(FLOOR, self.ceiling), self._rate * DECREASE)
        self._tokens = min(self._tokens, 0.0)


def backoff(attempt: int, initial: float, maximum: float, chance: float) -> float:
    """Seconds to wait before attempt ``attempt`` (1 is the first repeat): exponential, capped, full jitter.

    Args:
        attempt: how many times the call has failed.
        initial: upper bound of the first wait.
        maximum: upper bound of every wait.
        chance: a number in [0, 1), drawn by the caller.
    """
    exponent = min(attempt - 1, 63)  # 2.0**64 is beyond any maximum, and overflow is far
    return chance * min(maximum, initial * 2.0**exponent)


class Outage:
    """Whether the endpoint answers at all; while it does not, one call at a time asks.

    Lanes wait for themselves after a failure. That is enough for a failure here and there, but in an outage
    thousands of waiting lanes would still make a thousand useless calls a second. So after ``TOLERATED`` failures
    with no success between them the calls stop, and a single one asks again at growing intervals. The longest is
    short, because the first success must let everything go on within seconds.
    """

    TOLERATED = 8
    LONGEST = 3.0  # seconds between two questions

    __slots__ = ("_asked", "_failures", "_initial", "_maximum", "_next", "_question", "_since")

    def __init__(self, initial: float, maximum: float) -> None:
        self._initial = initial
        self._maximum = min(maximum, self.LONGEST)
        self._failures = 0
        self._asked = 0
        self._next = 0.0
        self._since: float | None = None
        self._question: object | None = None

    @property
    def since(self) -> float | None:
        """When the outage began; None where there is none."""
        return self._since

    def ready_at(self, now: float) -> float | None:
        """When a call may go: at once, at a time, or (None) once the question on the wire is answered."""
        if self._since is None:
            return now
        return None if self._question is not None else max(now, self._next)

    def on_call(self, call: object) -> None:
        """A call leaves; in an outage, it is the one that asks."""
        if self._since is not None:
            self._question = call

    def on_answer(self) -> None:
        """The endpoint answered, whatever it said: it is there."""
        self._failures = self._asked = 0
        self._since = None
        self._question = None

    def on_failure(self, call: object, now: float, chance: float) -> None:
        """A call failed for want of an endpoint."""
        if self._since is None:
            self._failures += 1
            if self._failures < self.TOLERATED:
                return
            self._since = now
        elif call is not self._question:
            return  # it left before the outage was known, and its failure tells nothing new
        self._question = None
        self._asked += 1
        # Half of the wait is certain: with full jitter alone a single asker would often ask at once.
        self._next = now + backoff(self._asked, self._initial, self._maximum, 0.5 + chance / 2)
