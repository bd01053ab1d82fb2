"""Views to render: a busy one, an empty one, and a loop that is looked at."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from connector.core.records import Reason, Rejection, Stage, TopicPartition
from connector.kafka.dead_letters import Buried
from connector.ports import Polled
from connector.status.board import Board
from connector.status.model import (
    Condition,
    Facts,
    Kind,
    Lags,
    Letter,
    Pacing,
    PartitionLag,
    Point,
    Registry,
    Totals,
    View,
)
from connector.watch import Watch
from tests.support.fakes import EPOCH, QUICK, ROOMY, Clock, FakeDeadLetters, FakeSource, Harness, transform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.records import Transform
    from connector.core.sending.backpressure import Bounds
    from connector.core.sending.destination import Limits
    from connector.core.sending.offsets import OpenRecord
    from connector.ports import SchemaFetcher

NOW = 1_795_500_900.0
FACTS = Facts(
    version="1.2.3",
    config_hash="0123456789ab",
    group_id="personalize-clicks",
    topics=("clicks", "^shop\\..*"),
    endpoint="https://personalize-events.eu-west-1.amazonaws.com",
    dead_letter_topic="clicks.dead-letter",
    started=NOW - 86_400,
    ceiling=200.0,
    max_in_flight=32,
    max_buffered_events=10_000,
)
EMPTY = View(FACTS, NOW, (Condition(Kind.STARTING, NOW - 3),), Lags())


def busy(partitions: int = 12) -> View:
    """Throttled, behind, with history and dead letters."""
    rows = tuple(
        PartitionLag(TopicPartition("clicks", number), 1000 - number, 60.0 - number, 12, paused=number == 0)
        for number in range(min(partitions, 50))
    )
    points = tuple(
        Point(NOW - 5 * back, 100.0 + back, 20.0, 0.04, 0.09, 1.5 if back % 9 else None) for back in range(179, -1, -1)
    )
    rejection = Rejection(
        Stage.MAP, Reason.MISSING_MEMBER, "itemId: expected a text, not null", "itemId", "web", "view"
    )
    return View(
        FACTS,
        NOW,
        (Condition(Kind.THROTTLED, NOW - 75, "tracker-1"), Condition(Kind.PAUSED, NOW - 20, "1 of 12 partitions")),
        Lags(partitions, 12_345, 60.0, rows),
        (
            Pacing("tracker-1", 1, 41.5, 50.0, 200.0, 8, 640, 0),
            Pacing("(taken from records)", 7, None, 1400, 1400, 0, 0, 2),
        ),
        Totals(
            100_000,
            (("delivered", 90_000), ("filtered", 9_000), ("skipped", 900), ("dead_lettered", 100)),
            90_000,
            3,
            (("ok", 30_000), ("throttled", 1_000), ("timeout", 0)),
            (10_000, 5_000, 0, 0, 1_000, 0, 0, 0, 0, 5_000),
        ),
        points,
        (Letter(NOW - 12, TopicPartition("clicks", 3), 41, rejection),),
        2,
        700,
        640,
        8,
        Registry(NOW - 90, "no connection", 2, 31, ("schema 7", "schema 8")),
    )


class RememberingLetters(FakeDeadLetters):
    """Dead letters that remember the latest, as the real ones do."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.latest: deque[Buried] = deque(maxlen=20)
        self.trouble = ""

    def acknowledged(self) -> Sequence[tuple[OpenRecord, Rejection]]:
        done = super().acknowledged()
        self.latest += [Buried(self.clock.now, each.owner.topic_partition, each.offset, why) for each, why in done]
        return done


class UnreachableSource(FakeSource):
    """One that brings nothing while no broker answers."""

    def poll(self, limit: int, timeout: float) -> Polled:
        if self.reached.away_since is not None:
            self.clock.wait(timeout)
            return Polled()
        return super().poll(limit, timeout)


class Looked(Harness):
    """A loop with a board that looks at it once a second of the simulated clock."""

    def __init__(
        self,
        limits: Limits = QUICK,
        bounds: Bounds = ROOMY,
        transform: Transform = transform,
        fetcher: SchemaFetcher | None = None,
    ) -> None:
        super().__init__(limits, bounds, transform, fetcher)
        self.stopping = False
        self.source = self.loop._source = UnreachableSource(self.clock)
        self.dead_letters = letters = RememberingLetters(self.clock)
        self.loop.delivery._dead_letters = letters
        facts = FACTS._replace(started=EPOCH + self.clock.now)
        self.metrics.initialise(["clicks"], [("web", "view")])
        looked_at = (self.loop, self.source, letters)
        self.board = Board(facts, *looked_at, self.metrics, self.environment, lambda: self.stopping)
        self.watch = Watch(self.loop, self.source, self.metrics, self.environment, self.board.look)

    def set_wall(self, seconds: float) -> None:
        """Whoever keeps the machine's time sets it by so much."""
        self.environment = self.environment._replace(wall=lambda: EPOCH + self.clock.now + seconds)
        self.board._environment = self.watch._environment = self.environment

    def pass_time(self, seconds: float) -> View:
        """Run so long, looking after each step; what the page shows then."""
        until = self.clock.now + seconds
        while self.clock.now < until and not self.loop.fatal:
            self.loop.step()
            self.watch.look()
        return self.board.view()

    @property
    def kinds(self) -> list[str]:
        return [condition.kind.value for condition in self.board.view().conditions]
