"""Mistakes in a mapping are collected, not raised: a user sees all of them at once, each with its place.

A Scope walks down the spec beside the compiler. It knows the path of keys to where the compiler stands, the
names that an expression may use there, and how the messages of run time begin.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from connector.core.expressions.calling import SIZED
from connector.core.expressions.expression import (
    ELEMENT_NAMES,
    ROOTS,
    EvaluationError,
    Expression,
    ExpressionError,
    compile_expression,
    truthy,
)
from connector.core.expressions.work import CHEAP, EXPRESSION, LONG, Exhausted, Work
from connector.core.formats.decoded import Undecodable, UnreadKey
from connector.core.mapping.constants import Limit
from connector.core.mapping.explain import Trace
from connector.core.mapping.values import UNCHANGED, Convert
from connector.core.records import DataError, Reason

Root = Mapping[str, Any]  # whose key may be an UnreadKey, and then be Undecodable
Fetch = Callable[[Root], Any]
Path = tuple[str | int, ...]

RECORD_NAMES = ROOTS - ELEMENT_NAMES

_BARE_WORDS = re.compile(r"[A-Za-z][\w -]*")


class SpecError(NamedTuple):
    """What is wrong in a pipeline, and where.

    ``path`` is relative to the pipeline, in the file's keys; ``position`` counts characters in that scalar.
    """

    path: Path
    code: str
    message: str
    position: int | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the compiler stands: ``label`` begins the messages of run time, ``names`` are those it may use.

    ``errors``, ``roots`` (the names that are read) and ``work`` are shared by the scopes of all parts. ``trace``
    records what expressions give, where a pipeline is compiled to be explained. ``batches``: a record may hold several
    documents, which share all but their ``value`` and ``envelope``.
    """

    path: Path
    label: str
    names: frozenset[str]
    errors: list[SpecError]
    roots: set[str]
    work: Work
    trace: Trace | None = None
    batches: bool = False

    def at(self, *keys: str | int) -> "Scope":
        """The scope of a part."""
        return replace(self, path=self.path + keys)

    def named(self, suffix: str) -> "Scope":
        """The same scope, with more at the beginning of its messages of run time."""
        return replace(self, label=self.label + suffix)

    def fail(self, code: str, message: str, position: int | None = None, hint: str | None = None) -> None:
        """Note an error and go on."""
        self.errors.append(SpecError(self.path, code, message, position, hint))


class UnreadableKeyError(EvaluationError):
    """An expression asks for a key that cannot be decoded."""

    def __init__(self, key: Undecodable) -> None:
        super().__init__(key.message)
        self.reason = key.reason


class Condition(NamedTuple):
    """A compiled ``when``; ``verdict`` is its answer where that is the same for every record."""

    holds: Callable[[Root], bool]
    verdict: bool | None = None


ALWAYS = Condition(lambda _: True, verdict=True)


def constant(value: Any) -> Fetch:
    """The fetch of one value. ``constant(None)`` also stands in for what did not compile and never runs."""
    return lambda _: value


def compile_value(
    scope: Scope,
    text: str,
    convert: Convert,
    default: Any = None,
    *,
    limit: Limit | None = None,
    keeps_empty: bool = False,
) -> Fetch:
    """An expression, and the conversion of its result unless that is null; constants are converted and judged here.

    The function raises DataError, with a message that names the label and the expression.

    Args:
        scope: where it stands.
        text: the expression.
        convert: to what the result is converted.
        default: what stands in for null.
        limit: what judges a constant.
        keeps_empty: whether an empty text is a value; else it counts as null.
    """
    expression = parse(scope, text, advice=_advice(text))
    if expression is None:
        return constant(None)
    if expression.constant:
        value = expression.evaluate({})
        return constant(default if value is None else convert_now(scope, value, convert, limit))
    check_shape(scope, expression, convert)
    fetch = guard(scope, text, expression.evaluate, convert, default, keeps_empty=keeps_empty)
    if scope.names.isdisjoint(ELEMENT_NAMES) or (expression.steps <= CHEAP and convert in UNCHANGED):
        return fetch  # there is one element, or text that is there at once and need not be kept
    if expression.steady:
        return scope.work.once(fetch)
    return scope.work.once_a_parent(fetch) if expression.of_parent else fetch


