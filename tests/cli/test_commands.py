"""Each command: data on stdout, messages on stderr, and the exit code that it promises."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from connector import __version__
from connector.cli import COMMANDS, main
from connector.core.sending import lanes
from tests.support import forked
from tests.support.config_files import EXAMPLE, build

PIPELINES = """\
pipelines:
  - name: web
    topics: [clicks]
    rules:
      - name: cart
        when: value.event == 'cart'
        for_each: value.items
        put_events: {sessionId: value.session, eventType: {const: Cart}, itemId: item}
      - name: view
        when: value.session
        put_events:
          {sessionId: value.session, userId: value.user, eventType: {const: View}, sentAt: {const: 1700000000}}
  - name: app
    topics: [taps]
    rules:
      - name: tap
        put_events: {sessionId: key, eventType: {const: Tap}, itemId: headers.item, sentAt: timestamp}
"""
GOOD = build(pipelines=PIPELINES)
BAD = build(personalize="personalize: {tracking_idd: x}")


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return str(path)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return str(path)


class Line:
    """The command line, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self._monkeypatch = monkeypatch
        self._capture = capfdbinary

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Ran:
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(arguments)
        written = self._capture.readouterr()
        return Ran(code, written.out.decode(), written.err.decode())


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Line:
    return Line(monkeypatch, capfdbinary)


# -- the whole ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert f"putevents {name}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["validate"], ["map"], ["schema", "x"], ["run", "a", "b"]])
def test_wrong_use_is_told_with_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: putevents" in capsys.readouterr().err


def test_an_option_that_does_not_exist_is_refused_with_the_usage_of_the_command(
    good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["map", good, "--inptu", "x"])
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert err.startswith("usage: putevents map ")
    assert "[--input FILE]" in err
    assert err.endswith("putevents map: error: unrecognized arguments: --inptu x\n")


def test_the_module_is_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "connector", "version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(f"putevents-connector {__version__}\n")


def test_version_names_what_an_issue_report_needs(line: Line) -> None:
    ran = line("version")
    names = [row.split()[0] for row in ran.out.splitlines()]
    assert (ran.code, ran.err) == (0, "")
    assert {"putevents-connector", "python", "core", "confluent-kafka", "boto3", "botocore"} <= set(names)


def test_version_tells_a_compiled_core_from_pure_python(line: Line) -> None:
    kind = "pure Python" if str(lanes.__file__).endswith(".py") else "compiled"
    assert f"\ncore {kind}\n" in line("version").out


# -- files ----------------------------------------------------------------------------------------------------


def test_a_valid_file_is_said_to_be_so_on_stderr(line: Line, good: str) -> None:
    assert line("validate", good) == Ran(0, "", f"{good}: valid\n")


def test_an_invalid_file_ends_with_78_and_says_where(line: Line, bad: str) -> None:
    ran = line("validate", bad)
    assert ran.code == 78
    assert "tracking_idd" in ran.out
    assert "tracking_id" in ran.out
    assert ran.err == f"{bad}: 1 problem; for more: putevents explain CODE\n"


def test_problems_as_json_are_an_array_with_places(line: Line, bad: str, good: str) -> None:
    problems = json.loads(line("validate", "--format", "json", bad).out)
    assert {"code", "message", "line", "column"} <= problems[0].keys()
    assert json.loads(line("validate", "--format", "json", good).out) == []


def test_problems_for_github_are_annotations(line: Line, bad: str) -> None:
    ran = line("validate", "--format", "github", bad)
    assert ran.code == 78
    assert all(row.startswith("::error file=") for row in ran.out.splitlines())


def test_one_bad_file_among_many_is_enough(line: Line, good: str, bad: str) -> None:
    assert line("validate", good, bad, good).code == 78


