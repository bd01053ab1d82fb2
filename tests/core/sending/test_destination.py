"""What an outcome changes: for records, for the rate, and for held rejections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.operations import PUT_ITEMS
from connector.core.sending.destination import CONFIRMED_AFTER, Destination, Limits, Settled
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.outcomes import IN_USE, Expired, Fatal, Outcome, Rejected, Retryable, Status
from connector.core.sending.rate import FLOOR, CircuitBreaker
from tests.support.simulation import DELIVERED, OUTAGE, REJECTED, THROTTLED, USUAL, item, partition, warm_up

LIMITS = USUAL._replace(
    linger=0.0, requests_per_second=100.0, retry_initial=0.1, retry_maximum=20.0, stop_after_rejections=5
)


def channel_with(*items: Item, limits: Limits = LIMITS) -> Destination:
    destination = Destination("t", limits, -60.0)
    if limits.requests_per_second <= 1_000:
        warm_up(destination.limiter, 0.0)  # the rate starts gently; that is over by now
    for each in items:
        destination.lanes.add(each)
    return destination


def must_take(destination: Destination, now: float) -> Batch:
    batch = destination.take(now)
    assert batch is not None
    return batch


def send(destination: Destination, outcome: Outcome, now: float) -> Settled:
    return destination.settle(must_take(destination, now), outcome, now, 0.5)


class Talk:
    """Sends one entry after another, each of its own session, a second apart."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.destination = channel_with(limits=limits)
        self.now = 0.0
        self.sent: list[Item] = []

    def __call__(self, outcome: Outcome) -> Settled:
        self.now += 0.1
        self.sent.append(item(f"s{len(self.sent)}", since=self.now))
        self.destination.lanes.add(self.sent[-1])
        return send(self.destination, outcome, self.now)


def items_of(settled: Settled) -> list[Item]:
    return [held.item for held in settled.rejected]


# -- outcomes ---------------------------------------------------------------------------------------------------------


def test_what_was_delivered_is_told_and_gone() -> None:
    first, second = item(), item()
    destination = channel_with(first, second)
    assert not destination.idle
    assert not destination.proven
    settled = send(destination, DELIVERED, 1.0)
    assert settled == Settled(delivered=(first, second))
    assert destination.idle
    assert destination.proven
    assert destination.take(9.0) is None
    assert destination.ready_at(9.0) is None


def test_a_call_in_flight_is_counted_until_it_is_settled() -> None:
    destination = channel_with(item())
    batch = must_take(destination, 0.0)
    assert destination.in_flight == 1
    destination.settle(batch, DELIVERED, 0.0, 0.5)
    assert destination.in_flight == 0


def test_throttling_slows_the_destination_and_the_lane_steps_aside_shortly() -> None:
    destination = channel_with(item())
    now = 0.0
    for number in range(10):
        assert send(destination, THROTTLED, now) == Settled()
        ready_at = destination.ready_at(now)
        assert ready_at is not None
        assert ready_at - now <= LIMITS.retry_initial, f"the wait grew at the {number}. throttling"
        now = ready_at
    assert destination.limiter.rate <= LIMITS.requests_per_second / 2
    assert destination.limiter.throttled
    assert destination.breaker.since is None


def test_failures_make_a_lane_wait_longer_each_time() -> None:
    destination, now, waits = channel_with(item()), 0.0, []
    for _ in range(CircuitBreaker.OPENS_AFTER - 1):
        assert send(destination, OUTAGE, now) == Settled()
        ready_at = destination.ready_at(now)
        assert ready_at is not None
        waits.append(ready_at - now)
        now = ready_at
    assert waits == pytest.approx([0.05 * 2**number for number in range(7)])


def test_throttled_calls_do_not_count_as_failures_of_the_lane() -> None:
    destination, now = channel_with(item()), 0.0
    for _ in range(20):
        send(destination, THROTTLED, now)
        now += 1.0
    send(destination, OUTAGE, now)
    ready_at = destination.ready_at(now)
    assert ready_at is not None
    assert ready_at - now <= 1 / FLOOR, "the rate alone holds it back"


@pytest.mark.parametrize(
    ("outcome", "advice"),
    [(Fatal("AccessDeniedException", "allow it"), "allow it"), (Expired("ExpiredToken"), "clock")],
)
def test_what_no_retry_can_help_is_fatal_and_loses_nothing(outcome: Outcome, advice: str) -> None:
    destination = channel_with(item())
    settled = send(destination, outcome, 0.0)
    assert settled.fatal is not None
    assert advice in settled.fatal.advice
    assert (settled.delivered, settled.rejected) == ((), ())
    assert destination.lanes.waiting == 1
    assert len(must_take(destination, 100.0).items) == 1


# -- outage -----------------------------------------------------------------------------------------------------------


