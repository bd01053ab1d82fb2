"""A record's walk: to each fate, in order, and never past one that is open."""

import itertools

import pytest

from connector.core.records import Entry, Fate, Filtered, Reason, Rejection, Skipped, Stage, Transformed
from connector.core.sending.backpressure import Bounds
from connector.core.sending.destination import Limits
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Delivered, Fatal, Outcome, Rejected, Retryable, Status, Throttled
from tests.loop.fakes import P0, P1, QUICK, TOPIC, House, body


@pytest.fixture
def house() -> House:
    house = House()
    house.assign(P0)
    return house


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
def test_a_record_comes_to_exactly_one_end_and_is_committed(house: House, value: str, outcome: str) -> None:
    house.source.produce(P0, value)
    house.run(3)
    ends = {key: count for key, count in house.books().items() if count}
    assert ends == {"records_consumed": 1, outcome: 1}
    assert house.committed(P0) == 1
    assert house.loop.offsets.open_records == 0


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
    house = House(transform=lambda _record, _now: fate._replace(failed=failed))
    house.assign(P0)
    house.source.produce(P0, "1")
    house.source.produce(P0, "2")
    house.run(3)
    assert house.committed(P0) == 2
    for pipeline, rule in failed:
        assert house.value("rule_condition_errors_total", pipeline=pipeline, rule=rule) == 2


def test_a_record_without_a_timestamp_has_no_latency(house: House) -> None:
    record = house.source.produce(P0, "1")
    house.source.logs[P0] = [record._replace(timestamp=None)]
    house.run(3)
    assert house.committed(P0) == 1
    assert house.value("end_to_end_latency_seconds_count", topic=TOPIC) == 0


def test_a_fan_out_with_a_bad_element_delivers_the_others_in_order_and_writes_one_letter(house: House) -> None:
    record = house.source.produce(P0, "5 1 3")
    house.run(3)
    assert house.sender.delivered == [body(record, element) for element in (0, 2, 4)]
    [(written, rejection)] = house.dead_letters.written
    assert written == record
    assert rejection.indexes == (1, 3)


def test_the_offset_of_a_fan_out_waits_for_its_events_and_for_its_letter(house: House) -> None:
    house.sender.latency = 5.0
    house.dead_letters.latency = 10.0
    house.source.produce(P0, "2 0")
    house.run(4)
    assert (house.sender.delivered != [], house.dead_letters.written, house.committed(P0)) == (True, [], 0)
    house.run(5)  # delivered now, and the letter is on its way
    assert (len(house.dead_letters.pending()), house.committed(P0)) == (1, 0)
    house.run(12)
    assert house.committed(P0) == 1


def test_an_event_that_the_service_rejects_joins_the_letter_of_its_record(house: House) -> None:
    record = house.source.produce(P0, "5 1")

    def outcome(batch: Batch) -> Outcome:
        bad = any(item.entry.body == body(record, 3) for item in batch.items)
        return Rejected("InvalidInputException") if bad else Delivered()

    house.sender.outcome = outcome
    house.run(10)
    [(_, rejection)] = house.dead_letters.written
    assert rejection.indexes == (1, 3)
    assert house.sender.delivered == [body(record, element) for element in (0, 2, 4)]
    assert house.value("events_total", operation="put_events", outcome="rejected") == 1
    assert house.value("events_total", operation="put_events", outcome="delivered") == 3
    house.assert_balanced()


def test_a_rejected_event_is_named_by_stage_reason_and_rule(house: House) -> None:
    good, bad = house.source.produce(P0, "1"), house.source.produce(P0, "1", session="other")
    house.sender.outcome = lambda batch: (
        Rejected("InvalidInputException") if batch.session_id == "other" else Delivered()
    )
    house.run(10)
    assert house.sender.delivered == [body(good, 0)]
    [(written, rejection)] = house.dead_letters.written
    assert written == bad
    assert (rejection.stage, rejection.reason) == (Stage.DELIVER, Reason.REJECTED_BY_SERVICE)
    assert (rejection.pipeline, rejection.rule) == ("web", "view")
    assert "InvalidInputException" in rejection.message


