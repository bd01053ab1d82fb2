"""Tracking ids share the calls fairly, and none stalls, slows or taints another."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.operations import (
    OPERATIONS,
    PUT_ACTION_INTERACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)
from connector.core.records import Entry, Record
from connector.core.sending.destination import CONFIRMED_AFTER, Limits
from connector.core.sending.destinations import MOST_IDLE, Destinations
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.offsets import OpenRecord
from tests.support.simulation import (
    DELIVERED,
    OUTAGE,
    REJECTED,
    THROTTLED,
    USUAL,
    Simulation,
    item,
    partition,
    steady,
    warm_up,
)

LIMITS = USUAL._replace(linger=0.0, requests_per_second=1000.0, stop_after_rejections=5)

LONG_AGO = -60.0


def destinations_with(*items: Item, limits: Limits = LIMITS, max_in_flight: int = 8) -> Destinations:
    destinations = Destinations(limits, max_in_flight)
    for each in items:
        destinations.add(each, LONG_AGO)
    for destination in destinations:
        warm_up(destination.limiter, 0.0)  # the rate starts gently; that is over by the time of these tests
    return destinations


def sessions(tracking_id: str, count: int) -> list[Item]:
    return [item(f"s{number}", tracking_id=tracking_id) for number in range(count)]


def take_all(destinations: Destinations, now: float = 0.0) -> list[Batch]:
    batches = []
    while (batch := destinations.take(now)) is not None:
        batches.append(batch)
    return batches


def trackers(batches: list[Batch]) -> list[str]:
    return [batch.target for batch in batches]


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    destinations = destinations_with(*sessions("a", 20))
    batches = take_all(destinations)
    assert len(batches) == destinations.in_flight == 8
    assert destinations.ready_at(0.0) is None
    destinations.settle(batches[0], DELIVERED, 0.0, 0.5)
    assert destinations.ready_at(0.0) == 0.0
    assert len(take_all(destinations)) == 1
    assert destinations.waiting == 19


def test_each_tracking_id_gets_its_share_of_the_calls() -> None:
    destinations = destinations_with(*sessions("a", 20), *sessions("b", 20), *sessions("c", 1))
    taken = trackers(take_all(destinations))
    assert sorted(taken) == ["a"] * 3 + ["b"] * 3 + ["c"]


def test_trackers_take_turns() -> None:
    destinations = destinations_with(*sessions("a", 20), *sessions("b", 20))
    assert trackers(take_all(destinations)) == ["a", "b"] * 4


def test_a_slow_tracking_id_does_not_hold_the_calls_of_others() -> None:
    destinations = destinations_with(*sessions("slow", 20), *sessions("quick", 20))
    quick = 0
    for _ in range(20):
        for batch in take_all(destinations):
            if batch.target == "quick":
                quick += 1
                destinations.settle(batch, DELIVERED, 0.0, 0.5)
    assert quick == 20


def test_even_a_single_call_at_once_goes_round() -> None:
    destinations = destinations_with(*sessions("a", 3), *sessions("b", 3), *sessions("c", 3), max_in_flight=1)
    order = []
    for _ in range(9):
        (batch,) = take_all(destinations)
        order.append(batch.target)
        destinations.settle(batch, DELIVERED, 0.0, 0.5)
    assert order == ["a", "b", "c"] * 3


def test_an_outage_of_one_does_not_stop_another() -> None:
    destinations = destinations_with(*sessions("away", 20), *sessions("there", 20), max_in_flight=64)
    for batch in take_all(destinations):
        destinations.settle(batch, OUTAGE if batch.target == "away" else DELIVERED, 0.0, 0.5)
    for each in sessions("there", 5):
        destinations.add(each, 0.0)
    assert trackers(take_all(destinations)) == ["there"] * 5
    outages = {destination.target: destination.breaker.since for destination in destinations}
    assert outages == {"away": 0.0, "there": None}


def test_throttling_of_one_does_not_slow_another() -> None:
    destinations = destinations_with(*sessions("a", 1), *sessions("b", 1))
    for batch in take_all(destinations):
        destinations.settle(batch, THROTTLED if batch.target == "a" else DELIVERED, 0.0, 0.5)
    assert {destination.target: destination.limiter.throttled for destination in destinations} == {
        "a": True,
        "b": False,
    }
    assert destinations.rate < LIMITS.requests_per_second


def test_a_success_of_one_proves_nothing_about_another() -> None:
    destinations = destinations_with(*sessions("right", 30), *sessions("wrong", 5), max_in_flight=100)
    fatal = []
    for batch in take_all(destinations):
        settled = destinations.settle(batch, REJECTED if batch.target == "wrong" else DELIVERED, 0.0, 0.5)
        assert settled.rejected == ()
        fatal.append(settled.fatal)
    assert len([each for each in fatal if each is not None]) == 1
    assert destinations.held_count == 5
    assert destinations.confirmed(1e9) == []


def test_held_rejections_are_confirmed_in_their_time() -> None:
    destinations = destinations_with(*sessions("a", 2))
    first, second = take_all(destinations)
    destinations.settle(first, DELIVERED, 0.0, 0.5)
    destinations.settle(second, REJECTED, 1.0, 0.5)
    assert destinations.ready_at(1.0) == 1.0 + CONFIRMED_AFTER
    assert destinations.confirmed(1.0) == []
    assert [held.item for held in destinations.confirmed(1.0 + CONFIRMED_AFTER)] == list(second.items)
    assert destinations.ready_at(9.0) is None


def test_a_belief_comes_although_all_calls_are_away() -> None:
    destinations = destinations_with(*sessions("a", 2), max_in_flight=1)
    destinations.settle(take_all(destinations)[0], DELIVERED, 0.0, 0.5)
    destinations.settle(take_all(destinations)[0], REJECTED, 0.0, 0.5)
    destinations.add(item("last", tracking_id="a"), 0.0)
    assert len(take_all(destinations)) == 1
    assert destinations.ready_at(0.0) == CONFIRMED_AFTER


def test_the_rate_is_that_of_the_destinations_with_something_to_send() -> None:
    assert destinations_with().rate == 1000.0
    assert destinations_with(*sessions("a", 1), *sessions("b", 1)).rate == 2000.0


def test_drained_destinations_wait_for_nobody_nor_do_later_ones() -> None:
    destinations = destinations_with(*sessions("a", 1), limits=LIMITS._replace(linger=60.0))
    assert take_all(destinations) == []
    destinations.drain()
    destinations.add(item(tracking_id="b"), 0.0)
    assert trackers(take_all(destinations)) == ["a", "b"]


def test_what_is_revoked_is_dropped_everywhere() -> None:
    revoked = partition()
    destinations = destinations_with(item("a", owner=revoked), item("b", owner=revoked, tracking_id="u"), item("c"))
    destinations.settle(take_all(destinations)[0], REJECTED, 0.0, 0.5)
    revoked.revoking = True
    destinations.discard(lambda each: each.opened.revoking)
    assert destinations.held_count == 0
    assert destinations.waiting == 2  # both were in flight


def test_tracking_ids_that_come_and_go_leave_nothing_behind() -> None:
    destinations = destinations_with()
    for number in range(5 * MOST_IDLE):
        destinations.add(item(tracking_id=f"t{number}"), 0.0)
        (batch,) = take_all(destinations, float(number))
        destinations.settle(batch, DELIVERED, float(number), 0.5)
    assert len(list(destinations)) <= MOST_IDLE
    assert len(destinations._turn) == len(list(destinations))


def test_a_destination_with_anything_under_way_is_never_shed() -> None:
    destinations = destinations_with(
        *sessions("busy", 1), *sessions("held", 1), limits=LIMITS._replace(stop_after_rejections=99)
    )
    by_tracker = {batch.target: batch for batch in take_all(destinations)}
    destinations.settle(by_tracker["held"], REJECTED, 0.0, 0.5)
    for number in range(2 * MOST_IDLE):
        destinations.add(item(tracking_id=f"t{number}"), 0.0)
        for batch in take_all(destinations):
            destinations.settle(batch, DELIVERED, 0.0, 0.5)
    destinations.settle(by_tracker["busy"], DELIVERED, 0.0, 0.5)
    assert destinations.held_count == 1


@given(st.integers(1, 5), st.integers(1, 12), st.integers(0, 2**32))
def test_every_tracking_id_is_served_whatever_the_others_have(trackers: int, max_in_flight: int, seed: int) -> None:
    limits = LIMITS._replace(linger=0.2)
    simulation = Simulation(limits, max_in_flight, steady, seed)
    for number in range(trackers):
        for each in sessions(f"t{number}", 40 if number else 1):
            simulation.add(each)
    simulation.run()
    simulation.assert_nothing_is_left()
    lonely = next(number for number, batch in enumerate(simulation.calls) if batch.target == "t0")
    assert lonely <= trackers


# -- tracking ids that come out of records ----------------------------------------------------------------------------

NAMED = LIMITS._replace(configured=frozenset({"named"}), stop_after_rejections=3)


def test_a_tracking_id_from_a_record_cannot_stop_a_process_that_is_set_up_right() -> None:
    destinations = destinations_with(item("good", tracking_id="named"), limits=NAMED)
    settled = destinations.settle(take_all(destinations)[0], DELIVERED, 0.0, 0.5)
    assert len(settled.delivered) == 1
    for each in sessions("jane@example.com", 10):
        destinations.add(each, 1.0)
    rejected = 0
    for moment in range(1, 40):
        for batch in take_all(destinations, float(moment)):
            assert destinations.settle(batch, REJECTED, float(moment), 0.5).fatal is None
        rejected += len(destinations.confirmed(float(moment)))
    assert rejected == 10
    assert destinations.held_count == 0


def test_while_nothing_has_ever_succeeded_it_stops_all_the_same() -> None:
    destinations = destinations_with(*sessions("from-a-record", 3), limits=NAMED)
    fatal = [destinations.settle(batch, REJECTED, 0.0, 0.5).fatal for batch in take_all(destinations)]
    assert [each is not None for each in fatal] == [False, False, True]
    assert destinations.confirmed(100.0) == []


def test_only_a_tracking_id_that_the_file_names_has_a_name() -> None:
    destinations = destinations_with(
        item("a", tracking_id="named"), item("b", tracking_id="jane@example.com"), limits=NAMED
    )
    assert [destination.name for destination in destinations] == ["named", "(taken from records)"]


def entry_of(operation: Operation, lane: str, target: str = "same") -> Item:
    opened = OpenRecord(Record("topic", 0, 0, None, None, b""), partition())
    return Item(Entry(target, lane, None, b"{}", None, operation), opened, 0.0)


@pytest.mark.parametrize(
    ("operation", "rate"), [(PUT_EVENTS, 1000.0), (PUT_USERS, 25.0), (PUT_ITEMS, 10.0), (PUT_ACTION_INTERACTIONS, 10.0)]
)
def test_an_operation_has_the_rate_that_the_file_gives_it_or_its_own(operation: Operation, rate: float) -> None:
    destinations = Destinations(USUAL._replace(rates={"put_users": 25.0}), 8)
    destinations.add(entry_of(operation, "a"), 0.0)
    assert [each.limiter.ceiling for each in destinations] == [rate]


def test_operations_share_nothing_though_their_target_be_the_same() -> None:
    both = (PUT_EVENTS, PUT_ACTION_INTERACTIONS)
    entries = [entry_of(operation, f"s{number}") for operation in both for number in range(40)]
    limits = LIMITS._replace(rates={"put_action_interactions": 1000.0})
    destinations = destinations_with(*entries, limits=limits, max_in_flight=2)
    taken = Counter(batch.operation.name for batch in iter(lambda: destinations.take(0.0), None))
    assert taken == {"PutEvents": 2, "PutActionInteractions": 2}
    assert destinations.in_flight == 4


def test_of_what_was_superseded_destinations_tell_the_operation() -> None:
    destinations = Destinations(USUAL._replace(linger=0.0), 2)
    older, newer = entry_of(PUT_ITEMS, "a"), entry_of(PUT_ITEMS, "a")
    for each in (older, newer, entry_of(PUT_EVENTS, "a")):
        destinations.add(each, 0.0)
    batches = list(iter(lambda: destinations.take(0.0), None))
    assert destinations.let_go() == []
    for batch in batches:
        destinations.settle(batch, DELIVERED, 0.0, 0.5)
    assert destinations.let_go() == [(PUT_ITEMS, older.opened)]
    assert destinations.let_go() == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_wrong_target_is_told_in_the_words_of_its_operation(operation: Operation) -> None:
    destinations, fatal = Destinations(USUAL._replace(linger=0.0), 1), None
    for number in range(USUAL.stop_after_rejections):
        destinations.add(entry_of(operation, f"s{number}"), float(number))
    now = 0.0
    while fatal is None:
        now = max(now, destinations.ready_at(now) or 0.0)
        batch = destinations.take(now)
        assert batch is not None
        fatal = destinations.settle(batch, REJECTED, now, 0.5).fatal
    assert f"20 {operation.nouns} in a row" in fatal.advice
    assert f"personalize.{operation.setting}" in fatal.advice
    assert operation.target in fatal.advice
