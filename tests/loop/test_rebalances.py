"""Partitions come and go: what is under way is finished or forgotten, and nothing of another's is committed."""

import pytest

from connector.core.sending.backpressure import Bounds
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Delivered, Outcome, Retryable, Status
from tests.loop.fakes import P0, P1, QUICK, TOPIC, House, body


@pytest.fixture
def house() -> House:
    house = House(limits=QUICK._replace(linger=0.0))
    house.assign(P0, P1)
    return house


def test_a_revoke_waits_for_calls_on_the_wire_and_commits_them(house: House) -> None:
    house.sender.latency = 3.0
    house.source.produce(P0, "1")
    house.run(0.5)
    house.revoke(P0)
    assert house.committed(P0) == 1
    assert house.clock.now < 100 + 3.1
    assert house.books()["records_abandoned"] == 0
    house.assert_balanced()


def test_a_revoke_waits_for_dead_letters_under_way_and_commits_them(house: House) -> None:
    house.dead_letters.latency = 3.0
    house.source.produce(P0, "invalid")
    house.run(0.5)
    house.revoke(P0)
    assert house.committed(P0) == 1
    house.assert_balanced()


def test_a_revoke_does_not_wait_beyond_its_budget_and_leaves_the_record_to_the_next_owner(house: House) -> None:
    house.sender.latency = 60.0
    house.source.produce(P0, "filtered")
    house.source.produce(P0, "1")
    house.run(0.5)
    before = house.clock.now
    house.revoke(P0)
    assert 10.0 <= house.clock.now - before < 10.1
    assert house.committed(P0) == 1
    assert house.books()["records_abandoned"] == 1
    house.run(60)  # the answer comes, and changes nothing
    assert house.committed(P0) == 1
    assert house.books()["delivered"] == 0
    house.assert_balanced()


def test_a_revoke_drops_what_was_not_sent(house: House) -> None:
    house.sender.latency = 2.0
    first, *_ = [house.source.produce(P0, "1") for _ in range(20)]
    house.run(0.5)
    house.revoke(P0)
    assert house.sender.delivered[0] == body(first, 0)
    assert len(house.sender.calls) == 1
    assert house.loop.delivery.channels.waiting == 0
    assert house.committed(P0) == len(house.sender.delivered)
    house.assert_balanced()


def test_a_revoke_sends_no_repeat_of_what_is_leaving(house: House) -> None:
    house.sender.latency = 0.5
    house.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    house.source.produce(P0, "1")
    house.run(0.2)
    before = house.clock.now
    house.revoke(P0)
    assert len(house.sender.calls) == 1
    assert house.clock.now - before < 0.6
    house.run(30)
    assert len(house.sender.calls) == 1
    assert house.committed(P0) == 0


def test_other_partitions_go_on_during_a_revoke(house: House) -> None:
    house.sender.latency = 3.0
    house.source.produce(P0, "1", session="leaving")
    house.run(0.5)
    house.source.produce(P1, "1", session="staying")
    house.source.during_poll.append(lambda: house.revoke(P0))
    house.run(8)
    assert (house.committed(P0), house.committed(P1)) == (1, 1)
    house.assert_balanced()


def test_what_a_revoke_gave_up_is_not_waited_for_by_the_next_one(house: House) -> None:
    house.sender.latency = 60.0
    house.dead_letters.latency = 60.0
    house.source.produce(P0, "1")
    house.source.produce(P0, "invalid")
    house.run(0.5)
    house.revoke(P0)
    before = house.clock.now
    house.revoke(P1)
    assert house.clock.now == before


def test_lost_partitions_are_forgotten_without_a_commit_and_without_waiting(house: House) -> None:
    house.sender.latency = 3.0
    house.source.produce(P0, "filtered")
    house.source.produce(P0, "1")
    house.run(0.5)
    commits = list(house.source.commits)
    before = house.clock.now
    house.lose(P0)
    assert (house.source.commits, house.clock.now) == (commits, before)
    house.run(10)
    assert P0 not in {each for commit in house.source.commits[len(commits) :] for each in commit}
    assert house.books()["records_abandoned"] == 1
    house.assert_balanced()


def test_a_stale_answer_closes_nothing_of_the_same_partition_come_back(house: House) -> None:
    house.sender.latency = 30.0
    record = house.source.produce(P0, "1")
    house.run(0.5)
    house.lose(P0)
    house.assign(P0)
    house.sender.latency = 60.0
    house.run(35)  # the first answer is here, the second is not
    assert house.sender.delivered == [body(record, 0)] * 2
    assert house.committed(P0) == 0
    assert house.loop.offsets.open_records == 1
    house.run(60)
    assert house.committed(P0) == 1
    house.assert_balanced()


