"""The way out: what is read is delivered and committed in time, and nothing new is begun."""

import pytest

from connector.core.sending.outcomes import Fatal, Retryable, Status
from tests.loop.fakes import P0, P1, QUICK, House


@pytest.fixture
def house() -> House:
    house = House(limits=QUICK._replace(linger=30.0))
    house.assign(P0)
    return house


def test_a_drain_delivers_what_lingers_and_commits_it(house: House) -> None:
    for number in range(100):
        house.source.produce(P0, "1", session=str(number))
    house.source.produce(P0, "invalid")
    house.run(0.1)
    assert house.sender.calls == []
    before = house.clock.now
    assert house.loop.drain(20)
    assert house.clock.now - before < 2
    assert house.committed(P0) == 101
    assert len(house.dead_letters.written) == 1
    house.assert_balanced()


def test_a_drain_with_the_endpoint_dead_returns_in_time_and_commits_only_what_is_done(house: House) -> None:
    house.source.produce(P0, "filtered")
    house.source.produce(P0, "1")
    house.source.produce(P0, "filtered")
    house.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    house.sender.latency = 3.0
    house.run(0.1)
    before = house.clock.now
    assert not house.loop.drain(20)
    assert 20 <= house.clock.now - before < 20.1
    assert house.committed(P0) == 1
    house.assert_balanced()


def test_a_drain_with_the_dead_letter_topic_away_returns_in_time_and_commits_only_what_is_done(house: House) -> None:
    house.source.produce(P0, "invalid")
    house.source.produce(P0, "filtered")
    house.dead_letters.latency = 1000.0
    house.run(0.1)
    assert not house.loop.drain(20)
    assert house.committed(P0) == 0


def test_a_poll_during_the_drain_brings_nothing_new_into_the_books(house: House) -> None:
    house.source.produce(P0, "1")
    house.run(0.1)

    def late() -> None:  # a rebalance hands over a partition, unpaused, with records
        house.source.produce(P1, "invalid")
        house.source.produce(P1, "1")
        house.assign(P1)

    house.source.during_poll.append(late)
    house.sender.latency = 1.0
    assert house.loop.drain(20)
    assert house.books()["records_consumed"] == 1
    assert (house.committed(P0), house.committed(P1)) == (1, 0)
    assert house.dead_letters.written == []


def test_a_drain_stops_at_once_when_the_service_refuses(house: House) -> None:
    house.source.produce(P0, "1")
    house.run(0.1)
    house.sender.outcome = lambda _: Fatal("AccessDeniedException", "allow it")
    before = house.clock.now
    assert not house.loop.drain(20)
    assert house.clock.now - before < 1
    assert house.committed(P0) == 0


def test_a_drain_waits_for_a_rejection_in_doubt_only_where_time_can_end_the_doubt(house: House) -> None:
    house.source.produce(P0, "1")
    house.run(0.1)
    assert house.loop.drain(20)
    assert house.committed(P0) == 1


def test_closing_after_a_drain_commits_what_a_late_answer_finished(house: House) -> None:
    house.source.produce(P0, "1")
    house.run(0.1)
    house.sender.latency = 22.0
    assert not house.loop.drain(20)
    house.revoke(P0)  # as close() does
    assert house.committed(P0) == 1
