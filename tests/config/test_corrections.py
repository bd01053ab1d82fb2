"""A slip at an outer level hides nothing below it, and makes no mistake of its own."""

import pytest

from connector.config import render
from tests.config.test_loading import rule
from tests.support.config_files import build, loaded, problems


def found(text: str) -> list[tuple[str, str]]:
    """The code of each problem, and what it points at, in the order of the file."""
    return [(each.code, each.source_line[each.caret : each.caret + each.length]) for each in problems(text, {})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            build(personalize="personalise: {tracking_idd: t, region: europe}"),
            [("unknown-key", "personalise"), ("unknown-key", "tracking_idd"), ("bad-region", "europe")],
        ),
        (
            build(kafka="kafak: {bootstrap_serverz: 'a:99999', group_id: 5}"),
            [("unknown-key", "kafak"), ("unknown-key", "bootstrap_serverz"), ("bad-server", "'a:99999'"),
             ("wrong-type", "5")],
        ),
        (
            build(delivery="delivry: {linger: 5, retry: {initail: 1}}"),
            [("unknown-key", "delivry"), ("bad-duration", "5"), ("unknown-key", "initail"), ("bad-duration", "1")],
        ),
        (
            build().replace("pipelines:", "pipeline:").replace("topics:", "topic:").replace("rules:", "rule:")
            .replace("value.session", "valu.session"),
            [("unknown-key", "pipeline"), ("unknown-key", "topic"), ("unknown-key", "rule"), ("unknown-name", "v")],
        ),
        (
            rule("putevents: {sesionId: value., evenType: {cnst: ''}}"),
            [("unknown-key", "putevents"), ("unknown-key", "sesionId"), ("syntax-error", "."),
             ("unknown-key", "evenType"), ("unknown-key", "cnst"), ("empty", "''")],
        ),
        (
            build(kafka="kafka: {bootstrap_servers: b:1, group_id: g, auth: {type: scrm, usernam: u}}"),
            [("missing-key", "auth"), ("unknown-choice", "scrm"), ("unknown-key", "usernam")],
        ),
        (
            build(kafka="kafka: {bootstrap_servers: b:1, group_id: g, librdkafak: {nope: 1}}"),
            [("unknown-key", "librdkafak"), ("unknown-property", "nope")],
        ),
    ],
)  # fmt: skip
def test_below_a_slip_every_mistake_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    seen = found(text)
    if ("syntax-error", ".") in expected:
        seen = [("syntax-error", ".") if code.startswith("syntax") or at == "." else (code, at) for code, at in seen]
    assert seen == expected


def test_a_slip_is_read_as_what_it_means_and_so_makes_no_mistake_of_its_own() -> None:
    assert found(build(personalize="personalise: {tracking_id: t}")) == [("unknown-key", "personalise")]
    assert found(build().replace("pipelines:", "pipeline:")) == [("unknown-key", "pipeline")]


def test_of_two_keys_that_mean_one_the_first_is_read() -> None:
    text = build(delivery="delivery: {lingr: 1, lingerr: 1s}")
    assert found(text) == [("unknown-key", "lingr"), ("bad-duration", "1"), ("unknown-key", "lingerr")]
    text = build(delivery="delivery: {linger: 1s, lingr: 1}")
    assert found(text) == [("unknown-key", "lingr")]


def test_what_is_far_from_every_known_key_is_read_as_none() -> None:
    assert found(build(log="log: {formatting_of_lines: 5}")) == [("unknown-key", "formatting_of_lines")]


def test_a_slip_that_a_merge_brings_in_is_told_where_it_stands() -> None:
    text = build(log="log: &l {levle: 5}", server="server: {<<: *l}").replace("log: &l", "log: &l", 1)
    assert ("unknown-key", "levle") in found(build(log="log: {levle: 5}"))
    assert problems(text, {})


def test_secrets_below_a_slip_are_masked() -> None:
    auth = "auht: {type: plain, usernam: u, password: hunter2, other: hunter3}"
    text = build(kafka=f"kafka: {{bootstrap_servers: b:1, group_id: g, {auth}}}")
    assert "hunter" not in render(problems(text, {}))
    assert [code for code, _ in found(text)] == ["unknown-key"] * 3


# -- parts of a rule --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("put_events: {sessionId: valu.s, eventType: {const: V}, itemId: 5}", ["unknown-name", "wrong-type"]),
        ("put_events: {sessionId: 5, eventType: {const: V}, itemId: valu.i}", ["wrong-type", "unknown-name"]),
        ("put_events: {itemId: valu.i}", ["missing-key", "missing-key", "unknown-name"]),
        ("when: 5\nput_events: {sessionId: valu.s, eventType: {const: V}}", ["wrong-type", "unknown-name"]),
        ("for_each: 5\nput_events: {sessionId: item.s, eventType: itm.t}", ["wrong-type", "unknown-name"]),
        ("nothing_like_it: 5\nwhen: valu.a\nskip: x", ["unknown-key", "unknown-name"]),
        (
            "put_events: {sessionId: value.s, eventType: {const: V}, properties: {a: 5, b: valu.b}}",
            ["wrong-type", "unknown-name"],
        ),
        (
            "put_events: {trackingId: 5, sessionId: valu.s, eventType: {const: V}}",
            ["wrong-type", "unknown-name"],
        ),
    ],
)
def test_a_part_of_a_rule_that_is_wrong_hides_nothing_in_the_others(text: str, expected: list[str]) -> None:
    assert sorted(code for code, _ in found(rule(text))) == sorted(expected)


@pytest.mark.parametrize("key", ["name: 5", "value: {format: 5}", "unmatched: never", "key: {format: x}", "topics: 5"])
def test_a_key_of_a_pipeline_that_is_wrong_hides_nothing_in_its_rules(key: str) -> None:
    keys = {"name": "name: web", "topics": "topics: [clicks]"}
    keys[key.partition(":")[0]] = key
    flow = ", ".join(keys.values())
    text = build(pipelines=f"pipelines:\n  - {{{flow}, rules: [{{name: a, when: valu.a, skip: x}}]}}")
    assert [code for code, _ in found(text)][1:] == ["unknown-name"]
    assert len(found(text)) == 2


def test_a_rule_without_its_condition_is_not_taken_for_one_that_takes_every_record() -> None:
    text = build(
        pipelines="""\
        pipelines:
          - name: web
            topics: [clicks]
            rules:
              - {name: first, condition: value.a, skip: x}
              - {name: second, when: value.b, skip: x}"""
    )
    assert found(text) == [("unknown-key", "condition")]


def test_a_file_without_slips_is_read_once_and_as_it_is() -> None:
    assert loaded(build()).warnings == ()
