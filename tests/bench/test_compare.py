from __future__ import annotations

from contextlib import ExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from bench import compare
from bench.__main__ import main
from bench.compare import TRIALS, Ground, rounds
from bench.programs import THIS
from bench.ratios import MEASURES
from bench.sizes import QUICK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.programs import Side

OTHER = THIS._replace(name="other")


@pytest.fixture
def ground() -> Ground:
    """Nothing is started before a trial asks for it, and these do not."""
    return Ground(ExitStack(), QUICK, 1, 2, mock=True)


def test_every_scenario_has_figures_that_are_compared() -> None:
    assert set(MEASURES) == set(TRIALS)


def test_both_sides_take_turns_and_in_who_begins_too(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def trial(_: Ground, side: Side) -> Mapping[str, compare.Row]:
        seen.append(side.name)
        return {"long": {"cpu_per_event": 1.0, "quota_used": 0.97, "cores": {"own": 0.5}}}

    monkeypatch.setattr(compare, "TRIALS", MappingProxyType({"quota": (trial,)}))
    rows = list(rounds(ground, (OTHER, THIS), ["quota"], 2, []))
    assert seen == ["this", "other", "other", "this"]
    assert [(row["side"], row["round"]) for row in rows] == [("this", 1), ("other", 1), ("other", 2), ("this", 2)]
    assert {(row["quota_used"], row["core"]) for row in rows} == {(97.0, 50.0)}  # as the table writes them
    assert ground.origin == "none"


def test_a_run_that_fails_is_told_and_the_others_go_on(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    def trial(_: Ground, side: Side) -> Mapping[str, compare.Row]:
        if side is OTHER:
            raise AssertionError("it ended")
        return {"long": {"cpu_per_event": 1.0}}

    monkeypatch.setattr(compare, "TRIALS", MappingProxyType({"costs": (trial,)}))
    failed: list[str] = []
    rows = list(rounds(ground, (OTHER, THIS), ["costs"], 2, failed))
    assert [row["side"] for row in rows] == ["this", "this"]
    assert failed == ["costs of other, round 1: it ended", "costs of other, round 2: it ended"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["/nowhere"], "found none of them at /nowhere"),
        (["/nowhere", "quick"], "found the scenario quick"),
        (["/nowhere", "--rounds", "0"], "found 0 rounds"),
    ],
)
def test_what_cannot_be_compared_is_told(
    words: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "compare", *words])
    monkeypatch.setattr("bench.__main__.signal.signal", lambda *_: None)
    assert main() == 2
    assert message in capsys.readouterr().err
