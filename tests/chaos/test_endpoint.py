"""An endpoint that is away, that refuses, and that is slow for one tracking id only."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.judgement import judge
from tests.chaos.sizes import scaled, time_limit
from tests.chaos.streams import two_trackers
from tests.chaos.world import MEMORY, MIB
from tests.support.traffic import stream

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from tests.chaos.world import World
    from tests.support.processes import Connector

pytestmark = [pytest.mark.chaos, pytest.mark.integration]

REFUSED = 77
REBALANCES = "putevents_rebalances_total"
FLAT = 24 * MIB


@pytest.mark.timeout(time_limit(60, 800))
def test_an_endpoint_that_is_away_costs_no_record_no_membership_and_no_memory(
    make_world: Callable[..., World], chance: random.Random, report: Callable[..., None]
) -> None:
    seconds = scaled(9, 600)
    # The buffer is full before memory is measured, and a call that hangs is given up within the five seconds.
    world = make_world(delivery={"max_buffered_events": 500, "request_timeout": "1s"})
    world.feed(rate=300)
    member = world.join()
    world.wait_for_progress(1_000)
    assigned = _rebalances(member)
    kinds = ["unavailable", "close", "hang"]
    chance.shuffle(kinds)
    with world.standstill():
        # Longer in all than the member may be silent: a loop that stood still would lose its membership.
        world.endpoint.control(outage=kinds[0])
        world.let_pass(scaled(2, 20))
        before = _memory(world, member)
        for kind in kinds:
            world.endpoint.control(outage=kind)
            world.let_pass(seconds / 3)
        growth = _memory(world, member) - before
        world.endpoint.control(outage=None)
    began = time.monotonic()
    world.wait_for_progress(1, seconds=90)
    returned = time.monotonic() - began
    assert _rebalances(member) == assigned == {"assign": 1, "revoke": 0, "lost": 0}
    figures = world.finish(seconds=150)
    assert figures.letter_repeats == 0
    report(
        away=f"{seconds} s",
        delivering_again_after=f"{returned:.1f}s",
        growth=f"{growth / MIB:.1f} MiB",
        **figures._asdict(),
    )
    assert returned < 5
    assert growth < FLAT


def _rebalances(member: Connector) -> dict[str, float]:
    return {kind: member.metric(REBALANCES, kind=kind) for kind in ("assign", "revoke", "lost")}


def _memory(world: World, member: Connector) -> int:
    seen = world.watcher.look()
    assert seen is not None
    return seen.memory.get(member.log.stem, 0)


WRONG: Mapping[str, Mapping[str, Any]] = {
    "check personalize.tracking_id": {"tracking_ids": ["another"]},
    "allow personalize:PutEvents": {"denied": True},
    "refresh the AWS credentials": {"expired_keys": ["AKIDTEST"]},
}


@pytest.mark.timeout(300)
def test_a_wrong_configuration_stops_with_77_says_the_fix_and_dead_letters_nothing_good(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    world.write(stream(2_000, 100, world.seed))
    bad = {place for place, expected in world.placed.items() if expected.event is None}
    for words, fault in WRONG.items():
        world.endpoint.control(**fault)
        member = world.join()
        world.members.remove(member)
        assert member.exit_code(30) == REFUSED
        assert words in member.logged()
        assert world.accepted == 0
        assert {letter.place for letter in world.letters()} <= bad
        world.endpoint.control(**dict.fromkeys(fault))
    world.join()
    world.finish()


@pytest.mark.timeout(300)
def test_a_tracker_deleted_while_running_stops_with_77_and_dead_letters_nothing_good(
    make_world: Callable[..., World],
) -> None:
    world = make_world(faults={"latency": "10ms"})  # no poison: what is rejected from now on is good
    world.feed(rate=300, sessions=100, records=(row for row in stream(10_000_000, 100, world.seed) if not _poison(row)))
    member = world.join()
    world.wait_for_progress(500)
    world.members.remove(member)
    world.endpoint.control(tracking_ids=["another"])
    assert member.exit_code(30) == REFUSED
    assert "check personalize.tracking_id" in member.logged()
    world.endpoint.control(tracking_ids=None)
    world.join()
    world.finish()


def _poison(row: tuple[bytes, bytes, Any]) -> bool:
    return bool(row[2].reason == "rejected_by_service")


@pytest.mark.timeout(300)
def test_credentials_that_expire_are_read_again_from_their_file(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world()
    world.feed(rate=300)
    file = tmp_path / "credentials"
    _write_credentials(file, "OLD")
    member = world.join(
        AWS_SHARED_CREDENTIALS_FILE=str(file),
        AWS_CONFIG_FILE=str(tmp_path / "none"),
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
    )
    world.wait_for_progress(500)
    _write_credentials(file, "NEW")
    world.endpoint.control(expired_keys=["OLD"])
    world.wait_for_progress(500)
    assert world.endpoint.stats()["errors"]["ExpiredTokenException"] > 0
    assert member.running()
    world.finish()


def _write_credentials(file: Path, key: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")
    new.replace(file)


@pytest.mark.timeout(time_limit(60, 200))
def test_a_slow_tracking_id_leaves_another_one_its_pace_and_latency(
    make_world: Callable[..., World], report: Callable[..., None]
) -> None:
    seconds = scaled(3, 60)
    world = make_world(
        faults={"latency": "10ms-30ms"},
        rule={"trackingId": "value.tracker"},
        delivery={"max_buffered_events": 500, "max_in_flight": 16},
    )
    feed = world.feed(
        rate=400,
        records=two_trackers(10_000_000, world.seed),
        # Each has partitions of its own: what is paused for the slow one is not the other's.
        place=lambda expected: (
            int(expected.session.startswith("tracker")) * 3 + int(expected.session.rpartition("-")[2]) % 3
        ),
    )
    world.join()
    world.wait_for_progress(500)
    world.let_pass(1)
    calm = time.time()
    world.let_pass(seconds)
    slow = time.time()
    world.endpoint.control(trackers={"slow": {"quota": 1, "latency": "5s"}})
    world.let_pass(2 * seconds)
    end = time.time()
    world.endpoint.control(trackers=None)
    feed.stop()
    world.wait_for_no_lag(60)
    world.leave_all()
    evidence = world.evidence()
    for row in evidence.rows:
        assert row["sessionId"].startswith(row["trackingId"]), "a call mixed tracking ids"
    rows = [{**row, "trackingId": "tracker"} for row in evidence.rows]  # what the judge knows
    figures = judge(evidence._replace(rows=rows), MEMORY)
    quiet = _latencies(evidence.rows, feed.handed_over, calm, slow)
    beside = _latencies(evidence.rows, feed.handed_over, slow, end)
    report(
        calm=f"{len(quiet) / (slow - calm):.0f}/s, p95 {_p95(quiet):.2f}s",
        beside_a_slow_one=f"{len(beside) / (end - slow):.0f}/s, p95 {_p95(beside):.2f}s",
        **figures._asdict(),
    )
    # Held up by the slow one, the other would have a fraction of its pace, and wait for answers of five seconds.
    assert len(beside) / (end - slow) > len(quiet) / (slow - calm) / 2
    assert _p95(beside) < _p95(quiet) + 2.5


def _latencies(
    rows: Iterable[Mapping[str, Any]], handed_over: Mapping[str, float], start: float, end: float
) -> list[float]:
    return [
        row["time"] - handed_over[row["eventId"]]
        for row in rows
        if row["trackingId"] == "tracker" and start <= row["time"] < end
    ]


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]
