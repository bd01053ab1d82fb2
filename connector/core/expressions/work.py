"""No record can stall the connector: its work is counted in steps, and a record that needs too many is a dead letter.

A list may have a hundred thousand elements, and ``for_each`` may go through it a thousand times. So everything that
goes through a list, an object or text counts its steps. A record takes the same number of steps on every machine.
"""

from typing import Any, NamedTuple

from connector.core.expressions.calling import Closure, EvaluationError
from connector.core.records import DataError

# One step is about the time of looking up a member of an object.
MAX_STEPS = 3_000_000  # for one record: about 200 ms when all of them are used
CHEAP = 3  # a result that takes at most so many steps is evaluated again instead of kept
LONG = 64  # shorter texts are not counted
EXPRESSION = 5  # steps of an expression besides its nodes: conversion, storing the result
EVENT = 200  # steps of an event besides its expressions: its checks, its JSON

_MESSAGE = (
    f"expected at most {MAX_STEPS} evaluation steps for one record, not more. Each element of a list, and every 16 "
    "characters of a long text, that an expression goes through is a step or more: use fewer expressions that go "
    "through long lists, or split the record"
)

CONTAINERS = frozenset({list, dict})


class Exhausted(Exception):
    """The record needs more than ``MAX_STEPS``; ``member`` is the one that was being evaluated, if any."""

    def __init__(self, message: str = _MESSAGE, member: str | None = None) -> None:
        super().__init__(message)
        self.member = member


class _Failure(NamedTuple):
    error: EvaluationError | DataError


class Work:
    """The steps that a record has left, and the results that are the same for all of its elements.

    All expressions of a pipeline share one, and ``begin`` is called before each record. ``planned`` is the number of
    steps that all expressions compiled so far take together, without those that depend on data. ``keeps`` is false
    for a record of one element, of which no result is asked for twice. ``suffix`` tells the documents of a batch apart.
    """

    __slots__ = ("_known", "_left", "_of_parent", "keeps", "planned", "suffix")

    def __init__(self) -> None:
        self.planned = 0
        self.keeps = True
        self.suffix = ""
        self._left = MAX_STEPS
        self._known: dict[Closure, Any] = {}
        self._of_parent: dict[Closure, Any] = {}

    def begin(self, place: int | None = None) -> None:
        """A record begins, or a document of a batch by its place; the results kept for the one before are dropped.

        A document has what is left of its record's steps.
        """
        if place is None:
            self._left, self.suffix = MAX_STEPS, ""
        else:
            self._left, self.suffix = self._left - EVENT, f"-{place}"
        if self._known:
            self._known.clear()
        self.next_parent()

    def next_parent(self) -> None:
        """Elements with another parent begin; the results kept for the one before are dropped."""
        if self._of_parent:
            self._of_parent.clear()

    def spend(self, steps: int) -> None:
        """Count steps.

        Raises:
            Exhausted: the record has fewer left.
        """
        self._left -= steps
        if self._left < 0:
            raise Exhausted

    def once(self, run: Closure) -> Closure:
        """The same function, evaluated at most once a record: its result, or its failure, is kept until ``begin``."""
        return self._kept(run, self._known)

    def once_a_parent(self, run: Closure) -> Closure:
        """The same function, evaluated at most once for the elements of one parent."""
        return self._kept(run, self._of_parent)

    def _kept(self, run: Closure, known: dict[Closure, Any]) -> Closure:
        def kept(value: Any) -> Any:
            if not self.keeps:
                return run(value)
            result = known.get(run, known)
            if result is known:
                try:
                    result = known[run] = run(value)
                except (EvaluationError, DataError) as error:
                    known[run] = _Failure(error)
                    raise
            elif type(result) is _Failure:
                # A traceback would grow with each raise, and it holds values of the record.
                raise result.error.with_traceback(None)
            return result

        return kept


def weight(value: Any) -> int:
    """Steps of comparing a list or an object with another: its values at all levels, and some for each container."""
    found, stack = 0, [value]
    while stack:
        inner = stack.pop()
        found += len(inner) + 6
        stack += [each for each in (inner.values() if type(inner) is dict else inner) if type(each) in CONTAINERS]
    return found
