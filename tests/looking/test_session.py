"""A tap of records: what is shown, what is counted, and that nothing of a person is in it unless it is asked for."""

import io
import json
from typing import Any

import pytest

from connector.config import Loaded
from connector.core.records import Record, TopicPartition
from connector.looking.session import Filter, Session
from connector.looking.window import Partition, Window
from connector.schema_wait import SchemaWait
from connector.styles import Style, columns_of, is_coloured
from tests.support.config_files import build, loaded

PIPELINES = """\
    pipelines:
      - name: web
        topics: [clicks]
        unmatched: skip
        rules:
          - {name: bots, when: value.bot, skip: bot}
          - {name: never, when: value.event == 'Never', skip: never}
          - name: order
            when: value.event == 'Order'
            for_each: value.products
            put_events: {sessionId: value.session, eventType: value.kind, itemId: item.id}
          - name: view
            when: value.event == 'View' && value.price > `0`
            put_events:
              sessionId: value.session
              userId: value.user
              eventType: {const: View}
              eventValue: value.price
              properties: {category: value.category}
"""
PLACE = TopicPartition("clicks", 0)


def config() -> Loaded:
    return loaded(build(pipelines=PIPELINES))


def window(end: int = 100) -> Window:
    return Window({PLACE: Partition(0, end, from_beginning=True, to_end=True)})


def session(*, values: bool = False, as_json: bool = False, **more: Any) -> Session:
    chosen = Filter(*(more.pop(name, None) for name in ("outcome", "rule", "reason")))
    return Session(config(), None, SchemaWait(None), window(), chosen, values=values, as_json=as_json, **more)


def record(value: Any, offset: int = 0, **more: Any) -> Record:
    raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return Record(
        "clicks", 0, offset, more.pop("timestamp", 1_600_000_000_000 + offset * 1000), b"jane-key", raw, **more
    )


VIEW = {"event": "View", "session": "jane-session", "user": "jane-user", "price": 12.5, "category": "jane-shoes"}
ORDER = {"event": "Order", "kind": "jane-type", "session": "jane-s", "products": [{"id": "p1"}, {"id": None}, {}]}
RECORDS = [
    record(VIEW, 0, headers=(("trace", b"jane-trace"),)),
    record({**VIEW, "session": None}, 1),
    record({**VIEW, "user": None}, 2),
    record(ORDER, 3),
    record({"bot": True, "name": "jane"}, 4),
    record({"event": "jane-event"}, 5),
    record(None, 6),
    record(b"jane {", 7),
    record({**VIEW, "price": "jane"}, 8),
]
OUTCOMES = ["mapped", "dead_letter", "mapped", "mapped", "skipped", "filtered", "skipped", "dead_letter", "filtered"]


def test_by_default_nothing_of_a_record_is_shown() -> None:
    for as_json in (False, True):
        tap = session(as_json=as_json)
        shown = "".join(tap.add(each) for each in RECORDS) + tap.ended()
        assert "jane" not in shown
        assert "12.5" not in shown


def test_values_are_shown_where_they_are_asked_for() -> None:
    for as_json in (False, True):
        shown = session(values=True, as_json=as_json).add(RECORDS[0])
        assert all(
            word in shown for word in ("jane-session", "jane-user", "jane-key", "jane-trace", "12.5", "jane-shoes")
        )


def test_record_and_result_stand_side_by_side() -> None:
    assert session().add(RECORDS[0]) == (
        "clicks-0@0  2020-09-13 12:26:40Z  mapped  pipeline web, rule view\n"
        "  key          bytes(8)   sessionId           text(12)\n"
        "  header trace bytes(10)  userId              text(9)\n"
        "  event        text(4)    eventType           View\n"
        "  session      text(12)   eventId             text(19)\n"
        "  user         text(9)    eventValue          number(4)\n"
        "  price        number(4)  properties.category text(10)\n"
        "  category     text(10)   sentAt              number(10)\n"
        "\n"
    )


