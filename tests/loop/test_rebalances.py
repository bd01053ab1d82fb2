"""Partitions come and go: what is under way is finished or forgotten, and nothing of another's is committed."""

import pytest

from connector.core.sending.backpressure import Bounds
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Delivered, Outcome, Retryable, Status
from tests.support.fakes import P0, P1, QUICK, TOPIC, Harness, body


@pytest.fixture
def harness() -> Harness:
    harness = Harness(limits=QUICK._replace(linger=0.0))
    harness.assign(P0, P1)
    return harness


def test_a_revoke_waits_for_calls_on_the_wire_and_commits_them(harness: Harness) -> None:
    harness.sender.latency = 3.0
    harness.source.produce(P0, "1")
    harness.run(0.5)
    harness.revoke(P0)
    assert harness.committed(P0) == 1
    assert harness.clock.now < 100 + 3.1
    assert harness.counted()["records_abandoned"] == 0
    harness.assert_balanced()


def test_a_revoke_waits_for_dead_letters_under_way_and_commits_them(harness: Harness) -> None:
    harness.dead_letters.latency = 3.0
    harness.source.produce(P0, "invalid")
    harness.run(0.5)
    harness.revoke(P0)
    assert harness.committed(P0) == 1
    harness.assert_balanced()


def test_a_revoke_does_not_wait_beyond_its_budget_and_leaves_the_record_to_the_next_owner(harness: Harness) -> None:
    harness.sender.latency = 60.0
    harness.source.produce(P0, "filtered")
    harness.source.produce(P0, "1")
    harness.run(0.5)
    before = harness.clock.now
    harness.revoke(P0)
    assert 10.0 <= harness.clock.now - before < 10.1
    assert harness.committed(P0) == 1
    assert harness.counted()["records_abandoned"] == 1
    harness.run(60)  # the answer comes, and changes nothing
    assert harness.committed(P0) == 1
    assert harness.counted()["delivered"] == 0
    harness.assert_balanced()


def test_a_revoke_drops_what_was_not_sent(harness: Harness) -> None:
    harness.sender.latency = 2.0
    first, *_ = [harness.source.produce(P0, "1") for _ in range(20)]
    harness.run(0.5)
    harness.revoke(P0)
    assert harness.sender.delivered[0] == body(first, 0)
    assert len(harness.sender.calls) == 1
    assert harness.loop.delivery.destinations.waiting == 0
    assert harness.committed(P0) == len(harness.sender.delivered)
    harness.assert_balanced()


def test_a_revoke_sends_no_repeat_of_what_is_leaving(harness: Harness) -> None:
    harness.sender.latency = 0.5
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    harness.source.produce(P0, "1")
    harness.run(0.2)
    before = harness.clock.now
    harness.revoke(P0)
    assert len(harness.sender.calls) == 1
    assert harness.clock.now - before < 0.6
    harness.run(30)
    assert len(harness.sender.calls) == 1
    assert harness.committed(P0) == 0


def test_other_partitions_go_on_during_a_revoke(harness: Harness) -> None:
    harness.sender.latency = 3.0
    harness.source.produce(P0, "1", session="leaving")
    harness.run(0.5)
    harness.source.produce(P1, "1", session="staying")
    harness.source.during_poll.append(lambda: harness.revoke(P0))
    harness.run(8)
    assert (harness.committed(P0), harness.committed(P1)) == (1, 1)
    harness.assert_balanced()


def test_what_a_revoke_gave_up_is_not_waited_for_by_the_next_one(harness: Harness) -> None:
    harness.sender.latency = 60.0
    harness.dead_letters.latency = 60.0
    harness.source.produce(P0, "1")
    harness.source.produce(P0, "invalid")
    harness.run(0.5)
    harness.revoke(P0)
    before = harness.clock.now
    harness.revoke(P1)
    assert harness.clock.now == before


def test_lost_partitions_are_forgotten_without_a_commit_and_without_waiting(harness: Harness) -> None:
    harness.sender.latency = 3.0
    harness.source.produce(P0, "filtered")
    harness.source.produce(P0, "1")
    harness.run(0.5)
    commits = list(harness.source.commits)
    before = harness.clock.now
    harness.lose(P0)
    assert (harness.source.commits, harness.clock.now) == (commits, before)
    harness.run(10)
    assert P0 not in {each for commit in harness.source.commits[len(commits) :] for each in commit}
    assert harness.counted()["records_abandoned"] == 1
    harness.assert_balanced()


def test_a_stale_answer_closes_nothing_of_the_same_partition_come_back(harness: Harness) -> None:
    harness.sender.latency = 30.0
    record = harness.source.produce(P0, "1")
    harness.run(0.5)
    harness.lose(P0)
    harness.assign(P0)
    harness.sender.latency = 60.0
    harness.run(35)  # the first answer is here, the second is not
    assert harness.sender.delivered == [body(record, 0)] * 2
    assert harness.committed(P0) == 0
    assert harness.loop.offsets.open_records == 1
    harness.run(60)
    assert harness.committed(P0) == 1
    harness.assert_balanced()


