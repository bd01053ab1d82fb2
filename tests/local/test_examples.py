"""The files that people copy are valid, and their own tests are right."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from connector.config import Loaded, load
from connector.config.examples import Example, FilteredOutput, RejectedOutput, SkippedOutput
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import Entry, Fate, Filtered, Pending, Record, Rejection, Skipped, Transformed

NOW = 1_795_600_000.0
FILES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def _loaded(file: Path) -> Loaded:
    loaded = load(file, {})
    assert isinstance(loaded, Loaded), loaded
    return loaded


CASES = [
    pytest.param(file, number, id=f"{file.stem}-{test.name}".replace(" ", "-"))
    for file in FILES
    for number, test in enumerate(_loaded(file).config.tests)
]


def _members(entry: Entry) -> dict[str, Any]:
    event = orjson.loads(entry.body)
    if "properties" in event:
        event["properties"] = orjson.loads(event["properties"])
    members = {"sessionId": entry.session_id, "userId": entry.user_id, **event}
    return {name: value for name, value in members.items() if value is not None}


def _output(fate: Fate | Pending) -> Any:
    match fate:
        case Transformed(entries=entries, rejection=rejection):
            return RejectedOutput(rejected=rejection.reason) if rejection else [_members(entry) for entry in entries]
        case Rejection(reason=reason):
            return RejectedOutput(rejected=reason)
        case Skipped(reason=reason):
            return SkippedOutput(skipped=reason)
        case Pending():
            raise AssertionError("no example needs a schema")
        case Filtered():
            return FilteredOutput(filtered=True)


def _record(test: Example, spec: PipelineSpec) -> Record:
    given = test.input
    row = spec.value.format == "delimited" and isinstance(given.value, str)
    value = given.value.encode() if row else None if given.value is None else orjson.dumps(given.value)
    headers = tuple((name, None if text is None else text.encode()) for name, text in given.headers.items())
    return Record(spec.topics[0], given.partition, given.offset, given.timestamp, None, value, headers)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_needs_no_variable_to_be_valid(file: Path) -> None:
    assert _loaded(file).config.personalize.endpoint_url is None


@pytest.mark.parametrize(("file", "number"), CASES)
def test_the_tests_of_an_example_are_right(file: Path, number: int) -> None:
    loaded = _loaded(file)
    test = loaded.config.tests[number]
    index = [pipeline.name for pipeline in loaded.config.pipelines].index(test.pipeline)
    spec = loaded.config.pipelines[index]
    transform = Pipeline(spec, loaded.mappings[index], loaded.config.personalize.tracking_id)
    assert _output(transform(_record(test, spec), NOW)) == test.output


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_tests_of_an_example_reach_every_rule(file: Path) -> None:
    loaded = _loaded(file)
    reached: set[tuple[str, str | None]] = set()
    for test in loaded.config.tests:
        for spec, mapping in zip(loaded.config.pipelines, loaded.mappings, strict=True):
            if spec.name == test.pipeline:
                fate = Pipeline(spec, mapping, "tracker")(_record(test, spec), NOW)
                reached.add((spec.name, getattr(fate, "rule", None)))
    rules = {(spec.name, rule.name) for spec in loaded.config.pipelines for rule in spec.rules}
    assert rules <= reached


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_stays_within_the_ten_event_types_and_columns_of_a_training(file: Path) -> None:
    """EVENT_TYPE and EVENT_VALUE count as columns."""
    events = [event for test in _loaded(file).config.tests if isinstance(test.output, list) for event in test.output]
    names = {event["eventType"] for event in events}
    names |= {name for event in events for name in event.get("properties", {})} | {"EVENT_TYPE", "EVENT_VALUE"}
    assert len(names) <= 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_rule_of_an_example_that_makes_events_has_a_record_that_it_rejects(file: Path) -> None:
    loaded = _loaded(file)
    rejecting: set[str | None] = set()
    for test in loaded.config.tests:
        for spec, mapping in zip(loaded.config.pipelines, loaded.mappings, strict=True):
            if spec.name == test.pipeline and isinstance(test.output, RejectedOutput):
                fate = Pipeline(spec, mapping, "tracker")(_record(test, spec), NOW)
                rejecting.add(getattr(fate, "rule", None))
    making = {rule.name for spec in loaded.config.pipelines for rule in spec.rules if rule.put_events}
    assert making <= rejecting


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_editor_finds_the_schema_of_an_example(file: Path) -> None:
    assert file.read_text().startswith("# yaml-language-server: $schema=putevents.schema.json\n")
