"""A record's walk: to each fate, in order, and never past one that is open."""

import itertools

import pytest

from connector.core.records import Entry, Fate, Filtered, Reason, Rejection, Skipped, Stage, Transformed
from connector.core.sending.backpressure import Bounds
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Delivered, Fatal, Outcome, Rejected, Retryable, Status, Throttled
from tests.support.fakes import P0, P1, QUICK, TOPIC, Harness, body
from tests.support.simulation import USUAL


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    harness.assign(P0)
    return harness


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ("1", "delivered"),
        ("3", "delivered"),
        ("filtered", "filtered"),
        ("skipped", "skipped"),
        ("invalid", "dead_lettered"),
        ("3 1", "dead_lettered"),
    ],
)
def test_a_record_comes_to_exactly_one_end_and_is_committed(harness: Harness, value: str, outcome: str) -> None:
    harness.source.produce(P0, value)
    harness.run(3)
    ends = {key: count for key, count in harness.counted().items() if count}
    assert ends == {"records_consumed": 1, outcome: 1}
    assert harness.committed(P0) == 1
    assert harness.loop.offsets.open_records == 0


@pytest.mark.parametrize(
    "fate",
    [
        Transformed("web", "view", (Entry("t", "s", None, b"{}"),)),
        Skipped("bot", "bots", "web"),
        Filtered(),
        Rejection(Stage.MAP, Reason.UNMATCHED, "no rule"),
    ],
    ids=lambda fate: type(fate).__name__,
)
def test_each_condition_that_could_not_be_evaluated_is_counted_once_a_record(fate: Fate) -> None:
    failed = (("web", "pages"), ("web", "search"))
    harness = Harness(transform=lambda _record, _now: fate._replace(failed=failed))
    harness.assign(P0)
    harness.source.produce(P0, "1")
    harness.source.produce(P0, "2")
    harness.run(3)
    assert harness.committed(P0) == 2
    for pipeline, rule in failed:
        assert harness.value("rule_condition_errors_total", pipeline=pipeline, rule=rule) == 2


def test_a_record_without_a_timestamp_has_no_latency(harness: Harness) -> None:
    record = harness.source.produce(P0, "1")
    harness.source.logs[P0] = [record._replace(timestamp=None)]
    harness.run(3)
    assert harness.committed(P0) == 1
    assert harness.value("end_to_end_latency_seconds_count", topic=TOPIC) == 0


def test_a_fan_out_with_a_bad_element_delivers_the_others_in_order_and_writes_one_letter(harness: Harness) -> None:
    record = harness.source.produce(P0, "5 1 3")
    harness.run(3)
    assert harness.sender.delivered == [body(record, element) for element in (0, 2, 4)]
    [(written, rejection)] = harness.dead_letters.written
    assert written == record
    assert rejection.indexes == (1, 3)


def test_the_offset_of_a_fan_out_waits_for_its_events_and_for_its_letter(harness: Harness) -> None:
    harness.sender.latency = 5.0
    harness.dead_letters.latency = 10.0
    harness.source.produce(P0, "2 0")
    harness.run(4)
    assert (harness.sender.delivered != [], harness.dead_letters.written, harness.committed(P0)) == (True, [], 0)
    harness.run(5)  # delivered now, and the letter is on its way
    assert (len(harness.dead_letters.pending()), harness.committed(P0)) == (1, 0)
    harness.run(12)
    assert harness.committed(P0) == 1


def test_an_event_that_the_service_rejects_joins_the_letter_of_its_record(harness: Harness) -> None:
    record = harness.source.produce(P0, "5 1")

    def outcome(batch: Batch) -> Outcome:
        bad = any(item.entry.body == body(record, 3) for item in batch.items)
        return Rejected("InvalidInputException") if bad else Delivered()

    harness.sender.outcome = outcome
    harness.run(10)
    [(_, rejection)] = harness.dead_letters.written
    assert rejection.indexes == (1, 3)
    assert harness.sender.delivered == [body(record, element) for element in (0, 2, 4)]
    assert harness.value("events_total", operation="put_events", outcome="rejected") == 1
    assert harness.value("events_total", operation="put_events", outcome="delivered") == 3
    harness.assert_balanced()