def compile_condition(scope: Scope, text: str) -> Condition:
    """A ``when``, with JMESPath's truth. The function raises DataError where it cannot be evaluated."""
    expression = parse(scope, text)
    if expression is None:
        return Condition(lambda _: False)
    if expression.constant:
        verdict = truthy(expression.evaluate({}))
        return Condition(lambda _: verdict, verdict)
    place, evaluate = f"{scope.label} when {text}", expression.evaluate

    def holds(root: Root) -> bool:
        try:
            return truthy(evaluate(root))
        except (EvaluationError, Exhausted) as error:
            raise _placed(error, place) from None

    return Condition(holds)


def parse(scope: Scope, text: str, offset: int = 0, advice: str | None = None) -> Expression | None:
    """The compiled expression, or None and an error; ``offset`` is where it begins in its scalar."""
    try:
        expression = compile_expression(text, names=scope.names, work=scope.work)
    except ExpressionError as error:
        position = None if error.position is None else error.position + offset
        hint = " ".join(filter(None, (error.hint, advice)))
        scope.fail(error.code, error.message, position, hint or None)
        return None
    scope.roots.update(expression.roots)
    scope.work.planned += EXPRESSION + expression.steps
    if "key" in expression.roots:
        expression = _asks_for_key(expression)
    if scope.trace is not None:
        return expression._replace(evaluate=scope.trace.expression(text, expression.evaluate))
    return expression


def _asks_for_key(expression: Expression) -> Expression:
    evaluate = expression.evaluate

    def with_key(root: Root) -> Any:
        key = root.get("key")
        if type(key) is UnreadKey:
            key = key.decoded()
            cast("dict[str, Any]", root)["key"] = key  # what is evaluated looks there
        if type(key) is Undecodable:
            raise UnreadableKeyError(key)
        return evaluate(root)

    return expression._replace(evaluate=with_key)


def _failed(error: EvaluationError, message: str) -> DataError:
    if isinstance(error, UnreadableKeyError):
        return DataError(error.reason, message, of_key=True)
    return DataError(Reason.EXPRESSION_FAILED, message)


def check_shape(scope: Scope, expression: Expression, convert: Convert) -> None:
    """A list or an object where one value is needed fails for every record that has it."""
    if expression.shape is None:
        return
    try:
        convert(["a"] if expression.shape is list else {})
    except DataError as error:
        if error.reason is Reason.INVALID_TIME:  # a list may be a time, of other elements
            return
        hint = None
        if expression.shape is list:
            each = "" if "item" in scope.names else ", or make an event of each element with for_each"
            hint = f"for the first element write {expression.text.strip()} | [0]{each}"
        scope.fail(error.reason, str(error), hint=hint)


def _advice(text: str) -> str | None:
    # ``eventType: View`` is meant as text far more often than as a name.
    if _BARE_WORDS.fullmatch(text) and text not in ROOTS:
        return f"for a fixed value write {{const: {text}}}"
    return None


def convert_now(scope: Scope, value: Any, convert: Convert, limit: Limit | None = None) -> Any:
    """A value of the configuration, converted; None for null, and None and an error where it does not fit."""
    try:
        converted = None if value is None else convert(value)
    except DataError as error:
        scope.fail(error.reason, str(error))
        return None
    problem = None if limit is None or converted is None else limit(converted)
    if problem is None:
        return converted
    scope.fail(problem.reason, problem.message)
    return None


def guard(
    scope: Scope, text: str, evaluate: Fetch, convert: Convert, default: Any = None, *, keeps_empty: bool = False
) -> Fetch:
    """Evaluate and convert; what fails says which expression of which member it was. See ``compile_value``."""
    place, kept, spend = f"{scope.label} from {text}", UNCHANGED.get(convert), scope.work.spend
    empty = None if keeps_empty else ""

    def fetch(root: Root) -> Any:
        try:
            value = evaluate(root)
            if not value and (value is None or value == empty):
                return default
            if type(value) is kept:
                return value
            if type(value) in SIZED and len(value) > LONG:
                spend(len(value))
            return convert(value)
        except (EvaluationError, DataError, Exhausted) as error:
            raise _placed(error, place) from None

    return fetch


def _placed(error: EvaluationError | DataError | Exhausted, place: str) -> DataError | Exhausted:
    """The error of a record, with where in the mapping it came up."""
    message = f"{place}: {error}"
    if isinstance(error, EvaluationError):
        return _failed(error, message)
    return DataError(error.reason, message) if isinstance(error, DataError) else Exhausted(message)
