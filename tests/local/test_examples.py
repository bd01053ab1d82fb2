"""The files that people copy are valid, their own tests are right, and no part of their mappings is without one."""

from pathlib import Path

import pytest

from connector.trials.cases import Suite, collect
from connector.trials.coverage import coverage_of
from connector.trials.running import run
from connector.trials.text import Report

FILES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def suite(file: Path) -> Suite:
    found = collect(file, {})
    assert isinstance(found, Suite), found
    return found


CASES = [
    pytest.param(file, case.test.name, id=f"{file.stem}-{case.test.name}".replace(" ", "-"))
    for file in FILES
    for case in suite(file).cases
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_needs_no_variable_to_be_valid(file: Path) -> None:
    assert suite(file).loaded.config.personalize.endpoint_url is None


@pytest.mark.parametrize(("file", "name"), CASES)
def test_the_tests_of_an_example_are_right(file: Path, name: str) -> None:
    for result in run(suite(file), pattern=name).results:
        assert result.passed, Report(colour=False).failed(result)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_tests_of_an_example_use_every_part_of_it(file: Path) -> None:
    assert coverage_of(run(suite(file), traced=True)).missed == ()
