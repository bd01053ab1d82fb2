"""What people and programs read about tests."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from connector.trials.comparing import ABSENT
from connector.trials.coverage import coverage_of
from connector.trials.programs import as_json, as_junit
from connector.trials.text import Report, shown
from tests.support.trials import EVENT, VIEW, case, config, only, ran, results

PLAIN = Report(colour=False)


def report(folder: Path, test: str) -> str:
    result = only(folder, config(test))
    return PLAIN.failed(result).replace(str(folder), "")


def test_a_test_that_fails_shows_both_sides_member_by_member(tmp_path: Path) -> None:
    test = case(name="a view", output="[{contains: {itemId: p1, userId: u1, eventType: 'a longer name'}}]")
    assert report(tmp_path, test) == (
        "FAIL  /clicks.yaml:21: a view\n"
        "      event 1      expected       found\n"
        "        itemId     p1             p1\n"
        "      ! userId     u1             -\n"
        "      ! eventType  a longer name  View"
    )


def test_a_rejection_says_why(tmp_path: Path) -> None:
    assert report(tmp_path, case("{action: view}", "{skipped: bot}")) == (
        "FAIL  /clicks.yaml:21: t\n"
        "      outcome     expected  found\n"
        "      ! outcome   skipped   rejected\n"
        "      ! reason    bot       -\n"
        "      ! rejected  -         missing_member\n"
        "      ! member    -         sessionId\n"
        "      because pipeline web, rule clicks: sessionId is required, but value.session is null or empty"
    )


def test_values_too_wide_to_stand_side_by_side_stand_one_below_the_other(tmp_path: Path) -> None:
    wide, other = "w" * 50, "v" * 50
    event = f"[{{contains: {{itemId: {other}, sessionId: {'s' * 46}, eventType: View}}}}]"
    test = case(f"{{session: {'s' * 46}, action: view, item: {wide}}}", event)
    assert report(tmp_path, test) == (
        "FAIL  /clicks.yaml:21: t\n"
        "      event 1      expected  found\n"
        f"      ! itemId     expected  {other}\n"
        f"                   found     {wide}\n"
        f"        sessionId  {'s' * 46}\n"
        "        eventType  View      View"
    )


def test_wide_characters_take_two_columns(tmp_path: Path) -> None:
    text = report(tmp_path, case(output="[{contains: {itemId: 商品, userId: abcd}}]"))
    assert "      ! itemId  商品      p1\n      ! userId  abcd      -" in text


def test_a_file_of_records_names_the_record(tmp_path: Path) -> None:
    (tmp_path / "l.jsonl").write_text('{"bot":1}\n{"bot":1}\n{"bot":1}\n')
    text = report(tmp_path, case(input="{file: l.jsonl}", outputs="[{skipped: bot}, {filtered: true}]"))
    assert "      expected 2 outputs, found 3 records\n      record 2\n      outcome" in text


def test_only_a_terminal_gets_colours(tmp_path: Path) -> None:
    result = only(tmp_path, config(case(output="[]")))
    assert "\x1b[31mFAIL\x1b[0m" in Report(colour=True).failed(result)
    assert Report(colour=True).summary(2, 0) == "\x1b[32m2 tests passed\x1b[0m"
    assert "\x1b" not in PLAIN.failed(result) + PLAIN.summary(1, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("View", "View"),
        ("", '""'),
        (" a", '" a"'),
        ("1", '"1"'),
        (1, "1"),
        ("-", '"-"'),
        (ABSENT, "-"),
        ("null", '"null"'),
        (None, "null"),
        ("a\x1b[31m", '"a\\u001b[31m"'),
        ("\x9b", '"\\u009b"'),
        (["é"], '["é"]'),
    ],
)
def test_a_value_is_shown_so_that_its_type_is_seen_and_no_terminal_obeys_it(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_condition_that_fails_is_noted_once_a_rule(tmp_path: Path) -> None:
    rules = "- {name: odd, when: 'length(value.n) > `1`', skip: odd}\n"
    tests = case("{n: 1}", "{filtered: true}", name="first") + case("{n: 2}", "{filtered: true}")
    text = PLAIN.conditions(results(tmp_path, config(tests, rules=rules)))
    assert text.count("\n") == 1
    assert text.startswith("note: pipeline web, rule odd: its condition could not be evaluated in the test first (")


def test_coverage_is_a_line_for_each_part_and_one_for_all(tmp_path: Path) -> None:
    coverage = coverage_of(ran(tmp_path, config(case()), traced=True))
    lines = PLAIN.coverage(coverage).replace(str(tmp_path), "").splitlines()
    assert lines[0] == "/clicks.yaml:9: not covered: pipeline web, rule bots: no test reaches it"
    assert "/clicks.yaml:17: not covered: pipeline web, rule clicks: eventType: row buy of its lookup" in lines
    assert lines[-1] == f"coverage: {coverage.percent:g} % ({coverage.used} of {coverage.all} parts)"


def test_the_json_has_what_was_found_and_what_differs(tmp_path: Path) -> None:
    done = ran(tmp_path, config(case() + case("{action: view}", "[]", name="none")), traced=True)
    found = json.loads(json.dumps(as_json(list(done.results), coverage_of(done))))
    assert (found["passed"], found["failed"]) == (1, 1)
    [good, bad] = found["tests"]
    assert good["records"][0]["found"][0]["itemId"] == "p1"
    assert bad["records"][0]["found"] == {"rejected": "missing_member", "member": "sessionId"}
    assert bad["records"][0]["differences"][0] == {
        "part": "outcome", "member": "outcome", "expected": "events", "found": "rejected",
    }  # fmt: skip
    assert found["coverage"]["not_covered"][0]["rule"] == "bots"
    assert "coverage" not in as_json(list(done.results), None)


def test_the_json_has_conditions_that_failed_and_records_without_an_output(tmp_path: Path) -> None:
    (tmp_path / "l.jsonl").write_text('{"n":1}\n{"n":1}\n')
    rules = "- {name: odd, when: 'length(value.n) > `1`', skip: odd}\n"
    text = config(case(input="{file: l.jsonl}", outputs="[{filtered: true}]"), rules=rules)
    [test] = as_json(results(tmp_path, text), None)["tests"]
    assert [record["failed_conditions"] for record in test["records"]] == [["odd"], ["odd"]]


def test_the_junit_file_counts_by_file_and_holds_the_differences(tmp_path: Path) -> None:
    beside = f"tests:\n- {{name: u, pipeline: web, input: {{value: {VIEW}}}, output: []}}\n"
    (tmp_path / "clicks_test.yaml").write_text(beside)
    name = '"a <b> \\x01"'
    root = ET.fromstring(as_junit(results(tmp_path, config(case(name=name, output=f"[{EVENT}]") + case(output="[]")))))  # noqa: S314  our own
    assert [(suite.get("tests"), suite.get("failures")) for suite in root] == [("2", "1"), ("1", "1")]
    [good, bad] = root[0]
    assert (good.get("name"), good.get("line"), len(good)) == ("a <b> �", "21", 0)
    assert "! " in (bad[0].text or "")
