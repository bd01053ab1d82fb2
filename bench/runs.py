"""One contender from start to figures: start it, watch it from outside, kill it by its id whatever happens."""

import itertools
import json
import select
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any, NamedTuple

from bench import system
from bench.figures import MIB, Sample, figures
from bench.stage import DEAD_LETTERS, Stage
from tests.support.processes import PUTEVENTS, Connector, Endpoint, Process, Program, environment, wait_until

INTERVAL = 0.1  # seconds between samples
START_SECONDS = 60.0  # in which a contender must have its partitions
NO_LIMIT = 1_000_000.0  # calls a second
# What somebody sets whose quota is beyond AWS's usual one: the default of 64 calls at once is for that.
UNBOUNDED = MappingProxyType({"requests_per_second": NO_LIMIT, "max_in_flight": 256})
_numbers = itertools.count(1)


class Reading(NamedTuple):
    """How records are read: their format, and the address of the schema registry where there is one."""

    format: str
    registry: str


class Order(NamedTuple):
    """What a run is to be.

    ``seconds`` is its deadline; ``records`` what it has to deliver, None for as much as it can in that time.
    ``endpoint`` are options of ``putevents endpoint``; ``delivery`` settings of the connector; ``consume`` records
    and seconds of a hand-written consume(). ``program`` is the connector that runs; ``reading`` is None for JSON.
    """

    contender: str
    topic: str
    best_fill: float
    records: int | None
    seconds: float
    endpoint: tuple[str, ...] = ("--latency", "20ms")
    delivery: Mapping[str, Any] = MappingProxyType({})
    consume: tuple[int, float] = (2_000, 1.0)
    quota: float | None = None
    program: Program = PUTEVENTS
    reading: Reading | None = None


def configuration(stage: Stage, topic: str, url: str, group: str, **delivery: Any) -> dict[str, Any]:
    """The connector's file: the same members as ``hand_written.map_record`` makes."""
    types = {"Product Viewed": "View", "Product Clicked": "Click", "Product Added": "AddToCart"}
    members = {
        "sessionId": "value.anonymousId",
        "userId": "value.userId",
        "eventType": {"from": "value.event", "lookup": types, "otherwise": "skip"},
        "eventId": "value.messageId",
        "itemId": "value.properties.product_id",
        "eventValue": "value.properties.price",
        "sentAt": "value.timestamp",
        "properties": {"category": "value.properties.category", "position": "value.properties.position"},
    }
    return {
        "kafka": {"bootstrap_servers": stage.servers.split(","), "group_id": group},
        "personalize": {"tracking_id": "tracker", "endpoint_url": url},
        "delivery": delivery,
        "dead_letter": {"topic": DEAD_LETTERS},
        "log": {"format": "json"},
        "pipelines": [{"name": "clicks", "topics": [topic], "rules": [{"name": "click", "put_events": members}]}],
    }


def start_connector(
    stage: Stage,
    topic: str,
    url: str,
    delivery: Mapping[str, Any],
    group: str | None = None,
    tracker: str = "tracker",
    librdkafka: Mapping[str, Any] = MappingProxyType({}),
    program: Program = PUTEVENTS,
    reading: Reading | None = None,
) -> Connector:
    """``putevents run`` in a process of its own, in a group of its own unless told otherwise."""
    name = f"putevents-{next(_numbers)}"
    config = configuration(stage, topic, url, group or name, **delivery)
    config["personalize"]["tracking_id"] = tracker
    config["kafka"]["librdkafka"] = dict(librdkafka)
    if reading is not None:
        config["pipelines"][0]["value"] = {"format": reading.format}
        config["schema_registry"] = {"url": reading.registry}
    return Connector(stage.folder, config, name, program)


def start(stage: Stage, order: Order, url: str) -> Process:
    """The contender of an order, by its name."""
    if order.contender == "putevents":
        return start_connector(stage, order.topic, url, order.delivery, program=order.program, reading=order.reading)
    group = f"{order.contender}-{next(_numbers)}"
    arguments = [
        *("bench.hand_written", order.contender.partition("-")[0], "--servers", stage.servers, "--topic", order.topic),
        *("--group", group, "--endpoint", url),
        *("--records", str(order.consume[0]), "--timeout", str(order.consume[1])),
    ]
    return Process(arguments, environment(), stage.folder / f"{group}.log")


