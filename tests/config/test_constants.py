"""A constant that no event can have is a mistake of the file: or every record would become a dead letter."""

import pytest

from tests.config.test_loading import rule
from tests.support.config_files import build, loaded, only, problems


def member(text: str, event_type: str = "{const: View}") -> str:
    return rule(f"put_events: {{sessionId: value.s, eventType: {event_type}, {text}}}")


LONG = "x" * 300
ITEMS = ", ".join(f"a{number}" for number in range(26))
SPECS = ", ".join(f"{{const: a{number}}}" for number in range(26))


@pytest.mark.parametrize(
    ("text", "code", "pointed_at"),
    [
        ('eventId: value.e, itemId: {const: "null"}', "ignored-literal", '"null"'),
        (f"itemId: {{const: {LONG}}}", "too-long", LONG),
        ("sentAt: {const: 5}", "time-out-of-window", "5"),
        (f"recommendationId: {{const: {'r' * 41}}}", "too-long", "r" * 41),
        (f"impression: {{const: [{ITEMS}]}}", "too-long", f"[{ITEMS}]"),
        (f"impression: [{SPECS}]", "too-long", f"[{SPECS}]"),
        ("impression: [value.a, {const: undefined}]", "ignored-literal", "undefined"),
        ("eventAttributionSource: {const: é}", "invalid-value", "é"),
        ('trackingId: {const: "  "}', "invalid-value", '"  "'),
        ("eventValue: {const: 1.0e+300}", "invalid-value", "1.0e+300"),
        (f"properties: {{a: {{const: {LONG * 4}}}}}", "too-long", LONG * 4),
        (f"properties: {{a: {{const: {LONG * 2}}}, b: {{const: {LONG * 2}}}}}", "too-long", None),
        ("properties: '`{\"userId\": 1}`'", "reserved-property", "'`{\"userId\": 1}`'"),
        # wherever a constant may stand
        ("itemId: {case: [{when: value.a, then: {const: NaN}}, {else: value.b}]}", "ignored-literal", "NaN"),
        ("itemId: {case: [{when: value.a, then: value.b}, {else: {const: None}}]}", "ignored-literal", "None"),
        ('itemId: {from: value.a, lookup: {b: "null"}}', "ignored-literal", '"null"'),
        ("itemId: {from: value.a, lookup: {b: c}, otherwise: {const: NaN}}", "ignored-literal", "NaN"),
        ("itemId: {from: value.a, default: undefined}", "ignored-literal", "undefined"),
        ("itemId: {template: undefined}", "ignored-literal", "undefined"),
        ("itemId: \"'undefined'\"", "ignored-literal", "\"'undefined'\""),
    ],
)
def test_a_constant_beyond_a_limit_is_found_where_it_stands(text: str, code: str, pointed_at: str | None) -> None:
    found = only(member(text))
    assert found.code == code
    if pointed_at is not None:
        assert found.source_line[found.caret : found.caret + found.length] == pointed_at


@pytest.mark.parametrize("event_type", ['{const: ""}', f"{{const: {LONG}}}"])
def test_an_event_type_has_1_to_256_characters(event_type: str) -> None:
    assert only(member("itemId: value.i", event_type)).code in ("empty", "too-long")


def test_an_empty_text_leaves_an_optional_member_out() -> None:
    loaded(member('itemId: {from: value.i, lookup: {none: ""}}'))
    loaded(member('userId: {case: [{when: value.guest, then: {const: ""}}, {else: value.u}]}'))


@pytest.mark.parametrize("text", ['"  "', '"a b"', '"a\\n"', f'"{LONG}"', '""'])
def test_a_tracking_id_has_no_blanks_and_at_most_256_characters(text: str) -> None:
    assert only(build(personalize=f"personalize: {{tracking_id: {text}}}")).line == 2


@pytest.mark.parametrize(
    "text",
    ["itemId:", "itemId: null", "properties: ~", "impression:", "sentAt:", "itemId: {from: value.a, as: }",
     "itemId: {from: value.a, lookup: }",
     "properties: {a: {case: [{when: value.b, then: {from: value.c, format: }}]}}"],
)  # fmt: skip
def test_a_key_with_nothing_after_it_is_a_mistake(text: str) -> None:
    found = only(member(text))
    assert (found.code, found.hint) == ("left-empty", "write a value, or remove the line")
    assert found.message.startswith("expected a value after ")


def test_a_condition_left_empty_would_match_every_record() -> None:
    found = only(rule("when:\nskip: bots"))
    assert (found.code, found.line, found.column) == ("left-empty", 9, 9)


def test_null_is_a_value_in_constants_tables_and_defaults() -> None:
    loaded(member("itemId: {const: null}, userId: {from: value.u, lookup: {a: null}, default: null}"))
    loaded(member("properties: {a: {const: {format: null, from: x}}}"))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("itemId: {const: x, template: y}", "const and template"),
        ("itemId: {from: value.a, case: [{else: value.b}]}", "from and case"),
        ("properties: {a: {template: x, from: value.a, as: int}}", "template and from"),
        ("impression: [{const: x, from: value.a}]", "const and from"),
        ("impression: {const: x, from: value.a}", "const and from"),
    ],
)
def test_a_field_is_exactly_one_of_const_template_case_and_from(text: str, kinds: str) -> None:
    found = only(member(text))
    assert found.message == f"expected exactly one of const, template, case, from, not {kinds}"
    assert found.source_line[found.caret :].startswith(kinds.rpartition(" ")[2])
    assert found.hint is None


def test_a_comma_in_a_flow_mapping_gets_the_hint_to_quote() -> None:
    found = only(rule("put_events: {sessionId: not_null(value.session, value.anon), eventType: {const: View}}"))
    assert found.hint == "quote text that holds , [ ] { or }"
    assert found.source_line[found.caret : found.caret + found.length] == "value.anon)"
    pieces = problems(rule("put_events: {sessionId: f(value.a, value.b, c), eventType: {const: View}}"))
    assert [piece.hint for piece in pieces] == ["quote text that holds , [ ] { or }"] * 2
    assert {piece.message for piece in pieces} == {"expected key: value, not a key alone"}
