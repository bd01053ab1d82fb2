"""A function is called only with arguments of the types that it takes.

An error names the function and the types, never a value.
"""

from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple

from jmespath.exceptions import JMESPathTypeError
from jmespath.visitor import _Expression as LibraryReference

from connector.core.words import TYPE_WORDS, plural, type_word

UNKNOWN: Any = object()  # an argument that is not a constant of the expression

Closure = Callable[[Any], Any]
Spend = Callable[[int], None]  # counts steps of work; see ``work``
CALL = 12  # steps that a call takes beside those of its arguments, more or less
SIZED = frozenset({str, list, dict})
_SHORT = 16  # elements or characters; counting fewer costs more than it tells


def free(_steps: int) -> None:
    """Count nothing: what the library's interpreter calls is not counted."""


class Rate(NamedTuple):
    """Steps that a function takes for each element of a list or an object, and each character of a long text.

    Both what it gets and what it gives count.
    """

    element: float = 1.0
    character: float = 1 / 16


class ExpressionError(ValueError):
    """The text is not an expression that can run.

    ``position`` is the 0-based index of the character at fault, None where no single one is. ``code`` is
    stable: syntax, too_deep, unknown_name, unknown_function, wrong_arity, bad_argument, bad_reference,
    bad_negation, unsupported, always_fails. ``hint`` is a suggestion to show beside the message.
    """

    def __init__(
        self, message: str, position: int | None = None, *, code: str = "syntax", hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.code = code
        self.hint = hint


class EvaluationError(Exception):
    """An expression cannot be evaluated on a record: a function met a type that it does not take."""


class Reference:
    """The value of ``&expression``; has the shape that the library's sort_by, map and their like call."""

    __slots__ = ("expression",)

    def __init__(self, expression: Callable[[Any], Any]) -> None:
        self.expression = expression

    @staticmethod
    def visit(expression: Callable[[Any], Any], value: Any) -> Any:
        """Evaluate on one element."""
        return expression(value)


class Parameter(NamedTuple):
    """What one argument may be, in JMESPath's types (``array-number`` too); no types at all take anything.

    A value of a type in ``sure`` fits, whatever it holds.
    """

    types: tuple[str, ...]
    accepted: frozenset[type]
    elements: tuple[frozenset[type], ...]
    sure: frozenset[type]


class Function(NamedTuple):
    """One function. ``call`` gets arguments whose types have been checked.

    ``prepare`` may replace ``call`` once at compile time, knowing the constant arguments (the others are
    UNKNOWN), the position of the call, and where to count the steps that ``rate`` does not; it raises
    ExpressionError. ``signature``, ``example`` and its ``result`` are documentation of the functions that
    JMESPath does not have.
    """

    name: str
    call: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    required: int
    variadic: bool = False
    signature: str = ""
    example: str = ""
    result: Any = None
    prepare: Callable[[Sequence[Any], int | None, Spend], Callable[..., Any]] | None = None
    rate: Rate = Rate()


PYTHON_TYPES: Mapping[str, frozenset[type]] = {
    "null": frozenset({NoneType}),
    "boolean": frozenset({bool}),
    "number": frozenset({int, float}),
    "string": frozenset({str}),
    "array": frozenset({list}),
    "object": frozenset({dict}),
    "expref": frozenset({Reference, LibraryReference}),
}
_WORDS = {
    "expref": "a reference",
    **{name: TYPE_WORDS[python] for name, types in PYTHON_TYPES.items() for python in types & TYPE_WORDS.keys()},
}
_JSON_TYPES = frozenset({NoneType, bool, int, float, str, list, dict})
_FAULTS = (TypeError, ValueError, ArithmeticError)
_NAMED = 1_000  # elements of an array that a message is about


def parameter(*types: str) -> Parameter:
    """A parameter of these types; ``array-number`` is one."""
    outer_and_inner = [kind.partition("-") for kind in types]
    accepted = frozenset[type]().union(*(PYTHON_TYPES[outer] for outer, _, _ in outer_and_inner))
    elements = tuple(PYTHON_TYPES[inner] for _, _, inner in outer_and_inner if inner)
    sure = accepted - PYTHON_TYPES["array"] if elements else accepted
    return Parameter(types, accepted, elements, sure if accepted else _JSON_TYPES)


def invoke(function: Function, call: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """Check the arguments against the function's parameters and call.

    Raises:
        EvaluationError: an argument has a type, or a value, that the function does not take.
    """
    for parameter, value in zip(function.parameters, arguments, strict=False):
        if not _matches(parameter, value):
            raise _mismatch(function, arguments)
    try:
        return call(*arguments)
    except JMESPathTypeError as error:
        message = f"expected & to give {' or '.join(map(_word, error.expected_types))}, not {_word(error.actual_type)}"
    except _FAULTS:
        message = f"cannot process these values: {' and '.join(map(type_word, arguments))}"
    # Raised out here, so that the first error, which holds a value of the record, is not its context.
    raise EvaluationError(f"{function.name}() {message}")


def _matches(parameter: Parameter, value: Any) -> bool:
    _, accepted, kinds, _ = parameter
    if not accepted:
        return True
    if type(value) not in accepted:
        return False
    if not kinds or not value:
        return True
    # All elements must be of the same kind.
    found = set(map(type, value))
    for kind in kinds:  # noqa: SIM110  any() takes longer than what it is given
        if found <= kind:
            return True
    return False


def _mismatch(function: Function, arguments: Sequence[Any]) -> EvaluationError:
    """The first mismatch in words, found a second time: calls that match should not pay for its details."""
    pairs = zip(function.parameters, arguments, strict=False)
    position, (parameter, value) = next(pair for pair in enumerate(pairs, 1) if not _matches(*pair[1]))
    actual = type_word(value)
    if type(value) in parameter.accepted:
        actual = "a list of " + " and ".join(sorted({plural(type_word(element)) for element in value[:_NAMED]}))
    expected = " or ".join(map(_word, parameter.types))
    where = f" as argument {position}" if len(function.parameters) > 1 else ""
    return EvaluationError(f"{function.name}() expected {expected}{where}, not {actual}")


def _word(kind: str) -> str:
    """JMESPath's name of a type, in the words of all messages: ``array-number`` is a list of numbers."""
    outer, _, inner = kind.partition("-")
    word = _WORDS.get(outer, outer)
    return f"{word} of {plural(_WORDS[inner])}" if inner else word


def nullable(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, null for a null text: a member that a record lacks is not an error."""

    def of_text(text: str | None, *rest: Any) -> Any:
        return None if text is None else call(text, *rest)

    return of_text


# Calls from an expression


def calling(
    function: Function, call: Callable[..., Any], arguments: Sequence[Closure], each: int, spend: Spend
) -> Closure:
    """A closure that calls ``call``, which is the function's or prepared by it.

    ``each`` is what a reference among the arguments takes for one element.
    """
    count = _counter(function.rate.element + each, function.rate.character, spend)
    sure = [parameter.sure for parameter in function.parameters] + [_JSON_TYPES] * len(arguments)
    if len(arguments) == 1:
        return _with_one(function, call, arguments[0], sure[0], count)
    if len(arguments) == 2:
        return _with_two(function, call, (arguments[0], arguments[1]), (sure[0], sure[1]), count)

    def run(value: Any) -> Any:
        given = [argument(value) for argument in arguments]
        for one in given:
            if type(one) in SIZED and len(one) > _SHORT:
                count(one)
        return invoke(function, call, given)

    return run


def _counter(element: float, character: float, spend: Spend) -> Callable[[Any], None]:
    """What counts the steps that an argument takes, where they are more than those of the call itself."""

    def count(value: Any) -> None:
        steps = len(value) * (character if type(value) is str else element)
        if steps > CALL:
            spend(int(steps))

    return count


# Most calls have one or two arguments of the expected types, so these two are written out. A call that fails is
# repeated by ``invoke``, which makes the error.


def _with_one(
    function: Function,
    call: Callable[..., Any],
    argument: Closure,
    sure: frozenset[type],
    count: Callable[[Any], None],
) -> Closure:
    def run(value: Any) -> Any:
        given = argument(value)
        if type(given) in SIZED and len(given) > _SHORT:
            count(given)
        if type(given) in sure:
            try:
                return call(given)
            except (JMESPathTypeError, *_FAULTS):
                pass
        return invoke(function, call, (given,))

    return run


def _with_two(
    function: Function,
    call: Callable[..., Any],
    arguments: tuple[Closure, Closure],
    sure: tuple[frozenset[type], frozenset[type]],
    count: Callable[[Any], None],
) -> Closure:
    (one, other), (sure_one, sure_other) = arguments, sure

    def run(value: Any) -> Any:
        first, second = one(value), other(value)
        if type(first) in SIZED and len(first) > _SHORT:
            count(first)
        if type(second) in SIZED and len(second) > _SHORT:
            count(second)
        if type(first) in sure_one and type(second) in sure_other:
            try:
                return call(first, second)
            except (JMESPathTypeError, *_FAULTS):
                pass
        return invoke(function, call, (first, second))

    return run
