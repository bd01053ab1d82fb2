"""A dead letter names an element of ``for_each`` by its place in the record's own list.

A filter or a slice gives a new list, and ``index`` counts that one. Whoever reads a dead letter looks at the record, so
there an element has its place in the list before the filter or slice. The place is found by identity: a filter hands on
the same objects in their order.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jmespath.exceptions import JMESPathError
from jmespath.lexer import Lexer

from connector.core.expressions.expression import ExpressionError, compile_expression
from connector.core.mapping.scope import Root, Scope, compile_value, guard
from connector.core.mapping.specs import ElementsSpec, ForEach, ListSpec
from connector.core.mapping.values import Convert, wrong_type
from connector.core.records import DataError, Reason
from connector.core.words import type_word

# Events that one record may make. Each may repeat what is long elsewhere in the record, so that without a bound a
# record of one megabyte makes gigabytes; and each may search by regular expressions, which takes milliseconds.
MAX_ELEMENTS = 1_000

_OPENING = {"lparen": "rparen", "lbrace": "rbrace", "lbracket": "rbracket", "filter": "rbracket"}


class Elements(NamedTuple):
    """A compiled list.

    ``find`` gives it, None where it is absent or null, and raises DataError where something else is there. ``places``
    gives the places of its elements in the record, None where they are in order. ``missing`` is what to raise where
    there is no list, None to skip the record.
    """

    find: Callable[[Root], list[Any] | None]
    places: Callable[[Root, list[Any]], Sequence[int] | None]
    missing: Callable[[Root], DataError] | None


def compile_elements(here: Scope, spec: ListSpec, convert: Convert | None = None) -> Elements:
    """The list of a ``for_each``, or one of its lists; ``here`` is where it stands.

    ``convert`` refuses what is not a list, and unless it is given also a list of more than ``MAX_ELEMENTS``.
    """
    text, skips = spec, False
    if isinstance(spec, ForEach):
        here, text, skips = here.at("from"), spec.source, spec.otherwise == "skip"
    assert isinstance(text, str)  # noqa: S101  for the type checker: the other kind was unpacked
    find = compile_value(here, text, convert or _to_short_list, keeps_empty=True)
    before = _before_projection(here, text)
    missing = None if skips else _missing(f"{here.label} from {text}", before)
    return Elements(find, _places(before), missing)


def to_list(value: Any) -> list[Any]:
    """A list as it is; anything else is refused."""
    if not isinstance(value, list):
        raise wrong_type("a list", value)
    return value


def _to_short_list(value: Any) -> list[Any]:
    found = to_list(value)
    if len(found) > MAX_ELEMENTS:
        raise DataError(Reason.TOO_LONG, f"expected at most {MAX_ELEMENTS} elements, not {len(found)}")
    return found


def _missing(label: str, before: Callable[[Root], Any] | None) -> Callable[[Root], DataError]:
    def missing(root: Root) -> DataError:
        filtered = None if before is None else before(root)
        not_a_list = f"null: a filter or slice takes a list, and this is {type_word(filtered)}"
        found = "null" if filtered is None else not_a_list
        return DataError(Reason.MISSING_LIST, f"{label}: expected a list, found {found}")

    return missing


def takes_value(spec: ElementsSpec | None) -> bool:
    """Whether the list is the record's value itself: ``value``, ``value[]``, ``value[*]``, a filter or slice of it."""
    first = spec[0] if isinstance(spec, list) else spec
    text = first.source if isinstance(first, ForEach) else first
    try:
        return text is not None and text[: _first_projection(text)].rstrip().removesuffix("|").strip() == "value"
    except JMESPathError:
        return False  # reported where the rule is compiled


# Places


def _places(before: Callable[[Root], Any] | None) -> Callable[[Root, list[Any]], Sequence[int] | None]:
    if before is None:
        return lambda _root, _found: None

    def places(root: Root, found: list[Any]) -> Sequence[int] | None:
        whole = before(root)
        if not isinstance(whole, list):
            return None
        matched, place = [], -1
        for item in found:
            place = next((at for at in range(place + 1, len(whole)) if whole[at] is item), len(whole))
            matched.append(place)
        # What follows the filter made a new object: then only the order is known.
        return matched if place < len(whole) else None

    return places


def _before_projection(scope: Scope, text: str) -> Callable[[Root], Any] | None:
    """What stands before the first filter, slice or flattening of an expression; None without one."""
    try:
        part = text[: _first_projection(text)].rstrip().removesuffix("|")
        expression = compile_expression(part, names=scope.names, work=scope.work)
    except (JMESPathError, ExpressionError):
        return None  # the whole is wrong, and is reported as such; or the part alone has no meaning
    return None if part == text else guard(scope, part, expression.evaluate, lambda value: value)


def _first_projection(text: str) -> int | None:
    tokens = list(Lexer().tokenize(text))
    depth = 0
    for number, token in enumerate(tokens):
        kind_of = token["type"]
        if depth == 0 and (kind_of in {"filter", "flatten"} or (kind_of == "lbracket" and _is_slice(tokens, number))):
            return int(token["start"])
        depth += (kind_of in _OPENING) - (kind_of in _OPENING.values())
    return None


def _is_slice(tokens: Sequence[Any], number: int) -> bool:
    """Whether the bracket is that of ``[a:b]`` or ``[*]``, and not of ``[0]`` or ``[a, b]``."""
    following = [token["type"] for token in tokens[number + 1 : number + 3]]
    return "colon" in following or following[:1] == ["star"]
