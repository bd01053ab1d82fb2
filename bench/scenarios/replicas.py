"""Several connectors and a stranger on one quota: who gets what, what is wasted, and how a storm of throttling ends.

The quota is smaller than AWS's, so that two cores are not what is shared. Each connector's ceiling is the whole
quota, as the default is with AWS's.
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

from bench import system
from bench.figures import between, recovered_after
from bench.runs import START_SECONDS, Watch, start_connector, tell
from bench.sizes import Sizes
from bench.stage import PARTITIONS, Stage, fill
from bench.stranger import TRACKING_ID
from bench.streams import SHAPES, clicks
from tests.support.processes import Connector, Endpoint, Process, environment, wait_until

QUOTA = 400.0  # calls a second
STRANGER = 100.0
STORM = 0.001  # calls a second: all of them are throttled
BACK = 0.9  # of the calls a second before the storm
SETTLING = 20.0  # seconds for the rates to find their shares, at most
INTERVAL = 0.25
AFTERWARDS = 5.0  # seconds
TOPIC = "replicas"
# Or members would hear of each other every three seconds only.
MEMBERSHIP = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 500}


class Seen(NamedTuple):
    """What was counted so far: by the endpoint at one moment, and by each connector a little later."""

    at: float
    calls: int
    events: Mapping[str, int]  # by tracking id
    ok: list[float]
    delivered: list[float]
    throttled: float


def replicas(stage: Stage, seed: int, records: int, sizes: Sizes) -> list[dict[str, Any]]:
    """A row for each number of connectors, each with a backlog that outlasts it."""
    fill(stage, TOPIC, clicks(SHAPES["long"], seed, min(records, stage.most_records or records)))
    rows = []
    for number in sizes.replicas:
        row = _one(stage, number, sizes)
        tell(row)
        rows.append(row)
    return rows


def _one(stage: Stage, number: int, sizes: Sizes) -> dict[str, Any]:
    load = system.load_average()
    with ExitStack() as processes:
        endpoint = processes.enter_context(Endpoint(stage.folder, "--latency", "20ms", "--quota", str(QUOTA)))
        group = f"replicas-{number}-{time.monotonic_ns()}"
        delivery = {"requests_per_second": QUOTA}
        members = [
            processes.enter_context(
                start_connector(stage, TOPIC, endpoint.url, delivery, group, f"replica-{index}", MEMBERSHIP)
            )
            for index in range(number)
        ]
        wait_until(lambda: _all_have_partitions(members), START_SECONDS + 10 * number, "partitions for all")
        arguments = ["bench.stranger", "--endpoint", endpoint.url, "--rate", str(STRANGER)]
        processes.enter_context(Process(arguments, environment(), stage.folder / "stranger.log"))
        watch = Watch(stage, endpoint, *members)
        watch.until(lambda _: False, min(SETTLING, sizes.level_seconds), INTERVAL)
        shares, level = _level(watch, endpoint, members, sizes.level_seconds)
        recovery = _storm(watch, endpoint, level, sizes)
    return {"contender": f"{number} putevents", "replicas": number, **shares, **recovery, "load_average": load}


def _all_have_partitions(members: list[Connector]) -> bool:
    if not all(member.port for member in members):
        return False
    held = [member.metric("putevents_assigned_partitions") for member in members]
    return all(held) and sum(held) == PARTITIONS


def _see(endpoint: Endpoint, members: list[Connector]) -> Seen:
    stats = endpoint.stats()
    at = time.monotonic()
    pages = [member.metrics() for member in members]

    def each(name: str, **labels: str) -> list[float]:
        wanted = (f"putevents_{name}_total", frozenset({"operation": "put_events", **labels}.items()))
        return [page[wanted] for page in pages]

    return Seen(
        at,
        stats["accepted_calls"],
        stats["by_tracking_id"],
        each("requests", status="ok"),
        each("events", outcome="delivered"),
        sum(each("requests", status="throttled")),
    )


def _level(watch: Watch, endpoint: Endpoint, members: list[Connector], seconds: float) -> tuple[dict[str, Any], float]:
    """Who got what while nothing changed, as shares of the quota; and all calls a second."""
    before, first = _see(endpoint, members), watch.look()
    watch.until(lambda _: False, seconds, INTERVAL)
    after, last = _see(endpoint, members), watch.look()
    allowed = QUOTA * (after.at - before.at)
    ok = [late - early for early, late in zip(before.ok, after.ok, strict=True)]
    delivered = [late - early for early, late in zip(before.delivered, after.delivered, strict=True)]
    throttled = after.throttled - before.throttled
    # The endpoint counts all at one moment, but events only; how many went in a call each connector knows.
    fills = [events / max(1.0, calls) for events, calls in zip(delivered, ok, strict=True)]
    events = [_events(after, before, f"replica-{index}") for index in range(len(members))]
    window = between(first, last)
    shares = {
        "shares": [count / max(1.0, fill) / allowed for count, fill in zip(events, fills, strict=True)],
        "stranger": _events(after, before, TRACKING_ID) / allowed,  # an event a call
        "stranger_wants": STRANGER / QUOTA,
        "quota_used": (after.calls - before.calls) / allowed,
        "throttled": throttled / max(1.0, sum(ok) + throttled),
        "events_per_call": sum(delivered) / max(1.0, sum(ok)),
        "cores": {name: used / window.seconds for name, used in window.cpu.items()},
    }
    return shares, (after.calls - before.calls) / (after.at - before.at)


def _events(after: Seen, before: Seen, tracking_id: str) -> int:
    return after.events.get(tracking_id, 0) - before.events.get(tracking_id, 0)


def _storm(watch: Watch, endpoint: Endpoint, level: float, sizes: Sizes) -> dict[str, Any]:
    """Throttle everything for a while, then nothing beyond the quota; how long until all is as it was."""
    endpoint.control(quota=STORM)
    watch.until(lambda _: False, sizes.storm_seconds, INTERVAL)
    endpoint.control(quota=QUOTA)
    ended = time.monotonic()
    watch.until(
        lambda _: recovered_after(watch.samples, ended, BACK * level) is not None, sizes.recovery_seconds, INTERVAL
    )
    watch.until(lambda _: False, AFTERWARDS, INTERVAL)  # for the picture: whether it stays so
    return {
        "storm_seconds": sizes.storm_seconds,
        "level": level,
        "recovered_after": recovered_after(watch.samples, ended, BACK * level),
        "series": [(sample.at - ended, sample.calls) for sample in watch.samples],
    }
