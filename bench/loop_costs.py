"""What a record costs in the loop: all of ours but Kafka and AWS, which are the fakes of the loop's own tests.

Two runs over the same records. The first is only timed as a whole. In the second, the functions of each stage note
their own time, less that of what they call and less what the noting costs; that gives shares, and the shares of the
first run's time are what is printed. A function that is not there any more is told, not guessed.
"""

import gc
import importlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from bench.runs import NO_LIMIT, configuration
from bench.stage import PARTITIONS, Stage
from bench.streams import SHAPES, clicks
from connector import logs
from connector.config import Loaded, load_text
from connector.core.mapping.transform import Router
from connector.core.records import Record, TopicPartition, Transform
from connector.core.sending.backpressure import Bounds
from tests.support.fakes import EPOCH, Harness
from tests.support.simulation import USUAL

RECORDS = 20_000
ROUNDS = 3  # of which the quickest counts: what else the machine does can only add
BUFFER = 20_000  # events, as by default
IN_FLIGHT = 64
LATENCY = 0.02
_CALIBRATION = 100_000
_TOPIC = "clicks"
REST = "the loop itself"
TRANSFORM = "transform"
FAKES = "(the fakes)"

# Stage → functions, as module and dotted name.
STAGES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "offsets": (
            *(("connector.core.sending.offsets", f"Offsets.{name}") for name in ("track", "committable", "committed")),
            *(
                ("connector.core.sending.offsets", f"OpenRecord.{name}")
                for name in ("close", "await_entries", "settle_entry")
            ),
        ),
        "lanes": tuple(
            ("connector.core.sending.destinations", f"Destinations.{name}")
            for name in ("add", "take", "settle", "ready_at", "confirmed")
        ),
        "backpressure": (
            *(
                ("connector.core.sending.backpressure", name)
                for name in ("Backpressure.decide", "Backpressure.room", "Backpressure.all_paused")
            ),
            ("connector.loop", "Loop._apply_backpressure"),
        ),
        "settle": tuple(("connector.delivery", f"Delivery.{name}") for name in ("accept", "_settle", "_settled")),
        "metrics": (
            *(("connector.counters", name) for name in ("_Family.labels", "Distribution.observe")),
            *(("prometheus_client", name) for name in ("Counter.inc", "Gauge.set")),
            ("prometheus_client.metrics", "MetricWrapperBase.labels"),
        ),
        FAKES: (
            *(("tests.support.fakes", f"FakeSource.{name}") for name in ("poll", "commit", "committed", "end_offsets")),
            *(("tests.support.fakes", name) for name in ("FakeSender.submit", "FakeSender.wait")),
            ("tests.support.fakes", "FakeDeadLetters.acknowledged"),
        ),
    }
)


