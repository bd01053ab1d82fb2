"""Which entries go together and which call goes next: by hand here, at random in test_laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.records import Entry
from connector.core.sending.lanes import HEAD_START, Batch, Item, Lanes
from tests.support.simulation import Random, item, partition, places

LINGER = 1.0


def lanes_with(*items: Item) -> Lanes:
    lanes = Lanes("t", LINGER)
    for each in items:
        lanes.add(each)
    return lanes


def must_take(lanes: Lanes, now: float) -> Batch:
    batch = lanes.take(now)
    assert batch is not None
    return batch


def many(count: int, session: str = "s", user: str | None = None, since: float = 0.0) -> list[Item]:
    return [item(session, user, since) for _ in range(count)]


# -- when a lane goes -------------------------------------------------------------------------------------------------


def test_an_entry_waits_to_be_batched_as_long_as_linger_and_no_longer() -> None:
    lanes = lanes_with(item(since=5.0))
    assert lanes.take(5.99) is None
    assert lanes.ready_at(5.0) == 6.0
    assert len(must_take(lanes, 6.0).items) == 1


def test_the_oldest_entry_decides_how_long_a_lane_waits() -> None:
    lanes = lanes_with(item(since=0.0), item(since=0.9))
    assert lanes.ready_at(0.9) == LINGER
    assert len(must_take(lanes, LINGER).items) == 2


def test_ten_go_at_once() -> None:
    lanes = lanes_with(*many(9))
    assert lanes.take(0.0) is None
    lanes.add(item())
    assert lanes.ready_at(0.0) == 0.0
    assert len(must_take(lanes, 0.0).items) == 10
    assert lanes.ready_at(0.0) is None


@pytest.mark.parametrize(("before", "after"), [(None, "u"), ("u", None), ("u", "v")])
def test_a_change_of_user_closes_a_call_and_what_follows_lingers(before: str | None, after: str | None) -> None:
    lanes = lanes_with(*many(3, user=before), item(user=after, since=0.5))
    batch = must_take(lanes, 0.5)
    assert (len(batch.items), batch.user_id) == (3, before)
    assert lanes.take(0.5) is None
    lanes.delivered(batch)
    assert lanes.take(1.0) is None
    assert must_take(lanes, 1.5).user_id == after


def test_users_who_take_turns_are_never_mixed_nor_reordered() -> None:
    lanes = lanes_with(*(item(user=user) for user in "aabca"))
    users = []
    for _ in range(4):
        batch = must_take(lanes, LINGER)
        users.append(f"{batch.user_id}{len(batch.items)}")
        lanes.delivered(batch)
    assert users == ["a2", "b1", "c1", "a1"]


def test_who_drains_waits_for_nobody() -> None:
    lanes = lanes_with(item(since=0.0))
    lanes.draining = True
    assert lanes.ready_at(0.0) == 0.0
    assert len(must_take(lanes, 0.0).items) == 1
    assert lanes.ready_at(0.0) is None


# -- one call of a session at a time ----------------------------------------------------------------------------------


def test_while_a_call_is_away_its_lane_fills() -> None:
    lanes = lanes_with(item())
    batch = must_take(lanes, LINGER)
    for each in many(15):
        lanes.add(each)
    assert lanes.take(99.0) is None
    assert lanes.ready_at(99.0) is None
    lanes.delivered(batch)
    assert len(must_take(lanes, LINGER).items) == 10


def test_a_retry_carries_what_came_meanwhile() -> None:
    lanes = lanes_with(*many(2))
    batch = must_take(lanes, LINGER)
    lanes.add(item())
    lanes.postpone(batch, 3.0)
    assert lanes.take(2.9) is None
    assert lanes.ready_at(2.0) == 3.0
    lanes.add(item())
    assert len(must_take(lanes, 3.0).items) == 4


def test_a_lane_that_waits_to_retry_does_not_go_because_it_is_full() -> None:
    lanes = lanes_with(*many(10))
    lanes.postpone(must_take(lanes, 0.0), 3.0)
    for each in many(10):
        lanes.add(each)
    assert lanes.take(2.9) is None
    assert len(must_take(lanes, 3.0).items) == 10


def test_a_retry_does_not_wait_to_be_batched() -> None:
    lanes = lanes_with(item())
    lanes.draining = True
    batch = must_take(lanes, 0.0)
    lanes.draining = False
    lanes.postpone(batch, 0.1)
    assert must_take(lanes, 0.1).items == batch.items


def test_failures_in_a_row_are_counted_until_a_success() -> None:
    lanes = lanes_with(item(), item(user="u"))
    for number in (1, 2, 3):
        batch = must_take(lanes, 9.0)
        assert lanes.failed(batch) == number
        lanes.postpone(batch, 0.0)
    lanes.delivered(must_take(lanes, 9.0))
    assert lanes.failed(must_take(lanes, 9.0)) == 1


def test_whoever_is_woken_goes_at_once() -> None:
    lanes = lanes_with(item("a"), item("b"))
    for _ in range(2):
        lanes.postpone(must_take(lanes, LINGER), 100.0)
    assert lanes.take(2.0) is None
    lanes.wake()
    assert lanes.ready_at(2.0) == 2.0
    assert {must_take(lanes, 2.0).lane for _ in range(2)} == {"a", "b"}
    assert lanes.take(200.0) is None


def test_a_lane_that_was_woken_goes_with_what_fills_it_meanwhile() -> None:
    lanes = lanes_with(item())
    lanes.postpone(must_take(lanes, LINGER), 100.0)
    lanes.wake()
    for each in many(9):
        lanes.add(each)
    assert len(must_take(lanes, 2.0).items) == 10
    assert lanes.take(200.0) is None


def test_after_a_retry_has_gone_through_the_next_call_waits_to_be_batched_again() -> None:
    lanes = lanes_with(item(), item(user="u", since=5.0))
    lanes.postpone(must_take(lanes, LINGER), 5.0)
    lanes.delivered(must_take(lanes, 5.0))
    assert lanes.take(5.9) is None
    assert len(must_take(lanes, 6.0).items) == 1


# -- which lane goes first --------------------------------------------------------------------------------------------


def test_a_full_lane_goes_before_one_that_has_waited_a_little_longer() -> None:
    lanes = lanes_with(item("short", since=0.0), *many(10, "full", since=1.0))
    assert must_take(lanes, 2.0).lane == "full"
    assert must_take(lanes, 2.0).lane == "short"


def test_a_lane_that_has_waited_for_long_goes_before_full_ones() -> None:
    lanes = lanes_with(item("short", since=0.0), *many(10, "full", since=HEAD_START))
    assert must_take(lanes, HEAD_START + LINGER).lane == "short"


def test_the_oldest_full_lane_goes_first() -> None:
    lanes = lanes_with(*many(9, "old"), *many(10, "young", since=0.5), item("old", since=0.6))
    assert must_take(lanes, 0.6).lane == "old"


def test_full_lanes_are_not_starved_by_many_short_ones() -> None:
    lanes = lanes_with(*many(10, "full", since=0.0))
    for number in range(100):
        lanes.add(item(f"short-{number}", since=-10.0 + number * 0.2))
    order = [must_take(lanes, 30.0).lane for _ in range(101)]
    assert order.index("full") == len([n for n in range(100) if -10.0 + n * 0.2 + HEAD_START <= 0.0])


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_what_may_go_is_passed_over_only_by_what_is_little_younger(seed: int, rate: int) -> None:
    """Under constant pressure, with more lanes than calls, for ever: nothing starves."""
    random, lanes = Random(seed), Lanes("t", LINGER)
    now, born, sessions = 0.0, dict[str, float](), 0
    for _ in range(120):
        now += 0.2
        for _ in range(random.randint(0, 6)):
            sessions += 1
            kind = random.choice([1, 1, 3, 10, 12])
            for each in many(kind, f"s{sessions}", since=now):
                lanes.add(each)
            born[f"s{sessions}"] = now
        for _ in range(rate):
            batch = lanes.take(now)
            if batch is None:
                break
            taken = born.pop(batch.lane)
            oldest = min((since for since in born.values() if since + LINGER <= now), default=taken)
            assert taken <= oldest + HEAD_START + 1e-9
            if random.once_in(5):
                lanes.postpone(batch, now)
                born[batch.lane] = taken
            else:
                lanes.delivered(batch)
                left = lanes._lanes.get(batch.lane)
                if left:
                    born[batch.lane] = left.items[0].since


# -- halving ----------------------------------------------------------------------------------------------------------


def calls_until_empty(lanes: Lanes, poison: set[int]) -> tuple[list[int], list[Item]]:
    """Sizes of the calls that it takes, and what was rejected alone."""
    sizes, rejected = [], []
    while (batch := lanes.take(LINGER)) is not None:
        sizes.append(len(batch.items))
        if poison.intersection(map(id, batch.items)):
            culprit = lanes.split(batch)
            if culprit is not None:
                rejected.append(culprit)
        else:
            lanes.delivered(batch)
    return sizes, rejected


@pytest.mark.parametrize("position", range(10))
def test_one_poison_among_ten_is_found_in_few_calls(position: int) -> None:
    items = many(10)
    sizes, rejected = calls_until_empty(lanes_with(*items), {id(items[position])})
    assert rejected == [items[position]]
    assert sizes[0] == 10
    assert len(sizes) <= 8


@given(st.integers(1, 30), st.sets(st.integers(0, 29)), st.lists(st.sampled_from("aab"), min_size=30, max_size=30))
def test_exactly_the_poison_is_rejected_and_in_order(count: int, positions: set[int], users: list[str]) -> None:
    items = [item(user=users[number]) for number in range(count)]
    poison = [each for number, each in enumerate(items) if number in positions]
    lanes = lanes_with(*items)
    sizes, rejected = calls_until_empty(lanes, set(map(id, poison)))
    assert rejected == poison
    assert (len(lanes), lanes.waiting, places(lanes)) == (0, 0, 0)
    assert len(sizes) <= count + 5 * len(poison)


def test_after_the_culprit_has_gone_calls_carry_ten_again() -> None:
    items = many(30)
    sizes, _ = calls_until_empty(lanes_with(*items), {id(items[0])})
    assert sizes == [10, 5, 2, 1, 10, 10, 9]


def test_what_is_suspected_stays_so_while_it_is_retried() -> None:
    lanes = lanes_with(*many(10))
    assert lanes.split(must_take(lanes, 0.0)) is None
    half = must_take(lanes, 0.0)
    assert len(half.items) == 5
    lanes.postpone(half, 1.0)
    assert len(must_take(lanes, 1.0).items) == 5


def test_suspicion_ends_where_all_that_was_suspected_went_through() -> None:
    lanes, sizes = lanes_with(*many(30)), []
    assert lanes.split(must_take(lanes, LINGER)) is None
    while (batch := lanes.take(LINGER)) is not None:
        sizes.append(len(batch.items))
        lanes.delivered(batch)
    assert sizes == [5, 2, 1, 1, 1, 10, 10]


def test_suspicion_does_not_pass_from_what_was_revoked_to_what_comes_after() -> None:
    revoked, staying = partition(0), partition(1)
    head = [item(owner=revoked if number < 8 else staying) for number in range(10)]
    lanes, sizes = lanes_with(*head, *many(20)), []
    batch = must_take(lanes, LINGER)
    revoked.revoking = True
    lanes.discard(lambda each: each.opened.revoking)
    assert lanes.split(batch) is None
    while (after := lanes.take(LINGER)) is not None:
        sizes.append(len(after.items))
        lanes.delivered(after)
    assert sizes == [1, 1, 10, 10]


# -- partitions that leave --------------------------------------------------------------------------------------------


def test_what_is_revoked_is_dropped_and_what_is_in_flight_stays() -> None:
    revoked, staying = partition(0), partition(1)
    items = [item(owner=revoked), item(owner=staying)]
    lanes = lanes_with(*items)
    batch = must_take(lanes, LINGER)
    lanes.add(item(owner=revoked))
    lanes.add(item(owner=staying))
    lanes.add(item("other", owner=revoked))
    revoked.revoking = True
    lanes.discard(lambda each: each.opened.revoking)
    assert (len(lanes), lanes.waiting) == (1, 3)
    assert lanes.take(99.0) is None, "the session has a call in flight"
    lanes.delivered(batch)
    assert lanes.waiting == 1
    assert must_take(lanes, LINGER).items[0].opened.owner is staying


@pytest.mark.parametrize("how", ["postpone", "split"])
def test_a_retry_does_not_carry_what_was_revoked_meanwhile(how: str) -> None:
    revoked, staying = partition(0), partition(1)
    lanes = lanes_with(item(owner=revoked), item(owner=staying), item(owner=revoked))
    batch = must_take(lanes, LINGER)
    revoked.revoking = True
    lanes.discard(lambda each: each.opened.revoking)
    if how == "postpone":
        lanes.postpone(batch, 2.0)
    else:
        assert lanes.split(batch) is None
    assert lanes.waiting == 1
    assert [each.opened.owner for each in must_take(lanes, 2.0).items] == [staying]


@pytest.mark.parametrize("how", ["postpone", "split"])
def test_a_lane_of_which_all_was_revoked_is_gone(how: str) -> None:
    owner = partition()
    lanes = lanes_with(item(owner=owner), item(owner=owner))
    batch = must_take(lanes, LINGER)
    owner.revoking = True
    lanes.discard(lambda each: each.opened.revoking)
    if how == "postpone":
        lanes.postpone(batch, 2.0)
    else:
        lanes.split(batch)
    assert (len(lanes), lanes.waiting, lanes.ready_at(0.0)) == (0, 0, None)
    assert lanes.take(99.0) is None
    lanes.add(item(since=99.0))
    assert lanes.ready_at(99.0) == 99.0 + LINGER


def test_a_lane_that_loses_entries_still_waits_to_retry() -> None:
    revoked = partition(0)
    lanes = lanes_with(item(), item(owner=revoked))
    lanes.postpone(must_take(lanes, LINGER), 50.0)
    revoked.revoking = True
    lanes.discard(lambda each: each.opened.revoking)
    assert lanes.take(49.0) is None
    assert lanes.ready_at(2.0) == 50.0
    assert len(must_take(lanes, 50.0).items) == 1


def test_a_lane_that_is_full_no_more_waits_to_be_batched_again() -> None:
    revoked = partition(0)
    lanes = lanes_with(*many(9), item(owner=revoked))
    revoked.revoking = True
    lanes.discard(lambda each: each.opened.revoking)
    assert lanes.take(0.5) is None
    assert len(must_take(lanes, LINGER).items) == 9


# -- what is left behind ----------------------------------------------------------------------------------------------


def test_a_hundred_thousand_sessions_of_one_event_leave_nothing_behind() -> None:
    lanes, random = Lanes("t", LINGER), Random(1)
    opened, most = item().opened, 0
    for number in range(100_000):
        now = number * 0.001
        lanes.add(Item(Entry("t", f"s{number}", None, b"{}"), opened, now))
        while (batch := lanes.take(now)) is not None:
            if random.once_in(10):
                lanes.postpone(batch, now + random.random())
            else:
                lanes.delivered(batch)
        most = max(most, places(lanes))
    lanes.draining = True
    while (batch := lanes.take(1e9)) is not None:
        lanes.delivered(batch)
    assert (len(lanes), lanes.waiting, places(lanes)) == (0, 0, 0)
    assert most < 2_500  # a second's worth, and repeats


def test_void_places_do_not_pile_up_however_long_entries_may_linger() -> None:
    lanes, most = Lanes("t", 86_400.0), 0
    lanes.add(item("one that stays in front", since=-1.0))
    for number in range(2_000):
        for each in many(10, f"s{number % 7}"):
            lanes.add(each)
        lanes.delivered(must_take(lanes, 0.0))
        most = max(most, places(lanes))
    assert len(lanes) == 1
    assert most < 200


def test_a_lane_that_always_fails_goes_no_more_often_than_its_neighbours() -> None:
    lanes = lanes_with(*[item(f"healthy-{number}", since=0.1) for number in range(3)], item("failing", since=0.0))
    asked = []
    for second in range(2, 6):
        batch = must_take(lanes, float(second))
        asked.append(batch.lane)
        lanes.failed(batch)
        lanes.postpone(batch, second + 0.5)
    assert sorted(asked) == ["failing", "healthy-0", "healthy-1", "healthy-2"]
