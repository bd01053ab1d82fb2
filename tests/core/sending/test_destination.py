"""What an outcome changes: for records, for the pace, and for the doubt whose fault a rejection is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.sending.destination import DOUBT, Channel, Limits, Settled
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.outcomes import Expired, Fatal, Outcome, Rejected
from connector.core.sending.rate import FLOOR, Outage
from tests.core.sending.simulation import DELIVERED, OUTAGE, REJECTED, THROTTLED, item, partition, warm_up

LIMITS = Limits(linger=0.0, requests_per_second=100.0, retry_initial=0.1, retry_maximum=20.0, stop_after_rejections=5)


def channel_with(*items: Item, limits: Limits = LIMITS) -> Channel:
    channel = Channel("t", limits, -60.0)
    if limits.requests_per_second <= 1_000:
        warm_up(channel.pace, 0.0)  # the pace starts gently; that is over by now
    for each in items:
        channel.lanes.add(each)
    return channel


def must_take(channel: Channel, now: float) -> Batch:
    batch = channel.take(now)
    assert batch is not None
    return batch


def send(channel: Channel, outcome: Outcome, now: float) -> Settled:
    return channel.settle(must_take(channel, now), outcome, now, 0.5)


class Talk:
    """Sends one entry after another, each of its own session, a second apart."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.channel = channel_with(limits=limits)
        self.now = 0.0
        self.sent: list[Item] = []

    def __call__(self, outcome: Outcome) -> Settled:
        self.now += 0.1
        self.sent.append(item(f"s{len(self.sent)}", since=self.now))
        self.channel.lanes.add(self.sent[-1])
        return send(self.channel, outcome, self.now)


def items_of(settled: Settled) -> list[Item]:
    return [doubtful.item for doubtful in settled.rejected]


# -- outcomes ---------------------------------------------------------------------------------------------------------


def test_what_was_delivered_is_told_and_gone() -> None:
    first, second = item(), item()
    channel = channel_with(first, second)
    assert not channel.idle
    assert not channel.proven
    settled = send(channel, DELIVERED, 1.0)
    assert settled == Settled(delivered=(first, second))
    assert channel.idle
    assert channel.proven
    assert channel.take(9.0) is None
    assert channel.ready_at(9.0) is None


def test_a_call_on_the_wire_is_counted_until_it_is_settled() -> None:
    channel = channel_with(item())
    batch = must_take(channel, 0.0)
    assert channel.on_the_wire == 1
    channel.settle(batch, DELIVERED, 0.0, 0.5)
    assert channel.on_the_wire == 0


def test_throttling_slows_the_channel_and_the_lane_steps_aside_shortly() -> None:
    channel = channel_with(item())
    now = 0.0
    for number in range(10):
        assert send(channel, THROTTLED, now) == Settled()
        ready_at = channel.ready_at(now)
        assert ready_at is not None
        assert ready_at - now <= LIMITS.retry_initial, f"the wait grew at the {number}. throttling"
        now = ready_at
    assert channel.pace.rate <= LIMITS.requests_per_second / 2
    assert channel.pace.throttled
    assert channel.outage.since is None


def test_failures_make_a_lane_wait_longer_each_time() -> None:
    channel, now, waits = channel_with(item()), 0.0, []
    for _ in range(Outage.TOLERATED - 1):
        assert send(channel, OUTAGE, now) == Settled()
        ready_at = channel.ready_at(now)
        assert ready_at is not None
        waits.append(ready_at - now)
        now = ready_at
    assert waits == pytest.approx([0.05 * 2**number for number in range(7)])


def test_throttled_calls_do_not_count_as_failures_of_the_lane() -> None:
    channel, now = channel_with(item()), 0.0
    for _ in range(20):
        send(channel, THROTTLED, now)
        now += 1.0
    send(channel, OUTAGE, now)
    ready_at = channel.ready_at(now)
    assert ready_at is not None
    assert ready_at - now <= 1 / FLOOR, "the pace alone holds it back"


