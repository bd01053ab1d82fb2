"""Nothing that a record contains raises past this module: a data error becomes a Rejection.

bytes -> document (reading) -> members (mapping) -> checked event (events) -> Entry. Each step hands on a value or
a Rejection.
"""

from collections.abc import Sequence
from typing import assert_never

from connector.core.formats.decoded import SchemaPending, UnreadKey
from connector.core.mapping.events import Invalid, check_envelope, check_event
from connector.core.mapping.reading import NO_SCHEMAS, Document, Formats, compile_key, compile_reader, decode_headers
from connector.core.mapping.rules import CompiledRules, Mapped, MappedEvent
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.topics import Topics
from connector.core.records import (
    Entry,
    Fate,
    Filtered,
    Pending,
    Place,
    Reason,
    Record,
    Rejection,
    Skip,
    Skipped,
    Stage,
    Transformed,
    fast_constructor,
)
from connector.core.rejections import merge

_entry, _transformed = fast_constructor(Entry), fast_constructor(Transformed)


class Pipeline:
    """One pipeline, compiled: a callable from ``(record, now)`` to what becomes of the record.

    Args:
        spec: topics and formats.
        rules: those of the same spec, compiled.
        tracking_id: for events whose rule maps none.
        formats: what decodes values and keys that only a schema explains.
    """

    def __init__(
        self, spec: PipelineSpec, rules: CompiledRules, tracking_id: str | None, formats: Formats = NO_SCHEMAS
    ) -> None:
        self.name = spec.name
        self.rules = rules.rules
        self._compiled = rules
        self._tombstone = Skipped(Skip.TOMBSTONE, pipeline=spec.name)
        self._tracking_id = tracking_id
        self._read = compile_reader(spec.value, formats)
        self._read_key = compile_key(spec.key, formats) if "key" in rules.roots else None
        self._wants_headers = "headers" in rules.roots

    def __call__(self, record: Record, now: float) -> Fate | Pending:
        """What becomes of the record; ``now`` is in Unix seconds."""
        if record.value is None:
            return self._tombstone
        try:
            found = self._read(record)
            if type(found) is Document:
                return self._map(record, found, now)
        except SchemaPending as pending:
            return Pending(pending.schema, self.name)
        match found:
            case Skip():
                return Skipped(found, pipeline=self.name)
            case Rejection():
                return found._replace(pipeline=self.name)
            case _:
                raise NotImplementedError  # batches

    def _map(self, record: Record, document: Document, now: float) -> Fate:
        mapped = self._compiled(
            {
                "value": document.value,
                "key": UnreadKey(self._read_key, record) if self._read_key else None,
                "headers": decode_headers(record) if self._wants_headers else None,
                "envelope": document.envelope,
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "timestamp": record.timestamp,
            }
        )
        match mapped:
            case Mapped():
                return self._check(mapped, now)
            case Skipped():
                return mapped._replace(pipeline=self.name)
            case Filtered() | Rejection():
                return mapped
            case _:
                assert_never(mapped)

    def _check(self, mapped: Mapped, now: float) -> Transformed | Rejection:
        entries: list[Entry] = []
        invalid = list(mapped.invalid)
        for event in mapped.events:
            entry = self._entry(event, now, entries)
            if isinstance(entry, Entry):
                entries.append(entry)
            else:
                invalid.append(self._rejection(entry, mapped.rule, event.index))
        if not invalid:
            return _transformed((self.name, mapped.rule, tuple(entries), None, mapped.failed))
        rejection = merge(invalid)
        if not entries:
            return rejection._replace(failed=mapped.failed)
        return Transformed(self.name, mapped.rule, tuple(entries), rejection, mapped.failed)

    def _entry(self, event: MappedEvent, now: float, before: Sequence[Entry]) -> Entry | Invalid:
        members = event.members
        # What is left of the members after these is the event itself.
        tracking_id = members.pop("trackingId", self._tracking_id)
        session_id, user_id = members.pop("sessionId", None), members.pop("userId", None)
        # Events of one record are nearly always of one call, which is checked with the first of them.
        if not before or before[-1][:3] != (tracking_id, session_id, user_id):
            problem = check_envelope(tracking_id, session_id, user_id)
            if problem:
                return problem
        if "eventAttributionSource" in members:
            members["metricAttribution"] = {"eventAttributionSource": members.pop("eventAttributionSource")}
        body = check_event(members, now)
        if isinstance(body, Invalid):
            return body
        return _entry((tracking_id, session_id, user_id, body, event.index))

    def _rejection(self, problem: Invalid, rule: str, index: Place | None) -> Rejection:
        message = f"pipeline {self.name}, rule {rule}: {problem.message}"
        indexes = () if index is None else (index,)
        return Rejection(Stage.VALIDATE, problem.reason, message, problem.field, self.name, rule, indexes)


class Router:
    """Which pipeline a topic's records go through, found once a topic; see ``Topics``."""

    def __init__(self, pipelines: Sequence[tuple[PipelineSpec, Pipeline]], dead_letter: str = "") -> None:
        self._topics = Topics([spec for spec, _ in pipelines], dead_letter)
        self._pipelines = [pipeline for _, pipeline in pipelines]
        self._found: dict[str, Pipeline] = {}

    def __call__(self, record: Record, now: float) -> Fate | Pending:
        """What becomes of the record in the pipeline of its topic."""
        pipeline = self.find(record.topic)
        return _unread(record.topic) if pipeline is None else pipeline(record, now)

    def find(self, topic: str) -> Pipeline | None:
        """The pipeline of a topic, None where there is none."""
        if topic in self._found:
            return self._found[topic]
        owner = self._topics.owner(topic)
        if owner is None:
            return None
        self._found[topic] = self._pipelines[owner]
        return self._found[topic]


def _unread(topic: str) -> Rejection:
    message = f"expected a pipeline that reads topic {topic}: none of pipelines[].topics takes it"
    return Rejection(Stage.MAP, Reason.UNMATCHED, message)