def test_what_is_wrong_names_member_and_rule() -> None:
    shown = session().add(RECORDS[1])
    assert "dead letter  pipeline web, rule view" in shown
    assert "missing_member: pipeline web, rule view" in shown
    assert "sessionId" in shown


@pytest.mark.parametrize("number", range(len(RECORDS)))
def test_outcomes_are_those_of_the_dry_run_as_json(number: int) -> None:
    shown = json.loads(session(as_json=True).add(RECORDS[number]))
    assert shown["outcome"] == OUTCOMES[number]
    assert (shown["topic"], shown["partition"], shown["offset"]) == ("clicks", 0, number)
    assert shown["pipeline"] == "web"


def test_a_result_as_json_is_what_map_says_with_masks() -> None:
    shown = json.loads(session(as_json=True).add(RECORDS[0]))
    assert shown["calls"] == [
        {
            "trackingId": "text(9)",
            "sessionId": "text(12)",
            "userId": "text(9)",
            "eventList": [
                {
                    "eventType": "View",
                    "eventId": "text(19)",
                    "eventValue": "number(4)",
                    "properties": "text(25)",
                    "sentAt": "number(10)",
                }
            ],
        }
    ]
    assert shown["value"]["event"] == "text(4)"
    assert shown["headers"] == {"trace": "bytes(10)"}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, list(range(9))),
        ({"outcome": "dead_letter"}, [1, 7]),
        ({"outcome": "skipped"}, [4, 6]),
        ({"rule": "view"}, [0, 1, 2]),
        ({"reason": "bot"}, [4]),
        ({"reason": "missing_member", "rule": "view"}, [1]),
        ({"sample": 4}, [0, 4, 8]),
    ],
)
def test_filters_choose_what_is_shown_and_all_is_counted(chosen: dict[str, Any], expected: list[int]) -> None:
    tap = session(as_json=True, **chosen)
    assert [number for number, each in enumerate(RECORDS) if tap.add(each)] == expected
    assert tap.shown == len(expected)
    assert tap.counts.records == len(RECORDS)


def summary() -> dict[str, Any]:
    tap = session(as_json=True)
    for each in RECORDS:
        tap.add(each)
    found: dict[str, Any] = json.loads(tap.ended())["summary"]
    return found


def test_the_summary_counts_rules_members_reasons_types_and_calls() -> None:
    found = summary()
    assert found["records"] == 9
    assert found["outcomes"] == {"mapped": 3, "dead_letter": 2, "skipped": 2, "filtered": 2}
    assert {each["rule"]: each["records"] for each in found["rules"]} == {"bots": 1, "never": 0, "order": 1, "view": 3}
    assert found["failed_conditions"] == [{"pipeline": "web", "rule": "view", "records": 1}]
    members = {(each["rule"], each["member"]): each for each in found["members"]}
    assert (members["view", "userId"]["value"], members["view", "userId"]["null"]) == (1, 1)
    assert (members["view", "sessionId"]["value"], members["view", "sessionId"]["null"]) == (2, 1)
    assert members["order", "itemId"] == {
        "pipeline": "web", "rule": "order", "member": "itemId", "value": 1, "null": 2, "invalid": 0,
    }  # fmt: skip
    assert {(each["reason"], each["member"]) for each in found["invalid"]} == {
        ("missing_member", "sessionId"),
        ("not_json", "value"),
    }
    assert {each["reason"] for each in found["skipped"]} == {"bot", "tombstone"}
    assert found["event_types"] == {"View": 2, "(1 not named in the file)": 3}
    assert found["columns"] == {"EVENT_VALUE": 2, "category": 2}
    [calls] = found["calls"]
    assert (calls["calls"], calls["events"], calls["sessions"], calls["seconds"]) == (3, 5, 2, 8.0)
    assert calls["calls_per_second"] == 3 / 8


