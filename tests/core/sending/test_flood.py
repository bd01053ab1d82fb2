"""A pipeline whose records turn invalid for one cause is stopped early, and one that was always like that never."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.records import Reason, Rejection, Stage, TopicPartition
from connector.core.sending.flood import LONG, NOTED, Flood, Limit, cause_of

if TYPE_CHECKING:
    from collections.abc import Iterable

P0, P1 = TopicPartition("clicks", 0), TopicPartition("clicks", 1)
USUAL = Limit(0.9, 1000)
SMALL = Limit(0.9, 100)
ITEM = Rejection(Stage.MAP, Reason.MISSING_MEMBER, "no item", "itemId", "web", "view")
USER = ITEM._replace(field="userId")
TYPE = ITEM._replace(reason=Reason.WRONG_TYPE)
BUY = ITEM._replace(rule="buy")
CAUSES = (ITEM, USER, TYPE, BUY)


def feed(flood: Flood, fates: Iterable[Rejection | None], place: TopicPartition = P0, start: int = 0) -> int:
    """How many records passed before the flood was stopped; all of them where it was not."""
    passed = 0
    for offset, fate in enumerate(fates, start):
        if fate is None:
            flood.good()
        elif flood.bad(fate, place, offset):
            break
        passed += 1
    return passed


def junk(records: int, share: float, seed: int = 1, cause: Rejection = ITEM) -> list[Rejection | None]:
    chance = random.Random(seed)
    return [cause if chance.random() < share else None for _ in range(records)]


def test_a_change_to_all_invalid_is_stopped_before_the_share_of_the_window_is_dead_lettered() -> None:
    flood = Flood(USUAL)
    assert feed(flood, [None] * 5000 + [ITEM] * 5000) == 5000 + 899
    assert flood.flooded is not None
    assert flood.flooded.cause == cause_of(ITEM)
    assert flood.flooded.since == ((P0, 5000),)
    assert flood.flooded.share == 0.9
    assert flood.flooded.before == 0.0
    assert not flood.flooded.again


@pytest.mark.parametrize("good", [0, 20, 49, 50, 100, 300, 999, 1000, 5000])
def test_fewer_letters_than_the_window_has_records_are_written_however_early_it_turns(good: int) -> None:
    passed = feed(Flood(USUAL), [None] * good + [ITEM] * 20_000)
    assert passed - good < 1000


def test_where_nothing_was_ever_right_it_is_stopped() -> None:
    flood = Flood(USUAL)
    assert feed(flood, [ITEM] * 5000) == 999
    assert flood.flooded is not None
    assert flood.flooded.share == 1.0


@pytest.mark.parametrize("share", [0.9, 0.93, 0.95, 0.99])
@pytest.mark.parametrize("seed", range(5))
def test_a_topic_whose_share_was_always_like_that_is_never_held(share: float, seed: int) -> None:
    assert feed(Flood(USUAL), [None, *junk(50_000, share, seed)]) == 50_001


def test_a_topic_of_junk_whose_share_varies_is_not_held_each_time_that_it_rises() -> None:
    fates = [*junk(3000, 0.95), *junk(1000, 0.6), *junk(5000, 0.97), *junk(500, 0.2), *junk(9000, 0.96)]
    assert feed(Flood(USUAL), fates) == len(fates)


@pytest.mark.parametrize("slope", [3000, 30_000, 300_000])
def test_a_change_that_comes_slowly_is_stopped_too(slope: int) -> None:
    chance = random.Random(3)
    rising = [ITEM if chance.random() < n / slope else None for n in range(slope)]
    assert feed(Flood(USUAL), [*rising, *[ITEM] * 2000]) < slope + 2000


def test_a_producer_that_is_replaced_for_half_of_the_traffic_first_is_stopped_when_all_of_it_is() -> None:
    fates = [*[None] * 2000, *junk(20_000, 0.5), *[ITEM] * 3000]
    assert 22_000 <= feed(Flood(USUAL), fates) < 23_000


def test_what_was_long_ago_does_not_excuse_a_change_for_ever() -> None:
    flood, long = Flood(Limit(0.9, 20)), LONG * 20
    assert feed(flood, [None if number % 16 == 7 else ITEM for number in range(long)]) == long
    assert feed(flood, [None] * long) == long
    assert feed(flood, [ITEM] * 1000) < 20


def test_invalid_for_many_causes_is_no_flood_of_one() -> None:
    fates = [None] * 1000 + list(CAUSES) * 2000
    assert feed(Flood(USUAL), fates) == len(fates)


def test_the_first_offset_of_each_partition_is_named() -> None:
    flood = Flood(SMALL)
    feed(flood, [None] * 200)
    for offset in range(1000):
        if flood.bad(ITEM, (P0, P1)[offset % 2], 70 + offset):
            break
    assert flood.flooded is not None
    assert flood.flooded.since == ((P0, 70), (P1, 71))


def test_once_it_is_stopped_it_stays_so() -> None:
    flood = Flood(SMALL)
    feed(flood, [None] * 200 + [ITEM] * 90)
    flood.good()
    assert flood.bad(USER, P1, 1)
    assert flood.flooded is not None
    assert flood.flooded.cause == cause_of(ITEM)


@given(st.lists(st.sampled_from([None, None, *CAUSES]), max_size=400), st.sampled_from(CAUSES))
def test_whatever_came_before_a_flood_after_good_records_writes_fewer_letters_than_the_window(
    before: list[Rejection | None], cause: Rejection
) -> None:
    flood = Flood(SMALL)
    feed(flood, [None] * 200)
    if feed(flood, before) < len(before):
        return
    assert feed(flood, [cause] * 200) < SMALL.of_last


@given(st.lists(st.sampled_from([None, *CAUSES]), max_size=600), st.integers(10, 60), st.integers(1, 100))
def test_it_only_stops_at_a_cause_with_its_share_of_the_window(
    fates: list[Rejection | None], of_last: int, percent: int
) -> None:
    limit = Limit(percent / 100, of_last)
    flood = Flood(limit)
    passed = feed(flood, fates)
    if passed == len(fates):
        assert flood.flooded is None
        return
    window = fates[max(0, passed + 1 - of_last) : passed + 1]
    assert window.count(fates[passed]) >= limit.need
    assert limit.need >= percent / 100 * of_last - 1e-6


# -- over a restart -------------------------------------------------------------------------------------------


def restarted(flood: Flood) -> Flood:
    new = Flood(USUAL)
    new.recall(flood.note())
    return new


def test_a_restart_knows_that_it_was_otherwise_and_stops_at_the_window_share() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000)
    assert flood.note() == "flood1 2100"
    assert feed(restarted(flood), [ITEM] * 5000) == 899


def test_a_restart_on_a_topic_that_was_always_like_that_is_not_held() -> None:
    flood = Flood(USUAL)
    for seed in range(5):
        fates = junk(5000, 0.95, seed)
        assert feed(flood, fates) == len(fates)
        flood = restarted(flood)


def test_a_restart_on_a_held_topic_is_held_with_the_first_record_where_those_at_hand_are_alike() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000 + [ITEM] * 1000)
    new = restarted(flood)
    assert new.suspect == cause_of(ITEM).code
    assert new.again(ITEM, P0, 3899, 1.0)
    assert new.flooded is not None
    assert new.flooded.again
    assert new.flooded.since == ((P0, 3899),)
    assert new.flooded.before == 0.0
    assert restarted(new).suspect == cause_of(ITEM).code, "and again"


def test_a_restart_with_a_mended_mapping_goes_on() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000 + [ITEM] * 1000)
    new = restarted(flood)
    assert not new.again(ITEM, P0, 3899, 0.1)
    assert new.suspect is None
    assert feed(new, [None] * 5000) == 5000
    assert restarted(new).suspect is None


def test_a_note_stays_short_and_stands_for_no_more_than_some_windows() -> None:
    flood = Flood(SMALL)
    many = [ITEM._replace(field=f"properties.{number}") for number in range(30)]
    feed(flood, many * 100)
    feed(flood, junk(20_000, 0.5))
    feed(flood, [None] * 200 + [ITEM] * 100)
    assert len(flood.note()) < 256
    assert int(flood.note().split()[1]) == NOTED * SMALL.of_last


@pytest.mark.parametrize("note", ["", "x", "flood1", "flood2 5", "flood1 5 zz=1", "flood1 5 held=1", "flood1 -1"])
def test_text_of_others_says_nothing(note: str) -> None:
    flood = Flood(USUAL)
    flood.recall(note)
    assert flood.suspect is None
    assert flood.note() == ""


def test_of_several_notes_the_one_that_says_most_counts() -> None:
    flood, code = Flood(USUAL), cause_of(ITEM).code
    flood.recall(f"flood1 100 held={code}")
    flood.recall(f"flood1 5000 {code}=4800")
    flood.recall("flood1 50")
    assert flood.note() == f"flood1 5000 {code}=4800"
    assert flood.suspect == code


def test_a_note_that_comes_when_records_were_read_suspects_nothing() -> None:
    flood = Flood(USUAL)
    flood.good()
    flood.recall(f"flood1 5000 held={cause_of(ITEM).code}")
    assert flood.suspect is None


def test_a_cause_has_the_same_code_in_every_process() -> None:
    assert cause_of(ITEM).code == "931add61"
    assert len({cause_of(each).code for each in CAUSES}) == 4
