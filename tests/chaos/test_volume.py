"""Much at once: a backlog beyond the buffer, one session with half of the traffic, sessions without end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.chaos.sizes import scaled, time_limit
from tests.chaos.streams import hot_session, one_event_sessions, padded
from tests.chaos.world import MIB, QUIET
from tests.support.traffic import stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.world import World

pytestmark = [pytest.mark.chaos, pytest.mark.integration]

FLAT = 24 * MIB
BUFFERED = 200 * MIB  # 64 MiB of records as read, and what is made of them


@pytest.mark.timeout(time_limit(60, 300))
def test_a_backlog_of_ten_buffers_stays_within_a_memory_bound(
    make_world: Callable[..., World], report: Callable[..., None]
) -> None:
    buffer = scaled(1_000, 20_000)
    world = make_world(faults={**QUIET, "outage": "unavailable"}, delivery={"max_buffered_events": buffer})
    # A kilobyte each: with the outage at the start, the buffer is full before anything leaves it.
    written = world.write(padded(stream(10 * buffer, 1_000, world.seed), 1_000))
    assert written == 10 * buffer
    with world.standstill():
        world.join()
        world.let_pass(scaled(4, 20))
        world.endpoint.control(outage=None)
    figures = world.finish(seconds=scaled(150, 300), memory=BUFFERED)
    assert figures.letter_repeats == 0
    report(buffer=buffer, peak=f"{figures.peak_memory / MIB:.0f} MiB", **figures._asdict())


@pytest.mark.timeout(time_limit(60, 300))
def test_one_session_with_half_of_the_traffic_keeps_its_order_and_holds_up_no_other_partition(
    make_world: Callable[..., World], report: Callable[..., None]
) -> None:
    count = scaled(4_000, 100_000)
    world = make_world(faults={"latency": "20ms"}, delivery={"max_buffered_events": 1_000})
    world.write(hot_session(count, world.seed))
    partition = next(place[0] for place, expected in world.placed.items() if expected.session == "hot")
    world.join()
    figures = world.finish(seconds=scaled(150, 300))
    assert figures.repeats == 0
    beside = {
        expected.event["event"]["eventId"]
        for place, expected in world.placed.items()
        if place[0] != partition and expected.event is not None
    }
    rows = world.rows()
    times = [row["time"] for row in rows]
    others = max(row["time"] for row in rows if row["eventId"] in beside)
    share = (others - times[0]) / (times[-1] - times[0])
    report(other_partitions_done_after=f"{share:.0%} of the time", **figures._asdict())
    assert share < 0.9


@pytest.mark.timeout(time_limit(90, 500))
def test_sessions_of_one_event_leave_nothing_behind_in_memory(
    make_world: Callable[..., World], report: Callable[..., None]
) -> None:
    count = scaled(10_000, 100_000)
    world = make_world(faults={}, delivery={"linger": "10ms", "max_buffered_events": 1_000, "max_in_flight": 16})
    world.write(one_event_sessions(count))
    member = world.join()
    began = time.monotonic()
    world.wait(lambda: world.accepted >= count // 4, scaled(60, 300), "a quarter")
    seen = world.watcher.look()
    world.wait(lambda: world.accepted >= count, scaled(60, 300), "all of it")
    seconds = time.monotonic() - began
    last = world.watcher.look()
    assert seen is not None
    assert last is not None
    growth = last.memory.get(member.log.stem, 0) - seen.memory.get(member.log.stem, 0)
    figures = world.finish()
    report(sessions=count, growth=f"{growth / MIB:.1f} MiB", rate=f"{count / seconds:.0f}/s", **figures._asdict())
    assert growth < FLAT
