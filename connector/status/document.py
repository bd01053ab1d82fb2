"""The same view as JSON, for a script or a terminal. Names are a contract, as those of metrics are.

Times are ISO 8601 in UTC, durations in seconds, rates a second.
"""

from typing import Any

from connector.status.history import STEP
from connector.status.model import Condition, Letter, Pacing, PartitionLag, Registry, View
from connector.status.wording import STATES, machine_time


def document(view: View) -> dict[str, Any]:
    """Everything that the page shows."""
    return {
        "at": machine_time(view.at),
        "state": _condition(view.conditions[0]),
        "also": [_condition(each) for each in view.conditions[1:]],
        "lag": {
            "partitions": view.lags.partitions,
            "records": view.lags.records,
            "seconds": _rounded(view.lags.seconds),
            "unknown_partitions": view.lags.unknown,
            "as_of": None if view.lags.as_of is None else machine_time(view.lags.as_of),
            "worst": [_partition(each) for each in view.lags.worst],
        },
        "in_memory": {
            "records": view.open_records,
            "events": view.buffered_events,
            "calls_in_flight": view.in_flight,
            "dead_letters_waiting": view.letters_waiting,
        },
        "schema_registry": None if view.registry is None else _registry(view.registry),
        "held_pipelines": [dict(each) for each in view.held],
        "pace": [_pacing(each) for each in view.pacing],
        "totals": {
            "records_consumed": view.totals.consumed,
            "records": dict(view.totals.outcomes),
            "events_delivered": view.totals.delivered_events,
            "events_rejected": view.totals.rejected_events,
            "calls": dict(view.totals.calls),
            "calls_by_events": list(view.totals.fill),
        },
        "history": _history(view),
        "dead_letters": [_letter(each) for each in view.letters],
        "setup": {
            **view.facts._asdict(),
            "topics": list(view.facts.topics),
            "started": machine_time(view.facts.started),
        },
    }


def _condition(condition: Condition) -> dict[str, Any]:
    words = STATES[condition.kind]
    return {
        "kind": condition.kind.value,
        "title": words.title,
        "since": machine_time(condition.since),
        "detail": condition.detail,
        "meaning": words.meaning,
    }


def _partition(lag: PartitionLag) -> dict[str, Any]:
    topic, partition = lag.topic_partition
    return {
        "topic": topic,
        "partition": partition,
        "records": lag.records,
        "seconds": _rounded(lag.seconds),
        "open_records": lag.open_records,
        "paused": lag.paused,
        "cut_off": lag.cut_off,
        "waits_for": lag.schema or None,
    }


def _registry(registry: Registry) -> dict[str, Any]:
    return {
        "answers": registry.away_since is None,
        "away_since": None if registry.away_since is None else machine_time(registry.away_since),
        "trouble": registry.trouble,
        "waiting_partitions": registry.partitions,
        "waiting_records": registry.records,
        "waits_for": list(registry.schemas),
    }


def _pacing(pacing: Pacing) -> dict[str, Any]:
    return {**pacing._asdict(), "calls": _rounded(pacing.calls), "limit": _rounded(pacing.limit)}


def _history(view: View) -> dict[str, Any]:
    points = view.history
    return {
        "step_seconds": STEP,
        "at": [machine_time(point.at) for point in points],
        "events": [_rounded(point.events) for point in points],
        "calls": [_rounded(point.calls) for point in points],
        "call_seconds_median": [_rounded(point.call_median) for point in points],
        "call_seconds_p95": [_rounded(point.call_high) for point in points],
        "record_to_acknowledgement_seconds_p95": [_rounded(point.freshness) for point in points],
    }


def _letter(letter: Letter) -> dict[str, Any]:
    topic, partition = letter.topic_partition
    rejection = letter.rejection
    return {
        "at": machine_time(letter.at),
        "topic": topic,
        "partition": partition,
        "offset": letter.offset,
        "stage": rejection.stage.value,
        "reason": rejection.reason.value,
        "message": rejection.message,
        "member": rejection.field,
        "pipeline": rejection.pipeline,
        "rule": rejection.rule,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
