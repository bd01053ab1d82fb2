import contextlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jmespath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jmespath.exceptions import ParseError
from jmespath.parser import Parser

from connector.core.expressions import compiler
from connector.core.expressions.expression import (
    MAX_DEPTH,
    ROOTS,
    EvaluationError,
    Expression,
    ExpressionError,
    compile_expression,
    truthy,
)
from tests.support.each import for_each
from tests.support.examples import examples

ORDER: dict[str, Any] = {
    "value": {
        "event": "Order Completed",
        "n": 3,
        "zero": 0,
        "one": 1,
        "yes": True,
        "no": False,
        "null": None,
        "empty": "",
        "none": [],
        "bare": {},
        "big": 123456789012345678901234567890,
        "price": 19.5,
        "text": "  Mixed Case ",
        "context": {"sessionId": "s-1", "page": {"url": {"path": "/a"}}, "null": None, "list": [1]},
        "items": [
            {"sku": "b", "price": 30, "tags": ["x", "y"], "deep": {"k": [1, [2, 3]]}},
            {"sku": "a", "price": 10, "tags": [], "sold": True},
            {"sku": "c", "price": 20, "tags": ["z"]},
            {"price": 5},
        ],
        "numbers": [3, 1, 2, 0, -1, 2.5],
        "words": ["pear", "apple", "fig"],
        "mixed": [1, "a", None, True, False, 0, [], {}, [1, [2]], {"a": 1}],
        "nested": [[1, 2], [3, [4, 5]], 6, None, []],
        "members": {"x": {"p": 1}, "y": {"p": 2}, "z": {"q": 3}, "w": None, "v": 1},
        "odd-name": {"2nd": "quoted"},
        "value": "inner",
        "ü": "umlaut",
    },
    "key": "k1",
    "headers": {"source": "web"},
    "topic": "orders",
    "partition": 0,
    "offset": 12,
    "timestamp": 1795509011000,
    "item": {"product_id": "p1"},
    "index": 0,
}