@pytest.mark.parametrize("name", ["missing.yaml", "."])
@pytest.mark.parametrize("command", ["validate", "run", "map", "print-config"])
def test_a_file_that_cannot_be_read_ends_with_78(line: Line, tmp_path: Path, command: str, name: str) -> None:
    ran = line(command, str(tmp_path / name))
    assert ran.code == 78
    assert "expected a readable file" in ran.out + ran.err


@pytest.mark.parametrize("command", ["run", "map", "print-config"])
def test_a_bad_file_ends_with_78_and_leaves_stdout_empty(line: Line, bad: str, command: str) -> None:
    ran = line(command, bad)
    assert (ran.code, ran.out) == (78, "")
    assert "tracking_idd" in ran.err


def test_a_printed_file_is_whole_loads_again_and_hides_secrets(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSONALIZE_TRACKING_ID", "tracker-1")
    monkeypatch.setenv("PASSWORD", "SECRET-1")
    text = EXAMPLE.replace(
        "auth: {type: none}", "auth: {type: scram, username: me, password: {env: PASSWORD}}"
    ).replace("librdkafka: {}", "librdkafka: {client.rack: b}")
    path = tmp_path / "example.yaml"
    path.write_text(text)
    ran = line("print-config", str(path))
    assert ran.code == 0
    assert "SECRET" not in ran.out + ran.err
    printed = yaml.safe_load(ran.out)
    assert printed["personalize"]["tracking_id"] == "tracker-1"
    assert printed["delivery"]["max_in_flight"] == 64
    path.write_text(ran.out)
    assert line("print-config", str(path)).out == ran.out


def test_the_schema_is_a_json_schema_that_knows_every_section(line: Line) -> None:
    ran = line("schema")
    schema = json.loads(ran.out)
    assert ran.code == 0
    assert schema["$schema"].startswith("https://json-schema.org/draft/")
    assert {"kafka", "personalize", "delivery", "dead_letter", "pipelines"} <= schema["properties"].keys()
    known = set(schema["$defs"])
    assert {reference.removeprefix("#/$defs/") for reference in _references(schema)} <= known


def _references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in node.values()))
    return set().union(*(_references(value) for value in node)) if isinstance(node, list) else set()


# -- map ------------------------------------------------------------------------------------------------------


def test_values_become_the_calls_that_they_would_make(line: Line, good: str) -> None:
    values = b'{"session":"s","user":"u"}\n\n{"event":"cart","session":"s","items":["a","b"]}\n{"event":"other"}\n'
    ran = line("map", good, stdin=values)
    first, second, third = ran.lines
    assert ran.code == 0
    assert (first["line"], first["outcome"], first["rule"]) == (1, "mapped", "view")
    [viewed] = first["calls"]
    assert re.fullmatch("clicks-0-0-[0-9a-z]{8}", viewed["eventList"][0].pop("eventId"))  # of now
    assert viewed == {
        "trackingId": "tracker-1",
        "sessionId": "s",
        "userId": "u",
        "eventList": [{"eventType": "View", "sentAt": 1700000000}],
    }
    [call] = second["calls"]
    assert [event["itemId"] for event in call["eventList"]] == ["a", "b"]
    assert (third["line"], third["outcome"]) == (4, "filtered")
    assert ran.err == "3 records: 2 mapped, 1 filtered\n3 events: 2 calls when sent as a backlog\n"


def test_the_summary_counts_the_calls_of_a_backlog_not_of_each_line(line: Line, good: str) -> None:
    views = [b'{"session":"s%d","user":"u%d"}\n' % (number % 3, number % 3) for number in range(36)]
    ran = line("map", good, stdin=b"".join(views) + b'{"session":"s0"}\n' + b"broken\n")
    assert sum(len(shown["calls"]) for shown in ran.lines if "calls" in shown) == 37
    # Twelve events of each of three sessions are two calls a session; another user, or none, begins a new one.
    assert ran.err == "38 records: 37 mapped, 1 dead_letter\n37 events: 7 calls when sent as a backlog\n"