def breaker(entries: int = 30, wait: float = 0.1) -> Destination:
    limits = LIMITS._replace(requests_per_second=1e6, retry_initial=wait)
    destination = channel_with(*(item(f"s{number}") for number in range(entries)), limits=limits)
    for batch in [must_take(destination, 0.0) for _ in range(CircuitBreaker.OPENS_AFTER)]:
        destination.settle(batch, OUTAGE, 0.0, 0.5)
    return destination


def test_calls_that_fail_for_a_dataset_in_use_are_no_outage_but_a_busy_dataset() -> None:
    away, busy = breaker(), breaker()
    assert not away.busy
    in_use = Retryable(IN_USE, Status.SERVER_ERROR)
    busy.settle(must_take(busy, 1000.0), in_use, 1001.0, 0.5)
    assert busy.busy
    busy.settle(must_take(busy, 2000.0), DELIVERED, 2001.0, 0.5)
    assert not busy.busy, "it has taken a call"


def test_a_destination_of_the_file_is_named_without_its_account_and_one_of_a_record_not_at_all() -> None:
    arn = "arn:aws:personalize:eu-west-1:111122223333:dataset/shop/ITEMS"
    limits = LIMITS._replace(configured=frozenset({arn, "tracker-1"}))
    assert Destination(arn, limits, 0.0, operation=PUT_ITEMS).name == "shop/ITEMS"
    assert Destination("tracker-1", limits, 0.0).name == "tracker-1"
    assert Destination("arn:aws:personalize:x:1:dataset/jane/ITEMS", limits, 0.0).name == "(taken from records)"


def test_whether_an_outage_lasts_is_unknown_once_nothing_is_left_to_send() -> None:
    destination, asking = breaker(), breaker()
    assert (destination.outage_unknown, destination.last_failure, destination.failed_at) == (False, OUTAGE.code, 0.0)
    destination.lanes.discard(lambda _: True)
    assert destination.outage_unknown
    batch = must_take(asking, 1000.0)
    asking.lanes.discard(lambda _: True)
    assert not asking.outage_unknown, "the call that asks is in flight"
    asking.settle(batch, DELIVERED, 1001.0, 0.5)
    assert not asking.outage_unknown, "it has ended"


def test_in_an_outage_one_call_probes_and_the_others_wait_for_its_answer() -> None:
    destination = breaker()
    assert destination.take(0.0) is None
    ready_at = destination.ready_at(0.0)
    assert ready_at is not None
    must_take(destination, ready_at)
    assert destination.take(ready_at) is None
    assert destination.ready_at(ready_at) == ready_at + CircuitBreaker.LONGEST, "or earlier, with the answer"


@pytest.mark.parametrize(
    "outcome", [DELIVERED, THROTTLED, REJECTED, Expired("ExpiredToken"), Fatal("AccessDenied", "")]
)
def test_any_answer_ends_an_outage_and_wakes_what_waits(outcome: Outcome) -> None:
    destination = breaker(CircuitBreaker.OPENS_AFTER + 1, wait=20.0)
    asked_at = destination.ready_at(0.0)
    assert asked_at is not None
    destination.settle(must_take(destination, asked_at), outcome, asked_at, 0.5)
    assert destination.breaker.since is None
    assert asked_at <= CircuitBreaker.LONGEST
    now = asked_at + 1e-2
    assert (
        len([1 for _ in range(CircuitBreaker.OPENS_AFTER) if destination.take(now) is not None])
        == CircuitBreaker.OPENS_AFTER
    )


def test_an_entry_that_is_sent_in_an_outage_is_not_lost() -> None:
    destination, now = breaker(), 0.0
    for _ in range(50):
        ready_at = destination.ready_at(now)
        assert ready_at is not None
        now = ready_at
        assert send(destination, OUTAGE, now) == Settled()
    assert destination.lanes.waiting == 30
    while destination.lanes.waiting:
        ready_at = destination.ready_at(now)
        assert ready_at is not None
        now = max(now, ready_at)
        send(destination, DELIVERED, now)


# -- rate limiter -----------------------------------------------------------------------------------------------------


def test_a_destination_with_nothing_to_send_keeps_its_tokens() -> None:
    destination = channel_with(limits=LIMITS._replace(requests_per_second=1.0))
    for _ in range(10):
        assert destination.take(0.0) is None
    destination.lanes.add(item())
    assert destination.take(0.0) is not None


def test_the_time_that_the_rate_limiter_holds_calls_back_is_counted() -> None:
    destination = channel_with(item("a"), item("b"), limits=LIMITS._replace(requests_per_second=0.5))
    must_take(destination, 0.0)
    assert destination.take(0.5) is None
    assert destination.take(1.0) is None
    assert destination.rate_wait == 0.0
    must_take(destination, 2.0)
    assert destination.rate_wait == 1.5
    assert destination.take(3.0) is None
    destination.take(9.0)
    assert destination.rate_wait == 1.5


# -- bad data or bad configuration ------------------------------------------------------------------------------------


