"""Calls whose entries name their own user, session or id: up to ten of any lanes go together, the oldest first.

What a lane keeps in order is the same as in lanes.py: one call of a lane is in flight at most. A lane here is a session
of action interactions, of which several entries may go in one call, or (versions.py) the id of a user, an item or an
action, of which a call takes one.

A call that the service rejects is tried again in halves: each of its lanes remembers how large its next call may be, so
that they are as many as those that a lane of its own would need.
"""

import heapq
import math
from collections.abc import Callable

from connector.core.operations import Operation
from connector.core.records import MAX_EVENTS_PER_CALL
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.offsets import OpenRecord

_VOID_PLACES = 64  # kept in a queue before it is worth sweeping


class MixedLane:
    """The queue of one lane. The first ``in_flight`` entries stay at its head until their call is settled.

    ``replaced`` are records whose entry is let go, and which close together with a later entry of the lane; the first
    ``replaced_in_flight`` of them with what is in flight. Only versions.py has any.
    """

    __slots__ = (
        "attempts",
        "in_flight",
        "items",
        "limit",
        "name",
        "not_before",
        "replaced",
        "replaced_in_flight",
        "since",
        "since_next",
        "suspects",
        "ticket",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: list[Item] = []
        self.in_flight = 0
        self.replaced: list[OpenRecord] = []
        self.replaced_in_flight = 0
        self.since = 0.0  # when the oldest of what goes next came
        self.since_next = 0.0  # the same of what came since it went
        self.attempts = 0
        self.not_before: float | None = None  # set while a retry waits
        self.limit = MAX_EVENTS_PER_CALL  # of the call that takes it next
        self.suspects = 0  # how many at the head were in a call that the service rejected
        self.ticket = 0  # the only valid place in a queue; 0 where it stands in none


_Place = tuple[float, int, MixedLane]  # when, which ticket, whose; void once the lane holds another ticket


class MixedLanes:
    """All lanes of one operation and one target.

    Args:
        operation, target: whose.
        linger: seconds that an entry may wait to be batched with others.
    """

    def __init__(self, operation: Operation, target: str, linger: float) -> None:
        self.target = target
        self.draining = False
        self._operation = operation
        self._linger = linger
        self._lanes: dict[str, MixedLane] = {}
        self._ready: list[_Place] = []  # a heap by when linger ends
        self._delayed: list[_Place] = []  # a heap by when a retry may go
        self._tickets = 0
        self._waiting = 0
        self._ready_entries = 0  # that a call could take now
        self._let_go: list[OpenRecord] = []

    def __len__(self) -> int:
        """How many lanes there are: none is kept without entries."""
        return len(self._lanes)

    @property
    def waiting(self) -> int:
        """How many entries there are, those in flight included."""
        return self._waiting

    def add(self, item: Item) -> None:
        """Put an entry at the end of its lane."""
        name = item.entry.lane
        lane = self._lanes.get(name)
        self._waiting += 1
        if lane is None:
            lane = self._lanes[name] = MixedLane(name)
        if len(lane.items) == lane.in_flight:
            lane.since_next = item.since
            if not lane.in_flight:
                lane.since = item.since
        before = self._takes(lane)
        lane.items.append(item)
        if lane.in_flight or lane.not_before is not None:
            return
        if lane.ticket:
            self._ready_entries += self._takes(lane) - before
        else:
            self._queue(lane)

    def let_go(self) -> list[OpenRecord]:
        """The records that are done with since the last call although their own entry never went."""
        gone, self._let_go = self._let_go, []
        return gone

    # -- which entries of a lane a call takes: what versions.py does otherwise ----------------------------------------

    def _takes(self, lane: MixedLane) -> int:
        """How many entries of a lane that waits a call could take."""
        return len(lane.items)

    def _launch(self, lane: MixedLane, room: int) -> list[Item]:
        """Put entries of the lane in flight, as many as there is room for."""
        lane.in_flight = min(len(lane.items), room)
        return lane.items[: lane.in_flight]

    def _land(self, lane: MixedLane) -> None:
        """What was in flight is delivered."""
        lane.suspects = max(0, lane.suspects - lane.in_flight)
        self._waiting -= lane.in_flight
        del lane.items[: lane.in_flight]
        lane.in_flight = 0
        lane.since = lane.items[0].since if lane.items else 0.0

    def _reject(self, lane: MixedLane) -> Item:
        """The service rejects the one entry of the lane that was sent; it leaves."""
        lane.in_flight -= 1
        self._waiting -= 1
        return lane.items.pop(lane.in_flight)

    # -- queues -------------------------------------------------------------------------------------------------------

    def _queue(self, lane: MixedLane) -> None:
        """Give the lane its one valid place; it stands in none before."""
        if lane.not_before is not None:
            self._push(self._delayed, lane.not_before, lane)
        else:
            self._make_ready(lane, lane.since + self._linger)

    def _make_ready(self, lane: MixedLane, time: float) -> None:
        self._ready_entries += self._takes(lane)
        self._push(self._ready, time, lane)

    def _push(self, queue: list[_Place], time: float, lane: MixedLane) -> None:
        self._tickets += 1
        lane.ticket = self._tickets
        heapq.heappush(queue, (time, lane.ticket, lane))
        if len(queue) > 2 * len(self._lanes) + _VOID_PLACES:
            queue[:] = [place for place in queue if place[2].ticket == place[1]]
            heapq.heapify(queue)

    def _unqueue(self, lane: MixedLane) -> None:
        """Take the lane out of those that are ready."""
        self._ready_entries -= self._takes(lane)
        lane.ticket = 0

    def _admit(self, now: float) -> None:
        """Retries whose time has come go without waiting to be batched with others."""
        while (place := _first_valid(self._delayed)) and place[0] <= now:
            time, _, lane = heapq.heappop(self._delayed)
            lane.not_before = None
            # What has failed counts as old as its retry: one that always fails would be first for ever otherwise.
            # When an outage ends, all may go at once, which is long before their retry.
            due = lane.since + self._linger if not lane.attempts else max(lane.since, time)
            self._make_ready(lane, lane.since if now == math.inf else due)

    # -- calls --------------------------------------------------------------------------------------------------------

    def take(self, now: float) -> Batch | None:
        """The call that should go next, None where none is ready; it counts as in flight until it is settled."""
        self._admit(now)
        first = _first_valid(self._ready)
        if first is None or not (self._full or self.draining or first[0] <= now):
            return None
        items: list[Item] = []
        limit = MAX_EVENTS_PER_CALL
        while (place := _first_valid(self._ready)) is not None:
            lane = place[2]
            limit = min(limit, lane.limit)
            if len(items) >= limit:
                break
            heapq.heappop(self._ready)
            self._unqueue(lane)
            items += self._launch(lane, limit - len(items))
        return Batch(self.target, "", None, tuple(items), now, self._operation)

    @property
    def _full(self) -> bool:
        return self._ready_entries >= MAX_EVENTS_PER_CALL

    def ready_at(self, now: float) -> float | None:
        """When ``take`` has something at the latest, with nothing added; None where only an answer can tell."""
        ready = _first_valid(self._ready)
        if ready is not None and (self._full or self.draining):
            return now
        return min((place[0] for place in (ready, _first_valid(self._delayed)) if place), default=None)

    def _of(self, batch: Batch) -> list[MixedLane]:
        return [self._lanes[name] for name in dict.fromkeys(item.entry.lane for item in batch.items)]

    def delivered(self, batch: Batch) -> None:
        """The call succeeded: its entries leave their lanes."""
        for lane in self._of(batch):
            self._land(lane)
            lane.attempts = 0
            self._come_back(lane)

    def failed(self, batch: Batch) -> int:
        """The call failed: how many times in a row calls of its lanes have, at most, this one included."""
        lanes = self._of(batch)
        for lane in lanes:
            lane.attempts += 1
        return max(lane.attempts for lane in lanes)

    def postpone(self, batch: Batch, not_before: float) -> None:
        """The call is to be repeated: its entries go again, first of their lanes, from ``not_before`` on."""
        for lane in self._of(batch):
            lane.not_before = not_before
            self._come_back(lane)

    def split(self, batch: Batch) -> Item | None:
        """The service rejected the call: halve it; the entry that was rejected alone leaves and is returned."""
        alone, culprit = len(batch.items) == 1, None
        for lane in self._of(batch):
            lane.attempts = 0
            lane.suspects = 0 if alone else lane.in_flight
            lane.limit = max(1, len(batch.items) // 2)
            if alone:
                culprit = self._reject(lane)
            self._come_back(lane)
        return culprit

    def _come_back(self, lane: MixedLane) -> None:
        """What is left in flight waits again, except entries whose partition was revoked meanwhile."""
        lane.in_flight = lane.replaced_in_flight = 0
        self._drop_revoked(lane)
        lane.suspects = min(lane.suspects, len(lane.items))
        if not lane.suspects:
            lane.limit = MAX_EVENTS_PER_CALL
        self._requeue(lane)

    def _drop_revoked(self, lane: MixedLane) -> bool:
        """Drop what waits in the lane of revoked partitions; whether that is anything."""
        before = len(lane.items) + len(lane.replaced)
        flying, replaced = lane.in_flight, lane.replaced_in_flight
        lane.items[flying:] = [item for item in lane.items[flying:] if not item.opened.revoking]
        lane.replaced[replaced:] = [opened for opened in lane.replaced[replaced:] if not opened.revoking]
        dropped = before - len(lane.items) - len(lane.replaced)
        self._waiting -= dropped
        return dropped > 0

    def _requeue(self, lane: MixedLane) -> None:
        if lane.items:
            self._queue(lane)
            return
        # Nothing is left that could go in place of these.
        self._let_go += lane.replaced
        self._waiting -= len(lane.replaced)
        lane.ticket = 0
        del self._lanes[lane.name]

    def discard(self, _: Callable[[Item], bool]) -> None:
        """Drop the waiting entries of revoked partitions. Those in flight stay until their call is settled."""
        for lane in list(self._lanes.values()):
            if lane.in_flight:
                self._drop_revoked(lane)
                continue
            ready = self._takes(lane) if lane.not_before is None else 0
            if self._drop_revoked(lane):
                self._ready_entries -= ready
                lane.suspects, lane.limit = 0, MAX_EVENTS_PER_CALL
                self._requeue(lane)

    def wake(self) -> None:
        """Let every retry go now: what they waited for has ended."""
        self._admit(math.inf)


def _first_valid(queue: list[_Place]) -> _Place | None:
    while queue and queue[0][2].ticket != queue[0][1]:
        heapq.heappop(queue)
    return queue[0] if queue else None
