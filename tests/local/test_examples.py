"""The files that people copy are valid, and their own tests are right."""

from pathlib import Path

import pytest

from connector.config import Loaded, load
from connector.config.examples import RejectedOutput
from tests.support.file_tests import fate, output, rules_reached

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


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_needs_no_variable_to_be_valid(file: Path) -> None:
    assert _loaded(file).config.personalize.endpoint_url is None


@pytest.mark.parametrize(("file", "number"), CASES)
def test_the_tests_of_an_example_are_right(file: Path, number: int) -> None:
    loaded = _loaded(file)
    test = loaded.config.tests[number]
    assert output(fate(loaded, test, NOW)) == test.output


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_tests_of_an_example_reach_every_rule(file: Path) -> None:
    loaded = _loaded(file)
    assert {rule.name for spec in loaded.config.pipelines for rule in spec.rules} <= rules_reached(loaded)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_rule_of_an_example_that_makes_events_has_a_record_that_it_rejects(file: Path) -> None:
    loaded = _loaded(file)
    rejected = [test for test in loaded.config.tests if isinstance(test.output, RejectedOutput)]
    rejecting = {getattr(fate(loaded, test), "rule", None) for test in rejected}
    assert {rule.name for spec in loaded.config.pipelines for rule in spec.rules if rule.put_events} <= rejecting


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_stays_within_the_ten_event_types_and_columns_of_a_training(file: Path) -> None:
    """EVENT_TYPE and EVENT_VALUE count as columns."""
    events = [event for test in _loaded(file).config.tests if isinstance(test.output, list) for event in test.output]
    names = {event["eventType"] for event in events}
    names |= {name for event in events for name in event.get("properties", {})} | {"EVENT_TYPE", "EVENT_VALUE"}
    assert len(names) <= 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_editor_finds_the_schema_of_an_example(file: Path) -> None:
    assert file.read_text().startswith("# yaml-language-server: $schema=putevents.schema.json\n")
