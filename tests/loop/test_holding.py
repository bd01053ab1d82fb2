"""A pipeline whose records turn invalid is held from the first record that would be one letter too many."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from connector.core.records import Fate, Reason, Record, Rejection, Stage, TopicPartition
from connector.core.sending.flood import Limit
from connector.holding import MEND, PATIENCE, Action, FloodSettings, Holding
from connector.ports import NO_NOTES
from connector.watch import HELD, Watch
from tests.support.fakes import P0, P1, TOPIC, Harness, body, transform

ORDERS = TopicPartition("orders", 0)
OTHER_TOPIC = TopicPartition("clicks-eu", 0)
BAD = "bad"
REJECTION = Rejection(Stage.MAP, Reason.MISSING_MEMBER, "no itemId", "itemId", "web", "view")
PIPELINES = {TOPIC: "web", OTHER_TOPIC.topic: "web", "orders": "shop"}


def mapped(record: Record, wall: float) -> Fate:
    return REJECTION if record.value == BAD.encode() else transform(record, wall)


class Flooding(Harness):
    """A loop whose pipelines are held at 90 % of 20 records."""

    def __init__(self, action: Action = "hold", mapping: str = "0000000a", **more: object) -> None:
        self.compared: list[tuple[Record, Record]] = []
        settings = FloodSettings(Limit(0.9, 20), action)
        holding = Holding(settings, PIPELINES.get, self._compare, lambda _: mapping)
        super().__init__(transform=mapped, holding=holding, **more)  # type: ignore[arg-type]
        self.watch = Watch(self.loop, self.source, self.metrics, self.environment)

    def _compare(self, before: Record, now: Record) -> str:
        self.compared.append((before, now))
        return "value.a is gone"

    def produce(self, place: TopicPartition, value: str, count: int) -> None:
        for _ in range(count):
            self.source.produce(place, value, f"{place.topic}-{place.partition}")

    def successor(self, mapping: str = "0000000a") -> Flooding:
        """The next process, or another one, on the same cluster."""
        it = Flooding(mapping=mapping)
        it.source.logs, it.source.stored, it.source.notes = self.source.logs, self.source.stored, self.source.notes
        return it

    def held(self) -> dict[str, str]:
        held = self.loop.holding.held
        return next(iter(held.values())).told() if held else {}

    def letters(self) -> list[tuple[str, int, int]]:
        return [(record.topic, record.partition, record.offset) for record, _ in self.dead_letters.written]


def flooded(good: int = 100) -> Flooding:
    it = Flooding()
    it.produce(P0, "1", good)
    it.produce(P0, BAD, 200)
    it.assign(P0, ORDERS)
    it.run(20)
    return it


def test_it_is_held_with_fewer_letters_than_the_window_and_other_pipelines_go_on() -> None:
    it = flooded()
    it.produce(ORDERS, "1", 50)
    it.run(20)
    assert len(it.letters()) == 17, "the eighteenth makes 90 % of twenty"
    assert it.committed(P0) == 117
    assert it.committed(ORDERS) == 50
    assert P0 in it.source.paused
    assert ORDERS not in it.source.paused
    it.assert_balanced()


def test_what_is_held_is_told_by_names_and_places_only() -> None:
    it = flooded()
    assert it.held() == {
        "pipeline": "web",
        "reason": "missing_member",
        "rule": "view",
        "member": "itemId",
        "since": "clicks-0@100",
        "share": "90%",
        "before": "0%",
        "changed": "value.a is gone",
    }
    before, now = it.compared[0]
    assert (before.offset, now.offset) == (99, 117)


def test_a_line_tells_it_once_and_a_metric_as_long_as_it_lasts() -> None:
    it = Flooding()
    it.produce(P0, "1", 100)
    it.produce(P0, BAD, 100)
    it.assign(P0)
    with capture_logs() as logs:
        for _ in range(20):
            it.run(1)
            it.watch.look()
    lines = [line for line in logs if line["event"] == HELD]
    assert len(lines) == 1
    assert lines[0]["log_level"] == "error"
    assert lines[0]["member"] == "itemId"
    assert lines[0]["what_to_do"] == MEND
    assert it.value("pipeline_held", pipeline="web") == 1


def test_all_partitions_and_topics_of_the_pipeline_are_held() -> None:
    it = flooded()
    it.assign(P1, OTHER_TOPIC)
    it.produce(P1, "1", 5)
    it.produce(OTHER_TOPIC, "1", 5)
    it.run(20)
    assert {P0, P1, OTHER_TOPIC} <= it.source.paused
    assert (it.committed(P1), it.committed(OTHER_TOPIC)) == (0, 0)
    assert it.loop.offsets.open_records == 0, "they wait in Kafka, not in memory"


def test_records_of_several_partitions_that_are_here_when_it_is_held_are_not_passed_by_a_commit() -> None:
    it = Flooding()
    for place in (P0, P1):
        it.produce(place, "1", 100)
        it.produce(place, BAD, 100)
    it.assign(P0, P1)
    it.run(20)
    letters = it.letters()
    assert len(letters) < 20
    for place in (P0, P1):
        done = it.committed(place)
        offsets = {offset for topic, number, offset in letters if (topic, number) == place}
        assert offsets == set(range(100, max(done, 100))), "each letter is committed, and nothing else beyond the good"


def test_it_stays_in_its_group_and_does_not_spin() -> None:
    it = flooded()
    polls = len(it.source.polls)
    it.run(60)
    assert 60 <= len(it.source.polls) - polls <= 60 * 30


def test_a_partition_that_is_revoked_and_comes_back_is_still_held() -> None:
    it = flooded()
    it.revoke(P0)
    it.run(5)
    it.assign(P0)
    it.run(20)
    assert P0 in it.source.paused
    assert it.committed(P0) == 117
    assert len(it.letters()) == 17


def test_a_restart_with_the_same_mapping_is_held_again_without_another_letter() -> None:
    it = flooded()
    for _ in range(3):
        assert it.loop.drain(5)
        it = it.successor()
        it.assign(P0, ORDERS)
        it.run(20)
        assert it.letters() == []
        assert it.committed(P0) == 117
        assert it.held()["again"] == "the same as before the restart"


def test_a_killed_process_has_noted_that_it_is_held() -> None:
    it = flooded().successor()
    it.assign(P0)
    it.run(5)
    assert it.held()["since"] == "clicks-0@100"
    assert it.letters() == []


@pytest.mark.parametrize("more", [0, 1, 200])
def test_a_partition_whose_broker_is_slow_is_noted_as_held_too(more: int) -> None:
    """Nothing came of it before the others made the flood, and its note is of the process before: not held yet."""
    before = Flooding()
    before.produce(P0, "1", 100)
    before.produce(P1, BAD, 5)
    before.assign(P0, P1)
    before.run(10)
    assert " run=" in before.source.notes[P1]
    it = before.successor()
    it.produce(P0, BAD, 200)
    it.produce(P1, BAD, more)
    it.assign(P0, P1)
    it.source.paused.add(P1)  # no answer
    it.run(10)
    assert it.held()
    it.source.paused.discard(P1)
    it.run(10)
    assert P1 in it.source.paused, "held, as the other one is"
    assert it.committed(P1) == 5
    after = it.successor()
    after.produce(P1, BAD, 1)
    after.assign(P1)
    after.run(10)
    assert after.held()["again"]
    assert after.letters() == []


def test_a_restart_with_a_mended_mapping_delivers_all_of_it_in_order_and_once() -> None:
    first = flooded()
    assert first.loop.drain(5)
    second = first.successor()
    second.source.logs[P0] = [record._replace(value=b"1") for record in second.source.logs[P0]]
    second.assign(P0, ORDERS)
    second.run(60)
    assert second.held() == {}
    sent = [*first.sender.delivered, *second.sender.delivered]
    expected = [body(record, 0) for record in first.source.logs[P0] if record.offset < 100 or record.offset >= 117]
    assert sent == expected
    assert second.committed(P0) == 300
    assert second.source.notes[P0].startswith("flood1 ")
    assert "held" not in second.source.notes[P0]


def test_a_mended_mapping_under_which_some_are_invalid_still_goes_on() -> None:
    first = flooded()
    second = first.successor()
    log = second.source.logs[P0]
    second.source.logs[P0] = [record._replace(value=b"1" if record.offset % 3 else b"bad") for record in log]
    second.assign(P0)
    second.run(60)
    assert second.held() == {}
    assert second.committed(P0) == 300


MENDED = "0000000b"


def mend(it: Flooding, first: int) -> None:
    """From this offset on, the mapping takes the records."""
    log = it.source.logs[P0]
    it.source.logs[P0] = [record._replace(value=b"1") if record.offset >= first else record for record in log]


@pytest.mark.parametrize("few", [1, 3, 15])
def test_a_mended_mapping_goes_on_where_the_first_poll_brings_only_a_few_that_it_still_refuses(few: int) -> None:
    first = flooded()
    assert first.loop.drain(5)
    second = first.successor(MENDED)
    log = second.source.logs[P0]
    second.source.logs[P0] = log[: 117 + few]
    second.assign(P0)
    second.run(5)
    assert second.held() == {}
    second.source.logs[P0] = log
    mend(second, 117 + few)
    second.run(30)
    assert second.held() == {}
    assert second.committed(P0) == 300
    assert len(second.letters()) == few


def test_a_mapping_that_mends_nothing_is_held_again_with_fewer_letters_than_the_window_and_then_with_none() -> None:
    it = flooded()
    letters = 0
    for _ in range(20):
        it = it.successor(MENDED)
        it.assign(P0)
        it.run(10)
        letters += len(it.letters())
    assert letters == 17
    assert it.held()["again"] == "the same as before the restart"
    assert it.held()["since"] == "clicks-0@117"


def test_a_storm_of_restarts_writes_fewer_letters_than_the_window_even_where_none_lives_until_it_is_held() -> None:
    it = Flooding()
    it.produce(P0, "1", 100)
    it.assign(P0, ORDERS)
    it.run(10)
    letters: set[tuple[str, int, int]] = set()
    for _ in range(20):
        it.produce(P0, BAD, 4)
        it.run(5)
        letters |= set(it.letters())
        it = it.successor()
        it.assign(P0, ORDERS)
    assert len(letters) == 17
    assert it.held() == {} or it.held()["since"] == "clicks-0@100"
    assert it.committed(P0) == 117


def test_a_hold_that_is_over_is_forgotten_in_partitions_without_anything_new_as_well() -> None:
    it = Flooding()
    it.produce(P1, "1", 1)
    it.produce(P0, "1", 100)
    it.assign(P0, P1)
    it.run(5)
    it.produce(P0, BAD, 200)
    it.run(10)
    assert " held=" in it.source.notes[P1]
    assert it.loop.drain(5)
    mended = it.successor(MENDED)
    mend(mended, 0)
    mended.assign(P0, P1)
    mended.run(60)
    assert mended.committed(P0) == 300
    assert not [note for note in mended.source.notes.values() if "held" in note]
    commits = len(mended.source.commits)
    mended.run(60)
    assert len(mended.source.commits) == commits, "and only once"


def test_of_a_hold_of_old_the_first_invalid_record_is_one_among_good_ones() -> None:
    """A note in an idle partition that nobody could write anew; the producer was mended meanwhile."""
    it = flooded().successor()
    it.source.logs[P0] = [*it.source.logs[P0][:117]]
    it.produce(P0, "1", 100)
    it.produce(P0, BAD, 1)
    it.produce(P0, "1", 100)
    it.assign(P0)
    it.run(20)
    assert it.held() == {}
    assert it.committed(P0) == 318


# -- where it takes time to learn what was noted ----------------------------------------------------------------


def test_invalid_records_wait_until_it_is_known_whether_they_were_held() -> None:
    it = flooded().successor()
    it.source.answers = False
    it.produce(ORDERS, "1", 50)
    it.assign(P0, ORDERS)
    it.run(10)
    assert it.letters() == []
    assert P0 in it.source.paused
    assert (it.committed(P0), it.committed(ORDERS)) == (117, 50), "others go on"
    it.source.answers = True
    it.run(10)
    assert it.held()["again"]
    assert it.letters() == []
    assert it.committed(P0) == 117


def test_what_waited_for_a_note_goes_on_in_order_once_nothing_was_noted() -> None:
    it = Flooding()
    it.source.answers = False
    for value in ("1", "1", BAD, "1", "1"):
        it.produce(P0, value, 1)
    it.assign(P0)
    it.run(5)
    assert it.committed(P0) == 2, "good ones need not wait"
    it.produce(P0, "1", 1)
    it.source.answers = True
    it.run(5)
    assert it.committed(P0) == 6
    assert it.letters() == [(*P0, 2)]
    assert it.sender.delivered == [body(it.source.logs[P0][offset], 0) for offset in (0, 1, 3, 4, 5)]
    it.assert_balanced()


def test_a_note_that_nobody_tells_is_not_waited_for_for_ever() -> None:
    it = Flooding()
    it.source.answers = False
    it.produce(P0, BAD, 3)
    it.produce(P0, "1", 3)
    it.assign(P0)
    it.run(PATIENCE / 2)
    assert it.committed(P0) == 0
    it.run(PATIENCE)
    assert it.committed(P0) == 6
    assert len(it.letters()) == 3


def test_what_waits_for_a_note_is_for_the_next_owner_where_the_partition_leaves() -> None:
    it = Flooding()
    it.source.answers = False
    it.produce(P0, BAD, 3)
    it.assign(P0)
    it.run(5)
    it.revoke(P0)
    it.run(PATIENCE * 2)
    assert it.letters() == []
    assert it.committed(P0) == 0
    it.source.answers = True
    it.assign(P0)
    it.run(5)
    assert it.committed(P0) == 3
    it.assert_balanced()


# -- several processes ----------------------------------------------------------------------------------------


def test_each_process_writes_its_own_letters_so_three_may_write_three_times_as_many() -> None:
    places = [P0, P1, TopicPartition(TOPIC, 2)]
    first = Flooding()
    members = [first, first.successor(), first.successor()]
    for place, member in zip(places, members, strict=True):
        first.produce(place, "1", 100)
        first.produce(place, BAD, 200)
        member.assign(place)
    for member in members:
        member.run(20)
        assert member.held()
    letters = [letter for member in members for letter in member.letters()]
    assert len(letters) == 3 * 17
    assert len(letters) < 3 * 20


def test_a_partition_that_moves_takes_its_hold_along_without_another_letter() -> None:
    """From a process that is held to one whose own partitions are well: their records are of one pipeline."""
    held = flooded()
    well = held.successor()
    well.produce(P1, "1", 300)
    well.assign(P1)
    well.run(10)
    assert well.committed(P1) == 300
    held.revoke(P0)
    well.assign(P0)
    well.run(10)
    assert well.held()["again"]
    assert well.letters() == []
    assert well.committed(P0) == 117


def test_a_partition_that_moves_in_the_middle_of_a_flood_is_counted_on_by_a_new_process() -> None:
    first = Flooding()
    first.produce(P0, "1", 100)
    first.produce(P0, BAD, 10)
    first.assign(P0)
    first.run(10)
    first.revoke(P0)
    second = first.successor()
    second.produce(P0, BAD, 200)
    second.assign(P0)
    second.run(10)
    assert second.held()["since"] == "clicks-0@100"
    assert len(first.letters()) + len(second.letters()) == 17


def test_a_topic_that_was_always_like_that_is_not_held_and_not_after_a_restart_either() -> None:
    it = Flooding()
    for number in range(2000):
        it.produce(P0, "1" if number % 25 == 3 else BAD, 1)
    it.assign(P0)
    it.run(60)
    assert it.committed(P0) == 2000
    it.loop.drain(5)
    it = it.successor()
    it.produce(P0, BAD, 24)
    it.produce(P0, "1", 1)
    it.produce(P0, BAD, 24)
    it.assign(P0)
    it.run(60)
    assert it.committed(P0) == 2049


def test_records_that_are_dropped_on_purpose_neither_hide_a_flood_nor_make_one() -> None:
    it = Flooding()
    it.produce(P0, "1", 30)
    for _ in range(30):
        it.produce(P0, "skipped", 20)
        it.produce(P0, "filtered", 20)
        it.produce(P0, BAD, 1)
    it.assign(P0)
    it.run(60)
    assert len(it.letters()) == 17
    other = Flooding()
    other.produce(P0, "skipped", 1000)
    other.assign(P0)
    other.run(20)
    assert other.held() == {}


def test_action_stop_says_so_and_delivers_what_was_read_before() -> None:
    it = Flooding("stop")
    it.produce(P0, "1", 100)
    it.produce(P0, BAD, 100)
    it.assign(P0)
    it.run(20)
    assert it.loop.holding.stopped is not None
    assert it.loop.drain(5)
    assert it.committed(P0) == 117
    assert "held=" in it.source.notes[P0]


def test_without_settings_nothing_is_held_or_noted() -> None:
    it = Harness(transform=mapped)
    for _ in range(3000):
        it.source.produce(P0, BAD)
    it.assign(P0)
    it.run(60)
    assert it.committed(P0) == 3000
    assert it.source.notes[P0] == ""
    assert it.loop.holding.stopped is None


def test_a_topic_of_no_pipeline_is_never_held() -> None:
    holding = Holding(FloodSettings(Limit(0.9, 10), "hold"))
    assert not holding.holds("unknown")
    assert holding.notes({P0: 1}) == NO_NOTES
    assert not holding.renews(P0)


def test_an_end_while_held_is_in_good_order() -> None:
    it = flooded()
    assert it.loop.drain(5)
    it.revoke(P0, ORDERS)
    assert it.committed(P0) == 117
    it.assert_balanced()
