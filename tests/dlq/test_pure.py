"""The pure parts of ``putevents dlq``: laws that hold for whatever lies in the topic."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core.records import Reason, Record, Rejection, Stage
from connector.dlq.exporting import line_of
from connector.dlq.groups import grouped
from connector.dlq.letters import Letter, Place, first_failure, letter_of, replayed
from connector.dlq.marks import Marks
from connector.dlq.minimal import leaves, put, smallest
from connector.dlq.selection import Selection, digest
from connector.given_records import record_of
from connector.kafka.letter import headers

quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
NOW = 1_795_509_011_000
HEADERS = st.lists(st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=8)), max_size=5).map(tuple)
RECORDS = st.builds(
    Record,
    st.sampled_from(["clicks", "web.clicks"]),
    st.integers(0, 20),
    st.integers(0, 10**12),
    st.none() | st.integers(NOW - 10**9, NOW),
    st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=40) | st.dictionaries(st.text(max_size=5), st.integers(0, 9)).map(orjson.dumps),
    HEADERS,
)
WORDS = st.sampled_from(["view", "orders", "sessionId"])
REJECTIONS = st.builds(
    Rejection,
    st.sampled_from(Stage),
    st.sampled_from(Reason),
    st.text(max_size=20),
    WORDS,
    WORDS,
    WORDS,
    st.lists(st.integers(0, 5) | st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=3).map(tuple),
)


def written(record: Record, rejection: Rejection, connector: str | None = None) -> Record:
    """The message that the connector writes of a record."""
    pairs: Any = tuple(headers(record, rejection, connector))
    return Record("dead", 0, 7, record.timestamp, record.key, record.value, pairs)


# -- letters ---------------------------------------------------------------------------------------------------


@quick
@given(RECORDS, REJECTIONS, st.none() | st.just("group"))
def test_a_letter_gives_the_record_back_as_it_was(record: Record, rejection: Rejection, connector: str | None) -> None:
    letter = letter_of(written(record, rejection, connector=connector))
    assert letter.record == record
    assert (letter.reason, letter.stage, letter.message) == (rejection.reason, rejection.stage, rejection.message)
    assert (letter.member, letter.pipeline, letter.rule) == (rejection.field, rejection.pipeline, rejection.rule)
    assert (letter.replays, letter.stub) == (0, False)


@quick
@given(RECORDS, st.lists(REJECTIONS, min_size=1, max_size=4))
def test_however_often_a_letter_is_replayed_the_first_failure_stays_and_the_record_too(
    record: Record, rejections: list[Rejection]
) -> None:
    letter = letter_of(written(record, rejections[0]))
    for number, rejection in enumerate(rejections[1:], 1):
        again = replayed(letter)
        assert again is not None
        letter = letter_of(written(again, rejection))
        assert letter.record == record
        assert letter.replays == number
        assert letter.reason == rejection.reason
    first = first_failure(letter)
    assert first["reason"] == rejections[0].reason
    assert first["source.offset"] == str(record.offset)


def test_a_record_that_went_back_to_its_topic_keeps_its_first_failure_when_it_fails_at_its_new_place() -> None:
    first = Rejection(Stage.MAP, Reason.MISSING_MEMBER, "expected itemId", "itemId", "clicks", "view")
    record = replayed(letter_of(written(Record("clicks", 0, 5, NOW, b"k", b"{}"), first)))
    assert record is not None
    letter = letter_of(written(record._replace(offset=90), first._replace(reason=Reason.WRONG_TYPE)))
    assert letter.record is not None
    assert (letter.record.offset, letter.reason, letter.replays) == (90, "wrong_type", 1)
    assert (first_failure(letter)["reason"], first_failure(letter)["source.offset"]) == ("missing_member", "5")


@pytest.mark.parametrize(
    "pairs",
    [
        (),
        (("putevents.source.topic", b"clicks"),),
        (
            ("putevents.source.topic", b"clicks"),
            ("putevents.source.partition", b"-1"),
            ("putevents.source.offset", b"1"),
        ),
        (
            ("putevents.source.topic", b"clicks"),
            ("putevents.source.partition", b"0"),
            ("putevents.source.offset", b"x"),
        ),
        (("putevents.source.topic", None), ("putevents.source.partition", b"0"), ("putevents.source.offset", b"1")),
        (("__connect.errors.topic", b"clicks"),),
    ],
)
def test_a_message_without_a_usable_source_is_no_letter_of_ours(pairs: tuple[tuple[str, bytes | None], ...]) -> None:
    letter = letter_of(Record("dead", 0, 1, NOW, b"k", b"v", pairs))
    assert letter.record is None
    assert replayed(letter) is None


def test_a_count_of_replays_that_is_no_number_counts_as_none() -> None:
    message = written(Record("clicks", 0, 1, NOW, None, b"v"), Rejection(Stage.MAP, Reason.EMPTY, "m"))
    odd = message._replace(headers=(*message.headers, ("putevents.replays", b"many")))
    assert letter_of(odd).replays == 0


# -- which were replayed ---------------------------------------------------------------------------------------

SELECTIONS = st.builds(
    Selection,
    st.none() | st.sampled_from(["empty", "too_long"]),
    st.none() | st.sampled_from(["view", "orders"]),
)
LETTERS = [
    Letter(Place(0, offset), NOW, b"k", None, reason=reason, rule=rule)
    for offset, (reason, rule) in enumerate(
        [("empty", "view"), ("too_long", "view"), ("empty", "orders"), ("too_long", "orders")] * 5
    )
]


@quick
@given(st.integers(0, 5), st.lists(st.tuples(SELECTIONS, st.integers(0, 20), st.integers(0, 20)), max_size=8))
def test_marks_say_exactly_which_letters_were_replayed(base: int, steps: list[tuple[Selection, int, int]]) -> None:
    marks = Marks(base)
    done = {letter.place.offset for letter in LETTERS if letter.place.offset < base}
    for selection, begin, end in steps:
        marks = marks.with_progress(selection, begin, end)
        done |= {each.place.offset for each in LETTERS if begin <= each.place.offset < end and selection.takes(each)}
        read = Marks.of_note(marks.base, marks.note())
        assert read == marks
        assert {letter.place.offset for letter in LETTERS if read.has(letter)} == done


def test_a_note_grows_with_selections_and_not_with_letters() -> None:
    marks = Marks()
    for end in range(1, 100_000, 97):
        marks = marks.with_progress(Selection(reason="empty"), 0, end)
    assert len(marks.marks) == 1
    assert marks.fits
    for number in range(100):
        marks = marks.with_progress(Selection(rule=f"a rule with a name of its own {number}"), 0, 10)
    assert not marks.fits
    assert marks.with_progress(Selection(), 0, 100_000) == Marks(100_000)


@pytest.mark.parametrize("note", ["", None, "metadata of another program", "{}", "[1]", '[["x",1,2]]', "[[{},null,2]]"])
def test_a_note_that_is_none_of_ours_marks_nothing(note: str | None) -> None:
    assert Marks.of_note(5, note) == Marks(5)


def test_a_key_is_compared_by_all_its_bytes_and_is_not_in_the_note() -> None:
    selection = Selection(key=digest(b"user-4711"))
    letters = [LETTERS[0]._replace(key=key) for key in (b"user-4711", b"user-4711 ", b"", None)]
    assert [selection.takes(letter) for letter in letters] == [True, False, False, False]
    assert "4711" not in Marks().with_progress(selection, 0, 5).note()


def test_groups_have_first_and_last_time_and_the_largest_comes_first() -> None:
    letters = [letter._replace(written=NOW + letter.place.offset) for letter in LETTERS[:5]]
    groups = grouped([*letters, letters[0]._replace(written=None)])
    assert (groups[0].kind.reason, groups[0].kind.rule, groups[0].count) == ("empty", "view", 3)
    assert (groups[0].first, groups[0].last, groups[0].example) == (NOW, NOW + 4, Place(0, 0))
    assert sum(group.count for group in groups) == 6


# -- documents -------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@quick
@given(JSON, st.data())
def test_the_smallest_document_keeps_the_property_and_nothing_more_can_be_left_out(
    document: Any, data: st.DataObject
) -> None:
    values = [value for _, value in leaves(document)]
    if not values:
        return
    wanted = data.draw(st.sampled_from(values))

    def keeps(candidate: Any) -> bool:
        return any(type(value) is type(wanted) and value == wanted for _, value in leaves(candidate))

    found = smallest(document, keeps)
    assert keeps(found)
    assert len(list(leaves(found))) == 1


def test_the_work_for_a_smaller_document_is_bounded_and_what_is_found_keeps_the_property() -> None:
    asked = 0

    def keeps(candidate: Any) -> bool:
        nonlocal asked
        asked += 1
        return isinstance(candidate, dict) and "kept" in candidate

    found = smallest({**{f"m{number}": [number] * 9 for number in range(200)}, "kept": 1}, keeps, most=10)
    assert asked == 10
    assert keeps(found)


def test_a_value_is_put_at_its_path_and_the_document_stays_as_it_was() -> None:
    document = {"a": [{"b": 1}, 2]}
    assert put(document, ("a", 0, "b"), 5) == {"a": [{"b": 5}, 2]}
    assert document == {"a": [{"b": 1}, 2]}


@quick
@given(RECORDS)
def test_an_exported_line_is_read_as_the_same_record(record: Record) -> None:
    assert record_of(line_of(record), 1, "another") == record
