"""A record whose schema is not here yet waits, with everything after it of its partition, and nothing else does."""

from collections.abc import Collection
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from connector.core.records import Fate, Pending, Record, TopicPartition
from connector.core.sending.backpressure import Bounds
from connector.core.sending.outcomes import Delivered, Fatal, Retryable, Status
from connector.ending import refusal_of, reported
from connector.exits import Exit
from connector.life import Life
from connector.loop import GLANCE, RECORDS_A_STEP
from connector.ports import SchemaReach
from connector.waiting import LOOK_AHEAD, MOST_AHEAD
from tests.support.fakes import P0, P1, P2, QUICK, TOPIC, FakeFetcher, Harness, body
from tests.support.views import FACTS

REFUSAL = Fatal("401", "check schema_registry.basic_auth")


class Registered(Harness):
    """A loop whose records may need schemas."""

    def __init__(self, bounds: Bounds = Bounds(1000, 1 << 20, 1000)) -> None:  # noqa: B008  a value
        self.fetcher = FakeFetcher()
        super().__init__(QUICK, bounds, self.fetcher.transform, self.fetcher)

    def produce(self, place: TopicPartition, *values: str) -> list[Record]:
        return [self.source.produce(place, value, f"{place.partition}") for value in values]

    def sent(self, place: TopicPartition) -> list[bytes]:
        """Events that were delivered of a partition, in order."""
        prefix = f"{place.topic}/{place.partition}/".encode()
        return [each for each in self.sender.delivered if each.startswith(prefix)]

    def expected(self, place: TopicPartition) -> list[bytes]:
        return [body(record, 0) for record in self.source.logs[place]]

    def assert_all_done(self, *places: TopicPartition) -> None:
        for place in places:
            assert self.sent(place) == self.expected(place), "nothing lost, disordered or doubled"
            assert self.committed(place) == len(self.source.logs[place])
        assert self.dead_letters.written == []
        assert len(self.loop.waiting) == 0
        self.assert_balanced()


def test_a_record_that_needs_a_schema_waits_and_so_does_all_after_it_while_other_partitions_go_on() -> None:
    it = Registered()
    it.produce(P0, "1", "needs 7 1", "1", "1")
    it.produce(P1, *["1"] * 20)
    it.assign(P0, P1)
    it.run(60)
    assert it.sent(P0) == it.expected(P0)[:1]
    assert it.committed(P0) == 1, "no commit passes what waits"
    assert it.committed(P1) == 20
    it.produce(P1, *["1"] * 20)
    it.produce(P0, "1")
    it.run(3)
    assert it.committed(P1) == 40
    assert it.source.paused == {P0}
    assert [kept.schema for _, kept in it.loop.waiting] == ["schema 7"]
    it.fetcher.answer("7")
    it.run(3)
    assert it.source.paused == set()
    it.assert_all_done(P0, P1)


def test_an_answer_is_noticed_at_once_and_waiting_for_it_costs_no_spinning() -> None:
    it = Registered()
    it.produce(P0, "needs 7 1")
    it.assign(P0)
    it.run(5)
    polls = len(it.source.polls)
    it.run(10)
    assert len(it.source.polls) - polls <= 10 / GLANCE * 1.2
    it.fetcher.answer("7")
    it.run(2 * GLANCE)
    assert it.loop.offsets.open_records == 1
    it.run(3)
    it.assert_all_done(P0)


def test_an_answer_that_comes_between_the_look_and_the_decoding_is_not_missed() -> None:
    it = Registered()
    it.produce(P0, "needs 7 1")
    it.assign(P0)
    it.source.during_poll.append(lambda: it.fetcher.answer("8"))
    transform = it.fetcher.transform

    def too_late(record: Record, wall: float) -> Fate | Pending:
        fate = transform(record, wall)
        if isinstance(fate, Pending) and not it.fetcher.here & {"7"}:
            it.fetcher.answer("7")  # the fetch ends the moment after it was asked for
        return fate

    it.loop._transform = too_late
    it.run(3)
    it.assert_all_done(P0)


