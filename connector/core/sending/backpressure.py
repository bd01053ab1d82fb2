"""Memory stays within its bounds, and one slow partition does not stop the others.

Records that are read and not finished are in memory. Their events and bytes are bounded in total, and so is how far a
partition may run ahead of its oldest open record (after a crash that much is read again).

Pausing a partition discards its prefetched records, so only a lasting state pauses. A full buffer first stops reading.
When it has been full for ``HOLD`` seconds, partitions are paused, so that the consumer can go on polling and stays in
its group. Partitions that hold their share or more pause first; the others are read up to theirs, past a full buffer
if need be. A slow partition that holds much more than its share of a full buffer pauses at once. One that is too far
ahead pauses alone, and nothing is read past a full buffer for that. Slow is relative: under a quota all partitions
wait, each as long as a full buffer takes at the best recent rate.

A partition can be held for another reason, such as a record that waits for its schema. Pausing and resuming is decided
here alone, or one reason would resume what the other has paused.
"""

import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from connector.core.records import TopicPartition

REFILL = 0.97  # of a bound: to read a record for each that is done would cost a poll a record
BREATH = 0.05  # seconds after which reading resumes, however little room there is
RESUME = 0.7  # of a bound: well below where pausing begins, or it would flutter
HOLD = 1.0  # seconds
CROWDING = 1.5  # of its share: more than partitions differ by when all of them are read alike
TURNOVER = 10.0  # seconds that a partition may need for what it holds, or
SLOW_FACTOR = 3.0  # times what a full buffer takes at the best rate; a partition that needs longer than both is slow
WINDOW = 1.0  # seconds over which rates are measured, or
ROUND = 1.25  # times once through a full buffer: under a quota, partitions have their turn one after the other
FRESH = 0.7  # of the current window: the window grows, and what was measured over a shorter one still counts
MEMORY = 10.0  # seconds in which the best rate halves, so that a stuck partition lowers it only slowly
LONGEST = 60.0  # seconds that a window is at most


class Bounds(NamedTuple):
    """Events and bytes in memory, over all partitions; records of one partition past its oldest open one."""

    events: int
    bytes: int
    span: int


class Load(NamedTuple):
    """What one partition holds in memory: open events and bytes, and records from its oldest open one on.

    ``done`` counts its events that were finished since it was assigned.
    """

    topic_partition: TopicPartition
    events: int
    bytes: int
    span: int
    done: int = 0


class Pulse(NamedTuple):
    """When a partition was last measured, how much was done then, and events a second in the ``span`` before."""

    at: float
    done: int
    rate: float = 0.0
    span: float = 0.0  # seconds; 0 where nothing was measured yet


class Change(NamedTuple):
    """Partitions to pause and to resume now."""

    pause: frozenset[TopicPartition]
    resume: frozenset[TopicPartition]


