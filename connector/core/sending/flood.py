"""When a pipeline's records turn invalid for one cause, all at once: decided here, before the next dead letter.

A window holds what became of the last records that were to be delivered; records that are dropped on purpose do not
count, since they say nothing of the others. A cause that makes up its share of the window is a flood, if it was not
always like that: what was seen before the flood, since the start and as noted before a restart, says so. Where nothing
was seen before, only a cause that leaves no record out is a flood: then nothing was ever right.
"""

import math
import re
import zlib
from collections import Counter
from typing import NamedTuple

from connector.core.records import Reason, Rejection, TopicPartition

USUAL = 0.75  # of the share: a cause that made up as much before is how this topic is
SAMPLE = 20  # a window's part of records is enough to say what is usual, and
FEWEST = 10  # records
LONG = 1000  # windows, after which what was long ago counts half
NOTED = 10  # windows that a note stands for: a new process may learn otherwise
WORTH_NOTING = 0.1  # of what was seen before: rarer causes are no flood's
MOST_NOTED = 8  # causes: Kafka bounds the text that goes with an offset
_NOTE = re.compile(r"flood1 (\d{1,12})((?: [0-9a-f]{8}=\d{1,12}){0,8})(?: held=([0-9a-f]{8}))?")


class Cause(NamedTuple):
    """What makes a record invalid, without what is the record's own."""

    reason: Reason
    rule: str | None
    member: str | None

    @property
    def code(self) -> str:
        """The same in every process, and short."""
        return f"{zlib.crc32(repr((self.reason.value, self.rule, self.member)).encode()):08x}"


def cause_of(rejection: Rejection) -> Cause:
    """The cause that a rejection counts under."""
    return Cause(rejection.reason, rejection.rule, rejection.field)


class Limit(NamedTuple):
    """A flood is at least ``share`` (up to 1.0) of the last ``of_last`` records."""

    share: float
    of_last: int

    @property
    def need(self) -> int:
        """So many records of one cause."""
        return max(1, math.ceil(self.share * self.of_last - 1e-9))


class Flooded(NamedTuple):
    """A flood that was stopped: of what, since which offsets, and the cause's share, now and before.

    ``before`` is None where nothing was seen before. ``again``: it was stopped before a restart already.
    """

    cause: Cause
    since: tuple[tuple[TopicPartition, int], ...]
    share: float
    before: float | None
    again: bool = False


class _Bad(NamedTuple):
    cause: Cause
    place: TopicPartition
    offset: int


class Flood:
    """What became of the records of one pipeline."""

    def __init__(self, limit: Limit) -> None:
        self.flooded: Flooded | None = None
        self.suspect: str | None = None  # the code of the cause that was stopped before a restart
        self._limit = limit
        self._need = limit.need
        self._sample = max(FEWEST, limit.of_last // SAMPLE)
        self._ring: list[_Bad | None] = [None] * limit.of_last
        self._at = 0
        self._seen = 0
        self._window: Counter[Cause] = Counter()
        self._older: Counter[Cause] = Counter()  # of the records before the last ``need``
        self._older_total = 0
        self._noted: Counter[str] = Counter()  # of what was seen before a restart
        self._noted_total = 0

    def good(self) -> None:
        """A record, nothing wrong with it."""
        self._push(None)

    def bad(self, rejection: Rejection, place: TopicPartition, offset: int) -> bool:
        """An invalid record; True where it makes a flood, and so must neither be dead-lettered nor committed."""
        cause = cause_of(rejection)
        self._push(_Bad(cause, place, offset))
        if self.flooded is None and self._is_flood(cause):
            self._stop(cause, self._window[cause] / min(self._seen, self._limit.of_last))
        return self.flooded is not None

    def again(self, rejection: Rejection, place: TopicPartition, offset: int, share: float) -> bool:
        """Whether the flood that was noted before a restart goes on: this record and ``share`` of those here with it.

        Whatever it is, it is not suspected any more.
        """
        cause = cause_of(rejection)
        self.suspect = None
        if share < self._limit.share:
            return False
        self._push(_Bad(cause, place, offset))
        self._stop(cause, share, again=True)
        return True

    def _push(self, entry: _Bad | None) -> None:
        ring, at = self._ring, self._at
        older, gone = ring[at - self._need], ring[at]
        if older is not None:
            self._older[older.cause] += 1
        if gone is not None:
            self._window[gone.cause] -= 1
        if entry is not None:
            self._window[entry.cause] += 1
        ring[at] = entry
        self._at = at + 1 if at + 1 < len(ring) else 0
        self._seen += 1
        if self._seen > self._need:
            self._older_total += 1
            if self._older_total > LONG * self._limit.of_last:
                self._forget_half()

    def _forget_half(self) -> None:
        self._older = Counter({cause: count // 2 for cause, count in self._older.items()})
        self._older_total //= 2

    def _is_flood(self, cause: Cause) -> bool:
        count = self._window[cause]
        if count < self._need:
            return False
        if count == self._limit.of_last and not self._noted_total and self._older[cause] == self._older_total:
            return True
        usual = self._usual(cause)
        return usual is not None and usual < USUAL * self._limit.share

    def _usual(self, cause: Cause) -> float | None:
        """The cause's share of what was seen before; None where that is too little to say."""
        total = self._older_total + self._noted_total
        return (self._older[cause] + self._noted[cause.code]) / total if total >= self._sample else None

    def _stop(self, cause: Cause, share: float, *, again: bool = False) -> None:
        since: dict[TopicPartition, int] = {}
        for entry in (*self._ring[self._at :], *self._ring[: self._at]):
            if entry is not None and entry.cause == cause:
                since.setdefault(entry.place, entry.offset)
        self.flooded = Flooded(cause, tuple(sorted(since.items())), share, self._usual(cause), again)

    # -- over a restart ---------------------------------------------------------------------------------------

    def note(self) -> str:
        """What a new process has to know, to go with a committed offset; "" where that is nothing."""
        total = self._older_total + self._noted_total
        if total < self._sample and self.flooded is None:
            return ""
        counts = self._noted + Counter({cause.code: count for cause, count in self._older.items()})
        most = NOTED * self._limit.of_last
        scale = min(1.0, most / total) if total else 1.0
        shown = [(code, int(n * scale)) for code, n in counts.most_common(MOST_NOTED) if n >= total * WORTH_NOTING]
        words = [f"flood1 {int(total * scale)}", *(f"{code}={count}" for code, count in shown)]
        if self.flooded is not None:
            words.append(f"held={self.flooded.cause.code}")
        return " ".join(words)

    def recall(self, note: str) -> None:
        """Take in what a process before has noted; of several notes the one that says most. Other text says nothing."""
        found = _NOTE.fullmatch(note)
        if found is None:
            return
        total = int(found[1])
        if total > self._noted_total:
            self._noted_total = total
            self._noted = Counter({code: int(count) for code, count in _pairs(found[2])})
        if self.flooded is None and not self._seen:
            self.suspect = found[3] or self.suspect


def _pairs(words: str) -> list[tuple[str, str]]:
    return [(code, count) for code, _, count in (word.partition("=") for word in words.split())]