def test_a_record_that_would_be_dead_says_why(line: Line, good: str) -> None:
    ran = line("map", good, stdin=b'{"event":"cart","session":"s","items":["a",{}]}\nnot json\n')
    assert ran.code == 0
    half, broken = ran.lines
    assert half["outcome"] == broken["outcome"] == "dead_letter"
    assert half["rejection"]["indexes"] == [1]
    assert len(half["calls"]) == 1
    assert broken["rejection"]["reason"] == "not_json"


def test_strict_ends_with_1_where_a_record_would_be_dead(line: Line, good: str) -> None:
    assert line("map", good, "--strict", stdin=b"not json\n").code == 1
    assert line("map", good, "--strict", stdin=b'{"session":"s"}\n').code == 0


def test_whole_records_go_to_the_pipeline_of_their_topic(line: Line, good: str) -> None:
    record = {
        "topic": "taps",
        "partition": 2,
        "offset": 9,
        "timestamp": 1700000000123,
        "key": "session-1",
        "value": {"any": 1},
        "headers": {"item": "i-1", "none": None},
    }
    ran = line("map", good, "--records", stdin=json.dumps(record).encode())
    [mapped] = ran.lines
    assert (mapped["pipeline"], mapped["rule"]) == ("app", "tap")
    [call] = mapped["calls"]
    assert call["sessionId"] == "session-1"
    event = {"eventType": "Tap", "itemId": "i-1", "sentAt": 1700000000, "eventId": "taps-2-9-loyw3v5n"}
    assert call["eventList"] == [event]


@pytest.mark.parametrize("timestamp", [-1, 0, 1, 1_700_000_000, 946_684_799_999])
def test_a_record_of_a_time_before_2000_has_no_timestamp(line: Line, good: str, timestamp: int) -> None:
    record = {"topic": "taps", "key": "k", "timestamp": timestamp, "value": {}}
    [dead] = line("map", good, "--records", stdin=json.dumps(record).encode()).lines
    assert (dead["rejection"]["reason"], dead["rejection"]["field"]) == ("missing_member", "sentAt")


def test_a_record_without_a_value_is_a_tombstone(line: Line, good: str) -> None:
    [skipped] = line("map", good, "--records", stdin=b'{"key":"k"}').lines
    assert (skipped["outcome"], skipped["reason"]) == ("skipped", "tombstone")


ONE_PIPELINE = PIPELINES[: PIPELINES.index("  - name: app")]


