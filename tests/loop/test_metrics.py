"""Every metric of the contract is there, with its type and labels, and starts at 0."""

import re

import pytest

from connector.core.operations import OPERATIONS, Operation
from connector.core.records import Reason, Stage, TopicPartition
from connector.core.sending.outcomes import Delivered, Rejected, Status
from connector.metrics import STAGES, Metrics
from tests.support.fakes import P0, Harness

# The table of the operations guide: names, types, labels. Names and labels are a contract.
TABLE = """
| records_consumed_total | counter | topic |
| records_total | counter | topic, outcome = delivered, filtered, skipped, dead_lettered |
| invalid_records_total | counter | topic, stage = decode, map, validate, deliver; reason (a fixed list) |
| rule_matches_total | counter | pipeline, rule |
| events_total | counter | operation, outcome = delivered, rejected, superseded |
| requests_total | counter | operation, status = ok, throttled, invalid_input, denied, server_error, timeout, … |
| request_duration_seconds | histogram 10 ms to 10 s | operation |
| events_per_request | histogram 1 … 10 | operation |
| request_rate_limit | gauge | |
| rate_limit_wait_seconds_total | counter | |
| end_to_end_latency_seconds | histogram 0.1 s to 1 h | topic |
| consumer_lag_seconds, consumer_lag_records | gauge | topic, partition |
| assigned_partitions, paused_partitions | gauge | topic |
| schema_waiting_partitions, schema_waiting_records | gauge | topic |
| pipeline_held | gauge | pipeline |
| schema_registry_away_seconds | gauge | |
| in_flight_requests, buffered_events, open_records | gauge | |
| rebalances_total | counter | kind = assign, revoke, lost |
| commits_total | counter | outcome |
| last_commit_timestamp_seconds, last_delivery_timestamp_seconds | gauge | |
| dead_letter_records_total | counter | topic, reason |
| dead_letter_errors_total | counter | |
| kafka_errors_total | counter | code |
| schema_registry_requests_total | counter | outcome |
| schemas_cached | gauge | |
| build_info | info | version |
| config_info | info | hash |
"""
LABELS = "topic|outcome|stage|reason|pipeline|rule|operation|status|partition|kind|code|version|hash"


def _rows() -> list[tuple[str, str, tuple[str, ...]]]:
    rows = []
    for line in TABLE.strip().splitlines():
        names, kind, labels = (cell.strip() for cell in line.strip("|").split("|"))
        found = tuple(re.findall(rf"\b({LABELS})\b(?=[ ,;]|$)", labels))
        rows += [(name.strip(), kind.split()[0], found) for name in names.split(",")]
    return rows


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics()
    metrics.initialise(["clicks"], [("web", "view")])
    metrics.config.info({"hash": "0123456789ab"})
    metrics.lag_seconds.labels("clicks", "0")
    metrics.lag_records.labels("clicks", "0")
    metrics.kafka_errors.labels("_TRANSPORT")
    metrics.schema_registry_requests.labels("ok")
    return metrics


@pytest.mark.parametrize(("name", "kind", "labels"), _rows())
def test_each_metric_of_the_contract_has_its_type_and_labels(
    metrics: Metrics, name: str, kind: str, labels: tuple[str, ...]
) -> None:
    shown_as = f"putevents_{name.removesuffix('_total').removesuffix('_info')}"
    [family] = [each for each in metrics.registry.collect() if each.name == shown_as]
    assert family.type == kind
    shown = {label for sample in family.samples for label in sample.labels} - {"le"}
    assert shown == set(labels)


def test_the_two_infos_carry_version_and_hash(metrics: Metrics) -> None:
    labels = {
        sample.name: set(sample.labels)
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name.endswith("_info")
    }
    assert labels == {"putevents_build_info": {"version"}, "putevents_config_info": {"hash"}}


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("request_duration_seconds", 0.01, 10), ("events_per_request", 1, 10), ("end_to_end_latency_seconds", 0.1, 3600)],
)
def test_buckets_span_what_the_contract_says(metrics: Metrics, name: str, first: float, last: float) -> None:
    [family] = [family for family in metrics.registry.collect() if family.name == f"putevents_{name}"]
    bounds = [float(sample.labels["le"]) for sample in family.samples if sample.name.endswith("_bucket")]
    assert (bounds[0], bounds[-2]) == (first, last)


