"""A group's state needs no thresholds: laws that hold for every stream, fast or slow."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.sending.lag import SEVERITY, Look, Rates, Reset, State, catches_up_in, rates, state, worst

RESETS: tuple[Reset, ...] = ("earliest", "latest", "error")


@st.composite
def looks(draw: st.DrawFn) -> list[Look]:
    """Looks in the order of time: offsets, beginnings and ends never go back."""
    at, begin, end, committed = 0.0, 0, draw(st.integers(0, 1000)), draw(st.none() | st.integers(0, 1000))
    found = []
    for _ in range(draw(st.integers(2, 5))):
        found.append(Look(at, committed, begin, end))
        at += draw(st.integers(1, 60))
        end += draw(st.integers(0, 1000))
        begin = min(end, begin + draw(st.integers(0, 50)))
        committed = draw(st.none()) if committed is None else min(end, committed + draw(st.integers(0, 1000)))
    return found


def shifted(found: Sequence[Look], by: int) -> list[Look]:
    return [
        each._replace(
            committed=None if each.committed is None else each.committed + by, begin=each.begin + by, end=each.end + by
        )
        for each in found
    ]


@given(found=looks(), reset=st.sampled_from(RESETS), members=st.booleans())
def test_nothing_left_to_read_is_ok_and_only_a_group_that_moves_is_ok_with_something_left(
    found: list[Look], reset: Reset, *, members: bool
) -> None:
    told = state(found, reset, members=members)
    if found[-1].lag(reset) == 0:
        assert told is State.OK
    elif told is State.OK:
        assert members
        assert found[-1].committed != found[0].committed


@given(
    found=looks(),
    reset=st.sampled_from(RESETS),
    members=st.booleans(),
    by=st.integers(1, 10**12),
    slower=st.integers(2, 100),
)
def test_neither_where_offsets_begin_nor_how_fast_time_goes_changes_a_state(
    found: list[Look], reset: Reset, by: int, slower: int, *, members: bool
) -> None:
    moved = [each._replace(at=each.at * slower) for each in shifted(found, by)]
    assert state(moved, reset, members=members) is state(found, reset, members=members)


@given(looks(), st.sampled_from(RESETS))
def test_a_group_without_members_and_with_something_to_read_is_stopped(found: list[Look], reset: Reset) -> None:
    assert (state(found, reset, members=False) is State.STOPPED) == (found[-1].lag(reset) > 0)


@given(looks(), st.sampled_from(RESETS))
def test_a_group_that_catches_up_has_an_end_in_sight_and_one_that_falls_behind_has_none(
    found: list[Look], reset: Reset
) -> None:
    if not all(each.usable() for each in found):
        return
    told, lag = state(found, reset, members=True), found[-1].lag(reset)
    if told is State.CATCHING_UP:
        seconds = catches_up_in(lag, rates(found))
        assert seconds is not None
        assert seconds > 0
    elif told in {State.FALLING_BEHIND, State.STALLED}:
        assert catches_up_in(lag, rates(found)) is None


@given(looks(), st.sampled_from(RESETS))
def test_lag_is_never_negative_nor_more_than_what_is_kept(found: list[Look], reset: Reset) -> None:
    assert all(0 <= each.lag(reset) <= each.end - each.begin for each in found)


def two(before: int | None, after: int | None, *, ends: tuple[int, int] = (100, 100), begin: int = 0) -> list[Look]:
    return [Look(0.0, before, begin, ends[0]), Look(10.0, after, begin, ends[1])]


@pytest.mark.parametrize(
    ("found", "members", "expected"),
    [
        (two(100, 100), False, State.OK),
        (two(10, 10), False, State.STOPPED),
        (two(10, 10), True, State.STALLED),
        (two(None, None), True, State.STALLED),
        (two(10, 40), True, State.CATCHING_UP),
        (two(None, 40), True, State.CATCHING_UP),
        (two(10, 40, ends=(100, 200)), True, State.FALLING_BEHIND),
        (two(90, 40), True, State.FALLING_BEHIND),  # somebody has set the offset back
        (two(90, 120, ends=(100, 140)), True, State.OK),  # always a few seconds behind
        ([Look(0.0, 80, 0, 100), Look(5.0, 100, 0, 100), Look(9.0, 101, 0, 190)], True, State.OK),
        (two(10, 10, begin=50), True, State.STALLED),  # retention deletes faster than it reads
    ],
)
def test_each_state_has_its_example(found: list[Look], expected: State, *, members: bool) -> None:
    assert state(found, "earliest", members=members) is expected


def test_a_group_without_an_offset_reads_where_the_reset_says() -> None:
    look = Look(0.0, None, 20, 100)
    assert [look.position(reset) for reset in RESETS] == [20, 100, None]
    assert [look.lag(reset) for reset in RESETS] == [80, 0, 80]
    assert state([look, look], "error", members=True) is State.STOPPED


def test_deleted_records_and_an_offset_beyond_the_end_are_seen() -> None:
    assert (Look(0.0, 10, 50, 100).deleted(), Look(0.0, 60, 50, 100).deleted()) == (40, 0)
    assert Look(0.0, 10, 50, 100).position("earliest") == 50
    assert Look(0.0, 101, 50, 100).beyond()
    assert Look(0.0, 101, 50, 100).position("latest") == 100


def test_offsets_without_a_record_are_no_lag() -> None:
    look = Look(0.0, 97, 0, 100, empty=True)
    assert state([look, look], "earliest", members=False) is State.OK


def test_rates_are_of_offsets_a_second_and_the_rest_follows() -> None:
    found = two(10, 60, ends=(100, 120))
    assert rates(found) == Rates(5.0, 2.0)
    assert catches_up_in(60, rates(found)) == 20.0
    assert rates(two(None, 60)) == Rates(6.0, 0.0)
    assert rates(two(None, None)) == Rates(0.0, 0.0)
    assert rates(found[:1]) is None
    assert catches_up_in(60, None) is None
    assert catches_up_in(0, None) == 0.0


def test_a_group_is_in_the_state_of_its_worst_partition() -> None:
    assert [worst(SEVERITY[number:]) for number in range(len(SEVERITY))] == list(SEVERITY)
    assert worst([]) is State.OK