def test_a_stale_dead_letter_closes_nothing_of_the_same_partition_come_back(harness: Harness) -> None:
    harness.dead_letters.latency = 30.0
    harness.source.produce(P0, "invalid")
    harness.run(0.5)
    harness.lose(P0)
    harness.dead_letters.latency = 60.0
    harness.assign(P0)
    harness.run(35)
    assert (harness.committed(P0), harness.loop.offsets.open_records) == (0, 1)
    harness.run(60)
    assert harness.committed(P0) == 1
    harness.assert_balanced()


def test_an_empty_assignment_joins_and_changes_nothing_else() -> None:
    harness = Harness()
    assert not harness.loop.joined
    harness.assign()
    assert harness.loop.joined
    harness.run(3)
    harness.assign(P0)
    harness.source.produce(P0, "1")
    harness.run(0.05)
    harness.assign()
    harness.run(3)
    assert harness.committed(P0) == 1


def test_records_of_a_partition_that_is_not_ours_are_ignored(harness: Harness) -> None:
    stray = [harness.source.produce(P0, "1"), harness.source.produce(P0, "invalid")]
    harness.lose(P0)
    harness.source.positions[P0] = 0  # the client hands over what it had fetched
    harness.run(5)
    assert len(stray) == harness.source.positions[P0]
    assert (harness.sender.calls, harness.dead_letters.written) == ([], [])
    assert harness.counted()["records_consumed"] == 0
    assert P0 not in harness.source.stored


def test_a_partition_that_comes_during_backpressure_is_read_and_delivered() -> None:
    harness = Harness(limits=QUICK._replace(linger=0.0), bounds=Bounds(20, 1 << 20, 1000))
    harness.assign(P0)
    blocked = {"s"}

    def outcome(batch: Batch) -> Outcome:
        return Retryable("Timeout", Status.TIMEOUT) if batch.lane in blocked else Delivered()

    harness.sender.outcome = outcome
    for _ in range(100):
        harness.source.produce(P0, "1")
    harness.run(10)
    assert P0 in harness.source.paused
    harness.source.produce(P1, "1", session="new")
    harness.assign(P1)
    harness.run(60)
    assert harness.committed(P1) == 1
    blocked.clear()
    harness.run(60)
    assert (harness.committed(P0), harness.source.paused) == (100, set())
    harness.assert_balanced()


def test_a_paused_partition_that_leaves_and_returns_is_read_again() -> None:
    harness = Harness(limits=QUICK._replace(linger=0.0), bounds=Bounds(20, 1 << 20, 1000))
    harness.assign(P0)
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    for _ in range(100):
        harness.source.produce(P0, "1")
    harness.run(10)
    assert P0 in harness.source.paused
    harness.revoke(P0)
    assert P0 not in harness.loop.backpressure.paused
    harness.sender.outcome = lambda _: Delivered()
    harness.assign(P0)
    harness.run(60)
    assert harness.committed(P0) == 100
    harness.assert_balanced()


def test_all_partitions_gone_leaves_no_state_behind(harness: Harness) -> None:
    for number in range(50):
        harness.source.produce(P0, "3 1", session=str(number))
    harness.run(0.01)
    harness.lose(P0, P1)
    harness.run(30)
    delivery = harness.loop.delivery
    assert (len(harness.loop.offsets), delivery.destinations.waiting, delivery.results_expected) == (0, 0, False)
    harness.assert_balanced()


def test_series_of_partitions_that_are_gone_are_removed(harness: Harness) -> None:
    harness.metrics.lag_seconds.labels(TOPIC, "0").set(3)
    harness.metrics.lag_records.labels(TOPIC, "0").set(3)
    harness.lose(P0)
    registry = harness.metrics.registry
    assert registry.get_sample_value("putevents_consumer_lag_seconds", {"topic": TOPIC, "partition": "0"}) is None
    assert registry.get_sample_value("putevents_consumer_lag_records", {"topic": TOPIC, "partition": "0"}) is None


def test_each_kind_of_rebalance_is_counted(harness: Harness) -> None:
    harness.revoke(P0)
    harness.lose(P1)
    counts = {kind: harness.value("rebalances_total", kind=kind) for kind in ("assign", "revoke", "lost")}
    assert counts == {"assign": 1, "revoke": 1, "lost": 1}


def test_what_was_open_when_a_topic_was_recreated_is_counted_as_abandoned(harness: Harness) -> None:
    harness.sender.latency = 5.0
    for _ in range(3):
        harness.source.produce(P0, "1")
    harness.run(0.5)
    harness.source.logs[P0].clear()
    harness.source.positions[P0] = 0  # the same partition, read from its new beginning
    for _ in range(3):
        harness.source.produce(P0, "1")
    harness.run(20)
    counts = harness.counted()
    assert counts["records_abandoned"] == 3
    assert counts["delivered"] == 3
    assert harness.committed(P0) == 3
    harness.assert_balanced()


def test_what_comes_twice_is_dropped_and_counted(harness: Harness) -> None:
    for _ in range(3):
        harness.source.produce(P0, "1")
    harness.run(1)
    harness.source.positions[P0] = 1
    harness.run(1)
    assert harness.value("records_repeated_total", topic=TOPIC) == 2
    assert harness.counted()["delivered"] == 3
    harness.assert_balanced()
