"""Dates and times of binary formats as ISO 8601 text, whatever unit they are counted in.

Text, not a number since 1970: a number does not say its unit, so that 1,000 milliseconds would read as 1,000 seconds.
A moment that no calendar of Python's has, beyond the years 1 to 9999, is text in ISO 8601's wider form
(``+292278994-08-17T07:12:55.807Z``): databases write such moments for infinity, and ``sentAt`` refuses them.
"""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

MILLIS, MICROS, NANOS = 3, 6, 9  # digits of a second's fraction

_EPOCH = date(1970, 1, 1).toordinal()
_LAST = date.max.toordinal()
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097  # after which the calendar repeats
_DAY = 86_400  # seconds
_TWO_DIGITS = tuple(f"{number:02d}" for number in range(60))


def date_text(days: int) -> str:
    """``2026-11-24``, from days since 1970-01-01."""
    ordinal = days + _EPOCH
    if 1 <= ordinal <= _LAST:
        return date.fromordinal(ordinal).isoformat()
    cycles, rest = divmod(ordinal - 1, _CYCLE_DAYS)
    day = date.fromordinal(rest + 1)
    year = day.year + cycles * _CYCLE_YEARS
    return f"{year:04d}{day:-%m-%d}" if 0 <= year <= 9999 else f"{year:+05d}{day:-%m-%d}"


# Moments of records that come in a row share their day.
_day_text = lru_cache(maxsize=256)(date_text)


def _clock(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_TWO_DIGITS[hour] if hour < 60 else hour}:{_TWO_DIGITS[minute]}:{_TWO_DIGITS[second]}"


def moments(digits: int, zone: str = "Z") -> Callable[[int], str]:
    """A function from a number since 1970 to ``2026-11-24T08:30:11.123Z``.

    Args:
        digits: ``MILLIS``, ``MICROS`` or ``NANOS``: what is counted, and how many digits the text has.
        zone: "Z", or "" for a local time, which is of no zone.
    """
    ticks = 10**digits
    day_ticks = _DAY * ticks

    def text(number: int) -> str:
        days, rest = divmod(number, day_ticks)
        seconds, fraction = divmod(rest, ticks)
        # One more digit in front, and off again: half the time of a format that pads.
        return f"{_day_text(days)}T{_clock(seconds)}.{str(fraction + ticks)[1:]}{zone}"

    return text


def times(digits: int) -> Callable[[int], str]:
    """A function from a number since midnight to ``08:30:11.123``; ``digits`` as for ``moments``.

    Beyond a day the hours go on, as in ``25:00:00.000``, and before midnight there is a minus sign: MySQL has both.
    """
    ticks = 10**digits

    def text(number: int) -> str:
        seconds, fraction = divmod(abs(number), ticks)
        return f"{'-' if number < 0 else ''}{_clock(seconds)}.{str(fraction + ticks)[1:]}"

    return text


def duration_text(months: int, days: int, milliseconds: int) -> str:
    """``P1M2DT3.004S``: a month and a day have no fixed length, so they stay apart."""
    seconds, fraction = divmod(milliseconds, 1000)
    return f"P{months}M{days}DT{seconds}.{fraction:03d}S"
