"""After an update the tests pass, and everything outside of the expectations is as it was, byte for byte."""

import itertools
import re
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.config.yaml_tree import Tree, parse
from connector.trials import updating
from connector.trials.cases import Suite, collect
from connector.trials.running import run
from connector.trials.updating import Updated, updates
from connector.trials.values import in_yaml
from tests.support.examples import examples
from tests.support.trials import EVENT, RULES, VIEW, case, config, ran

WRONG = EVENT.replace("p1", "p2")


def updated(folder: Path, text: str) -> Updated:
    [found] = updates(ran(folder, text))
    return found


def after(folder: Path, text: str) -> str:
    """The file's text after an update of all tests that fail, which then pass."""
    found = updated(folder, text)
    assert not found.refused
    found.write()
    assert all(result.passed for result in ran(folder, found.text).results)
    return found.text


# -- laws -----------------------------------------------------------------------------------------------------

VALUES = [VIEW, "{bot: true}", "{other: 1}", "{action: view}", "{session: s1, action: scroll}"]
FLOW = [
    f"[{WRONG}]",
    "{skipped: lookup}",
    "{filtered: true}",
    "{rejected: too_long}",
    "[]",
    "[{contains: {itemId: x}}]",
]
FLOW += [f"[{WRONG},\n      {WRONG}]", "{\n  # a comment\n   rejected: too_long }", "[{contains: {userId: 'x'}}]"]
BLOCKS = [
    f"- {WRONG}",
    f"- {WRONG}   # an event\n\n# between\n- {EVENT}",
    "- contains:\n    itemId: x   # why\n    properties:\n      note: |\n        two\n        lines\n",
    "skipped: lookup",
    "rejected: too_long\nevents:\n- {contains: {itemId: x}}",
    '- contains: {eventType: "V: # no comment"}',
]
between = st.sampled_from(["", "\n", "# a comment\n", "\n  # indented: {output: []}\n\n"])
flow_outputs = st.builds(
    lambda gap, text: f"{gap}{text}", st.sampled_from([" ", "  ", "\n      ", " # why\n      "]), st.sampled_from(FLOW)
)
block_outputs = st.builds(
    lambda gap, text, columns: gap + "\n" + indent(text.rstrip("\n"), " " * columns),
    st.sampled_from(["", "   ", "  # what is expected"]),
    st.sampled_from(BLOCKS),
    st.sampled_from([5, 6, 9]),
)
same_column = st.builds(lambda text: "\n" + indent(text, "    "), st.sampled_from(BLOCKS[:2]))


@st.composite
def block_tests(draw: st.DrawFn) -> tuple[str, str, str]:
    """The text before an output, the output, and the text after it, of a test in block style."""
    value = draw(st.sampled_from(VALUES))
    head = f"{draw(between)}  - name: {draw(st.sampled_from(['t', chr(34) + 'a: b' + chr(34)]))}  # its name\n"
    parts = ["    pipeline: web\n", f"    input:   {{value: {value}}}\n"]
    output = draw(flow_outputs | block_outputs | same_column)
    is_literal = output.endswith("lines")  # then a comment would be a part of it
    tail = draw(st.sampled_from(["\n", "\n\n"] if is_literal else ["\n", "   # after\n", "\n\n"]))
    place = draw(st.integers(0, 2))
    before, rest = "".join(parts[:place]), "".join(parts[place:])
    return head + before + "    output:", output, tail + rest + draw(between)


@st.composite
def flow_tests(draw: st.DrawFn) -> tuple[str, str, str]:
    """The same in flow style, on one line."""
    value = draw(st.sampled_from(VALUES))
    output = draw(st.sampled_from([text for text in FLOW if "\n" not in text]))
    head = f"  - {{name: t, pipeline: web, input: {{value: {value}}},  output:"
    if draw(st.booleans()):
        return head, f" {output}", "}  # all on one line\n"
    return "  - {name: t, output:", f" {output}", f", pipeline: 'web', input: {{value: {value}}}}}\n"


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tests=st.lists(block_tests() | flow_tests(), min_size=1, max_size=4),
    newline=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    tests_first=st.booleans(),
)
def test_an_update_makes_the_tests_pass_and_changes_nothing_else(
    tmp_path: Path,
    tests: list[tuple[str, str, str]],
    newline: str,
    mark: bytes,
    tests_first: bool,  # noqa: FBT001
) -> None:
    start = "" if tests_first else config()
    end = config() if tests_first else ""
    outside = [f"{start}tests:   # all of them\n{tests[0][0]}"]
    outside += [f"{one[2]}{other[0]}" for one, other in itertools.pairwise(tests)] + [tests[-1][2] + end]
    text = "".join(part for pair in zip(outside, [test[1] for test in tests] + [""], strict=True) for part in pair)
    path = tmp_path / "clicks.yaml"
    path.write_bytes(mark + text.replace("\n", newline).encode())
    found = collected_bytes(path)
    for each in updates(run(found)):
        assert not each.refused
        each.write()
    assert all(result.passed for result in run(collected_bytes(path)).results)
    now = path.read_bytes()
    assert now.startswith(mark)
    pattern = "(.*?)".join(re.escape(part.replace("\n", newline)) for part in outside)
    assert re.fullmatch(pattern, now.removeprefix(mark).decode(), re.DOTALL), now.decode()
    assert (b"\r\n" in now) == (newline == "\r\n")
    assert not re.search(rb"[^\r]\n" if newline == "\r\n" else rb"\r", now)


