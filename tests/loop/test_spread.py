"""What is counted in strides is what would have been observed one by one."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from connector.metrics import Tally

BOUNDS = (0.1, 0.5, 1.0, 60.0)


def histogram() -> Histogram:
    return Histogram("h", "h", registry=CollectorRegistry(), buckets=BOUNDS)


@given(st.lists(st.lists(st.sampled_from([0.0, 0.1, 0.10001, 0.5, 59.0, 60.0, 61.0, 1e4]), max_size=20), max_size=5))
def test_a_spread_tells_what_the_histogram_would(steps: list[list[float]]) -> None:
    one_by_one, in_strides, tally = histogram(), histogram(), Tally()
    spread = tally.spread(in_strides)
    for values in steps:
        for value in values:
            one_by_one.observe(value)
            spread.observe(value)
        tally.flush()
        assert told(in_strides) == told(one_by_one)


def told(of: Histogram) -> dict[tuple[str, str], float]:
    samples = [sample for family in of.collect() for sample in family.samples]
    return {
        (each.name, each.labels.get("le", "")): round(each.value, 6)
        for each in samples
        if not each.name.endswith("_created")
    }
