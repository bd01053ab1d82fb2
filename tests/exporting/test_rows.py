"""An event becomes a row with what PutEvents would have sent, or is counted as left out."""

import json
from pathlib import Path

import orjson
import pytest

from connector.core.records import Transformed
from connector.exporting import spill
from tests.exporting.exports import RULE, TIME, WITH_ID, Exported, event, records


def test_a_row_has_the_ids_and_times_that_putevents_would_have_sent(tmp_path: Path) -> None:
    values = [
        event("s1", "u1", "i1", price=12.5, rec="r-1", source="mail", seen=["i1", "i2"], more={"numRatings": 3}),
        event("s2", "u2", "i2", time=TIME + 5.9),
    ]
    exported = Exported(tmp_path).read(values)
    rows = exported.dicts()
    router = exported.reading._transform
    for row, record in zip(rows, records(values), strict=True):
        fate = router(record, TIME + 1000.0)
        assert isinstance(fate, Transformed)
        [entry] = fate.entries
        sent = orjson.loads(entry.body)
        assert (row["USER_ID"], row["ITEM_ID"], row["EVENT_TYPE"]) == (entry.user_id, sent["itemId"], sent["eventType"])
        assert int(row["TIMESTAMP"]) == sent["sentAt"]
        assert row["EVENT_VALUE"] == ("" if "eventValue" not in sent else str(sent["eventValue"]))
        assert row["IMPRESSION"] == "|".join(sent.get("impression", []))
        assert row["RECOMMENDATION_ID"] == sent.get("recommendationId", "")
        assert row["EVENT_ATTRIBUTION_SOURCE"] == sent.get("metricAttribution", {}).get("eventAttributionSource", "")
    assert [row["NUM_RATINGS"] for row in rows] == ["3", ""]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("a,b", "a,b"),
        ('say "hi"', 'say "hi"'),
        ("two\nlines\r\nor three", "two lines or three"),
        ("a|b", "a|b"),
        ("back\\slash", "back\\slash"),
        ("\u2028", " "),
        ("naïve 世界", "naïve 世界"),
        (True, "true"),
        (7, "7"),
        (0.1, "0.1"),
        (["a", "b"], "a|b"),
        (["a|b", "c"], '["a|b","c"]'),
        ({"a": 1}, '{"a":1}'),
        (" padded ", " padded "),
    ],
)
def test_any_value_is_one_cell_of_one_line(tmp_path: Path, value: object, cell: str) -> None:
    exported = Exported(tmp_path).read([event(more={"label": value, "after": "x"})])
    [row] = exported.dicts()
    assert (row["LABEL"], row["AFTER"]) == (cell, "x")
    assert exported.paths[0].read_bytes().count(b"\n") == 2


def test_ids_with_commas_and_quotes_come_back_as_they_were(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event("s", 'u,"1"', "i,1"), event("t", None, 'a"b'), event("t", 'v,"2"')])
    assert sorted(row[:2] for row in exported.finish()) == [['u,"1"', "i,1"], ['v,"2"', 'a"b'], ['v,"2"', "i"]]


def test_an_impression_with_a_bar_in_an_id_is_left_empty_and_counted(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event(seen=["a|b", "c"]), event(seen=["a", "b"])])
    assert [row["IMPRESSION"] for row in exported.dicts()] == ["", "a|b"]
    assert exported.left_out == {"impression": 1}


def test_events_without_an_item_are_left_out_and_counted_and_make_no_column(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event(item=None, more={"page": "home"}), event()])
    assert len(exported.finish()) == 1
    assert exported.left_out == {"no_item": 1}
    assert "PAGE" not in exported.header


def test_an_event_before_the_login_gets_the_user_who_logged_in_first_afterwards(tmp_path: Path) -> None:
    values = [
        event("s", None, "before", time=TIME),
        event("s", "u1", "login", time=TIME + 10),
        event("s", None, "between", time=TIME + 15),
        event("s", "u2", "second", time=TIME + 20),
        event("s", None, "after", time=TIME + 25),
        event("other", None, "nobody", time=TIME),
    ]
    exported = Exported(tmp_path).read(values)
    found = {row["ITEM_ID"]: row["USER_ID"] for row in exported.dicts()}
    assert found == {"before": "u1", "login": "u1", "between": "u2", "second": "u2"}
    assert exported.left_out == {"no_user": 2}


def test_a_login_event_without_an_item_is_a_login(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event("s", None, "seen"), event("s", "u1", None, type="Login", time=TIME + 1)])
    assert [row[:2] for row in exported.finish()] == [["u1", "seen"]]


def test_of_events_with_one_id_the_first_is_the_row(tmp_path: Path) -> None:
    values = [event(id="e1", item="first"), event(id="e2", item="other"), event(id="e1", item="second")]
    exported = Exported(tmp_path, WITH_ID).read(values)
    assert sorted(row[1] for row in exported.finish()) == ["first", "other"]
    assert exported.left_out == {"repeat": 1}


def test_events_without_an_id_of_their_own_are_no_repeats(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event(id="e1"), event(id="e1")])
    assert len(exported.finish()) == 2


