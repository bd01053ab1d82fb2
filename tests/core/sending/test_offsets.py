"""No offset is committable while it or an earlier one of its partition is open, whatever else happens."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connector.core.records import Reason, Record, Rejection, Stage, TopicPartition
from connector.core.sending import offsets as module
from connector.core.sending.offsets import Offsets, OpenRecord, PartitionOffsets
from tests.support.examples import examples

PARTITION = TopicPartition("topic", 0)
OTHER = TopicPartition("topic", 1)


def record(offset: int, partition: TopicPartition = PARTITION, value: bytes = b"12345", life: int = 0) -> Record:
    """``life`` counts how often the topic was recreated: what is written then is younger than all before."""
    return Record(partition.topic, partition.partition, offset, 1_000_000 * life + 1000 + offset, None, value)


def tracked(offsets: Offsets, offset: int, partition: TopicPartition = PARTITION, life: int = 0) -> OpenRecord:
    opened = offsets.track(record(offset, partition, life=life))
    assert opened is not None
    return opened


def assigned() -> Offsets:
    offsets = Offsets()
    offsets.assign([PARTITION])
    return offsets


# -- against a model --------------------------------------------------------------------------------------------------


@dataclass
class Naive:
    """One assignment of one partition: what was received, and which of it is done."""

    received: dict[int, bool] = field(default_factory=dict)
    position: int | None = None
    life: int = 0

    @property
    def open(self) -> list[int]:
        return [offset for offset, done in self.received.items() if not done]

    @property
    def committable(self) -> int | None:
        return min(self.open, default=self.position)


class AgainstTheModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.offsets = Offsets()
        self.models: dict[TopicPartition, Naive] = {}
        self.committed: dict[TopicPartition, int] = {}
        self.opened: list[tuple[OpenRecord, Naive, dict[int, bool], int]] = []
        self.patch = pytest.MonkeyPatch()

    @initialize(closed=st.sampled_from([0, 1, 1_000]))
    def sweep_when(self, closed: int) -> None:
        """Forget what closed behind open records at every step, or sometimes, or never."""
        self.patch.setattr(module, "_CLOSED", closed)

    def teardown(self) -> None:
        self.patch.undo()

    @rule(partition=st.sampled_from([PARTITION, OTHER]))
    def assign(self, partition: TopicPartition) -> None:
        self.offsets.assign([partition])
        self.models[partition] = Naive()
        self.committed.pop(partition, None)

    @rule(partition=st.sampled_from([PARTITION, OTHER]))
    def revoke(self, partition: TopicPartition) -> None:
        self.offsets.leave([partition])
        revoked = self.offsets.forget([partition])
        model = self.models.pop(partition, None)
        self.committed.pop(partition, None)
        assert revoked == ({} if model is None else {partition: len(model.open)})

    @rule(partition=st.sampled_from([PARTITION, OTHER]), gap=st.integers(0, 3))
    def receive(self, partition: TopicPartition, gap: int) -> None:
        model = self.models.get(partition)
        offset = 10 if model is None or model.position is None else model.position + gap
        opened = self.offsets.track(record(offset, partition, life=0 if model is None else model.life))
        if model is None:
            assert opened is None
            return
        self._opened(model, opened, offset)

    def _opened(self, model: Naive, opened: OpenRecord | None, offset: int) -> None:
        assert opened is not None
        model.position = offset + 1
        model.received[offset] = False
        self.opened.append((opened, model, model.received, offset))

    @rule(partition=st.sampled_from([PARTITION, OTHER]), data=st.data())
    def receive_a_copy(self, partition: TopicPartition, data: st.DataObject) -> None:
        model = self.models.get(partition)
        if model is None or not model.received:
            return
        offset = data.draw(st.sampled_from(sorted(model.received)))
        assert self.offsets.track(record(offset, partition, life=model.life)) is None

    @rule(partition=st.sampled_from([PARTITION, OTHER]), back=st.integers(0, 10))
    def topic_was_recreated(self, partition: TopicPartition, back: int) -> None:
        model = self.models.get(partition)
        if model is None or not model.received or model.position is None:
            return
        offset = max(0, model.position - 1 - back)
        model.received, model.life = {}, model.life + 1
        self._opened(model, self.offsets.track(record(offset, partition, life=model.life)), offset)

    @rule(partition=st.sampled_from([PARTITION, OTHER]), offset=st.integers(0, 40))
    def reach(self, partition: TopicPartition, offset: int) -> None:
        self.offsets.reached(partition, offset)
        model = self.models.get(partition)
        if model is not None and (model.position is None or offset > model.position):
            model.position = offset

    @precondition(lambda self: self.opened)
    @rule(data=st.data(), entries=st.integers(1, 5))
    def make_entries(self, data: st.DataObject, entries: int) -> None:
        opened, _, received, offset = data.draw(st.sampled_from(self.opened))
        if not received[offset]:
            opened.await_entries(entries, "pipeline", "rule")
            assert opened.unsettled == entries

    @precondition(lambda self: self.opened)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        """Some of these are of assignments that ended long ago."""
        opened, _, received, offset = data.draw(st.sampled_from(self.opened))
        opened.close()
        received[offset] = True

    @rule()
    def commit(self) -> None:
        news = self.offsets.committable()
        expected = {
            partition: model.committable
            for partition, model in self.models.items()
            if model.committable is not None and model.committable != self.committed.get(partition)
        }
        assert news == expected
        self.offsets.committed(news)
        self.committed.update(news)
        assert self.offsets.committable() == {}

    @invariant()
    def only_what_is_done_is_committable(self) -> None:
        assert {partition.topic_partition for partition in self.offsets} == set(self.models)
        for partition in self.offsets:
            model = self.models[partition.topic_partition]
            assert partition.committable == model.committable
            assert partition.open_count == len(model.open)
            assert partition.open_bytes == 5 * len(model.open)
            oldest_open = min(model.open, default=None)
            behind = [offset for offset in model.received if oldest_open is not None and offset >= oldest_open]
            assert partition.span == len(behind)
            oldest = partition.oldest
            assert (oldest.offset if oldest else None) == oldest_open
        assert self.offsets.open_records == sum(len(model.open) for model in self.models.values())

    @invariant()
    def events_add_up(self) -> None:
        for partition in self.offsets:
            mine = [opened for opened, *_ in self.opened if opened.owner is partition and opened.record is not None]
            assert partition.open_events == sum(opened.events for opened in mine)

    @invariant()
    def a_record_knows_whether_it_still_counts(self) -> None:
        for opened, model, received, offset in self.opened:
            if received[offset]:
                continue
            ours = any(model is current for current in self.models.values()) and model.received is received
            assert opened.revoked == (not ours)
            assert opened.revoking == (not ours)


AgainstTheModel.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
TestOffsetsAgainstANaiveModel = AgainstTheModel.TestCase


@given(st.lists(st.integers(1, 4), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_offsets_close_in_any_order_and_all_are_committable_in_the_end(gaps: list[int], random: object) -> None:
    offsets, at, opened = assigned(), 0, []
    for gap in gaps:
        at += gap
        opened.append(tracked(offsets, at))
    still_open = {each.offset for each in opened}
    random.shuffle(opened)  # type: ignore[attr-defined]
    for each in opened:
        assert offsets.committable() == {PARTITION: min(still_open)}
        each.close()
        still_open.discard(each.offset)
    assert offsets.committable() == {PARTITION: at + 1}


# -- one by one -------------------------------------------------------------------------------------------------------


def test_nothing_is_committable_before_the_first_record() -> None:
    assert assigned().committable() == {}


def test_offset_is_never_committable_while_an_earlier_one_is_open() -> None:
    offsets = assigned()
    first, second = tracked(offsets, 5), tracked(offsets, 6)
    second.close()
    assert offsets.committable() == {PARTITION: 5}
    first.close()
    assert offsets.committable() == {PARTITION: 7}


def test_trailing_transaction_markers_leave_no_lag() -> None:
    offsets = assigned()
    opened = tracked(offsets, 5)
    offsets.reached(PARTITION, 8)
    assert offsets.committable() == {PARTITION: 5}
    opened.close()
    assert offsets.committable() == {PARTITION: 8}
    offsets.reached(PARTITION, 7)
    assert offsets.committable() == {PARTITION: 8}


def test_where_the_consumer_stands_is_told_by_the_first_that_is_dropped() -> None:
    offsets = assigned()
    offsets.stands(PARTITION, 8)
    offsets.stands(PARTITION, 9)
    assert offsets.committable() == {PARTITION: 8}
    opened = tracked(offsets, 8)
    opened.close()
    offsets.stands(PARTITION, 12)
    assert offsets.committable() == {PARTITION: 9}


def test_a_record_at_the_end_that_was_reached_is_no_copy() -> None:
    offsets = assigned()
    offsets.reached(PARTITION, 8)
    assert tracked(offsets, 8).offset == 8


@pytest.mark.parametrize("closed", [False, True])
def test_a_copy_of_an_offset_that_is_open_or_done_is_dropped(closed: bool) -> None:  # noqa: FBT001  a parameter
    offsets = assigned()
    tracked(offsets, 5)
    second = tracked(offsets, 6)
    tracked(offsets, 8)
    if closed:
        second.close()
    for copy in (6, 7, 8):
        assert offsets.track(record(copy)) is None
    assert offsets.committable() == {PARTITION: 5}


def test_a_recreated_topic_is_read_from_its_beginning_although_the_old_one_was_too() -> None:
    offsets = assigned()
    old = [tracked(offsets, offset) for offset in range(3)]
    old[0].close()
    new = [tracked(offsets, offset, life=1) for offset in range(2)]
    assert all(each.revoked and each.owner.topic_partition == PARTITION for each in old[1:])
    for each in old:
        each.close()
    assert offsets.committable() == {PARTITION: 0}
    for each in new:
        each.close()
    assert offsets.committable() == {PARTITION: 2}


def test_a_commit_goes_back_with_a_recreated_topic() -> None:
    offsets = assigned()
    tracked(offsets, 100).close()
    offsets.committed(offsets.committable())
    tracked(offsets, 0, life=1).close()
    assert offsets.committable() == {PARTITION: 1}


def test_what_a_recreated_topic_brings_in_the_middle_is_no_copy() -> None:
    offsets = assigned()
    for offset in range(1_000):
        tracked(offsets, offset).close()
    for offset in range(5, 1_200):
        tracked(offsets, offset, life=1).close()
    assert offsets.committable() == {PARTITION: 1_200}


def test_a_record_without_a_timestamp_that_comes_again_is_taken_as_new() -> None:
    offsets = assigned()
    tracked(offsets, 3).close()
    assert offsets.track(record(3)._replace(timestamp=None)) is not None


def test_copies_are_counted() -> None:
    offsets = assigned()
    tracked(offsets, 3).close()
    assert offsets.track(record(3)) is None
    (partition,) = offsets
    assert partition.copies == 1


def test_a_stale_completion_changes_nothing_in_a_later_assignment() -> None:
    offsets = assigned()
    stale = tracked(offsets, 5)
    offsets.forget([PARTITION])
    offsets.assign([PARTITION])
    again = tracked(offsets, 5)
    stale.await_entries(10, "pipeline", "rule")
    stale.close()
    assert stale.revoked
    assert not again.revoked
    assert offsets.committable() == {PARTITION: 5}
    (partition,) = offsets
    assert (partition.open_count, partition.open_events, partition.open_bytes) == (1, 1, 5)


def test_a_stale_completion_after_a_partition_was_assigned_twice_in_a_row_changes_nothing() -> None:
    offsets = assigned()
    stale = tracked(offsets, 5)
    offsets.assign([PARTITION])
    tracked(offsets, 5)
    stale.close()
    assert offsets.committable() == {PARTITION: 5}


def test_what_leaves_is_revoked_but_still_counts() -> None:
    offsets = assigned()
    opened = tracked(offsets, 5)
    offsets.leave([PARTITION, OTHER])
    assert opened.revoking
    assert not opened.revoked
    opened.close()
    assert offsets.committable([PARTITION, OTHER]) == {PARTITION: 6}


def test_what_was_revoked_is_neither_tracked_nor_reached_nor_committed() -> None:
    offsets = assigned()
    tracked(offsets, 5)
    assert PARTITION in offsets
    assert offsets.forget([PARTITION, OTHER]) == {PARTITION: 1}
    assert PARTITION not in offsets
    assert len(offsets) == 0
    assert offsets.track(record(6)) is None
    offsets.reached(PARTITION, 9)
    offsets.stands(PARTITION, 9)
    offsets.committed({PARTITION: 9})
    assert offsets.committable() == {}


def test_an_acknowledged_offset_is_no_news_until_it_moves() -> None:
    offsets = assigned()
    tracked(offsets, 5).close()
    offsets.committed({PARTITION: 6})
    assert offsets.committable() == {}
    tracked(offsets, 6).close()
    assert offsets.committable() == {PARTITION: 7}


def test_only_the_partitions_asked_for_are_committable() -> None:
    offsets = Offsets()
    offsets.assign([PARTITION, OTHER])
    tracked(offsets, 1).close()
    tracked(offsets, 1, OTHER).close()
    assert offsets.committable([OTHER]) == {OTHER: 2}


def test_closing_twice_counts_once() -> None:
    offsets = assigned()
    first = tracked(offsets, 1)
    tracked(offsets, 2)
    first.close()
    first.close()
    assert offsets.open_records == 1


def test_a_closed_record_behind_an_open_one_holds_no_payload() -> None:
    offsets = assigned()
    tracked(offsets, 1)
    closed = tracked(offsets, 2)
    closed.close()
    assert closed.record is None
    (partition,) = offsets
    assert (partition.span, partition.open_bytes) == (2, 5)


def test_what_closed_behind_an_open_record_is_counted_and_not_kept() -> None:
    offsets = assigned()
    first, *behind, last = (tracked(offsets, offset) for offset in range(20_000))
    for opened in behind:
        opened.close()
    (partition,) = offsets
    assert len(partition._open) <= 2 * 2 + module._CLOSED < 2_000
    assert (partition.span, partition.open_count) == (20_000, 2)
    assert offsets.committable() == {PARTITION: 0}
    first.close()
    assert (partition.span, partition.committable) == (1, 19_999)
    last.close()
    assert (partition.span, partition.committable) == (0, 20_000)


def test_a_record_counts_as_many_events_as_it_makes() -> None:
    offsets = assigned()
    opened = tracked(offsets, 1)
    (partition,) = offsets
    assert partition.open_events == 1
    opened.await_entries(7, "pipeline", "rule")
    assert partition.open_events == 7
    assert (opened.pipeline, opened.rule) == ("pipeline", "rule")
    opened.close()
    assert partition.open_events == 0


def test_the_last_entry_of_a_record_says_that_it_was() -> None:
    opened = tracked(assigned(), 1)
    opened.await_entries(3, "pipeline", "rule")
    assert [opened.settle_entry() for _ in range(3)] == [False, False, True]


def test_a_record_keeps_what_is_wrong_with_each_of_its_entries() -> None:
    opened = tracked(assigned(), 1)
    wrong = [Rejection(Stage.DELIVER, Reason.REJECTED_BY_SERVICE, "no", indexes=(index,)) for index in (0, 3)]
    for rejection in wrong:
        opened.reject(rejection)
    assert opened.rejections == tuple(wrong)


def test_a_partition_alone_has_nothing_to_commit() -> None:
    partition = PartitionOffsets(PARTITION)
    assert partition.committable is None
    assert partition.oldest is None