class Times:
    """Own time of each stage, in seconds, and how often it was entered."""

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._inner = 0.0  # seconds of what the function under way has called
        self._inside = self._environment = 0.0  # seconds that the noting of one call costs: its own time, its caller's
        self._calibrate()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, noting its time for a stage."""
        clock = time.perf_counter

        def noting(*arguments: Any, **options: Any) -> Any:
            before, self._inner = self._inner, 0.0
            began = clock()
            try:
                return function(*arguments, **options)
            finally:
                elapsed = clock() - began
                self.own[stage] += elapsed - self._inner - self._inside  # type: ignore[assignment]  # counts seconds
                self.calls[stage] += 1
                self._inner = before + elapsed + self._environment

        return noting

    def _calibrate(self) -> None:
        nothing = self.timed("", lambda: None)
        began = time.perf_counter()
        for _ in range(_CALIBRATION):
            nothing()
        whole = (time.perf_counter() - began) / _CALIBRATION
        self._inside = self.own[""] / _CALIBRATION
        self._environment = whole - self._inside
        self.own.clear()
        self.calls.clear()
        self._inner = 0.0


@contextmanager
def noted(times: Times) -> Iterator[list[str]]:
    """Every function of the table notes its time while the block runs; gives those that are not there."""
    missing, undo = [], []
    for stage, functions in STAGES.items():
        for module, dotted in functions:
            owner_name, _, name = dotted.rpartition(".")
            owner = getattr(importlib.import_module(module), owner_name, None)
            function = getattr(owner, name, None)
            if owner is None or function is None or isinstance(function, property):
                missing.append(f"{module}.{dotted}")
                continue
            undo.append((owner, name, function))
            setattr(owner, name, times.timed(stage, function))
    try:
        yield missing
    finally:
        for owner, name, function in undo:
            setattr(owner, name, function)


def _router() -> Router:
    stage = Stage("localhost:9092", None, "", Path(), None, lambda _: None)
    text = yaml.safe_dump(configuration(stage, _TOPIC, "http://localhost", "costs"))
    loaded = load_text(text, "costs.yaml", {})
    if not isinstance(loaded, Loaded):
        raise TypeError(f"expected a valid file: {loaded}")
    return Router(loaded.pipelines())


def _harness(transform: Transform, records: list[tuple[int, Record]]) -> Harness:
    limits = USUAL._replace(linger=1.0, requests_per_second=NO_LIMIT)
    harness = Harness(limits, Bounds(BUFFER, 64 << 20, BUFFER), transform, max_in_flight=IN_FLIGHT)
    harness.sender.latency = LATENCY
    for partition, record in records:
        harness.source.logs.setdefault(TopicPartition(_TOPIC, partition), []).append(record)
    return harness


def _records(shape: str, seed: int) -> list[tuple[int, Record]]:
    found, ends = [], [0] * PARTITIONS
    for click in clicks(SHAPES[shape], seed, RECORDS):
        partition = int(click.session[2:10]) % PARTITIONS
        key = click.session.encode()
        record = Record(_TOPIC, partition, ends[partition], int(EPOCH * 1000), key, click.value)
        ends[partition] += 1
        found.append((partition, record))
    return found


def _drive(harness: Harness) -> float:
    """Carry all records to their end; seconds of CPU."""
    harness.assign(*harness.source.logs)
    gc.collect()
    gc.freeze()  # as the connector does
    gc.set_threshold(50_000, 20, 20)
    began = time.process_time()
    while len(harness.sender.delivered) < RECORDS:
        harness.loop.step()
    return time.process_time() - began


def costs(shape: str, seed: int) -> tuple[dict[str, tuple[float, float]], float, list[str]]:
    """Stage to (µs, calls) a record, the calls to AWS's fake a record, and what the table names in vain."""
    router, records = _router(), _records(shape, seed)
    whole, calls = min(_untouched(router, records) for _ in range(ROUNDS))
    times, missing = min((_noting(router, records) for _ in range(ROUNDS)), key=lambda each: each[0].own.total())
    seconds = times.own.total()
    rows = {
        stage: (whole * times.own[stage] / seconds / RECORDS * 1e6, times.calls[stage] / RECORDS)
        for stage in (TRANSFORM, *STAGES, REST)
    }
    return rows, calls / RECORDS, missing


def _untouched(router: Transform, records: list[tuple[int, Record]]) -> tuple[float, int]:
    """Seconds of CPU for all records, and how many calls they took."""
    harness = _harness(router, records)
    return _drive(harness), len(harness.sender.calls)


def _noting(router: Transform, records: list[tuple[int, Record]]) -> tuple[Times, list[str]]:
    times = Times()
    with noted(times) as missing:
        harness = _harness(times.timed(TRANSFORM, router), records)
        step = times.timed(REST, harness.loop.step)
        harness.loop.step = step  # type: ignore[method-assign]  # what no stage notes is the loop's own
        _drive(harness)
    return times, missing


def print_costs(seed: int) -> int:
    """The table for both streams; the exit code."""
    logs.configure("error", "text")
    for shape in SHAPES:
        rows, calls, missing = costs(shape, seed)
        ours = sum(cost for stage, (cost, _) in rows.items() if stage != FAKES)
        sys.stdout.write(f"{shape} sessions: {ours:.1f} µs a record without the fakes, {1 / calls:.2f} events a call\n")
        for stage, (cost, entered) in rows.items():
            sys.stdout.write(f"  {stage:16} {cost:6.2f} µs   entered {entered:5.2f} times\n")
        for name in missing:
            sys.stdout.write(f"  not there any more: {name}\n")
    return 0
