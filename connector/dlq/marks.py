"""Which letters of a partition were replayed already, as the commits of the replay's group say it. Pure.

A committed offset alone cannot say it: a replay by reason leaves letters of other reasons behind. So a commit has a
note beside its offset: everything before the offset is done, and after it what each selection took, from one offset to
another. However many letters that are, the note has the length of the selections.
"""

from typing import NamedTuple, Self

import orjson

from connector.dlq.letters import Letter
from connector.dlq.selection import Selection

LONGEST = 4_000  # bytes of a note; brokers take 4,096 unless told otherwise


class Mark(NamedTuple):
    """The letters that this selection takes were replayed, from ``begin`` to before ``end``."""

    selection: Selection
    begin: int
    end: int


class Marks(NamedTuple):
    """Everything before ``base`` is done, and after it what the marks say."""

    base: int = 0
    marks: tuple[Mark, ...] = ()

    def has(self, letter: Letter) -> bool:
        """Whether the letter was replayed."""
        offset = letter.place.offset
        return offset < self.base or any(
            mark.begin <= offset < mark.end and mark.selection.takes(letter) for mark in self.marks
        )

    def with_progress(self, selection: Selection, begin: int, end: int) -> Self:
        """The marks once the letters of a selection are done from ``begin`` to before ``end``."""
        if selection.everything and begin <= self.base:
            base = max(self.base, end)
            return type(self)(base, tuple(mark for mark in self.marks if mark.end > base))
        marks: list[Mark] = []
        begin = max(begin, self.base)
        for mark in self.marks:
            if mark.selection == selection and mark.begin <= end and begin <= mark.end:
                begin, end = min(begin, mark.begin), max(end, mark.end)
            else:
                marks.append(mark)
        kept = marks if end <= begin else [*marks, Mark(selection, begin, end)]
        joined = type(self)(self.base, tuple(kept))
        return joined.with_progress(selection, begin, end) if selection.everything and begin <= self.base else joined

    def note(self) -> str:
        """The note beside the committed offset; "" where there is nothing to note."""
        if not self.marks:
            return ""
        return orjson.dumps([[mark.selection.as_json(), mark.begin, mark.end] for mark in self.marks]).decode()

    @property
    def fits(self) -> bool:
        """Whether a broker takes the note."""
        return len(self.note().encode()) <= LONGEST

    @classmethod
    def of_note(cls, base: int, note: str | None) -> Self:
        """What a commit says. A note in another form counts as none: then letters may be replayed twice, not lost."""
        try:
            given = orjson.loads(note or "[]")
            marks = tuple(Mark(Selection.of_json(what), int(begin), int(end)) for what, begin, end in given)
        except (ValueError, TypeError, AttributeError):
            marks = ()
        return cls(base, marks)