def test_one_schema_after_the_other_keeps_the_order() -> None:
    it = Registered()
    it.produce(P0, "needs 7 1", "1", "needs 8 1", "1", "needs 7 1", "needs 9 1", "1")
    it.assign(P0)
    for schema, done in (("8", 0), ("7", 5), ("other", 5), ("9", 7)):
        it.fetcher.answer(schema)
        it.run(3)
        assert it.committed(P0) == done
    it.assert_all_done(P0)


def test_schemas_of_records_behind_one_that_waits_are_asked_for_at_the_same_time() -> None:
    it = Registered()
    it.produce(P0, "needs 7 1", "1", "needs 8 1", "needs 9 1", "1")
    it.assign(P0)
    it.run(1)
    assert it.fetcher.asked == ["7", "8", "9"]
    assert it.sent(P0) == [], "looking ahead delivers nothing"
    for schema in ("9", "8", "7"):
        it.fetcher.answer(schema)
        it.run(1)
    it.run(3)
    it.assert_all_done(P0)


def test_none_is_asked_for_ahead_while_many_are_awaited() -> None:
    it = Registered()
    it.fetcher.reached = SchemaReach(awaited=tuple(f"schema {number}" for number in range(MOST_AHEAD)))
    it.produce(P0, "needs 7 1", "needs 8 1")
    it.assign(P0)
    it.run(1)
    assert it.fetcher.asked == ["7"]


def test_looking_ahead_ends_in_time_however_long_a_record_takes() -> None:
    it = Registered()
    transform = it.fetcher.transform

    def slow(record: Record, wall: float) -> Fate | Pending:
        it.clock.now += LOOK_AHEAD * 0.6
        return transform(record, wall)

    it.loop._transform = slow
    it.produce(P0, "needs 7 1", *(f"needs {number} 1" for number in range(8, 20)))
    it.assign(P0)
    it.run(1)
    assert it.fetcher.asked == ["7", "8", "9"]


def test_a_registry_that_flaps_answers_for_others_and_the_polls_go_on() -> None:
    it = Registered()
    places = [TopicPartition(TOPIC, number) for number in range(30)]
    for place in places[1:]:
        it.produce(place, "needs 7 1", "1")
    it.assign(*places)
    for number in range(200):
        it.fetcher.answer("another")
        before = len(it.source.polls)
        it.produce(P0, "1")
        it.loop.step()
        assert len(it.source.polls) == before + 1, f"step {number}"
    assert len(it.loop.waiting) == 29
    assert len(it.loop._held) == 0
    it.fetcher.answer("7")
    it.run(5)
    it.assert_all_done(*places)


@pytest.mark.parametrize("how", ["revoke", "lose"])
def test_what_waits_of_a_partition_that_leaves_is_for_its_next_owner(how: str) -> None:
    it = Registered()
    it.produce(P0, "1", "needs 7 1", "1")
    it.produce(P1, "needs 7 1", "1")
    it.assign(P0, P1)
    it.run(3)
    {"revoke": it.revoke, "lose": it.lose}[how](P0)
    assert set(it.loop.waiting.places) == {P1}
    assert it.committed(P0) == 1
    it.fetcher.answer("7")
    it.run(3)
    assert it.sent(P0) == it.expected(P0)[:1]
    it.assert_all_done(P1)
    it.assign(P0)
    it.run(3)
    it.assert_all_done(P0, P1)


def test_a_partition_that_is_assigned_anew_without_a_word_is_paused_anew() -> None:
    it = Registered()
    it.produce(P0, "needs 7 1", *["1"] * 5)
    it.assign(P0)
    it.run(3)
    it.assign(P0)
    assert it.source.paused == set(), "it arrives unpaused"
    it.run(3)
    assert it.source.paused == {P0}
    assert len(next(kept for _, kept in it.loop.waiting).records) == 6, "each once"
    it.fetcher.answer("7")
    it.run(3)
    it.assert_all_done(P0)
    assert it.value("records_repeated_total", topic=TOPIC) == 0


def test_a_record_that_waits_when_its_partition_is_not_ours_is_dropped() -> None:
    it = Registered()
    it.assign(P1)
    it.loop._held.append(it.produce(P0, "needs 7 1")[0])
    it.loop.step()
    assert len(it.loop.waiting) == 0
    assert it.loop.backpressure.paused == set()


