"""A group's position as a table, a line and JSON."""

import json
from typing import Any

import pytest

from connector.core.records import TopicPartition
from connector.core.sending.lag import Look, State
from connector.looking.holds import Held, holds_of
from connector.looking.standing import Group, as_json, duration, group_of, notes_on, summary, table
from connector.styles import Style

A, B, C = TopicPartition("clicks", 0), TopicPartition("clicks", 1), TopicPartition("clicks", 2)
PLAIN = Style(coloured=False)
NOW = 1_600_000_000.0


def group(**more: Any) -> Group:
    looks = {
        A: [Look(NOW - 10, 100, 0, 150), Look(NOW, 150, 0, 150)],
        B: [Look(NOW - 10, 100, 0, 500), Look(NOW, 200, 0, 520)],
        C: [Look(NOW - 10, 100, 0, 500), Look(NOW, 110, 0, 600)],
    }
    oldest = {B: int((NOW - 75.5) * 1000), C: None}
    return group_of("g", "earliest", looks, oldest, **{"members": True, **more})


def test_the_worst_partition_comes_first_and_gives_the_state() -> None:
    found = group()
    assert [(row.name, row.state) for row in found.rows] == [
        ("clicks-2", State.FALLING_BEHIND),
        ("clicks-1", State.CATCHING_UP),
        ("clicks-0", State.OK),
    ]
    assert found.state is State.FALLING_BEHIND
    assert (found.lag, found.seconds, found.caught_up_in) == (810, 75.5, None)


def test_the_table_says_how_far_behind_each_is_and_when_it_has_caught_up() -> None:
    assert table(group(notes=("a note",)), PLAIN, 120) == (
        "group g: falling behind, 810 records to read, 1 min 16 s behind, never caught up at this rate\n"
        "\n"
        "partition  state               records       behind       read/s    written/s caught up in\n"
        "clicks-2   falling behind          490      unknown          1.0         10.0        never\n"
        "clicks-1   catching up             320   1 min 16 s         10.0          2.0         40 s\n"
        "clicks-0   ok                        0          0 s          5.0          0.0          0 s\n"
        "\n"
        "a note\n"
    )


def test_of_many_partitions_the_worst_are_shown_where_there_is_room_for_few() -> None:
    shown = table(group(), PLAIN, 120, 6)
    assert "clicks-2" in shown
    assert "clicks-1" not in shown
    assert "… 2 more partitions, none of them worse" in shown


def test_one_line_is_enough_for_a_log() -> None:
    assert summary(group(members=False)).startswith("group g: stopped, 810 records to read")
    done = group_of("g", "earliest", {A: [Look(0.0, 9, 0, 9), Look(1.0, 9, 0, 9)]}, {}, members=False)
    assert summary(done) == "group g: ok, 0 records to read"
    assert summary(group_of("g", "earliest", {}, {}, members=False)) == "group g: ok, 0 records to read"


def test_colours_are_for_terminals() -> None:
    assert "\x1b[31mfalling behind" in table(group(), Style(coloured=True), 120)
    assert "\x1b" not in table(group(), PLAIN, 120)


def test_json_has_seconds_and_nulls() -> None:
    found = json.loads(json.dumps(as_json(group())))
    assert (found["state"], found["lag_records"], found["lag_seconds"]) == ("falling behind", 810, 75.5)
    assert found["caught_up_in_seconds"] is None
    assert found["partitions"][1] == {
        "topic": "clicks",
        "partition": 1,
        "committed": 200,
        "begin": 0,
        "end": 520,
        "deleted": 0,
        "state": "catching up",
        "lag_records": 320,
        "lag_seconds": 75.5,
        "read_per_second": 10.0,
        "written_per_second": 2.0,
        "caught_up_in_seconds": 40.0,
        "notes": [],
    }


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (Look(0.0, None, 0, 9), "no offset is committed: reading starts at the oldest record"),
        (Look(0.0, 2, 5, 9), "3 offsets were deleted before they were read, by retention"),
        (Look(0.0, 12, 5, 9), "the committed offset is 3 beyond the end"),
        (Look(0.0, 7, 5, 9, empty=True), "the last 2 offsets hold no record"),
    ],
)
def test_what_a_number_does_not_say_is_a_note(look: Look, words: str) -> None:
    [note] = notes_on(look, "earliest")
    assert note.startswith(words)


