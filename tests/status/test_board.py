"""The board's numbers are the metrics' and the loop's, and looking costs the loop little."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.records import TopicPartition
from connector.core.sending.outcomes import Retryable, Status
from connector.counters import Buckets, HistogramFamily
from connector.status.board import MOST_ROWS, WINDOW, summary
from connector.status.history import SPAN, STEP, History, Reading, quantile, read
from connector.status.model import Totals
from connector.watch import Lag
from tests.support.fakes import P0, P1, QUICK, TOPIC
from tests.support.views import Looked


@pytest.fixture
def harness() -> Looked:
    harness = Looked(limits=QUICK._replace(linger=0.0))
    harness.assign(P0, P1)
    return harness


def test_totals_are_those_of_the_metrics(harness: Looked) -> None:
    for number, value in enumerate(["1", "3", "filtered", "skipped", "invalid", "2 1"] * 10):
        harness.source.produce(P0, value, session=str(number))
    view = harness.pass_time(10)
    assert view.totals.consumed == 60
    outcomes = {"delivered": 20, "superseded": 0, "filtered": 10, "skipped": 10, "dead_lettered": 20}
    assert dict(view.totals.outcomes) == outcomes
    for outcome, count in view.totals.outcomes:
        assert harness.value("records_total", topic=TOPIC, outcome=outcome) == count
    assert view.totals.delivered_events == harness.value("events_total", operation="put_events", outcome="delivered")
    assert dict(view.totals.calls)["ok"] == sum(view.totals.fill) == len(harness.sender.calls)
    carried = sum(size * calls for size, calls in enumerate(view.totals.fill, 1))
    assert carried == view.totals.delivered_events


def test_nothing_was_measured_before_the_first_step_is_over(harness: Looked) -> None:
    assert harness.pass_time(STEP - 2).history == ()


def test_history_adds_up_to_the_totals(harness: Looked) -> None:
    for number in range(200):
        harness.source.produce(P0, "2", session=str(number))
    view = harness.pass_time(60)
    starts = [harness.board.latest.facts.started, *(point.at for point in view.history)]
    steps = [after - before for before, after in pairwise(starts)]
    events = sum(point.events * seconds for point, seconds in zip(view.history, steps, strict=True))
    assert events == pytest.approx(view.totals.delivered_events)
    assert {point.call_median for point in view.history[1:]} == {None}, "without calls there is no time of a call"
    first = view.history[0]
    assert first.call_median is not None
    assert first.call_high is not None
    assert 0 < first.call_median <= first.call_high <= 0.02


def test_history_forgets_what_is_older_than_a_quarter_of_an_hour(harness: Looked) -> None:
    points = harness.pass_time(SPAN + 300).history
    assert len(points) == SPAN / STEP
    assert points[-1].at - points[0].at <= SPAN * 1.2


def test_a_gap_in_looking_is_one_long_step() -> None:
    def reading(clock: float, events: int) -> Reading:
        return Reading(clock, Totals(delivered_events=events), Buckets((), ()), Buckets((), ()))

    history = History(reading(0.0, 0))
    assert history.add(reading(50.0, 100), 1050.0)
    assert [point.events for point in history.points] == [2.0]


def test_calls_now_are_those_of_the_last_seconds(harness: Looked) -> None:
    for number in range(50):
        harness.source.produce(P0, "1", session=str(number))
    [row] = harness.pass_time(WINDOW - 1).pacing
    assert row.name == "tracker"
    assert row.calls is not None
    assert row.calls * WINDOW >= len(harness.sender.calls) * 0.9
    [row] = harness.pass_time(2 * WINDOW).pacing
    assert row.calls == 0.0


def test_tracking_ids_from_records_share_a_row_without_a_name() -> None:
    harness = Looked(limits=QUICK._replace(linger=0.0, configured=frozenset({"another"})))
    harness.assign(P0)
    harness.source.produce(P0, "1")
    [row] = harness.pass_time(2).pacing
    assert (row.name, row.tracking_ids) == ("(taken from records)", 1)


def test_lag_is_what_the_gauges_say(harness: Looked) -> None:
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    for _ in range(5):
        harness.source.produce(P1, "1")
    lags = harness.pass_time(30).lags
    assert (lags.partitions, lags.records) == (2, 5)
    assert 28 <= (lags.seconds or 0) <= 31
    worst, other = lags.worst
    assert (worst.topic_partition, worst.records, worst.open_records) == (P1, 5, 5)
    assert worst.seconds == harness.value("consumer_lag_seconds", topic=TOPIC, partition="1")
    assert (other.topic_partition, other.seconds) == (P0, 0.0)


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 100)), st.floats(0, 100)), max_size=120))
def test_rows_are_the_worst_and_all_are_counted(partitions: list[tuple[int | None, float]]) -> None:
    lags = [
        Lag(TopicPartition("t", number), records, seconds, 0) for number, (records, seconds) in enumerate(partitions)
    ]
    found = summary(lags, ())
    assert found.partitions == len(lags)
    known = [lag.records for lag in lags if lag.records is not None]
    assert found.records == (sum(known) if known or not lags else None)
    assert found.unknown == len(lags) - len(known)
    assert len(found.worst) == min(MOST_ROWS, len(lags))
    ages = {lag.topic_partition: lag.seconds for lag in lags}
    shown = [ages[row.topic_partition] for row in found.worst]
    assert shown == sorted(ages.values(), reverse=True)[:MOST_ROWS]


def test_a_revoked_partition_is_gone_from_the_page(harness: Looked) -> None:
    harness.pass_time(2)
    harness.revoke(P0)
    assert [row.topic_partition for row in harness.pass_time(2).lags.worst] == [P1]


def test_dead_letters_are_told_the_latest_first_and_twenty_at_most(harness: Looked) -> None:
    for _ in range(30):
        harness.source.produce(P0, "invalid")
    letters = harness.pass_time(10).letters
    assert [letter.offset for letter in letters] == list(range(29, 9, -1))
    assert letters[0].at <= harness.board.latest.at


@given(st.lists(st.floats(0, 20), max_size=50), st.lists(st.floats(0, 20), max_size=50))
def test_buckets_are_those_of_a_scrape(one: list[float], other: list[float]) -> None:
    histogram = HistogramFamily("h", "h", ("topic",), (1, 5, 10))
    for topic, values in (("a", one), ("b", other)):
        for value in values:
            histogram.labels(topic).observe(value)
    found = histogram.buckets()
    samples = [sample for family in histogram.collect() for sample in family.samples if sample.name == "h_bucket"]
    for number, bound in enumerate(found.bounds):
        below = sum(sample.value for sample in samples if float(sample.labels["le"]) == bound)
        assert sum(found.counts[: number + 1]) == below


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_that_holds_it(counts: list[int], share: float) -> None:
    among = Buckets((1.0, 5.0, 10.0, float("inf")), tuple(counts))
    found = quantile(share, among)
    if not sum(counts):
        assert found is None
        return
    assert found is not None
    passed = [sum(counts[: number + 1]) for number in range(4)]
    bucket = next(number for number, below in enumerate(passed) if below >= share * passed[-1])
    lower, upper = ((0.0, 1.0), (1.0, 5.0), (5.0, 10.0), (10.0, 10.0))[bucket]
    assert lower <= found <= upper


def test_a_look_at_a_hundred_partitions_takes_a_millisecond_of_the_loop(harness: Looked) -> None:
    harness.pass_time(2)
    lags = [Lag(TopicPartition("t", number), number, float(number), 0) for number in range(100)]
    spent = []
    for _ in range(100):
        harness.clock.now += 1.0
        began = time.thread_time()
        harness.board.look(lags)
        spent.append(time.thread_time() - began)
    assert sorted(spent)[50] < 0.002, "twice what is promised, since machines that run tests are slow"
    assert read(harness.metrics, 0.0).totals.consumed == 0