def test_a_copy_of_what_was_read_is_dropped_even_if_it_waited() -> None:
    it = Registered()
    record = it.produce(P0, "1")[0]
    it.assign(P0)
    it.run(3)
    it.loop._held.append(record._replace(value=b"needs 7 1"))
    it.loop.step()
    assert set(it.loop.waiting.places) == {P0}
    it.produce(P0, "1")
    it.fetcher.answer("7")
    it.run(3)
    it.assert_all_done(P0)
    assert it.value("records_repeated_total", topic=TOPIC) == 1
    assert it.value("records_consumed_total", topic=TOPIC) == 2


def test_records_that_a_paused_partition_brings_all_the_same_stay_behind_the_one_that_waits() -> None:
    it = Registered()
    it.produce(P0, "needs 7 1", "1")
    it.assign(P0)
    it.run(3)
    it.produce(P0, "1", "1")
    it.source.paused.clear()  # as if the client had them under way
    it.run(3)
    assert it.committed(P0) == 0
    assert it.loop.offsets.open_records == 0
    it.fetcher.answer("7")
    it.run(3)
    it.assert_all_done(P0)


def test_a_drain_drops_what_waits_and_it_is_read_again() -> None:
    it = Registered()
    it.produce(P0, "1", "needs 7 1", "1")
    it.produce(P1, "1")
    it.assign(P0, P1)
    it.loop.step()
    assert set(it.loop.waiting.places) == {P0}
    assert it.loop.drain(10)
    assert (it.committed(P0), it.committed(P1)) == (1, 1)
    assert len(it.loop.waiting) == 0
    assert it.loop.fatal is None


def test_the_end_of_a_partition_that_waits_is_not_reached() -> None:
    """Past its last record lie markers of a transaction: they are done when the record is, and not before."""
    it = Registered()
    it.produce(P0, "needs 7 1")
    it.assign(P0)
    it.loop.step()
    it.loop._hold(it.source.poll(1, 0)._replace(ends={P0: 5}))
    it.run(3)
    assert it.committed(P0) == 0
    it.fetcher.answer("7")
    it.run(3)
    assert it.committed(P0) == 5


def test_a_registry_that_refuses_stops_the_loop_and_nothing_that_waits_is_passed() -> None:
    it = Registered()
    it.produce(P0, "1", "needs 7 1", "1")
    it.assign(P0)
    it.run(3)
    it.fetcher.refusal = REFUSAL
    it.run(60)
    assert it.loop.fatal == REFUSAL
    it.fetcher.refusal = None
    it.loop.step()
    assert it.loop.fatal == REFUSAL, "once is for good"
    it.loop.give_up()
    it.revoke(P0)
    assert it.committed(P0) == 1


def test_a_refusal_of_the_registry_ends_the_process_with_77_and_the_remedy() -> None:
    it = Registered()
    assert refusal_of(it.loop) is None
    it.fetcher.refusal = REFUSAL
    it.loop.step()
    refusal = refusal_of(it.loop)
    assert refusal is not None
    assert refusal.reason == "refused by the schema registry: 401: check schema_registry.basic_auth"
    life = Life(FACTS, it.metrics, it.environment)
    life.refused(refusal)
    assert it.value("refused", by="schema_registry", code="401") == 1
    assert life.alive().well
    assert not life.ready().well
    with capture_logs() as lines:
        assert reported(refusal) == Exit.REFUSED
    assert [(line["code"], line["what_to_do"], line["exit_code"]) for line in lines] == [(*REFUSAL[:2], 77)]


def test_a_registry_that_refuses_while_the_process_stops_does_not_spoil_the_stop() -> None:
    it = Registered()
    it.produce(P0, "1", "needs 7 1")
    it.assign(P0)
    it.loop.step()
    it.fetcher.refusal = REFUSAL
    assert it.loop.drain(10)
    assert refusal_of(it.loop) is None
    assert it.committed(P0) == 1


def test_a_fatal_answer_of_the_service_counts_before_that_of_the_registry() -> None:
    it = Registered()
    it.sender.outcome = lambda _: Fatal("AccessDeniedException", "allow it")
    it.fetcher.refusal = REFUSAL
    it.produce(P0, "1")
    it.assign(P0)
    for _ in range(100):
        it.loop.step()
    assert it.loop.fatal is not None
    assert it.loop.fatal.code == "AccessDeniedException"
    refusal = refusal_of(it.loop)
    assert refusal is not None
    assert refusal.by == "personalize"


