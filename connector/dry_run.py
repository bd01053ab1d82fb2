"""What would become of records, shown: the calls that they would make, or why they would make none.

The same pipelines as in the running connector, without Kafka and without AWS. Values appear in the output, since that
is what it is for; it goes to whoever asked, and nowhere else.
"""

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, assert_never

import orjson

from connector.config import Loaded
from connector.core.formats.decoded import Schemas
from connector.core.mapping.explain import Evaluated, Trace, Traced, TracedMember, TriedRule
from connector.core.mapping.rules import compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline, Router
from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import (
    MAX_EVENTS_PER_CALL,
    Entry,
    Fate,
    Filtered,
    Pending,
    Record,
    Rejection,
    Skipped,
    Transformed,
)
from connector.core.sending.backlog import Backlog
from connector.given_records import Json, UnreadableRecord, record_of
from connector.schema_wait import SchemaWait
from connector.showing.calls import some
from connector.showing.limits import use_of


class DryRun:
    """Maps records and counts what became of them.

    Args:
        loaded: the configuration.
        pipeline: the name of the one to use, or None for that of the record's topic.
        explain: also say which rules were tried, and what made each member.
        schemas: the registry of the file, None where it names none.
        wait: waits for the schemas of a record.
    """

    def __init__(
        self,
        loaded: Loaded,
        pipeline: str | None,
        *,
        explain: bool,
        schemas: Schemas | None = None,
        wait: SchemaWait | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._traces: dict[str, Trace] = {}
        pairs = (traced(loaded, self._traces) if explain else loaded).pipelines(schemas)
        self._wait = wait or SchemaWait(None)
        self._spec, self._default = next((pair for pair in pairs if pair[0].name == pipeline), pairs[0])
        self._specs = {spec.name: spec for spec, _ in pairs}
        self._router = None if pipeline else Router(pairs, loaded.config.dead_letter.topic)
        self._topics = [topic for spec, _ in pairs for topic in spec.topics]
        self._without_item: Counter[str] = Counter()  # events of each rule that maps an itemId, which was null
        self._backlog = Backlog(loaded.config.delivery.max_buffered_events)

    @property
    def spec(self) -> PipelineSpec:
        """The pipeline of values, and of records that name no topic."""
        return self._spec

    @property
    def traces(self) -> Mapping[str, Trace]:
        """By its name what each pipeline noted of the records, where they are explained."""
        return self._traces

    def record(self, line: bytes, number: int) -> Json:
        """The fate of the record that this JSON object describes.

        Raises:
            UnreadableRecord: it is not an object with the members of a record.
            NoSchema: the schema of the record cannot be had now.
        """
        return self.given(record_of(line, number, self._spec.topics[0]), number)

    def given(self, record: Record, number: int) -> Json:
        """The fate of a record, by the pipeline of its topic.

        Raises:
            UnreadableRecord: no pipeline reads its topic.
            NoSchema: the schema of the record cannot be had now.
        """
        return self._result(self._pipeline(record.topic, number), record, number)

    def _pipeline(self, topic: str, number: int) -> Pipeline:
        """The pipeline that was asked for, else that of the topic; a record that names none has that of the first."""
        if self._router is None or topic == self._spec.topics[0]:
            return self._default
        pipeline = self._router.find(topic)
        if pipeline is None:
            raise UnreadableRecord(
                f"line {number}: no pipeline reads the topic {topic}: expected one of {', '.join(self._topics)}; "
                "--pipeline maps it by the pipeline that it names"
            )
        return pipeline

    def _result(self, pipeline: Pipeline, record: Record, number: int) -> Json:
        trace = self._traces.get(pipeline.name)
        fate = self._wait(lambda: _mapped(pipeline, record, trace))
        if isinstance(fate, Transformed):
            self._backlog.add(fate.entries)
            self._count_items(fate)
        result: Json = {"line": number, **shown_fate(fate)}
        self.counts[result["outcome"]] += 1
        if trace is not None:
            trace.end()
            explained = [_explained(each, self._specs[pipeline.name]) for each in trace.documents]
            result["explain"] = explained[0] if len(explained) == 1 else {"documents": explained}
        return result

    def _count_items(self, fate: Transformed) -> None:
        """An event without its item trains nothing about items, and the service takes it without a word."""
        mapped = {rule.name for rule in self._specs[fate.pipeline].rules if rule.put_events and rule.put_events.itemId}
        if fate.rule in mapped:
            lacking = sum("itemId" not in orjson.loads(entry.body) for entry in fate.entries)
            self._without_item.update({fate.rule: lacking} if lacking else {})

    def summary(self) -> str:
        """What became of the records, and how many calls their events make: once, after the last record."""
        total = sum(self.counts.values())
        parts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.most_common())
        lines = [_count(total, "record") + (f": {parts}" if parts else "")]
        lines += [
            f"{some(count.events, operation)}: {_count(count.calls, 'call')} when sent as a backlog"
            for operation, count in self._backlog.count().items()
        ]
        lines += [
            f"note: rule {rule} made {_count(count, 'event')} without the itemId that it maps; "
            "to leave such events out, write itemId: {from: ..., otherwise: skip}"
            for rule, count in self._without_item.items()
        ]
        return "\n".join(lines)


