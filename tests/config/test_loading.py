"""A whole file: what it becomes, and where its mistakes are found."""

from pathlib import Path
from textwrap import dedent

import pytest

from connector.config import load
from connector.core.records import Reason
from tests.support.config_files import ENV, EXAMPLE, build, loaded, only, problems


def rule(text: str) -> str:
    """A file whose only rule is the given lines, which start in column 9 of line 9."""
    head = "pipelines:\n  - name: web\n    topics: [clicks]\n    rules:\n      - name: view\n"
    return build(pipelines=head + "        " + dedent(text).strip().replace("\n", "\n        "))


def test_the_documented_example_loads() -> None:
    config = loaded(EXAMPLE).config
    assert config.kafka.bootstrap_servers == ["localhost:9092"]
    assert config.personalize.tracking_id == "tracker-1"
    assert config.delivery.linger == 1.0
    assert config.delivery.retry.initial == 0.1
    assert config.pipelines[0].rules[1].for_each == "value.properties.products"
    assert isinstance(config.tests[0].output, list)
    assert config.tests[0].output[0]["sentAt"] == 1795509011


def test_defaults_are_the_documented_ones() -> None:
    small, whole = loaded(build()).config, loaded(EXAMPLE).config
    assert small.delivery == whole.delivery
    assert small.server == whole.server
    assert small.log == whole.log
    assert small.dead_letter.connect_headers is False
    assert small.kafka.auto_offset_reset == "earliest"
    assert small.personalize.region is None


def test_mappings_are_compiled_in_the_order_of_the_pipelines() -> None:
    pipelines = """\
        pipelines:
          - {name: b, topics: [b], rules: [{name: r, skip: test}]}
          - {name: a, topics: [a], rules: [{name: r, skip: test}]}"""
    assert [mapping.name for mapping in loaded(build(pipelines=pipelines)).mappings] == ["b", "a"]


def test_sections_without_a_line_mean_their_defaults() -> None:
    text = build(delivery="delivery:\n  # linger: 2s", tests="tests:", log="log: null")
    assert loaded(text).config == loaded(build()).config


def test_servers_are_a_list_or_text_with_commas() -> None:
    text = build(kafka="kafka: {bootstrap_servers: 'a:1, b:2', group_id: g}")
    assert loaded(text).config.kafka.bootstrap_servers == ["a:1", "b:2"]


def test_a_property_called_env_is_a_property() -> None:
    text = rule("""\
        put_events:
          sessionId: value.session
          eventType: {const: {env: HOME}}
          properties: {env: value.env, file: value.file}""")
    assert only(text).code == "wrong-type"  # eventType is text: the const was not taken for a reference
    spec = loaded(text.replace("{const: {env: HOME}}", "{const: View}")).config.pipelines[0].rules[0]
    assert spec.put_events is not None
    assert spec.put_events.properties == {"env": "value.env", "file": "value.file"}


def test_text_that_yaml_1_1_takes_for_something_else_stays_text() -> None:
    text = build(kafka="kafka: {bootstrap_servers: [b:1], group_id: no}")
    assert loaded(text).config.kafka.group_id == "no"
    text = rule("put_events: {sessionId: value.s, eventType: {const: NO}, sentAt: {const: 2001-01-01}}")
    assert loaded(text).config.pipelines[0].rules[0].put_events.eventType.const == "NO"  # type: ignore[union-attr]


def test_tracking_id_may_be_left_to_the_rules() -> None:
    put = "put_events: {trackingId: value.t, sessionId: value.s, eventType: {const: View}}"
    text = rule(put).replace("personalize: {tracking_id: tracker-1}\n", "")
    assert loaded(text).config.personalize.tracking_id is None


def test_outputs_of_tests_are_events_or_a_fate() -> None:
    text = build(
        tests="""\
        tests:
          - {name: a, pipeline: web, input: {value: null}, output: {rejected: empty_value}}
          - {name: b, pipeline: web, input: {headers: {h: x}, timestamp: 1}, output: {skipped: bots}}
          - {name: c, pipeline: web, input: {}, output: {filtered: true}}
          - {name: d, pipeline: web, input: {}, output: []}"""
    )
    outputs = [test.output for test in loaded(text).config.tests]
    assert outputs[0].rejected is Reason.EMPTY_VALUE  # type: ignore[union-attr]
    assert outputs[1].skipped == "bots"  # type: ignore[union-attr]
    assert outputs[2].filtered  # type: ignore[union-attr]
    assert outputs[3] == []