def test_a_rejected_event_is_named_by_stage_reason_and_rule(harness: Harness) -> None:
    good, bad = harness.source.produce(P0, "1"), harness.source.produce(P0, "1", session="other")
    harness.sender.outcome = lambda batch: Rejected("InvalidInputException") if batch.lane == "other" else Delivered()
    harness.run(10)
    assert harness.sender.delivered == [body(good, 0)]
    [(written, rejection)] = harness.dead_letters.written
    assert written == bad
    assert (rejection.stage, rejection.reason) == (Stage.DELIVER, Reason.REJECTED_BY_SERVICE)
    assert (rejection.pipeline, rejection.rule) == ("web", "view")
    assert "InvalidInputException" in rejection.message


def test_a_dead_letter_is_acknowledged_before_its_offset_is_committed(harness: Harness) -> None:
    harness.dead_letters.latency = 60.0
    harness.source.produce(P0, "invalid")
    harness.source.produce(P0, "1")
    harness.run(50)
    assert harness.sender.delivered
    assert harness.committed(P0) == 0
    harness.run(15)
    assert harness.committed(P0) == 2


@pytest.mark.parametrize(
    "trouble", [Throttled("ThrottlingException"), Retryable("InternalFailure", Status.SERVER_ERROR)]
)
def test_repeats_keep_the_order_of_a_session(harness: Harness, trouble: Outcome) -> None:
    records = [harness.source.produce(P0, "1") for _ in range(35)]
    answers = [trouble, Delivered(), trouble, trouble, Delivered(), trouble]
    harness.sender.outcome = lambda _: answers.pop() if answers else Delivered()
    harness.run(30)
    assert harness.sender.delivered == [body(record, 0) for record in records]
    assert harness.committed(P0) == 35


def test_an_outage_of_an_hour_writes_no_dead_letter_and_keeps_polling(harness: Harness) -> None:
    harness.sender.outcome = lambda _: Retryable("ServiceUnavailable", Status.SERVER_ERROR)
    for number in range(300):
        harness.source.produce(P0, "1", session=str(number))
    harness.run(3600)
    assert harness.dead_letters.written == []
    assert harness.committed(P0) == 0
    assert len(harness.sender.calls) < 3600 * 2
    moments = [at for at, _, _ in harness.source.polls]
    assert max(later - earlier for earlier, later in itertools.pairwise(moments)) < 60
    harness.sender.outcome = lambda _: Delivered()
    harness.run(60)
    assert harness.committed(P0) == 300
    harness.assert_balanced()


def test_a_wrong_tracking_id_stops_with_nothing_dead_lettered_and_nothing_committed(harness: Harness) -> None:
    harness.sender.outcome = lambda _: Rejected("InvalidInputException")
    for number in range(200):
        harness.source.produce(P0, "1", session=str(number))
    harness.run(60)
    assert harness.loop.fatal is not None
    assert "tracking_id" in harness.loop.fatal.advice
    calls = len(harness.sender.calls)
    for _ in range(20):
        harness.loop.step()
    assert len(harness.sender.calls) == calls
    assert (harness.dead_letters.written, list(harness.dead_letters.pending())) == ([], [])
    assert harness.committed(P0) == 0


def test_what_was_done_before_a_wrong_tracking_id_may_be_committed_and_no_more(harness: Harness) -> None:
    for number in range(200):
        harness.source.produce(P0, "filtered" if number < 10 else "1", session=str(number))
    harness.sender.outcome = lambda _: Rejected("InvalidInputException")
    harness.run(60)
    harness.loop.give_up()
    harness.revoke(P0)
    assert harness.committed(P0) <= 10


def test_a_refusal_of_access_stops_with_nothing_dead_lettered_and_no_more_calls(harness: Harness) -> None:
    harness.sender.outcome = lambda _: Fatal("AccessDeniedException", "allow it")
    for number in range(50):
        harness.source.produce(P0, "1", session=str(number))
    harness.run(60)
    assert harness.loop.fatal == Fatal("AccessDeniedException", "allow it")
    calls = len(harness.sender.calls)
    for _ in range(20):
        harness.loop.step()
    assert len(harness.sender.calls) == calls <= 8
    assert harness.dead_letters.written == []
    assert harness.committed(P0) == 0


def test_after_a_refusal_nothing_is_committed_on_the_way_out(harness: Harness) -> None:
    harness.source.produce(P0, "filtered")
    harness.source.produce(P0, "1")
    harness.sender.outcome = lambda _: Fatal("AccessDeniedException", "allow it")
    harness.run(0.9)
    before = list(harness.source.commits)
    harness.loop.give_up()
    harness.revoke(P0)
    assert harness.source.commits == before