def collected_bytes(path: Path) -> Suite:
    """The tests of a file that is there."""
    found = collect(path, {})
    assert isinstance(found, Suite), found
    return found


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))  # YAML holds no others
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
data = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts.filter(bool), inner), max_leaves=12)


@given(data)
def test_data_in_yaml_on_one_line_is_read_as_the_same_data(value: Any) -> None:
    text = in_yaml([value])
    assert text.isprintable()
    tree = parse(text)
    assert (tree.data, tree.faults) == ([value], [])


@pytest.mark.parametrize(
    "text", ["View", "a1", "p-1", "Product Viewed", "no", "1e3", "0o7", "", " ", "a: b", "#a", "é"]
)
def test_text_is_in_quotes_only_where_some_reader_would_take_it_for_something_else(text: str) -> None:
    assert yaml.safe_load(in_yaml(text)) == text
    assert in_yaml(text).startswith('"') is (text not in {"View", "a1", "p-1", "Product Viewed"})


# -- layout ---------------------------------------------------------------------------------------------------


def test_a_line_that_still_fits_stays_one_line(tmp_path: Path) -> None:
    text = config(case(output=f"[{WRONG}]   # why"))
    assert after(tmp_path, text) == text.replace("p2", "p1")


def test_members_keep_their_order_and_a_choice_of_members_stays_a_choice(tmp_path: Path) -> None:
    text = config(case(output="[{contains: {itemId: p2, eventType: View, userId: u1}}]"))
    assert after(tmp_path, text) == text.replace(
        "{itemId: p2, eventType: View, userId: u1}", "{itemId: p1, eventType: View}"
    )
    text = config(case(output=f"[{{itemId: p2, {EVENT.removeprefix('{').replace('itemId: p1, ', '')}]"))
    assert after(tmp_path, text) == text.replace("p2", "p1")


def test_a_block_stays_a_block_at_its_column(tmp_path: Path) -> None:
    text = config(case("{bot: 1}", "\n  # expected\n      - {contains: {itemId: x}}"))
    assert after(tmp_path, text) == text.replace("- {contains: {itemId: x}}", "{skipped: bot}")


def test_what_no_longer_fits_on_a_line_becomes_a_block_below_its_key(tmp_path: Path) -> None:
    long = VIEW.replace("s1", "s" * 90)
    text = after(tmp_path, config(case(long, "{skipped: bot}  # kept")))
    assert text.endswith(
        f"    output:\n      - {{sessionId: {'s' * 90},\n"
        "         eventType: View, eventId: clicks-0-0, itemId: p1, sentAt: 1795509011}  # kept\n\n"
    )


def test_the_outputs_of_a_file_are_updated_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "l.jsonl").write_text(f'{{"bot":1}}\n{{"session":"{"s" * 99}","action":"view"}}\n{{"action":"view"}}\n')
    text = after(tmp_path, config(case(input="{file: l.jsonl}", outputs="[]")))
    assert text.endswith(
        "    outputs:\n"
        "      - {skipped: bot}\n"
        f"      - - {{sessionId: {'s' * 99},\n"
        "           eventType: View, eventId: clicks-0-1, sentAt: 1795509011}\n"
        "      - {rejected: missing_member, member: sessionId}\n"
        "    input: {file: l.jsonl}\n\n"
    )


def test_events_beside_a_rejection_are_kept(tmp_path: Path) -> None:
    rules = (
        "- name: r\n  for_each: value.items\n"
        "  put_events: {sessionId: item.s, eventType: {const: V}, trackingId: item.t, sentAt: {const: 1795509011}}\n"
    )
    text = config(case("{items: [{s: s1, t: t2}, {}]}", "{rejected: too_long}"), rules=rules)
    event = "{trackingId: t2, sessionId: s1, eventType: V, eventId: clicks-0-0-0, sentAt: 1795509011}"
    assert f"output: {{rejected: missing_member, events: [{event}]}}\n" in after(tmp_path, text)