def test_the_hash_is_that_of_the_meaning_and_not_of_passwords() -> None:
    kafka = "kafka: {{bootstrap_servers: b:1, group_id: g, auth: {{type: plain, username: u, password: {}}}}}"
    one, other = (loaded(build(kafka=kafka.format(word))) for word in ("first", "second"))
    assert one.hash == other.hash
    assert len(one.hash) == 12
    assert loaded(build(kafka=kafka.format("first") + "  # a remark")).hash == one.hash
    assert loaded(build()).hash != one.hash


def test_a_pattern_may_match_the_dead_letters_and_look_ahead_since_it_never_takes_them() -> None:
    topics = "['^clicks[.].*', '^(?!internal).*', orders]\n    exclude: ['^.*-internal$', clicks.old]"
    config = loaded(build().replace("[clicks]", topics)).config
    assert config.dead_letter.topic == "clicks.dead"
    assert config.pipelines[0].exclude == ["^.*-internal$", "clicks.old"]


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = build(
        kafka="kafka: {bootstrap_servers: b:1, group_id: 1, librdkafka: {enable.auto.commit: true, nope: 1}}",
        dead_letter="dead_letter: {topic: clicks, topic: b}",
        delivery="delivery: {linger: 1, lingr: 1s}",
        log="log: {level: {env: LEVEL}}",
    ).replace("value.session", "valu.session")
    found = problems(text)
    assert [problem.code for problem in found] == [
        "wrong-type", "owned-property", "unknown-property", "bad-duration", "unknown-key",
        "duplicate-key", "missing-variable", "dead-letter-loop", "unknown-name",
    ]  # fmt: skip
    assert found == sorted(found, key=lambda problem: (problem.line, problem.column))


def test_a_broken_rule_hides_nothing_in_the_others() -> None:
    text = build(
        pipelines="""\
        pipelines:
          - name: web
            topics: [clicks, clicks]
            rules:
              - {name: broken, skip: 5}
              - {name: other, when: valu.a, skip: x}"""
    )
    assert [(p.code, p.line) for p in problems(text)] == [
        ("duplicate-topic", 6),
        ("wrong-type", 8),
        ("unknown-name", 9),
    ]


def test_pipelines_have_names_and_topics_of_their_own() -> None:
    text = build(
        pipelines="""\
        pipelines:
          - {name: a, topics: [t], rules: [{name: r, skip: x}]}
          - {name: a, topics: [t], rules: [{name: r, skip: x}]}"""
    )
    assert [(p.code, p.line, p.column) for p in problems(text)] == [
        ("duplicate-name", 6, 12),
        ("duplicate-topic", 6, 24),
    ]


def test_the_models_own_names_of_keys_are_unknown_in_a_file() -> None:
    text = rule("put_events: {sessionId: value.a, eventType: {source: value.b}}")
    assert [(p.code, p.column) for p in problems(text)] == [("missing-key", 42), ("unknown-key", 54)]


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert load(tmp_path / "no.yaml", ENV) == [
        (
            "unreadable-file", "expected a readable file: no such file or directory",
            str(tmp_path / "no.yaml"), 1, 1, "", 0, 1, None, "error",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code", "line", "column"),
    [(b"a: 1\nb: \xff\n", "not-utf8", 2, 4), (b"#" * (4 * 1024 * 1024 + 1), "too-large", 1, 1)],
)
def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path, content: bytes, code: str, line: int, column: int) -> None:
    file = tmp_path / "file.yaml"
    file.write_bytes(content)
    result = load(file, ENV)
    assert isinstance(result, list)
    assert [(p.code, p.line, p.column) for p in result] == [(code, line, column)]


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_a_file_of_a_windows_editor_is_told_how_to_be_saved(tmp_path: Path, coding: str) -> None:
    file = tmp_path / "file.yaml"
    file.write_bytes(("\ufeff" + build()).encode(coding))
    result = load(file, ENV)
    assert isinstance(result, list)
    assert [(p.code, p.message, p.hint) for p in result] == [
        ("not-utf8", "expected UTF-8 text, not UTF-16", "save the file as UTF-8")
    ]


def test_a_directory_and_an_impossible_name_are_problems(tmp_path: Path) -> None:
    for path in (tmp_path, "a\0b"):
        result = load(path, ENV)
        assert isinstance(result, list)
        assert [p.code for p in result] == ["unreadable-file"]


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + build().encode())
    assert not isinstance(load(file, ENV), list)