@pytest.mark.parametrize(
    ("outcome", "advice"),
    [(Fatal("AccessDeniedException", "allow it"), "allow it"), (Expired("ExpiredToken"), "clock")],
)
def test_what_no_repeat_can_help_is_fatal_and_loses_nothing(outcome: Outcome, advice: str) -> None:
    channel = channel_with(item())
    settled = send(channel, outcome, 0.0)
    assert settled.fatal is not None
    assert advice in settled.fatal.advice
    assert (settled.delivered, settled.rejected) == ((), ())
    assert channel.lanes.waiting == 1
    assert len(must_take(channel, 100.0).items) == 1


# -- outage -----------------------------------------------------------------------------------------------------------


def outage(entries: int = 30, wait: float = 0.1) -> Channel:
    limits = LIMITS._replace(requests_per_second=1e6, retry_initial=wait)
    channel = channel_with(*(item(f"s{number}") for number in range(entries)), limits=limits)
    for batch in [must_take(channel, 0.0) for _ in range(Outage.TOLERATED)]:
        channel.settle(batch, OUTAGE, 0.0, 0.5)
    return channel


def test_an_outage_is_unsettled_once_nothing_is_left_to_send() -> None:
    channel, asking = outage(), outage()
    assert (channel.unsettled, channel.last_failure, channel.failed_at) == (False, OUTAGE.code, 0.0)
    channel.lanes.discard(lambda _: True)
    assert channel.unsettled
    batch = must_take(asking, 1000.0)
    asking.lanes.discard(lambda _: True)
    assert not asking.unsettled, "the call that asks is on the wire"
    asking.settle(batch, DELIVERED, 1001.0, 0.5)
    assert not asking.unsettled, "it has ended"


def test_in_an_outage_one_call_asks_and_the_others_wait_for_its_answer() -> None:
    channel = outage()
    assert channel.take(0.0) is None
    ready_at = channel.ready_at(0.0)
    assert ready_at is not None
    must_take(channel, ready_at)
    assert channel.take(ready_at) is None
    assert channel.ready_at(ready_at) == ready_at + Outage.LONGEST, "or earlier, with the answer"


@pytest.mark.parametrize(
    "outcome", [DELIVERED, THROTTLED, REJECTED, Expired("ExpiredToken"), Fatal("AccessDenied", "")]
)
def test_any_answer_ends_an_outage_and_wakes_what_waits(outcome: Outcome) -> None:
    channel = outage(Outage.TOLERATED + 1, wait=20.0)
    asked_at = channel.ready_at(0.0)
    assert asked_at is not None
    channel.settle(must_take(channel, asked_at), outcome, asked_at, 0.5)
    assert channel.outage.since is None
    assert asked_at <= Outage.LONGEST
    now = asked_at + 1e-2
    assert len([1 for _ in range(Outage.TOLERATED) if channel.take(now) is not None]) == Outage.TOLERATED


def test_an_entry_that_is_sent_in_an_outage_is_not_lost() -> None:
    channel, now = outage(), 0.0
    for _ in range(50):
        ready_at = channel.ready_at(now)
        assert ready_at is not None
        now = ready_at
        assert send(channel, OUTAGE, now) == Settled()
    assert channel.lanes.waiting == 30
    while channel.lanes.waiting:
        ready_at = channel.ready_at(now)
        assert ready_at is not None
        now = max(now, ready_at)
        send(channel, DELIVERED, now)


# -- pace -------------------------------------------------------------------------------------------------------------


def test_a_channel_with_nothing_to_send_keeps_its_tokens() -> None:
    channel = channel_with(limits=LIMITS._replace(requests_per_second=1.0))
    for _ in range(10):
        assert channel.take(0.0) is None
    channel.lanes.add(item())
    assert channel.take(0.0) is not None


def test_the_time_that_the_pace_holds_calls_back_is_counted() -> None:
    channel = channel_with(item("a"), item("b"), limits=LIMITS._replace(requests_per_second=0.5))
    must_take(channel, 0.0)
    assert channel.take(0.5) is None
    assert channel.take(1.0) is None
    assert channel.rate_wait == 0.0
    must_take(channel, 2.0)
    assert channel.rate_wait == 1.5
    assert channel.take(3.0) is None
    channel.take(9.0)
    assert channel.rate_wait == 1.5