TOPIC_REASONS = [{"topic": "clicks", "reason": reason} for reason in Reason]
STATUSES = ("ok", "throttled", "invalid_input", "denied", "server_error", "timeout", "connection")
KNOWN: list[tuple[str, list[dict[str, str]]]] = [
    (
        "records_total",
        [{"topic": "clicks", "outcome": each} for each in ("delivered", "filtered", "skipped", "dead_lettered")],
    ),
    ("requests_total", [{"operation": "put_events", "status": status} for status in STATUSES]),
    ("events_total", [{"operation": "put_events", "outcome": outcome} for outcome in ("delivered", "rejected")]),
    ("rebalances_total", [{"kind": kind} for kind in ("assign", "revoke", "lost")]),
    ("commits_total", [{"outcome": outcome} for outcome in ("ok", "error")]),
    ("dead_letter_records_total", TOPIC_REASONS),
    ("invalid_records_total", [{**labels, "stage": STAGES[Reason(labels["reason"])]} for labels in TOPIC_REASONS]),
    ("rule_matches_total", [{"pipeline": "web", "rule": "view"}]),
    ("rule_condition_errors_total", [{"pipeline": "web", "rule": "view"}]),
    ("request_duration_seconds_count", [{"operation": "put_events"}]),
    ("events_per_request_count", [{"operation": "put_events"}]),
    ("records_consumed_total", [{"topic": "clicks"}]),
    ("records_abandoned_total", [{"topic": "clicks"}]),
    ("assigned_partitions", [{"topic": "clicks"}]),
    ("paused_partitions", [{"topic": "clicks"}]),
    ("schema_waiting_partitions", [{"topic": "clicks"}]),
    ("schema_waiting_records", [{"topic": "clicks"}]),
    ("pipeline_held", [{"pipeline": "web"}]),
    ("schema_registry_away_seconds", [{}]),
    ("end_to_end_latency_seconds_count", [{"topic": "clicks"}]),
    ("dead_letter_errors_total", [{}]),
    ("rate_limit_wait_seconds_total", [{}]),
    ("in_flight_requests", [{}]),
    ("buffered_events", [{}]),
    ("open_records", [{}]),
    ("last_commit_timestamp_seconds", [{}]),
    ("last_delivery_timestamp_seconds", [{}]),
]


@pytest.mark.parametrize(("name", "label_sets"), KNOWN)
def test_label_sets_that_can_be_known_start_at_0(metrics: Metrics, name: str, label_sets: list[dict[str, str]]) -> None:
    values = {metrics.registry.get_sample_value(f"putevents_{name}", labels) for labels in label_sets}
    assert values == {0}


PER_OPERATION = ("requests_total", "events_total", "request_duration_seconds_count", "events_per_request_count")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_only_the_operations_that_are_used_have_series_and_all_start_at_0(operation: Operation) -> None:
    metrics = Metrics()
    metrics.initialise([], [], [operation])
    found = [
        (sample.name.removeprefix("putevents_"), sample.labels, sample.value)
        for family in metrics.registry.collect()
        for sample in family.samples
        if "operation" in sample.labels and "le" not in sample.labels
    ]
    assert {labels["operation"] for _, labels, _ in found} == {operation.action}
    assert {name for name, _, _ in found} >= set(PER_OPERATION)
    assert {value for name, _, value in found if not name.endswith("_created")} == {0}
    outcomes = {labels["outcome"] for name, labels, _ in found if name == "events_total"}
    assert outcomes == {"delivered", "rejected", "superseded"}


def test_calls_are_counted_under_their_own_operation() -> None:
    harness = Harness()
    harness.assign(P0)
    for number in range(3):
        harness.source.produce(P0, "item", session=f"i-{number}")
    harness.source.produce(P0, "2")
    rejected = Rejected("InvalidInputException")
    harness.sender.outcome = lambda batch: (
        rejected if "i-1" in {item.entry.lane for item in batch.items} else Delivered()
    )
    harness.run(20)
    assert harness.value("events_total", operation="put_items", outcome="delivered") == 2
    assert harness.value("events_total", operation="put_items", outcome="rejected") == 1
    assert harness.value("events_total", operation="put_events", outcome="delivered") == 2
    assert harness.value("requests_total", operation="put_items", status="invalid_input") >= 1
    assert harness.value("requests_total", operation="put_events", status="ok") == 1
    assert harness.value("request_duration_seconds_count", operation="put_events") == 1
    assert harness.value("events_per_request_sum", operation="put_events") == 2


def test_the_values_of_labels_are_those_of_the_contract() -> None:
    assert {stage.value for stage in Stage} == {"decode", "map", "validate", "deliver"}
    assert {status.value for status in Status} == set(STATUSES)
    assert STAGES.keys() == set(Reason)


def test_every_metric_says_what_it_is(metrics: Metrics) -> None:
    assert all(family.documentation.endswith(".") for family in metrics.registry.collect())


def test_series_of_unknown_partitions_may_be_forgotten(metrics: Metrics) -> None:
    metrics.forget([TopicPartition("never", 7)])
