"""Of an entry that replaces, only the newest version is worth a call.

PutUsers, PutItems and PutActions replace the whole record of an id, at a few calls a second. So a version that waits is
superseded by a newer one of its id: it is not sent, and its record closes when the newer one is delivered. Of versions
that come while one is in flight, the newest goes next; so the service gets them in their order.

The service may reject the newest. Then the one before it goes, as it would have gone had nothing replaced it. For that
superseded versions are kept, up to ``KEPT_BYTES``. A backlog of millions of changes has more of them; beyond that the
oldest are let go: all but the oldest of a partition close at once, since that one still holds the commit where it was.
"""

from collections import deque

from connector.core.operations import Operation
from connector.core.sending.lanes import Item
from connector.core.sending.mixed import MixedLane, MixedLanes

KEPT_BYTES = 8 * 1024 * 1024  # of superseded versions, in memory
_OBJECTS = 750  # bytes of the objects that a version consists of, beside what was read and what would be sent


class Versions(MixedLanes):
    """The versions of all ids of one dataset; a lane is an id. See ``MixedLanes``."""

    def __init__(self, operation: Operation, target: str, linger: float, kept_bytes: int = KEPT_BYTES) -> None:
        super().__init__(operation, target, linger)
        self._most = kept_bytes
        self._kept: deque[tuple[MixedLane, int]] = deque()  # a superseded version of this lane, of about so many bytes
        self._kept_bytes = 0

    def add(self, item: Item) -> None:
        """Put a version at the end of its id's lane: it supersedes those that wait there."""
        lane = self._lanes.get(item.entry.lane)
        if lane is not None and len(lane.items) > lane.in_flight:
            self._keep(lane, lane.items[-1])
        super().add(item)
        while self._kept_bytes > self._most:
            oldest, size = self._kept.popleft()
            self._kept_bytes -= size
            self._let_oldest_go(oldest)

    def _keep(self, lane: MixedLane, superseded: Item) -> None:
        size = superseded.opened.size + len(superseded.entry.body) + _OBJECTS
        self._kept.append((lane, size))
        self._kept_bytes += size

    def _let_oldest_go(self, lane: MixedLane) -> None:
        """Of the versions that wait, the oldest will not be sent whatever happens. The newest stays."""
        if len(lane.items) - lane.in_flight < 2:
            return  # it was delivered with a newer one, or is in flight with it
        opened = lane.items.pop(lane.in_flight).opened
        opened.shrink()
        lane.replaced.append(opened)
        for place in range(lane.replaced_in_flight, len(lane.replaced) - 1):
            held = lane.replaced[place]
            if held.owner is opened.owner:  # the older holds the commit
                lane.replaced.pop()
                lane.replaced[place], closed = (held, opened) if held.offset <= opened.offset else (opened, held)
                self._let_go.append(closed)
                self._waiting -= 1
                break

    def _takes(self, lane: MixedLane) -> int:
        return 1 if lane.items else 0

    def _launch(self, lane: MixedLane, room: int) -> list[Item]:
        del room
        lane.in_flight, lane.replaced_in_flight = len(lane.items), len(lane.replaced)
        return lane.items[-1:]

    def _land(self, lane: MixedLane) -> None:
        superseded = [item.opened for item in lane.items[: lane.in_flight - 1]]
        self._let_go += lane.replaced[: lane.replaced_in_flight] + superseded
        self._waiting -= lane.in_flight + lane.replaced_in_flight
        del lane.items[: lane.in_flight], lane.replaced[: lane.replaced_in_flight]
        lane.in_flight = lane.suspects = 0
        lane.since = lane.since_next

    def _come_back(self, lane: MixedLane) -> None:
        if 0 < lane.in_flight < len(lane.items):  # what was sent is superseded by what came meanwhile
            self._keep(lane, lane.items[lane.in_flight - 1])
        super()._come_back(lane)