def wait_for_partitions(process: Process) -> None:
    """Return once the contender has joined its group. AssertionError where that takes too long."""
    if isinstance(process, Connector):
        process.wait_until_ready(START_SECONDS)
        wait_until(lambda: "partitions assigned" in process.logged(), START_SECONDS, "an assignment", process.running)
        return
    output = process.popen.stdout
    assert output is not None  # noqa: S101  a pipe was asked for
    found, _, _ = select.select([output], [], [], START_SECONDS)
    if not found or not output.readline():
        raise AssertionError(f"expected an assignment within {START_SECONDS:g} s\n{process.logged()[-2000:]}")


class Watch:
    """Takes samples of a run; ``processes`` are whose CPU and memory count as the contender's own."""

    def __init__(self, stage: Stage, endpoint: Endpoint, *processes: Process) -> None:
        self.samples: list[Sample] = []
        self._stage = stage
        self._endpoint = endpoint
        self._processes = processes

    def look(self) -> Sample:
        """One sample. AssertionError where a contender ended by itself."""
        for process in self._processes:
            if not process.running():
                raise AssertionError(f"expected it to run on, but it ended:\n{process.logged()[-3000:]}")
        stats = self._endpoint.stats()
        pids = [process.popen.pid for process in self._processes]
        cpu = {
            "own": sum(map(system.cpu_seconds, pids)),
            "endpoint": system.cpu_seconds(self._endpoint.popen.pid),
            "broker": system.cpu_seconds(self._stage.pid),
            "machine": system.machine_seconds(),
        }
        refused = sum(count for status, count in stats["calls"].items() if status != "200")
        rss = sum(system.memory(pid)[0] for pid in pids)
        sample = Sample(time.monotonic(), stats["events"], stats["accepted_calls"], refused, cpu, rss)
        self.samples.append(sample)
        return sample

    def until(self, done: Callable[[Sample], bool], seconds: float, interval: float = INTERVAL) -> bool:
        """Take samples until one is the last, or time is up; whether it came to that."""
        deadline = time.monotonic() + seconds
        while not done(self.look()):
            if time.monotonic() > deadline:
                return False
            time.sleep(interval)
        return True

    def peak(self) -> int:
        """The most memory that the contender has held, in bytes."""
        return sum(system.memory(process.popen.pid)[1] for process in self._processes)


def run(stage: Stage, order: Order, interval: float = INTERVAL) -> tuple[dict[str, Any], list[Sample]]:
    """One run of a backlog: its figures, and the samples that they come from."""
    load = system.load_average()
    with ExitStack() as processes:
        endpoint = processes.enter_context(Endpoint(stage.folder, *order.endpoint))
        process = processes.enter_context(start(stage, order, endpoint.url))
        watch = Watch(stage, endpoint, process)
        watch.until(lambda sample: sample.events > 0, START_SECONDS)
        records = order.records or sys.maxsize
        finished = watch.until(lambda sample: sample.events >= records, order.seconds, interval)
        row = figures(watch.samples, order.best_fill, system.cores(), order.quota)
        row |= {"peak_mib": watch.peak() / MIB, "finished": finished, "load_average": load}
    if order.records and not finished:
        # The connector sends full calls first: what it did of a part says nothing about the whole.
        row["over_fewest"] = None
    return {"contender": order.contender, "topic": order.topic, **row}, watch.samples


def tell(row: Mapping[str, Any]) -> None:
    """A line on stderr about what was just measured: a run takes minutes, and silence looks like hanging."""
    kept = (
        *("scenario", "stream", "side", "round", "contender", "topic", "latency", "linger", "events_per_second"),
        *("cpu_per_event", "events_per_call", "over_fewest", "bound"),
    )
    shown = {name: round(row[name], 2) if isinstance(row[name], float) else row[name] for name in kept if name in row}
    sys.stderr.write(json.dumps(shown) + "\n")