def test_a_dead_letter_is_acknowledged_before_its_offset_is_committed(house: House) -> None:
    house.dead_letters.latency = 60.0
    house.source.produce(P0, "invalid")
    house.source.produce(P0, "1")
    house.run(50)
    assert house.sender.delivered
    assert house.committed(P0) == 0
    house.run(15)
    assert house.committed(P0) == 2


@pytest.mark.parametrize(
    "trouble", [Throttled("ThrottlingException"), Retryable("InternalFailure", Status.SERVER_ERROR)]
)
def test_repeats_keep_the_order_of_a_session(house: House, trouble: Outcome) -> None:
    records = [house.source.produce(P0, "1") for _ in range(35)]
    answers = [trouble, Delivered(), trouble, trouble, Delivered(), trouble]
    house.sender.outcome = lambda _: answers.pop() if answers else Delivered()
    house.run(30)
    assert house.sender.delivered == [body(record, 0) for record in records]
    assert house.committed(P0) == 35


def test_an_outage_of_an_hour_writes_no_dead_letter_and_keeps_polling(house: House) -> None:
    house.sender.outcome = lambda _: Retryable("ServiceUnavailable", Status.SERVER_ERROR)
    for number in range(300):
        house.source.produce(P0, "1", session=str(number))
    house.run(3600)
    assert house.dead_letters.written == []
    assert house.committed(P0) == 0
    assert len(house.sender.calls) < 3600 * 2
    moments = [at for at, _, _ in house.source.polls]
    assert max(later - earlier for earlier, later in itertools.pairwise(moments)) < 60
    house.sender.outcome = lambda _: Delivered()
    house.run(60)
    assert house.committed(P0) == 300
    house.assert_balanced()


def test_a_wrong_tracking_id_stops_with_nothing_dead_lettered_and_nothing_committed(house: House) -> None:
    house.sender.outcome = lambda _: Rejected("InvalidInputException")
    for number in range(200):
        house.source.produce(P0, "1", session=str(number))
    house.run(60)
    assert house.loop.fatal is not None
    assert "tracking_id" in house.loop.fatal.advice
    calls = len(house.sender.calls)
    for _ in range(20):
        house.loop.step()
    assert len(house.sender.calls) == calls
    assert (house.dead_letters.written, list(house.dead_letters.pending())) == ([], [])
    assert house.committed(P0) == 0


def test_what_was_done_before_a_wrong_tracking_id_may_be_committed_and_no_more(house: House) -> None:
    for number in range(200):
        house.source.produce(P0, "filtered" if number < 10 else "1", session=str(number))
    house.sender.outcome = lambda _: Rejected("InvalidInputException")
    house.run(60)
    house.loop.give_up()
    house.revoke(P0)
    assert house.committed(P0) <= 10


def test_a_refusal_of_access_stops_with_nothing_dead_lettered_and_no_more_calls(house: House) -> None:
    house.sender.outcome = lambda _: Fatal("AccessDeniedException", "allow it")
    for number in range(50):
        house.source.produce(P0, "1", session=str(number))
    house.run(60)
    assert house.loop.fatal == Fatal("AccessDeniedException", "allow it")
    calls = len(house.sender.calls)
    for _ in range(20):
        house.loop.step()
    assert len(house.sender.calls) == calls <= 8
    assert house.dead_letters.written == []
    assert house.committed(P0) == 0


def test_after_a_refusal_nothing_is_committed_on_the_way_out(house: House) -> None:
    house.source.produce(P0, "filtered")
    house.source.produce(P0, "1")
    house.sender.outcome = lambda _: Fatal("AccessDeniedException", "allow it")
    house.run(0.9)
    before = list(house.source.commits)
    house.loop.give_up()
    house.revoke(P0)
    assert house.source.commits == before


