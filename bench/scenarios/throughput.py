"""A backlog, all contenders, both streams: with an endpoint that takes whatever comes, and with AWS's quota."""

from collections.abc import Mapping
from typing import Any

from bench.figures import middle_run
from bench.runs import UNBOUNDED, Order, run, tell
from bench.sizes import Sizes
from bench.stage import Stage, fill
from bench.streams import SHAPES, Fewest, clicks

POLL = 500  # records a poll, the default of Kafka's own consumer (max.poll.records), which most people keep
QUOTA = 1_000  # calls a second: what AWS gives a dataset group


class Topics:
    """The filled topics, each written once: what is asked for first pays."""

    def __init__(self, stage: Stage, records: int, seed: int) -> None:
        self.records = min(records, stage.most_records or records)
        self._stage = stage
        self._seed = seed
        self._filled: dict[str, Fewest] = {}

    def fewest(self, name: str) -> Fewest:
        """The fewest calls for the stream of this name, in the topic of this name."""
        if name not in self._filled:
            self._filled[name] = fill(self._stage, name, clicks(SHAPES[name], self._seed, self.records))
        return self._filled[name]

    def best_fill(self, name: str) -> float:
        """Events a call of the fewest possible calls."""
        fewest = self.fewest(name)
        return fewest.events / fewest.calls


def unbounded(stage: Stage, topics: Topics, sizes: Sizes) -> list[dict[str, Any]]:
    """No quota, 20 ms a call. The hand-written ones get a slice of time: their rates do not depend on how long."""
    rows = []
    for stream in SHAPES:
        for contender, repeats in (
            ("naive", 1),
            ("grouped", sizes.repeats),
            ("grouped-2000", 1),
            ("putevents", sizes.repeats),
        ):
            order = order_of(contender, stream, topics, sizes, UNBOUNDED)
            row = middle_run([run(stage, order)[0] for _ in range(repeats)])
            tell(row)
            rows.append(row)
    return rows


def quota(stage: Stage, topics: Topics, sizes: Sizes) -> list[dict[str, Any]]:
    """1,000 calls a second, as AWS gives them, at two latencies: what is left to win is calls."""
    rows = []
    for latency in sizes.latencies:
        for stream in SHAPES:
            for contender in ("grouped", "putevents"):
                order = within_quota(contender, stream, topics, sizes, latency)
                row = {**run(stage, order)[0], "latency": f"{latency} ms"}
                tell(row)
                rows.append(row)
    return rows


def order_of(contender: str, stream: str, topics: Topics, sizes: Sizes, delivery: Mapping[str, Any]) -> Order:
    """The run of a contender over the topic of a stream: ours carries all of it, the others run for a slice of time."""
    ours = contender == "putevents"
    return Order(
        contender,
        stream,
        topics.best_fill(stream),
        topics.records if ours else None,
        sizes.deadline if ours else sizes.seconds,
        delivery=delivery,
        consume=(2_000 if contender == "grouped-2000" else POLL, 1.0),
    )


def within_quota(contender: str, stream: str, topics: Topics, sizes: Sizes, latency: int) -> Order:
    """The same under AWS's quota: an answer takes so many ms, and every setting of ours is at its default."""
    endpoint = ("--latency", f"{latency}ms", "--quota", str(QUOTA))
    return order_of(contender, stream, topics, sizes, {})._replace(endpoint=endpoint, quota=QUOTA)
