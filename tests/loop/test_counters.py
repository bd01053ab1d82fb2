"""The loop's own counters and histograms show what prometheus_client's would, to the byte."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from connector import counters
from connector.core.records import Reason
from connector.core.sending.outcomes import Status
from connector.counters import Buckets, CounterFamily, HistogramFamily
from connector.metrics import Metrics

BOUNDS = (0.1, 0.5, 1, 60)
SCRAPE = Path(__file__).with_name("scrape.txt")
LABELS = ("clicks", 'a "quoted"\\\n', Status.OK, Reason.NOT_JSON)
CREATED = 1_795_500_000.25


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every series is created at the same time."""
    monkeypatch.setattr("time.time", lambda: CREATED)


def _text(registry: CollectorRegistry) -> tuple[bytes, bytes]:
    return generate_latest(registry), generate_openmetrics(registry)  # type: ignore[no-untyped-call]


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.integers(0, 1 << 40)), max_size=20))
def test_a_counter_shows_what_prometheus_clients_would(counts: list[tuple[str, int]]) -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    their_counter, our_counter = (
        Counter("c", "Help.", ("x", "a"), registry=theirs),
        CounterFamily("c", "Help.", ("x", "a")),
    )
    ours.register(our_counter)
    for label, count in counts:
        their_counter.labels("b", label).inc(count)
        our_counter.labels("b", label).value += count
    assert _text(ours) == _text(theirs)


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([0.0, 0.1, 0.10001, 0.5, 59.0, 60.0, 61.0, 1e4]))))
def test_a_histogram_shows_what_prometheus_clients_would(values: list[tuple[str, float]]) -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    their_histogram = Histogram("h", "Help.", ("x",), registry=theirs, buckets=BOUNDS)
    our_histogram = HistogramFamily("h", "Help.", ("x",), BOUNDS)
    ours.register(our_histogram)
    for label, value in values:
        their_histogram.labels(label).observe(value)
        our_histogram.labels(label).observe(value)
    assert _text(ours) == _text(theirs)


def test_names_help_texts_types_and_labels_of_a_scrape_are_those_of_the_golden_file() -> None:
    metrics = Metrics()
    metrics.initialise(["clicks"], [("web", "view")])
    metrics.skipped_records.labels("clicks", "bot")
    lines = generate_latest(metrics.registry).decode().splitlines()
    ours = [line for line in lines if "putevents_" in line and "putevents_build" not in line]
    shown = [line if line.startswith("#") else line.rpartition(" ")[0] for line in ours]
    assert shown == SCRAPE.read_text().splitlines()


def test_the_variable_that_switches_creation_times_off_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "WITH_CREATED", False)
    registry = CollectorRegistry()
    for family in (CounterFamily("c", "Help.", ()), HistogramFamily("h", "Help.", (), BOUNDS)):
        registry.register(family)
        family.labels()
    assert not [name for name in _names(registry) if name.endswith("_created")]
    monkeypatch.setattr(counters, "WITH_CREATED", True)
    assert [name for name in _names(registry) if name.endswith("_created")] == ["c_created", "h_created"]


def _names(registry: CollectorRegistry) -> list[str]:
    return [sample.name for family in registry.collect() for sample in family.samples]


@pytest.mark.parametrize(
    "family", [lambda: CounterFamily("c", "Help.", ("x",)), lambda: HistogramFamily("c", "Help.", ("x",), BOUNDS)]
)
def test_a_name_that_is_taken_and_a_label_too_many_are_errors(
    family: Callable[[], CounterFamily | HistogramFamily],
) -> None:
    registry = CollectorRegistry()
    registry.register(family())
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(family())
    with pytest.raises(ValueError, match=r"c: expected values for \('x',\), found 2"):
        family().labels("a", "b")


def test_counts_are_added_up_by_their_last_label_and_buckets_over_all_series() -> None:
    counts, durations = CounterFamily("c", "Help.", ("topic", "outcome")), HistogramFamily("h", "Help.", ("x",), BOUNDS)
    assert (counts.by_last_label(), durations.buckets()) == ({}, Buckets((), ()))
    for topic, outcome, value in (("a", "ok", 2), ("b", "ok", 3), ("a", "bad", 1)):
        counts.labels(topic, outcome).value += value
        durations.labels(topic).observe(value)
    assert counts.by_last_label() == {"ok": 5, "bad": 1}
    assert durations.buckets() == Buckets((*BOUNDS, float("inf")), (0, 0, 1, 2, 0))