def test_a_stale_dead_letter_closes_nothing_of_the_same_partition_come_back(house: House) -> None:
    house.dead_letters.latency = 30.0
    house.source.produce(P0, "invalid")
    house.run(0.5)
    house.lose(P0)
    house.dead_letters.latency = 60.0
    house.assign(P0)
    house.run(35)
    assert (house.committed(P0), house.loop.offsets.open_records) == (0, 1)
    house.run(60)
    assert house.committed(P0) == 1
    house.assert_balanced()


def test_an_empty_assignment_joins_and_changes_nothing_else() -> None:
    house = House()
    assert not house.loop.joined
    house.assign()
    assert house.loop.joined
    house.run(3)
    house.assign(P0)
    house.source.produce(P0, "1")
    house.run(0.05)
    house.assign()
    house.run(3)
    assert house.committed(P0) == 1


def test_records_of_a_partition_that_is_not_ours_are_ignored(house: House) -> None:
    stray = [house.source.produce(P0, "1"), house.source.produce(P0, "invalid")]
    house.lose(P0)
    house.source.positions[P0] = 0  # the client hands over what it had fetched
    house.run(5)
    assert len(stray) == house.source.positions[P0]
    assert (house.sender.calls, house.dead_letters.written) == ([], [])
    assert house.books()["records_consumed"] == 0
    assert P0 not in house.source.stored


def test_a_partition_that_comes_during_backpressure_is_read_and_delivered() -> None:
    house = House(limits=QUICK._replace(linger=0.0), bounds=Bounds(20, 1 << 20, 1000))
    house.assign(P0)
    blocked = {"s"}

    def outcome(batch: Batch) -> Outcome:
        return Retryable("Timeout", Status.TIMEOUT) if batch.session_id in blocked else Delivered()

    house.sender.outcome = outcome
    for _ in range(100):
        house.source.produce(P0, "1")
    house.run(10)
    assert P0 in house.source.paused
    house.source.produce(P1, "1", session="new")
    house.assign(P1)
    house.run(60)
    assert house.committed(P1) == 1
    blocked.clear()
    house.run(60)
    assert (house.committed(P0), house.source.paused) == (100, set())
    house.assert_balanced()


def test_a_paused_partition_that_leaves_and_returns_is_read_again() -> None:
    house = House(limits=QUICK._replace(linger=0.0), bounds=Bounds(20, 1 << 20, 1000))
    house.assign(P0)
    house.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    for _ in range(100):
        house.source.produce(P0, "1")
    house.run(10)
    assert P0 in house.source.paused
    house.revoke(P0)
    assert P0 not in house.loop.flow.paused
    house.sender.outcome = lambda _: Delivered()
    house.assign(P0)
    house.run(60)
    assert house.committed(P0) == 100
    house.assert_balanced()


def test_all_partitions_gone_leaves_no_state_behind(house: House) -> None:
    for number in range(50):
        house.source.produce(P0, "3 1", session=str(number))
    house.run(0.01)
    house.lose(P0, P1)
    house.run(30)
    delivery = house.loop.delivery
    assert (len(house.loop.offsets), delivery.channels.waiting, delivery.answers_expected) == (0, 0, False)
    house.assert_balanced()


def test_series_of_partitions_that_are_gone_are_removed(house: House) -> None:
    house.metrics.lag_seconds.labels(TOPIC, "0").set(3)
    house.metrics.lag_records.labels(TOPIC, "0").set(3)
    house.lose(P0)
    registry = house.metrics.registry
    assert registry.get_sample_value("putevents_consumer_lag_seconds", {"topic": TOPIC, "partition": "0"}) is None
    assert registry.get_sample_value("putevents_consumer_lag_records", {"topic": TOPIC, "partition": "0"}) is None


def test_each_kind_of_rebalance_is_counted(house: House) -> None:
    house.revoke(P0)
    house.lose(P1)
    counts = {kind: house.value("rebalances_total", kind=kind) for kind in ("assign", "revoke", "lost")}
    assert counts == {"assign": 1, "revoke": 1, "lost": 1}


def test_what_was_open_when_a_topic_was_recreated_is_counted_as_abandoned(house: House) -> None:
    house.sender.latency = 5.0
    for _ in range(3):
        house.source.produce(P0, "1")
    house.run(0.5)
    house.source.logs[P0].clear()
    house.source.positions[P0] = 0  # the same partition, read from its new beginning
    for _ in range(3):
        house.source.produce(P0, "1")
    house.run(20)
    books = house.books()
    assert books["records_abandoned"] == 3
    assert books["delivered"] == 3
    assert house.committed(P0) == 3
    house.assert_balanced()


def test_what_comes_twice_is_dropped_and_counted(house: House) -> None:
    for _ in range(3):
        house.source.produce(P0, "1")
    house.run(1)
    house.source.positions[P0] = 1
    house.run(1)
    assert house.value("records_repeated_total", topic=TOPIC) == 2
    assert house.books()["delivered"] == 3
    house.assert_balanced()