def test_the_table_has_the_same_numbers() -> None:
    tap = session()
    for each in RECORDS:
        tap.add(each)
    shown = tap.ended()
    assert shown.startswith("9 records read: 3 mapped, 2 dead letters, 2 skipped, 2 filtered\n")
    for line in (
        "  web / never           0        0.0%",
        "  missing_member  web / view: sessionId           1",
        "  0.38 calls a second needed, of 1,000 (0.0%)",
        "  2 sessions, 2.5 events each; 1.7 events a call, of 10",
        "2 event types, EVENT_TYPE and 2 other columns: 5 of 10; 1 of 5 columns of your own",
    ):
        assert f"{line}\n" in shown


def test_a_rate_of_less_than_a_second_is_not_told() -> None:
    """Three records within milliseconds would make hundreds of calls a second."""
    tap = session()
    for offset in range(3):
        tap.add(record({**VIEW, "session": f"s{offset}"}, offset, timestamp=1_600_000_000_000 + offset))
    shown = tap.ended()
    assert "calls a second: not known: the records are of less than 1 s; read a longer time" in shown
    assert "needed, of" not in shown


def test_of_many_members_those_that_are_null_most_often_are_shown_and_all_rules() -> None:
    each = "put_events: {sessionId: value.s, userId: value.u, itemId: value.i, eventType: {const: View}}"
    rules = "\n".join(f"          - {{name: r{n}, when: value.n == `{n}`, {each}}}" for n in range(30))
    text = f"pipelines:\n      - name: web\n        topics: [clicks]\n        rules:\n{rules}"
    many = loaded(build(pipelines="    " + text))
    tap = Session(many, None, SchemaWait(None), window(), Filter(), values=False, as_json=False)
    for number in range(30):
        tap.add(record({"n": number, "s": "s", "u": None if number == 29 else "u", "i": "i"}, number))
    shown = tap.ended()
    assert "  web / r29: userId " in shown
    assert "  web / r0: userId " in shown
    assert all(f"  web / r{number} " in shown for number in range(30))
    assert "  … 155 more\n" in shown


def test_a_table_of_nothing_says_so() -> None:
    tap = session()
    assert tap.ended().startswith("0 records read\n")
    assert json.loads(session(as_json=True).ended())["summary"]["records"] == 0


def test_more_event_types_than_the_quota_are_said() -> None:
    tap = session()
    for number in range(12):
        tap.add(record({**ORDER, "kind": f"type{chr(97 + number)}"}, number))
    assert "training fails beyond the quota" in tap.ended()


def test_a_narrow_terminal_gets_one_below_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", Terminal())
    shown = session().add(RECORDS[0])
    assert "\x1b[32mmapped\x1b[0m" in shown
    assert "\n  ->\n" in shown
    assert all(len(line) <= 50 for line in shown.splitlines()[1:])
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in session().add(RECORDS[0])


def test_lines_fit_the_terminal_and_no_value_moves_its_cursor() -> None:
    wide = {**VIEW, "user": "\x1b[2J" + "界" * 200, "nested": {"a": {"b": ["x" * 300, 2, 3]}}}
    shown = session(values=True).add(record(wide))
    assert "\x1b" not in shown
    assert "\\u001b[2J" in shown
    assert "nested.a.b[…]" in shown
    assert all(len(line) <= 120 for line in shown.splitlines())


def test_streams_that_are_no_terminal_have_no_colour_and_a_width() -> None:
    assert not is_coloured(io.StringIO())
    assert columns_of(io.StringIO()) == 120
    assert Style(coloured=False)("31", "x") == "x"


def test_what_cannot_be_text_is_shown_as_hexadecimal_or_base64() -> None:
    assert "0x00ff" in session(values=True).add(record(b"\x00\xff"))
    assert json.loads(session(values=True, as_json=True).add(record(b"\x00\xff")))["value"] == {"base64": "AP8="}