def test_a_repeat_before_the_login_is_one_row_with_its_user(tmp_path: Path) -> None:
    values = [event("s", None, id="e1"), event("s", None, id="e1"), event("s", "u1", id="e2", time=TIME + 1)]
    exported = Exported(tmp_path, WITH_ID).read(values)
    assert [row[0] for row in exported.finish()] == ["u1", "u1"]
    assert exported.left_out == {"repeat": 1}


def test_rows_from_before_a_column_came_have_an_empty_cell_for_it(tmp_path: Path) -> None:
    values = [event("s", None, more={"a": 1}), event("t"), event("t", more={"b": 2}), event("s", more={"c": 3, "a": 4})]
    exported = Exported(tmp_path).read(values)
    rows = exported.finish()
    assert {len(row) for row in rows} == {len(exported.header)}
    assert sorted(row[4:] for row in rows) == [["", "", ""], ["", "2", ""], ["1", "", ""], ["4", "", "3"]]


def test_entries_for_another_tracking_id_are_left_out_and_counted(tmp_path: Path) -> None:
    rule = RULE.replace("{sessionId", "{trackingId: value.tracker, sessionId")
    exported = Exported(tmp_path, rule).read([event(), event(tracker="tracker-2"), event(tracker="tracker-1")])
    assert len(exported.finish()) == 2
    assert exported.left_out == {"other_target": 1}


def test_max_age_keeps_no_history_out_of_the_files(tmp_path: Path) -> None:
    exported = Exported(tmp_path, settings="max_age: 1h, late: skip,").read([event(time=1_000_000_000)])
    assert [row[2] for row in exported.finish()] == ["1000000000"]


def test_what_becomes_of_records_is_counted_by_reason_and_never_by_value(tmp_path: Path) -> None:
    rules = f"{{name: bots, when: value.bot, skip: bot}}, {RULE}"
    values: list[dict[str, object] | bytes] = [b"{", {"bot": True}, event("s", "u" * 300), event(), event(session="")]
    fates = Exported(tmp_path, rules).read(values).reading.fates
    assert fates.mapped == 1
    assert fates.skipped == {("bot", "bots"): 1}
    assert fates.rejected == {
        ("not_json", "", "value"): 1,
        ("too_long", "view", "userId"): 1,
        ("missing_member", "view", "sessionId"): 1,
    }


@pytest.mark.parametrize("large", [spill.LARGE, 400])
def test_rows_are_the_same_however_often_large_files_are_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    monkeypatch.setattr(spill, "LARGE", large)
    values = [
        event(f"s{n % 40}", None if n % 3 else f"u{n % 40}", f"i{n}", id=f"e{n % 250}", time=TIME + n)
        for n in range(600)
    ]
    exported = Exported(tmp_path, WITH_ID).read(values)
    found = {tuple(row) for row in exported.finish()}
    assert found == expected(values)
    assert len(found) == exported.parts.rows
    assert sum(exported.left_out.values()) + len(found) == 600
    assert not list(exported.work.glob("*.[0-9][0-9].rows")), "parts of divided files are gone"


def expected(values: list[dict[str, object]]) -> set[tuple[str, ...]]:
    """The same by a walk over all of them: of each id the first that has a user, or finds one."""
    found: dict[object, tuple[str, ...]] = {}
    for number, value in enumerate(values):
        users = [each["user"] for each in values[number:] if each["session"] == value["session"] and each["user"]]
        if users:
            found.setdefault(value["id"], row(value, users[0]))
    return set(found.values())


def row(value: dict[str, object], user: object) -> tuple[str, ...]:
    return str(user), str(value["item"]), str(value["time"]), "View"


def test_files_stay_below_the_size_and_no_row_is_cut(tmp_path: Path) -> None:
    values = [event(item=f"item-{number}", more={"text": "x" * (number % 50)}) for number in range(2_000)]
    exported = Exported(tmp_path).read(values)
    assert len(exported.finish(10_000)) == 2_000
    assert len(exported.paths) > 5
    assert max(path.stat().st_size for path in exported.paths) <= 10_000
    assert exported.parts.bytes == sum(path.stat().st_size for path in exported.paths)


def test_a_row_that_alone_is_longer_has_a_file_of_its_own(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event(), event(more={"text": "x" * 900}), event()])
    assert len(exported.finish(200)) == 3
    assert len(exported.paths) == 3


def test_an_export_of_nothing_is_a_file_with_its_header(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([])
    assert exported.finish() == []
    assert exported.paths[0].read_text() == "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"


def test_only_the_owner_may_read_the_files(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event()])
    exported.finish()
    assert exported.paths[0].stat().st_mode & 0o777 == 0o600


def test_numbers_of_one_value_but_different_types_keep_their_text(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event(more={"n": each}) for each in (1, 1.0, True, 1, "1")])
    assert [json.loads(row["N"]) for row in exported.dicts()] == [1, 1.0, True, 1, 1]
    assert [row["N"] for row in exported.dicts()] == ["1", "1.0", "true", "1", "1"]
