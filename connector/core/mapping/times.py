"""A time has one meaning, or it is refused: no guess at the order of day and month, no zone of the host.

``auto`` tells units apart by magnitude. Unix times from 2000 to 2100 lie between 9.4e8 and 4.2e9 in seconds,
and a thousand times higher for each smaller unit, so the cuts at 1e11, 1e14 and 1e17 stand far from any
plausible time (1e11 seconds is the year 5138, 1e11 milliseconds is March 1973). Text of eight digits
is a date.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from connector.core.mapping.values import wrong_type
from connector.core.records import DataError, Reason
from connector.core.words import suggest

ParseTime = Callable[[Any], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_SECONDS = 10**11
# Ticks a second of each unit, the coarse ones first.
_UNITS: Mapping[str, int] = {"epoch_s": 1, "epoch_ms": 10**3, "epoch_us": 10**6, "epoch_ns": 10**9}
_TICKS = tuple(_UNITS.values())
_NUMERIC = (int, float, str)
_SEPARATORS = "Tt "


class TimeSpecError(ValueError):
    """The value of ``key`` in a field spec is not valid; ``hint`` suggests what was meant."""

    def __init__(self, key: Literal["format", "timezone"], message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.key = key
        self.hint = hint


def time_zone(name: str) -> tzinfo:
    """The zone of an IANA name; a local time that happens twice is taken for the first.

    Raises:
        TimeSpecError: when there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # an unknown name; a path, or a file that is not a zone; a folder
        hint = suggest(name, available_timezones()) or "a zone is named after a city, as in Europe/Berlin"
        raise TimeSpecError("timezone", f"unknown time zone {name}", hint) from None


def time_parser(format: str = "auto", zone: tzinfo = UTC) -> ParseTime:  # noqa: A002  the configuration's word
    """A function from a JSON value to whole Unix seconds, rounded down.

    Args:
        format: ``auto``, ``iso8601``, ``epoch_s``, ``epoch_ms``, ``epoch_us``, ``epoch_ns``, ``array``, or a pattern
            of ``strptime``, which has a ``%``.
        zone: the zone of a text that names none, and of every array.

    Raises:
        TimeSpecError: when there is no such format. The function itself raises DataError.
    """
    if format in _UNITS:
        return _epoch(_UNITS[format], format)
    if format in _BY_NAME:
        return _BY_NAME[format](zone)
    if "%" in format:
        return _pattern(format, zone)
    raise TimeSpecError(
        "format",
        f"unknown time format {format}",
        _meant_format(format),
    )


_WORDS = {
    "epoch_s": ("unix", "seconds", "sec", "s", "timestamp", "epoch"),
    "epoch_ms": ("milliseconds", "millis", "ms", "unix_ms", "epoch_millis", "javascript"),
    "epoch_us": ("microseconds", "micros", "us"),
    "epoch_ns": ("nanoseconds", "nanos", "ns"),
    "iso8601": ("iso", "rfc3339", "rfc_3339", "iso_8601", "datetime"),
}
# The letters of Java's patterns, the longest first.
_JAVA = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "%f", "XXX": "%z", "'T'": "T"}


def _meant_format(name: str) -> str:
    words = (kind for kind, others in _WORDS.items() if name.lower().replace("-", "_") in others)
    if "yyyy" in name:
        return f"did you mean {re.sub('|'.join(_JAVA), lambda found: _JAVA[found[0]], name)}?"
    close = next((f"did you mean {kind}?" for kind in words), None) or suggest(name, (*_BY_NAME, *_UNITS))
    return close or "a pattern has a %, as in %d/%m/%Y"


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LAST36 = tuple(high + low for high in _DIGITS for low in _DIGITS)


@lru_cache(maxsize=64)
def head36(number: int) -> str:
    """A number in base 36, of a time all digits but the last two: those that come in a row share them.

    ``head36(time // 1296) + LAST36[time % 1296]`` takes a third of the time of writing all digits.
    """
    high, low = divmod(number, 36)
    return (head36(high) if high else "") + _DIGITS[low]


def _auto(zone: tzinfo) -> ParseTime:
    def parse(value: Any) -> int:
        if isinstance(value, str):
            try:
                return _iso_seconds(value, zone)
            except (ValueError, OverflowError):
                return _seconds(_number(value, _AUTO), _TICKS)
        if isinstance(value, list) and 3 <= len(value) <= 7:
            raise DataError(Reason.WRONG_TYPE, f"expected {_AUTO}, not a list, which format: array reads")
        return _seconds(_number(value, _AUTO), _TICKS)

    return parse


