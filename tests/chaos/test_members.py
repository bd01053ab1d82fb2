"""Members that are killed, that come and go, and that are told to stop at any moment."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.chaos.sizes import SIZE, scaled, time_limit
from tests.chaos.world import QUIET
from tests.support.traffic import stream

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.chaos.world import World

pytestmark = [pytest.mark.chaos, pytest.mark.integration]

BUFFER = 2_000
SECOND_TERM = 128 + signal.SIGTERM
BEFORE_ANYTHING = -signal.SIGTERM  # the interpreter was still starting: nothing had begun


@pytest.mark.timeout(time_limit(60, 900))
def test_members_killed_at_random_lose_nothing_and_keep_the_order(
    make_world: Callable[..., World], chance: random.Random, report: Callable[..., None]
) -> None:
    kills = scaled(3, 100)
    faults = {**QUIET, "fail_rate": 0.05, "reset_rate": 0.01, "reset_after_rate": 0.01, "quota": 200}
    world = make_world(faults=faults, delivery={"max_buffered_events": BUFFER, "requests_per_second": 200})
    # Of 2,000 sessions hardly two events meet within the linger: 400 calls a second, twice what the quota has.
    world.feed(rate=400, sessions=2_000)
    for _ in range(3):
        world.join()
    world.wait_for_progress()
    for _ in range(kills):
        world.let_pass(chance.uniform(0.5, 3))
        world.kill(chance.choice(world.members))
        world.join()
    world.endpoint.control(quota=None)  # what is left is to come out right, not slowly
    stats = world.endpoint.stats()
    figures = world.finish(seconds=200)
    # Accepted before the answer was lost: at most ten events each.
    unanswered = 10 * int(stats["calls"].get("reset_after", 0))
    assert figures.repeats <= kills * BUFFER + unanswered
    report(kills=kills, **figures._asdict(), throttled=stats["errors"].get("ThrottlingException", 0))


@pytest.mark.timeout(time_limit(60, 400))
def test_members_that_come_and_go_lose_nothing_and_the_others_go_on(
    make_world: Callable[..., World], chance: random.Random, report: Callable[..., None]
) -> None:
    changes, calm_seconds = scaled(2, 60), scaled(4, 20)
    # A tenth of the service's quota, and at most a tenth of its buffer, which whoever leaves sends first.
    delivery = {"requests_per_second": 100, "max_buffered_events": scaled(1_000, BUFFER)}
    world = make_world(faults={**QUIET, "quota": 100}, delivery=delivery)
    # A hundred calls a second have seven events or eight each: enough to lag behind until the end, and not much more.
    world.write(stream(800 * (calm_seconds + 3 * changes + 2), 1_000, world.seed))
    for _ in range(2):
        world.join()
    world.wait_for_progress(200)
    world.let_pass(2)
    calm = _throughput(world, lambda: world.let_pass(calm_seconds))

    def change() -> None:
        for number in range(changes):
            until = time.monotonic() + 3
            if number % 2:
                assert world.leave(chance.choice(world.members)) == 0
            else:
                world.join()
            world.let_pass(max(0.0, until - time.monotonic()))

    changing = _throughput(world, change)
    world.endpoint.control(quota=None)
    figures = world.finish(seconds=200)
    report(changes=changes, calm=f"{calm:.0f}/s", changing=f"{changing:.0f}/s", **figures._asdict())
    assert changing > 0
    if SIZE >= 1:  # a figure of minutes; of the short suite's six seconds the starts of two processes take the most
        assert changing > calm / 2


def _throughput(world: World, during: Callable[[], None]) -> float:
    """Events a second that were accepted for the first time: what is only repeated gets nobody further."""
    before, began = world.distinct, time.monotonic()
    during()
    return (world.distinct - before) / (time.monotonic() - began)


@pytest.mark.timeout(time_limit(60, 900))
def test_a_sigterm_at_any_moment_ends_in_good_order_and_loses_nothing(
    make_world: Callable[..., World], chance: random.Random, report: Callable[..., None]
) -> None:
    times = scaled(5, 100)
    world = make_world(faults={**QUIET, "quota": 200}, delivery={"shutdown_timeout": "3s"})
    world.feed(rate=300, sessions=300)
    codes, longest = [], 0.0
    for number in range(times):
        dead = number % 3 == 2
        world.endpoint.control(outage="unavailable" if dead else None)
        member = world.join()
        world.let_pass(chance.uniform(0.3, 3))
        began = time.monotonic()
        code = world.leave(member, seconds=15)
        longest = max(longest, time.monotonic() - began)
        assert code in ({0} if "started" in member.logged() else {0, BEFORE_ANYTHING}), member.logged()[-3000:]
        codes.append(code)
    world.endpoint.control(outage=None, quota=None)
    world.join()
    figures = world.finish(seconds=150)
    report(times=times, in_good_order=codes.count(0), longest=f"{longest:.1f}s", **figures._asdict())


@pytest.mark.timeout(300)
def test_a_second_sigterm_ends_at_once_and_commits_nothing_undone(make_world: Callable[..., World]) -> None:
    world = make_world(delivery={"shutdown_timeout": "25s"})
    world.feed(rate=200)
    member = world.join()
    world.wait_for_progress(100)
    world.endpoint.control(outage="close")
    world.let_pass(1)
    member.popen.send_signal(signal.SIGTERM)
    world.wait(lambda: "stopping" in member.logged(), 5, "the first to be noted")
    world.members.remove(member)
    assert member.stop(2) == SECOND_TERM
    world.endpoint.control(outage=None)
    world.join()
    world.finish()