def test_one_tracking_id_in_trouble_does_not_hold_up_the_offsets_of_another_partition() -> None:
    harness = Harness()
    harness.assign(P0, P1)
    harness.source.produce(P0, "1", session="stuck")
    harness.source.produce(P1, "1", session="free")
    harness.sender.outcome = lambda batch: (
        Retryable("Timeout", Status.TIMEOUT) if batch.lane == "stuck" else Delivered()
    )
    harness.run(5)
    assert (harness.committed(P0), harness.committed(P1)) == (0, 1)


def test_an_idle_loop_polls_a_few_times_a_second(harness: Harness) -> None:
    harness.run(100)
    assert 100 <= len(harness.source.polls) <= 400


def test_an_idle_loop_that_is_behind_a_slow_call_naps_and_does_not_spin(harness: Harness) -> None:
    harness.sender.latency = 10.0
    harness.source.produce(P0, "1")
    harness.run(10)
    assert len(harness.source.polls) <= 10 / 0.005 + 50


@pytest.mark.parametrize("linger", [0.0, 0.02, 0.3, 0.9])
def test_the_loop_does_not_sleep_past_the_end_of_a_linger(linger: float) -> None:
    harness = Harness(limits=QUICK._replace(linger=linger))
    harness.assign(P0)
    harness.run(5.13)
    harness.source.produce(P0, "1")
    read_at = None
    while not harness.sender.calls:
        harness.loop.step()
        if read_at is None and harness.source.positions[P0]:
            read_at = harness.source.polls[-1][0]
    assert read_at is not None
    assert harness.clock.now - read_at <= linger + 0.01


def test_a_repeat_goes_when_its_wait_ends_and_not_at_the_next_tick(harness: Harness) -> None:
    answers: list[Outcome] = [Retryable("Timeout", Status.TIMEOUT)]
    harness.sender.outcome = lambda _: answers.pop() if answers else Delivered()
    harness.source.produce(P0, "1")
    while not harness.sender.delivered:
        harness.loop.step()
    # linger, a call, the first wait at its longest, and naps
    assert harness.clock.now - 100 <= 0.1 + 0.01 + 0.1 + 0.02


def test_dead_letters_alone_flow_through_a_small_buffer_without_waiting_for_ticks() -> None:
    harness = Harness(bounds=Bounds(10, 1 << 20, 10))
    harness.assign(P0)
    for _ in range(500):
        harness.source.produce(P0, "invalid")
    harness.run(10)
    assert harness.counted()["dead_lettered"] == 500


def test_a_full_buffer_stops_the_reading_and_an_empty_one_starts_it_again() -> None:
    harness = Harness(bounds=Bounds(50, 1 << 20, 1000))
    harness.assign(P0, P1)
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    for number in range(400):
        harness.source.produce(P0, "1", session=str(number))
    harness.run(20)
    assert harness.loop.offsets.open_records <= 50
    assert harness.source.paused
    harness.sender.outcome = lambda _: Delivered()
    harness.run(30)
    assert harness.source.paused == set()
    assert harness.committed(P0) == 400
    harness.assert_balanced()


def test_calls_keep_to_the_rate(harness: Harness) -> None:
    slow = Harness(limits=USUAL._replace(linger=0.0, requests_per_second=20))
    slow.assign(P0)
    for number in range(200):
        slow.source.produce(P0, "1", session=str(number))
    slow.run(5)
    assert 80 <= len(slow.sender.calls) <= 5 * 20 + 2
    del harness


def test_latency_from_the_kafka_timestamp_to_the_acknowledgement_is_measured(harness: Harness) -> None:
    harness.source.produce(P0, "1")
    harness.clock.now += 42
    harness.run(1)
    assert harness.value("end_to_end_latency_seconds_count", topic=TOPIC) == 1
    assert 42 < harness.value("end_to_end_latency_seconds_sum", topic=TOPIC) < 43


def test_a_record_without_a_timestamp_is_delivered_and_makes_no_latency(harness: Harness) -> None:
    harness.assign(P0)
    harness.source.logs[P0] = [harness.source.produce(P0, "1")._replace(timestamp=None)]
    harness.run(2)
    assert harness.committed(P0) == 1
    assert harness.value("end_to_end_latency_seconds_count", topic=TOPIC) == 0
