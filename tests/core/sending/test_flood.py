"""A pipeline whose records turn invalid for one cause is stopped early, and one that was always like that never."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.records import Reason, Rejection, Stage, TopicPartition
from connector.core.sending.flood import LONG, NO_MAPPING, NOTED, SUSPECTED, Flood, Limit
from connector.core.sending.flood_notes import cause_of

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


@pytest.mark.grid
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


OLD, NEW = "0000000a", "0000000b"  # fingerprints of two mappings


def noted(flood: Flood, place: TopicPartition = P0, offset: int = 1 << 40) -> str:
    return flood.notes({place: offset}).get(place, "")


def restarted(flood: Flood, limit: Limit = USUAL, mapping: str = NO_MAPPING, offset: int = 1 << 40) -> Flood:
    """The next process, if this one ends with this offset committed."""
    new = Flood(limit, mapping)
    new.recall(P0, noted(flood, P0, offset))
    return new


def test_a_restart_knows_that_it_was_otherwise_and_stops_at_the_window_share() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000)
    assert noted(flood) == "flood1 2100"
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
    assert new.suspected(ITEM, P0)
    assert not new.suspected(USER, P0)
    assert not new.suspected(ITEM, P1)
    assert new.again(ITEM, P0, 3899, 1.0)
    assert new.flooded is not None
    assert new.flooded.again
    assert new.flooded.since == ((P0, 3000),), "as at first"
    assert new.flooded.before == 0.0
    assert restarted(new).suspected(ITEM, P0), "and again"


def test_a_restart_where_those_at_hand_are_otherwise_goes_on() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000 + [ITEM] * 1000)
    new = restarted(flood)
    assert not new.again(ITEM, P0, 3899, 0.1)
    assert new.quiet
    assert feed(new, [None] * 5000) == 5000
    assert not restarted(new).suspected(ITEM, P0)


def test_what_was_held_is_not_let_go_by_chance() -> None:
    """Of some records of a flood of nine in ten, fewer may be invalid."""
    flood = Flood(USUAL)
    feed(flood, [None] * 3000 + [ITEM] * 1000)
    assert restarted(flood).again(ITEM, P0, 3899, 0.7)


def test_under_another_mapping_nothing_is_suspected_and_all_is_counted_afresh() -> None:
    flood = Flood(USUAL, OLD)
    feed(flood, [None] * 3000 + [ITEM] * 1000)
    mended = restarted(flood, mapping=NEW)
    assert not mended.suspected(ITEM, P0)
    assert mended.quiet
    assert feed(mended, [*[ITEM] * 800, *[None] * 5000]) == 5800, "old records that it still refuses are no flood"
    useless = restarted(flood, mapping=NEW)
    assert feed(useless, [ITEM] * 5000) == 899
    assert restarted(useless, mapping=NEW).suspected(ITEM, P0)


def test_a_hold_is_suspected_for_some_records_of_its_partition_only() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000 + [ITEM] * 1000)
    new = restarted(flood)
    for _ in range(1000):
        new.looked(P1)
    assert new.suspected(ITEM, P0)
    for _ in range(SUSPECTED):
        new.looked(P0)
    assert not new.suspected(ITEM, P0)


def test_a_hold_that_is_only_suspected_is_noted_again() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000 + [ITEM] * 1000)
    new = restarted(flood)
    assert not new.quiet
    assert restarted(new).suspected(ITEM, P0)


def test_a_run_goes_on_over_restarts_so_that_no_loop_of_crashes_lets_a_flood_through() -> None:
    flood, offset = Flood(USUAL), 3000
    feed(flood, [None] * 3000)
    letters = 0
    for _ in range(20):
        letters += (passed := feed(flood, [ITEM] * 200, P0, offset))
        offset += passed
        if flood.flooded is not None:
            break
        flood = restarted(flood, offset=offset)
    assert letters == 899
    assert flood.flooded is not None
    assert flood.flooded.since == ((P0, 3000),)


def test_with_a_run_goes_what_was_before_it_also_where_that_is_less_than_a_window() -> None:
    flood = Flood(USUAL)
    feed(flood, [*[None] * 300, USER, *[None] * 99, *[ITEM] * 400])
    assert noted(flood).startswith(f"flood1 400 map={NO_MAPPING} run=")
    new = restarted(flood)
    assert feed(new, [ITEM] * 5000) == 499
    assert new.flooded is not None
    assert new.flooded.before == 0.0


def test_where_nothing_was_ever_right_nothing_was_before() -> None:
    flood = Flood(USUAL)
    feed(flood, [ITEM] * 400)
    new = restarted(flood)
    assert feed(new, [ITEM] * 5000) == 599
    assert new.flooded is not None
    assert new.flooded.before is None


def test_of_a_run_only_what_is_committed_is_noted_since_the_rest_is_read_again() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000)
    feed(flood, [ITEM] * 800, P0, 3000)
    assert feed(restarted(flood, offset=3300), [ITEM] * 5000, P0, 3300) == 599
    assert feed(restarted(flood, offset=3000), [ITEM] * 5000, P0, 3000) == 899


def test_a_run_ends_with_a_good_record_or_another_cause_or_another_mapping() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000)
    feed(flood, [ITEM] * 800, P0, 3000)
    assert feed(restarted(flood), [None, *[ITEM] * 5000], P0, 3800) == 900
    assert feed(restarted(flood), [USER] * 5000, P0, 3800) == 899
    assert feed(restarted(flood, mapping=NEW), [ITEM] * 5000, P0, 3800) == 899
    good = restarted(flood)
    good.good()
    good.looked(P0)
    assert good.quiet


def test_a_run_of_two_partitions_is_one_and_an_older_one_that_ended_does_not_count() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000)
    feed(flood, [ITEM] * 300, P1, 50)
    stale = noted(flood, P1)
    flood.good()
    feed(flood, [ITEM] * 400, P0, 3000)
    new = Flood(USUAL)
    new.recall(P0, noted(flood, P0))
    new.recall(P1, stale)
    assert feed(new, [ITEM] * 5000, P0, 3400) == 499
    feed(flood, [ITEM] * 100, P1, 350)
    both = Flood(USUAL)
    for place in (P0, P1):
        both.recall(place, noted(flood, place))
    assert feed(both, [ITEM] * 5000, P0, 3400) == 399


def test_a_run_before_that_went_on_because_it_was_always_like_that_still_does() -> None:
    flood = Flood(SMALL)
    assert feed(flood, [None, *junk(5000, 0.97), *[ITEM] * 300]) == 5301
    assert feed(restarted(flood, SMALL), [ITEM] * 300) == 300


def test_a_short_run_is_no_news() -> None:
    flood = Flood(USUAL)
    feed(flood, [None] * 3000 + [ITEM] * 2)
    assert "run=" not in noted(flood)
    assert flood.quiet


def test_a_note_stays_short_and_stands_for_no_more_than_some_windows() -> None:
    flood = Flood(SMALL)
    long = ITEM._replace(rule="a rule of many words " * 20, field="properties." + "é" * 300)
    many = [ITEM._replace(field=f"properties.{number}") for number in range(30)]
    feed(flood, many * 100)
    feed(flood, junk(20_000, 0.5))
    feed(flood, [None] * 200 + [long] * 100)
    assert flood.flooded is not None
    assert len(noted(flood)) < 1024, "Kafka takes 4,096"
    assert int(noted(flood).split()[1]) == NOTED * SMALL.of_last


@pytest.mark.parametrize("note", ["", "x", "flood1", "flood2 5", "flood1 5 zz=1", "flood1 5 held=1", "flood1 -1"])
def test_text_of_others_says_nothing(note: str) -> None:
    flood = Flood(USUAL)
    flood.recall(P0, note)
    assert flood.quiet
    assert noted(flood) == ""


def test_of_several_notes_the_one_that_says_most_counts() -> None:
    flood, code = Flood(USUAL), cause_of(ITEM).code
    flood.recall(P0, f"flood1 100 map={NO_MAPPING} held={code}")
    flood.recall(P1, f"flood1 5000 {code}=4800")
    flood.recall(P1, "flood1 50")
    assert noted(flood, P1) == f"flood1 5000 {code}=4800"
    assert flood.suspected(ITEM, P0)


def test_a_hold_that_moves_here_with_its_partition_is_suspected_in_that_partition_and_a_run_is_not_taken_on() -> None:
    flood, code = Flood(USUAL), cause_of(ITEM).code
    flood.good()
    flood.recall(P0, f"flood1 5000 map={NO_MAPPING} held={code}")
    flood.recall(P1, f"flood1 5000 map={NO_MAPPING} run=00000001:{code}:800 since=5")
    assert flood.suspected(ITEM, P0)
    assert feed(flood, [ITEM] * 5000, P1) == 899


def test_a_note_of_a_version_that_knew_no_mappings_suspects_nothing() -> None:
    flood = Flood(USUAL)
    flood.recall(P0, f"flood1 5000 held={cause_of(ITEM).code}")
    assert not flood.suspected(ITEM, P0)


def test_a_cause_has_the_same_code_in_every_process() -> None:
    assert cause_of(ITEM).code == "931add61"
    assert len({cause_of(each).code for each in CAUSES}) == 4


FATES = st.lists(st.sampled_from([None, None, ITEM, USER]), max_size=120)


@given(
    st.lists(FATES, max_size=5), st.lists(st.integers(3, 250), max_size=25), st.sampled_from(["0000000a", "0000000b"])
)
def test_however_often_it_restarts_a_flood_writes_fewer_letters_than_the_window(
    before: list[list[Rejection | None]], lives: list[int], mapping: str
) -> None:
    """Each process ends where it has committed all that it has read, in the middle of a flood, or held."""
    flood, offset, letters = Flood(SMALL, OLD), 0, 0
    first: list[Rejection | None] = [None] * 200
    for fates in [first, *before]:
        passed = feed(flood, fates, P0, offset)
        offset += passed
        if passed < len(fates):
            return
        flood = restarted(flood, SMALL, OLD, offset)
    flood = restarted(flood, SMALL, mapping, offset)
    for life in [*lives, 200]:
        if flood.suspected(BUY, P0):
            assert flood.again(BUY, P0, offset, 1.0)
        elif flood.flooded is None:
            passed = feed(flood, [BUY] * life, P0, offset)
            letters, offset = letters + passed, offset + passed
        flood = restarted(flood, SMALL, mapping, offset)
    assert letters < SMALL.of_last
    assert flood.suspected(BUY, P0), "held in the end"


@given(st.integers(0, 100), st.integers(11, 99), st.lists(st.booleans(), max_size=400), st.integers(0, 400))
def test_a_mended_mapping_goes_on_unless_it_is_a_flood_of_its_own(
    refused: int, more: int, fates: list[bool], ends: int
) -> None:
    """Also where old records are refused at first, all of them, and where the process is restarted in between."""
    held = Flood(SMALL, OLD)
    feed(held, [None] * 300 + [ITEM] * 200)
    assert held.flooded is not None
    later: list[Rejection | None] = [*[ITEM] * min(refused, 89), *[None] * more]
    later += [ITEM if bad and number % 5 else None for number, bad in enumerate(fates)]
    flood = restarted(held, SMALL, NEW, 389)
    first = feed(flood, later[:ends], P0, 389)
    assert first == len(later[:ends])
    again = restarted(flood, SMALL, NEW, 389 + first)
    assert feed(again, later[first:], P0, 389 + first) == len(later) - first


@given(st.lists(st.integers(3, 60), max_size=12))
def test_where_all_is_committed_one_process_and_many_stop_at_the_same_record(lives: list[int]) -> None:
    flood, passed = Flood(SMALL), 0
    feed(flood, [None] * 200)
    for life in lives:
        passed += feed(flood, [ITEM] * life, P0, 200 + passed)
        if flood.flooded is not None:
            break
        flood = restarted(flood, SMALL, offset=200 + passed)
    assert passed == min(sum(lives), SMALL.need - 1)


# -- where little was seen before -------------------------------------------------------------------------------


@pytest.mark.parametrize("good", [3, 4, 10, 20, 49])
def test_a_new_pipeline_is_stopped_too_where_some_good_records_came_first(good: int) -> None:
    flood = Flood(USUAL)
    passed = feed(flood, [None] * good + [ITEM] * 20_000)
    assert passed - good < 1000
    assert flood.flooded is not None
    assert flood.flooded.before == 0.0
    assert flood.flooded.since == ((P0, good),)


def test_a_new_pipeline_is_stopped_too_where_the_good_ones_lay_between_invalid_ones() -> None:
    mixed: list[Rejection | None] = [*[ITEM] * 4, None] * 10
    flood = Flood(USUAL)
    assert feed(flood, mixed + [ITEM] * 20_000) - len(mixed) < 1000
    assert flood.flooded is not None
    assert flood.flooded.before is not None
    assert 0.7 < flood.flooded.before <= 0.8


@pytest.mark.parametrize("good", [1, 2])
def test_one_or_two_good_records_may_be_chance(good: int) -> None:
    assert feed(Flood(USUAL), [None] * good + [ITEM] * 1000) == good + 1000


@pytest.mark.grid
@pytest.mark.parametrize("share", [0.9, 0.95, 0.98, 0.99, 0.995, 0.999])
@pytest.mark.parametrize("seed", range(10))
def test_a_new_pipeline_that_was_always_like_that_is_not_stopped_early(share: float, seed: int) -> None:
    fates = [*junk(900, share, seed), None, *junk(6000, share, seed + 100)]
    assert feed(Flood(USUAL), fates) == len(fates), "where nothing is right in a whole window, that is another thing"