def test_the_files_beside_are_updated_where_their_tests_are(tmp_path: Path) -> None:
    beside = tmp_path / "clicks_test.yaml"
    beside.write_text(f"tests:\n- name: t\n  pipeline: web\n  input: {{value: {VIEW}}}\n  output: []\n")
    [found] = updates(ran(tmp_path, config(case())))
    assert found.path == beside
    assert found.text == beside.read_text().replace("[]", f"[{EVENT}]")


def test_all_tests_pass_is_no_update(tmp_path: Path) -> None:
    assert updates(ran(tmp_path, config(case()))) == []


# -- what is refused ------------------------------------------------------------------------------------------

SHARED = "other tests share it, through an alias or a merge"
IN_IT = "there is an anchor, an alias or a tag in it"
ELSEWHERE = "it stands elsewhere in the file, through an alias or a merge"


@pytest.mark.parametrize(
    ("tests", "why"),
    [
        (case(output="&a []"), IN_IT),
        (case(output="!!seq []"), IN_IT),
        (case(output="[&a {contains: {itemId: x}}]"), IN_IT),
        (case(output="&a []") + case(output="*a"), SHARED),
        (case(output="[&a {contains: {itemId: x}}]") + case(output="[*a]"), IN_IT),
        (
            "- &a\n  name: t\n  pipeline: web\n  input: {value: " + VIEW + "}\n  output: []\n- {<<: *a, name: u}\n",
            SHARED,
        ),
        ("- &a {name: t, pipeline: web, input: {value: " + VIEW + "}, output: []}\n- *a\n", SHARED),
    ],
)
def test_a_shared_expectation_is_refused_with_words_and_left_alone(tmp_path: Path, tests: str, why: str) -> None:
    text = config(tests)
    found = updated(tmp_path, text)
    assert not found.updated
    assert {reason for _, reason in found.refused} <= {why, IN_IT, SHARED}
    assert found.refused[0][1] == why
    assert found.text == text


def test_an_expectation_that_is_an_alias_of_other_data_is_refused(tmp_path: Path) -> None:
    text = config(
        case("{session: s1, action: view, item: &a []}", "*a"), rules=RULES.replace("value.item", "value.other")
    )
    assert updated(tmp_path, text).refused[0][1] in {SHARED, ELSEWHERE}


def test_an_anchor_elsewhere_in_a_test_hinders_nothing(tmp_path: Path) -> None:
    text = config(case(f"&v {VIEW}", "[]") + case("*v", f"[{EVENT}]"))
    assert after(tmp_path, text) == text.replace("output: []", f"output: [{EVENT}]")


def test_a_test_whose_rule_is_wrong_is_not_updated(tmp_path: Path) -> None:
    found = updated(tmp_path, config(case(rule="bots", output="[]")))
    assert found.refused[0][1] == "another rule decided than the test names"


def test_many_tests_are_updated_with_one_reading_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def counted(text: str) -> Tree:
        nonlocal read
        read += 1
        return parse(text)

    monkeypatch.setattr(updating, "parse", counted)
    found = updated(tmp_path, config(case(output="[]") * 9))
    assert len(found.updated) == 9
    assert read == 2  # before, to compare, and after


def test_one_that_changes_more_is_refused_alone(tmp_path: Path) -> None:
    rules = "- name: r\n  put_events: {sessionId: value.s, eventType: {const: V}, properties: value.p}\n"
    given = """{value_text: '{"s":"s","p":{"k":"\\u0000"}}', timestamp: 1795509011000}"""
    tests = case(input=given, output="[]", name="bad") + case("{}", "[]", name="good")
    found = updated(tmp_path, config(tests, rules=rules))
    assert [result.case.test.name for result in found.updated] == ["good"]
    assert [result.case.test.name for result, _ in found.refused] == ["bad"]


def test_what_no_yaml_can_hold_is_not_written(tmp_path: Path) -> None:
    rules = "- name: r\n  put_events: {sessionId: value.s, eventType: {const: V}, properties: value.p}\n"
    given = """{value_text: '{"s":"s","p":{"k":"\\u0000"}}', timestamp: 1795509011000}"""
    found = updated(tmp_path, config(case(input=given, output="[]"), rules=rules))
    assert found.refused[0][1] == "YAML cannot hold what was found"


def test_one_test_that_is_refused_keeps_no_other_from_being_updated(tmp_path: Path) -> None:
    found = updated(tmp_path, config(case(name="a", output="&a []") + case(name="b", output="[]")))
    assert [result.case.test.name for result in found.updated] == ["b"]
    assert [result.case.test.name for result, _ in found.refused] == ["a"]
