"""Every metric, named and described once. Names and labels are a contract: dashboards and alerts rely on them.

Never a label: user, item, session or event id, or the text of an error. What the loop counts for each record, event or
call is a family of counters.py, because prometheus_client's counters cost too much there; the rest, which callbacks of
the Kafka client in other threads count too, is prometheus_client's.
"""

from collections.abc import Iterable
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Info, ProcessCollector

from connector import __version__
from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import Reason, Stage, TopicPartition
from connector.core.sending.outcomes import Status
from connector.counters import CounterFamily, HistogramFamily

OUTCOMES = ("delivered", "superseded", "filtered", "skipped", "dead_lettered")


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._records()
        self._calls()
        self._kafka()
        self._schemas()
        self._process()

    def _family(self, name: str, text: str, *labels: str) -> CounterFamily:
        family = CounterFamily(f"putevents_{name}", text, labels)
        self.registry.register(family)
        return family

    def _histogram(self, name: str, text: str, label: str, bounds: Iterable[float]) -> HistogramFamily:
        family = HistogramFamily(f"putevents_{name}", text, (label,), bounds)
        self.registry.register(family)
        return family

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace="putevents", registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace="putevents", registry=self.registry)

    def _records(self) -> None:
        self.records_consumed = self._family("records_consumed", "Records read from Kafka.", "topic")
        self.records = self._family(
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
        self.invalid_records = self._family(
            "invalid_records", "Records that are invalid, by where and why that was found.", "topic", "stage", "reason"
        )
        self.skipped_records = self._family(
            "skipped_records", "Records that were dropped on purpose, by the reason for it.", "topic", "reason"
        )
        self.rule_matches = self._family(
            "rule_matches", "Records that a rule matched, by pipeline and rule.", "pipeline", "rule"
        )
        self.rule_condition_errors = self._family(
            "rule_condition_errors",
            "Records on which the condition of a rule could not be evaluated, and so was false.",
            "pipeline",
            "rule",
        )
        self.dead_letter_records = self._family(
            "dead_letter_records", "Dead letters that the broker acknowledged, by source topic.", "topic", "reason"
        )
        self.pipeline_held = self._gauge(
            "pipeline_held",
            "1 while a pipeline is held, since nearly all of its records turned invalid for one cause; else 0.",
            "pipeline",
        )
        self.dead_letter_errors = self._counter(
            "dead_letter_errors", "Attempts to write a dead letter that failed; each is repeated."
        )

    def _calls(self) -> None:
        self.events = self._family(
            "events",
            "Entries of calls, by what became of them; superseded: a newer version of the same id waited, too.",
            "operation",
            "outcome",
        )
        self.requests = self._family(
            "requests", "Calls to Amazon Personalize, by how they ended.", "operation", "status"
        )
        self.request_duration = self._histogram(
            "request_duration_seconds",
            "How long calls took, whatever their outcome.",
            "operation",
            (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.events_per_request = self._histogram(
            "events_per_request", "Entries in a call that succeeded.", "operation", range(1, 11)
        )
        self.end_to_end_latency = self._histogram(
            "end_to_end_latency_seconds",
            "From a record's Kafka timestamp to the acknowledgement of its last event.",
            "topic",
            (0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 900, 3600),
        )
        self.request_rate_limit = self._gauge(
            "request_rate_limit", "Calls a second that are allowed now, of all operations."
        )
        self.rate_limit_wait = self._counter(
            "rate_limit_wait_seconds", "Time during which calls were ready and waited for the rate limit."
        )
        self.in_flight_requests = self._gauge("in_flight_requests", "Calls in flight now.")
        self.buffered_events = self._gauge("buffered_events", "Entries that are read and not yet delivered.")
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
        self.schema_waiting_partitions = self._gauge(
            "schema_waiting_partitions",
            "Partitions that are paused because their next record needs a schema that is not fetched yet.",
            "topic",
        )
        self.schema_waiting_records = self._gauge(
            "schema_waiting_records", "Records that are read and wait for a schema, or behind one that does.", "topic"
        )
        self.schema_registry_away = self._gauge(
            "schema_registry_away_seconds",
            "Seconds since the schema registry last answered; 0 while it answers, and where none is needed.",
        )
        self.open_records = self._gauge("open_records", "Records that are read and not yet done with.")
        self.rebalances = self._counter("rebalances", "Changes of the assignment.", "kind")
        self.commits = self._counter("commits", "Commits of offsets, by how they ended.", "outcome")
        self.last_commit = self._gauge(
            "last_commit_timestamp_seconds", "When a commit last succeeded, in Unix time; 0 before the first."
        )
        self.kafka_errors = self._counter("kafka_errors", "Errors that the Kafka clients reported.", "code")

    def _schemas(self) -> None:
        self.schema_registry_requests = self._counter(
            "schema_registry_requests", "Requests to the schema registry, by how they ended.", "outcome"
        )
        self.schemas_cached = self._gauge("schemas_cached", "Schemas that records can be decoded with.")

    def _process(self) -> None:
        ProcessCollector(registry=self.registry)  # process_*: CPU, memory, files, start; of Linux alone
        build = Info("build", "Version of the connector.", namespace="putevents", registry=self.registry)
        build.info({"version": __version__})
        self.refused = self._gauge(
            "refused",
            "1 once the process was refused for good and is about to end: by personalize, kafka, schema_registry, or "
            "credentials (none were found); absent before.",
            "by",
            "code",
        )
        self.config = Info("config", "Hash of the configuration.", namespace="putevents", registry=self.registry)

    def initialise(
        self,
        topics: Iterable[str],
        rules: Iterable[tuple[str, str]],
        operations: Iterable[Operation] = (PUT_EVENTS,),
    ) -> None:
        """Set label sets that can be known to 0, so that a rate over them exists before the first event.

        ``operations`` are those that the rules use: a series that stays 0 for ever says nothing.
        """
        for topic in topics:
            self._initialise_topic(topic)
        for pipeline, rule in rules:
            self.rule_matches.labels(pipeline, rule)
            self.rule_condition_errors.labels(pipeline, rule)
            self.pipeline_held.labels(pipeline)
        for operation in operations:
            self._initialise_operation(operation)
        _touch(self.rebalances, [(kind,) for kind in ("assign", "revoke", "lost")])
        _touch(self.commits, [(outcome,) for outcome in ("ok", "error")])

    def _initialise_operation(self, operation: Operation) -> None:
        _touch(self.requests, [(operation.action, status) for status in Status])
        _touch(self.events, [(operation.action, outcome) for outcome in ("delivered", "rejected", "superseded")])
        _touch(self.request_duration, [(operation.action,)])
        _touch(self.events_per_request, [(operation.action,)])

    def _initialise_topic(self, topic: str) -> None:
        per_topic: tuple[CounterFamily | HistogramFamily | Counter | Gauge, ...] = (
            self.records_consumed,
            self.records_abandoned,
            self.records_missed,
            self.records_repeated,
            self.assigned_partitions,
            self.paused_partitions,
            self.schema_waiting_partitions,
            self.schema_waiting_records,
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
                with suppress(KeyError):  # of some versions, where the lag was never set
                    metric.remove(topic, str(partition))


def _touch(metric: CounterFamily | HistogramFamily | Counter, label_sets: Iterable[tuple[str, ...]]) -> None:
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
    Reason.NOT_A_LIST: Stage.DECODE,
    Reason.WRONG_COLUMNS: Stage.DECODE,
    Reason.NOT_AVRO: Stage.DECODE,
    Reason.NOT_PROTOBUF: Stage.DECODE,
    Reason.NOT_FRAMED: Stage.DECODE,
    Reason.UNKNOWN_SCHEMA: Stage.DECODE,
    Reason.UNUSABLE_SCHEMA: Stage.DECODE,
    Reason.NOT_OF_THE_SCHEMA: Stage.DECODE,
    Reason.NOT_COMPRESSED: Stage.DECODE,
    Reason.UNPACKED_TOO_LARGE: Stage.DECODE,
    Reason.NOT_AN_ENVELOPE: Stage.DECODE,
    Reason.INVALID_KEY: Stage.DECODE,
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
    Reason.LATE: Stage.VALIDATE,
    Reason.REJECTED_BY_SERVICE: Stage.DELIVER,
}
