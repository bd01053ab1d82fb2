"""Runs the tests of a file: each record through the pipeline that the test names."""

from typing import Any

import orjson

from connector.config import Loaded
from connector.config.examples import Example, FilteredOutput, RejectedOutput, SkippedOutput
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import Entry, Fate, Filtered, Pending, Record, Rejection, Skipped, Transformed

LATE = 4_102_444_800.0  # 2100: no event of a test lies ahead of it


def check(loaded: Loaded, now: float = LATE) -> None:
    """The tests of the file are right, and there are some."""
    assert loaded.config.tests
    for test in loaded.config.tests:
        found = output(fate(loaded, test, now))
        if isinstance(test.output, RejectedOutput) and isinstance(found, RejectedOutput) and not test.output.member:
            found = found.model_copy(update={"member": None})  # a test need not name it
        assert found == test.output, test.name


def rules_reached(loaded: Loaded) -> set[str | None]:
    """The rules that decide in some test."""
    return {getattr(fate(loaded, test), "rule", None) for test in loaded.config.tests}


def fate(loaded: Loaded, test: Example, now: float = LATE) -> Fate | Pending:
    """What becomes of the record of a test."""
    index = [pipeline.name for pipeline in loaded.config.pipelines].index(test.pipeline)
    spec = loaded.config.pipelines[index]
    return Pipeline(spec, loaded.mappings[index], loaded.config.personalize.tracking_id)(record(test, spec), now)


def record(test: Example, spec: PipelineSpec) -> Record:
    """The record of a test."""
    given = test.input
    headers = tuple((name, None if text is None else text.encode()) for name, text in given.headers.items())
    key = given.key.encode() if isinstance(given.key, str) else None
    return Record(
        spec.topics[0], given.partition, given.offset, given.timestamp, key, _value(given.value, spec), headers
    )


def _value(value: Any, spec: PipelineSpec) -> bytes | None:
    if value is None:
        return None
    if spec.value.format == "delimited":  # a whole row, or its cells by their columns
        return (value if isinstance(value, str) else (spec.value.delimiter or "\t").join(value.values())).encode()
    return orjson.dumps(value)


def output(fate: Fate | Pending) -> Any:
    """What became of a record, as tests say it."""
    match fate:
        case Transformed(entries=entries, rejection=rejection):
            if rejection is None:
                return [_members(entry) for entry in entries]
            return RejectedOutput(rejected=rejection.reason, member=rejection.field)
        case Rejection(reason=reason, field=field):
            return RejectedOutput(rejected=reason, member=field)
        case Skipped(reason=reason):
            return SkippedOutput(skipped=reason)
        case Pending():
            raise AssertionError("no example needs a schema")
        case Filtered():
            return FilteredOutput(filtered=True)


def _members(entry: Entry) -> dict[str, Any]:
    event = orjson.loads(entry.body)
    if "properties" in event:
        event["properties"] = orjson.loads(event["properties"])
    members = {"sessionId": entry.lane, "userId": entry.user_id, **event}
    return {name: value for name, value in members.items() if value is not None}
