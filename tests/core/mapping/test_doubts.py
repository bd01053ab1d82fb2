import pytest

from connector.core.mapping.doubts import MOST, doubts
from connector.core.mapping.scope import SpecError
from connector.core.mapping.specs import PipelineSpec


def pipeline(*rules: dict[str, object]) -> PipelineSpec:
    named = [{"name": f"r{number}", **rule} for number, rule in enumerate(rules)]
    return PipelineSpec.model_validate({"name": "p", "topics": ["t"], "rules": named})


def found(*rules: dict[str, object]) -> list[SpecError]:
    return list(doubts(pipeline(*rules)))


def view(**members: object) -> dict[str, object]:
    return {"put_events": {"sessionId": "value.s", "eventType": {"const": "View"}, **members}}


def test_a_rule_that_comes_after_a_wider_one_is_never_reached() -> None:
    (doubt,) = found({"when": "value.a", "skip": "a"}, {"when": "value.a && value.b", "skip": "b"})
    assert (doubt.path, doubt.code) == (("rules", 1, "when"), "unreachable_rule")
    assert doubt.message == "r1 is never reached: r0 comes first and is true wherever this is true"


def test_rules_in_the_right_order_and_rules_without_a_condition_raise_no_doubt() -> None:
    assert found({"when": "value.a && value.b", "skip": "b"}, {"when": "value.a", "skip": "a"}, view()) == []


def test_only_so_many_conditions_are_compared_with_each_that_follows() -> None:
    def rules(condition: str, numbers: range) -> list[dict[str, object]]:
        return [{"when": condition.format(number), "skip": "x"} for number in numbers]

    many = rules("value.a == 'x{}'", range(MOST + 1))
    again = rules("value.b && value.a == 'x{}'", range(MOST - 1, MOST + 1))
    assert [error.path[1] for error in found(*many, *again)] == [MOST + 1]


def test_a_condition_that_contradicts_itself_takes_nothing_from_others() -> None:
    doubt, *others = found(
        {"when": "value.a == 'x' && value.a == 'y'", "skip": "a"},
        {"when": "value.a == 'x' && value.a == 'y' && value.b", "skip": "b"},
    )
    assert (doubt.path, doubt.code) == (("rules", 0, "when"), "never_true")
    assert [other.code for other in others] == ["never_true"]


def test_arms_of_a_case_are_held_to_the_same_wherever_the_case_stands() -> None:
    case = {"case": [{"when": "value.a", "then": "value.b"}, {"when": "value.a && value.c", "then": "value.d"}]}
    within = {"case": [{"when": "value.z", "then": case}, {"else": case}]}
    errors = found(view(itemId=within, impression=[case], properties={"p": case}))
    assert {error.code for error in errors} == {"unreachable_arm"}
    put = ("rules", 0, "put_events")
    assert {error.path for error in errors} == {
        (*put, "itemId", "case", 0, "then", "case", 1, "when"),
        (*put, "itemId", "case", 1, "else", "case", 1, "when"),
        (*put, "impression", 0, "case", 1, "when"),
        (*put, "properties", "p", "case", 1, "when"),
    }


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("sku-${value.id}", "did you mean sku-{{ value.id }}?"),
        ("{value.id}:{ value.n }", "did you mean {{ value.id }}:{{ value.n }}?"),
        ("#{value.id}", "did you mean {{ value.id }}?"),
        ("sku", "for a fixed value write {const: ...}"),
        ("{1}", "for a fixed value write {const: ...}"),
    ],
)
def test_a_template_without_an_expression_is_the_same_for_each_record(template: str, hint: str) -> None:
    (doubt,) = found(view(itemId={"template": template}))
    assert (doubt.path, doubt.code) == (("rules", 0, "put_events", "itemId", "template"), "constant_template")
    assert doubt.hint == hint


def test_templates_are_found_wherever_they_stand_and_one_with_an_expression_raises_no_doubt() -> None:
    fixed = {"template": "x"}
    case = {"case": [{"when": "value.a", "then": fixed}, {"else": fixed}]}
    errors = found(view(itemId=case, impression=[fixed], properties={"p": fixed}))
    assert [error.code for error in errors] == ["constant_template"] * 4
    assert found(view(itemId={"template": "{{ value.a }}"})) == []


def test_a_row_of_a_lookup_that_is_called_as_a_fallback_is_none() -> None:
    (doubt,) = found(view(itemId={"from": "value.a", "lookup": {"a": "x", "default": "y"}}))
    assert doubt.path == ("rules", 0, "put_events", "itemId", "lookup", "default")
    assert doubt.code == "fallback_in_lookup"


@pytest.mark.parametrize("beside", [{"default": "z"}, {"otherwise": "skip"}, {"otherwise": {"const": "z"}}])
def test_a_lookup_with_a_fallback_of_its_own_may_have_any_row(beside: dict[str, object]) -> None:
    assert found(view(itemId={"from": "value.a", "lookup": {"default": "y", "*": "x"}, **beside})) == []
