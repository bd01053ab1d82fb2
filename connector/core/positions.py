"""Positions in a topic, in one small language: where to begin and where to end. The one of ``rpk topic consume -o``.

| written | means, in each partition |
|---|---|
| ``start``, ``end`` | its first record that is left; after its last record |
| ``100`` | offset 100 |
| ``-100`` | a hundred offsets before its end |
| ``@-1h`` or ``-1h`` | the first record that is at most an hour old; ms, s, m, h and d are units |
| ``@2026-11-24T08:00:00Z``, ``@2026-11-24`` | the first record from that time on; without a zone it is UTC |
| ``@1764000000``, ``@1764000000000`` | the same in Unix seconds or milliseconds: ten digits or thirteen |
| ``A:B`` | from A to before B; ``A:`` and ``:B`` leave one open |
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, assert_never

EXAMPLES = "start, end, 100, -100, @-1h, @2026-11-24T08:00:00Z, or two with a colon between, as in @-1h:end"

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DATE = r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?"
_ONE = rf"(?:start|end|-?\d{{1,18}}|@\d{{10}}|@\d{{13}}|@?-\d{{1,9}}(?:ms|s|m|h|d)|@?{_DATE})"
_RANGE = re.compile(rf"({_ONE})?(?::({_ONE})?)?", re.ASCII)
_AGO = re.compile(r"@?-(\d+)(ms|s|m|h|d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Start:
    """The first record that is left."""


@dataclass(frozen=True, slots=True)
class End:
    """After the last record."""


@dataclass(frozen=True, slots=True)
class Offset:
    """An offset, the same in each partition."""

    offset: int


@dataclass(frozen=True, slots=True)
class BeforeEnd:
    """So many offsets before the end."""

    offsets: int


@dataclass(frozen=True, slots=True)
class Time:
    """The first record from this time on, in ms since 1970."""

    ms: int


Position = Start | End | Offset | BeforeEnd | Time


class Range(NamedTuple):
    """From ``begin`` to before ``end``; None: nothing was said about that side."""

    begin: Position | None
    end: Position | None


class NotAPosition(ValueError):
    """The text is no position; the message says what one looks like."""


def range_of(text: str, now_ms: int) -> Range:
    """What a text means, such as ``@-1h:end``.

    Args:
        text: as a user wrote it.
        now_ms: the time that ages are counted from, in ms since 1970.

    Raises:
        NotAPosition: it means nothing, or it ends before it begins.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None or not (match[1] or match[2]):
        raise NotAPosition(f"expected a position: {EXAMPLES}")
    begin, end = (None if part is None else _position(part, now_ms) for part in (match[1], match[2]))
    if _backwards(begin, end):
        raise NotAPosition("expected a position that begins before it ends")
    return Range(begin, end)


def _position(text: str, now_ms: int) -> Position:
    if text in ("start", "end"):
        return Start() if text == "start" else End()
    if re.fullmatch(r"\d+", text):
        return Offset(int(text))
    if re.fullmatch(r"-\d+", text):
        return BeforeEnd(int(text[1:]))
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return Time(max(0, now_ms - int(ago[1]) * _UNITS[ago[2]]))
    bare = text.removeprefix("@")
    return Time(int(bare) * (1000 if len(bare) == len("1764000000") else 1)) if bare.isdigit() else _date(bare)


def _date(text: str) -> Time:
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return Time(max(0, int(aware.timestamp() * 1000)))
    except (ValueError, OverflowError):
        raise NotAPosition("expected a date that exists, such as 2026-11-24 or 2026-11-24T08:00:00Z") from None


def _backwards(begin: Position | None, end: Position | None) -> bool:
    """Whether it is plain without a look at a topic that the range is empty."""
    match begin, end:
        case Offset(first), Offset(last):
            return first >= last
        case Time(first), Time(last):
            return first >= last
        case BeforeEnd(first), BeforeEnd(last):
            return first <= last
        case _:
            return isinstance(begin, End) and end is not None


def resolved(position: Position, first: int, end: int, at_time: int | None) -> int:
    """The offset that a position means in one partition, between its first and its end.

    Args:
        position: what is looked for.
        first: the offset of the oldest record that is left.
        end: the offset that the next record will get.
        at_time: for a ``Time``, the offset that the brokers gave; None where no record is that young.
    """
    match position:
        case Start():
            found = first
        case End():
            found = end
        case Offset(offset):
            found = offset
        case BeforeEnd(offsets):
            found = end - offsets
        case Time():
            found = end if at_time is None else at_time
        case _:
            assert_never(position)
    return min(max(found, first), end)
