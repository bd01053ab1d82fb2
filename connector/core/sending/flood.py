"""When a pipeline's records turn invalid for one cause, all at once: decided here, before the next dead letter.

A window holds what became of the last records that were to be delivered; records that are dropped on purpose do not
count, since they say nothing of the others. A cause that makes up its share of the window is a flood, if it was not
always like that: what was seen before the flood, since the start and as noted before a restart, says so. Where nothing
was seen before, only a cause that leaves no record out is a flood: then nothing was ever right. Where little was seen,
a cause that leaves no record out is a flood once that cannot be chance.

What a process has seen is noted beside its commits, for the next; see flood_notes.py.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from connector.core.records import Rejection, TopicPartition
from connector.core.sending.flood_notes import Cause, Note, Run, cause_of, checksum, note_of

USUAL = 0.75  # of the share: a cause that made up as much before is how this topic is
SAMPLE = 20  # a window's part of records is enough to say what is usual, and
FEWEST = 10  # records
CHANCE = 1e-6  # that good records all lie before a run of bad ones, though it was always like that
LONG = 1000  # windows, after which what was long ago counts half
NOTED = 10  # windows that a note stands for: a new process may learn otherwise
WORTH_NOTING = 0.1  # of what was seen before: rarer causes are no flood's
MOST_NOTED = 8  # causes: Kafka bounds the text that goes with an offset
RUN_NOTED = 3  # records: a shorter run is no news
SUSPECTED = 50  # records after which a hold before a restart is forgotten, if they show nothing of it
NO_MAPPING = "00000000"


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
    """What became of the records of one pipeline.

    Args:
        limit: what is a flood.
        mapping: a fingerprint of what judges the records, eight hexadecimal digits: another mapping judges otherwise.
    """

    def __init__(self, limit: Limit, mapping: str = NO_MAPPING) -> None:
        self.flooded: Flooded | None = None
        self.pending: dict[TopicPartition, Note] = {}  # of a process before, and not seen to be past
        self._mapping = mapping
        self._limit = limit
        self._need = limit.need
        self._sample = max(FEWEST, limit.of_last // SAMPLE)
        self._ring: list[_Bad | None] = [None] * limit.of_last
        self._at = 0
        self._seen = 0
        self._patience: Counter[TopicPartition] = Counter()
        self._window: Counter[Cause] = Counter()
        self._older: Counter[Cause] = Counter()  # of the records before the last ``need``
        self._older_total = 0
        self._noted: Counter[str] = Counter()  # of what was seen before a restart
        self._noted_total = 0
        self._run = 0  # invalid records in a row, for one cause, up to now
        self._run_first: _Bad | None = None
        self._run_name = ""  # as a process before has called it

    def good(self) -> None:
        """A record, nothing wrong with it."""
        self._run = 0
        self._push(None)

    def bad(self, rejection: Rejection, place: TopicPartition, offset: int) -> bool:
        """An invalid record; True where it makes a flood, and so must neither be dead-lettered nor committed."""
        cause = cause_of(rejection)
        if self.pending and not self._seen:
            self._resume(cause)
            self._keep_holds()
        self._push_bad(_Bad(cause, place, offset))
        if self.flooded is None and self._is_flood(cause):
            self._stop(cause, self._window[cause] / min(self._seen, self._limit.of_last))
        return self.flooded is not None

    @property
    def quiet(self) -> bool:
        """Whether there is neither a flood nor what may become one, so that no note needs to say so."""
        return self.flooded is None and not self.pending and not self._long_run

    @property
    def _long_run(self) -> bool:
        return self._run >= RUN_NOTED

    # -- the window -------------------------------------------------------------------------------------------

    def _push_bad(self, entry: _Bad) -> None:
        if not self._run or self._run_first is None or self._run_first.cause != entry.cause:
            self._run, self._run_first, self._run_name = 0, entry, ""
        self._run += 1
        self._push(entry)

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
        if count == self._limit.of_last and self._never_right(cause):
            return True
        usual = self._usual(cause)
        return (usual is not None and usual < USUAL * self._limit.share) or self._before_run(cause) is not None

    def _never_right(self, cause: Cause) -> bool:
        """Whether all that is known to be before is of this cause."""
        return not self._noted_total and self._older[cause] == self._older_total

    def _usual(self, cause: Cause) -> float | None:
        """The cause's share of what was seen before; None where that is too little to say."""
        total = self._older_total + self._noted_total
        return (self._older[cause] + self._noted[cause.code]) / total if total >= self._sample else None

    def _before_run(self, cause: Cause) -> float | None:
        """The cause's share of the little that was seen before a run of it; None where the run may be chance.

        If it was always like that, each of the other records could as well lie in the run as before it.
        """
        if self._run < self._need or self._seen > LONG * self._limit.of_last:
            return None
        before = self._older_total + self._need - self._run + self._noted_total
        others = self._older_total - self._older[cause] + self._noted_total - self._noted[cause.code]
        if not 0 < before < self._limit.of_last or others * math.log(before / (before + self._run)) > math.log(CHANCE):
            return None
        return 1 - others / before

    def _stop(self, cause: Cause, share: float, *, again: bool = False) -> None:
        before = self._before_run(cause)
        if before is None and not self._never_right(cause):
            before = self._usual(cause)
        self.flooded = Flooded(cause, self._since(cause), share, before, again)

    def _since(self, cause: Cause) -> tuple[tuple[TopicPartition, int], ...]:
        since = {place: note.since for place, note in self.pending.items() if note.since is not None}
        for entry in self._last(len(self._ring)):
            if entry is not None and entry.cause == cause:
                since.setdefault(entry.place, entry.offset)
        return tuple(sorted(since.items()))

    def _last(self, count: int) -> list[_Bad | None]:
        """So many of the last records, in their order."""
        return [*self._ring[self._at :], *self._ring[: self._at]][len(self._ring) - count :]

    # -- over a restart ---------------------------------------------------------------------------------------

    def suspected(self, rejection: Rejection, place: TopicPartition) -> bool:
        """Whether a process before held this partition for the cause of this record, and judged as this one does."""
        note = self.pending.get(place)
        return note is not None and note.held != "" and note.held == cause_of(rejection).code

    def again(self, rejection: Rejection, place: TopicPartition, offset: int, share: float) -> bool:
        """Whether a hold that is suspected goes on: this record, and ``share`` of those that are here with it.

        It need not be quite as many as at first: what was held should not be let go by chance.
        """
        if share < USUAL * self._limit.share:
            del self.pending[place]
            return False
        cause = cause_of(rejection)
        self._push_bad(_Bad(cause, place, offset))
        self._stop(cause, share, again=True)
        self.pending = {}
        return True

    def looked(self, place: TopicPartition) -> None:
        """One more record of this partition was seen: it decides what became of a run; of a hold, some of them do."""
        self._patience[place] -= 1
        self._keep_holds()

    def _keep_holds(self) -> None:
        self.pending = {place: note for place, note in self.pending.items() if note.held and self._patience[place] > 0}

    def _resume(self, cause: Cause) -> None:
        """Go on with the run that a process before has seen, if this record belongs to it."""
        runs = [
            (place, note.run, note.since)
            for place, note in self.pending.items()
            if note.run is not None and note.run.cause == cause.code
        ]
        if not runs:
            return
        counts: Counter[str] = Counter()
        for _, run, _ in runs:
            counts[run.name] += run.records
        name = counts.most_common(1)[0][0]  # the others are of older runs, in partitions without anything new
        parts = [(place, run.records, since or 0) for place, run, since in runs if run.name == name]
        entries = [_Bad(cause, place, since) for place, count, since in parts for _ in range(count)]
        for entry in entries[: self._need - 1]:
            self._push_bad(entry)
        self._run_name = name

    def notes(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, str]:
        """What a new process has to know, to go with these committed offsets; nothing where that is nothing."""
        seen, older = self._seen_before()
        total = seen + self._noted_total
        counts = self._noted + Counter({cause.code: count for cause, count in older.items()})
        most = NOTED * self._limit.of_last
        scale = min(1.0, most / total) if total else 1.0
        shown = {code: int(n * scale) for code, n in counts.most_common(MOST_NOTED) if n >= total * WORTH_NOTING}
        known = Note(int(total * scale), shown, self._mapping)
        found = {place: self._noted_of(place, offset, known) for place, offset in offsets.items()}
        worth = {place: note for place, note in found.items() if note.total >= self._sample or note.held or note.run}
        return {place: str(note) for place, note in worth.items()}

    def _seen_before(self) -> tuple[int, Counter[Cause]]:
        """Before the last ``need`` records, or, where that says too little, before a run that may become a flood."""
        if self._older_total + self._noted_total >= self._sample or not self._long_run:
            return self._older_total, self._older
        last = self._last(min(self._need, self._seen))
        between = last[: max(0, len(last) - self._run)]
        older = self._older + Counter(entry.cause for entry in between if entry is not None)
        return self._older_total + len(between), older

    def _noted_of(self, place: TopicPartition, offset: int, known: Note) -> Note:
        if self.flooded is not None:
            cause = self.flooded.cause
            why = (cause.reason.value, cause.rule or "", cause.member or "")
            return known._replace(held=cause.code, why=why, since=dict(self.flooded.since).get(place))
        if place in self.pending:
            return self.pending[place]._replace(total=known.total, counts=known.counts)
        first = self._run_first
        if first is None or not self._long_run:
            return known
        last = self._last(min(self._run, len(self._ring)))
        here = [each.offset for each in last if each is not None and each.place == place and each.offset < offset]
        if not here:
            return known
        return known._replace(run=Run(self._run_name or checksum(first), first.cause.code, len(here)), since=min(here))

    def recall(self, place: TopicPartition, text: str) -> None:
        """Take in what a process before has noted; of several notes the one that says most. Other text says nothing."""
        note = note_of(text)
        if note is None:
            return
        if note.total > self._noted_total:
            self._noted_total = note.total
            self._noted = Counter(note.counts)
        # Under another mapping nothing is suspected, and nothing goes on: that is counted afresh.
        if self.flooded is None and note.mapping == self._mapping and (note.held or (note.run and not self._seen)):
            self.pending[place] = note
            self._patience[place] = SUSPECTED
