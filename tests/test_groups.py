"""Which tests run in one process where tests run side by side."""

from pathlib import Path

import pytest

from tests.conftest import APART, SHORT, TOGETHER, group_of

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "nodeid",
    [
        "tests/integration/test_delivery.py::test_x",
        "tests/integration/test_topics.py::test_x[a@b-c]",
        "tests/contract/test_source.py::test_x[kafka]",
        "tests/contract/test_sender.py::test_x[kafka-0.05]",
    ],
)
def test_tests_on_the_shared_broker_run_in_one_process(nodeid: str) -> None:
    assert group_of(nodeid) == "integration"


@pytest.mark.parametrize("file", APART)
def test_a_file_with_something_of_its_own_to_share_runs_in_one_process_and_waits_for_no_other(file: str) -> None:
    assert (ROOT / file).is_file()
    assert group_of(f"{file}::test_x") == group_of(f"{file}::test_y[kafka]") == file


@pytest.mark.parametrize(
    "nodeid",
    [
        "tests/core/test_urls.py::test_x",
        "tests/contract/test_source.py::test_x[mock]",
        "tests/test_a.py::test_x",
        "tests/cli/test_run.py::test_x[core]",
    ],
)
def test_any_other_test_may_run_anywhere(nodeid: str) -> None:
    assert group_of(nodeid) == nodeid


def test_short_tests_of_one_function_are_handed_out_together() -> None:
    name = "tests/core/expressions/test_expressions.py::test_x"
    assert group_of(f"{name}[a]") == group_of(f"{name}[b[0]]") == group_of(name) == name


@pytest.mark.parametrize("place", SHORT)
def test_every_place_of_short_tests_is_there(place: str) -> None:
    assert (ROOT / place).exists()
    assert group_of(f"{place}::test_x[a]") != group_of(f"{place}::test_y[a]")


def test_every_folder_that_shares_something_is_there() -> None:
    assert all((ROOT / "tests" / folder).is_dir() for folder in TOGETHER)
