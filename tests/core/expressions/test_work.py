"""The work of a record: what is the same for all of its elements is done once, and all of it has a bound."""

import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.expressions import work as work_module
from connector.core.expressions.expression import ROOTS, EvaluationError, ExpressionError, compile_expression
from connector.core.expressions.functions import FUNCTIONS
from connector.core.expressions.searching import MAX_SEARCH
from connector.core.expressions.work import MAX_STEPS, Exhausted, Work, weight
from connector.core.mapping.rules import MAX_ELEMENTS, CompiledRules, Mapped, compile_pipeline
from connector.core.mapping.scope import RECORD_NAMES
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import DataError, Fate, Pending, Reason, Record, Rejection, Stage, Transformed
from tests.core.expressions.test_expressions import DOCUMENTS, FAILED, ROOT_DOCUMENTS, grow, library, same
from tests.support.examples import examples

NOW = 1_795_509_011.0
NAMES = frozenset({"a", "b", "c", "item", "index"})
BASE = {"sessionId": {"const": "s"}, "eventType": {"const": "View"}}


def compiled(members: dict[str, Any], for_each: Any = "value.items", when: str | None = None) -> CompiledRules:
    rule = {"name": "r", "when": when, "for_each": for_each, "put_events": {**BASE, **members}}
    mapping = compile_pipeline(PipelineSpec.model_validate({"name": "p", "topics": ["t"], "rules": [rule]}))
    assert isinstance(mapping, CompiledRules), mapping
    return mapping


def mapped(mapping: CompiledRules, value: Any) -> Any:
    root = dict.fromkeys(RECORD_NAMES) | {"value": value, "topic": "t", "partition": 0, "offset": 0}
    return mapping(root | {"timestamp": int(NOW * 1000)})


def transformed(members: dict[str, Any], value: Any, for_each: str | None = "value.items") -> Fate | Pending:
    spec = PipelineSpec.model_validate(
        {
            "name": "p",
            "topics": ["t"],
            "rules": [{"name": "r", "for_each": for_each, "put_events": {**BASE, **members}}],
        }
    )
    mapping = compile_pipeline(spec)
    assert isinstance(mapping, CompiledRules), mapping
    record = Record("t", 0, 0, int(NOW * 1000), None, orjson.dumps(value))
    return Pipeline(spec, mapping, "tracker")(record, NOW)


# What does not depend on the element


EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b", "item", "index", "'a'", "`[1, 2]`", "@", "*", "[0]", "[]"]), grow, max_leaves=8
)


@settings(max_examples=examples(800), deadline=None)
@given(EXPRESSIONS, ROOT_DOCUMENTS, st.lists(DOCUMENTS, min_size=2, max_size=3))
def test_an_expression_gives_every_element_what_the_library_gives_it(
    text: str, document: dict[str, Any], items: list[Any]
) -> None:
    work = Work()
    try:
        expression = compile_expression(text, names=NAMES, work=work)
    except ExpressionError:
        return
    work.begin()
    for index, item in enumerate(items):
        root = {**document, "item": item, "index": index}
        try:
            result = expression.evaluate(root)
        except EvaluationError as error:
            assert error.__context__ is None  # noqa: PT017  an error may hold values of the record
            result = FAILED
        assert same(result, library(text, root))


NESTED = NAMES | {"parent"}
OF_PARENT = st.recursive(
    st.sampled_from(["a", "item", "index", "parent", "parent", "'a'", "`[1, 2]`", "@", "*", "[0]", "[]"]),
    grow,
    max_leaves=8,
)


@settings(max_examples=examples(800), deadline=None)
@given(OF_PARENT, ROOT_DOCUMENTS, st.lists(st.lists(DOCUMENTS, min_size=1, max_size=3), min_size=2, max_size=3))
def test_an_expression_gives_every_element_of_every_parent_what_the_library_gives_it(
    text: str, document: dict[str, Any], lists: list[list[Any]]
) -> None:
    work = Work()
    try:
        expression = compile_expression(text, names=NESTED, work=work)
    except ExpressionError:
        return
    work.begin()
    for index, (parent, *items) in enumerate(lists):
        work.next_parent()
        for item in (*items, 0):
            root = {**document, "item": item, "parent": parent, "index": index}
            try:
                result = expression.evaluate(root)
            except EvaluationError:
                result = FAILED
            assert same(result, library(text, root))


