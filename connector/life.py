"""What the probes and the page answer while the process starts, runs and ends: before there is a loop, and after it.

A process that is refused would be gone within a second, and Prometheus would hardly ever see it. So it answers a little
longer: alive, not ready, with the reason on the page and in the metrics, while it does nothing else.
"""

import re

from connector.ending import Refusal
from connector.loop import Loop
from connector.metrics import Metrics
from connector.ports import Environment
from connector.server import Health
from connector.status import Board, Facts
from connector.status.model import Condition, Kind, Lags, View

STALLED = 60.0  # seconds without a step after which the process is not alive
STARTING = 120.0  # seconds that may pass before the first step: credentials, and a broker that is waited for
_LABEL = re.compile(r"[\w .:-]{1,80}", re.ASCII)  # a proxy's page may call anything a code


class Life:
    """Answers for the process; asked from other threads than the loop's.

    Args:
        facts: what the page shows before there is a board.
        metrics: where a refusal is counted.
        environment: clocks.
    """

    def __init__(self, facts: Facts, metrics: Metrics, environment: Environment) -> None:
        self._metrics = metrics
        self._environment = environment
        self._began = environment.clock()
        self._loop: Loop | None = None
        self._board: Board | None = None
        self._view = View(facts, facts.started, (Condition(Kind.CONNECTING, facts.started),), Lags())
        self._refusal: Refusal | None = None

    def runs(self, loop: Loop, board: Board) -> None:
        """The loop and its board exist: from now on they answer."""
        self._loop, self._board = loop, board

    def refused(self, refusal: Refusal) -> None:
        """The process will end with this refusal; the first counts. The page keeps the last numbers below it."""
        if self._refusal is not None:
            return
        wall = self._environment.wall()
        view = self._board.latest if self._board is not None else self._view
        reason = Condition(Kind.REFUSED, wall, refusal.reason)
        self._view = view._replace(at=wall, conditions=(reason,), in_flight=0)
        self._metrics.refused.labels(refusal.by, refusal.code if _LABEL.fullmatch(refusal.code) else "other").set(1)
        self._refusal = refusal

    def alive(self) -> Health:
        """False where a restart would help."""
        if self._refusal is not None:
            return Health(True, "stopped by a refusal; ends soon")
        if self._loop is None:
            silent = self._environment.clock() - self._began
            return Health(silent < STARTING, f"started {silent:.1f} s ago")
        silent = self._environment.clock() - self._loop.ticked_at
        return Health(silent < STALLED, f"the loop turned {silent:.1f} s ago")

    def ready(self) -> Health:
        """Whether it has joined its group, and may stay there."""
        if self._refusal is not None:
            return Health(False, self._refusal.reason)
        if self._loop is None:
            return Health(False, "starting: waiting for Kafka to answer")
        joined = self._loop.joined
        return Health(joined, "in the consumer group" if joined else "waiting to join the consumer group")

    def view(self) -> View:
        """What the page shows."""
        return self._view if self._refusal is not None or self._board is None else self._board.view()
