"""Field specs: what each shape gives for a record, and what is refused before the first one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from connector.core.expressions.work import Work
from connector.core.mapping.fields import Dropped, Target, compile_field
from connector.core.mapping.scope import RECORD_NAMES, Fetch, Scope, SpecError
from connector.core.mapping.specs import FieldSpec
from connector.core.mapping.templates import split_template
from connector.core.mapping.times import time_parser
from connector.core.mapping.values import to_number, to_property, to_text
from connector.core.records import DataError, Reason

TEXT = Target(to_text)
NUMBER = Target(to_number)
PROPERTY = Target(to_property, keeps_empty=True)
TIME = Target(time_parser(), is_time=True)
ADAPTER: TypeAdapter[FieldSpec] = TypeAdapter(FieldSpec)


def compiled(spec: Any, target: Target) -> tuple[Fetch, list[SpecError]]:
    scope = Scope((), "member", RECORD_NAMES, [], set(), Work())
    return compile_field(scope, ADAPTER.validate_python(spec), target), scope.errors


def field(spec: Any, value: Any = None, target: Target = TEXT) -> Any:
    fetch, errors = compiled(spec, target)
    assert errors == []
    return fetch({"value": value})


def refusal(spec: Any, value: Any = None, target: Target = TEXT) -> tuple[Reason, str]:
    with pytest.raises(DataError) as caught:
        field(spec, value, target)
    return caught.value.reason, str(caught.value)


def errors(spec: Any, target: Target = TEXT) -> list[SpecError]:
    return compiled(spec, target)[1]


# Expressions and constants


def test_an_expression_gives_its_value_as_the_members_type() -> None:
    assert field("value.id", {"id": 12}) == "12"
    assert field("value.id", {"id": "12"}, NUMBER) == 12.0
    assert field("value.id", {}) is None


def test_a_value_that_does_not_fit_names_member_and_expression_but_no_value() -> None:
    reason, message = refusal("value.id", {"id": ["secret"]})
    assert (reason, message) == (
        Reason.WRONG_TYPE,
        "member from value.id: expected text or a number, not a list",
    )


def test_an_expression_that_fails_names_member_and_expression() -> None:
    reason, message = refusal("lower(value.id)", {"id": ["secret"]})
    assert reason is Reason.EXPRESSION_FAILED
    assert message.startswith("member from lower(value.id): ")
    assert "secret" not in message


def test_constants_are_converted_once_and_checked_at_once() -> None:
    assert field({"const": 5}) == "5"
    assert field("'View'") == "View"
    assert field("`null`") is None
    assert field({"const": None}) is None
    assert errors({"const": [1]}) == [SpecError(("const",), "wrong_type", "expected text or a number, not a list")]
    assert errors("`true`") == [SpecError((), "wrong_type", "expected text or a number, not a boolean")]


def test_a_constant_expression_that_can_only_fail_is_refused() -> None:
    assert [error.path for error in errors("lower(`1`)")] == [()]


def test_bare_words_are_told_to_be_a_const() -> None:
    (error,) = errors("View")
    assert error.code == "unknown_name"
    assert "for a fixed value write {const: View}" in (error.hint or "")
    (error,) = errors("Product Viewed")
    assert (error.position, error.hint) == (8, "for a fixed value write {const: Product Viewed}")
    (error,) = errors("item")
    assert (error.message, error.hint) == ("item exists only under for_each", None)


LISTS = ["value.items[].id", "value.items[?a].id", "value.*", "[value.a]", "value.items[:2].id", "split(value.a, '-')"]
EACH = ", or make an event of each element with for_each"


@pytest.mark.parametrize("text", [*LISTS, "value.a[] || value.b[]", "value | items[*]"])
@pytest.mark.parametrize(
    ("target", "expected"),
    [(TEXT, "text or a number"), (NUMBER, "a number"), (TIME, "a time: ISO 8601 text, or a number since 1970")],
)
def test_a_list_where_one_value_is_needed_is_found_in_the_file(text: str, target: Target, expected: str) -> None:
    (error,) = errors(text, target)
    assert (error.code, error.message) == ("wrong_type", f"expected {expected}, not a list")
    assert error.hint == f"for the first element write {text} | [0]{EACH}"
    assert errors(f"{text} | [0]", target) == []


@pytest.mark.parametrize("text", LISTS)
@pytest.mark.parametrize("form", ["template", "lookup", "case", "as"])
def test_a_list_is_found_wherever_an_expression_can_stand(text: str, form: str) -> None:
    spec = {
        "template": {"template": f"a-{{{{ {text} }}}}"},
        "lookup": {"from": text, "lookup": {"a": "b"}},
        "case": {"case": [{"when": text, "then": text}]},
        "as": {"from": text, "as": "string"},
    }[form]
    (error,) = errors(spec)
    assert error.code == "wrong_type"
    assert "not a list" in error.message


def test_an_object_where_one_value_is_needed_is_found_in_the_file() -> None:
    for text in ("{a: value.a}", "value.{a: b}", "merge(value.a, value.b)"):
        assert errors(text) == [SpecError((), "wrong_type", "expected text or a number, not an object")]


@pytest.mark.parametrize("text", [*LISTS, "{a: value.a}", "value.a[] || value.b"])
def test_a_property_may_be_a_list_or_an_object(text: str) -> None:
    assert errors(text, PROPERTY) == []


@pytest.mark.parametrize(
    "text", ["value.a[] || value.b", "value.a[] && value.b", "value.a", "max(value.a[])", "!(a[])"]
)
def test_what_may_be_one_value_is_left_to_the_record(text: str) -> None:
    assert [error for error in errors(text) if error.code == "wrong_type"] == []


# Templates


def test_a_template_renders_text_numbers_and_booleans() -> None:
    template = {"template": "{{ value.a }}:{{value.b}}/{{ value.c }}"}
    assert field(template, {"a": "x", "b": 2.0, "c": True}) == "x:2/true"


def test_a_template_is_null_as_soon_as_one_part_is() -> None:
    assert field({"template": "{{ value.a }}:{{ value.b }}"}, {"a": 1}) is None


def test_a_template_refuses_a_list() -> None:
    reason, message = refusal({"template": "x{{ value.a }}"}, {"a": []})
    assert reason is Reason.WRONG_TYPE
    assert message == "member from x{{ value.a }}: expected text, a number or a boolean, not a list"


def test_a_template_without_expressions_is_a_constant() -> None:
    assert field({"template": "a { b } c"}) == "a { b } c"
    assert errors({"template": "x"}, NUMBER)[0].path == ("template",)


@pytest.mark.parametrize("target", [TEXT, NUMBER, TIME])
def test_an_empty_text_is_null_whatever_the_member(target: Target) -> None:
    assert field("value", "", target) is None
    assert field({"from": "value", "as": "string"} if target is TEXT else {"from": "value"}, "", target) is None
    assert field({"template": "{{ value }}{{ value }}"}, "", target) is None
    assert field({"case": [{"when": "value == ''", "then": "value"}]}, "", target) is None


def test_an_empty_text_is_a_property_and_the_key_of_a_lookup() -> None:
    assert field("value", "", PROPERTY) == ""
    assert field({"template": "{{ value }}"}, "", PROPERTY) == ""
    assert field({"from": "value", "lookup": {"": "none", "a": "A"}}, "") == "none"


def test_an_empty_part_empties_no_template_but_that_of_an_id_that_must_differ() -> None:
    template = {"template": "{{ value }}:0"}
    assert field(template, "") == ":0"
    assert field(template, "", TEXT._replace(whole=True)) is None
    assert field(template, "a", TEXT._replace(whole=True)) == "a:0"


def test_braces_and_quotes_inside_an_expression_are_its_own() -> None:
    template = {"template": "{{ {a: {b: value.x}}.a.b }}-{{ '}}' }}-{{ '{{' }}-{{ `\"}}\"` }}"}
    assert field(template, {"x": 1}) == "1-}}-{{-}}"


@pytest.mark.parametrize(
    ("template", "position"),
    [("a {{ value.b", 2), ("a }} b", 2), ("{{ value.a }} }}", 14), ("{{ value.a } b }}", 11), ("{{ value.a }", 11)],
)
def test_unbalanced_braces_are_refused_where_they_stand(template: str, position: int) -> None:
    (error,) = errors({"template": template})
    assert (error.path, error.code, error.position) == (("template",), "unbalanced_braces", position)


def test_a_mistake_in_a_template_is_located_in_the_whole_text() -> None:
    template = "order {{ value.id }}: {{  vlaue.x }}{{ }}"
    first, second = errors({"template": template})
    assert (first.path, first.position) == (("template",), template.index("vlaue"))
    assert first.hint == "did you mean value?"
    assert second.position == len(template) - 2


@given(st.lists(st.text(st.characters(exclude_characters="{}"), min_size=1).map(lambda text: [text, "{{ value }}"])))
def test_splitting_loses_nothing(parts: list[list[str]]) -> None:
    text = "".join("".join(part) for part in parts)
    pieces = split_template(text)
    assert "".join("{{ value }}" if piece.is_expression else piece.text for piece in pieces) == text
    assert all(text[piece.position :].startswith(piece.text) for piece in pieces)


# Case


CASE = {
    "case": [
        {"when": "value.a == 'x'", "then": {"const": "first"}},
        {"when": "value.a", "then": {"template": "{{ value.a }}!"}},
        {"else": "value.b"},
    ]
}


@pytest.mark.parametrize(("value", "result"), [({"a": "x"}, "first"), ({"a": "y"}, "y!"), ({"b": 3}, "3"), ({}, None)])
def test_the_first_true_arm_decides(value: Any, result: str | None) -> None:
    assert field(CASE, value) == result


def test_a_case_without_else_is_null_when_no_arm_is_true() -> None:
    assert field({"case": [{"when": "value.a", "then": {"const": 1}}]}, {}) is None


def test_a_constant_arm_is_settled_before_the_first_record() -> None:
    assert field({"case": [{"when": "`false`", "then": {"const": 1}}, {"when": "`1`", "then": {"const": 2}}]}) == "2"


def test_a_when_that_fails_is_named() -> None:
    reason, message = refusal({"case": [{"when": "lower(value.a) == 'x'", "then": "value.a"}]}, {"a": 1})
    assert reason is Reason.EXPRESSION_FAILED
    assert message.startswith("member when lower(value.a) == 'x': ")


def test_mistakes_in_arms_have_the_path_of_the_file() -> None:
    spec = {
        "case": [
            {"else": {"const": []}},
            {"when": "vlaue.a", "then": {"from": "value.", "default": {}}},
        ]
    }
    assert [(error.path, error.code) for error in errors(spec)] == [
        (("case", 0), "else_not_last"),
        (("case", 0, "else", "const"), "wrong_type"),
        (("case", 1, "when"), "unknown_name"),
        (("case", 1, "then", "default"), "wrong_type"),
        (("case", 1, "then", "from"), "syntax"),
    ]


# From


LOOKUP = {"from": "value.a", "lookup": {"1": "one", "true": "yes", "n": None}}


@pytest.mark.parametrize(("key", "result"), [(1, "one"), (1.0, "one"), ("1", "one"), (True, "yes"), ("n", None)])
def test_a_lookup_finds_its_key_as_text(key: Any, result: str | None) -> None:
    assert field(LOOKUP, {"a": key}) == result


@pytest.mark.parametrize("value", [{"a": "missing"}, {"a": None}, {}])
def test_otherwise_decides_about_a_missing_key_and_about_null(value: Any) -> None:
    assert field(LOOKUP, value) is None
    assert field({**LOOKUP, "otherwise": {"const": 3}}, value) == "3"
    assert field({**LOOKUP, "otherwise": {"const": None}, "default": "d"}, value) == "d"
    assert field({**LOOKUP, "default": "d"}, value) == "d"
    with pytest.raises(Dropped):
        field({**LOOKUP, "otherwise": "skip"}, value)
    reason, message = refusal({**LOOKUP, "otherwise": "dead_letter"}, value)
    assert reason is Reason.LOOKUP_FAILED
    assert message == "member from value.a: expected one of the keys of its lookup"


def test_a_key_that_is_null_in_the_lookup_gives_the_default() -> None:
    assert field({**LOOKUP, "default": "d", "otherwise": "skip"}, {"a": "n"}) == "d"


def test_a_lookup_of_a_list_is_a_wrong_type() -> None:
    assert refusal(LOOKUP, {"a": []})[0] is Reason.WRONG_TYPE


def test_the_values_of_a_lookup_are_converted_and_checked_at_once() -> None:
    assert field({"from": "value", "lookup": {"a": "1.50"}}, "a", NUMBER) == 1.5
    spec = {"from": "value", "lookup": {"a": []}, "otherwise": {"const": {}}}
    assert [(error.path, error.code) for error in errors(spec)] == [
        (("lookup", "a"), "wrong_type"),
        (("otherwise", "const"), "wrong_type"),
    ]


@pytest.mark.parametrize("value", [None, ""])
def test_otherwise_without_a_lookup_decides_about_null_and_empty_text(value: Any) -> None:
    with pytest.raises(Dropped) as dropped:
        field({"from": "value", "otherwise": "skip"}, value)
    assert dropped.value.reason == "missing_member"
    assert refusal({"from": "value", "otherwise": "dead_letter"}, value) == (
        Reason.MISSING_MEMBER,
        "member from value: expected a value, found null or an empty text",
    )
    assert field({"from": "value", "otherwise": {"const": 5}}, value) == "5"
    assert field({"from": "value", "otherwise": {"const": None}}, value) is None


def test_otherwise_without_a_lookup_leaves_alone_what_is_there() -> None:
    for otherwise in ("skip", "dead_letter", {"const": 5}):
        assert field({"from": "value", "otherwise": otherwise}, "a") == "a"
        assert field({"from": "value", "otherwise": otherwise}, 0, NUMBER) == 0.0
        assert field({"from": "value", "otherwise": otherwise}, "", PROPERTY) == ""


def test_a_constant_otherwise_is_checked_when_the_file_is_read() -> None:
    (error,) = errors({"from": "value", "otherwise": {"const": []}})
    assert (error.path, error.code) == (("otherwise", "const"), "wrong_type")


def test_an_otherwise_that_a_default_leaves_nothing_to_is_refused() -> None:
    (error,) = errors({"from": "value", "default": "d", "otherwise": "skip"})
    assert (error.path, error.code) == (("otherwise",), "otherwise_beside_default")


def test_default_stands_in_for_null_and_for_an_empty_text() -> None:
    spec = {"from": "value", "default": 7}
    assert [field(spec, value) for value in (None, "", 0)] == ["7", "7", "0"]
    assert field(spec, "", PROPERTY) == ""
    assert field({"from": "`null`", "default": 7}) == "7"


def test_from_goes_from_lookup_to_default_to_format_to_as() -> None:
    spec = {
        "from": "value.when",
        "lookup": {"launch": "24/11/2026"},
        "default": "01/01/2026",
        "format": "%d/%m/%Y",
        "timezone": "Europe/Berlin",
        "as": "string",
    }
    assert field(spec, {"when": "launch"}, PROPERTY) == "1795474800"
    assert field(spec, {}, PROPERTY) == "1767222000"


@pytest.mark.parametrize(
    ("as_", "value", "result"), [("string", 1, "1"), ("int", "1", 1), ("float", 1, 1.0), ("bool", "true", True)]
)
def test_as_converts(as_: str, value: Any, result: Any) -> None:
    converted = field({"from": "value", "as": as_}, value, PROPERTY)
    assert (type(converted), converted) == (type(result), result)


def test_as_that_fails_is_a_wrong_type() -> None:
    assert refusal({"from": "value", "as": "int"}, "x") == (
        Reason.WRONG_TYPE,
        "member from value: expected a number, not other text",
    )


# Times


def test_a_time_is_read_by_auto_unless_a_format_says_otherwise() -> None:
    assert field("value", "1970-01-01T00:00:05Z", TIME) == 5
    assert field({"from": "value"}, 1795509011000, TIME) == 1795509011
    assert field({"from": "value", "format": "epoch_ms"}, 5999, TIME) == 5
    assert field({"const": "1970-01-02"}, None, TIME) == 86400
    assert field({"from": "value", "as": "int"}, "5", TIME) == 5


def test_a_timezone_alone_means_auto() -> None:
    spec = {"from": "value", "timezone": "Europe/Berlin"}
    assert field(spec, "1970-01-01T01:00:00", TIME) == 0
    assert field(spec, "1970-01-01T01:00:00", PROPERTY) == 0


def test_a_time_of_another_format_is_invalid() -> None:
    assert refusal("value", "03/04/2026", TIME) == (
        Reason.INVALID_TIME,
        "member from value: expected a time: ISO 8601 text, or a number since 1970, not other text",
    )


def test_formats_and_zones_are_checked_before_the_first_record() -> None:
    (error,) = errors({"from": "value", "format": "iso-8601"}, TIME)
    assert (error.path, error.code, error.hint) == (("format",), "unknown_format", "did you mean iso8601?")
    (error,) = errors({"from": "value", "timezone": "Europe/Pariss"}, TIME)
    assert (error.path, error.code) == (("timezone",), "unknown_timezone")
    (error,) = errors({"from": "value", "as": "string"}, TIME)
    assert (error.path, error.code) == (("as",), "wrong_type")


# Laws

any_text = st.text(st.characters(exclude_categories=[]), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text | st.sampled_from("ab"), inner, max_size=3),
    max_leaves=6,
)
SPECS: list[Any] = [
    "value.a",
    CASE,
    LOOKUP,
    {**LOOKUP, "otherwise": "dead_letter"},
    {"template": "{{ value.a }}{{ value.b }}"},
    {"from": "value.a", "as": "int"},
    {"from": "value.a", "as": "bool"},
    {"from": "value.a", "format": "auto", "timezone": "Asia/Tokyo"},
    "join(',', value.a)",
]


@given(st.sampled_from(SPECS), st.sampled_from([TEXT, NUMBER, PROPERTY, TIME]), json_values)
def test_a_value_becomes_one_of_the_members_type_or_a_data_error(spec: Any, target: Target, value: Any) -> None:
    fetch, problems = compiled(spec, target)
    if problems:
        return  # a constant of the spec that this target refuses
    try:
        result = fetch({"value": value})
    except DataError as error:
        assert str(error).startswith("member ")  # noqa: PT017  either is right
    else:
        wanted = {TEXT: str, NUMBER: float, TIME: int}.get(target, object)
        assert result is None or isinstance(result, wanted)


@pytest.mark.parametrize("spec", [*SPECS, "to_number(value.b)", "value.b"])
@pytest.mark.parametrize("target", [NUMBER, TIME])
def test_a_message_holds_nothing_of_the_record(spec: Any, target: Target) -> None:
    fetch, _ = compiled(spec, target)
    try:
        result = fetch({"value": {"a": {"user": "u-4711"}, "b": "u-4711"}})
    except DataError as error:
        assert "4711" not in str(error)  # noqa: PT017  null is right as well
    else:
        assert result is None
