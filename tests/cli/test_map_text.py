"""``putevents map --output text``: what a person reads of a record."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.cli.test_commands import Line, line
from tests.support.config_files import build

__all__ = ["line"]
PIPELINES = """\
pipelines:
  - name: shop
    topics: [clicks]
    rules:
      - name: bot
        when: contains(value.agent, 'bot')
        skip: bot
      - name: order
        when: value.type == 'order'
        for_each: value.items
        put_events:
          sessionId: value.session
          userId: value.user
          eventType: {const: Purchase}
          eventId: {template: "{{ value.order }}:{{ item.id }}"}
          itemId: item.id
          eventValue: item.price
          sentAt: value.time
          properties: {colour: item.colour}
      - name: view
        when: value.type == 'view'
        put_events: {sessionId: value.session, eventType: {const: View}, impression: value.shown, sentAt: value.time}
"""
ORDER = (
    b'{"agent":"x","type":"order","session":"s1","user":7,"order":"o1","time":"2025-11-24T08:30:11Z",'
    b'"items":[{"id":1,"price":"9.90","colour":"red"},{"id":2,"price":5}]}\n'
)
AT_80 = """\
line 1: mapped to 2 events, pipeline shop, rule order
  rule   verdict    condition, and what it gave
  bot    no         contains(value.agent, 'bot')  gave false
  order  matched    value.type == 'order'  gave true
  view   not tried  an earlier rule took the record
  for_each  value.items: 2 elements
  event 1 of 2, element 0
    member      expression     read    result      note
    sessionId   value.session  "s1"    "s1"        2 of 256
    userId      value.user     7       "7"         number to text; 1 of 256
    eventType   constant               "Purchase"  8 of 256
    eventId     value.order (template)
                  read    "o1"
                  result  "o1:1"
                  note    4 of 256
                item.id (template)
                  read    1
    eventValue  item.price     "9.90"  9.9         text to number
    itemId      item.id        1       "1"         number to text; 1 of 256
    properties  item.colour
                  read    "red"
                  result  "{\\"colour\\":\\"red\\"}"
                  note    object to JSON text; 16 of 1,024
    sentAt      value.time
                  read    "2025-11-24T08:30:11Z"
                  result  1763973011
                  note    2025-11-24T08:30:11Z
"""
AT_200 = """\
    member      expression              read                    result                  note
    sessionId   value.session           "s1"                    "s1"                    2 of 256
    userId      value.user              7                       "7"                     number to text; 1 of 256
    eventType   constant                                        "Purchase"              8 of 256
    eventId     value.order (template)  "o1"                    "o1:1"                  4 of 256
                item.id (template)      1
    eventValue  item.price              "9.90"                  9.9                     text to number
    itemId      item.id                 1                       "1"                     number to text; 1 of 256
    properties  item.colour             "red"                   "{\\"colour\\":\\"red\\"}"  \
object to JSON text; 16 of 1,024
    sentAt      value.time              "2025-11-24T08:30:11Z"  1763973011              2025-11-24T08:30:11Z
"""
CALL = """\
  call 1: 2 of 10 events
    trackingId "tracker-1", sessionId "s1", userId "7"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / "shop.yaml"
    path.write_text(build(pipelines=PIPELINES))
    return str(path)


def explained(line: Line, shop: str, stdin: bytes) -> str:
    ran = line("map", shop, "--explain", "--output", "text", stdin=stdin)
    assert ran.code == 0
    return ran.out


def test_a_record_is_shown_with_its_rules_members_limits_and_calls(line: Line, shop: str) -> None:
    shown = explained(line, shop, ORDER)
    assert shown.startswith(AT_80)
    assert CALL in shown
    assert re.search(
        r'^    \{"eventType": "Purchase", "eventId": "o1:1", .*\}\n      \d+ of 10,240 bytes$', shown, re.MULTILINE
    )


