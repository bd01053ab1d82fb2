from __future__ import annotations

from typing import Any

import pytest

from bench.ratios import MEASURES, compared, render, spread

FACTS = {"name": "this", "command": "python -m connector", "version": "1.2.3"}
PYTHON = {"python": "3.11.7", "connector": "/there/connector", "modules": 200, "compiled": 0, "commit": "abc+"}


def light(side: str, number: int, cost: float, **more: float) -> dict[str, Any]:
    row = {"cpu_per_event": cost, "core": 10.0, "p99": 1.0, "peak_mib": 100.0, **more}
    return {"scenario": "light", "stream": "short", "side": side, "round": number, **row}


def unbounded(side: str, number: int, rate: float) -> dict[str, Any]:
    row = {"events_per_second": rate, "cpu_per_event": 50.0, "peak_mib": 100.0}
    return {"scenario": "unbounded", "stream": "long", "side": side, "round": number, **row}


def test_a_machine_that_becomes_slow_between_rounds_does_not_change_the_ratio() -> None:
    rows = [light("other", 1, 100.0), light("this", 1, 50.0), light("other", 2, 300.0), light("this", 2, 150.0)]
    found = next(compared(rows))
    assert found.ratio == (0.5, 0.5, 0.5)
    assert (found.other, found.this) == ((200.0, 100.0, 300.0), (100.0, 50.0, 150.0))
    assert (found.better, found.rounds) == (2, 2)


def test_less_cpu_is_better_and_more_events_are() -> None:
    cost = next(compared([light("other", 1, 100.0), light("this", 1, 110.0)]))
    rate = next(compared([unbounded("other", 1, 100.0), unbounded("this", 1, 110.0)]))
    assert (cost.better, rate.better) == (0, 1)


def test_the_best_of_each_side_are_compared_whatever_round_they_are_of() -> None:
    rows = [light("other", 1, 100.0), light("this", 1, 80.0), light("other", 2, 120.0), light("this", 2, 90.0)]
    rates = [unbounded("other", 1, 50.0), unbounded("this", 1, 80.0), unbounded("other", 2, 40.0)]
    assert next(compared(rows)).best == 0.8
    assert next(compared([*rates, unbounded("this", 2, 100.0)])).best == 2.0


def test_a_run_without_one_beside_it_counts_for_nothing() -> None:
    rows = [light("other", 1, 100.0), light("this", 1, 50.0), light("this", 2, 1.0)]
    assert next(compared(rows)).rounds == 1
    assert not list(compared(rows[2:]))


def test_a_table_has_a_line_for_each_figure_of_each_stream() -> None:
    rows = [unbounded("other", 1, 10_000.0), unbounded("this", 1, 12_500.0), light("other", 1, 9.0)]
    text = render({"sides": [FACTS, FACTS | PYTHON], "rows": rows, "failed": ["light of this, round 1: it ended"]})
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(MEASURES["unbounded"])
    assert lines[2].endswith(
        "| 10,000 (10,000\N{EN DASH}10,000) | 12,500 (12,500\N{EN DASH}12,500)"
        " | 1.25 \N{MULTIPLICATION SIGN} (1.25\N{EN DASH}1.25) | 1.25 \N{MULTIPLICATION SIGN} | 1 of 1 |"
    )
    assert "- failed: light of this, round 1: it ended" in text


def test_what_is_compared_stands_above_the_table() -> None:
    compiled = FACTS | PYTHON | {"name": "other", "compiled": 40}
    text = render({"sides": [compiled, FACTS | PYTHON], "rows": [], "failed": []})
    assert "- other: connector 1.2.3, commit abc+, Python 3.11.7, 40 of 200 modules compiled, /there/connector" in text
    assert "- this: connector 1.2.3, commit abc+, Python 3.11.7, pure Python, /there/connector" in text


def test_there_is_no_spread_of_nothing() -> None:
    with pytest.raises(ValueError, match="expected"):
        spread([])
