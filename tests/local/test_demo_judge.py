"""The demonstration's judge: content with what is right, and not with anything else."""

import io
from collections import Counter
from collections.abc import Callable

import pytest

from connector.local.demo.catalogue import ITEMS, USERS, rows
from connector.local.demo.clickstream import clickstream
from connector.local.demo.judge import Seen, judge, latencies, percentile
from connector.local.demo.report import Figures, Screen, final_page
from connector.local.demo.traffic import Accepted, Kept, Letter, Sent

CLICKS = clickstream(2_000, 7, 1_795_500_000.0)
ROWS = rows(400, 7)
ROW_ENDS = {(ITEMS, 0): ROWS.count(ITEMS), (USERS, 0): ROWS.count(USERS)}


def _sent() -> Sent:
    places = {(number % 3, number // 3): number for number in range(len(CLICKS))}
    return Sent(CLICKS, [1_795_503_600_000 + number for number in range(len(CLICKS))], places, ROWS, ROW_ENDS)


def _as_it_should_be() -> Seen:
    accepted = [
        Accepted(1_795_503_601.0 + number / 1000, click.fate.session, click.fate.user, event_id)
        for number, click in enumerate(CLICKS)
        for event_id in click.fate.event_ids
    ]
    letters = [
        Letter((number % 3, number // 3), click.fate.why, "a message", click.key, click.value)
        for number, click in enumerate(CLICKS)
        if click.fate.outcome == "dead_lettered"
    ]
    counts: dict[str, int] = dict(Counter(click.fate.outcome for click in CLICKS))
    counts["consumed"] = len(CLICKS)
    kept = {topic: Kept(ROWS.newest[topic], 4) for topic in (ITEMS, USERS)}
    changes = len(ROWS.changes)
    told = {"consumed": changes, "skipped": ROWS.skipped, "delivered": 40, "superseded": changes - ROWS.skipped - 40}
    return Seen(accepted, letters, _sent().ends(), counts, 0, kept, told, ROW_ENDS)


def _first_item(seen: Seen, entry: dict[str, object] | None) -> Seen:
    state = dict(seen.kept[ITEMS].state)
    name = next(iter(state))
    if entry is None:
        del state[name]
    else:
        state[name] = entry
    return seen._replace(kept={**seen.kept, ITEMS: Kept(state, 4)})


def _two_of_one_session(seen: Seen) -> tuple[int, int]:
    first: dict[str, int] = {}
    for number, event in enumerate(seen.accepted):
        if event.session in first:
            return first[event.session], number
        first[event.session] = number
    raise AssertionError


def _swapped(seen: Seen) -> Seen:
    one, other = _two_of_one_session(seen)
    events = list(seen.accepted)
    events[one], events[other] = events[other], events[one]
    return seen._replace(accepted=events)


def _first_letter(seen: Seen, letter: Letter) -> Seen:
    return seen._replace(letters=[letter, *seen.letters[1:]])


Defect = Callable[[Seen], Seen]
DEFECTS: dict[str, tuple[Defect, str]] = {
    "an event is lost": (lambda seen: seen._replace(accepted=seen.accepted[1:]), "never accepted"),
    "an event is invented": (
        lambda seen: seen._replace(accepted=[*seen.accepted, Accepted(0.0, "s", None, "e")]),
        "was not expected",
    ),
    "another user": (
        lambda seen: seen._replace(accepted=[seen.accepted[0]._replace(user="x"), *seen.accepted[1:]]),
        "as another user",
    ),
    "another session": (
        lambda seen: seen._replace(accepted=[seen.accepted[0]._replace(session="x"), *seen.accepted[1:]]),
        "in another session",
    ),
    "two of a session swapped": (_swapped, "session "),
    "a dead letter is lost": (lambda seen: seen._replace(letters=seen.letters[1:]), "is missing"),
    "a valid record in the dead letters": (
        lambda seen: seen._replace(letters=[*seen.letters, Letter((0, 0), "not_json", "", b"", b"")]),
        "is valid, but has a dead letter",
    ),
    "another reason": (lambda seen: _first_letter(seen, seen.letters[0]._replace(reason="unmatched")), "expected "),
    "a changed dead letter": (lambda seen: _first_letter(seen, seen.letters[0]._replace(value=b"{")), "another key or"),
    "an offset is not committed": (
        lambda seen: seen._replace(committed={**seen.committed, 1: seen.committed[1] - 1}),
        "partition 1",
    ),
    "a record is not counted": (
        lambda seen: seen._replace(counts={**seen.counts, "filtered": seen.counts["filtered"] - 1}),
        "filtered",
    ),
    "an item is lost": (lambda seen: _first_item(seen, None), "is not its newest version"),
    "an item is an older version": (lambda seen: _first_item(seen, {"itemId": "x"}), "is not its newest version"),
    "an item that is none": (
        lambda seen: seen._replace(kept={**seen.kept, USERS: Kept({**seen.kept[USERS].state, "x": {}}, 4)}),
        "user x was not expected",
    ),
    "a change is not counted": (
        lambda seen: seen._replace(row_counts={**seen.row_counts, "superseded": 0}),
        "delivered or superseded",
    ),
    "an offset of the catalogue is not committed": (
        lambda seen: seen._replace(committed_rows={**seen.committed_rows, (ITEMS, 0): 1}),
        ITEMS,
    ),
    "a wrong exit code": (lambda seen: seen._replace(exit_code=77), "exit code 77"),
    "no exit": (lambda seen: seen._replace(exit_code=None), "did not end"),
}


def test_all_checks_hold_where_all_is_as_it_should_be() -> None:
    assert all(check.holds for check in judge(_sent(), _as_it_should_be()))


def test_an_event_that_comes_twice_is_harmless() -> None:
    seen = _as_it_should_be()
    again = seen._replace(accepted=[*seen.accepted, *seen.accepted[:50]], letters=[*seen.letters, seen.letters[0]])
    assert all(check.holds for check in judge(_sent(), again))


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found_and_named(name: str) -> None:
    defect, word = DEFECTS[name]
    wrong = [check for check in judge(_sent(), defect(_as_it_should_be())) if not check.holds]
    assert wrong
    assert any(word in text for check in wrong for text in check.wrong)


def test_latency_is_from_the_kafka_timestamp_to_the_first_acceptance() -> None:
    seen = _as_it_should_be()
    assert latencies(_sent(), [*seen.accepted, *seen.accepted[:5]]) == pytest.approx([1.0] * len(seen.accepted))


def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99)] == [50.0, 95.0, 99.0]
    assert percentile([3.0], 0.99) == 3.0


def _page(seen: Seen) -> str:
    sent = _sent()
    events = len(seen.accepted)
    stats = {"events": events, "accepted_calls": 100, "calls": {"200": 100, "400": 5}, "duplicates": 0}
    figures = Figures(sent, seen, judge(sent, seen), stats, 4.0, 9.0, 1.0, "clicks.dead-letter")
    return "\n".join(final_page(figures, Screen(io.StringIO(), {})))


def test_the_page_is_plain_ascii_and_names_every_reason() -> None:
    page = _page(_as_it_should_be())
    assert page.isascii()
    assert "\033" not in page
    assert "Nothing was lost" in page
    assert all(letter.reason in page for letter in _as_it_should_be().letters)


def test_the_page_says_loudly_what_is_wrong() -> None:
    page = _page(DEFECTS["an event is lost"][0](_as_it_should_be()))
    assert "Some checks failed" in page
    assert "WRONG" in page
    assert "was never accepted" in page


def test_nothing_at_all_still_makes_a_page() -> None:
    assert "was never accepted" in _page(Seen([], [], {}, {}, None, {}, {}, {}))
