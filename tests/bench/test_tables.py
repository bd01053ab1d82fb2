from __future__ import annotations

import json
from typing import Any

import pytest

from bench.__main__ import SCENARIOS
from bench.hand_written import Mapped, calls_of
from bench.sampling import own_time, stacks, whole_time
from bench.streams import SHAPES, clicks, fewest_calls
from bench.tables import TABLES, Column, fill_in, number, render, share, table

ROW: dict[str, Any] = {
    "contender": "putevents",
    "topic": "long",
    "format": "avro",
    "latency": "20 ms",
    "linger": "linger: 1s",
    "bound": "its own core",
    "events_per_second": 12_345.6,
    "middle_events_per_second": None,
    "over_fewest": 1.04,
    "quota_used": 0.987,
    "cores": {"own": 0.5},
    "shares": [0.3, 0.2],
    "stranger": 0.33,
    "stranger_wants": 0.33,
    "throttled": 0.012,
    "recovered_after": None,
}
RESULT: dict[str, Any] = {
    "machine": {
        "when": "2026-11-24T08:30:11+00:00",
        "processor": "P",
        "cores": 2,
        "memory_gib": 4,
        "python": "3.11",
        "librdkafka": "2.16",
        "versions": {"boto3": "1"},
        "commit": "abc",
    },
    "broker": "Apache Kafka",
    "seed": 1,
    "rows": [ROW],
}


def test_every_scenario_has_a_table() -> None:
    assert set(TABLES) == set(SCENARIOS)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_as_many_cells_in_a_row_as_headings(name: str) -> None:
    lines = [line for line in render(name, RESULT).splitlines() if line.startswith("|")]
    assert len(lines) == 3
    assert len({line.count("|") for line in lines}) == 1


def test_a_result_renders_the_same_after_a_way_through_json() -> None:
    assert render("quota", json.loads(json.dumps(RESULT))) == render("quota", RESULT)


def test_numbers_are_for_people_and_a_missing_one_is_a_dash() -> None:
    assert [number(12345.67), number(1.234, 2, " s"), number(None), share(0.125, 1), share(None)] == [
        *("12,346", "1.23 s", "\N{EN DASH}", "12.5 %", "\N{EN DASH}"),
    ]


def test_a_table_is_markdown() -> None:
    columns = (Column("who", lambda row: row["who"], right=False), Column("n", lambda row: number(row["n"])))
    assert table(columns, [{"who": "a", "n": 1}]) == "| who | n |\n| --- | --: |\n| a | 1 |\n"


def test_only_what_stands_in_its_place_is_replaced() -> None:
    page = "a\n<!-- bench: quota -->\nold\n<!-- bench: end -->\nb\n<!-- bench: light -->\nkept\n<!-- bench: end -->\n"
    filled = fill_in(page, {"quota": "new\n", "nowhere": "lost\n"})
    assert filled == page.replace("old\n", "new\n")
    assert fill_in(filled, {"quota": "new\n"}) == filled


def test_the_hand_written_consumer_cuts_where_the_fewest_calls_are_cut() -> None:
    stream = list(clicks(SHAPES["short"], records=5_000))
    sessions: dict[str, list[Mapped]] = {}
    for click in stream:
        sessions.setdefault(click.session, []).append(Mapped(click.session, click.user, {}))
    calls = [call for mapped in sessions.values() for call in calls_of(mapped)]
    assert len(calls) == fewest_calls((click.session, click.user) for click in stream)
    assert sum(len(events) for _, events in calls) == len(stream)


def test_own_time_is_that_of_the_innermost_frame_and_a_recursion_counts_once() -> None:
    found = list(stacks(["main;a;b 3\n", "main;a 1\n", "main;a;a 2\n", "\n", "no count\n"]))
    assert own_time(found) == {"b": 3, "a": 3}
    assert whole_time(found) == {"main": 6, "a": 6, "b": 3}