def test_one_tracking_id_in_trouble_does_not_hold_up_the_offsets_of_another_partition() -> None:
    house = House()
    house.assign(P0, P1)
    house.source.produce(P0, "1", session="stuck")
    house.source.produce(P1, "1", session="free")
    house.sender.outcome = lambda batch: (
        Retryable("Timeout", Status.TIMEOUT) if batch.session_id == "stuck" else Delivered()
    )
    house.run(5)
    assert (house.committed(P0), house.committed(P1)) == (0, 1)


def test_an_idle_loop_polls_a_few_times_a_second(house: House) -> None:
    house.run(100)
    assert 100 <= len(house.source.polls) <= 400


def test_an_idle_loop_that_is_behind_a_slow_call_naps_and_does_not_spin(house: House) -> None:
    house.sender.latency = 10.0
    house.source.produce(P0, "1")
    house.run(10)
    assert len(house.source.polls) <= 10 / 0.005 + 50


@pytest.mark.parametrize("linger", [0.0, 0.02, 0.3, 0.9])
def test_the_loop_does_not_sleep_past_the_end_of_a_linger(linger: float) -> None:
    house = House(limits=QUICK._replace(linger=linger))
    house.assign(P0)
    house.run(5.13)
    house.source.produce(P0, "1")
    read_at = None
    while not house.sender.calls:
        house.loop.step()
        if read_at is None and house.source.positions[P0]:
            read_at = house.source.polls[-1][0]
    assert read_at is not None
    assert house.clock.now - read_at <= linger + 0.01


def test_a_repeat_goes_when_its_wait_ends_and_not_at_the_next_tick(house: House) -> None:
    answers: list[Outcome] = [Retryable("Timeout", Status.TIMEOUT)]
    house.sender.outcome = lambda _: answers.pop() if answers else Delivered()
    house.source.produce(P0, "1")
    while not house.sender.delivered:
        house.loop.step()
    # linger, a call, the first wait at its longest, and naps
    assert house.clock.now - 100 <= 0.1 + 0.01 + 0.1 + 0.02


def test_dead_letters_alone_flow_through_a_small_buffer_without_waiting_for_ticks() -> None:
    house = House(bounds=Bounds(10, 1 << 20, 10))
    house.assign(P0)
    for _ in range(500):
        house.source.produce(P0, "invalid")
    house.run(10)
    assert house.books()["dead_lettered"] == 500


def test_a_full_buffer_stops_the_reading_and_an_empty_one_starts_it_again() -> None:
    house = House(bounds=Bounds(50, 1 << 20, 1000))
    house.assign(P0, P1)
    house.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    for number in range(400):
        house.source.produce(P0, "1", session=str(number))
    house.run(20)
    assert house.loop.offsets.open_records <= 50
    assert house.source.paused
    house.sender.outcome = lambda _: Delivered()
    house.run(30)
    assert house.source.paused == set()
    assert house.committed(P0) == 400
    house.assert_balanced()


def test_calls_keep_to_the_rate(house: House) -> None:
    slow = House(limits=Limits(linger=0.0, requests_per_second=20))
    slow.assign(P0)
    for number in range(200):
        slow.source.produce(P0, "1", session=str(number))
    slow.run(5)
    assert 80 <= len(slow.sender.calls) <= 5 * 20 + 2
    del house


def test_latency_from_the_kafka_timestamp_to_the_acknowledgement_is_measured(house: House) -> None:
    house.source.produce(P0, "1")
    house.clock.now += 42
    house.run(1)
    assert house.value("end_to_end_latency_seconds_count", topic=TOPIC) == 1
    assert 42 < house.value("end_to_end_latency_seconds_sum", topic=TOPIC) < 43


def test_a_record_without_a_timestamp_is_delivered_and_makes_no_latency(house: House) -> None:
    house.assign(P0)
    house.source.logs[P0] = [house.source.produce(P0, "1")._replace(timestamp=None)]
    house.run(2)
    assert house.committed(P0) == 1
    assert house.value("end_to_end_latency_seconds_count", topic=TOPIC) == 0