@pytest.mark.parametrize("look", [Look(0.0, None, 9, 9), Look(0.0, 7, 5, 9), Look(0.0, 9, 5, 9)])
def test_nothing_is_noted_where_there_is_nothing_to_say(look: Look) -> None:
    assert not list(notes_on(look, "latest"))


def test_without_an_offset_the_reset_decides_and_is_named() -> None:
    look = Look(0.0, None, 0, 9)
    assert "never read (kafka.auto_offset_reset: latest)" in next(notes_on(look, "latest"))
    assert "exit code 77 (kafka.auto_offset_reset: error)" in next(notes_on(look, "error"))


def test_a_note_is_as_wide_as_the_terminal() -> None:
    looks = {A: [Look(0.0, None, 0, 9)] * 2}
    shown = table(group_of("g", "earliest", looks, {}, members=False), PLAIN, 60)
    assert "no offset is committed" in shown
    assert all(len(line) < 60 for line in shown.partition("\n\n")[2].partition("\n\n")[2].splitlines())


def test_one_note_of_many_partitions_is_said_once() -> None:
    looks = {TopicPartition("clicks", number): [Look(0.0, None, 0, 9)] * 2 for number in range(12)}
    shown = table(group_of("g", "earliest", looks, {}, members=False), PLAIN, 120)
    assert shown.count("no offset is committed") == 1
    assert "\nclicks-0, clicks-1, clicks-2 and 9 more: no offset is committed" in shown


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "unknown"), (0.0, "0 s"), (1.24, "1.2 s"), (42.4, "42 s"), (61.0, "1 min 1 s"), (3725.0, "1 h 2 min"),
        (90_000.0, "1 d 1 h"),
    ],
)  # fmt: skip
def test_durations_have_two_units(seconds: float | None, expected: str) -> None:
    assert duration(seconds) == expected


# -- pipelines that are held ------------------------------------------------------------------------------------

WHY = "held=931add61:missing_member:view:properties.a%20b"
OWNERS = {"clicks": "web", "orders": "shop"}


def note(since: int | None = None, why: str = WHY) -> str:
    return f"flood1 100 map=0000000a {why}" + ("" if since is None else f" since={since}")


def test_a_held_pipeline_is_named_with_the_first_such_record_of_each_partition() -> None:
    held = holds_of({B: note(7), A: note(5), C: note()}, OWNERS.get)
    assert held == (Held("web", "missing_member", "view", "properties.a b", ("clicks-0@5", "clicks-1@7")),)
    found = group(held=held)
    line = "pipeline web is held: missing_member in rule view, member properties.a b, since clicks-0@5, clicks-1@7"
    assert f"\n\n{line}\n" in table(found, PLAIN, 120)
    assert summary(found).endswith("; pipeline web is held")
    assert as_json(found)["held_pipelines"] == [
        {
            "pipeline": "web",
            "reason": "missing_member",
            "rule": "view",
            "member": "properties.a b",
            "since": "clicks-0@5, clicks-1@7",
        }
    ]


def test_of_many_partitions_a_few_are_named_and_what_is_not_known_is_left_out() -> None:
    notes = {TopicPartition("clicks", number): note(number) for number in range(10)}
    [held] = holds_of(notes, OWNERS.get)
    assert str(held).endswith("since clicks-0@0, clicks-1@1, clicks-2@2 and 7 more")
    [bare] = holds_of({A: note(why="held=931add61:not_json::")}, OWNERS.get)
    assert str(bare) == "pipeline web is held: not_json"
    assert bare.as_json()["rule"] is None


@pytest.mark.parametrize("text", ["", "of another program", "flood1 100", note(why="held=931add61"), "flood1 9 held="])
def test_a_note_that_names_no_hold_names_none(text: str) -> None:
    assert holds_of({A: text}, OWNERS.get) == ()


def test_a_topic_that_no_pipeline_reads_any_more_names_none() -> None:
    assert holds_of({TopicPartition("old", 0): note(1)}, OWNERS.get) == ()


def test_a_name_that_somebody_else_wrote_beside_an_offset_does_nothing_to_a_terminal() -> None:
    [held] = holds_of({A: note(why="held=931add61:not_json:%1B%5B2J:")}, OWNERS.get)
    assert held.rule == "�[2J"
