"""The way out: what is read is delivered and committed in time, and nothing new is begun."""

import pytest

from connector.core.sending.outcomes import Fatal, Retryable, Status
from tests.support.fakes import P0, P1, QUICK, Harness


@pytest.fixture
def harness() -> Harness:
    harness = Harness(limits=QUICK._replace(linger=30.0))
    harness.assign(P0)
    return harness


def test_a_drain_delivers_what_lingers_and_commits_it(harness: Harness) -> None:
    for number in range(100):
        harness.source.produce(P0, "1", session=str(number))
    harness.source.produce(P0, "invalid")
    harness.run(0.1)
    assert harness.sender.calls == []
    before = harness.clock.now
    assert harness.loop.drain(20)
    assert harness.clock.now - before < 2
    assert harness.committed(P0) == 101
    assert len(harness.dead_letters.written) == 1
    harness.assert_balanced()


def test_a_drain_with_the_endpoint_dead_returns_in_time_and_commits_only_what_is_done(harness: Harness) -> None:
    harness.source.produce(P0, "filtered")
    harness.source.produce(P0, "1")
    harness.source.produce(P0, "filtered")
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    harness.sender.latency = 3.0
    harness.run(0.1)
    before = harness.clock.now
    assert not harness.loop.drain(20)
    assert 20 <= harness.clock.now - before < 20.1
    assert harness.committed(P0) == 1
    harness.assert_balanced()


def test_a_drain_with_the_dead_letter_topic_away_returns_in_time_and_commits_only_what_is_done(
    harness: Harness,
) -> None:
    harness.source.produce(P0, "invalid")
    harness.source.produce(P0, "filtered")
    harness.dead_letters.latency = 1000.0
    harness.run(0.1)
    assert not harness.loop.drain(20)
    assert harness.committed(P0) == 0


def test_a_poll_during_the_drain_brings_nothing_new_into_the_books(harness: Harness) -> None:
    harness.source.produce(P0, "1")
    harness.run(0.1)

    def late() -> None:  # a rebalance hands over a partition, unpaused, with records
        harness.source.produce(P1, "invalid")
        harness.source.produce(P1, "1")
        harness.assign(P1)

    harness.source.during_poll.append(late)
    harness.sender.latency = 1.0
    assert harness.loop.drain(20)
    assert harness.counted()["records_consumed"] == 1
    assert (harness.committed(P0), harness.committed(P1)) == (1, 0)
    assert harness.dead_letters.written == []


def test_a_drain_stops_at_once_when_the_service_refuses(harness: Harness) -> None:
    harness.source.produce(P0, "1")
    harness.run(0.1)
    harness.sender.outcome = lambda _: Fatal("AccessDeniedException", "allow it")
    before = harness.clock.now
    assert not harness.loop.drain(20)
    assert harness.clock.now - before < 1
    assert harness.committed(P0) == 0


def test_a_drain_waits_for_a_rejection_in_doubt_only_where_time_can_end_the_doubt(harness: Harness) -> None:
    harness.source.produce(P0, "1")
    harness.run(0.1)
    assert harness.loop.drain(20)
    assert harness.committed(P0) == 1


def test_closing_after_a_drain_commits_what_a_late_answer_finished(harness: Harness) -> None:
    harness.source.produce(P0, "1")
    harness.run(0.1)
    harness.sender.latency = 22.0
    assert not harness.loop.drain(20)
    harness.revoke(P0)  # as close() does
    assert harness.committed(P0) == 1