@pytest.mark.parametrize("pipelines", [PIPELINES, ONE_PIPELINE], ids=["two pipelines", "one pipeline"])
def test_a_topic_that_no_pipeline_reads_is_said_to_be_so(line: Line, tmp_path: Path, pipelines: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(build(pipelines=pipelines))
    unread = b'{"topic":"orders","value":{"session":"s"}}\n'
    ran = line("map", str(path), "--records", stdin=b'{"value":{"session":"s"}}\n' + unread)
    assert (ran.code, [shown["pipeline"] for shown in ran.lines]) == (1, ["web"])
    assert "line 2: no pipeline reads the topic orders: expected one of clicks" in ran.err
    [mapped] = line("map", str(path), "--records", "--pipeline", "web", stdin=unread).lines
    assert (mapped["pipeline"], mapped["rule"]) == ("web", "view")


@pytest.mark.parametrize(
    "record",
    [
        b"not json",
        b"[]",
        b'{"values": 1}',
        b'{"partition": "x"}',
        b'{"partition": true}',
        b'{"offset": 1.5}',
        b'{"offset": "SECRET"}',
        b'{"headers": 5}',
        b'{"headers": [["a"]]}',
        b'{"headers": [[1, "b"]]}',
        b'{"headers_base64": [["a", "b", "c"]]}',
        b'{"timestamp": "2026-11-24"}',
        b'{"topic": 7}',
        b'{"topic": "unknown", "value": "{}"}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_record_ends_with_1_and_is_told_in_words(line: Line, good: str, record: bytes) -> None:
    ran = line("map", good, "--records", stdin=record)
    assert (ran.code, ran.out) == (1, "")
    assert "expected" in ran.err or "no pipeline reads" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "value", [b"\xff\xfe", b'"text"', b"[1]", b"{" * 5000, b"1e999", b"\x00", "ü".encode("utf-16")]
)
def test_any_value_has_a_fate(line: Line, good: str, value: bytes) -> None:
    ran = line("map", good, "--explain", stdin=value + b"\n")
    assert ran.code == 0
    assert {entry["outcome"] for entry in ran.lines} == {"dead_letter"}


def test_an_explanation_names_the_rules_that_were_tried(line: Line, good: str) -> None:
    [mapped] = line("map", good, "--explain", stdin=b'{"session":"s"}\n').lines
    assert mapped["explain"]["rules"] == [
        {"rule": "cart", "when": "value.event == 'cart'", "matched": False, "found": False},
        {"rule": "view", "when": "value.session", "matched": True, "found": "s"},
    ]
    assert "not_tried" not in mapped["explain"]
    [mapped] = line("map", good, "--explain", stdin=b'{"event":"cart","session":"s","items":["a"]}\n').lines
    assert mapped["explain"]["not_tried"] == ["view"]


def test_an_explanation_says_of_each_member_what_is_written_found_and_made_of_it(line: Line, good: str) -> None:
    [mapped] = line("map", good, "--explain", stdin=b'{"session":7,"user":null}\n').lines
    [event] = mapped["explain"]["events"]
    assert event["index"] is None
    assert event["members"]["sessionId"] == {
        "spec": "value.session",
        "evaluated": [{"expression": "value.session", "found": 7}],
        "value": "7",
        "limit": {"used": 1, "most": 256, "unit": "characters"},
    }
    assert event["members"]["userId"]["value"] is None
    kind = event["members"]["eventType"]
    assert (kind["spec"], kind["evaluated"], kind["value"]) == ({"const": "View"}, [], "View")
    assert "spec" not in event["members"]["eventId"]


def test_an_explanation_shows_each_document_of_a_batch(line: Line, good: str) -> None:
    text = Path(good).read_text().replace("rules:", "value: {envelope: cloudevents}\n    rules:", 1)
    Path(good).write_text(text)
    attributes = {"specversion": "1.0", "id": "e", "type": "t", "source": "s"}
    datas: list[Any] = [{"event": "cart", "session": "s", "items": [{}, "a"]}, {"session": "t"}]
    batch = json.dumps([{**attributes, "data": data} for data in datas]).encode()
    [half] = line("map", good, "--explain", stdin=batch + b"\n").lines
    assert half["outcome"] == "dead_letter"
    assert half["rejection"]["indexes"] == [[0, 0]]
    cart, view = half["explain"]["documents"]
    assert [rule["rule"] for rule in cart["rules"]] == ["cart"]
    assert [event["index"] for event in cart["events"]] == [0, 1]
    assert [rule["rule"] for rule in view["rules"]] == ["cart", "view"]
    assert view["events"][0]["members"]["sessionId"]["value"] == "t"
    [one] = line("map", good, "--explain", stdin=json.dumps({**attributes, "data": datas[1]}).encode() + b"\n").lines
    assert one["explain"]["rules"] == view["rules"]


def test_an_explanation_shows_each_element_and_which_member_of_it_failed(line: Line, good: str) -> None:
    value = b'{"event":"cart","session":"s","items":["a",{}]}\n'
    [half] = line("map", good, "--explain", stdin=value).lines
    explained = half["explain"]
    assert explained["for_each"] == [{"expression": "value.items", "found": ["a", {}]}]
    assert [event["index"] for event in explained["events"]] == [0, 1]
    for event in explained["events"]:
        assert event["members"]["sessionId"]["evaluated"] == [{"expression": "value.session", "found": "s"}]
    failed = explained["events"][1]["members"]["itemId"]
    assert failed["evaluated"] == [{"expression": "item", "found": {}}]
    assert failed["failed"] == half["rejection"]["message"]
    [none] = line("map", good, "--explain", stdin=b'{"event":"cart","session":"s","items":[]}\n').lines
    assert none["explain"]["for_each"] == [{"expression": "value.items", "found": []}]
    assert none["explain"]["events"] == []


LISTS = """\
pipelines:
  - name: orders
    topics: [clicks]
    rules:
      - name: lines
        for_each: [value.orders, item.lines]
        put_events: {sessionId: value.session, itemId: item, userId: parent.user, eventType: {const: Purchase}}
"""


def test_an_explanation_shows_the_lists_within_lists_and_the_places_in_them(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "lists.yaml"
    path.write_text(build(pipelines=LISTS))
    value = b'{"session":"s","orders":[{"user":"u1","lines":[]},{"user":"u2","lines":["a",{}]},{}]}\n'
    [shown] = line("map", str(path), "--explain", stdin=value).lines
    assert shown["explain"]["for_each"][1:] == [
        {"expression": "item.lines", "found": []},
        {"expression": "item.lines", "found": ["a", {}]},
        {"expression": "item.lines", "found": None},
    ]
    assert [event["index"] for event in shown["explain"]["events"]] == [[1, 0], [1, 1]]
    assert shown["rejection"]["indexes"] == [[1, 1], [2]]
    assert (
        "[1/1] itemId from item: expected text or a number, not an object; [2] for_each[1]"
        in shown["rejection"]["message"]
    )


KEYS = """\
pipelines:
  - name: keys
    topics: [clicks]
    key: {format: FORMAT}
    rules:
      - name: first
        when: key == KEY
        put_events: {sessionId: value.session, userId: to_string(key), eventType: {const: View}, sentAt: value.time}
      - name: failing
        when: to_number(value.text) > `1` && keys(value.text)
        skip: never
      - name: last
        put_events: {sessionId: value.session, eventType: {const: Last}, sentAt: value.time}
"""
KEY_FORMATS = {
    "bytes": ("'6162'", "ab"),
    "string": ("'ab'", "ab"),
    "json": ("`[1]`", [1]),
}


@pytest.mark.parametrize("form", KEY_FORMATS)
@pytest.mark.parametrize("matches", [True, False])
def test_an_explanation_agrees_with_the_run_for_every_key_format(
    line: Line, tmp_path: Path, form: str, *, matches: bool
) -> None:
    expected, key = KEY_FORMATS[form]
    path = tmp_path / "keys.yaml"
    path.write_text(build(pipelines=KEYS.replace("FORMAT", form).replace("KEY", expected)))
    record = {"key": key if matches else "[2]", "value": {"session": "s", "time": 1700000000, "text": None}}
    [shown] = line("map", str(path), "--records", "--explain", stdin=json.dumps(record).encode()).lines
    tried = shown["explain"]["rules"]
    assert tried[0]["matched"] is matches
    # The rule that the record is mapped by is the one that is said to match, and it is looked at last.
    assert [rule["rule"] for rule in tried if rule["matched"]] == ([shown["rule"]] if "calls" in shown else [])
    assert tried[-1]["rule"] == shown["rule"]


def test_a_condition_that_fails_is_explained_as_what_it_does_to_the_record(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(build(pipelines=KEYS.replace("FORMAT", "string").replace("KEY", "'ab'")))
    value = {"session": "s", "time": 1700000000, "text": "5"}
    [shown] = line("map", str(path), "--explain", stdin=json.dumps(value).encode()).lines
    failing = shown["explain"]["rules"][1]
    assert (failing["rule"], failing["matched"]) == ("failing", False)
    assert "keys" in failing["failed"]
    assert shown["explain"]["rules"][-1]["rule"] == shown["rule"]


def test_a_record_that_cannot_be_decoded_has_tried_no_rule(line: Line, good: str) -> None:
    lines = line("map", good, "--explain", stdin=b'{"session":"s"}\nnot json\n').lines
    assert lines[1]["explain"] == {"rules": [], "events": []}


def test_an_explanation_finds_members_whose_names_have_dots(line: Line, tmp_path: Path) -> None:
    members = "{sessionId: value.user.id, eventType: {const: View}, itemId: {template: '{{ value.a.b.c }}'}}"
    file = str(tmp_path / "dotted.yaml")
    rules = f"[{{name: r, put_events: {members}}}]"
    Path(file).write_text(build(pipelines=f"pipelines: [{{name: p, topics: [t], rules: {rules}}}]"))
    [mapped] = line("map", file, "--explain", stdin=b'{"user.id":"u1","a":{"b.c":1}}\n').lines
    assert mapped["outcome"] == "dead_letter"
    [event] = mapped["explain"]["events"]
    [session] = event["members"]["sessionId"]["evaluated"]
    assert session["hints"] == ['the record has a member "user.id": write value."user.id"']
    [mapped] = line("map", file, "--explain", stdin=b'{"user":{"id":"u1"}}\n').lines
    assert "hints" not in mapped["explain"]["events"][0]["members"]["sessionId"]["evaluated"][0]


def test_a_pipeline_may_be_chosen_by_name(line: Line, good: str) -> None:
    ran = line("map", good, "--pipeline", "app", stdin=b"{}\n")
    assert ran.lines[0]["pipeline"] == "app"
    wrong = line("map", good, "--pipeline", "tv", stdin=b"{}\n")
    assert (wrong.code, wrong.out) == (1, "")
    assert "web, app; not tv" in wrong.err


def test_records_are_read_from_a_file(line: Line, good: str, tmp_path: Path) -> None:
    path = tmp_path / "values.jsonl"
    path.write_bytes(b'{"session":"s"}\r\n{"session":"t"}')
    assert [entry["line"] for entry in line("map", good, "--input", str(path)).lines] == [1, 2]


def test_a_dash_as_the_input_is_stdin(line: Line, good: str) -> None:
    assert [entry["line"] for entry in line("map", good, "--input", "-", stdin=b"{}\n{}\n").lines] == [1, 2]


def test_an_input_of_no_name_is_not_stdin_as_where_a_variable_of_the_shell_is_unset(line: Line, good: str) -> None:
    ran = line("map", good, "--input", "", stdin=b"{}\n")
    assert (ran.code, ran.out) == (1, "")


def test_records_may_begin_with_a_byte_order_mark(line: Line, good: str) -> None:
    ran = line("map", good, "--records", stdin=b'\xef\xbb\xbf{"value": {}}\n')
    assert [entry["line"] for entry in ran.lines] == [1]


def test_a_record_that_is_not_utf8_is_refused_in_words(line: Line, good: str) -> None:
    ran = line("map", good, "--records", stdin=b'{"value": "caf\xe9"}\n')
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "line 1: expected a record as a JSON object: it is not UTF-8 text\n"


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_an_input_that_cannot_be_read_is_told_in_words(line: Line, good: str, tmp_path: Path, name: str) -> None:
    ran = line("map", good, "--input", str(tmp_path / name))
    assert ran.code == 1
    assert ran.err.strip()
    assert "Traceback" not in ran.err


def test_a_reader_that_has_had_enough_is_no_error(good: str, tmp_path: Path) -> None:
    path = tmp_path / "values.jsonl"
    path.write_bytes(b'{"session":"s"}\n' * 20_000)
    command = [*forked.CONNECTOR, "map", good, "--input", str(path)]
    with forked.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"line":1,')
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(20) == 0
    assert said == b""


def test_nothing_here_needs_a_network_or_credentials(good: str) -> None:
    lonely = {"PATH": os.environ.get("PATH", "")}
    ran = subprocess.run(
        [sys.executable, "-m", "connector", "validate", good], env=lonely, capture_output=True, check=False
    )
    assert ran.returncode == 0
