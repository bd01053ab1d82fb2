"""The judge says no where it must: a suite whose judge lets everything pass proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.judgement import (
    IDLE_SECONDS,
    LOOK_SECONDS,
    Evidence,
    Letter,
    judge,
    judge_commits,
    judge_letters,
    judge_memory,
    judge_order,
    judge_progress,
    judge_repeats,
    judge_watch,
)
from tests.chaos.watcher import Observation
from tests.support.traffic import Expected

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY = 100


def _event(name: str) -> Expected:
    return Expected("session", {"user": None, "event": {"eventId": name}}, None)


BAD = Expected("session", None, "not_json")
PLACED = {(0, 0): _event("a"), (0, 1): BAD, (0, 2): _event("b")}


def _row(name: str, **changes: Any) -> dict[str, Any]:
    row = {"eventId": name, "trackingId": "tracker", "sessionId": "session", "userId": None, "sha256": name}
    return {**row, "event": {"eventId": name}, **changes}


def _seen(committed: dict[int, int], accepted: int = 2, buried: int = 1, **more: Any) -> Observation:
    rest: dict[str, Any] = {"at": 0.0, "lag": 0, "memory": {"member": 50}, "running": 1, **more}
    return Observation(committed=committed, accepted=accepted, buried=buried, **rest)


ROWS = [_row("a"), _row("b")]
LETTERS = [Letter((0, 1), "not_json")]
DONE = [_seen({0: 1}, accepted=1, buried=0), _seen({0: 2}, accepted=1), _seen({0: 3})]


def _evidence(**changes: Any) -> Evidence:
    return Evidence(PLACED, ROWS, LETTERS, DONE)._replace(**changes)


def test_a_run_in_which_all_went_well_passes_with_its_figures() -> None:
    figures = judge(_evidence(rows=[*ROWS, _row("a")]), MEMORY)
    assert figures == (3, 2, 1, 1, 0, 3, 50)


COMMITTED_TOO_EARLY: list[Callable[[], Evidence]] = [
    lambda: _evidence(observations=[_seen({0: 1}, accepted=0)]),
    lambda: _evidence(observations=[_seen({0: 2}, accepted=2, buried=0)]),
    lambda: _evidence(observations=[_seen({0: 3}, accepted=1)]),
    lambda: _evidence(rows=ROWS[:1], observations=[_seen({0: 3})]),
]


@pytest.mark.parametrize("evidence", COMMITTED_TOO_EARLY)
def test_a_commit_above_an_open_record_is_found(evidence: Callable[[], Evidence]) -> None:
    with pytest.raises(AssertionError, match="was committed in partition 0 while"):
        judge_commits(evidence())


def test_a_commit_that_goes_back_is_found() -> None:
    with pytest.raises(AssertionError, match="went back from 3 to 2"):
        judge_commits(_evidence(observations=[*DONE, _seen({0: 2})]))
    with pytest.raises(AssertionError, match="is gone"):
        judge_commits(_evidence(observations=[*DONE, _seen({})]))


@pytest.mark.parametrize("changes", [{"userId": "u"}, {"sessionId": "s"}, {"trackingId": "t"}, {"sha256": "other"}])
def test_a_repeat_that_differs_is_found(changes: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="a repeat differs from the first in"):
        judge_repeats([*ROWS, _row("a", **changes)])


def test_a_session_out_of_order_is_found_and_another_partition_s_order_is_not_its_own() -> None:
    backwards = judge_repeats(reversed(ROWS))
    with pytest.raises(AssertionError, match="1 sessions are out of order"):
        judge_order(PLACED, backwards)
    judge_order({(1, 0): _event("a"), (0, 0): _event("b")}, judge_repeats(ROWS))


@pytest.mark.parametrize(
    ("letters", "words"),
    [
        ([], "1 bad records were not dead-lettered"),
        ([*LETTERS, Letter((0, 0), "not_json")], "1 good records were dead-lettered"),
        ([*LETTERS, Letter((0, 1), "too_long")], "expected the reason not_json"),
    ],
)
def test_dead_letters_that_are_not_the_bad_records_are_found(letters: list[Letter], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        judge_letters(PLACED, letters)


def test_a_lost_event_is_found() -> None:
    with pytest.raises(AssertionError, match="1 events were lost"):
        judge(_evidence(rows=ROWS[:1]), MEMORY)


def test_time_without_progress_is_found_unless_it_was_to_be() -> None:
    idle = [_seen({0: 1}, at=second, lag=2) for second in (0.0, IDLE_SECONDS / 2, IDLE_SECONDS)]
    with pytest.raises(AssertionError, match=f"did nothing for {IDLE_SECONDS:.0f} s with a lag of 2"):
        judge_progress(idle, [])
    judge_progress(idle, [(0.0, IDLE_SECONDS / 2)])
    judge_progress([seen._replace(lag=0) for seen in idle], [])
    judge_progress([seen._replace(running=0) for seen in idle], [])
    judge_progress([seen._replace(accepted=number) for number, seen in enumerate(idle)], [])


def test_a_watch_that_saw_too_little_is_found() -> None:
    with pytest.raises(AssertionError, match="nobody looked"):
        judge(_evidence(observations=[]), MEMORY)
    with pytest.raises(AssertionError, match="only 4 looks in 25 s"):
        judge_watch([*DONE, DONE[-1]._replace(at=5 * LOOK_SECONDS)])
    with pytest.raises(AssertionError, match="2 records were not done in the end"):
        judge_watch([*DONE, DONE[-1]._replace(lag=2)])


def test_too_much_memory_is_found() -> None:
    with pytest.raises(AssertionError, match="expected at most"):
        judge_memory(DONE, 49)