# -- bad data or bad configuration ------------------------------------------------------------------------------------


@given(st.integers(1, 30), st.integers(1, 25))
def test_a_wrong_tracking_id_is_fatal_at_its_number_and_takes_no_record_with_it(number: int, sessions: int) -> None:
    limits = LIMITS._replace(stop_after_rejections=number, requests_per_second=1e6)
    channel = channel_with(*(item(f"s{each % sessions}") for each in range(60)), limits=limits)
    now, alone = 0.0, 0
    while True:
        now += 1.0
        batch = must_take(channel, now)
        alone += len(batch.items) == 1
        settled = channel.settle(batch, REJECTED, now, 0.5)
        assert channel.believed_by(now + 1e6) == ()
        assert channel.believed_at() is None
        assert settled.rejected == ()
        if settled.fatal is not None:
            break
    assert alone == number == channel.in_doubt
    assert "no call has ever succeeded" in settled.fatal.advice
    assert settled.fatal.code == REJECTED.code


def test_rejections_are_believed_with_the_next_success() -> None:
    talk = Talk()
    assert talk(REJECTED) == Settled()
    assert talk(REJECTED) == Settled()
    assert talk.channel.in_doubt == 2
    assert not talk.channel.idle
    settled = talk(DELIVERED)
    assert items_of(settled) == talk.sent[:2]
    assert settled.delivered == (talk.sent[2],)
    assert talk.channel.in_doubt == 0
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
        talk.channel.settle(must_take_added(talk), THROTTLED, talk.now, 0.0)
    assert any(talk(REJECTED).fatal for _ in range(2))


def must_take_added(talk: Talk) -> Batch:
    talk.now += 0.1
    talk.channel.lanes.add(item(f"throttled-{talk.now}", since=talk.now))
    return must_take(talk.channel, talk.now)


def test_rejections_at_the_end_of_a_topic_that_worked_are_believed_after_a_while() -> None:
    talk = Talk()
    talk(DELIVERED)
    talk(REJECTED)
    first_at = talk.now
    talk(REJECTED)
    assert talk.channel.believed_at() == first_at + DOUBT
    assert talk.channel.believed_by(first_at + DOUBT - 0.01) == ()
    assert [each.item for each in talk.channel.believed_by(first_at + DOUBT)] == [talk.sent[1]]
    assert talk.channel.in_doubt == 1
    second = talk.channel.believed_at()
    assert second is not None
    assert [each.item for each in talk.channel.believed_by(second)] == [talk.sent[2]]
    assert talk.channel.believed_at() is None
    assert talk.channel.believed_by(1e9) == ()


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=8))
def test_what_is_believed_is_ready_when_it_was_said_to_be(times: list[float]) -> None:
    channel = channel_with(item("first"), limits=LIMITS._replace(requests_per_second=1e6, stop_after_rejections=99))
    send(channel, DELIVERED, 0.0)
    for now in sorted(times):
        channel.lanes.add(item(f"s{now}", since=now))
        send(channel, Rejected("InvalidInputException"), now)
        believed_at = channel.believed_at()
        assert believed_at is not None
        if believed_at <= now:
            assert channel.believed_by(now)
    while (believed_at := channel.believed_at()) is not None:
        assert channel.believed_by(believed_at)
    assert channel.idle


def test_a_doubt_is_given_up_with_its_partition() -> None:
    leaving = partition()
    channel = channel_with(item("a", owner=leaving), item("b"))
    send(channel, REJECTED, 0.0)
    send(channel, REJECTED, 0.0)
    leaving.leaving = True
    channel.discard_doubtful(lambda each: each.opened.given_up)
    assert channel.in_doubt == 1
    channel.lanes.add(item("c"))
    assert [each.entry.session_id for each in items_of(send(channel, DELIVERED, 1.0))] == ["b"]


def test_a_call_that_is_halved_is_no_rejection_yet() -> None:
    channel = channel_with(*(item() for _ in range(8)), limits=LIMITS._replace(stop_after_rejections=1))
    for _ in range(3):
        assert send(channel, REJECTED, 0.0) == Settled()
    assert send(channel, REJECTED, 0.0).fatal is not None
