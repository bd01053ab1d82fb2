"""The laws of architecture: random schedules of records, troubles and rebalances, checked against counts of our own."""

from collections import defaultdict
from collections.abc import Mapping

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core.records import Record, Rejection, TopicPartition
from connector.core.sending.backpressure import Bounds
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Delivered, Outcome, Rejected, Retryable, Status, Throttled
from tests.support.examples import examples
from tests.support.fakes import P0, P1, P2, QUICK, FakeFetcher, Harness, body, transform

PARTITIONS = (P0, P1, P2)
VALUES = ("1", "1", "1", "4", "3 1", "filtered", "skipped", "invalid", "needs 7 1", "needs 8 3 1", "needs 8 invalid")
OUTCOMES = ("ok", "ok", "ok", "throttled", "outage", "poison")

LETTER = b"a dead letter"

produce = st.tuples(st.just("produce"), st.sampled_from(PARTITIONS), st.sampled_from(VALUES), st.integers(0, 2))
step = st.tuples(st.just("run"), st.sampled_from((0.0, 0.0, 0.05, 1.1)))
rebalance = st.tuples(st.sampled_from(("assign", "revoke", "lose")), st.sampled_from(PARTITIONS))
trouble = st.tuples(st.just("trouble"), st.sampled_from(OUTCOMES))
latency = st.tuples(st.just("latency"), st.sampled_from((0.0, 0.01, 0.7, 15.0)), st.sampled_from((0.0, 0.01, 15.0)))
answer = st.tuples(st.just("answer"), st.sampled_from(("7", "8", "another")))
anything = (produce, produce, produce, step, step, rebalance, trouble, latency, answer)
schedules = st.lists(st.one_of(*anything), max_size=60)


class Watched(Harness):
    """A house that keeps counts of its own, from what the fakes saw, and checks every commit against them."""

    def __init__(self) -> None:
        self.fetcher = FakeFetcher()
        super().__init__(QUICK, Bounds(40, 1 << 20, 30), self.fetcher.transform, self.fetcher)
        self.trouble = "ok"
        self.bad: set[bytes] = set()  # events that the service rejects for good
        self.sender.outcome = self._outcome
        self.source.on_commit = self._check

    def _outcome(self, batch: Batch) -> Outcome:
        bodies = [item.entry.body for item in batch.items]
        if self.trouble == "poison" and not self.bad:
            self.bad.add(bodies[-1])
        if self.bad & set(bodies):
            return Rejected("InvalidInputException")
        troubles: Mapping[str, Outcome] = {
            "throttled": Throttled("ThrottlingException"),
            "outage": Retryable("InternalFailure", Status.SERVER_ERROR),
        }
        return troubles.get(self.trouble, Delivered())

    def _check(self, offsets: Mapping[TopicPartition, int]) -> None:
        assert set(offsets) <= {partition.topic_partition for partition in self.loop.offsets}
        for topic_partition, offset in offsets.items():
            assert offset >= self.committed(topic_partition), "a commit goes back"
            for record in self.source.logs.get(topic_partition, [])[:offset]:
                assert self._is_done(record), "a commit passes a record that is not done with"

    def _is_done(self, record: Record) -> bool:
        if record.value in {b"filtered", b"skipped"}:
            return True
        done = set(self.sender.delivered)
        if any(written == record for written, _ in self.dead_letters.written):
            done |= self.bad | {LETTER}
        return self._wanted(record) <= done

    def _wanted(self, record: Record) -> set[bytes]:
        words = (record.value or b"").split()
        known = record._replace(value=b" ".join(words[2:])) if words[0] == b"needs" else record
        fate = transform(known, 0.0)
        entries = getattr(fate, "entries", ())
        invalid = isinstance(fate, Rejection) or getattr(fate, "rejection", None) is not None
        return {entry.body for entry in entries} | ({LETTER} if invalid else set())

    def _owned(self) -> set[TopicPartition]:
        return {partition.topic_partition for partition in self.loop.offsets}

    def act(self, what: str, *how: object) -> None:
        match (what, *how):
            case ("produce", TopicPartition() as where, str() as value, session):
                self.source.produce(where, value, f"{where.partition}-{session}")
            case ("run", float() as seconds):
                self.loop.step()
                self.run(seconds)
            case ("assign", TopicPartition() as where):
                self.assign(*({where} - self._owned()))
            case ("revoke" | "lose", TopicPartition() as where):
                {"revoke": self.revoke, "lose": self.lose}[what](*({where} & self._owned()))
            case ("trouble", str() as trouble):
                self.trouble = trouble
            case ("answer", str() as schema):
                self.fetcher.answer(schema)
            case ("latency", float() as calls, float() as letters):
                self.sender.latency, self.dead_letters.latency = calls, letters
            case _:
                raise AssertionError(what)
        self.assert_balanced()
        self._check_waiting()

    def _check_waiting(self) -> None:
        waiting = dict(self.loop.waiting)
        assert set(waiting) <= self._owned()
        for place, kept in waiting.items():
            offsets = [record.offset for record in kept.records]
            assert offsets == list(range(offsets[0], offsets[0] + len(offsets))), "in order, each once"
            assert self.committed(place) <= offsets[0]
            assert self.source.positions[place] == offsets[-1] + 1
            assert all(
                partition.committable is not None
                for partition in self.loop.offsets
                if partition.topic_partition == place
            )


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schedules)
def test_no_schedule_commits_what_is_not_done_or_unbalances_the_books(schedule: list[tuple[object, ...]]) -> None:
    harness = Watched()
    harness.assign(P0, P1)
    for what, *how in schedule:
        harness.act(str(what), *how)
    assert harness.loop.fatal is None
    harness.act("trouble", "ok")
    harness.act("latency", 0.01, 0.01)
    harness.fetcher.answer("7", "8")
    harness.assign(*({P0, P1, P2} - harness._owned()))
    harness.source.produce(P0, "1", "last")  # a success ends every doubt
    harness.run(90)
    assert harness.loop.offsets.open_records == 0
    assert {where: harness.committed(where) for where in PARTITIONS} == {
        where: len(harness.source.logs.get(where, ())) for where in PARTITIONS
    }
    assert all(harness._is_done(record) for log in harness.source.logs.values() for record in log)
    harness.assert_balanced()


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(produce, step, trouble, latency, answer), max_size=60))
def test_first_deliveries_of_a_session_keep_the_order_of_its_partition(schedule: list[tuple[object, ...]]) -> None:
    harness = Watched()
    harness.assign(*PARTITIONS)
    for what, *how in schedule:
        harness.act(str(what), *how)
    harness.act("trouble", "ok")
    harness.fetcher.answer("7", "8")
    harness.source.produce(P0, "1", "last")
    harness.run(90)
    sessions: dict[bytes | None, list[bytes]] = defaultdict(list)
    for log in harness.source.logs.values():
        for record in log:
            events = [body(record, element) for element in range(4)]
            sessions[record.key] += [event for event in events if event in harness._wanted(record)]
    first = list(dict.fromkeys(harness.sender.delivered))
    for expected in sessions.values():
        sent = set(expected)
        assert [event for event in first if event in sent] == [event for event in expected if event not in harness.bad]
