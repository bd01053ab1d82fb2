"""500 events a second, live: how long an event takes from its Kafka timestamp until the endpoint has it.

The endpoint writes down when each event arrived, the feed when it was written; both clocks are this machine's. A
call counts as accepted when it arrives, so the time of the answer is not in these figures.
"""

import itertools
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench import system
from bench.figures import MIB, between, percentile
from bench.runs import Order, Watch, start, tell, wait_for_partitions
from bench.sizes import Sizes
from bench.stage import Feed, Stage
from bench.streams import SHAPES, clicks
from tests.support.processes import PUTEVENTS, Endpoint, Program

RATE = 500  # events a second
WARMING = 2.0  # seconds whose records are not judged: connections are being made
CATCHING_UP = 15.0  # seconds after the last record
_topics = itertools.count()


class Way(NamedTuple):
    """A contender and how long it waits to be batched: the connector by linger, the other one in consume()."""

    contender: str
    wait: str
    delivery: dict[str, Any]
    consume: tuple[int, float]


LINGERING = Way("putevents", "linger: 1s", {"linger": "1s"}, (0, 0))
WAYS = (
    Way("grouped", "consume(500, 1.0)", {}, (500, 1.0)),
    Way("grouped", "consume(500, 0.1)", {}, (500, 0.1)),
    LINGERING,
    Way("putevents", "linger: 0s", {"linger": "0s"}, (0, 0)),
)


def light(stage: Stage, seed: int, sizes: Sizes) -> list[dict[str, Any]]:
    """A row for each way. The naive one is left out: at a call an event it cannot keep up, and its lag only grows."""
    rows = []
    for way in WAYS:
        row = one(stage, way, seed, sizes.live_seconds)
        tell(row)
        rows.append(row)
    return rows


def one(stage: Stage, way: Way, seed: int, seconds: float, program: Program = PUTEVENTS) -> dict[str, Any]:
    """The row of one way; ``program`` is the connector that runs."""
    topic = f"live-{next(_topics)}"
    stage.create(topic)
    log = stage.folder / f"{topic}.jsonl"
    order = Order(way.contender, topic, 1.0, None, seconds, delivery=way.delivery, consume=way.consume, program=program)
    load = system.load_average()
    with ExitStack() as processes:
        endpoint = processes.enter_context(Endpoint(stage.folder, "--latency", "20ms", "--log", str(log)))
        process = processes.enter_context(start(stage, order, endpoint.url))
        wait_for_partitions(process)
        feed = Feed(stage, topic, clicks(SHAPES["short"], seed), RATE, seconds)
        watch = Watch(stage, endpoint, process)
        first = watch.look()
        feed.start()
        finished = watch.until(
            lambda sample: not feed.is_alive() and sample.events >= len(feed.written), seconds + CATCHING_UP, 0.5
        )
        feed.join()
        peak = watch.peak() / MIB
        endpoint.stop(10)  # so that the last line is written
    waits = latencies(feed.written, log)
    window = between(first, watch.samples[-1])
    return {
        "contender": way.contender,
        "linger": way.wait,
        "events_per_second": len(feed.written) / seconds,
        "events_per_call": window.events / max(1, window.calls),
        "p50": percentile(waits, 0.5),
        "p99": percentile(waits, 0.99),
        "longest": max(waits),
        "cpu_per_event": window.cpu["own"] / max(1, window.events) * 1e6,
        "cores": {name: used / window.seconds for name, used in window.cpu.items()},
        "peak_mib": peak,
        "finished": finished,
        "load_average": load,
    }


def latencies(written: dict[str, float], log: Path) -> list[float]:
    """Seconds from being written to the first acceptance, of each record but those of the first moments."""
    since = min(written.values()) + WARMING
    seen: set[str] = set()
    waits = []
    with log.open("rb") as lines:
        for line in lines:
            row = orjson.loads(line)
            event_id = row["eventId"]
            if event_id not in seen and written[event_id] >= since:
                waits.append(row["time"] - written[event_id])
            seen.add(event_id)
    return waits
