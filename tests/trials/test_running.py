"""A test passes exactly where the record becomes what it says."""

from pathlib import Path

import pytest

from connector.config import Loaded, load_text
from connector.trials.cases import Suite, collect, configurations
from connector.trials.comparing import ABSENT, same
from connector.trials.running import run
from tests.support.trials import EVENT, VIEW, case, collected, config, only, ran, results, wrong

ITEMS = """\
- name: items
  for_each: {from: value.items, otherwise: skip}
  put_events: {sessionId: value.s, eventType: item.t, itemId: item.i, sentAt: {const: 1795509011}}
"""
MIXED = "{s: s1, items: [{t: View, i: p1}, {i: p2}]}"
FIRST = "{sessionId: s1, eventType: View, eventId: clicks-0-0-0, itemId: p1, sentAt: 1795509011}"


@pytest.mark.parametrize(
    ("value", "output"),
    [
        (VIEW, f"[{EVENT}]"),
        (VIEW, "[{contains: {eventType: View}}]"),
        (VIEW, "[{contains: {trackingId: t1, sentAt: 1795509011.0}}]"),
        (VIEW, f"[{EVENT.replace('{', '{trackingId: t1, ', 1)}]"),
        ("{bot: true}", "{skipped: bot}"),
        ("{session: s1, action: scroll}", "{skipped: lookup}"),
        ("null", "{skipped: tombstone}"),
        ("{other: 1}", "{filtered: true}"),
        ("{action: view}", "{rejected: missing_member}"),
        ("{action: view}", "{rejected: missing_member, member: sessionId}"),
        ("[1]", "{rejected: not_an_object, member: value}"),
    ],
)
def test_an_outcome_that_is_as_expected_passes(tmp_path: Path, value: str, output: str) -> None:
    assert only(tmp_path, config(case(value, output))).passed


@pytest.mark.parametrize(
    ("output", "clock", "passed"),
    [
        ("[{contains: {sessionId: s1}}]", {}, True),  # names no time
        ("[{contains: {sessionId: s1, sentAt: 1795509011}}]", {}, True),
        ("{skipped: late}", {"now": "1798000000000"}, True),
        ("[{contains: {sessionId: s1}}]", {"now": "1798000000000"}, False),
    ],
)
def test_an_event_is_late_only_by_a_time_that_its_test_names(
    tmp_path: Path, output: str, clock: dict[str, str], *, passed: bool
) -> None:
    assert only(tmp_path, config(case(VIEW, output, **clock), pipeline="max_age: 14d")).passed is passed


@pytest.mark.parametrize(
    ("value", "output", "rows"),
    [
        (VIEW, f"[{EVENT.replace('p1', 'p2')}]", [("itemId", "p2", "p1")]),
        (VIEW, f"[{EVENT.replace(', itemId: p1', '')}]", [("itemId", ABSENT, "p1")]),
        (VIEW, "[{contains: {userId: u1}}]", [("userId", "u1", ABSENT)]),
        (VIEW, "[{contains: {trackingId: other}}]", [("trackingId", "other", "t1")]),
        (VIEW, "{skipped: bot}", [("outcome", "skipped", "events"), ("reason", "bot", ABSENT)]),
        ("{bot: true}", "{skipped: lookup}", [("reason", "lookup", "bot")]),
        ("{bot: true}", "{filtered: true}", [("outcome", "filtered", "skipped"), ("reason", ABSENT, "bot")]),
        ("{action: view}", "{rejected: too_long}", [("rejected", "too_long", "missing_member")]),
        ("{action: view}", "{rejected: missing_member, member: userId}", [("member", "userId", "sessionId")]),
    ],
)
def test_what_differs_is_named_member_by_member(
    tmp_path: Path, value: str, output: str, rows: list[tuple[str, object, object]]
) -> None:
    result = only(tmp_path, config(case(value, output)))
    assert not result.passed
    found = [tuple(row) for block in result.blocks[0] for row in block.rows if not row.same]
    assert found[: len(rows)] == rows


def test_a_record_may_make_events_and_be_rejected(tmp_path: Path) -> None:
    output = f"{{rejected: missing_member, member: eventType, events: [{FIRST}]}}"
    assert only(tmp_path, config(case(MIXED, output), rules=ITEMS)).passed
    for other in ("{rejected: missing_member, member: eventType}", f"[{FIRST}]"):
        assert not only(tmp_path, config(case(MIXED, other), rules=ITEMS)).passed


def test_an_event_too_many_or_too_few_is_found_by_its_id(tmp_path: Path) -> None:
    value = "{s: s1, items: [{t: View, i: p1}, {t: Buy, i: p2}]}"
    second = FIRST.replace("-0-0-0", "-0-0-1").replace("View", "Buy").replace("p1", "p2")
    assert only(tmp_path, config(case(value, f"[{FIRST}, {second}]"), rules=ITEMS)).passed
    [missing] = only(tmp_path, config(case(value, f"[{second}]"), rules=ITEMS)).blocks[0]
    assert missing.title == "event 1 is not expected"
    third = second.replace("-0-0-1", "-0-0-2")
    [extra] = only(tmp_path, config(case(value, f"[{FIRST}, {second}, {third}]"), rules=ITEMS)).blocks[0]
    assert extra.title == "event 3 is missing"