# One line is one expression; all are evaluated over ORDER and compared with the library.
AGREED = r"""
value
@
@.value.event
@ | value.event
@ | @ | value | n
@ | @
@.[@ | topic]
*
*.event
value.*
value.event
value.missing
value.event.deeper
value.null.deeper
value.zero.deeper
value.none.deeper
value.items.sku
value.context.sessionId
value.context.page.url
value.context.page.url.path
value.context.page.url.path.more
value.context.null.x.y.z
value.context.list.x.y.z
value.context.missing.x.y.z
value."odd-name"."2nd"
value."odd-name"
"value"."event"
value."ü"
value.value
(value.context).sessionId
(value).(event)
(value | context).sessionId
key
headers.source
topic
partition
offset
timestamp
item.product_id
index
[value.event, key, missing_is_below]
{event: value.event, "quoted name": key, nested: {a: topic}}
value.[event, missing, n]
value.{e: event, m: missing}
value.null.[event]
value.null.{e: event}
value.items[0].[sku, price]
value.items[*].{s: sku, p: price}
value.items[*].[sku]
value.items[0]
value.items[-1]
value.items[99]
value.items[-99]
value.items[0].sku
value.items[0].tags[1]
value.items[99].sku
value.event[0]
value.context[0]
value.null[0]
value.n[0]
value.items[0].deep.k[1][0]
value.numbers[1:3]
value.numbers[:2]
value.numbers[2:]
value.numbers[::-1]
value.numbers[::2]
value.numbers[-2:]
value.numbers[10:20]
value.numbers[1:-1:2]
value.numbers[:]
value.event[1:2]
value.null[1:2]
value.items[:2].sku
value.items[::-1].sku
value.items[0:1][0]
value.items[*]
value.items[*].sku
value.items[*].tags
value.items[*].tags[0]
value.items[*].tags[*]
value.items[*].tags[]
value.items[*].missing
value.items[*].deep.k[1][1]
value.event[*]
value.context[*]
value.null[*]
value.mixed[*]
value.members.*
value.members.*.p
value.members.*.q
value.items.*
value.event.*
value.null.*
value.members.* | [0]
value.members.*.[p, q]
value.items[].tags
value.items[].tags[]
value.nested[]
value.nested[][]
value.nested[][][]
value.event[]
value.null[]
value.context[]
value.mixed[]
value.items[].deep.k[]
value.items[?price > `10`]
value.items[?price > `10`].sku
value.items[?price >= `10`].sku
value.items[?price < `10`].sku
value.items[?price <= `10`].sku
value.items[?price != `10`].sku
value.items[?sku == 'a'].price
value.items[?sku == 'a'] | [0].price
value.items[?sku].sku
value.items[?!sku].price
value.items[?sold].sku
value.items[?tags].sku
value.items[?tags[0] == 'x'].sku
value.items[?contains(tags, 'z')].sku
value.items[?price > `5` && price < `30`].sku
value.items[?sku == 'a' || sku == 'b'].price
value.items[?deep.k[0] == `1`].sku
value.items[?`true`].sku
value.items[?`false`].sku
value.items[?missing == `null`].sku
value.items[?sku == 'a'][?price == `10`]
value.items[?@.sku == 'c'].price
value.words[?@ != 'fig']
value.words[?starts_with(@, 'a')]
value.numbers[?@ > `1`]
value.event[?x == 'y']
value.context[?x == 'y']
value.null[?x]
value.mixed[?@]
value.items[?sku == 'a'][]
value.event == 'Order Completed'
value.event == 'other'
value.event != 'other'
'Order Completed' == value.event
value.n == `3`
value.n == `3.0`
value.n == value.n
value.n == '3'
value.big == `123456789012345678901234567890`
value.big
value.zero == `0`
value.zero == `false`
value.no == `0`
value.no == `false`
value.one == `true`
value.one == `1`
value.yes == `1`
value.yes == `1.0`
value.yes == `true`
value.yes != `1`
value.yes == value.one
value.no == value.zero
value.one != value.yes
value.null == `null`
value.missing == `null`
value.zero == `null`
value.none == `[]`
value.bare == `{}`
value.none == value.bare
`[0]` == `[false]`
`[1, 2]` == `[1, 2]`
value.context.list == `[1]`
value.n > `2`
value.n > `3`
value.n >= `3`
value.n < `3.5`
value.n <= value.zero
value.event > 'A'
value.event < 'A'
value.event >= value.event
value.null > `1`
value.yes > `0`
value.none < `1`
value.event > value.null
value.n < value.event
value.event < value.n
value.n < value.yes
value.yes && value.no
value.yes && value.event
value.no && value.event
value.zero && value.event
value.empty && value.event
value.none && value.event
value.bare && value.event
value.null && value.event
value.yes && value.one && value.zero && value.n
value.yes && value.null && value.n
value.null || value.event
value.zero || value.event
value.empty || value.none || value.bare || value.n
value.missing || value.null
value.null || value.empty || value.no
value.yes || value.event && value.no
(value.yes || value.event) && value.no
value.yes && (value.no || value.n)
`true` && value.event
`false` && value.event
`false` || value.event
`true` || value.event
value.event || `true`
value.null || `false` || `null`
value.null && `true`
`null` || `false` || value.n
`true` && `5`
`null` || `false`
!(value.yes)
!(value.no)
!(value.zero)
!(value.empty)
!(value.null)
!(value.none)
!(value.missing)
!!(value.event)
!`true`
!(value.yes && value.no)
value.items | [0]
value.items | [0] | sku
value.items[*].sku | [1]
value.items[*].tags | []
value.items | length(@)
value.event | `5`
value.null | `5`
`5` | @
`[1, 2, 3]` | [1]
`{"a": {"b": 1}}`.a.b
`[1, 2]`[0]
`[[1], [2]]`[]
`[1, null, 2]`[*]
`{"a": 1, "b": null}`.*
`[{"a": 1}, {"a": 2}]`[?a > `1`].a
`[{"a": 1}]`[*].{b: a}
'raw'
'raw \' quote'
'back\\slash \d'
`"json"`
`"a\nb"`
`bare`
` 5 `
`-1.5e3`
`123456789012345678901`
`null`
`true`
`[]`
`{}`
"value"
abs(`-5`)
abs(value.n)
abs(value.event)
avg(value.numbers)
avg(`[]`)
avg(value.words)
avg(value.n)
ceil(value.price)
ceil(value.event)
contains(value.words, 'fig')
contains(value.event, 'Order')
contains(value.mixed, `null`)
contains(value.event, value.n)
contains(value.n, 'x')
contains(['Order Completed', 'Other'], value.event)
ends_with(value.event, 'ed')
ends_with(value.event, value.n)
floor(value.price)
join(', ', value.words)
join('', `[]`)
join(value.n, value.words)
join(', ', value.mixed)
join(', ', value.items[*].sku)
keys(value.members)
keys(value.null)
keys(@)
length(value.event)
length(value.items)
length(value.members)
length(value.n)
length(value.null)
map(&sku, value.items)
map(&price, value.items)
map(&sku, value.event)
map(&[sku, price], value.items)
map(&map(&@, tags || `[]`), value.items)
max(value.numbers)
max(value.words)
max(value.mixed)
max(`[]`)
max_by(value.items, &price)
max_by(value.items, &price).sku
max_by(value.items, &sku)
max_by(`[]`, &a)
merge(value.context, headers)
merge(value.context)
merge(value.context, value.n)
merge(value.n, value.context)
min(value.numbers)
min(value.words)
min(value.nested)
min_by(value.items, &price).price
min_by(value.items[?sku], &sku).sku
min_by(value.items, &tags)
not_null(value.missing, value.null, value.event)
not_null(value.missing, value.null)
not_null(value.zero, value.event)
not_null(value.missing, length(value.items))
not_null(value.event, length(value.n))
not_null(value.event)
reverse(value.words)
reverse(value.event)
reverse(value.n)
sort(value.numbers)
sort(value.words)
sort(value.mixed)
sort(`[]`)
sort(`["a", 1]`)
sort(value.nested)
sort_by(value.items, &price)
sort_by(value.items, &price)[*].sku
sort_by(value.items[?sku], &sku)[0].sku
sort_by(value.items, &sku)
sort_by(value.items, &tags)
sort_by(`[]`, &a)
sort_by(value.event, &a)
starts_with(value.event, 'Order')
starts_with(value.event, 'x')
starts_with(value.null, 'x')
sum(value.numbers)
sum(value.items[*].price)
sum(`[]`)
sum(value.words)
to_array(value.event)
to_array(value.items)
to_array(value.null)
to_number(value.n)
to_number('19.00')
to_number('19')
to_number('nope')
to_number(value.yes)
to_number(value.none)
to_number(value.null)
to_number('1e999')
ceil(to_number('1e999'))
floor(to_number('nan'))
to_string(value.n)
to_string(value.event)
to_string(value.context)
to_string(value.null)
to_string(value.big)
to_string(`[1, "a", null]`)
type(value.event)
type(value.n)
type(value.price)
type(value.yes)
type(value.none)
type(value.bare)
type(value.null)
values(value.members)
values(value.none)
value.items[*].length(tags || `[]`)
value.items[?length(tags || `[]`) > `1`].sku
value.items[*].not_null(sku, 'none')
value.items[].to_string(price)
value.words | sort(@) | join('-', @)
value.words[*].length(@)
value.items[?price > `100`] || 'nothing'
value.length(items)
value.items[0].sort(tags)
abs(value.items[0].price) > `1` && value.event
[value.items[?sku == 'a'].price, value.n][0]
""".strip().splitlines()
AGREED = [line.replace(", missing_is_below", "") for line in AGREED]


