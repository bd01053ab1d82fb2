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


# Line 1 is kafka, 2 personalize, 3 dead_letter, 4 pipelines, 5 name, 6 topics, 7 rules, 8 and 9 the rule.
KAFKA = "kafka: {bootstrap_servers: b:1, group_id: g, %s}"
BROKEN = {
    # YAML
    "empty": ("", "empty-file", 1, 1, None),
    "only a comment": ("# nothing\n", "empty-file", 1, 1, None),
    "not a mapping": ("- a\n- b\n", "wrong-type", 1, 1, None),
    "two documents": ("a: 1\n---\nb: 1\n", "many-documents", 2, 1, "remove the --- between them"),
    "tab": ("a:\n\tb: 1\n", "bad-yaml", 2, 1, "YAML indents with spaces only"),
    "no-break spaces": (
        "a:\n\u00a0 b: 1\n  c: 2\n", "bad-yaml", 2, 1,
        "copied from a page or a document? YAML indents with plain spaces only",
    ),
    "a fault below text with a no-break space": (
        "a: b\u00a0c\nb: [c\n", "bad-yaml", 3, 1, "quote text that holds , [ ] { or }",
    ),
    "indentation": ("a:\n  b: 1\n c: 2\n", "bad-yaml", 3, 2, "keys of one mapping start in one column"),
    "two colons": ("a: b: c\n", "bad-yaml", 1, 5, "quote text that holds a colon and a space"),
    "open bracket": ("a: [b\nc: d\n", "bad-yaml", 2, 2, "quote text that holds , [ ] { or }"),
    "open quote": ("a: 'b\n", "bad-yaml", 1, 4, None),
    "no colon": ("a: 1\nb\nc: 1\n", "bad-yaml", 2, 1, "write key: value"),
    "escape": ('a: "\\d"\n', "bad-yaml", 1, 6, "in single quotes a backslash is itself"),
    "alias of nothing": ("a: *b\n", "unknown-alias", 1, 4, "quote text that starts with *"),
    "at sign": ("a: @b\n", "bad-yaml", 1, 4, "quote text that starts with @ or `"),
    "control character": ("a: 1\nb: \x07\n", "bad-yaml", 2, 4, None),
    "deep": ("[" * 100, "too-large", 1, 65, None),
    "recursive": (build(log="log: &a {level: *a}"), "recursive-alias", 4, 6, None),
    "tag": (build(log="log: !!set {level}"), "unknown-tag", 4, 6, None),
    "half a character": (build(log='log: {level: "\\ud800"}'), "bad-yaml", 4, 14, None),
    "infinite": (
        build(delivery="delivery: {requests_per_second: .inf}"),
        "bad-number", 3, 33, "quote it to make it text",
    ),
    "template without quotes": (
        rule("put_events:\n  {sessionId: value.a, eventType: {{ value.x }}}"),
        "bad-key", 10, 44, 'quote a template: "{{ … }}"',
    ),
    # keys
    "duplicate": (build(server="server: {port: 1, port: 2}"), "duplicate-key", 4, 19, "it stands in line 4, too"),
    "unknown section": (build(server="sever: {}"), "unknown-key", 4, 1, "did you mean server?"),
    "unknown key": (build(delivery="delivery:\n  lingr: 1s"), "unknown-key", 4, 3, "did you mean linger?"),
    "nothing like it": (build(log="log: {xyz: 1}"), "unknown-key", 4, 7, "keys: level, format"),
    "no section": (build(dead_letter=""), "missing-key", 1, 1, None),
    "no key": (build(dead_letter="dead_letter: {}"), "missing-key", 3, 1, None),
    "no member": (rule("put_events: {eventType: {const: V}}"), "missing-key", 9, 9, None),
    "no arm": (
        rule("put_events: {sessionId: value.a, eventType: {case: [{when: value.a}]}}"),
        "missing-key", 9, 61, None,
    ),
    # values
    "number for text": (build(log="log: {level: 5}"), "unknown-choice", 4, 14, None),
    "version": ("version: 2\n" + build(), "unknown-choice", 1, 10, None),
    "choice": (build(log="log: {level: warn}"), "unknown-choice", 4, 14, "did you mean warning?"),
    "yes": (build(dead_letter="dead_letter: {topic: t, connect_headers: yes}"), "wrong-type", 3, 42, None),
    "quoted number": (build(server='server: {port: "80"}'), "wrong-type", 4, 16, None),
    "fraction": (build(server="server: {port: 80.5}"), "wrong-type", 4, 16, None),
    "true for a number": (build(server="server: {port: true}"), "wrong-type", 4, 16, None),
    "group 12": (
        build(kafka="kafka: {bootstrap_servers: b:1, group_id: 12}"),
        "wrong-type", 1, 43, "quote it to make it text",
    ),
    "empty group": (build(kafka="kafka: {bootstrap_servers: b:1, group_id: ''}"), "bad-length", 1, 43, None),
    "blank group": (build(kafka="kafka:\n  group_id:\n  bootstrap_servers: b:1"), "wrong-type", 2, 3, None),
    "no servers": (build(kafka="kafka: {bootstrap_servers: [], group_id: g}"), "bad-length", 1, 28, None),
    "server": (build(kafka="kafka: {bootstrap_servers: 'a:1,', group_id: g}"), "bad-server", 1, 28, "remove a comma"),
    "duration without unit": (build(delivery="delivery: {linger: 5}"), "bad-duration", 3, 20, "add a unit"),
    "duration in fractions": (build(delivery="delivery: {linger: 0.5}"), "bad-duration", 3, 20, "add a unit"),
    "duration in quotes": (build(delivery="delivery: {linger: '5'}"), "bad-duration", 3, 20, "add a unit"),
    "negative duration": (
        build(delivery="delivery: {linger: -1s}"), "bad-duration", 3, 20, "a duration is not negative",
    ),
    "duration with a blank": (
        build(delivery="delivery: {linger: 5 S}"),
        "bad-duration", 3, 20, "write it without blanks, in small letters",
    ),
    "duration of a flag": (build(delivery="delivery: {linger: true}"), "bad-duration", 3, 20, None),
    "duration in words": (build(delivery="delivery: {linger: soon}"), "bad-duration", 3, 20, None),
    "no interval": (build(delivery="delivery: {commit_interval: 0s}"), "out-of-range", 3, 29, None),
    "too many": (build(delivery="delivery: {max_in_flight: 1001}"), "out-of-range", 3, 27, None),
    "too few": (build(delivery="delivery: {max_buffered_events: 9}"), "out-of-range", 3, 33, None),
    "no rate": (build(delivery="delivery: {requests_per_second: 0}"), "out-of-range", 3, 33, None),
    "no rejections": (build(delivery="delivery: {stop_after_rejections: 0}"), "out-of-range", 3, 35, None),
    "port": (build(server="server: {port: 65536}"), "out-of-range", 4, 16, None),
    "retry": (build(delivery="delivery: {retry: {initial: 2s, maximum: 1s}}"), "out-of-range", 3, 19, None),
    "url": (build(personalize="personalize: {tracking_id: t, endpoint_url: 'localhost:80'}"), "bad-url", 2, 45, None),
    "port of a url": (
        build(personalize="personalize: {tracking_id: t, endpoint_url: 'http://a:x'}"),
        "bad-url", 2, 45, None,
    ),
    "space in a url": (
        build(personalize="personalize: {tracking_id: t, endpoint_url: 'http://a/b c'}"),
        "bad-url", 2, 45, None,
    ),
    "dead-letter topic": (build(dead_letter="dead_letter: {topic: 'a b'}"), "bad-topic", 3, 22, None),
    "section of text": (build(log="log: info"), "wrong-type", 4, 6, None),
    "auth": (build(kafka=KAFKA % "auth: {type: sasl}"), "unknown-choice", 1, 59, None),
    "auth, nearly": (
        build(kafka=KAFKA % "auth: {type: scrm, username: u, password: p}"),
        "unknown-choice", 1, 59, "did you mean scram?",
    ),
    "auth of no type": (build(kafka=KAFKA % "auth: {}"), "missing-key", 1, 46, None),
    "auth without password": (build(kafka=KAFKA % "auth: {type: plain, username: u}"), "missing-key", 1, 46, None),
    "key of another auth": (
        build(kafka=KAFKA % "auth: {type: msk_iam, scope: s}"),
        "unknown-key", 1, 68, "keys: type, region, role_arn",
    ),
    "reference": (build(log="log: {level: {evn: LEVEL}}"), "bad-reference", 4, 14, None),
    "two references": (build(log="log: {level: {env: A, file: b}}"), "bad-reference", 4, 14, None),
    "variable": (
        build(log="log: {level: {env: LEVEL}}"),
        "missing-variable", 4, 14, "set LEVEL, or give a default: {env: LEVEL, default: …}",
    ),
    "file": (build(log="log: {level: {file: /does/not/exist}}"), "unreadable-file", 4, 14, None),
    # the mapping language
    "no pipelines": (build(pipelines="pipelines: []"), "bad-length", 4, 12, None),
    "field spec": (rule("put_events: {sessionId: 5, eventType: {const: V}}"), "wrong-type", 9, 33, None),
    "unknown key of a spec": (
        rule("put_events: {sessionId: value.a, eventType: {const: V, tmplate: x}}"),
        "unknown-key", 9, 64, "did you mean template, in place of const?",
    ),
    "properties": (
        rule("put_events: {sessionId: value.a, eventType: {const: V}, properties: 5}"),
        "wrong-type", 9, 77, "quote it to make it text",
    ),
    "one of the properties": (
        rule("put_events: {sessionId: value.a, eventType: {const: V}, properties: {a: 5}}"),
        "wrong-type", 9, 81, None,
    ),
    "impression": (
        rule("put_events: {sessionId: value.a, eventType: {const: V}, impression: {foo: 1}}"),
        "wrong-type", 9, 77, None,
    ),
    "inside an impression": (
        rule("put_events: {sessionId: value.a, eventType: {const: V}, impression: [value.b, {from: 5}]}"),
        "wrong-type", 9, 94, "quote it to make it text",
    ),
    "otherwise": (
        rule("put_events: {sessionId: {from: value.a, lookup: {a: b}, otherwise: skp}, eventType: {const: V}}"),
        "unknown-choice", 9, 76, "did you mean skip?",
    ),
    "two actions": (
        rule("skip: bots\nput_events: {sessionId: value.a, eventType: {const: V}}"),
        "inconsistent", 8, 9, None,
    ),
    "function": (rule("when: 'lowr(value.a)'\nskip: x"), "unknown-function", 9, 16, "did you mean lower()?"),
    "name": (rule("when: valu.a\nskip: x"), "unknown-name", 9, 15, "did you mean value?"),
    "arity": (rule("when: value.a == lower()\nskip: x"), "wrong-arity", 9, 26, "lower(text)"),
    "inside a template": (
        rule('put_events: {sessionId: {template: "é\\" {{ valu.a }}"}, eventType: {const: V}}'),
        "unknown-name", 9, 52, "did you mean value?",
    ),
    "inside single quotes": (
        rule("when: 'value.a == ''b'' && valu.c'\nskip: x"),
        "unknown-name", 9, 36, "did you mean value?",
    ),
    "after an anchor": (rule("when: &w valu.a\nskip: x"), "unknown-name", 9, 15, "did you mean value?"),
    "tagged": (rule("when: !!str 'valu.a'\nskip: x"), "unknown-name", 9, 15, "did you mean value?"),
    "inside a block": (rule("when: |\n  value.a &&\n  valu.b\nskip: x"), "unknown-name", 9, 15, "did you mean value?"),
    # across settings
    "no tracking id": (
        build(personalize="personalize: {region: eu-west-1}"),
        "missing-tracking-id", 2, 1, "or map trackingId in every rule",
    ),
    "no personalize": (build(personalize=""), "missing-tracking-id", 1, 1, "or map trackingId in every rule"),
    "loop": (build(dead_letter="dead_letter: {topic: clicks}"), "dead-letter-loop", 6, 14, None),
    "topic": (build().replace("[clicks]", "[a b]"), "bad-topic", 6, 14, None),
    "regular expression": (build().replace("[clicks]", "['^a(']"), "bad-regex", 6, 17, None),
    "expression without end": (build().replace("[clicks]", "['^a{99999999999}']"), "bad-regex", 6, 14, None),
    "topic of the cluster": (build().replace("[clicks]", "[__consumer_offsets]"), "internal-topic", 6, 14, None),
    "expression that a name could stall": (
        build().replace("[clicks]", "['^(a+)+$']"),
        "bad-regex", 6, 14, "say what is allowed, as in [^.]* for .*",
    ),
    "expression with many repeats": (
        build().replace("[clicks]", "['^.*a.*b.*c.*d.*']"),
        "bad-regex", 6, 14, "say what is allowed, as in [^.]* for .*, or write several patterns",
    ),
    "excluded expression": (
        build().replace("[clicks]", "['^a.*']\n    exclude: [b, '^a(']"),
        "bad-regex", 7, 21, None,
    ),
    "excluded topic": (build().replace("[clicks]", "['^a.*']\n    exclude: ['a b']"), "bad-topic", 7, 15, None),
    "exclude without an expression": (
        build().replace("[clicks]", "[clicks]\n    exclude: [b]"),
        "idle-exclude", 7, 5, None,
    ),
    "topic twice": (build().replace("[clicks]", "[clicks, clicks]"), "duplicate-topic", 6, 22, None),
    "pipeline of a test": (
        build(tests="tests:\n  - {name: t, pipeline: wbe, input: {}, output: []}"),
        "unknown-pipeline", 11, 25, "did you mean web?",
    ),
    "member of a test": (
        build(tests="tests:\n  - {name: t, pipeline: web, input: {}, output: [{sessionID: s}]}"),
        "unknown-key", 11, 51, "did you mean sessionId?",
    ),
    "reason of a test": (
        build(tests="tests:\n  - {name: t, pipeline: web, input: {}, output: {rejected: emty}}"),
        "unknown-choice", 11, 60, "did you mean empty?",
    ),
    "output of a test": (
        build(tests="tests:\n  - {name: t, pipeline: web, input: {}, output: x}"),
        "wrong-type", 11, 49, None,
    ),
    "certificate without key": (build(kafka=KAFKA % "tls: {cert_file: /etc/hostname}"), "incomplete-tls", 1, 46, None),
    "no such certificate": (build(kafka=KAFKA % "tls: {ca_file: /does/not/exist}"), "unreadable-file", 1, 61, None),
    "no certificate": (build(kafka=KAFKA % "tls: {ca_file: /etc/hostname}"), "bad-tls", 1, 61, None),
    "msk without tls": (
        build(kafka=KAFKA % "auth: {type: msk_iam}, tls: {enabled: false}"),
        "inconsistent", 1, 84, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "code", "line", "column", "hint"), BROKEN.values(), ids=BROKEN.keys())
def test_each_mistake_is_found_once_where_it_stands(
    text: str, code: str, line: int, column: int, hint: str | None
) -> None:
    found = only(text, {})
    assert (found.code, found.line, found.column, found.hint) == (code, line, column, hint)


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