def test_membership_stays_while_everything_waits() -> None:
    it = Registered()
    for place in (P0, P1, P2):
        it.produce(place, "needs 7 1")
    it.assign(P0, P1, P2)
    it.run(5)
    before = len(it.source.polls)
    it.run(300)
    times = [at for at, _, _ in it.source.polls[before:]]
    assert max(later - sooner for sooner, later in pairwise(times)) < 1.0
    assert it.clock.now - it.loop.ticked_at < 1.0, "alive"


# -- memory and backpressure ----------------------------------------------------------------------------------


def test_what_waits_takes_memory_and_the_rest_still_goes_through() -> None:
    it = Registered(Bounds(100, 1 << 20, 1000))
    places = [TopicPartition(TOPIC, number) for number in range(21)]
    for place in places[1:]:
        it.produce(place, "needs 7 1", *["1"] * 200)
    it.assign(*places)
    it.run(10)
    kept = sum(len(kept.records) for _, kept in it.loop.waiting)
    assert kept <= 3 * 100, "as much as the buffer, a poll, and each of the others its share; not 20 polls of a hundred"
    it.produce(P0, *["1"] * 500)
    it.run(60)
    assert it.committed(P0) == 500
    it.fetcher.answer("7")
    it.run(60)
    it.assert_all_done(*places)


def test_a_buffer_full_of_what_waits_is_emptied_when_the_schema_comes() -> None:
    it = Registered(Bounds(10, 1 << 20, 1000))
    it.produce(P0, "needs 7 1", *["1"] * 50)
    it.produce(P1, "needs 7 1", *["1"] * 50)
    it.assign(P0, P1)
    it.run(10)
    assert it.loop.backpressure.crowded, "full by itself"
    it.fetcher.answer("7")
    it.run(30)
    it.assert_all_done(P0, P1)


def test_a_partition_that_waits_and_is_crowded_resumes_when_neither_holds() -> None:
    it = Registered(Bounds(10, 1 << 20, 1000))
    it.sender.outcome = lambda _: Retryable("ServiceUnavailable", Status.SERVER_ERROR)
    it.produce(P0, *["1"] * 9, "needs 7 1", *["1"] * 20)
    it.assign(P0)
    it.run(10)
    assert it.source.paused == {P0}
    it.fetcher.answer("7")
    it.run(10)
    assert it.source.paused == {P0}, "the buffer is full"
    it.sender.outcome = lambda _: Delivered()
    it.run(60)
    assert it.source.paused == set()
    it.assert_all_done(P0)


def test_a_partition_that_waits_again_at_once_is_not_resumed_in_between() -> None:
    it = Registered()
    it.produce(P0, "needs 7 1", "needs 8 1", "1")
    it.assign(P0)
    it.run(3)
    resumed: list[set[TopicPartition]] = []
    resume = it.source.resume

    def noted(topic_partitions: Collection[TopicPartition]) -> None:
        resumed.append(set(topic_partitions))
        resume(topic_partitions)

    it.source.resume = noted  # type: ignore[method-assign]
    it.fetcher.answer("7")
    it.run(3)
    assert resumed == [], "a pause throws away what the client has fetched"
    it.fetcher.answer("8")
    it.run(3)
    assert resumed == [{P0}]
    it.assert_all_done(P0)


def test_a_poll_is_what_a_partition_keeps_at_most() -> None:
    it = Registered(Bounds(100_000, 1 << 30, 100_000))
    it.produce(P0, "needs 7 1", *["1"] * 2_000)
    it.assign(P0)
    it.run(5)
    assert len(next(kept for _, kept in it.loop.waiting).records) == RECORDS_A_STEP
    it.fetcher.answer("7")
    it.run(20)
    it.assert_all_done(P0)


def test_without_a_fetcher_nothing_waits_and_nothing_is_expected() -> None:
    it = Harness()
    assert not it.loop.waiting.expected
    assert it.loop.waiting.reach() == (None, "", ())
    it.source.produce(P0)
    it.assign(P0)
    it.run(3)
    assert it.committed(P0) == 1
