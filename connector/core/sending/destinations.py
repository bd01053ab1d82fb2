"""Each destination with something to send gets a fair share of the calls in flight.

Otherwise a slow tracking id or dataset would take all of them, and the others would wait for its time-outs. Each
operation has as many of its own: a dataset that is busy costs events nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from connector.core.operations import Operation
from connector.core.sending.destination import ConfigurationProven, Destination, HeldRejection, Limits, Settled
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.offsets import OpenRecord
from connector.core.sending.outcomes import Outcome

MOST_IDLE = 100  # destinations kept for their rate although nothing waits in them; targets can come from records


Key = tuple[Operation, str]  # and its target


class Destinations:
    """All destinations.

    Args:
        limits: the same for each destination.
        max_in_flight: calls at once, over all destinations of one operation.
    """

    def __init__(self, limits: Limits, max_in_flight: int) -> None:
        self.in_flight = 0
        self._limits = limits
        self._max_in_flight = max_in_flight
        self._destinations: dict[Key, Destination] = {}
        self._turn: list[Destination] = []  # whose turn it is, in a circle
        self._draining = False
        self._configuration = ConfigurationProven()

    def __iter__(self) -> Iterator[Destination]:
        return iter(self._destinations.values())

    @property
    def waiting(self) -> int:
        """Entries in all lanes, those in flight included."""
        return sum(destination.lanes.waiting for destination in self)

    @property
    def held_count(self) -> int:
        """Rejected entries that are held until confirmed."""
        return sum(destination.held_count for destination in self)

    @property
    def rate(self) -> float:
        """Calls a second that the destinations with something to send may make now."""
        busy = [destination.limiter.rate for destination in self if not destination.idle]
        return sum(busy) or self._limits.requests_per_second

    def add(self, item: Item, now: float) -> None:
        """Put an entry at the end of its lane."""
        entry = item.entry
        key = (entry.operation, entry.target)
        destination = self._destinations.get(key)
        if destination is None:
            self._shed()
            destination = self._destinations[key] = Destination(
                entry.target, self._limits, now, self._configuration, entry.operation
            )
            destination.lanes.draining = self._draining
            self._turn.append(destination)
        destination.lanes.add(item)

    def _shed(self) -> None:
        if len(self._destinations) < MOST_IDLE:
            return
        for destination in [destination for destination in self if destination.idle and not destination.in_flight]:
            del self._destinations[destination.operation, destination.target]
            self._turn.remove(destination)

    def take(self, now: float) -> Batch | None:
        """The next call that may go, None where none may; it counts as in flight until it is settled."""
        for destination in self._free():
            batch = destination.take(now)
            if batch is not None:
                self._turn.remove(destination)
                self._turn.append(destination)
                self.in_flight += 1
                return batch
        return None

    def _free(self) -> list[Destination]:
        """Those that may have one more call in flight, in their turn."""
        if len(self._turn) <= 1:
            return self._turn if self.in_flight < self._max_in_flight else []
        busy, flying = Counter[Operation](), Counter[Operation]()
        for each in self._turn:
            busy[each.operation] += bool(each.lanes.waiting)
            flying[each.operation] += each.in_flight
        most = self._max_in_flight
        shares = {each: max(1, -(-most // max(1, busy[each]))) if flying[each] < most else 0 for each in busy}
        return [each for each in self._turn if each.in_flight < shares[each.operation]]

    def ready_at(self, now: float) -> float | None:
        """When ``take`` or ``confirmed`` has something with nothing added; None where only an answer can tell."""
        times = [destination.confirmed_at() for destination in self]
        times += [each.ready_at(now) for each in self._free()]
        return min((time for time in times if time is not None), default=None)

    def settle(self, batch: Batch, outcome: Outcome, now: float, chance: float) -> Settled:
        """Take the answer to a call into account; see ``Destination.settle``."""
        self.in_flight -= 1
        return self._destinations[batch.operation, batch.target].settle(batch, outcome, now, chance)

    def confirmed(self, now: float) -> list[HeldRejection]:
        """Held rejections that are confirmed by now."""
        return [held for destination in self for held in destination.confirmed_by(now)]

    def let_go(self) -> list[tuple[Operation, OpenRecord]]:
        """Records that are done with since the last call although their own entry never went; see ``Versions``."""
        return [(destination.operation, opened) for destination in self for opened in destination.let_go()]

    def drain(self) -> None:
        """From now on no entry waits to be batched with others."""
        self._draining = True
        for destination in self:
            destination.lanes.draining = True

    def discard(self, revoking: Callable[[Item], bool]) -> None:
        """Drop the waiting entries of revoked partitions; what is in flight stays until it is settled."""
        for destination in self:
            destination.lanes.discard(revoking)
            destination.discard_held(revoking)
