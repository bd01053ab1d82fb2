"""A comparison gives what the library's gives: values of different types are unequal, and their order is null."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from connector.core.expressions.calling import EvaluationError, Spend
from connector.core.expressions.closures import Closure, truthy
from connector.core.expressions.work import CONTAINERS, weight
from connector.core.words import type_word


def negate(operand: Closure) -> Closure:
    """``!a``."""
    return lambda value: not truthy(operand(value))


def _equals(left: Any, right: Any) -> bool:
    """The library's equality: 1 is not true, whatever Python says, but [1] is [true]."""
    return bool(left == right) and (type(left) is bool) is (type(right) is bool)


def equal(left: Closure, right: Closure, spend: Spend) -> Closure:
    """``a == b``."""

    def run(value: Any) -> Any:
        one, other = left(value), right(value)
        if type(one) in CONTAINERS and type(one) is type(other) and len(one) == len(other):
            spend(weight(one))
        return _equals(one, other)

    return run


def equal_to_scalar(operand: Closure, scalar: Any) -> Closure:
    """``a == 'text'``: a rule's usual condition."""
    if scalar is None or isinstance(scalar, bool):
        return lambda value: operand(value) is scalar
    if isinstance(scalar, str):
        return lambda value: operand(value) == scalar
    return lambda value: _equals(operand(value), scalar)


_NUMBERS = frozenset({int, float})
_INCOMPARABLE = {type_word(0), type_word("")}
ORDERINGS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "lt": ("<", operator.lt),
    "lte": ("<=", operator.le),
    "gt": (">", operator.gt),
    "gte": (">=", operator.ge),
}


def ordered(name: str, left: Closure, right: Closure) -> Closure:
    """``a < b`` of two numbers or two texts; null of other types, but an error of a number and a text."""
    symbol, compare = ORDERINGS[name]

    def run(value: Any) -> Any:
        one, other = left(value), right(value)
        if type(one) in _NUMBERS:
            if type(other) in _NUMBERS:
                return compare(one, other)
        elif type(one) is type(other) is str:
            return compare(one, other)
        words = type_word(one), type_word(other)
        if set(words) == _INCOMPARABLE:
            raise EvaluationError(f"{symbol} expected two numbers, or text twice, not {' and '.join(words)}")
        return None

    return run
