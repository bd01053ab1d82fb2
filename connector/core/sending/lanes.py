"""A session has one call in flight at most, so its events arrive in order; the oldest waiting call is never starved.

A lane is the queue of one session. A call takes the longest prefix of a lane, up to ten, that has one user. While it is
in flight the lane fills, so batches grow by themselves when calls are scarce.

A lane is *closed* when nothing that comes later could join its next call: ten wait, or the user changes. Closed
lanes go first, since waiting cannot fill their call any more; others go when their oldest entry has waited for
``linger``. Nothing starves: a call that may go is overtaken only by one that is less than ``HEAD_START`` younger, so
the oldest goes within that time of its turn, full or not.
"""

import heapq
import math
from collections.abc import Callable
from typing import NamedTuple

from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import MAX_EVENTS_PER_CALL, Entry
from connector.core.sending.offsets import OpenRecord

HEAD_START = 5.0  # seconds by which a full lane may be younger and still go first
_VOID_PLACES = 64  # kept in a queue before it is worth sweeping


class Item:
    """An entry in a lane: whose record it is, and since when it waits."""

    __slots__ = ("entry", "opened", "since")

    def __init__(self, entry: Entry, opened: OpenRecord, since: float) -> None:
        self.entry = entry
        self.opened = opened
        self.since = since


class Batch(NamedTuple):
    """The entries of one call, in order: 1 to 10, of one target; ``left_at`` is in seconds.

    Events of a call are of one session, ``lane``, and of one user. Other entries are not, and ``lane`` is empty.
    """

    target: str
    lane: str
    user_id: str | None
    items: tuple[Item, ...]
    left_at: float = 0.0
    operation: Operation = PUT_EVENTS