@given(st.integers(1, 30), st.integers(1, 25))
def test_a_wrong_tracking_id_is_fatal_at_its_number_and_takes_no_record_with_it(number: int, sessions: int) -> None:
    limits = LIMITS._replace(stop_after_rejections=number, requests_per_second=1e6)
    destination = channel_with(*(item(f"s{each % sessions}") for each in range(60)), limits=limits)
    now, alone = 0.0, 0
    while True:
        now += 1.0
        batch = must_take(destination, now)
        alone += len(batch.items) == 1
        settled = destination.settle(batch, REJECTED, now, 0.5)
        assert destination.confirmed_by(now + 1e6) == ()
        assert destination.confirmed_at() is None
        assert settled.rejected == ()
        if settled.fatal is not None:
            break
    assert alone == number == destination.held_count
    assert "no call has ever succeeded" in settled.fatal.advice
    assert settled.fatal.code == REJECTED.code


def test_rejections_are_confirmed_with_the_next_success() -> None:
    talk = Talk()
    assert talk(REJECTED) == Settled()
    assert talk(REJECTED) == Settled()
    assert talk.destination.held_count == 2
    assert not talk.destination.idle
    settled = talk(DELIVERED)
    assert items_of(settled) == talk.sent[:2]
    assert settled.delivered == (talk.sent[2],)
    assert talk.destination.held_count == 0
    assert items_of(talk(DELIVERED)) == []


def test_a_success_ends_the_streak() -> None:
    talk = Talk()
    for _ in range(4):
        for _ in range(LIMITS.stop_after_rejections - 1):
            assert talk(REJECTED).fatal is None
        assert talk(DELIVERED).fatal is None
    for _ in range(LIMITS.stop_after_rejections - 1):
        assert talk(REJECTED).fatal is None
    fatal = talk(REJECTED).fatal
    assert fatal is not None
    assert "no call has succeeded since" in fatal.advice


def test_neither_throttling_nor_failures_end_the_streak() -> None:
    talk = Talk()
    for _ in range(LIMITS.stop_after_rejections - 1):
        assert talk(REJECTED).fatal is None
        talk.destination.settle(must_take_added(talk), THROTTLED, talk.now, 0.0)
    assert any(talk(REJECTED).fatal for _ in range(2))


def must_take_added(talk: Talk) -> Batch:
    talk.now += 0.1
    talk.destination.lanes.add(item(f"throttled-{talk.now}", since=talk.now))
    return must_take(talk.destination, talk.now)


def test_rejections_at_the_end_of_a_topic_that_worked_are_confirmed_after_a_while() -> None:
    talk = Talk()
    talk(DELIVERED)
    talk(REJECTED)
    first_at = talk.now
    talk(REJECTED)
    assert talk.destination.confirmed_at() == first_at + CONFIRMED_AFTER
    assert talk.destination.confirmed_by(first_at + CONFIRMED_AFTER - 0.01) == ()
    assert [each.item for each in talk.destination.confirmed_by(first_at + CONFIRMED_AFTER)] == [talk.sent[1]]
    assert talk.destination.held_count == 1
    second = talk.destination.confirmed_at()
    assert second is not None
    assert [each.item for each in talk.destination.confirmed_by(second)] == [talk.sent[2]]
    assert talk.destination.confirmed_at() is None
    assert talk.destination.confirmed_by(1e9) == ()


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=8))
def test_what_is_confirmed_is_ready_when_it_was_said_to_be(times: list[float]) -> None:
    destination = channel_with(item("first"), limits=LIMITS._replace(requests_per_second=1e6, stop_after_rejections=99))
    send(destination, DELIVERED, 0.0)
    for now in sorted(times):
        destination.lanes.add(item(f"s{now}", since=now))
        send(destination, Rejected("InvalidInputException"), now)
        confirmed_at = destination.confirmed_at()
        assert confirmed_at is not None
        if confirmed_at <= now:
            assert destination.confirmed_by(now)
    while (confirmed_at := destination.confirmed_at()) is not None:
        assert destination.confirmed_by(confirmed_at)
    assert destination.idle


def test_a_held_rejection_is_dropped_with_its_partition() -> None:
    revoked = partition()
    destination = channel_with(item("a", owner=revoked), item("b"))
    send(destination, REJECTED, 0.0)
    send(destination, REJECTED, 0.0)
    revoked.revoking = True
    destination.discard_held(lambda each: each.opened.revoking)
    assert destination.held_count == 1
    destination.lanes.add(item("c"))
    assert [each.entry.lane for each in items_of(send(destination, DELIVERED, 1.0))] == ["b"]


def test_a_call_that_is_halved_is_no_rejection_yet() -> None:
    destination = channel_with(*(item() for _ in range(8)), limits=LIMITS._replace(stop_after_rejections=1))
    for _ in range(3):
        assert send(destination, REJECTED, 0.0) == Settled()
    assert send(destination, REJECTED, 0.0).fatal is not None
