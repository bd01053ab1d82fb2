"""Positions: what a user writes means one place in each partition, or is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.positions import (
    BeforeEnd,
    End,
    NotAPosition,
    Offset,
    Position,
    Range,
    Start,
    Time,
    range_of,
    resolved,
)

NOW = 1_764_000_000_000
HOUR = 3_600_000

offsets = st.integers(0, 10**12)
positions = st.one_of(
    st.just(Start()), st.just(End()), offsets.map(Offset), offsets.map(BeforeEnd), st.integers(0, 10**13).map(Time)
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("start", Range(Start(), None)),
        ("end", Range(End(), None)),
        ("0", Range(Offset(0), None)),
        ("100", Range(Offset(100), None)),
        ("-100", Range(BeforeEnd(100), None)),
        ("@-1h", Range(Time(NOW - HOUR), None)),
        ("-1h", Range(Time(NOW - HOUR), None)),
        ("-90m", Range(Time(NOW - HOUR * 3 // 2), None)),
        ("-250ms", Range(Time(NOW - 250), None)),
        ("@-14d", Range(Time(NOW - 14 * 24 * HOUR), None)),
        ("@1764000000", Range(Time(NOW), None)),
        ("@1764000000000", Range(Time(NOW), None)),
        ("@2025-11-24T16:00:00Z", Range(Time(NOW), None)),
        ("@2025-11-24T16:00", Range(Time(NOW), None)),
        ("@2025-11-24T17:00:00+01:00", Range(Time(NOW), None)),
        ("@2025-11-24", Range(Time(NOW - 16 * HOUR), None)),
        ("2025-11-24", Range(Time(NOW - 16 * HOUR), None)),
        (" start ", Range(Start(), None)),
        ("start:end", Range(Start(), End())),
        (":end", Range(None, End())),
        ("-5:", Range(BeforeEnd(5), None)),
        ("10:20", Range(Offset(10), Offset(20))),
        ("@-2h:-1h", Range(Time(NOW - 2 * HOUR), Time(NOW - HOUR))),
        ("@2025-11-24T15:00:00Z:@2025-11-24T16:00:00Z", Range(Time(NOW - HOUR), Time(NOW))),
        ("@2025-11-24T16:00:end", Range(Time(NOW), End())),
    ],
)
def test_a_position_means_one_place(text: str, meant: Range) -> None:
    assert range_of(text, NOW) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "begin", "latest", "1h", "+5", "@", "@tomorrow", "@-1", "-1w", "1:2:3", "@123", "5 6", "1_0", "٣",
    ],
)  # fmt: skip
def test_what_is_no_position_is_refused_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(NotAPosition, match="@-1h"):
        range_of(text, NOW)


@pytest.mark.parametrize("text", ["@2025-02-30", "@2025-11-24T25:00:00Z", "@0000-01-01"])
def test_a_date_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(NotAPosition, match="date that exists"):
        range_of(text, NOW)


@pytest.mark.parametrize("text", ["20:10", "10:10", "@-1h:-2h", "-5:-10", "end:start", "end:end"])
def test_a_range_that_ends_before_it_begins_is_refused(text: str) -> None:
    with pytest.raises(NotAPosition, match="begins before it ends"):
        range_of(text, NOW)


def test_an_age_beyond_1970_is_1970() -> None:
    assert range_of("-999999999d", NOW) == Range(Time(0), None)


@pytest.mark.parametrize(
    ("position", "at_time", "offset"),
    [
        (Start(), None, 10),
        (End(), None, 50),
        (Offset(20), None, 20),
        (Offset(5), None, 10),
        (Offset(99), None, 50),
        (BeforeEnd(5), None, 45),
        (BeforeEnd(500), None, 10),
        (Time(NOW), 33, 33),
        (Time(NOW), None, 50),
    ],
)
def test_a_position_is_found_in_a_partition_that_has_offsets_10_to_49(
    position: Position, at_time: int | None, offset: int
) -> None:
    assert resolved(position, 10, 50, at_time) == offset


@given(positions, offsets, offsets, st.none() | offsets)
def test_a_position_never_leaves_the_partition(
    position: Position, first: int, length: int, at_time: int | None
) -> None:
    assert first <= resolved(position, first, first + length, at_time) <= first + length


@given(st.text("@-:0123456789hmsdTZ+. starend", max_size=30))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    try:
        found = range_of(text, NOW)
    except NotAPosition:
        return
    assert found.begin is not None or found.end is not None


def test_no_position_is_false() -> None:
    """`wanted.begin or Start()` would read a topic from its start where its end was asked for."""
    kinds: list[object] = [Start(), End(), Offset(0), BeforeEnd(0), Time(0)]
    assert all(kinds)


def test_positions_of_two_kinds_are_never_equal() -> None:
    kinds: list[Position] = [Start(), End(), Offset(1), BeforeEnd(1), Time(1)]
    assert len(set(kinds)) == len(kinds)
    assert Start() == Start()
