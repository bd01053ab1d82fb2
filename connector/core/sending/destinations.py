"""Which channel calls next: a fair share of the calls at once for each that has something to send.

A slow tracking id would otherwise fill every place on the wire, and the others would wait for its time-outs.
"""

from collections.abc import Callable, Iterator

from connector.core.sending.destination import Channel, Doubtful, Limits, Settled, Trust
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.outcomes import Outcome

MOST_IDLE = 100  # channels kept for their pace although nothing waits in them; tracking ids can come from records


class Channels:
    """All channels.

    Args:
        limits: the same for each channel.
        max_in_flight: calls at once, over all channels.
    """

    def __init__(self, limits: Limits, max_in_flight: int) -> None:
        self.on_the_wire = 0
        self._limits = limits
        self._max_in_flight = max_in_flight
        self._channels: dict[str, Channel] = {}
        self._turn: list[Channel] = []  # whose turn it is, in a circle
        self._draining = False
        self._trust = Trust()

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._channels.values())

    @property
    def waiting(self) -> int:
        """Entries in all lanes, those on the wire included."""
        return sum(channel.lanes.waiting for channel in self)

    @property
    def in_doubt(self) -> int:
        """Rejected entries that are held until it is clear whose fault that is."""
        return sum(channel.in_doubt for channel in self)

    @property
    def rate(self) -> float:
        """Calls a second that the channels with something to send may make now."""
        busy = [channel.pace.rate for channel in self if not channel.idle]
        return sum(busy) or self._limits.requests_per_second

    def add(self, item: Item, now: float) -> None:
        """Put an entry at the end of its session's lane."""
        tracking_id = item.entry.tracking_id
        channel = self._channels.get(tracking_id)
        if channel is None:
            self._shed()
            channel = self._channels[tracking_id] = Channel(tracking_id, self._limits, now, self._trust)
            channel.lanes.draining = self._draining
            self._turn.append(channel)
        channel.lanes.add(item)

    def _shed(self) -> None:
        if len(self._channels) < MOST_IDLE:
            return
        for channel in [channel for channel in self if channel.idle and not channel.on_the_wire]:
            del self._channels[channel.tracking_id]
            self._turn.remove(channel)

    def take(self, now: float) -> Batch | None:
        """The next call that may go, None where none may; it counts as on the wire until it is settled."""
        if self.on_the_wire >= self._max_in_flight:
            return None
        share = self._share()
        for _ in range(len(self._turn)):
            channel = self._turn.pop(0)
            self._turn.append(channel)
            batch = channel.take(now) if channel.on_the_wire < share else None
            if batch is not None:
                self.on_the_wire += 1
                return batch
        return None

    def _share(self) -> int:
        if len(self._channels) == 1:
            return self._max_in_flight
        busy = sum(1 for channel in self if channel.lanes.waiting)
        return max(1, -(-self._max_in_flight // max(1, busy)))

    def ready_at(self, now: float) -> float | None:
        """When ``take`` or ``believed`` has something with nothing added; None where only an answer can tell."""
        times = [channel.believed_at() for channel in self]
        if self.on_the_wire < self._max_in_flight:
            share = self._share()
            times += [channel.ready_at(now) for channel in self if channel.on_the_wire < share]
        return min((time for time in times if time is not None), default=None)

    def settle(self, batch: Batch, outcome: Outcome, now: float, chance: float) -> Settled:
        """Take the answer to a call into account; see ``Channel.settle``."""
        self.on_the_wire -= 1
        return self._channels[batch.tracking_id].settle(batch, outcome, now, chance)

    def believed(self, now: float) -> list[Doubtful]:
        """Held rejections that nothing has spoken against for long enough."""
        return [doubtful for channel in self for doubtful in channel.believed_by(now)]

    def drain(self) -> None:
        """From now on nothing waits for company."""
        self._draining = True
        for channel in self:
            channel.lanes.draining = True

    def discard(self, given_up: Callable[[Item], bool]) -> None:
        """Drop what waits and is given up; what is on the wire stays until it is settled."""
        for channel in self:
            channel.lanes.discard(given_up)
            channel.discard_doubtful(given_up)