def _iso8601(zone: tzinfo) -> ParseTime:
    def parse(value: Any) -> int:
        if not isinstance(value, str):
            raise wrong_type("a time as ISO 8601 text", value)
        try:
            return _iso_seconds(value, zone)
        except (ValueError, OverflowError):
            raise _no_time("a time as ISO 8601 text, as in 2026-11-24T08:30:11Z") from None

    return parse


def _array(zone: tzinfo) -> ParseTime:
    """Of Java's local dates and times as Jackson writes them: it leaves out seconds and nanoseconds that are zero."""

    def parse(value: Any) -> int:
        if not isinstance(value, list):
            raise wrong_type(_ARRAY, value)
        # True is an int to Python, but not a month.
        if not 3 <= len(value) <= 7 or any(type(part) is not int for part in value):
            raise _no_time(_ARRAY)
        if not 0 <= sum(value[6:]) < 10**9:
            raise _no_time(f"{_ARRAY} below 1,000,000,000")
        try:
            return _since_1970(datetime(*value[:6]).replace(tzinfo=zone), zone)  # noqa: DTZ001
        except (ValueError, OverflowError):
            raise _no_time(f"{_ARRAY}, of a day and a time that exist") from None

    return parse


_ARRAY = "a list of 3 to 7 whole numbers: year, month, day, hour, minute, second, nanosecond"
_BY_NAME: Mapping[str, Callable[[tzinfo], ParseTime]] = {"auto": _auto, "iso8601": _iso8601, "array": _array}
_AUTO = "a time: ISO 8601 text, or a number since 1970"


def _epoch(ticks: int, name: str) -> ParseTime:
    expected = f"a number since 1970 ({name})"

    def parse(value: Any) -> int:
        return _seconds(_number(value, expected), (ticks,))

    return parse


def _pattern(pattern: str, zone: tzinfo) -> ParseTime:
    _check_pattern(pattern)
    expected = f"a time as {pattern}"

    def parse(value: Any) -> int:
        # 20261124 may well come as a number.
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise wrong_type(expected, value)
        try:
            # A text without a zone is given one in the next step.
            return _since_1970(datetime.strptime(str(value), pattern), zone)  # noqa: DTZ007
        except (ValueError, OverflowError):
            raise _no_time(expected) from None

    return parse


def _check_pattern(pattern: str) -> None:
    # %Z reads the zone names of the host and forgets them: the same text, another time on another machine.
    if "%Z" in pattern.replace("%%", ""):
        raise TimeSpecError(
            "format",
            "expected a pattern without %Z, which knows only the host's own zone",
            "use timezone, or %z",
        )
    try:
        datetime.strptime(datetime(2001, 2, 3, tzinfo=UTC).strftime(pattern), pattern)  # noqa: DTZ007  only a probe
    except (ValueError, re.error):  # re.error: a directive that stands there twice
        raise TimeSpecError("format", f"expected a pattern that strptime can read, not {pattern}") from None


def _iso_seconds(text: str, zone: tzinfo) -> int:
    # fromisoformat takes any character between date and time, and so reads 2026-11-24-08:00, a date with its
    # zone, as eight o'clock, and thirteen digits as a date with a time. The separator stands at 10, or at 8
    # where the date has no dashes.
    text = text.strip()
    if len(text) > 10 and text[10] not in _SEPARATORS and text[8] not in _SEPARATORS:
        raise ValueError("expected a T or a blank between date and time")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text.upper())  # t and z are as good as T and Z
    return _since_1970(moment, zone)


def _since_1970(moment: datetime, zone: tzinfo) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    # A timedelta's seconds and microseconds are never negative, so leaving the latter out rounds down.
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds


# An int or a float: compiled to C, what is declared a float is one, and rounds the nanoseconds of an int.
_Number = Any


def _number(value: Any, expected: str) -> _Number:
    if isinstance(value, bool) or not isinstance(value, _NUMERIC):
        raise wrong_type(expected, value)
    if not isinstance(value, str):
        return value
    try:
        number: _Number = int(value) if value.isdigit() else float(value)
    except ValueError:
        raise _no_time(expected, "other text") from None
    # Python also reads 1_000 and the digits of every script, which no producer means.
    if "_" in value or not value.isascii():
        raise _no_time(expected, "other text")
    return number


def _seconds(number: _Number, units: Iterable[int]) -> int:
    for ticks in units:
        # NaN is never below a limit, so it is refused here as well.
        if abs(number) < _MAX_SECONDS * ticks:
            return int(number // ticks)
    raise _no_time("a time within 3,000 years of 1970")


def _no_time(expected: str, actual: str | None = None) -> DataError:
    return DataError(Reason.INVALID_TIME, f"expected {expected}, not {actual}" if actual else f"expected {expected}")
