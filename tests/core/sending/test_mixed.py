"""Action interactions: a call mixes sessions, and each session keeps its order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.operations import PUT_ACTION_INTERACTIONS
from connector.core.records import MAX_EVENTS_PER_CALL, Entry
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.mixed import MixedLanes
from tests.support.examples import examples
from tests.support.simulation import POISON, Random, item, partition

LINGER = 1.0


class Service:
    """The lanes, a clock, and what the service has taken. Every law is asserted at every step."""

    def __init__(self) -> None:
        self.lanes = MixedLanes(PUT_ACTION_INTERACTIONS, "tracker", LINGER)
        self.now = 0.0
        self.added: dict[str, list[Item]] = {}
        self.flying: list[Batch] = []
        self.taken: list[Item] = []
        self.rejected: list[Item] = []
        self.calls = 0
        self.owners = [partition(number) for number in range(4)]

    def add(self, session: str, *, poison: bool = False, owner_number: int = 0) -> Item:
        made = item(session, since=self.now, owner=self.owners[owner_number], body=POISON if poison else b"{}")
        entry = Entry("tracker", session, None, made.entry.body, None, PUT_ACTION_INTERACTIONS)
        added = Item(entry, made.opened, self.now)
        self.added.setdefault(session, []).append(added)
        self.lanes.add(added)
        return added

    def revoke(self, number: int) -> None:
        self.owners[number].revoking = True
        self.lanes.discard(lambda each: each.opened.revoking)
        self.owners[number] = partition(number)

    def take(self) -> Batch | None:
        batch = self.lanes.take(self.now)
        if batch is None:
            return None
        assert 1 <= len(batch.items) <= MAX_EVENTS_PER_CALL
        sessions = {each.entry.lane for each in batch.items}
        busy = {each.entry.lane for other in self.flying for each in other.items}
        assert busy.isdisjoint(sessions), "two calls of a session are in flight"
        for session in sessions:
            waiting = [each for each in self.added[session] if each not in self.taken and each not in self.rejected]
            going = [each for each in batch.items if each.entry.lane == session]
            left = [each for each in waiting if not each.opened.revoking]
            assert going == left[: len(going)], "out of order"
        self.flying.append(batch)
        self.calls += 1
        return batch

    def answer(self, batch: Batch) -> None:
        self.flying.remove(batch)
        if any(each.entry.body == POISON for each in batch.items):
            culprit = self.lanes.split(batch)
            if culprit is not None:
                assert culprit.entry.body == POISON
                self.rejected.append(culprit)
            return
        self.lanes.delivered(batch)
        self.taken += batch.items

    def fail(self, batch: Batch) -> None:
        self.flying.remove(batch)
        attempts = self.lanes.failed(batch)
        self.lanes.postpone(batch, self.now + 0.1 * attempts)

    def run(self) -> None:
        for _ in range(100_000):
            while (batch := self.take()) is not None:
                self.answer(batch)
            at = self.lanes.ready_at(self.now)
            if at is None:
                break
            assert at > self.now, "ready now, and yet nothing was to be had"
            self.now = at
        assert len(self.lanes) == self.lanes.waiting == 0
        assert self.lanes.let_go() == []


def must_take(service: Service) -> Batch:
    batch = service.take()
    assert batch is not None
    return batch


def test_entries_of_many_sessions_go_in_one_call_the_oldest_first() -> None:
    service = Service()
    for number in range(12):
        service.add(f"s{number}")
        service.now += 0.01
    batch = must_take(service)
    assert [each.entry.lane for each in batch.items] == [f"s{number}" for number in range(10)]
    assert (batch.operation, batch.target, batch.lane) == (PUT_ACTION_INTERACTIONS, "tracker", "")
    assert service.take() is None, "two are no full call, and their linger is not over"
    assert service.lanes.ready_at(service.now) == pytest.approx(0.1 + LINGER)


def test_a_session_may_fill_a_call_in_its_order_and_the_rest_waits_until_it_is_back() -> None:
    service = Service()
    entries = [service.add("only") for _ in range(13)]
    first = must_take(service)
    assert list(first.items) == entries[:10]
    service.lanes.draining = True
    assert service.take() is None
    service.answer(first)
    assert list(must_take(service).items) == entries[10:]


def test_a_session_whose_call_failed_waits_and_the_others_go_on() -> None:
    service = Service()
    for _ in range(10):
        service.add("a")
    service.fail(must_take(service))
    for _ in range(10):
        service.add("b")
    assert {each.entry.lane for each in must_take(service).items} == {"b"}
    service.now = 0.1
    assert {each.entry.lane for each in must_take(service).items} == {"a"}


def test_at_the_end_of_an_outage_what_waits_for_a_retry_goes() -> None:
    service = Service()
    service.add("a")
    service.now = LINGER
    service.fail(must_take(service))
    assert service.take() is None
    service.lanes.wake()
    assert service.take() is not None


@pytest.mark.parametrize("culprit", range(10))
def test_a_rejected_call_is_halved_until_the_culprit_stands_alone(culprit: int) -> None:
    service = Service()
    for number in range(10):
        service.add(f"s{number % 4}", poison=number == culprit)
    service.run()
    assert len(service.rejected) == 1
    assert len(service.taken) == 9
    assert service.calls <= 9


def test_what_waits_of_a_revoked_partition_is_dropped_and_what_is_in_flight_when_it_comes_back() -> None:
    service = Service()
    flying = service.add("a")
    service.now = LINGER
    batch = must_take(service)
    service.add("a")
    service.add("b", owner_number=1)
    service.add("c")
    flying.opened.owner.revoking = True
    service.lanes.discard(lambda each: each.opened.revoking)
    assert service.lanes.waiting == 2
    service.fail(batch)
    assert service.lanes.waiting == 1
    service.now = 10.0
    assert [each.entry.lane for each in must_take(service).items] == ["b"]


@settings(max_examples=examples(100))
@given(
    st.integers(0, 2**32),
    st.integers(1, 8),
    st.integers(1, 120),
    st.sampled_from([0.0, 0.05, 0.5]),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.integers(0, 3),
)
def test_every_entry_is_taken_in_order_or_rejected_or_was_revoked(
    seed: int, sessions: int, entries: int, poison: float, fails: float, revocations: int
) -> None:
    random, service = Random(seed), Service()
    revoked_at = {random.randrange(entries) for _ in range(revocations)}
    for number in range(entries):
        if number in revoked_at:
            lot = random.randrange(4)
            service.revoke(lot)
        session = random.randrange(sessions)
        service.add(f"s{session}", poison=random.random() < poison, owner_number=session % 4)
        service.now += random.choice([0.0, 0.1, 1.0]) * random.random()
        for _ in range(random.randrange(3)):
            service.take()
        while service.flying and random.once_in(2):
            batch = random.choice(service.flying)
            (service.fail if random.random() < fails else service.answer)(batch)
    while service.flying:
        service.answer(service.flying[0])
    service.run()
    for name, items in service.added.items():
        good = [each for each in items if each.entry.body != POISON]
        taken = [each for each in service.taken if each.entry.lane == name]
        assert taken == [each for each in good if each in taken], "out of order"
        assert all(each.opened.revoking for each in good if each not in taken)
    assert all(each.entry.body == POISON for each in service.rejected)


def test_places_that_are_void_are_swept() -> None:
    """Each revocation gives the lane a new place."""
    service = Service()
    service.add("a")
    for _ in range(500):
        service.add("a", owner_number=1)
        service.revoke(1)
    assert service.lanes.waiting == 1
    assert len(service.lanes._ready) < 100
    service.run()
    assert len(service.taken) == 1