@pytest.mark.parametrize(
    ("text", "of_parent"),
    [
        ("parent.a", True),
        ("value.a || parent.a", True),
        ("parent.items[?item]", True),  # a name of a member
        ("value.a", False),
        ("parent.a || item.a", False),
        ("parent.a || index", False),
        ("@", False),
    ],
)
def test_of_a_parent_is_what_is_the_same_for_all_its_elements(text: str, of_parent: bool) -> None:  # noqa: FBT001
    assert compile_expression(text).of_parent is of_parent


def test_in_an_inner_list_nothing_is_kept_for_a_parent() -> None:
    assert not compile_expression("parent.a", names=ROOTS - {"index"}).of_parent


@pytest.mark.parametrize(
    ("text", "steady"),
    [
        ("value.params[?key == 'a']", True),
        ("value.a", True),
        ("item.a", False),
        ("value.a || item.a", False),
        ("value.items[?item == 'a'].index", True),  # names of a member of value
        ("keys(@)", False),
        ("*", False),
    ],
)
def test_steady_is_what_is_the_same_for_every_element(text: str, steady: bool) -> None:  # noqa: FBT001
    assert compile_expression(text).steady is steady


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What ``upper`` was called with."""
    seen: list[Any] = []

    def upper(text: str) -> str:
        seen.append(text)
        if text == "fail":
            raise ValueError
        return text.upper()

    monkeypatch.setitem(FUNCTIONS, "upper", FUNCTIONS["upper"]._replace(call=upper))
    return seen


@pytest.mark.parametrize(
    "members",
    [
        {"itemId": "upper(value.a)"},
        {"itemId": "join('-', [upper(value.a), to_string(item)])"},
        {"itemId": "item.none || upper(value.a)"},
        {"itemId": {"template": "{{ upper(value.a) }}-{{ index }}"}},
        {"itemId": {"from": "upper(value.a)", "lookup": {"A": "1"}}},
        {"itemId": {"case": [{"when": "upper(value.a) == 'A'", "then": "to_string(item)"}]}},
        {"properties": {"a": "upper(value.a)", "item": "item"}},
        {"impression": ["upper(value.a)", "to_string(item)"]},
    ],
)
def test_what_does_not_depend_on_the_element_is_evaluated_once_a_record(members: Any, calls: list[Any]) -> None:
    mapping = compiled(members)
    for text in ("a", "b"):
        calls.clear()
        fate = mapped(mapping, {"a": text, "items": [1, 2, 3]})
        assert isinstance(fate, Mapped)
        assert len(fate.events) == 3
        assert calls == [text]


LISTS = ["value.outer", "item.inner"]


@pytest.mark.parametrize(
    "members",
    [
        {"itemId": "upper(parent.a)"},
        {"itemId": "join('-', [upper(parent.a), to_string(item)])"},
        {"itemId": "item.none || upper(parent.a)"},
        {"itemId": {"template": "{{ upper(parent.a) }}-{{ index }}"}},
        {"itemId": {"from": "upper(parent.a)", "lookup": {"A": "1", "B": "2"}}},
        {"properties": {"a": "upper(parent.a)", "item": "item", "b": "value.b"}},
    ],
)
def test_what_depends_on_the_parent_alone_is_evaluated_once_a_parent(members: Any, calls: list[Any]) -> None:
    mapping = compiled(members, LISTS)
    value = {"outer": [{"a": "a", "inner": [1, 2]}, {"a": "b", "inner": []}, {"a": "c", "inner": [3, 4, 5]}]}
    for _ in range(2):
        calls.clear()
        fate = mapped(mapping, value)
        assert isinstance(fate, Mapped)
        assert len(fate.events) == 5
        assert calls == ["a", "c"]


def test_what_is_kept_for_a_parent_is_not_that_of_another() -> None:
    value = {"outer": [{"a": "a", "inner": [1, 2]}, {"a": None, "inner": [1]}, {"a": "b", "inner": [1]}]}
    members = {
        "itemId": "upper(parent.a)",
        "userId": "join('-', [upper(not_null(parent.a, value.z)), to_string(index)])",
    }
    fate = mapped(compiled(members, LISTS), {**value, "z": "z"})
    assert [event.members.get("itemId") for event in fate.events] == ["A", "A", None, "B"]
    assert [event.members["userId"] for event in fate.events] == ["A-0", "A-1", "Z-2", "B-3"]


def test_what_fails_for_a_parent_fails_for_all_its_elements_and_is_tried_once(calls: list[Any]) -> None:
    value = {"outer": [{"a": "fail", "inner": [1, 2]}, {"a": "b", "inner": [1]}]}
    fate = mapped(compiled({"itemId": "upper(parent.a)"}, LISTS), value)
    assert [bad.indexes for bad in fate.invalid] == [((0, 0),), ((0, 1),)]
    assert [event.index for event in fate.events] == [(1, 0)]
    assert [text for text in calls if text != "fail"] == ["b"]
    assert calls.count("fail") == 2  # once, and once more by what makes the message


def test_the_elements_of_many_parents_have_the_bound_of_those_of_one() -> None:
    members = {f"p{number}": f"contains(parent.big, item.x{number})" for number in range(30)}
    value = {"outer": [{"big": list(range(1000)), "inner": [{"x0": 1}]} for _ in range(900)]}
    fate = mapped(compiled({"properties": members}, LISTS), value)
    assert isinstance(fate, Rejection)
    assert fate.reason is Reason.TOO_COMPLEX


def test_what_no_element_asks_for_is_not_evaluated(calls: list[Any]) -> None:
    fate = mapped(compiled({"itemId": "item || upper(value.a)"}), {"a": "fail", "items": ["x", "y"]})
    assert [event.members["itemId"] for event in fate.events] == ["x", "y"]
    assert calls == []


@pytest.mark.parametrize("text", ["upper(value.a)", "item.none || upper(value.a)"])
def test_what_fails_fails_for_every_element_that_asks_for_it_and_is_tried_once(text: str, calls: list[Any]) -> None:
    fate = mapped(compiled({"itemId": f"[{text}, index] | [0]"}), {"a": "fail", "items": [{}, {}, {}]})
    assert [rejection.indexes for rejection in fate.invalid] == [(0,), (1,), (2,)]
    assert {rejection.reason for rejection in fate.invalid} == {Reason.EXPRESSION_FAILED}
    assert len({rejection.message for rejection in fate.invalid}) == 1
    assert calls == ["fail", "fail"]  # the second time for its error


def test_a_kept_failure_is_raised_again_without_the_traceback_of_the_one_before() -> None:
    def fail(_: Any) -> Any:
        raise DataError(Reason.WRONG_TYPE, "expected a number, not text")

    run = Work().once(fail)
    depths = []
    for _ in range(3):
        with pytest.raises(DataError) as caught:
            run(None)
        depths.append(len(caught.traceback))
    assert depths[1] == depths[2]


def test_a_single_element_keeps_nothing_and_the_next_record_does(calls: list[Any]) -> None:
    mapping = compiled({"itemId": "upper(value.a)"})
    for items, times in (([1], 1), ([1, 2, 3], 1), ([1], 1), ([], 0)):
        calls.clear()
        mapped(mapping, {"a": "x", "items": items})
        assert calls == ["x"] * times


def test_outside_of_for_each_nothing_is_kept(calls: list[Any]) -> None:
    fate = mapped(compiled({"itemId": "upper(value.a)", "userId": "upper(value.a)"}, for_each=None), {"a": "x"})
    assert isinstance(fate, Mapped)
    assert calls == ["x", "x"]


# The bound


PARAMS = [{"key": f"key{number:05d}", "value": {"string_value": "x"}} for number in range(17_001)]
ROWS = [{"a": 1}] * 110_000
ITEMS = [{"id": number} for number in range(MAX_ELEMENTS)]
BOTH = "[value.big, item.id] | [0]"  # depends on the element, and has all of the data
TEXT = "a b%20" * 150_000
ONES = [1] * 400_000
WORST: list[tuple[dict[str, Any], Any]] = [
    ({"itemId": f"{BOTH} | [?a == `2`] | [0].a"}, ROWS),
    ({"itemId": f"{BOTH} | [?lower(to_string(a)) == '2'] | [0].a"}, ROWS),
    ({"itemId": f"{BOTH} | [*].a | [0]"}, ROWS),
    ({"itemId": f"{BOTH} | @.*.a | [0]"}, {f"k{number}": {"a": 1} for number in range(60_000)}),
    ({"itemId": "[value.big, [item.id]][] | [0].a"}, ROWS),
    ({"itemId": f"{BOTH} | [::-1] | [0].a"}, ONES),
    ({"itemId": f"{BOTH} | sort_by(@, &a) | [0].a"}, ROWS),
    ({"itemId": f"{BOTH} | max_by(@, &a).a"}, ROWS),
    ({"itemId": f"{BOTH} | map(&a, @) | [0]"}, ROWS),
    ({"itemId": f"{BOTH} | sort(@) | [0]"}, [number * 7919 % 100_003 for number in range(120_000)]),
    ({"itemId": f"{BOTH} | sum(@)"}, ONES),
    ({"itemId": f"{BOTH} | reverse(@) | [0]"}, ONES),
    ({"itemId": "sum([value.big, item.id][0]) || 'x'"}, ROWS),
    ({"itemId": f"to_string({BOTH}) | length(@)"}, ROWS),
    ({"itemId": f"parse_json(to_string({BOTH})) | length(@)"}, ROWS),
    ({"itemId": "to_string(contains(value.big, item.id))"}, [0.5] * 240_000),
    ({"itemId": f"join(',', {BOTH}) | length(@)"}, ["a"] * 200_000),
    ({"itemId": f"{BOTH} | lower(@) | type(@)"}, TEXT),
    ({"itemId": f"{BOTH} | replace(@, 'a', 'b') | type(@)"}, TEXT),
    ({"itemId": f"{BOTH} | split(@, 'a') | type(@)"}, TEXT),
    ({"itemId": f"{BOTH} | sha256(@)"}, TEXT),
    ({"itemId": f"{BOTH} | url_param(@, 'x')"}, "?" + "&%20=" * 190_000),
    ({"itemId": f"{BOTH} | parse_json(@) | length(@)"}, "[" + ",".join(['{"":0}'] * 130_000) + "]"),
    ({"itemId": {"template": "{{ value.big }}{{ item.id }}"}}, TEXT),
    ({"sentAt": BOTH}, TEXT),
    ({"eventValue": BOTH}, "1" * 900_000),
    ({"impression": "[value.big, [item.id]][]"}, ["a"] * 200_000),
    ({"properties": {"all": "value.big", "id": "item.id"}}, ROWS),
    ({"properties": "merge(value.big, item)"}, {"a": ONES}),
    ({"properties": BOTH}, orjson.dumps({"a": ONES}).decode()),
    ({"itemId": f"{BOTH} | regex_extract(substring(@, `0`, `446`), '[^/]+$') || 'x'"}, "a" * 445 + "/"),
]


@pytest.mark.grid
@pytest.mark.parametrize(("members", "big"), WORST, ids=[str(members)[:70] for members, _ in WORST])
def test_no_mapping_of_a_record_of_a_megabyte_takes_long(members: dict[str, Any], big: Any) -> None:
    """At most about 250 ms, and ten times that where coverage is measured; without the bound, most take minutes."""
    began = time.thread_time()
    fate = transformed(members, {"items": ITEMS, "big": big})
    assert time.thread_time() - began < 6
    assert isinstance(fate, Rejection)
    assert (fate.stage, fate.reason, fate.indexes) == (Stage.MAP, Reason.TOO_COMPLEX, ())
    assert (fate.field, fate.pipeline, fate.rule) == (next(iter(members)), "p", "r")
    assert fate.message.startswith(f"pipeline p, rule r: {fate.field}")
    assert f"at most {MAX_STEPS} evaluation steps for one record" in fate.message


def test_lists_that_are_equal_down_to_their_ends_are_counted() -> None:
    lists = {"one": [[0] * 9] * 9_000, "other": [[0] * 9] * 9_000, "items": ITEMS}
    fate = transformed({"itemId": "to_string([value.one, item.id] == [value.other, item.id])"}, lists)
    assert isinstance(fate, Rejection)
    assert fate.reason is Reason.TOO_COMPLEX
    deep = {"big": [[0] * 300 + [1]] * 900, "items": [{"id": [0] * 300 + [2]}] * 300}
    fate = transformed({"itemId": "to_string(contains(value.big, item.id))"}, deep)
    assert isinstance(fate, Rejection)
    assert fate.reason is Reason.TOO_COMPLEX


def test_every_list_that_a_record_of_a_megabyte_has_can_be_read_by_many_members() -> None:
    members = {f"p{number}": f"value.params[?key=='key{number:05d}'].value.string_value | [0]" for number in range(20)}
    fate = transformed({"properties": members}, {"params": PARAMS, "items": ITEMS})
    assert isinstance(fate, Transformed)
    assert fate.rejection is None
    assert len(fate.entries) == MAX_ELEMENTS


def test_each_of_a_thousand_elements_can_search_its_own_parameters_many_times() -> None:
    items = [{"p": [{"k": f"a{number}", "v": 1} for number in range(25)]} for _ in range(MAX_ELEMENTS)]
    members = {f"p{number}": f"item.p[?k=='a{number}'] | [0].v" for number in range(25)}
    fate = transformed({"properties": members}, {"items": items})
    assert isinstance(fate, Transformed)
    assert fate.rejection is None


def test_each_of_a_thousand_elements_can_have_a_url_that_is_searched() -> None:
    url = "https://shop.test/product/77?utm_source=a&utm_medium=b&utm_campaign=c%20d&ref=" + "x" * 60
    items = [{"url": url}] * MAX_ELEMENTS
    members = {"itemId": r"regex_extract(item.url, '/product/(\d+)')", "userId": "url_param(item.url, 'ref')"}
    fate = transformed(members, {"items": items})
    assert isinstance(fate, Transformed)
    assert fate.rejection is None


def test_elements_that_take_too_much_by_their_number_alone_are_refused_before_the_first() -> None:
    members = {"properties": {f"p{number}": {"template": "{{ lower(item.a) }}-{{ index }}"} for number in range(200)}}
    fate = transformed(members, {"items": [{"a": "x"}] * MAX_ELEMENTS})
    assert isinstance(fate, Rejection)
    assert (fate.reason, fate.field) == (Reason.TOO_COMPLEX, None)
    assert fate.message.startswith("pipeline p, rule r: for_each: expected at most")


def test_a_condition_that_takes_too_much_is_a_dead_letter_and_not_false() -> None:
    rows = " || ".join(f"value.big[?a == `{number}`]" for number in range(2, 40))
    fate = mapped(compiled({}, for_each=None, when=rows), {"big": ROWS})
    assert isinstance(fate, Rejection)
    assert (fate.reason, fate.rule) == (Reason.TOO_COMPLEX, "r")
    assert fate.message.startswith("pipeline p, rule r: when value.big")


def test_the_same_record_takes_the_same_steps_whatever_came_before_it() -> None:
    mapping = compiled({"itemId": f"{BOTH} | [?a == `2`] | [0].a || 'x'"})
    heavy, light = {"big": ROWS, "items": ITEMS}, {"big": ROWS[:2], "items": ITEMS}
    for value, kind in ((heavy, Rejection), (light, Mapped), (heavy, Rejection), (heavy, Rejection), (light, Mapped)):
        assert isinstance(mapped(mapping, value), kind)


def test_an_expression_by_itself_has_the_same_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "MAX_STEPS", 100)
    expression = compile_expression("value[*].a", names=ROOTS)
    for _ in range(2):
        assert expression.evaluate({"value": [{"a": 1}] * 30}) == [1] * 30
        with pytest.raises(EvaluationError, match="evaluation steps") as caught:
            expression.evaluate({"value": [{"a": 1}] * 60})
        assert caught.value.__context__ is None


def test_a_constant_that_takes_too_much_is_found_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "MAX_STEPS", 10)
    with pytest.raises(ExpressionError, match="this can only fail") as caught:
        compile_expression("`[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]`[*].a")
    assert caught.value.code == "always_fails"


def test_steps_are_counted_down_to_the_last() -> None:
    work = Work()
    work.spend(MAX_STEPS)
    with pytest.raises(Exhausted):
        work.spend(1)
    work.begin()
    work.spend(MAX_STEPS)


def test_a_search_counts_no_more_than_it_may_take() -> None:
    counted: list[int] = []
    search = FUNCTIONS["regex_extract"].prepare
    assert search is not None
    for pattern, text, most in (("[^/]+$", "a" * 445 + "/", MAX_SEARCH), ("a(b)", "c" * 600, 600), ("^(a+)", "a", 1)):
        search([None, pattern], 0, counted.append)(text, pattern)
        assert counted.pop() <= most


def test_the_weight_of_nested_lists_has_all_levels() -> None:
    assert weight([]) < weight([1]) < weight([1, 2]) < weight([1, [2]]) < weight([1, [2], {"a": [3]}])
