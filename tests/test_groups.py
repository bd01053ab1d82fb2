"""Which tests run in one process where tests run side by side."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import APART, SECOND_BROKER, SHORT, TOGETHER, group_of
from tests.support.examples import left_out

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


@pytest.mark.parametrize("file", SECOND_BROKER)
def test_those_on_the_second_broker_run_in_another_one(file: str) -> None:
    assert (ROOT / file).is_file()
    assert group_of(f"{file}::test_x") == "integration, second broker"


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


GRIDS = [[f"test_a[{number}]" for number in range(40)], ["test_b[x]", "test_b[y]"], ["test_c[only]"]]


def test_of_each_grid_a_quarter_is_left_and_at_least_one_case() -> None:
    left = set[str]().union(*GRIDS) - left_out(GRIDS)
    assert [len(left.intersection(grid)) for grid in GRIDS] == [10, 1, 1]


def test_processes_of_one_run_leave_out_the_same_cases_and_other_runs_others(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    for run in ("4f7d", "4f7d", "a01b"):
        monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", run)
        runs.append(left_out(GRIDS))
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(("named", "collected"), [("", 1), ("test_grid.py", 4)])
def test_only_a_run_of_all_tests_leaves_any_out(tmp_path: Path, named: str, collected: int) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_grid.py").write_text(
        "import pytest\n@pytest.mark.grid\n@pytest.mark.parametrize('x', range(4))\ndef test_x(x):\n    pass\n"
    )
    options = ["-c", str(ROOT / "pyproject.toml"), f"--rootdir={tmp_path}", "-o", f"testpaths={tmp_path}"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *options, *named.split()],
        cwd=tmp_path,
        env={**os.environ, "CI": "", "ALL_CASES": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.count("test_x[") == collected, ran.stdout
