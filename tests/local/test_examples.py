"""The files that people copy are valid, their own tests are right, and no part of their mappings is without one."""

from functools import cache
from pathlib import Path

import pytest

from connector.trials.cases import Suite, collect
from connector.trials.coverage import coverage_of
from connector.trials.running import run
from connector.trials.text import Report

FILES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


@cache  # each takes a fifth of a second to load
def suite(file: Path) -> Suite:
    found = collect(file, {})
    assert isinstance(found, Suite), found
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_needs_no_variable_to_be_valid(file: Path) -> None:
    assert suite(file).loaded.config.personalize.endpoint_url is None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_tests_of_an_example_are_right(file: Path) -> None:
    ran = run(suite(file))
    assert not ran.problems
    assert len(ran.results) == len(suite(file).cases) > 0
    failed = [Report(colour=False).failed(result) for result in ran.results if not result.passed]
    assert failed == [], "\n".join(failed)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_tests_of_an_example_use_every_part_of_it(file: Path) -> None:
    assert coverage_of(run(suite(file), traced=True)).missed == ()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_stays_within_the_ten_event_types_and_columns_of_a_training(file: Path) -> None:
    """EVENT_TYPE and EVENT_VALUE count as columns; those of users and items are of other datasets."""
    outputs = [output for case in suite(file).cases for output in case.test.expected]
    entries = [entry for output in outputs if isinstance(output, list) for entry in output]
    events = [entry for entry in entries if "eventType" in entry]
    names = {event["eventType"] for event in events} | {"EVENT_TYPE", "EVENT_VALUE"}
    assert len(names | {name for event in events for name in event.get("properties", {})}) <= 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_editor_finds_the_schema_of_an_example(file: Path) -> None:
    assert file.read_text().startswith("# yaml-language-server: $schema=putevents.schema.json\n")