def _mapped(pipeline: Pipeline, record: Record, trace: Trace | None) -> Fate | Pending:
    if trace is not None:
        trace.begin()
    return pipeline(record, time.time())


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def shown_fate(fate: Fate) -> Json:
    """What became of a record, as JSON."""
    match fate:
        case Transformed(pipeline, rule, entries, rejection):
            outcome = "mapped" if rejection is None else "dead_letter"
            shown: Json = {"outcome": outcome, "pipeline": pipeline, "rule": rule, "calls": calls(entries)}
            return shown if rejection is None else {**shown, "rejection": _why(rejection)}
        case Skipped(reason, rule, pipeline):
            return {"outcome": "skipped", "pipeline": pipeline, "rule": rule, "reason": reason}
        case Filtered():
            return {"outcome": "filtered"}
        case Rejection():
            return {"outcome": "dead_letter", "pipeline": fate.pipeline, "rule": fate.rule, "rejection": _why(fate)}
        case _:
            assert_never(fate)


def _why(rejection: Rejection) -> Json:
    why: Json = {name: value for name, value in rejection._asdict().items() if value not in {None, ()}}
    return {name: value for name, value in why.items() if name not in {"pipeline", "rule", "failed"}}


def calls(entries: tuple[Entry, ...]) -> list[Json]:
    """The calls that these entries alone would make, in order, ten entries at most.

    A call of PutEvents is of one session and user. Any other names its operation, and holds an id once where entries
    replace each other.
    """
    shown: list[Json] = []
    for (operation, *shared), group in itertools.groupby(entries, key=_call_of):
        names = (operation.target, "sessionId", "userId")
        around: Json = {} if operation is PUT_EVENTS else {"operation": operation.name}
        around |= {name: value for name, value in zip(names, shared, strict=False) if value is not None}
        shown += [{**around, operation.entries: bodies} for bodies in _bodies(operation, group)]
    return shown


def _call_of(entry: Entry) -> tuple[Any, ...]:
    return (entry.operation, *(entry[:3] if entry.operation is PUT_EVENTS else entry[:1]))


def _bodies(operation: Operation, entries: Iterable[Entry]) -> Iterator[list[Json]]:
    """The entries of each call."""
    call: list[Json] = []
    ids: set[str] = set()
    for entry in entries:
        if len(call) == MAX_EVENTS_PER_CALL or (operation.identity is not None and entry.lane in ids):
            yield call
            call, ids = [], set()
        call.append(orjson.loads(entry.body))
        ids.add(entry.lane)
    yield call


def traced(loaded: Loaded, traces: dict[str, Trace]) -> Loaded:
    """The same file, its pipelines compiled to be explained; ``traces`` gets the trace of each by its name."""
    mappings = []
    for spec in loaded.config.pipelines:
        trace = traces[spec.name] = Trace()
        compiled = compile_pipeline(spec, trace)
        mappings += [] if isinstance(compiled, list) else [compiled]
    return replace(loaded, mappings=tuple(mappings))


def _explained(trace: Traced, spec: PipelineSpec) -> Json:
    explained: Json = {"rules": [_tried(rule) for rule in trace.rules]}
    later = [rule.name for rule in spec.rules[len(trace.rules) :]]
    if trace.rules and later:
        explained["not_tried"] = later
    if trace.elements:
        explained["for_each"] = _evaluated(trace.elements)
    tried = trace.rules[-1].rule if trace.rules else None
    put, operation = next(((rule.put, rule.operation) for rule in spec.rules if rule.name == tried), (None, None))
    operation = operation or PUT_EVENTS
    if operation is not PUT_EVENTS:
        explained["operation"] = operation.name
    written = {} if put is None else put.model_dump(by_alias=True, exclude_none=True)
    explained["events"] = [
        {"index": event.index, "members": {each.name: _member(each, written, operation) for each in event.members}}
        for event in trace.events
    ]
    return explained


def _tried(rule: TriedRule) -> Json:
    tried: Json = {"rule": rule.rule, "when": rule.when, "matched": rule.matched}
    if rule.failed is not None:
        tried["failed"] = rule.failed
    elif rule.evaluated:  # a constant is not evaluated for each record
        tried["found"] = _plain(rule.evaluated[0].found)
    hints = [hint for each in rule.evaluated for hint in each.hints]
    return {**tried, "hints": hints} if hints else tried


def _member(member: TracedMember, written: Json, operation: Operation) -> Json:
    spec: Json = {"spec": _plain(written[member.name])} if member.name in written else {}
    ended: Json = {"value": _plain(member.value)} if member.failed is None else {"failed": member.failed}
    use = use_of(member.name, member.value, operation)
    limit: Json = {} if use is None else {"limit": use._asdict()}
    return {**spec, "evaluated": _evaluated(member.evaluated), **ended, **limit}


def _evaluated(evaluated: tuple[Evaluated, ...]) -> list[Json]:
    return [
        {
            "expression": each.expression,
            **({"found": _plain(each.found)} if each.failed is None else {"failed": each.failed}),
            **({"hints": list(each.hints)} if each.hints else {}),
        }
        for each in evaluated
    ]


def _plain(value: Any) -> Any:
    """The value as JSON can say it: an expression may give a number of more than 64 bits."""
    try:
        orjson.dumps(value)
    except TypeError:
        return f"not in JSON: {value!r}"
    return value
