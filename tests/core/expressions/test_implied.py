"""What is called implied is so for every record: a false alarm would have a user remove a rule that works."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.core.expressions.expression import EvaluationError, compile_expression, truthy
from connector.core.expressions.implied import Condition

ATOMS = [
    "value.a", "value.b", "value.a == 'x'", "'x' == value.a", "value.a == 'y'", "value.a != 'x'", "value.a != `null`",
    "value.a == `null`", "value.a == `1`", "value.a == `true`", "value.a == value.b", "value.a == `[]`", "`true`",
    "`null`", "value.a > `0`", "lower(value.a) == 'x'", "contains(value.a, 'x')", "value.a[0]", "value.a[?@ == 'x']",
]  # fmt: skip
conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' && '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' || '.join(parts)})"),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=5,
)
VALUES: list[Any] = [None, "x", "y", "X", "", 0, 1, True, False, [], ["x"], {}]
ROOTS = [{"value": {"a": a, "b": b}} for a in VALUES for b in VALUES]


def is_true(text: str, root: dict[str, Any]) -> bool:
    """As a rule sees it: what cannot be evaluated is false."""
    try:
        return truthy(compile_expression(text).evaluate(root))
    except EvaluationError:
        return False


@given(conditions, conditions)
@example("value.a == 'x'", "lower(value.b) == 'x' || value.a == 'x'")
def test_what_is_implied_is_true_wherever_the_other_is(later: str, earlier: str) -> None:
    if Condition(later).implies(Condition(earlier)):
        assert all(is_true(earlier, root) for root in ROOTS if is_true(later, root))


@given(conditions)
@example("value.a == 'x' && value.a == 'y'")
@example("value.a && !(value.a)")
def test_what_is_contradictory_is_true_nowhere(condition: str) -> None:
    if Condition(condition).is_contradictory:
        assert not any(is_true(condition, root) for root in ROOTS)


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("value.a == 'x' && value.b", "value.a == 'x'"),
        ("value.b && value.a=='x'", "'x' == value.a"),
        ("value.a && value.b && value.c", "value.c && value.a"),
        ("value.a == 'x'", "value.a"),
        ("value.a == 'x'", "value.a != `null`"),
        ("value.a", "value.a != `null`"),
        ("value.a == 'x'", "value.a != 'y'"),
        ("value.a == 'x'", "value.b || value.a == 'x'"),
        ("value.a == 'x'", "value.b == 'z' || value.a == 'x' || value.a == 'y'"),
        ("value.a == 'x' || value.a == 'y'", "value.a == 'y' || value.a == 'x'"),
        ("(value.a || value.b) && value.c", "value.a || value.b"),
        ("!(value.a == 'x') && value.b", "value.a != 'x'"),
        ("!(!(value.a))", "value.a"),
        ("contains(value.a, 'x') && value.b", "contains(value.a, 'x')"),
        ("value.a", "`true` && value.a"),
        ("value.a[::2] && value.b", "value.a[::2]"),
        ("value.a && value.b", "value.a && (value.c && value.d || value.b)"),
    ],
)
def test_these_are_implied(later: str, earlier: str) -> None:
    assert Condition(later).implies(Condition(earlier))


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("value.a == 'x'", "value.a == 'x' && value.b"),
        ("value.a == 'x'", "value.a == 'y'"),
        ("value.a == 'x' || value.b", "value.a == 'x'"),
        ("value.a == `0`", "value.b"),
        ("value.a == `null`", "value.a"),
        ("value.a == value.b", "value.a"),
        ("value.a == 'x'", "value.a != 'x'"),
        ("value.a", "!(value.a)"),
        # What stands first may fail, and then the whole is false.
        ("value.a == 'x'", "lower(value.b) == 'y' || value.a == 'x'"),
        ("value.a == 'x'", "value.b > `1` || value.a == 'x'"),
        ("value.a == 'x'", "value.b == `[1]` || value.a == 'x'"),
        ("value.a == 'x'", "(value.b && lower(value.c)) || value.a == 'x'"),
        ("value.a == 'x'", "'x' == 'y' || value.b == value.c || value.a == 'x'"),
    ],
)
def test_these_are_not(later: str, earlier: str) -> None:
    assert not Condition(later).implies(Condition(earlier))


@pytest.mark.parametrize(
    ("condition", "contradictory"),
    [
        ("value.a == 'x' && value.a == 'y'", True),
        ("value.a && value.b && !(value.a)", True),
        ("value.a == 'x' && value.a != 'x'", True),
        ("value.a == 'x' && value.a == `null`", True),
        ("value.a == 'x' && value.a == 'y' || value.b && !(value.b)", True),
        ("value.a == 'x' || value.a == 'y'", False),
        ("value.a == 'x' && value.b == 'y'", False),
        ("value.a == 'x' && value.a == 'x'", False),
        ("value.a == 'x' && value.a == 'y' || value.b", False),
    ],
)
def test_what_asks_for_two_things_at_once_is_contradictory(condition: str, *, contradictory: bool) -> None:
    assert Condition(condition).is_contradictory is contradictory


def test_a_long_chain_of_alternatives_is_no_deep_one() -> None:
    chain = " || ".join(f"value.a == 'x{number}'" for number in range(2_000))
    assert Condition(chain).implies(Condition(chain))
    assert not Condition(chain).implies(Condition(f"{chain} || value.b"))  # of so many not each is looked at
    assert not Condition(chain).is_contradictory
