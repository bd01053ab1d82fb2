"""At a light load records are read and calls are sent in strides, and no event waits longer for it than a stride."""

import pytest

from connector.core.records import TopicPartition
from connector.pacing import LONGEST, SHORTEST, Pace
from connector.ports import Polled
from tests.support.fakes import EPOCH, QUICK, Harness

PLACE = TopicPartition("clicks", 0)
LINGER = 1.01  # no multiple of the stride, so that calls come due within one
SECONDS = 5.0
STEP = 0.003  # seconds between two records


class Live:
    """A harness into whose topic a record is written every few milliseconds, whatever the loop does meanwhile."""

    def __init__(self, linger: float, sessions: int, *, latency: float = 0.02, max_in_flight: int = 64) -> None:
        self.harness = Harness(QUICK._replace(linger=linger, requests_per_second=1e6), max_in_flight=max_in_flight)
        self.harness.sender.latency = latency
        self.harness.assign(PLACE)
        self.rests: list[tuple[float, float]] = []  # when, and how long
        self._sessions = sessions
        self._next = self.harness.clock.now
        self._written = 0
        wait = self.harness.clock.wait
        self.harness.clock.wait = self._wait  # type: ignore[method-assign]  # time passes in pieces
        self._pass = wait
        self.harness.loop._environment = self.harness.environment._replace(rest=self._rest)
        self._poll_now = self.harness.source.poll
        self.harness.source.poll = self._poll  # type: ignore[method-assign]  # it ends with the first record

    def _rest(self, seconds: float) -> None:
        self.rests.append((self.harness.clock.now, seconds))
        self._wait(seconds)

    def _poll(self, limit: int, timeout: float) -> Polled:
        polled = self._poll_now(limit, 0.0)
        if polled.records or polled.ends or not timeout:
            return polled
        self._wait(min(timeout, max(0.0, self._next - self.harness.clock.now)))
        return self._poll_now(limit, 0.0)

    def _wait(self, seconds: float) -> None:
        until = self.harness.clock.now + max(seconds, 1e-6)
        while self._next <= until:
            self._pass(max(0.0, self._next - self.harness.clock.now))
            self.harness.source.produce(PLACE, session=f"s-{self._written % self._sessions}")
            self._written += 1
            self._next += STEP
        self._pass(until - self.harness.clock.now)

    def run(self) -> list[float]:
        """Run for some seconds; how long each record waited from being written until its call left."""
        until = self.harness.clock.now + SECONDS
        while self.harness.clock.now < until:
            self.harness.loop.step()
        return [
            batch.left_at - (item.opened.timestamp / 1000 - EPOCH)
            for batch in self.harness.sender.calls
            for item in batch.items
            if item.opened.timestamp is not None
        ]


def test_records_gather_for_a_stride_and_their_events_leave_within_a_stride_of_their_linger() -> None:
    live = Live(LINGER, sessions=1_000)
    waited = live.run()
    began = live.harness.clock.now - SECONDS
    steps = {round(at - began, 4) for at, _, _ in live.harness.source.polls}
    assert len(waited) > (SECONDS - LINGER - 2 * LONGEST) / STEP * 0.9
    assert min(waited) >= LINGER - LONGEST - 0.001, "milliseconds of timestamps are whole"
    assert max(waited) <= LINGER + LONGEST + STEP + 0.001
    assert len(steps) <= SECONDS / LONGEST * 1.2, "one a stride, and those that found nothing"
    assert all(0 < rest <= LONGEST for _, rest in live.rests)


def test_without_a_linger_nothing_rests() -> None:
    live = Live(0.0, sessions=1_000)
    waited = live.run()
    assert not live.rests
    assert max(waited) <= 0.01


def test_a_session_whose_calls_are_full_is_not_kept_waiting_for_a_stride() -> None:
    live = Live(LINGER, sessions=1)
    live.run()
    full = [batch for batch in live.harness.sender.calls if len(batch.items) == 10]
    assert len(full) > 100
    assert sum(rest for _, rest in live.rests) < SECONDS / 2


def test_where_half_of_the_calls_are_in_flight_nothing_rests() -> None:
    slow = Live(LINGER, sessions=1_000, latency=SECONDS, max_in_flight=4)
    slow.run()
    first, _, third, *_ = (batch.left_at for batch in slow.harness.sender.calls)
    assert third < first + LONGEST + STEP
    assert any(at < first for at, _ in slow.rests)
    assert not any(at > third for at, _ in slow.rests)


@pytest.mark.parametrize(
    ("linger", "stride"), [(0.0, 0.0), (0.1, 0.0), (0.25, SHORTEST), (0.5, 0.01), (1.0, LONGEST), (30.0, LONGEST)]
)
def test_a_stride_is_a_fiftieth_of_the_linger_within_bounds(linger: float, stride: float) -> None:
    pace = Pace(linger, 64)
    assert pace.stride == pytest.approx(stride)
    assert pace.light(0, 0) is (stride > 0)


@pytest.mark.parametrize(("brought", "rest"), [(0, 0.0), (1, LONGEST), (499, LONGEST), (500, 0.0)])
def test_only_after_a_poll_that_brought_some_and_not_all_records_gather(brought: int, rest: float) -> None:
    pace = Pace(LINGER, 64)
    pace.polled(brought, 500, 7.0)
    assert pace.rest(7.0) == pytest.approx(rest)
    assert pace.rest(7.0 + LONGEST / 4) == pytest.approx(rest * 0.75)
    assert pace.rest(8.0) == 0.0