class Lane:
    """The queue of one session. Entries in flight stay at its head until they are settled."""

    __slots__ = (
        "attempts",
        "closed",
        "in_flight",
        "items",
        "limit",
        "name",
        "not_before",
        "prefix",
        "suspects",
        "ticket",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: list[Item] = []  # a list: most lanes are short, and a deque costs ten times as much
        self.prefix = 0  # how many at the head could go in one call
        self.closed = False  # nothing that comes later could join them
        self.in_flight = 0
        self.attempts = 0
        self.not_before: float | None = None  # set while a retry waits
        self.limit = MAX_EVENTS_PER_CALL
        self.suspects = 0  # how many at the head contain one that the service rejects
        self.ticket = 0  # the only valid place in a queue; 0 where it stands in none

    def append(self, item: Item) -> bool:
        """Add an entry; True where that closes the lane."""
        self.items.append(item)
        if self.closed:
            return False
        if item.entry.user_id == self.items[0].entry.user_id:
            self.prefix += 1
            self.closed = self.prefix >= self.limit
        else:
            self.closed = True
        return self.closed

    def measure(self) -> None:
        """Find the prefix again, after the head has changed; there is an entry at least."""
        self.prefix, self.closed = 0, False
        user_id = self.items[0].entry.user_id
        for item in self.items:
            if item.entry.user_id != user_id or self.prefix == self.limit:
                self.closed = True
                return
            self.prefix += 1
        self.closed = self.prefix >= self.limit


_Place = tuple[float, int, Lane]  # when, which ticket, whose; void once the lane holds another ticket


class Lanes:
    """All lanes of one tracking id.

    Args:
        target: whose.
        linger: seconds that an entry may wait to be batched with others.
    """

    def __init__(self, target: str, linger: float) -> None:
        self.target = target
        self.draining = False
        self._linger = linger
        self._lanes: dict[str, Lane] = {}
        self._ready: list[_Place] = []  # a heap by when linger ends or would have: closed lanes, and retries
        self._lingering: list[_Place] = []  # a heap by when linger ends
        self._delayed: list[_Place] = []  # a heap by when a retry may go
        self._tickets = 0
        self._waiting = 0

    def __len__(self) -> int:
        """How many lanes there are: none is kept without entries."""
        return len(self._lanes)

    @property
    def waiting(self) -> int:
        """How many entries there are, those in flight included."""
        return self._waiting

    def add(self, item: Item) -> None:
        """Put an entry at the end of its session's lane."""
        name = item.entry.lane
        lane = self._lanes.get(name)
        self._waiting += 1
        if lane is None:
            lane = self._lanes[name] = Lane(name)
            lane.append(item)
            self._queue(lane)
        elif lane.append(item) and not lane.in_flight:
            self._queue(lane)

    def _queue(self, lane: Lane) -> None:
        """Give the lane its one valid place; what it held before becomes void."""
        if lane.not_before is not None:
            self._push(self._delayed, lane.not_before, lane)
        else:
            self._push(self._ready if lane.closed else self._lingering, lane.items[0].since + self._linger, lane)

    def _push(self, queue: list[_Place], time: float, lane: Lane) -> None:
        self._tickets += 1
        lane.ticket = self._tickets
        heapq.heappush(queue, (time, lane.ticket, lane))
        if len(queue) > 2 * len(self._lanes) + _VOID_PLACES:
            queue[:] = [place for place in queue if place[2].ticket == place[1]]
            heapq.heapify(queue)

    def _admit(self, now: float) -> None:
        """Retries whose time has come go without waiting to be batched with others."""
        while (place := _first_valid(self._delayed)) and place[0] <= now:
            time, _, lane = heapq.heappop(self._delayed)
            lane.not_before = None
            age = lane.items[0].since + self._linger
            # What has failed counts as old as its retry, and gets no preference for being full. Otherwise one that
            # always fails would be first for ever, and in an outage it alone would probe.
            self._push(self._ready, max(time, age) + HEAD_START if lane.attempts else age, lane)

    def take(self, now: float) -> Batch | None:
        """The call that should go next, None where none is ready; it counts as in flight until it is settled."""
        self._admit(now)
        ready, lingering = _first_valid(self._ready), _first_valid(self._lingering)
        may_go = lingering is not None and (self.draining or lingering[0] <= now)
        if lingering is not None and may_go and (ready is None or lingering[0] + HEAD_START <= ready[0]):
            return self._launch(heapq.heappop(self._lingering)[2], now)
        return self._launch(heapq.heappop(self._ready)[2], now) if ready is not None else None

    def _launch(self, lane: Lane, now: float) -> Batch:
        lane.ticket = 0
        lane.in_flight = lane.prefix
        items = tuple(lane.items[: lane.prefix])
        entry = items[0].entry
        return Batch(self.target, lane.name, entry.user_id, items, now)

    def ready_at(self, now: float) -> float | None:
        """When ``take`` has something at the latest, with nothing added; None where only an answer can tell."""
        lingering = _first_valid(self._lingering)
        if _first_valid(self._ready) or (lingering and self.draining):
            return now
        return min((place[0] for place in (lingering, _first_valid(self._delayed)) if place), default=None)

    def delivered(self, batch: Batch) -> None:
        """The call succeeded: its entries leave the lane."""
        lane = self._lanes[batch.lane]
        lane.suspects = max(0, lane.suspects - len(batch.items))
        self._leave(lane)

    def failed(self, batch: Batch) -> int:
        """The call failed: how many times in a row calls of its lane have, this one included."""
        lane = self._lanes[batch.lane]
        lane.attempts += 1
        return lane.attempts

    def postpone(self, batch: Batch, not_before: float) -> None:
        """The call is to be repeated: its entries go again, first of their lane, from ``not_before`` on."""
        lane = self._lanes[batch.lane]
        lane.not_before = not_before
        self._come_back(lane)

    def split(self, batch: Batch) -> Item | None:
        """The service rejected the call: halve it; the entry that was rejected alone leaves and is returned."""
        lane = self._lanes[batch.lane]
        if len(batch.items) == 1:
            lane.suspects = 0
            self._leave(lane)
            return batch.items[0]
        lane.attempts = 0
        lane.suspects = len(batch.items)
        self._come_back(lane)
        return None

    def _leave(self, lane: Lane) -> None:
        """What is in flight is done with."""
        lane.attempts = 0
        self._replace_head(lane, [])

    def _come_back(self, lane: Lane) -> None:
        """What is in flight waits again, except entries whose partition was revoked meanwhile."""
        kept = [item for item in lane.items[: lane.in_flight] if not item.opened.revoking]
        lane.suspects = max(0, lane.suspects - lane.in_flight + len(kept))
        self._replace_head(lane, kept)

    def _replace_head(self, lane: Lane, kept: list[Item]) -> None:
        self._waiting -= lane.in_flight - len(kept)
        lane.items[: lane.in_flight] = kept
        lane.in_flight = 0
        self._requeue(lane)

    def _requeue(self, lane: Lane) -> None:
        if not lane.items:
            lane.ticket = 0
            del self._lanes[lane.name]
            return
        lane.limit = max(1, lane.suspects // 2) if lane.suspects else MAX_EVENTS_PER_CALL
        lane.measure()
        self._queue(lane)

    def discard(self, revoking: Callable[[Item], bool]) -> None:
        """Drop the waiting entries of revoked partitions. Those in flight stay until their call is settled."""
        for lane in list(self._lanes.values()):
            head, tail = lane.items[: lane.in_flight], lane.items[lane.in_flight :]
            kept = [item for item in tail if not revoking(item)]
            if len(kept) == len(tail):
                continue
            self._waiting -= len(tail) - len(kept)
            lane.items = head + kept
            if not lane.in_flight:
                lane.suspects = 0
                self._requeue(lane)

    def wake(self) -> None:
        """Let every retry go now: what they waited for has ended."""
        self._admit(math.inf)

    def let_go(self) -> list[OpenRecord]:
        """Records that are done with although their entry never went: none, since no event replaces another."""
        return []


def _first_valid(queue: list[_Place]) -> _Place | None:
    while queue and queue[0][2].ticket != queue[0][1]:
        heapq.heappop(queue)
    return queue[0] if queue else None