def test_properties_are_compared_one_by_one(tmp_path: Path) -> None:
    rules = "- name: r\n  put_events: {sessionId: value.s, eventType: {const: V}, properties: value.p}\n"
    event = "{sessionId: s, eventType: V, eventId: clicks-0-0-S, sentAt: 1795509011, properties: {a: 1, b: x}}"
    given = "{value: {s: s, p: {a: 1, b: y}}, timestamp: 1795509011000}"
    result = only(tmp_path, config(case(input=given, output=f"[{event}]"), rules=rules))
    names = [row.name for row in result.blocks[0][0].rows if not row.same]
    assert names == ["eventId", "properties.b"]


def test_the_rule_that_must_decide_is_part_of_the_test(tmp_path: Path) -> None:
    assert only(tmp_path, config(case(rule="clicks"))).passed
    result = only(tmp_path, config(case(rule="bots")))
    assert [block.title for block in result.blocks[0]] == ["rule"]


def test_a_condition_that_cannot_be_evaluated_is_reported(tmp_path: Path) -> None:
    rules = "- {name: odd, when: 'length(value.n) > `1`', skip: odd}\n"
    result = only(tmp_path, config(case("{n: 1}", "{filtered: true}"), rules=rules))
    assert result.passed
    assert result.outcomes[0].failed == (("web", "odd"),)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        ([1, {"a": 1.0}], [1.0, {"a": 1}], True),
        ([1], [1, 2], False),
        ({"a": None}, {}, False),
        (None, None, True),
    ],
)
def test_numbers_are_equal_whatever_their_type_and_nothing_else_is(left: object, right: object, equal: object) -> None:
    assert same(left, right) is same(right, left) is equal


# -- the clock ------------------------------------------------------------------------------------------------

TIMED = "- name: r\n  put_events: {sessionId: value.s, eventType: {const: V}, sentAt: value.t}\n"


@pytest.mark.parametrize(
    ("others", "given", "output"),
    [
        ({}, "{value: {s: s, t: 4000000000}}", "[{contains: {sentAt: 4000000000}}]"),
        ({}, "{value: {s: s, t: 4000000000}}", "[{contains: {sessionId: s}}]"),
        ({}, "{value: {s: s, t: 1795600000}, timestamp: 1795500000000}", "{rejected: time_out_of_window}"),
        ({"now": "1795500000000"}, "{value: {s: s, t: 1795600000}}", "{rejected: time_out_of_window}"),
        ({"now": "1795600000000"}, "{value: {s: s, t: 1795600000}}", "[{contains: {sentAt: 1795600000}}]"),
    ],
)
def test_the_clock_shows_the_latest_time_that_the_test_names(
    tmp_path: Path, others: dict[str, str], given: str, output: str
) -> None:
    assert only(tmp_path, config(case(input=given, output=output, **others), rules=TIMED)).passed


# -- files of records -----------------------------------------------------------------------------------------


def test_each_line_of_a_file_has_an_output(tmp_path: Path) -> None:
    (tmp_path / "l.jsonl").write_text('{"bot":1}\n{"session":"s1","action":"view","item":"p1"}\n{"other":1}\n')
    outputs = f"[{{skipped: bot}}, [{EVENT.replace('clicks-0-0', 'clicks-0-1')}], {{filtered: true}}]"
    assert only(tmp_path, config(case(input="{file: l.jsonl}", outputs=outputs))).passed
    result = only(tmp_path, config(case(input="{file: l.jsonl}", outputs="[{skipped: bot}]")))
    assert (result.passed, result.missing) == (False, -2)


# -- which files ----------------------------------------------------------------------------------------------


def file_of_tests(name: str) -> str:
    return "tests:\n" + "".join(f"  {line}\n" for line in case(name=name).splitlines())


def test_tests_lie_in_the_file_and_in_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "clicks_test.yaml").write_text(file_of_tests("own"))
    (tmp_path / "more_test.yml").write_text(file_of_tests("of all"))
    (tmp_path / "clicks_eu.yaml").write_text(config(case()))
    (tmp_path / "clicks_eu_test.yaml").write_text(file_of_tests("of another"))
    names = [result.case.test.name for result in results(tmp_path, config(case(name="inside")))]
    assert names == ["inside", "own", "of all"]


def test_a_file_of_tests_stands_for_the_configuration_that_it_is_of(tmp_path: Path) -> None:
    (tmp_path / "clicks.yaml").write_text(config(case()))
    (tmp_path / "clicks_test.yaml").write_text(file_of_tests("own"))
    paths = [str(tmp_path / name) for name in ("clicks.yaml", "clicks_test.yaml")]
    assert configurations(paths) == configurations(paths[1:]) == [tmp_path / "clicks.yaml"]


def test_a_configuration_may_be_called_like_a_file_of_tests(tmp_path: Path) -> None:
    """As that of a test stage is."""
    (tmp_path / "clicks_test.yaml").write_text(config(case(name="of the stage")))
    assert [result.case.test.name for result in results(tmp_path, config(case(name="own")))] == ["own"]
    path = str(tmp_path / "clicks_test.yaml")
    assert configurations([path]) == [Path(path)]


