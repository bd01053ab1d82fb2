from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import (
    Sample,
    bound,
    figures,
    median,
    middle,
    middle_run,
    percentile,
    recovered_after,
    steadiness,
    whole,
)

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1)


def sample(at: float, events: int, calls: int = 0, own: float = 0.0, refused: int = 0) -> Sample:
    return Sample(at, events, calls, refused, {"own": own, "endpoint": 0.0, "machine": own}, 100)


def steady(seconds: int, rate: int, fill: int = 10) -> list[Sample]:
    """A second of silence, then so many events a second, at half a core."""
    counts = [0, *(second * rate for second in range(seconds + 1))]
    return [sample(at, events, events // fill, at / 2) for at, events in enumerate(counts)]


@given(NUMBERS, st.floats(0.01, 1.0))
def test_a_percentile_is_one_of_the_values_and_its_share_lies_at_or_below_it(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) <= share * len(values)


@given(NUMBERS)
def test_as_many_values_lie_above_the_median_as_below(values: list[float]) -> None:
    middle = median(values)
    assert sum(value > middle for value in values) <= len(values) / 2
    assert sum(value < middle for value in values) <= len(values) / 2


def test_there_is_no_percentile_and_no_median_of_nothing() -> None:
    for function in (lambda: percentile([], 0.5), lambda: median([]), lambda: whole([sample(0, 0)])):
        with pytest.raises(ValueError, match="expected"):
            function()


def test_a_run_begins_with_the_last_sample_without_an_event_and_ends_with_the_first_that_has_all() -> None:
    window = whole([sample(0, 0), sample(1, 0), sample(2, 50), sample(3, 90), sample(9, 90)])
    assert (window.seconds, window.events) == (2, 90)


def test_the_figures_of_a_steady_run_are_its_rates_and_costs() -> None:
    row = figures(steady(10, 1_000), best_fill=10.0, machine_cores=2, quota=200)
    assert row["events_per_second"] == pytest.approx(1_000)
    assert row["middle_events_per_second"] == pytest.approx(1_000)
    assert row["calls_per_second"] == pytest.approx(100)
    assert row["cpu_per_event"] == pytest.approx(500)
    assert row["cpu_per_call"] == pytest.approx(5_000)
    assert row["over_fewest"] == pytest.approx(1.0)
    assert row["quota_used"] == pytest.approx(0.5)


def test_half_as_many_events_a_call_is_twice_the_fewest_calls() -> None:
    assert figures(steady(10, 1_000, fill=5), best_fill=10.0, machine_cores=2)["over_fewest"] == pytest.approx(2.0)


def test_the_tail_counts_in_the_rate_but_not_in_that_of_the_middle() -> None:
    row = figures([*steady(10, 1_000), sample(31, 10_001, 1_001)], 10.0, 2)
    assert row["events_per_second"] < 400
    assert row["middle_events_per_second"] == pytest.approx(1_000)


def test_a_core_that_was_used_up_until_the_tail_is_what_held_the_run_back() -> None:
    busy = [sample(0, 0), *(sample(at, 1_000 * (at - 1), 100 * (at - 1), float(at)) for at in range(1, 12))]
    row = figures([*busy, sample(20, 10_001, 1_001, 11.0)], 10.0, 2)
    assert row["cores"]["own"] < 0.6
    assert row["bound"] == "its own core"


def test_too_short_a_run_has_no_middle() -> None:
    assert middle([sample(0, 0), sample(1, 10), sample(2, 100)]) is None


@pytest.mark.parametrize(
    ("cores", "used", "what"),
    [
        ({"own": 0.3, "machine": 0.5}, 0.97, "the quota"),
        ({"own": 0.99, "machine": 1.5}, 0.5, "its own core"),
        ({"own": 0.5, "endpoint": 0.97, "machine": 1.6}, None, "the endpoint's core"),
        ({"own": 0.85, "endpoint": 0.8, "machine": 1.95}, None, "the machine's cores"),
        ({"own": 0.4, "endpoint": 0.2, "machine": 1.99}, None, "others on this machine"),
        ({"own": 0.4, "endpoint": 0.2, "machine": 0.9}, None, "waiting for answers"),
    ],
)
def test_what_held_a_run_back_is_what_was_used_up(cores: dict[str, float], used: float | None, what: str) -> None:
    assert bound(cores, 2, used) == what


def test_of_repeated_runs_the_middle_one_is_kept_with_the_spread() -> None:
    row = middle_run([{"events_per_second": rate, "run": rate} for rate in (3.0, 1.0, 2.0)])
    assert (row["run"], row["slowest"], row["fastest"], row["repeats"]) == (2.0, 1.0, 3.0, 3)


def test_steadiness_has_a_point_a_second_with_the_rate_of_that_second() -> None:
    points = steadiness([sample(at / 2, 100 * at) for at in range(9)])
    assert points == [(1.0, 200.0, 100), (2.0, 200.0, 100), (3.0, 200.0, 100), (4.0, 200.0, 100)]


def test_recovery_is_counted_from_the_end_of_the_storm_to_the_first_lasting_return() -> None:
    # Nothing for five seconds after the storm's end at 10, then a hundred calls a second.
    samples = [sample(10 + step / 2, 0, max(0, step - 10) * 50) for step in range(30)]
    assert recovered_after(samples, 10.0, 90.0) == pytest.approx(5.0)


def test_what_does_not_come_back_has_no_recovery() -> None:
    assert recovered_after([sample(at, 0, 10 * at) for at in range(20)], 5.0, 90.0) is None
