"""Every metric, named and described once. Names and labels are a contract: dashboards and alerts rely on them.

Never a label: user, item, session or event id, or the text of an error. Counts are kept by the step and written once
a step (``Tally``), because a metric's child costs more to find than a record costs to count.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from connector import __version__
from connector.core.records import Reason, Stage, TopicPartition
from connector.core.sending.outcomes import Status

PUT_EVENTS = "put_events"
OUTCOMES = ("delivered", "filtered", "skipped", "dead_lettered")


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._records()
        self._calls()
        self._kafka()
        self._process()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace="putevents", registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace="putevents", registry=self.registry)

    def _histogram(self, name: str, text: str, label: str, buckets: Iterable[float]) -> Histogram:
        return Histogram(name, text, (label,), namespace="putevents", registry=self.registry, buckets=tuple(buckets))

    def _records(self) -> None:
        self.records_consumed = self._counter("records_consumed", "Records read from Kafka.", "topic")
        self.records = self._counter(
            "records",
            "Records that are done with, by what became of them. At rest their sum is records_consumed, less "
            "records_abandoned.",
            "topic",
            "outcome",
        )
        self.records_abandoned = self._counter(
            "records_abandoned",
            "Records that were unfinished when their partition was given up; the next owner reads them again.",
            "topic",
        )
        self.records_missed = self._counter(
            "records_missed", "Records that retention deleted before they were read: lost to this group.", "topic"
        )
        self.records_repeated = self._counter(
            "records_repeated", "Records that the client delivered again within an assignment; dropped.", "topic"
        )
        self.invalid_records = self._counter(
            "invalid_records", "Records that are invalid, by where and why that was found.", "topic", "stage", "reason"
        )
        self.skipped_records = self._counter(
            "skipped_records", "Records that were dropped on purpose, by the reason for it.", "topic", "reason"
        )
        self.rule_matches = self._counter(
            "rule_matches", "Records that a rule matched, by pipeline and rule.", "pipeline", "rule"
        )
        self.rule_condition_errors = self._counter(
            "rule_condition_errors",
            "Records on which the condition of a rule could not be evaluated, and so was false.",
            "pipeline",
            "rule",
        )
        self.dead_letter_records = self._counter(
            "dead_letter_records", "Dead letters that the broker acknowledged, by source topic.", "topic", "reason"
        )
        self.dead_letter_errors = self._counter(
            "dead_letter_errors", "Attempts to write a dead letter that failed; each is repeated."
        )

    def _calls(self) -> None:
        self.events = self._counter(
            "events", "Events that were sent, by what the service made of them.", "operation", "outcome"
        )
        self.requests = self._counter(
            "requests", "Calls to Amazon Personalize, by how they ended.", "operation", "status"
        )
        self.request_duration = self._histogram(
            "request_duration_seconds",
            "How long calls took, whatever their outcome.",
            "operation",
            (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.events_per_request = self._histogram(
            "events_per_request", "Events in a call that succeeded.", "operation", range(1, 11)
        )
        self.end_to_end_latency = self._histogram(
            "end_to_end_latency_seconds",
            "From a record's Kafka timestamp to the acknowledgement of its last event.",
            "topic",
            (0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 900, 3600),
        )
        self.request_rate_limit = self._gauge("request_rate_limit", "Calls a second that are allowed now.")
        self.rate_limit_wait = self._counter(
            "rate_limit_wait_seconds", "Time during which calls were ready and waited for the rate limit."
        )
        self.in_flight_requests = self._gauge("in_flight_requests", "Calls on the wire now.")
        self.buffered_events = self._gauge("buffered_events", "Events that are read and not yet delivered.")
        self.last_delivery = self._gauge(
            "last_delivery_timestamp_seconds", "When a call last succeeded, in Unix time; 0 before the first."
        )

    def _kafka(self) -> None:
        self.lag_seconds = self._gauge(
            "consumer_lag_seconds", "Age of the oldest unfinished record; 0 when caught up.", "topic", "partition"
        )
        self.lag_records = self._gauge(
            "consumer_lag_records", "Records from the committable offset to the end.", "topic", "partition"
        )
        self.assigned_partitions = self._gauge("assigned_partitions", "Partitions assigned to this process.", "topic")
        self.paused_partitions = self._gauge("paused_partitions", "Partitions paused for backpressure.", "topic")
        self.open_records = self._gauge("open_records", "Records that are read and not yet done with.")
        self.rebalances = self._counter("rebalances", "Changes of the assignment.", "kind")
        self.commits = self._counter("commits", "Commits of offsets, by how they ended.", "outcome")
        self.last_commit = self._gauge(
            "last_commit_timestamp_seconds", "When a commit last succeeded, in Unix time; 0 before the first."
        )
        self.kafka_errors = self._counter("kafka_errors", "Errors that the Kafka clients reported.", "code")

    def _process(self) -> None:
        ProcessCollector(registry=self.registry)  # process_*: CPU, memory, files, start; of Linux alone
        build = Info("build", "Version of the connector.", namespace="putevents", registry=self.registry)
        build.info({"version": __version__})
        self.refused = self._gauge(
            "refused",
            "1 once the process was refused for good and is about to end: by personalize, kafka, or credentials "
            "(none were found); absent before.",
            "by",
            "code",
        )
        self.config = Info("config", "Hash of the configuration.", namespace="putevents", registry=self.registry)

    def initialise(self, topics: Iterable[str], rules: Iterable[tuple[str, str]]) -> None:
        """Set label sets that can be known to 0, so that a rate over them exists before the first event."""
        for topic in topics:
            self._initialise_topic(topic)
        for pipeline, rule in rules:
            self.rule_matches.labels(pipeline, rule)
            self.rule_condition_errors.labels(pipeline, rule)
        for status in Status:
            self.requests.labels(PUT_EVENTS, status)
        _touch(self.events, [(PUT_EVENTS, outcome) for outcome in ("delivered", "rejected")])
        _touch(self.rebalances, [(kind,) for kind in ("assign", "revoke", "lost")])
        _touch(self.commits, [(outcome,) for outcome in ("ok", "error")])
        _touch(self.request_duration, [(PUT_EVENTS,)])
        _touch(self.events_per_request, [(PUT_EVENTS,)])

    def _initialise_topic(self, topic: str) -> None:
        per_topic = (
            self.records_consumed,
            self.records_abandoned,
            self.records_missed,
            self.records_repeated,
            self.assigned_partitions,
            self.paused_partitions,
            self.end_to_end_latency,
        )
        for metric in per_topic:
            metric.labels(topic)
        _touch(self.records, [(topic, outcome) for outcome in OUTCOMES])
        _touch(self.dead_letter_records, [(topic, reason) for reason in Reason])
        _touch(self.invalid_records, [(topic, stage, reason) for reason, stage in STAGES.items()])

    def forget(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """Remove the series of partitions that are no longer ours."""
        for topic, partition in topic_partitions:
            for metric in (self.lag_seconds, self.lag_records):
                if (topic, str(partition)) in metric._metrics:  # noqa: SLF001  remove() of a missing child warns
                    metric.remove(topic, str(partition))


def _touch(metric: MetricWrapperBase, label_sets: Iterable[tuple[str, ...]]) -> None:
    for labels in label_sets:
        metric.labels(*labels)


# Where each reason is found; two can be found in more than one place and are listed where they mostly are.
STAGES: dict[Reason, Stage] = {
    Reason.EMPTY_VALUE: Stage.DECODE,
    Reason.NOT_UTF8: Stage.DECODE,
    Reason.NOT_JSON: Stage.DECODE,
    Reason.NOT_AN_OBJECT: Stage.DECODE,
    Reason.NESTED_TOO_DEEP: Stage.DECODE,
    Reason.NUMBER_OUT_OF_RANGE: Stage.DECODE,
    Reason.UNMATCHED: Stage.MAP,
    Reason.MISSING_MEMBER: Stage.MAP,
    Reason.WRONG_TYPE: Stage.MAP,
    Reason.EXPRESSION_FAILED: Stage.MAP,
    Reason.TOO_COMPLEX: Stage.MAP,
    Reason.LOOKUP_FAILED: Stage.MAP,
    Reason.INVALID_TIME: Stage.MAP,
    Reason.MISSING_LIST: Stage.MAP,
    Reason.TOO_LONG: Stage.VALIDATE,
    Reason.EMPTY: Stage.VALIDATE,
    Reason.IGNORED_LITERAL: Stage.VALIDATE,
    Reason.RESERVED_PROPERTY: Stage.VALIDATE,
    Reason.INVALID_PROPERTIES: Stage.VALIDATE,
    Reason.INVALID_VALUE: Stage.VALIDATE,
    Reason.TIME_OUT_OF_WINDOW: Stage.VALIDATE,
    Reason.EVENT_TOO_LARGE: Stage.VALIDATE,
    Reason.REJECTED_BY_SERVICE: Stage.DELIVER,
}


class Cell:
    """What a counter is to be raised by at the end of the step."""

    __slots__ = ("_child", "count")

    def __init__(self, child: Counter) -> None:
        self._child = child
        self.count = 0

    def flush(self) -> None:
        """Raise the counter."""
        if self.count:
            self._child.inc(self.count)
            self.count = 0


class Spread:
    """Observations of one step: a histogram's child walks its buckets for each, under a lock for each of two sums."""

    __slots__ = ("_bounds", "_child", "_counts", "_sum")

    def __init__(self, child: Histogram) -> None:
        self._child: Any = child
        self._bounds: list[float] = list(self._child._upper_bounds)  # noqa: SLF001  a child takes one at a time only
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def flush(self) -> None:
        """Hand over what was counted."""
        if not any(self._counts):
            return
        for number, count in enumerate(self._counts):
            if count:
                self._child._buckets[number].inc(count)  # noqa: SLF001
                self._counts[number] = 0
        self._child._sum.inc(self._sum)  # noqa: SLF001
        self._sum = 0.0


class Tally:
    """Counts of one step, written to their counters at its end.

    A record is counted half a dozen times, so each count is an addition to a ``Cell`` that is found once.
    """

    def __init__(self) -> None:
        self._cells: dict[tuple[Counter, tuple[str, ...]], Cell] = {}
        self._spreads: list[Spread] = []

    def cell(self, counter: Counter, *labels: str) -> Cell:
        """The cell of a counter and its labels, to be kept by whoever counts often."""
        cell = self._cells.get((counter, labels))
        if cell is None:
            cell = self._cells[counter, labels] = Cell(counter.labels(*labels) if labels else counter)
        return cell

    def add(self, counter: Counter, *labels: str, count: int = 1) -> None:
        """Count for a counter and its labels."""
        self.cell(counter, *labels).count += count

    def spread(self, child: Histogram) -> Spread:
        """Where values of a histogram's child are counted, to be kept by whoever does."""
        self._spreads.append(Spread(child))
        return self._spreads[-1]

    def flush(self) -> None:
        """Write what was counted."""
        for cell in self._cells.values():
            cell.flush()
        for spread in self._spreads:
            spread.flush()