class Backpressure:
    """Decides from the loads; remembers what is paused, since Kafka's client cannot be asked.

    ``paused`` is what the client has paused: the partitions that are ``crowded`` (for their load) and those held.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.paused: frozenset[TopicPartition] = frozenset()
        self.crowded: frozenset[TopicPartition] = frozenset()
        self.may_read = True
        self._bounds = bounds
        self._filling: frozenset[TopicPartition] = frozenset()  # those of them that fill the buffer
        self._holding = False  # whether any partition is held
        self._others_wait = False  # whether partitions that are judged elsewhere may be read
        self._pressed = False
        self._full_since: float | None = None
        self._full_at = -math.inf  # when it was last full; minus infinity once there is room again
        self._pulses: dict[TopicPartition, Pulse] = {}
        self._best = 0.0  # events a second, over all partitions
        self._felt = -math.inf  # when that was looked at

    def all_paused(self, assigned: int) -> bool:
        """Whether a poll brings no records and only keeps the group membership."""
        return len(self.paused) >= assigned

    def room(self, loads: Sequence[Load]) -> int:
        """How many more records may be read at once, if they are as large as those that are open; at least one."""
        events, size = sum(load.events for load in loads), sum(load.bytes for load in loads)
        room = self._bounds.events - events
        if size:
            room = min(room, (self._bounds.bytes - size) * max(1, events) // size)
        if room <= 0 and self._filling:
            unread = self._unread_shares(loads)
            if self._holding:  # each read may be of another partition that is held at once: no more than one share each
                unread = min(unread, 1.0 / len(loads))
            room = int(unread * self._bounds.events)
            if size:
                room = min(room, int(unread * self._bounds.bytes * max(1, events) / size))
            if self._others_wait and all(load.topic_partition in self.paused for load in loads):
                room = self._bounds.events  # nothing of it can be read into this buffer
        return max(1, room)

    def _unread_shares(self, loads: Sequence[Load]) -> float:
        """What the partitions that are not paused may still be read beyond a full buffer, as a part of it."""
        share = 1.0 / len(loads)
        return sum(max(0.0, share - self._level((load,))) for load in loads if load.topic_partition not in self.paused)

    def decide(
        self,
        loads: Sequence[Load],
        now: float,
        held: AbstractSet[TopicPartition] = frozenset(),
        others: AbstractSet[TopicPartition] = frozenset(),
    ) -> Change:
        """Look at the loads of all assigned partitions; what is returned counts as done.

        ``held`` are partitions that must not be read, however little they hold. ``others`` are assigned, too, and
        nothing but held: what they hold is judged elsewhere (reserve.py).
        """
        level = max(self._level(loads), 0.0)
        if level < 1.0:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = now
        if self._full_since is not None and now - self._full_since >= HOLD:
            self._pressed = True
        elif level <= RESUME:
            self._pressed = False
        slow = self._feel(loads, level, now)
        # One that is far ahead of its oldest record fills nothing by that: what it holds is being delivered.
        far = frozenset(load.topic_partition for load in loads if load.span >= self._bounds.span * self._part(load))
        filling = self._fill(loads, level, slow)
        crowded = filling | far
        ours = frozenset(load.topic_partition for load in loads) | others
        paused = crowded | (held & ours) if held else crowded
        change = Change(paused - self.paused, (self.paused & ours) - paused)
        self.paused, self.crowded, self._filling, self._holding = paused, crowded, filling, bool(held)
        self._others_wait = bool(others - held)
        # One that is only held leaves room for nobody: reading past a full buffer is for when those that fill it pause.
        beyond = bool(filling) and (self._others_wait or self._unread_shares(loads) > 0)
        self.may_read = self._has_room(level, now) or beyond
        return change

    def _has_room(self, level: float, now: float) -> bool:
        if level >= 1.0:
            self._full_at = now
            return False
        if level <= REFILL or now - self._full_at >= BREATH:
            self._full_at = -math.inf
        return self._full_at == -math.inf

    def _level(self, loads: Iterable[Load]) -> float:
        events = size = 0
        for load in loads:
            events += load.events
            size += load.bytes
        return max(events / self._bounds.events, size / self._bounds.bytes)

    def _fill(self, loads: Sequence[Load], total: float, slow: frozenset[TopicPartition]) -> frozenset[TopicPartition]:
        """The partitions that must pause for what they hold: slow ones, then all that hold their share.

        With those that are slow paused, the others are read past a full buffer, each up to its share and no further.
        """
        # Each resumes by its own load: with one stuck, the total may never fall to where all of them would.
        share = 1.0 / len(loads) if loads else 1.0
        crowding = frozenset(
            load.topic_partition
            for load in loads
            if load.topic_partition in slow
            and self._is_tight(load, total)
            and self._level((load,)) >= share * (self._part(load) if load.topic_partition in self.crowded else CROWDING)
        )
        return crowding | frozenset(
            load.topic_partition
            for load in loads
            if (self._pressed or (crowding and self._is_tight(load, total)))
            and self._level((load,)) >= share * self._part(load)
        )

    def _is_tight(self, load: Load, total: float) -> bool:
        return total > RESUME if load.topic_partition in self.crowded else total >= 1.0

    def _part(self, load: Load) -> float:
        """Of a bound: where a partition pauses, or where it resumes once it is paused."""
        return RESUME if load.topic_partition in self.crowded else 1.0

    def _feel(self, loads: Sequence[Load], level: float, now: float) -> frozenset[TopicPartition]:
        """Measure how fast each partition's events are done with; returns those that are slow."""
        before = {load.topic_partition: self._pulses.get(load.topic_partition, Pulse(now, load.done)) for load in loads}
        held, rate = sum(load.events for load in loads), sum(pulse.rate for pulse in before.values())
        self._best = max(rate, self._best * 0.5 ** (max(0.0, now - self._felt) / MEMORY))
        self._felt = now
        # Seconds that a full buffer takes at the best rate; while that is unknown, no partition is slow.
        usual = held / level / self._best if level and self._best else math.inf
        window = WINDOW if usual == math.inf else min(LONGEST, max(WINDOW, ROUND * usual))
        self._pulses = {}
        slow: set[TopicPartition] = set()
        for load in loads:
            pulse = before[load.topic_partition]
            measured = rate > pulse.rate and pulse.span >= window * FRESH and usual < math.inf
            if measured and load.events > pulse.rate * max(TURNOVER, SLOW_FACTOR * usual):
                slow.add(load.topic_partition)
            span = now - pulse.at
            if span >= window:
                pulse = Pulse(now, load.done, (load.done - pulse.done) / span, span)
            self._pulses[load.topic_partition] = pulse
        return frozenset(slow)

    def forget(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """These are revoked or assigned again: whoever owns them next finds them unpaused."""
        gone = frozenset(topic_partitions)
        self.paused, self.crowded = self.paused - gone, self.crowded - gone
