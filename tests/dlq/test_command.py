"""``putevents dlq`` without a broker: its arguments, its messages, and what it makes of letters."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from connector.cli import dlq, dlq_outcomes, dlq_text, main
from connector.config import Loaded, load
from connector.core.mapping.transform import Router
from connector.core.operations import PUT_EVENTS, PUT_ITEMS, PUT_USERS
from connector.core.positions import Time
from connector.core.records import Entry, Reason, Record, Rejection, Skipped, Stage, Transformed
from connector.dlq.letters import Letter, letter_of
from connector.dlq.newer import Newer
from connector.dlq.replaying import Replay
from connector.dlq.source import Pace
from connector.dlq.trying import FOREIGN, REPLAYED_OFTEN, STUB, Tried, fate_of, why_left
from connector.kafka.letter import headers

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_509_011
FILE = """\
kafka: {bootstrap_servers: ["127.0.0.1:1"], group_id: shop}
personalize: {tracking_id: tracker}
dead_letter: {topic: clicks.dead-letter}
pipelines:
  - name: clicks
    topics: [clicks]
    rules:
      - name: order
        for_each: value.products
        put_events:
          sessionId: value.session
          eventType: {const: Purchase}
          itemId: item.id
          sentAt: value.at
"""
VALUE = b'{"session": "s-1", "at": 1795509011, "products": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}'


def letter(indexes: tuple[Any, ...] = (), rule: str = "order", value: bytes = VALUE, **more: Any) -> Letter:
    record = Record("clicks", 0, 7, NOW * 1000, b"jane", value)
    rejection = Rejection(Stage.MAP, Reason.MISSING_MEMBER, "m", "itemId", "clicks", rule, indexes)
    pairs: Any = tuple(headers(record, rejection, None))
    return letter_of(Record("dead", 0, 3, NOW * 1000, b"jane", value, pairs))._replace(**more)


@pytest.fixture
def router(tmp_path: Path) -> Router:
    path = tmp_path / "clicks.yaml"
    path.write_text(FILE)
    loaded = load(str(path), {})
    assert isinstance(loaded, Loaded)
    return Router(loaded.pipelines(None), "clicks.dead-letter")


def items(fate: Any) -> list[str]:
    assert isinstance(fate, Transformed)
    return [json.loads(entry.body)["itemId"] for entry in fate.entries]


@pytest.mark.parametrize(
    ("indexes", "rule", "wanted"),
    [((), "order", "abc"), ((1,), "order", "b"), ((0, 2), "order", "ac"), ((1,), "former", "abc")],
)
def test_only_the_elements_that_failed_are_delivered_unless_another_rule_decides(
    router: Router, indexes: tuple[int, ...], rule: str, wanted: str
) -> None:
    assert items(fate_of(router, letter(indexes, rule), NOW)) == list(wanted)


def test_the_events_have_the_ids_of_the_source(router: Router) -> None:
    fate = fate_of(router, letter(), NOW)
    assert isinstance(fate, Transformed)
    assert json.loads(fate.entries[1].body)["eventId"].startswith("clicks-0-7-")


def test_a_failure_of_another_element_than_those_of_the_letter_is_not_this_letters(router: Router) -> None:
    value = b'{"session": "s-1", "at": 1795509011, "products": [{"id": {"n": 1}}, {"id": "b"}]}'
    fate = fate_of(router, letter((1,), value=value), NOW)
    assert isinstance(fate, Transformed)
    assert (items(fate), fate.rejection) == (["b"], None)
    gone = fate_of(router, letter((5,), value=VALUE), NOW)
    assert isinstance(gone, Skipped), "a call without events would never be settled"
    still = fate_of(router, letter((0,), value=value), NOW)
    assert isinstance(still, Rejection)


def test_what_cannot_be_replayed_is_left_with_the_reason() -> None:
    assert why_left(letter(), 3) is None
    assert why_left(letter(replays=2), 3) is None
    assert why_left(letter(replays=3), 3) == REPLAYED_OFTEN
    assert why_left(letter(stub=True), 3) == STUB
    assert why_left(letter(record=None), 3) == FOREIGN


def test_a_dry_run_counts_each_letter_once_and_says_what_is_unknown(router: Router) -> None:
    tried = Tried()
    bad = b'{"session": null, "at": 1795509011, "products": [{"id": "a"}]}'
    for each in (letter(), letter(value=bad), letter((5,))):
        tried.add(each, fate_of(router, each, NOW))  # type: ignore[arg-type]
    tried.leave(letter(stub=True), STUB)
    assert (tried.letters, tried.deliver, tried.events) == (3, 1, 3)
    assert tried.sessions == {("clicks", 0): {("put_events", "tracker", "s-1"): 7}}
    newer = Newer(events=4, sessions=1, looked_at=10, not_looked_at=5)
    text = dlq_outcomes.tried_text(tried, newer, [(letter(stub=True), True)], "putevents", 3)
    assert "dry run: 3 letters" in text
    assert "1 skipped: no_elements" in text
    assert "at least 4, in 1 session" in text
    assert "5 records not looked at: unknown" in text
    assert "kcat -C -t clicks -p 0 -o 7 -c 1" in text
    assert json.loads(dlq_outcomes.tried_json(tried, newer, []))["newer_events_complete"] is False
    assert "jane" not in text
    assert "unknown: no broker" in dlq_outcomes.tried_text(tried, Newer(trouble="no broker"), [], "putevents", 3)
    assert "not looked for" in dlq_outcomes.tried_text(tried, None, [], "topic", 3)


def test_a_dry_run_counts_newer_versions_apart_from_newer_events() -> None:
    tried, newer = Tried(), Newer(looked_at=10)
    entries = tuple(Entry("arn", name, None, b"{}", None, PUT_ITEMS) for name in ("a", "b"))
    tried.add(letter(), Transformed("clicks", "order", entries))
    assert tried.sessions == {("clicks", 0): {("put_items", "arn", "a"): 7, ("put_items", "arn", "b"): 7}}
    for operation in (PUT_ITEMS, PUT_USERS, PUT_EVENTS):
        newer.add(operation)
    newer.ids = 2
    text = dlq_outcomes.tried_text(tried, newer, [], "putevents", 3)
    assert "1 delivered (2 items)" in text
    assert "already: 2, of 2 ids\n" in text
    found = json.loads(dlq_outcomes.tried_json(tried, newer, []))
    assert (found["newer_versions"], found["newer_events"], found["events"]) == (2, 1, 2)


def test_a_letter_is_shown_without_values_and_a_stranger_as_one(router: Router) -> None:
    shown = dlq_text.letter_json(letter(), fate_of(router, letter(), NOW), replayed=False, show_values=False)  # type: ignore[arg-type]
    text = dlq_text.letter_text(shown)
    assert not [value for value in ("jane", "s-1", '"a"') if value in text]
    assert "itemId" in text
    open_ = dlq_text.letter_json(letter(), None, replayed=False, show_values=True)
    assert "s-1" in dlq_text.letter_text(open_)
    assert "another program wrote it" in str(
        dlq_text.letter_json(letter(record=None), None, replayed=False, show_values=False)
    )


def test_what_a_replay_did_is_said_by_outcome() -> None:
    made = Counter({PUT_EVENTS: 4, PUT_ITEMS: 1})
    ended = Replay(taken=5, delivered=3, made=made, again=1, left={REPLAYED_OFTEN: [letter()] * 5}, complete=False)
    ended.skipped["bot"] = 1
    text = dlq_outcomes.replayed_text(ended, "putevents", 3)
    for line in ("5 letters taken", "3 delivered (4 events, 1 item)", "1 skipped: bot", "1 failed again", "0:3, …"):
        assert line in text
    assert json.loads(dlq_outcomes.replayed_json(ended)).items() >= {"complete": False, "events": 5}.items()
    assert "3 letters written back" in dlq_outcomes.replayed_text(ended, "topic", 3)


def test_a_time_that_no_calendar_has_is_shown_as_a_number() -> None:
    assert dlq_text.moment(1_795_509_011_000_000_000) == "1795509011000000000 ms"
    assert dlq_text.moment(None) == "-"


def test_the_pace_takes_a_burst_from_what_may_come_later() -> None:
    now = 0.0
    pace = Pace(10, lambda: now)
    assert (pace.wait, pace.burst) == (0, 1)
    pace.took(5)
    assert pace.wait == pytest.approx(0.5)
    now = 10.0
    pace.took(1)
    assert pace.wait == pytest.approx(0.1), "an idle time is not saved up"


def test_positions_and_keys_are_read_as_the_user_wrote_them() -> None:
    parser = argparse.ArgumentParser()
    dlq.add_arguments(parser)
    given = parser.parse_args(["list", "x.yaml", "--since", "@2026-11-24", "--key-base64", "AP8="])
    assert isinstance(given.since, Time)
    assert given.key == b"\x00\xff"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["list", "--since", "yesterday"], "expected a position"),
        (["list", "--reason", "missing_membr"], "such as missing_member"),
        (["list", "--since", "1:5"], "one position, not two"),
        (["list", "--partition", "-1"], "expected"),
        (["replay", "--rate", "0"], "letters a second"),
        (["replay", "--rate", "fast"], "letters a second"),
        (["list", "--key-base64", "%"], "expected base64"),
        (["replay", "--to", "elsewhere"], "invalid choice"),
    ],
)
def test_a_wrong_argument_is_refused_in_words(
    capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dlq", options[0], "x.yaml", *options[1:]])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("logs_as_before")
def test_a_place_that_is_none_and_a_broker_that_is_away_end_with_1_and_69(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clicks.yaml"
    path.write_text(FILE)
    assert main(["dlq", "show", str(path), "seventeen"]) == 1
    assert "expected PARTITION:OFFSET" in capsys.readouterr().err
    assert main(["dlq", "list", str(path), "--since", "-1h"]) == 69
    assert "no broker at 127.0.0.1:1 answers" in capsys.readouterr().err
    path.write_text("nothing: here")
    assert main(["dlq", "list", str(path)]) == 78
