"""A compiled expression gives what the library's interpreter gives, oddities included.

People try expressions with ``aws --query`` and with the library. Each function here builds the closure of one kind of
JMESPath node from the closures of its parts. Nothing here knows the syntax tree.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connector.core.expressions.calling import Spend
from connector.core.expressions.work import LONG

Closure = Callable[[Any], Any]


def truthy(value: Any) -> bool:
    """JMESPath truth: everything but null, false, and empty text, an empty list or object; zero is true."""
    if value:
        return True
    return not (value is None or value is False or value in ("", [], {}))


def itself(value: Any) -> Any:
    """The current node."""
    return value


# Paths. They are written out where they are short, because nearly every expression is one.

_EMPTY: Mapping[str, Any] = {}  # ``or _EMPTY`` spares the exception where a step is missing or null


def _path1(a: str) -> Closure:
    def run(value: Any) -> Any:
        try:
            return value.get(a)
        except AttributeError:
            return None

    return run


def _path2(a: str, b: str) -> Closure:
    def run(value: Any) -> Any:
        try:
            return (value.get(a) or _EMPTY).get(b)
        except AttributeError:
            return None

    return run


def _path3(a: str, b: str, c: str) -> Closure:
    def run(value: Any) -> Any:
        try:
            return ((value.get(a) or _EMPTY).get(b) or _EMPTY).get(c)
        except AttributeError:
            return None

    return run


def _path_of_many(*names: str) -> Closure:
    *head, last = names

    def run(value: Any) -> Any:
        try:
            for name in head:
                value = value.get(name) or _EMPTY
            return value.get(last)
        except AttributeError:
            return None

    return run


_PATHS: Mapping[int, Callable[..., Closure]] = {1: _path1, 2: _path2, 3: _path3}


def path(names: Sequence[str]) -> Closure:
    """``a.b.c``, of one name or more; null where a step is not an object or lacks the name."""
    return _PATHS.get(len(names), _path_of_many)(*names)


def chain(steps: Sequence[Closure]) -> Closure:
    """Each step on the result of the one before it."""
    if not steps:
        return itself
    if len(steps) == 1:
        return steps[0]
    first, second, *others = steps
    if not others:
        return lambda value: second(first(value))

    def run(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return run


def index(position: int) -> Closure:
    """``[0]``; null where there is no such element."""

    def run(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        try:
            return value[position]
        except IndexError:
            return None

    return run


def part(bounds: slice, spend: Spend) -> Closure:
    """``[1:-1]``."""

    def run(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        elements = value[bounds]
        if len(elements) > LONG:
            spend(len(elements) // 8)
        return elements

    return run


# Projections go over a list or the members of an object and leave nulls out; over anything else they give null.
# ``steps`` is the work of one element. The work of a few elements is too small to count.

FEW = 8


def _few(steps: int) -> int:
    return FEW if steps <= FEW // 2 else 0


def project(source: Closure, each: Closure, spend: Spend, steps: int) -> Closure:
    """``source[*].each``."""
    few = _few(steps)

    def run(value: Any) -> Any:
        elements = source(value)
        if not isinstance(elements, list):
            return None
        if len(elements) > few:
            spend(len(elements) * steps)
        return [result for element in elements if (result := each(element)) is not None]

    return run


def project_values(source: Closure, each: Closure, spend: Spend, steps: int) -> Closure:
    """``source.*.each``."""
    few = _few(steps)

    def run(value: Any) -> Any:
        members = source(value)
        if not isinstance(members, Mapping):
            return None
        if len(members) > few:
            spend(len(members) * steps)
        return [result for member in members.values() if (result := each(member)) is not None]

    return run


def project_filtered(source: Closure, each: Closure, condition: Closure, spend: Spend, steps: int) -> Closure:
    """``source[?condition].each``."""
    few = _few(steps)

    def run(value: Any) -> Any:
        elements = source(value)
        if not isinstance(elements, list):
            return None
        if len(elements) > few:
            spend(len(elements) * steps)
        return [result for element in elements if truthy(condition(element)) and (result := each(element)) is not None]

    return run


def flatten(source: Closure, spend: Spend) -> Closure:
    """``source[]``: one level of nesting less."""

    def run(value: Any) -> Any:
        elements = source(value)
        if not isinstance(elements, list):
            return None
        flat: list[Any] = []
        for element in elements:
            if isinstance(element, list):
                flat.extend(element)
            else:
                flat.append(element)
        if len(elements) > FEW or len(flat) > FEW:
            spend(len(elements) + len(flat))
        return flat

    return run


def select_list(parts: Sequence[Closure]) -> Closure:
    """``[a, b]``."""
    return lambda value: None if value is None else [run(value) for run in parts]


def select_dict(parts: Sequence[tuple[str, Closure]]) -> Closure:
    """``{name: a, other: b}``."""
    return lambda value: None if value is None else {name: run(value) for name, run in parts}


# Logic


def first_decisive(heads: Sequence[Closure], last: Closure, *, stop: bool) -> Closure:
    """``a || b || c`` stops at the first true operand (``stop``), ``a && b && c`` at the first false one."""

    def run(value: Any) -> Any:
        for head in heads:
            result = head(value)
            if truthy(result) is stop:
                return result
        return last(value)

    return run


def first_not_null(arguments: Sequence[Closure]) -> Closure:
    """``not_null(a, b)`` where no argument can fail, so that not all need be evaluated."""

    def run(value: Any) -> Any:
        for argument in arguments:
            result = argument(value)
            if result is not None:
                return result
        return None

    return run
