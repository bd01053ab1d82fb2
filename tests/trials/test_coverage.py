"""What no test uses is listed with its line; what is used is not."""

from pathlib import Path

import pytest

from connector.trials.coverage import coverage_of, together
from tests.support.trials import VIEW, case, config, ran

RULES = """\
- name: skips
  when: value.bot
  skip: bot
- name: makes
  when: value.s
  put_events:
    sessionId: value.s
    userId: value.u
    eventType: {from: value.a, lookup: {view: View, "1": One}, otherwise: {const: Other}}
    itemId:
      case:
        - when: value.i == 'x'
          then: {from: value.i, default: d}
        - when: value.i
          then: {from: value.k, default: d}
        - else: {from: value.j, lookup: {q: Q}, default: none}
    eventValue: {from: value.v, default: 1}
    impression: [value.x, {const: p1}]
    properties:
      color: value.c
      size: {from: value.z, otherwise: skip}
    sentAt: {const: 1795509011}
- name: each
  for_each: {from: value.items, otherwise: skip}
  put_events: {sessionId: item.s, eventType: {const: V}, sentAt: {const: 1795509011}, properties: item.p}
"""
ALL = [
    ("{bot: 1}", "{skipped: bot}"),
    ("{s: s, a: view, u: u, i: x, x: a, c: red, z: 1, v: 2}", "[{contains: {userId: u}}]"),
    ("{s: s, a: 1, i: y, c: red, z: 1}", "[{contains: {itemId: d}}]"),
    ("{s: s, a: 2, j: q, z: 1}", "[{contains: {itemId: Q}}]"),
    ("{s: s, a: 2, j: r, z: 1}", "[{contains: {itemId: none2}}]"),
    ("{s: s, a: 2, i: y, k: k, z: 1}", "[{contains: {itemId: k}}]"),
    ("{s: s}", "{skipped: missing_member}"),
    ("{s: [], a: 1, z: 1}", "{skipped: missing_list}"),
    ("{s: [1], a: 1, z: 1}", "{rejected: wrong_type}"),
    ("{items: [{s: s, p: {a: 1}}]}", "[{contains: {sessionId: s}}]"),
    ("{items: [{}]}", "{rejected: missing_member}"),
]


def missed(folder: Path, *tests: tuple[str, str]) -> list[tuple[int, str, str]]:
    text = config("".join(case(value, output) for value, output in tests), rules=RULES)
    return [(each.line, each.rule, each.what) for each in coverage_of(ran(folder, text, traced=True)).missed]


def test_nothing_is_missed_where_each_part_has_a_test(tmp_path: Path) -> None:
    """A default of a case's arm that cannot be taken, as its condition rules null out, is the only part left."""
    text = config("".join(case(value, output) for value, output in ALL), rules=RULES)
    coverage = coverage_of(ran(tmp_path, text, traced=True))
    assert [each.what for each in coverage.missed] == ["itemId: its default"]
    assert (coverage.used, coverage.all) == (coverage.all - 1, coverage.all)


def test_a_rule_that_no_test_reaches_is_one_line_and_counts_with_all_its_parts(tmp_path: Path) -> None:
    found = coverage_of(ran(tmp_path, config(case("{bot: 1}", "{skipped: bot}"), rules=RULES), traced=True))
    assert [(each.rule, each.what) for each in found.missed] == [
        ("makes", "no test reaches it"),
        ("each", "no test reaches it"),
    ]
    assert found.used == 1
    assert found.percent == int(1000 / found.all) / 10


LINES = {text: number for number, text in enumerate(config("- {}", rules=RULES).splitlines(), 1)}


def line(start: str) -> int:
    [number] = [number for text, number in LINES.items() if text.strip().startswith(start)]
    return number


@pytest.mark.parametrize(
    ("left_out", "what", "at"),
    [
        (0, "no test reaches it", "- name: skips"),
        (3, "itemId: row q of its lookup", "- else"),
        (6, "properties.size: its otherwise", "size:"),
        (7, "otherwise of for_each", "for_each"),
        (8, "no test in which it rejects a record", "- name: makes"),
        (10, "no test in which it rejects a record", "- name: each"),
    ],
)
def test_without_one_of_the_tests_its_part_is_missed(tmp_path: Path, left_out: int, what: str, at: str) -> None:
    rest = [test for number, test in enumerate(ALL) if number != left_out]
    found = [each for each in missed(tmp_path, *rest) if each[2] != "itemId: its default"]
    assert (line(at), what) in [(number, each) for number, _, each in found]


def test_arms_rows_defaults_and_members_without_a_value_are_missed(tmp_path: Path) -> None:
    found = missed(tmp_path, ALL[1])
    assert sorted(what for _, rule, what in found if rule == "makes") == [
        "eventType: its otherwise",
        "eventType: row 1 of its lookup",
        "eventValue: its default",
        "itemId: arm 2 of its case",
        "itemId: else of its case",
        "itemId: its default",
        "itemId: its default",
        "itemId: its default",
        "itemId: row q of its lookup",
        "no test in which it rejects a record",
        "properties.size: its otherwise",
    ]


def test_a_rule_that_can_reject_nothing_needs_no_test_in_which_it_does(tmp_path: Path) -> None:
    fixed = "- {name: r, put_events: {sessionId: {const: s}, eventType: {const: V}, sentAt: {const: 1795509011}}}\n"
    tests = case("{}", "[{contains: {eventType: V}}]")
    assert coverage_of(ran(tmp_path, config(tests, rules=fixed), traced=True)).percent == 100
    timed = fixed.replace(", sentAt: {const: 1795509011}", "")
    given = "{value: {}, timestamp: 1795509011000}"
    tests = case(input=given, output="[{contains: {eventType: V}}]")
    [left] = coverage_of(ran(tmp_path, config(tests, rules=timed), traced=True)).missed
    assert left.what == "no test in which it rejects a record"


def test_the_coverage_of_several_files_is_of_all_their_parts(tmp_path: Path) -> None:
    one = coverage_of(ran(tmp_path, config(case("{bot: 1}", "{skipped: bot}"), rules=RULES), traced=True))
    other = coverage_of(ran(tmp_path, config(case(VIEW)), traced=True))
    whole = together([one, other])
    assert (whole.used, whole.all) == (one.used + other.used, one.all + other.all)
    assert whole.missed == one.missed + other.missed
    assert together([]).percent == 100
