"""This checkout's connector beside another one: alternating, on one broker, over the same topics and endpoints."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import MappingProxyType
from typing import Any

from bench import programs, system
from bench.programs import THIS, Side
from bench.runs import UNBOUNDED, Order, run, tell
from bench.scenarios.light import LINGERING, one
from bench.scenarios.throughput import Topics, order_of, within_quota
from bench.sizes import Sizes
from bench.stage import Stage, open_stage
from bench.streams import SHAPES

LATENCY = 20  # ms
ROUNDS = 5
SHARES = ("quota_used",)  # figures that are shares, and are written in percent
Row = dict[str, Any]


class Ground:
    """What both sides are measured on. The broker starts once somebody asks for it: the loop alone needs none."""

    def __init__(self, stack: ExitStack, sizes: Sizes, seed: int, rounds: int, *, mock: bool) -> None:
        self.sizes = sizes
        self.seed = seed
        self._stack = stack
        self._live_topics = 2 * rounds
        self._mock = mock
        self._topics: Topics | None = None
        self._stage: Stage | None = None

    @property
    def stage(self) -> Stage:
        """The running broker."""
        if self._stage is None:
            self._stage = self._stack.enter_context(open_stage(mock=self._mock, live_topics=self._live_topics))
        return self._stage

    @property
    def topics(self) -> Topics:
        """Its filled topics."""
        if self._topics is None:
            self._topics = Topics(self.stage, self.sizes.records, self.seed)
        return self._topics

    @property
    def origin(self) -> str:
        """Which broker it was."""
        return "none" if self._stage is None else self._stage.origin


Trial = Callable[[Ground, Side], Mapping[str, Row]]  # stream to figures


def _costs(_: Ground, side: Side) -> Mapping[str, Row]:
    return {stream: {"cpu_per_event": cost} for stream, cost in programs.costs(side).items()}


def _unbounded(ground: Ground, side: Side, stream: str) -> Mapping[str, Row]:
    return _run(ground, side, order_of("putevents", stream, ground.topics, ground.sizes, UNBOUNDED))


def _quota(ground: Ground, side: Side, stream: str) -> Mapping[str, Row]:
    return _run(ground, side, within_quota("putevents", stream, ground.topics, ground.sizes, LATENCY))


def _light(ground: Ground, side: Side) -> Mapping[str, Row]:
    row = one(ground.stage, LINGERING, ground.seed, ground.sizes.live_seconds, side.putevents)
    return {"short": _finished(row, ground.sizes.live_seconds)}


def _run(ground: Ground, side: Side, order: Order) -> Mapping[str, Row]:
    row, _ = run(ground.stage, order._replace(program=side.putevents))
    return {order.topic: _finished(row, order.seconds)}


def _finished(row: Row, seconds: float) -> Row:
    if not row["finished"]:
        # What was done of a part is done in full calls, so it says nothing about the whole.
        raise RuntimeError(f"expected every record to be delivered within {seconds:g} s, and some were not")
    return row


# What is taken in turns: the two runs of a trial in a round follow each other.
TRIALS: Mapping[str, Sequence[Trial]] = MappingProxyType(
    {
        "costs": (_costs,),
        "unbounded": tuple(partial(_unbounded, stream=stream) for stream in SHAPES),
        "quota": tuple(partial(_quota, stream=stream) for stream in SHAPES),
        "light": (_light,),
    }
)


def rounds(
    ground: Ground, sides: Sequence[Side], names: Sequence[str], number: int, failed: list[str]
) -> Iterator[Row]:
    """The rows of all rounds. A run that failed has none: it must not cost the others their time."""
    trials = [(name, trial) for name in names for trial in TRIALS[name]]
    for index in range(number):
        # Who begins changes, so that a machine that becomes busier slows neither one more.
        order = sides if index % 2 else sides[::-1]
        for name, trial in trials:
            for side in order:
                try:
                    found = trial(ground, side)
                except (AssertionError, RuntimeError, ValueError) as error:
                    failed.append(f"{name} of {side.name}, round {index + 1}: {error}")
                    sys.stderr.write(f"failed: {failed[-1]}\n")
                    continue
                for stream, row in found.items():
                    kept = {"scenario": name, "stream": stream, "side": side.name, "round": index + 1, **_percent(row)}
                    tell(kept)
                    yield kept


def _percent(row: Row) -> Row:
    """Its shares in percent, as they are written, the one of a core among the figures."""
    shares = {name: 100 * row[name] for name in SHARES if row.get(name) is not None}
    if "cores" in row:
        shares["core"] = 100 * row["cores"]["own"]
    return {**row, **shares}


def compare(other: str, names: Sequence[str], number: int, sizes: Sizes, seed: int, *, mock: bool) -> dict[str, Any]:
    """The result of a comparison: what the sides are, and a row for each run.

    Raises:
        ValueError: there is no connector at ``other``; the message says what was expected.
    """
    sides = (programs.side_of(other), THIS)
    told = [programs.facts(side) for side in sides]
    began, machine = time.monotonic(), system.machine()
    with ExitStack() as stack:
        ground = Ground(stack, sizes, seed, number, mock=mock)
        failed: list[str] = []
        rows = list(rounds(ground, sides, names or tuple(TRIALS), number, failed))
        origin = ground.origin
    return {
        "machine": machine,
        "broker": origin,
        "seed": seed,
        "sizes": sizes._asdict(),
        "seconds": time.monotonic() - began,
        "sides": told,
        "rows": rows,
        "failed": failed,
    }
