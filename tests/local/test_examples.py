"""The files that people copy are valid, and their own tests are right."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from connector.config import Loaded, load
from connector.config.examples import Example, FilteredOutput, RejectedOutput, SkippedOutput
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


def _record(test: Example, topic: str) -> Record:
    value = None if test.input.value is None else orjson.dumps(test.input.value)
    return Record(topic, test.input.partition, test.input.offset, test.input.timestamp, None, value)


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
    assert _output(transform(_record(test, spec.topics[0]), NOW)) == test.output


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_tests_of_an_example_reach_every_rule(file: Path) -> None:
    loaded = _loaded(file)
    reached: set[tuple[str, str | None]] = set()
    for test in loaded.config.tests:
        for spec, mapping in zip(loaded.config.pipelines, loaded.mappings, strict=True):
            if spec.name == test.pipeline:
                fate = Pipeline(spec, mapping, "tracker")(_record(test, spec.topics[0]), NOW)
                reached.add((spec.name, getattr(fate, "rule", None)))
    rules = {(spec.name, rule.name) for spec in loaded.config.pipelines for rule in spec.rules}
    assert rules <= reached
