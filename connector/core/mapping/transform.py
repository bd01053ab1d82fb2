"""Nothing that a record contains raises past this module: a data error becomes a Rejection.

bytes -> document (reading) -> members (mapping) -> checked event (events) -> Entry. Each step hands on a value or
a Rejection.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from connector.core.formats.decoded import Document, SchemaPending, UnreadKey
from connector.core.formats.envelopes import envelope_left_on
from connector.core.mapping.batches import Checked, fate, together
from connector.core.mapping.durations import format_duration
from connector.core.mapping.elements import takes_value
from connector.core.mapping.entries import CHECKS, KINDS
from connector.core.mapping.events import Invalid, check_envelope, check_event
from connector.core.mapping.made import Result
from connector.core.mapping.reading import NO_SCHEMAS, Batch, Formats, compile_key, compile_reader, decode_headers
from connector.core.mapping.rules import CompiledRules, Mapped, MappedEvent
from connector.core.mapping.shapes import changes
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.targets import check_target
from connector.core.mapping.topics import Topics
from connector.core.operations import PUT_EVENTS, Operation
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

_entry, _transformed = fast_constructor(Entry), fast_constructor(Transformed)

_MISSING = frozenset({Reason.MISSING_MEMBER, Reason.MISSING_LIST})

Datasets = Mapping[Operation, str]
NO_DATASETS: Datasets = {}
MOST_KNOWN = 1_000  # targets that are not checked again: they can come from records

_WORD = re.compile(r"[A-Za-z_$][\w$-]*")


class Pipeline:
    """One pipeline, compiled: a callable from ``(record, now)`` to what becomes of the record.

    Args:
        spec: topics and formats.
        rules: those of the same spec, compiled.
        tracking_id: for events whose rule maps none.
        formats: what decodes values and keys that only a schema explains.
        datasets: the ARN for users, items and actions whose rule maps none, by operation.

    ``read`` is what decodes the value of a record; it raises SchemaPending and nothing else.
    """

    def __init__(
        self,
        spec: PipelineSpec,
        rules: CompiledRules,
        tracking_id: str | None,
        formats: Formats = NO_SCHEMAS,
        datasets: Datasets = NO_DATASETS,
    ) -> None:
        self.name = spec.name
        self.rules = rules.rules
        self._compiled = rules
        self._tombstone = Skipped(Skip.TOMBSTONE, pipeline=spec.name)
        self._tracking_id = tracking_id
        self._datasets = datasets
        self._others = {name: each for name, each in rules.operations.items() if each is not PUT_EVENTS}
        self._known: set[tuple[Operation, str]] = set()  # targets that were checked
        self._max_age = spec.max_age
        self._late = _too_old(spec.max_age, "sentAt") if spec.late == "dead_letter" else Skip.LATE
        self._of_value = spec.value.envelope == "none"  # else a record without a value may be an event
        takes_list = any(takes_value(rule.for_each) for rule in spec.rules)
        self.read = compile_reader(spec.value, formats, takes_list=takes_list)
        self._read_key = compile_key(spec.key, formats) if "key" in rules.roots else None
        self._wants_headers = "headers" in rules.roots

    def __call__(self, record: Record, now: float) -> Fate | Pending:
        """What becomes of the record; ``now`` is in Unix seconds."""
        if record.value is None and self._of_value:
            return self._tombstone
        try:
            found = self.read(record)
            if isinstance(found, Document):
                mapped = self._map(record, found)
                made = self._fate(mapped, now) if isinstance(mapped, Mapped) else mapped
                return self._hinted(made, found.value) if isinstance(made, Rejection) else made
            if isinstance(found, list):
                return together(self.name, self._each(record, found, now))
        except SchemaPending as pending:
            return Pending(pending.schema, self.name)
        return _named(found, self.name)

    def document(self, record: Record) -> object:
        """What is in the record, as rules see it; None where that cannot be read."""
        try:
            found = self.read(record)
        except SchemaPending:
            return None
        return found.value if isinstance(found, Document) else None

    def _hinted(self, rejection: Rejection, value: object) -> Rejection:
        if not self._of_value or rejection.reason not in _MISSING:
            return rejection
        return rejection._replace(message=f"{rejection.message}{envelope_left_on(value)}")

    def _each(self, record: Record, batch: Batch, now: float) -> Iterator[Checked | Skipped | Filtered | Rejection]:
        self._compiled.begin()
        for place, found in enumerate(batch):
            mapped = self._map(record, found, place) if isinstance(found, Document) else _named(found, self.name)
            if isinstance(mapped, Mapped):
                entries, invalid = self._check(mapped, now)
                made = Checked(mapped.rule, entries, invalid, mapped.failed)
                yield made if entries or invalid else self._all_late(mapped)
            else:
                yield mapped

    def _map(self, record: Record, document: Document, place: int | None = None) -> Result | Filtered:
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
            },
            place,
        )
        return mapped._replace(pipeline=self.name) if isinstance(mapped, Skipped) else mapped

    def _fate(self, mapped: Mapped, now: float) -> Transformed | Skipped | Rejection:
        entries, invalid = self._check(mapped, now)
        if not invalid:
            if not entries:
                return self._all_late(mapped)
            return _transformed((self.name, mapped.rule, tuple(entries), None, mapped.failed))
        return fate(self.name, Checked(mapped.rule, entries, invalid, mapped.failed))

    def _all_late(self, mapped: Mapped) -> Skipped:
        return Skipped(Skip.LATE, mapped.rule, self.name, mapped.failed)

    def _check(self, mapped: Mapped, now: float) -> tuple[list[Entry], list[Rejection]]:
        entries: list[Entry] = []
        invalid = list(mapped.invalid)
        others = self._others and self._others.get(mapped.rule)
        if others:
            return self._check_others(others, mapped, now)
        for event in mapped.events:
            entry = self._entry(event, now, entries)
            if isinstance(entry, Entry):
                entries.append(entry)
            elif isinstance(entry, Invalid):
                invalid.append(self._rejection(entry, mapped.rule, event.index))
        return entries, invalid

    def _check_others(self, operation: Operation, mapped: Mapped, now: float) -> tuple[list[Entry], list[Rejection]]:
        entries: list[Entry] = []
        invalid = list(mapped.invalid)
        for event in mapped.events:
            entry = self._other(operation, event, now)
            if isinstance(entry, Entry):
                entries.append(entry)
            elif isinstance(entry, Invalid):
                invalid.append(self._rejection(entry, mapped.rule, event.index))
        return entries, invalid

    def _entry(self, event: MappedEvent, now: float, before: Sequence[Entry]) -> Entry | Invalid | Skip:
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
        # Only an event that is valid: a time in a wrong unit is a mistake to see, however old it looks.
        if self._max_age is not None and members["sentAt"] < now - self._max_age:
            return self._late
        return _entry((tracking_id, session_id, user_id, body, event.index, PUT_EVENTS))

    def _other(self, operation: Operation, event: MappedEvent, now: float) -> Entry | Invalid | Skip:
        members, kind = event.members, KINDS[operation]
        default = self._tracking_id if operation.target == "trackingId" else self._datasets.get(operation)
        target = members.pop(operation.target, default)
        if (operation, target) not in self._known:
            problem = check_target(operation, target)
            if problem:
                return problem
            if len(self._known) < MOST_KNOWN:
                self._known.add((operation, target))
        body = CHECKS[operation](members, now)
        if isinstance(body, Invalid):
            return body
        if kind.time is not None and self._max_age is not None and members[kind.time] < now - self._max_age:
            return Skip.LATE if self._late is Skip.LATE else _too_old(self._max_age, kind.time)
        return _entry((target, members[kind.lane], None, body, event.index, operation))

    def _rejection(self, problem: Invalid, rule: str, index: Place | None) -> Rejection:
        message = f"pipeline {self.name}, rule {rule}: {problem.message}"
        indexes = () if index is None else (index,)
        return Rejection(Stage.VALIDATE, problem.reason, message, problem.field, self.name, rule, indexes)


def _too_old(seconds: float | None, member: str) -> Invalid:
    message = f"{member}: expected a time at most max_age ({format_duration(seconds or 0.0)}) ago"
    return Invalid(Reason.LATE, message, member)


def _named(found: Skip | Rejection, pipeline: str) -> Skipped | Rejection:
    return found._replace(pipeline=pipeline) if isinstance(found, Rejection) else Skipped(found, pipeline=pipeline)


class Router:
    """Which pipeline a topic's records go through, found once a topic; see ``Topics``."""

    def __init__(self, pipelines: Sequence[tuple[PipelineSpec, Pipeline]], dead_letter: str = "") -> None:
        self._topics = Topics([spec for spec, _ in pipelines], dead_letter)
        self._specs = {spec.name: spec for spec, _ in pipelines}
        self._pipelines = [pipeline for _, pipeline in pipelines]
        self._found: dict[str, Pipeline] = {}

    def __call__(self, record: Record, now: float) -> Fate | Pending:
        """What becomes of the record in the pipeline of its topic."""
        pipeline = self.find(record.topic)
        return _unread(record.topic) if pipeline is None else pipeline(record, now)

    def owner(self, topic: str) -> str | None:
        """The name of a topic's pipeline, None where there is none."""
        pipeline = self.find(topic)
        return None if pipeline is None else pipeline.name

    def changed(self, before: Record, now: Record) -> str:
        """Which members came and went from one record to another, in words: names only."""
        first, second = self.find(before.topic), self.find(now.topic)
        if first is None or second is None:
            return ""
        known = frozenset(_WORD.findall(str(self._specs[second.name].rules)))
        return str(changes(first.document(before), second.document(now), known))

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
