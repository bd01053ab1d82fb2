"""Each destination with something to send gets a fair share of the calls in flight.

Otherwise a slow tracking id would take all of them, and the others would wait for its time-outs.
"""

from collections.abc import Callable, Iterator

from connector.core.sending.destination import ConfigurationProven, Destination, HeldRejection, Limits, Settled
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.outcomes import Outcome

MOST_IDLE = 100  # destinations kept for their rate although nothing waits in them; tracking ids can come from records


class Destinations:
    """All destinations.

    Args:
        limits: the same for each destination.
        max_in_flight: calls at once, over all destinations.
    """

    def __init__(self, limits: Limits, max_in_flight: int) -> None:
        self.in_flight = 0
        self._limits = limits
        self._max_in_flight = max_in_flight
        self._destinations: dict[str, Destination] = {}
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
        """Put an entry at the end of its session's lane."""
        target = item.entry.target
        destination = self._destinations.get(target)
        if destination is None:
            self._shed()
            destination = self._destinations[target] = Destination(target, self._limits, now, self._configuration)
            destination.lanes.draining = self._draining
            self._turn.append(destination)
        destination.lanes.add(item)

    def _shed(self) -> None:
        if len(self._destinations) < MOST_IDLE:
            return
        for destination in [destination for destination in self if destination.idle and not destination.in_flight]:
            del self._destinations[destination.target]
            self._turn.remove(destination)

    def take(self, now: float) -> Batch | None:
        """The next call that may go, None where none may; it counts as in flight until it is settled."""
        if self.in_flight >= self._max_in_flight:
            return None
        share = self._share()
        for _ in range(len(self._turn)):
            destination = self._turn.pop(0)
            self._turn.append(destination)
            batch = destination.take(now) if destination.in_flight < share else None
            if batch is not None:
                self.in_flight += 1
                return batch
        return None

    def _share(self) -> int:
        if len(self._destinations) == 1:
            return self._max_in_flight
        busy = sum(1 for destination in self if destination.lanes.waiting)
        return max(1, -(-self._max_in_flight // max(1, busy)))

    def ready_at(self, now: float) -> float | None:
        """When ``take`` or ``confirmed`` has something with nothing added; None where only an answer can tell."""
        times = [destination.confirmed_at() for destination in self]
        if self.in_flight < self._max_in_flight:
            share = self._share()
            times += [destination.ready_at(now) for destination in self if destination.in_flight < share]
        return min((time for time in times if time is not None), default=None)

    def settle(self, batch: Batch, outcome: Outcome, now: float, chance: float) -> Settled:
        """Take the answer to a call into account; see ``Destination.settle``."""
        self.in_flight -= 1
        return self._destinations[batch.target].settle(batch, outcome, now, chance)

    def confirmed(self, now: float) -> list[HeldRejection]:
        """Held rejections that are confirmed by now."""
        return [held for destination in self for held in destination.confirmed_by(now)]

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