def test_on_a_wide_terminal_a_member_is_a_line(
    line: Line,
    shop: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert AT_200 in explained(line, shop, ORDER)


def test_a_condition_that_failed_says_why_and_what_that_does(line: Line, shop: str) -> None:
    shown = explained(line, shop, b'{"type":"login"}\n')
    assert shown.startswith("line 1: filtered: no rule matched\n")
    assert re.search(
        r"^  bot    no: failed  contains\(value.agent, 'bot'\)\n {21}contains\(\) expected .* null$",
        shown,
        re.MULTILINE,
    )
    assert "no          value.type == 'view'  gave false" in shown


def test_a_record_that_is_skipped_names_reason_and_rule(line: Line, shop: str) -> None:
    shown = explained(line, shop, b'{"agent":"a bot"}\n')
    assert shown.startswith("line 1: skipped: bot, pipeline shop, rule bot\n")
    assert shown.count("not tried") == 2


def test_the_member_that_makes_a_dead_letter_is_marked(line: Line, shop: str) -> None:
    shown = explained(line, shop, b'{"agent":"x","type":"view","session":null}\n')
    first, message, more = shown.splitlines()[:3]
    assert first == "line 1: dead letter: missing_member of sessionId, pipeline shop, rule view"
    assert "sessionId is required, but value.session is null or empty" in message
    assert more == "  for more: putevents explain missing_member"
    assert re.search(r"^  ! sessionId  value.session  null  none$", shown, re.MULTILINE)


def test_a_value_beyond_its_limit_shows_by_how_much(line: Line, shop: str) -> None:
    record = b'{"agent":"x","type":"view","session":"%s","time":1763973011}\n' % (b"s" * 300)
    shown = explained(line, shop, record)
    assert shown.startswith("line 1: dead letter: too_long of sessionId")
    assert "  ! sessionId" in shown
    assert "300 of 256" in shown


def test_events_beside_a_dead_letter_are_counted(line: Line, shop: str) -> None:
    shown = explained(line, shop, ORDER.replace(b'"price":5', b'"price":"x"'))
    assert "dead letter: invalid_value of eventValue, pipeline shop, rule order; 1 event all the same" in shown
    first, _, second = shown.partition("event 2 of 2")
    assert "! eventValue" not in first
    assert "  ! eventValue" in second
    first, _, second = explained(line, shop, ORDER.replace(b'"9.90"', b'"x"')).partition("event 2 of 2")
    assert "  ! eventValue" in first
    assert "! eventValue" not in second


def test_a_record_that_cannot_be_decoded_shows_that_no_rule_was_tried(line: Line, shop: str) -> None:
    assert "\n  no rule was tried\n" in explained(line, shop, b"not json\n")


def test_records_of_a_file_stand_apart(line: Line, shop: str) -> None:
    assert "\n\nline 2: " in explained(line, shop, b"{}\n{}\n")


def test_without_explain_there_are_the_fate_and_the_calls_alone(line: Line, shop: str) -> None:
    ran = line("map", shop, "--output", "text", stdin=ORDER)
    assert ran.out.startswith("line 1: mapped to 2 events, pipeline shop, rule order\n" + CALL)


def test_each_document_of_a_batch_is_shown(line: Line, shop: str) -> None:
    path = Path(shop)
    path.write_text(path.read_text().replace("    rules:", "    value: {envelope: cloudevents}\n    rules:"))
    event = {"specversion": "1.0", "id": "e", "type": "t", "source": "s", "data": json.loads(ORDER)}
    shown = explained(line, shop, json.dumps([event, event]).encode() + b"\n")
    assert "  document 1 of 2\n" in shown
    assert "  document 2 of 2\n" in shown
    wrong = json.loads(ORDER.replace(b'"price":5', b'"price":"x"'))
    shown = explained(line, shop, json.dumps([event, {**event, "data": wrong}]).encode() + b"\n")
    assert "! eventValue" not in shown.partition("document 2 of 2")[0]
    assert shown.partition("document 2 of 2")[2].count("! eventValue") == 1


def test_a_hint_stands_below_the_expression_that_gave_nothing(line: Line, shop: str) -> None:
    shown = explained(line, shop, b'{"agent":"x","type":"view","session":"s","time":1763973011,"value.shown":1}\n')
    assert "hint" not in shown
    path = Path(shop)
    path.write_text(path.read_text().replace("value.shown", "value.list.shown"))
    shown = explained(line, shop, b'{"agent":"x","type":"view","session":"s","time":1763973011,"list.shown":["a"]}\n')
    assert '\n                hint: the record has a member "list.shown": write value."list.shown"\n' in shown


@pytest.mark.parametrize(("name", "kind"), [("--explain", "text"), ("--strict", "json")])
def test_text_is_for_an_explanation_on_a_terminal(
    name: str,
    kind: str,
    line: Line,
    shop: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout.__class__, "isatty", lambda _: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("connector.cli.streams._Stream.isatty", lambda _: True)
    ran = line("map", shop, name, stdin=ORDER)
    assert ran.out.startswith("line 1: mapped" if kind == "text" else '{"line":1')
    monkeypatch.setenv("NO_COLOR", "")
    assert ("\x1b[" in line("map", shop, name, stdin=ORDER).out) is (kind == "text")


def test_what_is_no_terminal_gets_json_and_no_colours(line: Line, shop: str) -> None:
    assert line("map", shop, "--explain", stdin=ORDER).out.startswith('{"line":1')
    assert "\x1b" not in explained(line, shop, ORDER)


def test_events_that_lost_the_item_of_their_rule_are_noted_once(line: Line, shop: str) -> None:
    lacking = ORDER.replace(b'"id":1,', b"").replace(b'"id":2', b'"id":null')
    ran = line("map", shop, stdin=lacking + ORDER)
    assert ran.err.splitlines()[2] == (
        "note: rule order made 2 events without the itemId that it maps; "
        "to leave such events out, write itemId: {from: ..., otherwise: skip}"
    )
    assert "note: " not in line("map", shop, stdin=ORDER).err


def test_a_rule_that_maps_no_item_is_not_noted(line: Line, shop: str) -> None:
    assert "note: " not in line("map", shop, stdin=b'{"type":"view","session":"s","time":1763973011}\n').err


def test_nothing_in_a_record_or_a_file_moves_the_cursor(line: Line, shop: str) -> None:
    path = Path(shop)
    text = path.read_text().replace("value.shown", "value.a.b").replace("name: bot", r'name: "b\e[2Jt"')
    path.write_text(text.replace("skip: bot", r'skip: "b\e[2Jt"').replace("value.agent", "value.c.d"))
    record = {"type": "view", "session": "s\x1b[2J", "time": 1763973011, "a.b": "\x1b", "\x1b[2J": 1}
    for each in (record, {"c": {"d": "bot"}}, {"c.d": "\x1b[2J"}, {**record, "session": "\x1b[2J" * 100}):
        shown = explained(line, shop, json.dumps(each).encode() + b"\n")
        assert all(character.isprintable() or character == "\n" for character in shown)
