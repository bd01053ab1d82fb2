"""Lists within lists: each list after the first is found once for each element of the list before it.

An outer element whose inner list is invalid fails alone, and one whose inner list is empty adds nothing: the elements
of the others make their events.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from connector.core.expressions.work import EXPRESSION, Exhausted
from connector.core.mapping.elements import MAX_ELEMENTS, Elements, compile_elements, to_list
from connector.core.mapping.scope import Root, Scope
from connector.core.mapping.specs import ListSpec
from connector.core.records import DataError, Reason, Rejection, Skip
from connector.core.rejections import rejection_of


class Element(NamedTuple):
    """An element of an inner list: its place, itself, and the element of the list around it."""

    place: tuple[int, ...]
    item: Any
    parent: Any


Found = Element | Rejection | Skip  # a rejection or a skip stands for an outer element
_Expand = Callable[[Root, Element], list[Found]]


def compile_lists(scope: Scope, specs: Sequence[ListSpec], pipeline: str, rule: str) -> Callable[[Root], list[Found]]:
    """A function from a record's root to the elements of the innermost lists, in the order of the record.

    It raises DataError where the record as a whole is invalid; ``scope`` is that of the rule.
    """
    levels = [_level(scope, depth, spec, pipeline, rule) for depth, spec in enumerate(specs)]
    label, work = f"{scope.label} for_each", scope.work

    def find(root: Root) -> list[Found]:
        found: list[Found] = [Element((), None, None)]
        for expand, steps in levels:
            work.keeps = len(found) > 1
            try:
                work.spend(len(found) * steps)
            except Exhausted as error:
                raise Exhausted(f"{label}: {error}") from None
            found, outer, count = [], found, 0
            for each in outer:
                inner = expand(root, each) if isinstance(each, Element) else [each]
                found += inner
                count += len(inner) if isinstance(inner[0], Element) else 0
                if count > MAX_ELEMENTS:
                    message = f"{label}: expected at most {MAX_ELEMENTS} elements in all lists, not more"
                    raise DataError(Reason.TOO_LONG, message)
        return found

    return find


def _level(scope: Scope, depth: int, spec: ListSpec, pipeline: str, rule: str) -> tuple[_Expand, int]:
    """What finds the list of an element, and the steps of that, without those that depend on data."""
    here = replace(
        scope.at("for_each", depth), label=f"{scope.label} for_each[{depth}]", names=scope.names | _names(depth)
    )
    before, reads = scope.work.planned, set[str]()
    elements = compile_elements(replace(here, roots=reads), spec, to_list if depth else None)
    scope.roots.update(reads)
    if depth == 0:
        return _outermost(elements), 0
    _check_nested(here, reads)

    def expand(root: Root, outer: Element) -> list[Found]:
        try:
            return _inner(elements, {**root, "item": outer.item, "parent": outer.parent}, outer)
        except DataError as error:
            return [rejection_of(error, None, pipeline, rule, (outer.place,))]

    return expand, EXPRESSION + scope.work.planned - before


def _names(depth: int) -> frozenset[str]:
    """``index`` counts the elements of all lists, so it is known only in the innermost, within the rule."""
    return {0: frozenset[str](), 1: frozenset({"item"})}.get(depth, frozenset({"item", "parent"}))


def _check_nested(scope: Scope, reads: set[str]) -> None:
    """A list that is the same for every outer element would combine each with each, which is hardly ever meant."""
    if "item" in reads or any(error.path[: len(scope.path)] == scope.path for error in scope.errors):
        return
    message = "expected a list of item, the element of the list before: this one is the same for each of them"
    hint = "write item.<name>; to join two lists write them as one expression, [value.a, value.b][]"
    scope.fail("list_without_item", message, hint=hint)


def _outermost(elements: Elements) -> _Expand:
    def expand(root: Root, _: Element) -> list[Found]:
        return _inner(elements, root, Element((), None, None))

    return expand


def _inner(elements: Elements, root: Root, outer: Element) -> list[Found]:
    found = elements.find(root)
    if not found:
        if found is None and elements.missing is not None:
            raise elements.missing(root)
        return [Skip.MISSING_LIST if found is None else Skip.NO_ELEMENTS]
    places = elements.places(root, found) or range(len(found))
    return [Element((*outer.place, place), item, outer.item) for place, item in zip(places, found, strict=True)]