def test_tests_of_no_configuration_in_particular_ask_for_one(tmp_path: Path) -> None:
    path = tmp_path / "orders_test.yaml"
    path.write_text(file_of_tests("t"))
    assert configurations([str(path)]) == [path]
    found = collect(path, {})
    assert isinstance(found, list)
    assert [problem.code for problem in found] == ["tests-alone"]


def test_a_batch_has_the_events_of_all_its_documents(tmp_path: Path) -> None:
    rules = "- {name: r, put_events: {sessionId: value.s, eventType: envelope.type, sentAt: envelope.time}}\n"
    head = "specversion: '1.0', source: s, type: View, time: '2026-11-24T08:30:11Z'"
    value = "[" + ", ".join(f"{{id: '{number}', {head}, data: {{s: s{number}}}}}" for number in (1, 2)) + "]"
    given = f"{{value: {value}, headers: {{content-type: application/cloudevents-batch+json}}}}"
    expected = "[{contains: {sessionId: s1, sentAt: 1795509011}}, {contains: {sessionId: s2}}]"
    test = config(case(input=given, output=expected), rules=rules, pipeline="value: {envelope: cloudevents}")
    result = only(tmp_path, test)
    assert result.passed, result


def test_the_problems_of_a_file_of_tests_are_located_in_it(tmp_path: Path) -> None:
    beside = tmp_path / "clicks_test.yaml"
    for text, code, line in (
        ("tests: [", "bad-yaml", 1),
        ("", "empty-file", 1),
        ("kafka: {}\ntests: []\n", "unknown-key", 1),
        (file_of_tests("t").replace("pipeline: web", "pipeline: wep"), "unknown-pipeline", 3),
        (file_of_tests("t").replace("output: [", "output: {rejected: emty}  # ["), "unknown-choice", 5),
    ):
        beside.write_text(text)
        problem = wrong(tmp_path, config(case()))
        assert (problem.code, problem.file, problem.line) == (code, str(beside), line)
    beside.write_bytes(b"\xff")
    assert wrong(tmp_path, config(case())).code == "not-utf8"


@pytest.mark.parametrize(
    ("test", "code", "caret"),
    [
        (case(rule="click"), "unknown-rule", "click"),
        (case(output="{rejected: too_long, member: session}"), "unknown-member", "session}"),
        (case(output="[{contains: {session: s1}}]"), "unknown-key", "session:"),
        (case(output="[{contains: []}]"), "wrong-type", "[]"),
        (case(output="{skipped: bots}"), "impossible-test", "bots"),
        (case(output="{rejected: unmatched}"), "impossible-test", "unmatched"),
        (case(output="{rejected: rejected_by_service}"), "impossible-test", "rejected_by"),
        (case(output="[{eventType: View, eventId: e, sentAt: 1}]"), "impossible-test", "{eventType"),
        (case(output=f"[{EVENT.replace('p1', 'null')}]"), "impossible-test", "null"),
    ],
)
def test_an_expectation_that_cannot_be_met_is_a_problem_with_a_caret(
    tmp_path: Path, test: str, code: str, caret: str
) -> None:
    problem = wrong(tmp_path, config(test))
    assert (problem.code, problem.severity) == (code, "error")
    assert problem.source_line[problem.caret :].startswith(caret)


def test_the_outcome_that_unmatched_rules_out_is_impossible(tmp_path: Path) -> None:
    text = config(case(output="{filtered: true}"), pipeline="unmatched: dead_letter")
    assert wrong(tmp_path, text).hint == "write {rejected: unmatched}"
    assert only(tmp_path, config(case("{x: 1}", "{rejected: unmatched}"), pipeline="unmatched: dead_letter")).passed


def test_no_event_comes_of_rules_that_only_skip(tmp_path: Path) -> None:
    assert wrong(tmp_path, config(case(), rules="- {name: r, skip: x}\n")).code == "impossible-test"


def test_an_impossible_test_keeps_no_configuration_from_running() -> None:
    """It was a valid file before tests were run; only `putevents test` refuses it."""
    loaded = load_text(config(case(output="{skipped: bots}")), "clicks.yaml", {})
    assert isinstance(loaded, Loaded)
    assert [each.code for each in loaded.warnings] == ["tests-not-run", "impossible-test"]


def test_a_pattern_chooses_tests_by_a_part_of_their_name(tmp_path: Path) -> None:
    text = config(case(name="a view") + case(name="an order"))
    assert [each.case.test.name for each in ran(tmp_path, text, pattern="ord").results] == ["an order"]


def test_tests_with_a_trace_end_as_those_without(tmp_path: Path) -> None:
    text = config(case() + case(name="bot", value="{bot: 1}", output="{skipped: bot}") + case(name="bad", output="[]"))
    found = collected(tmp_path, text)
    assert isinstance(found, Suite)
    plain, traced = run(found), run(found, traced=True)
    assert [each.outcomes for each in plain.results] == [each.outcomes for each in traced.results]
