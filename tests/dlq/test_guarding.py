"""Which letters are older than what was delivered, and what is done with them."""

from __future__ import annotations

from typing import Any

import pytest

from connector.cli import dlq_outcomes
from connector.core.operations import PUT_EVENTS, PUT_ITEMS
from connector.core.records import Entry, Reason, Rejection, Stage, Transformed
from connector.dlq.guarding import MIXED, SUPERSEDED, UNKNOWN, Guard, guard_of
from connector.dlq.letters import Letter, Place
from connector.dlq.marks import Marks
from connector.dlq.newer import Newer
from connector.dlq.replaying import Replay
from connector.dlq.selection import Selection
from connector.dlq.trying import Tried, Version

SOURCE = ("items", 0)
A, B = ("put_items", "arn", "a"), ("put_items", "arn", "b")
WRONG = Rejection(Stage.MAP, Reason.MISSING_MEMBER, "m", "itemId")


def version(*sessions: Any, offset: int = 5, alone: bool = True) -> Version:
    return Version(Place(0, 3), SOURCE, offset, frozenset(sessions), alone)


def newer(known: int | None = 0, **newest: int) -> Newer:
    found = {("put_items", "arn", name): offset for name, offset in newest.items()}
    return Newer(newest={SOURCE: found}, known={} if known is None else {SOURCE: known})


def guard(each: Version, found: Newer | None, *, to_topic: bool = False, allow: bool = False) -> Guard:
    return guard_of([each], found, to_topic=to_topic, allow_unknown=allow)


def entry(name: str, operation: Any = PUT_ITEMS) -> Entry:
    return Entry("arn", name, None, b"{}", None, operation)


def letter() -> Letter:
    return Letter(Place(0, 3), None, None, None)


def test_a_letter_is_superseded_by_a_later_record_of_its_id_only() -> None:
    assert guard(version(A), newer(a=6)).done == 1
    assert guard(version(A), newer(a=5)) == Guard()
    assert guard(version(A), newer(b=9)) == Guard()
    assert guard(version(A), newer(None, a=6)).done == 1, "what was found is known, however little was looked at"


@pytest.mark.parametrize("found", [None, newer(None), newer(7)], ids=["no look", "not to the end", "deleted"])
def test_where_it_is_not_known_the_letter_is_left_unless_that_is_allowed(found: Newer | None) -> None:
    assert guard(version(A), found).left == {Place(0, 3): UNKNOWN}
    assert guard(version(A), found, allow=True) == Guard()


def test_what_is_deleted_up_to_the_record_itself_hides_nothing() -> None:
    assert guard(version(A, offset=5), newer(6)) == Guard()


def test_what_is_known_to_be_older_is_not_sent_even_where_older_ones_are_allowed() -> None:
    assert guard(version(A), newer(None, a=6), allow=True).done == 1


def test_of_a_letter_with_several_ids_only_those_are_sent_that_have_no_newer_version() -> None:
    found = guard(version(A, B), newer(a=6))
    fate = Transformed("p", "r", (entry("a"), entry("b"), entry("a", PUT_EVENTS)))
    sent = found.sent(letter(), fate)
    assert isinstance(sent, Transformed)
    assert [(each.lane, each.operation) for each in sent.entries] == [("b", PUT_ITEMS), ("a", PUT_EVENTS)]
    assert found.done == 0
    assert guard(version(A, B), newer(a=6), to_topic=True).left == {Place(0, 3): MIXED}, "a record returns whole"


def test_a_letter_of_which_nothing_is_left_is_superseded_or_fails_again() -> None:
    found = guard(version(A), newer(a=6))
    assert found.sent(letter(), Transformed("p", "r", (entry("a"),))) is SUPERSEDED
    assert found.sent(letter(), Transformed("p", "r", (entry("a"),), WRONG)) is WRONG
    assert found.sent(letter(), WRONG) is WRONG
    assert Guard().sent(letter(), WRONG) is WRONG


@pytest.mark.parametrize("selection", [Selection(), Selection(rule="r")])
def test_letters_that_are_left_are_not_noted_as_done_and_the_next_replay_fills_the_gaps(selection: Selection) -> None:
    def done(marks: Marks) -> list[int]:
        return [offset for offset in range(8) if marks.has(Letter(Place(0, offset), None, None, None, rule="r"))]

    left = Guard(left={Place(0, 2): UNKNOWN, Place(0, 5): UNKNOWN, Place(1, 3): UNKNOWN})
    marks = Marks()
    for end in range(9):  # as the commits of one replay go on
        marks = left.progress(marks, selection, 0, 0, end)
    assert done(marks) == [0, 1, 3, 4, 6, 7]
    assert done(Marks.of_note(marks.base, marks.note())) == [0, 1, 3, 4, 6, 7]
    after = Guard().progress(marks, selection, 0, 0, 8)
    assert done(after) == list(range(8))
    assert len(after.marks) <= 1


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "nobody looked: give --look; --allow-older"),
        (Newer(trouble="no broker"), "no broker; --allow-older"),
        (Newer(not_looked_at=2), "2 records of the source not looked at: raise --look; --allow-older"),
        (Newer(deleted=True), "records of that time are deleted"),
    ],
)
def test_it_is_said_how_many_are_left_and_why(found: Newer | None, why: str) -> None:
    ended = Replay(taken=4, superseded=3, left={UNKNOWN: [letter()]})
    text = dlq_outcomes.replayed_text(ended, "putevents", 3, found)
    assert "3 superseded, not sent" in text
    assert "1 left: not known whether newer versions" in text
    assert why in text
    tried = dlq_outcomes.tried_text(Tried(), found, [], "putevents", 3, Guard({}, {Place(0, 3): UNKNOWN}, 2))
    assert "of these 2 superseded" in tried
    assert "of these 1 left: not known" in tried
    assert why in tried