class Anything(set[str]):
    """Names that are never missing: no root to check against."""

    def __contains__(self, _name: object) -> bool:
        return True


ANYTHING = Anything({"anything"})


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type, all the way down; NaN is itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    return bool(left == right) or left != left  # noqa: PLR0124  NaN


FAILED = object()


def ours(text: str, document: Any) -> Any:
    try:
        return compile_expression(text, names=ANYTHING).evaluate(document)
    except (ExpressionError, EvaluationError):
        return FAILED


def library(text: str, document: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return jmespath.search(text, document)
    except (ValueError, TypeError, ArithmeticError):  # its own errors are ValueErrors
        return FAILED


def error_of(text: str, **options: Any) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, **options)
    return caught.value


# Agreement with the library


@for_each(AGREED)
def test_closures_agree_with_the_library(text: str) -> None:
    assert same(ours(text, ORDER), library(text, ORDER))


@for_each(AGREED)
def test_every_agreed_expression_passes_the_checks_or_fails_in_the_library_too(text: str) -> None:
    try:
        compile_expression(text)
    except ExpressionError:
        assert library(text, ORDER) is FAILED


def test_the_table_covers_every_node_type_and_every_function_of_the_library() -> None:
    seen: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            seen.update({node["type"], str(node.get("value"))})
            for child in node["children"]:
                walk(child)

    for text in AGREED:
        with warnings.catch_warnings(), contextlib.suppress(ParseError):
            warnings.simplefilter("ignore")
            walk(Parser().parse(text).parsed)
    assert set(compiler.BUILDERS) <= seen
    assert set(jmespath.functions.Functions.FUNCTION_TABLE) <= seen
    assert len(AGREED) >= 150


NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.sampled_from([0.0, 1.0, 2.5, 10**30])
    | st.sampled_from(["", "a", "b", "1"])
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=25,
)
ROOT_DOCUMENTS = st.dictionaries(NAMES, DOCUMENTS, max_size=3)  # a root is always an object
LITERALS = DOCUMENTS.map(lambda value: "`" + json.dumps(value) + "`") | st.sampled_from(["'a'", "''"])
BOUNDS = st.sampled_from(["", "0", "1", "-1", "2", "-3"])
STEPS = st.sampled_from(["", "1", "-1", "2", "-2"])
ONE_ARGUMENT = "abs avg ceil floor keys length max min reverse sort sum to_array to_number to_string type values"
TWO_ARGUMENTS = "contains ends_with join starts_with merge not_null"
BY = "sort_by min_by max_by"


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One more production of the grammar around smaller expressions."""

    def build(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda filled: form.format(*filled))

    suffixed = [
        build("{}.{}", inner, NAMES),
        build("{}[{}]", inner, st.sampled_from(["0", "1", "-1"])),
        build("{}[{}:{}:{}]", inner, BOUNDS, BOUNDS, STEPS),
        build("{}[*]", inner),
        build("{}.*", inner),
        build("{}[]", inner),
        build("{}[?{}]", inner, inner),
        build("{}[*].{}", inner, NAMES),
        build("{}.[{}, {}]", inner, inner, inner),
        build("{}.{{a: {}, b: {}}}", inner, inner, inner),
    ]
    operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "&&", "||", "|"])
    combined = [
        build("{} {} {}", inner, operators, inner),
        build("({} {} {})", inner, operators, inner),
        build("({})", inner),
        build("!{}", inner),
        build("[{}, {}]", inner, inner),
        build("{{a: {}}}", inner),
    ]
    called = [
        build("{}({})", st.sampled_from(ONE_ARGUMENT.split()), inner),
        build("{}({}, {})", st.sampled_from(TWO_ARGUMENTS.split()), inner, inner),
        build("{}({}, &{})", st.sampled_from(BY.split()), inner, inner),
        build("map(&{}, {})", inner, inner),
    ]
    return st.one_of(*suffixed, *combined, *called)


EXPRESSIONS = st.recursive(NAMES | LITERALS | st.sampled_from(["@", "*", "[0]", "[]"]), grow, max_leaves=8)


@settings(max_examples=examples(1500), deadline=None)
@given(EXPRESSIONS, ROOT_DOCUMENTS)
def test_any_expression_over_any_document_gives_what_the_library_gives(text: str, document: Any) -> None:
    try:
        compile_expression(text, names=ANYTHING)
    except ExpressionError as error:
        assume(error.code != "bad_negation")  # the library answers null
    assert same(ours(text, document), library(text, document))


@settings(max_examples=examples(300), deadline=None)
@given(EXPRESSIONS, DOCUMENTS, DOCUMENTS)
def test_a_constant_expression_never_looks_at_the_root(text: str, one: Any, other: Any) -> None:
    try:
        expression = compile_expression(text, names={"a", "b", "c"})
    except ExpressionError:
        return
    if expression.constant:
        assert same(expression.evaluate({"a": one}), expression.evaluate({"a": other, "b": one}))


def official_cases() -> Iterator[Any]:
    folder = os.environ.get("JMESPATH_COMPLIANCE")
    for file in sorted(Path(folder).glob("*.json")) if folder else ():
        for suite in json.loads(file.read_text()):
            for case in suite["cases"]:
                yield pytest.param(suite["given"], case, id=f"{file.stem}:{case['expression'][:60]}")


@pytest.mark.parametrize(("document", "case"), list(official_cases()))
def test_official_compliance_case(document: Any, case: dict[str, Any]) -> None:
    """Set JMESPATH_COMPLIANCE to the folder ``tests`` of the project jmespath.test."""
    result = ours(case["expression"], document)
    if "bench" in case:
        assert same(result, library(case["expression"], document))
    else:
        assert result is FAILED if "error" in case else same(result, case["result"])


# What the compiler knows of an expression


@pytest.mark.parametrize(
    ("text", "roots"),
    [
        ("value.a", {"value"}),
        ("value.a == key", {"value", "key"}),
        ("[topic, {o: offset}]", {"topic", "offset"}),
        ("value.items[?price > limit].sku", {"value"}),
        ("value | event", {"value"}),
        ("@.value.a", {"value"}),
        ("(@ | @).key", {"key"}),
        ("sort_by(value.items, &price)", {"value"}),
        ("value.{a: b, c: [d]}", {"value"}),
        ("value.items[*].[sku, headers]", {"value"}),
        ("map(&topic, value.items)", {"value"}),
        ("not_null(value.a, headers.b, 'x')", {"value", "headers"}),
        ("item.sku", {"item"}),
        ("!(value.a) && partition > `0` || timestamp", {"value", "partition", "timestamp"}),
        ("'text'", set()),
        ("@", ROOTS),
        ("*", ROOTS),
        ("keys(@)", ROOTS),
        ("[@]", ROOTS),
        ("@ || key", ROOTS),
    ],
)
def test_roots_are_the_names_that_are_read(text: str, roots: set[str]) -> None:
    assert compile_expression(text).roots == roots


@pytest.mark.parametrize(
    ("text", "constant"),
    [
        ("'a'", True),
        ("`1` == `2`", True),
        ("`1` < `2`", True),
        ("`false` && value.a", True),
        ("`true` || value.a", True),
        ("!`true`", True),
        ("lower('A')", True),
        ("['a', 'b']", True),
        ("value.a | `5`", True),
        ("not_null('a')", True),
        ("`[1, 2]`[?@ > `1`]", True),
        ("value.a", False),
        ("value.a || `true`", False),
        ("value.a == `1`", False),
        ("lower(value.a) | `5`", False),
        ("value.items[?`true`]", False),
        ("@", False),
    ],
)
def test_constant_means_that_the_root_does_not_matter(text: str, constant: bool) -> None:  # noqa: FBT001
    assert compile_expression(text).constant is constant


def test_an_expression_keeps_its_text_and_cannot_be_changed() -> None:
    expression = compile_expression(" value.a ")
    assert isinstance(expression, Expression)
    assert expression.text == " value.a "
    with pytest.raises(AttributeError):
        expression.text = "other"  # type: ignore[misc]


@pytest.mark.parametrize("value", [0, 0.0, 1, "a", " ", [0], {"a": None}, True])
def test_truth_holds_for_everything_that_is_there(value: Any) -> None:
    assert truthy(value) is True


@pytest.mark.parametrize("value", [None, False, "", [], {}])
def test_truth_does_not_hold_for_null_false_and_what_is_empty(value: Any) -> None:
    assert truthy(value) is False


def test_a_root_may_be_any_mapping() -> None:
    class Lazy(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            return {"a": 1} if name == "value" else default

    assert compile_expression("value.a").evaluate(Lazy()) == 1


# Mistakes


@pytest.mark.parametrize(
    ("text", "position", "code", "hint"),
    [
        ("", 0, "syntax", None),
        ("   ", 3, "syntax", None),
        ("value.", 6, "syntax", None),
        ("value.a ==", 10, "syntax", None),
        ("lower(value.a", 13, "syntax", None),
        ("value.a = 'x'", 8, "syntax", "=="),
        ("value.a and value.b", 8, "syntax", "&&"),
        ("value.a or value.b", 8, "syntax", "||"),
        ("not value.a", 4, "syntax", "!"),
        ("value.a in value.b", 8, "syntax", "contains"),
        ("value.items.0", 12, "syntax", "[0]"),
        ("value.a == 'x", 11, "syntax", None),
        ("value.a == `x", 11, "syntax", None),
        ('value."a', 6, "syntax", None),
        (r'value."\x"', 6, "syntax", None),
        ("value.a)", 7, "syntax", None),
        ('"lower"(value.a)', 7, "syntax", None),
        (f"value[{'1' * 5000}]", None, "syntax", None),
        ("value.a[::0]", 10, "bad_argument", None),
        ("event", 0, "unknown_name", "did you mean value.event?"),
        ("vlaue.x", 0, "unknown_name", "did you mean value?"),
        ("this.item.id", 0, "unknown_name", "the value of a record is called value: value.item.id"),
        ("this", 0, "unknown_name", "the value of a record is called value: value"),
        ("this[0]", 0, "unknown_name", "the value of a record is called value: value"),
        ("record.value.id", 0, "unknown_name", "the value of a record is called value: value.id"),
        (
            "payload.id",
            0,
            "unknown_name",
            "did you mean value.payload? the whole value of a record is called value",
        ),
        (
            "value.get('id')",
            6,
            "unknown_function",
            "a member is taken with a dot, as in value.item; it is null where it is missing",
        ),
        ("value.a == event", 11, "unknown_name", "did you mean 'event', the text, or value.event?"),
        ('value.a == "View"', 11, "unknown_name", "'View'"),
        ("value.a == true", 11, "unknown_name", "`true`"),
        ("header.a", 0, "unknown_name", "did you mean headers?"),
        ("value.event || event", 15, "unknown_name", "did you mean value.event?"),
        ("{event: value.event, e: event}", 24, "unknown_name", "did you mean value.event?"),
        ("value.items[?event == 'a'].event || event", 36, "unknown_name", "did you mean value.event?"),
        ("lower(lower)", 6, "unknown_name", "did you mean value.lower?"),
        ("@.event", 2, "unknown_name", "did you mean value.event?"),
        ("@ | event", 4, "unknown_name", "did you mean value.event?"),
        ("sort_by(items, &price)", 8, "unknown_name", "did you mean item?"),
        ("lowr(value.a)", 0, "unknown_function", "did you mean lower()?"),
        ("value.items[?lowercase(a) == 'a']", 13, "unknown_function", "did you mean lower()?"),
        ("xyzzy()", 0, "unknown_function", None),
        ("now()", 0, "unknown_function", "replayed"),
        ("!value.a", 0, "bad_negation", "!(value.a)"),
        ("value.n && !value.*", 11, "bad_negation", "!(value.a)"),
        ("value.items[?!a.b == c]", 13, "bad_negation", "!(value.a)"),
        ("lower()", 0, "wrong_arity", "lower(text)"),
        ("value.a | lower(@, @)", 10, "wrong_arity", "lower(text)"),
        ("substring(value.a)", 0, "wrong_arity", "substring(text, start[, length])"),
        ("coalesce_empty()", 0, "wrong_arity", "coalesce_empty(value, ...)"),
        ("length()", 0, "wrong_arity", None),
        ("sort_by(value.items, price)", 0, "bad_reference", "did you mean &price?"),
        ("sort_by(value.items, a.b)", 0, "bad_reference", "write & before it"),
        ("not_null(value.a, &b)", 0, "bad_reference", "leave out the &"),
        ("&value.a", 0, "bad_reference", None),
        ("[value.a, &value.b]", 10, "bad_reference", None),
        ("max_by(value.items, &a) || event", 27, "unknown_name", "did you mean value.event?"),
        ("lower(`5`)", 0, "always_fails", None),
    ],
)
def test_a_mistake_is_found_at_compile_time(text: str, position: int | None, code: str, hint: str | None) -> None:
    error = error_of(text)
    assert (error.position, error.code) == (position, code)
    assert error.hint is None if hint is None else hint in str(error.hint)
    assert str(error) == error.message
    assert error.message[0] == error.message[0].lower()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("value.properties.$session_id", 'a name with $ stands in double quotes: value.properties."$session_id"'),
        ("value.@type == 'view'", 'a name with @ stands in double quotes: value."@type"'),
        ("@type == 'view'", 'a name with @ stands in double quotes: value."@type"'),
        ("$session_id", 'a name with $ stands in double quotes: value."$session_id"'),
        ("value.items[0].$id", 'a name with $ stands in double quotes: value.items[0]."$id"'),
        ("value.items[?$id == `1`]", 'a name with $ stands in double quotes: "$id"'),
        ("value.user-id", 'a name with - stands in double quotes: value."user-id"'),
        ("value.user-1", 'a name with - stands in double quotes: value."user-1"; a difference is subtract(a, b)'),
        ("value.n-value.m", 'a name with - stands in double quotes: value."n-value"; a difference is subtract(a, b)'),
        ("value.ns:event", 'a name with : stands in double quotes: value."ns:event"'),
        ("value.über", 'a name with ü stands in double quotes: value."über"'),
        ("value.2nd", 'a name that starts with a digit stands in double quotes: value."2nd"'),
        ("value.user id", 'a name with a blank stands in double quotes: value."user id"'),
        ("value.a.'x y'", 'a name stands in double quotes: value.a."x y"'),
        ("value['name']", "a member is taken with a dot: value.name"),
        ('value["na me"]', 'a member is taken with a dot: value."na me"'),
        ("$.value.a", "leave out the $ and its dot"),
        ("$.session.id", "did you mean value? a path starts at a name of the root"),
        ("${value.a}", "an expression reads the record and stands alone: leave out ${ and }"),
        (".session.id", "a path starts at a name of the root, as in value.session"),
        ("value.a in ['x', \"y\"]", "did you mean contains(['x', 'y'], value.a)?"),
        ("not value.bot", "did you mean !(value.bot)?"),
        ("$value.a", "did you mean value?"),
        ("value.type == \u2018view\u2019", "write straight quotes: ' around text, \" around a name"),
        ("value.\u201cid\u201d", "write straight quotes: ' around text, \" around a name"),
        ("sku-{{ value.id }}", 'text with {{ }} is a template: write {template: "sku-{{ value.id }}"}'),
        ('sku-{{ value."id" }}', "text with {{ }} is a template: write {template: ...}"),
        ("[item][id]", "a path is written with dots: value.item.id"),
        ("value.n == 5", "did you mean `5`? a number stands between backticks"),
        ("value.n > -3.5", "did you mean `-3.5`? a number stands between backticks"),
        ("value.a is null", "did you mean == `null`?"),
        ("value.a is not null", "did you mean != `null`?"),
        ("value.a IS NULL", "did you mean == `null`?"),
        ("value.a is 'x'", "did you mean ==?"),
        ("value.a is not 'x'", "did you mean !=?"),
        ("value.a not in value.b", "did you mean !(contains(list, value))?"),
        ("value.a <> 'x'", "did you mean !=?"),
        ("value.a === 'x'", "did you mean ==?"),
        ("value.a !== 'x'", "did you mean !=?"),
        ("value.a & value.b", "did you mean &&?"),
        ("value.a =~ 'x'", "did you mean regex_extract(text, 'pattern')? it is null where nothing matches"),
        ("value?.a", "leave out the ?: a path is null where a member is missing"),
        ("value.a ?? value.b", "did you mean not_null(a, b)?"),
        ("value.a ? value.b : value.c", "did you mean a && b || c? a field can have a case, too"),
        ("price * quantity", "did you mean multiply(price, quantity)?"),
        ("value.price * value.items[0].n", "did you mean multiply(value.price, value.items[0].n)?"),
        ("value.cents / 100", "did you mean divide(value.cents, `100`)?"),
        ("value.a - value.b", "did you mean subtract(value.a, value.b)?"),
        ("value.a -1", "did you mean subtract(value.a, `1`)?"),
        ("(value.a + value.b)", "did you mean add(value.a, value.b)?"),
        ("value.a + '-'", "did you mean join('', [value.a, '-'])? or write a template"),
        ("value.a +", "there is no +: write add(a, b)"),
        ("value.a % `2`", "there is no remainder in JMESPath"),
        ("{{ value.a }}", "{{ }} stands in a template: write {template: ...}, or leave out the braces"),
        ("View {{ value.a }}", 'text with {{ }} is a template: write {template: "View {{ value.a }}"}'),
        ("{value.a}", "leave out the braces: an expression stands alone"),
        ("value.(a || b)", "a pipe leads into parentheses: value | (a || b)"),
        ("value.items[value.n]", "an element is taken by its number, as in [0], or found, as in [?id == 'x']"),
        ("value.a == None", "did you mean `null`? a constant stands between backticks"),
        ("count(value.a)", "did you mean length()?"),
        ("value.a..b", None),
    ],
)
def test_a_hint_repeats_the_writers_words_in_jmespaths_form(text: str, hint: str | None) -> None:
    assert error_of(text).hint == hint


@given(
    st.sampled_from(["value.", "value.a.b.", "value.items[0].", "value.items[*].", "$"]),
    st.from_regex(r"\A[$@]?[a-z]{1,4}[-$@:#][a-z]{1,4}\Z"),
)
def test_a_name_that_is_quoted_as_the_hint_says_compiles(path: str, name: str) -> None:
    path = path.removeprefix("$")
    hint = error_of(path + name).hint
    assert hint is not None
    suggestion = hint.partition("quotes: ")[2].partition(";")[0]
    assert suggestion == f'{path or "value."}"{name}"'
    compile_expression(suggestion)


@pytest.mark.parametrize("text", ["a" * 200_000 + "$", "value." + "a." * 100_000 + "$b", "value.a[0]" * 50_000 + "-"])
def test_a_hint_for_a_long_text_takes_no_square_of_its_length(text: str) -> None:
    began = time.thread_time()
    error_of(text)
    assert time.thread_time() - began < 3


def test_item_and_index_exist_only_where_the_caller_says_so() -> None:
    names = ROOTS - {"item", "index"}
    assert compile_expression("value.item", names=names).roots == {"value"}
    assert error_of("event", names=names - {"parent"}).hint == "did you mean value.event?"
    assert error_of("event").hint == "did you mean value.event? of the element it is item.event"
    error = error_of("item.sku", names=names)
    assert (error.code, error.message) == ("unknown_name", "item exists only under for_each")


def test_an_expression_nested_too_deep_is_an_error_not_a_crash() -> None:
    assert error_of("!" * (MAX_DEPTH + 1) + "(value.a)").code == "too_deep"
    assert error_of("(" * 5000 + "value.a" + ")" * 5000).code == "too_deep"
    assert compile_expression("!" * (MAX_DEPTH - 2) + "(value.a)").evaluate({"value": {}}) is False


def test_alternatives_do_not_nest() -> None:
    text = " || ".join(f"value.event == 'e{number}'" for number in range(2000))
    expression = compile_expression(text)
    assert expression.evaluate({"value": {"event": "e1999"}}) is True
    assert expression.evaluate({"value": {"event": "e2000"}}) is False


def test_the_deprecated_bare_literal_is_accepted_without_a_warning() -> None:
    Parser.purge()
    expression = compile_expression("value.event == `View` && value.a == key")
    assert expression.evaluate({"value": {"event": "View"}}) is True


# The way back to the library


@pytest.mark.parametrize("forgotten", ["flatten", "function_expression", "comparator", "filter_projection"])
def test_a_node_type_that_is_not_in_the_table_is_interpreted(forgotten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(compiler.BUILDERS, forgotten)
    assert [text for text in AGREED if not same(ours(text, ORDER), library(text, ORDER))] == []


def test_extra_functions_work_in_the_interpreter_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(compiler.BUILDERS, "flatten")
    expression = compile_expression(r"value.items[].lower(regex_extract(a, '^(\w)'))[]")
    assert expression.roots == ROOTS
    assert expression.evaluate({"value": {"items": [{"a": "Xy"}, {"a": None}]}}) == ["x"]


def test_a_node_type_that_nobody_knows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def invented(_self: Parser, _text: str) -> Any:
        node = {"type": "invented", "children": [{"type": "field", "value": "unseen", "children": []}]}
        return jmespath.parser.ParsedResult("", node)  # type: ignore[arg-type]

    monkeypatch.setattr(Parser, "parse", invented)
    assert error_of("value").code == "unsupported"


# Documents that nobody checked


def deep(levels: int) -> Any:
    document: Any = []
    for _ in range(levels):
        document = [document]
    return document


@pytest.mark.parametrize("text", ["to_string(value.a)", "value.a == value.b", "contains(value.c, value.b)"])
def test_a_document_nested_too_deep_is_an_evaluation_error(text: str) -> None:
    root = {"value": {"a": deep(100_000), "b": deep(100_000), "c": [deep(100_000)]}}
    with pytest.raises(EvaluationError, match="nested so deep"):
        compile_expression(text).evaluate(root)


@settings(max_examples=examples(500), deadline=None)
@given(EXPRESSIONS, ROOT_DOCUMENTS)
def test_evaluation_raises_nothing_but_evaluation_errors(text: str, document: Any) -> None:
    try:
        expression = compile_expression(text, names=ANYTHING)
    except ExpressionError:
        return
    try:
        expression.evaluate(document)
    except EvaluationError as error:
        assert error.__context__ is None  # noqa: PT017  an error may hold values of the record


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lower(value.n)", "lower() expected text or null, not a number"),
        ("replace(value.event, value.n, '')", "replace() expected text as argument 2, not a number"),
        ("sum(value.mixed)", "sum() expected a list of numbers, not a list of booleans and lists and null and"),
        ("sort(value.mixed)", "sort() expected a list of text or a list of numbers, not a list of"),
        ("join(', ', value.event)", "join() expected a list of text as argument 2, not text"),
        ("sort_by(value.items, &tags)", "sort_by() expected & to give text or a number, not a list"),
        ("max_by(value.items, &sku)", "max_by() expected & to give a number or text, not null"),
        ("contains(value.event, value.n)", "contains() cannot process these values: text and a number"),
        ("value.n < value.event", "< expected two numbers, or text twice, not a number and text"),
    ],
)
def test_a_message_names_function_and_types_and_never_a_value(text: str, message: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        compile_expression(text).evaluate(ORDER)
    assert str(caught.value).startswith(message)
    assert "Order Completed" not in str(caught.value)


@pytest.mark.parametrize("text", ["value.context.sessionId", "value.event == 'Order Completed'"])
def test_a_compiled_expression_makes_half_of_the_library_s_calls_at_most(text: str) -> None:
    """What it saves in time is measured in bench/; the calls of functions are the same on every machine."""
    assert _calls(compile_expression(text).evaluate) * 2 <= _calls(jmespath.compile(text).search)


def _calls(evaluate: Callable[[Any], Any]) -> int:
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        evaluate(ORDER)
    finally:
        sys.setprofile(before)
    return calls - 1  # the one that ends the count
