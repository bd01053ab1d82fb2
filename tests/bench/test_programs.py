from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bench.programs import THIS, costs, facts, side_of
from bench.system import ROOT
from connector import __version__

if TYPE_CHECKING:
    from pathlib import Path

COSTS = """\
short sessions: 29.3 µs a record without the fakes, 5.09 events a call
  transform         20.35 µs   entered  1.00 times
long sessions: 26.1 µs a record without the fakes, 8.89 events a call
"""


def script(path: Path, text: str) -> Path:
    """Something that can be started, and prints this."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a connector, and an interpreter that prints what the benchmark prints."""
    (tmp_path / "connector").mkdir()
    script(tmp_path / ".venv" / "bin" / "python", COSTS)
    return tmp_path


def test_this_checkout_says_what_it_is() -> None:
    found = facts(THIS)
    assert (found["name"], found["version"]) == ("this", __version__)
    assert found["connector"] == str(ROOT / "connector")
    assert found["python"] == sys.version.split()[0]
    assert found["modules"] > 100


def test_a_folder_is_started_by_its_own_interpreter_in_itself(checkout: Path) -> None:
    side = side_of(str(checkout))
    assert side.putevents == ((str(checkout / ".venv" / "bin" / "python"), "-m", "connector"), checkout)


def test_an_interpreter_runs_the_connector_that_is_installed_there() -> None:
    # In the folder of this checkout, without being told otherwise, it would find the connector of this checkout.
    side = side_of(sys.executable)
    assert side.putevents.words == (sys.executable, "-P", "-m", "connector")
    assert facts(side)["version"] == __version__


def test_a_command_has_the_interpreter_beside_it_if_there_is_one(tmp_path: Path) -> None:
    alone = side_of(str(script(tmp_path / "putevents", "putevents 9.9")))
    assert alone.python is None
    assert facts(alone)["version"] == "putevents 9.9"
    with pytest.raises(ValueError, match="expected an interpreter beside"):
        costs(alone)
    beside = script(tmp_path / "python", COSTS)
    assert side_of(str(tmp_path / "putevents")).python == (str(beside), "-P")


def test_the_cost_of_a_record_is_read_from_what_the_benchmark_of_the_other_folder_prints(checkout: Path) -> None:
    assert costs(side_of(str(checkout))) == {"short": 29.3, "long": 26.1}


def test_an_installed_connector_is_measured_with_the_benchmark_of_this_checkout(tmp_path: Path) -> None:
    listing = tmp_path / "python"
    listing.write_text("#!/bin/sh\nls -d */ >&2\nexit 1\n")
    listing.chmod(0o755)
    with pytest.raises(ValueError, match="bench/\ntests/") as found:
        costs(side_of(str(listing)))
    assert "connector/" not in str(found.value)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ((), "expected a folder with .venv, an interpreter or an installed putevents"),
        (("there/other",), "expected the folder connector in .*: give the top of a checkout"),
        (("there/connector",), "expected an interpreter at .*python: run make setup there"),
    ],
)
def test_what_is_no_connector_is_told(tmp_path: Path, made: tuple[str, ...], message: str) -> None:
    for name in made:
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(ValueError, match=message):
        side_of(str(tmp_path / "there"))


def test_one_that_cannot_start_is_told_with_its_words(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no module named connector' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(ValueError, match="no module named connector"):
        facts(side_of(str(broken)))
