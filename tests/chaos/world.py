"""One scenario's world: a topic, its dead letters, an endpoint that misbehaves on order, members that come and go.

A scenario makes it, breaks things in it, and calls `World.finish`: everything is waited for, stopped and judged there.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from tests.chaos.feed import Feed
from tests.chaos.judgement import Evidence, Figures, Letter, judge
from tests.chaos.watcher import Watcher
from tests.support.processes import Connector, Endpoint, wait_until
from tests.support.traffic import PARTITIONS, configuration, dead_letters_in, produce, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from tests.chaos.streams import Row
    from tests.support.kafka.admin import Kafka
    from tests.support.traffic import Expected

MIB = 2**20
MEMORY = 160 * MIB  # of a member, in any scenario; docs/operations.md promises 150 at rest of chaos
MEMBERSHIP: Mapping[str, Any] = {
    # A member that is killed is noticed after three seconds, and one whose loop stood still for six is thrown out.
    "session.timeout.ms": 3_000,
    "heartbeat.interval.ms": 500,
    "max.poll.interval.ms": 6_000,
    "topic.metadata.refresh.interval.ms": 1_000,
    "reconnect.backoff.max.ms": 500,
}
# Four commits where there would be one: more that may be wrong, and less to wait for at the end.
QUICK: Mapping[str, Any] = {"commit_interval": "250ms"}
QUIET: Mapping[str, Any] = {"latency": "10ms-30ms", "poison_prefix": "poison-"}


class World:
    """Made whole, and ended whole, whatever happens in between.

    Args:
        kafka: the brokers.
        folder: for configurations and logs.
        seed: of the endpoint's chance and of the traffic.
        faults: what the endpoint does wrong from the start; see `connector.local.endpoint.faults`.
        partitions, replication: of the topic.
        topic, dead_letters: settings of the two topics, as `Kafka.create_topic` takes them.
        delivery: settings of every member.
        rule: more members of PutEvents for the one rule.

    Attributes:
        placed: (partition, offset) → what must come of the record there.
        members: those that are to be running now.
    """

    def __init__(
        self,
        kafka: Kafka,
        folder: Path,
        seed: int,
        *,
        faults: Mapping[str, Any] = QUIET,
        partitions: int = PARTITIONS,
        replication: int = 1,
        topic: Mapping[str, str] | None = None,
        dead_letters: Mapping[str, Any] | None = None,
        delivery: Mapping[str, Any] | None = None,
        rule: Mapping[str, Any] | None = None,
    ) -> None:
        self.kafka = kafka
        self.seed = seed
        self.placed: dict[tuple[int, int], Expected] = {}
        self.members: list[Connector] = []
        self._folder = folder
        self._numbers = count(1)
        self._standstills: list[tuple[float, float]] = []
        self._feeds: list[Feed] = []
        self._ledger = folder / "accepted.jsonl"
        # The brokers take as long to make two topics as the endpoint takes to start.
        with ExitStack() as stack, ThreadPoolExecutor() as pool:
            made = pool.submit(
                kafka.create_topic, kafka.unique_name("clicks"), partitions, replication, **(topic or {})
            )
            settings: dict[str, Any] = {"replication": replication, **(dead_letters or {})}
            dead = pool.submit(kafka.create_topic, kafka.unique_name("dead"), **settings)
            self.endpoint = stack.enter_context(
                Endpoint(folder, "--log", str(self._ledger), "--ids", "--seed", str(seed))
            )
            self.topic, self.dead_letters = made.result(), dead.result()
            self._stack = stack.pop_all()
        self.endpoint.control(**faults)
        self.config = configuration(
            kafka, self.topic, self.dead_letters, self.endpoint.url, **QUICK, **(delivery or {})
        )
        self.config["kafka"]["bootstrap_servers"] = kafka.bootstrap_servers.split(",")
        self.config["kafka"]["librdkafka"] = dict(MEMBERSHIP)
        self.config["pipelines"][0]["rules"][0]["put_events"] |= rule or {}
        self.watcher = Watcher(
            kafka.bootstrap_servers,
            self.config["kafka"]["group_id"],
            self.topic,
            self.dead_letters,
            partitions,
            lambda: int(self.endpoint.stats()["events"]),
            lambda: {member.log.stem: member.popen.pid for member in list(self.members) if member.running()},
        )
        self.watcher.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for feed in self._feeds:
            feed.stop()
        if self.watcher.is_alive():
            self.watcher.stop()
        self._stack.close()

    # -- traffic ----------------------------------------------------------------------------------------------

    def write(self, records: Iterator[Row]) -> int:
        """Write records as fast as it goes; how many."""
        placed = produce(self.kafka, self.topic, records)
        self.placed |= placed
        return len(placed)

    def feed(self, rate: float, sessions: int = 300, records: Iterable[Row] | None = None, **options: Any) -> Feed:
        """Write records at a rate from now on, until the feed is stopped or the world is finished."""
        rows = stream(10_000_000, sessions, self.seed) if records is None else records
        feed = Feed(self.kafka.bootstrap_servers, self.topic, rows, rate, self.placed, **options)
        self._feeds.append(feed)
        feed.start()
        return feed

    @property
    def accepted(self) -> int:
        """How many rows the endpoint's ledger has."""
        return int(self.endpoint.stats()["events"])

    @property
    def distinct(self) -> int:
        """How many events have been accepted, repeats not counted."""
        return int(self.endpoint.stats()["distinct_ids"])

    # -- members ----------------------------------------------------------------------------------------------

    def join(self, **environment: str) -> Connector:
        """Start one more member."""
        name = f"member-{next(self._numbers)}"
        member = self._stack.enter_context(Connector(self._folder, self.config, name, **environment))
        self.members.append(member)
        return member

    def kill(self, member: Connector) -> None:
        """End a member by SIGKILL."""
        self.members.remove(member)
        assert member.running(), f"ended by itself:\n{member.logged()[-3000:]}"
        member.kill()

    def leave(self, member: Connector, seconds: float = 30) -> int:
        """End a member by SIGTERM; its exit code."""
        self.members.remove(member)
        assert member.running(), f"ended by itself:\n{member.logged()[-3000:]}"
        return member.stop(seconds)

    def leave_all(self) -> None:
        """End all members at once, each in good order."""
        members = list(self.members)
        with ThreadPoolExecutor() as pool:
            codes = list(pool.map(self.leave, members))
        for member, code in zip(members, codes, strict=True):
            assert code == 0, member.logged()[-3000:]

    def all_running(self) -> bool:
        """True; AssertionError with the end of its log where a member ended by itself."""
        for member in self.members:
            assert member.running(), f"{member.log.stem} ended with {member.popen.poll()}:\n{member.logged()[-3000:]}"
        return True

    # -- time -------------------------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for something, and fail as soon as a member ends by itself."""
        wait_until(condition, seconds, what, self.all_running)

    def let_pass(self, seconds: float) -> None:
        """Let time pass, and fail as soon as a member ends by itself."""
        until = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= until, seconds + 10, "time to pass")

    def wait_for_progress(self, events: int = 1, seconds: float = 90) -> None:
        """Wait until so many events more are accepted."""
        target = self.accepted + events
        self.wait(lambda: self.accepted >= target, seconds, f"{events} more events")

    def wait_for_no_lag(self, seconds: float) -> None:
        """Wait until everything is committed."""

        def caught_up() -> bool:
            seen = self.watcher.look()
            return seen is not None and seen.lag == 0

        self.wait(caught_up, seconds, "no lag")

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """In this block nothing needs to move."""
        start = time.monotonic()
        try:
            yield
        finally:
            self._standstills.append((start, time.monotonic()))

    # -- the end ----------------------------------------------------------------------------------------------

    def evidence(self) -> Evidence:
        """End the traffic, the watcher and the endpoint, and collect what there is to judge."""
        for feed in self._feeds:
            feed.stop()
        with ThreadPoolExecutor() as pool:
            letters = pool.submit(self.letters)
            self.watcher.stop()
            self.endpoint.stop(10)
            return Evidence(self.placed, self.rows(), letters.result(), self.watcher.observations, self._standstills)

    def rows(self) -> list[dict[str, Any]]:
        """The events that were accepted, in order, as far as the endpoint has written them down."""
        return [row for row in self._accepted() if "operation" not in row]

    def entries(self) -> list[dict[str, Any]]:
        """The same of users, items and what else other operations take."""
        return [row for row in self._accepted() if "operation" in row]

    def _accepted(self) -> list[dict[str, Any]]:
        with self._ledger.open("rb") as ledger:
            return [json.loads(line) for line in ledger]

    def letters(self) -> list[Letter]:
        """The dead letters, in order."""
        return [
            Letter(
                (int(headers["putevents.source.partition"]), int(headers["putevents.source.offset"])),
                headers["putevents.error.reason"],
            )
            for headers, _ in dead_letters_in(self.kafka, self.dead_letters)
        ]

    def finish(self, seconds: float = 150, memory: int = MEMORY) -> Figures:
        """Stop the traffic, wait until all is done, let the members leave in good order, and judge."""
        for feed in self._feeds:
            feed.stop()
        self.wait_for_no_lag(seconds)
        self.leave_all()
        return judge(self.evidence(), memory)
