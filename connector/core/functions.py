"""What an expression may call: JMESPath's own functions, and the few that click data needs besides.

Every function is pure and its cost is bounded by the record that it reads, because records come from outside
and must map to the same event whenever they are replayed. Errors name functions and types, never a value.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite, isqrt
from types import NoneType
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from jmespath.exceptions import JMESPathTypeError
from jmespath.functions import Functions
from jmespath.visitor import _Expression as LibraryReference

from connector.core.automaton import TooComplex
from connector.core.backtracking import growth

MAX_TEXT = 1 << 20  # characters that join and replace may make: a record must not multiply itself
MAX_SEARCHED = 8192  # characters that regex_extract searches; fewer where a pattern's steps would be too many
MAX_STEPS = 200_000  # that one search may take, a few milliseconds at most: a record may ask for a thousand of them
MAX_WAYS = 1_000  # in which a pattern may read a text, whatever its length

UNKNOWN: Any = object()  # an argument that is not a constant of the expression


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
    """What one argument may be, in JMESPath's types (``array-number`` too); no types at all take anything."""

    types: tuple[str, ...]
    accepted: frozenset[type]
    elements: tuple[frozenset[type], ...]


class Function(NamedTuple):
    """One function. ``call`` gets arguments whose types have been checked.

    ``prepare`` may replace ``call`` once at compile time, knowing the constant arguments (the others are
    UNKNOWN) and the position of the call; it raises ExpressionError. ``signature``, ``example`` and its
    ``result`` are documentation of the functions that JMESPath does not have.
    """

    name: str
    call: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    required: int
    variadic: bool = False
    signature: str = ""
    example: str = ""
    result: Any = None
    prepare: Callable[[Sequence[Any], int | None], Callable[..., Any]] | None = None


PYTHON_TYPES: Mapping[str, frozenset[type]] = {
    "null": frozenset({NoneType}),
    "boolean": frozenset({bool}),
    "number": frozenset({int, float}),
    "string": frozenset({str}),
    "array": frozenset({list}),
    "object": frozenset({dict}),
    "expref": frozenset({Reference, LibraryReference}),
}
_TYPE_NAMES = {python: name for name, types in PYTHON_TYPES.items() for python in types}


def type_name(value: Any) -> str:
    """The JSON type of a value, or the name of its class where it has none."""
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def _parameter(*types: str) -> Parameter:
    outer_and_inner = [kind.partition("-") for kind in types]
    accepted = frozenset[type]().union(*(PYTHON_TYPES[outer] for outer, _, _ in outer_and_inner))
    elements = tuple(PYTHON_TYPES[inner] for _, _, inner in outer_and_inner if inner)
    return Parameter(types, accepted, elements)


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
        message = f"expected & to give {' or '.join(error.expected_types)}, not {error.actual_type}"
    except (TypeError, ValueError, ArithmeticError):
        message = f"cannot work on {' and '.join(map(type_name, arguments))} such as these"
    # Raised out here, so that the first error, which holds a value of the record, is not its context.
    raise EvaluationError(f"{function.name}() {message}")


def _matches(parameter: Parameter, value: Any) -> bool:
    _, accepted, kinds = parameter
    if not accepted:
        return True
    if type(value) not in accepted:
        return False
    if not kinds or not value:
        return True
    # The first element says which kind of array it is; the others must be of the same kind.
    allowed = next((kind for kind in kinds if type(value[0]) in kind), frozenset())
    return all(type(element) in allowed for element in value)


def _mismatch(function: Function, arguments: Sequence[Any]) -> EvaluationError:
    """The first mismatch in words, found a second time: calls that match should not pay for its details."""
    pairs = zip(function.parameters, arguments, strict=False)
    position, (parameter, value) = next(pair for pair in enumerate(pairs, 1) if not _matches(*pair[1]))
    actual = type_name(value)
    if type(value) in parameter.accepted:
        actual = "array of " + " and ".join(sorted({type_name(element) for element in value}))
    expected = " or ".join(kind.replace("-", " of ") for kind in parameter.types)
    where = f" as argument {position}" if len(function.parameters) > 1 else ""
    return EvaluationError(f"{function.name}() expected {expected}{where}, not {actual}")


def _bounded(name: str, size: int) -> None:
    if size > MAX_TEXT:
        raise EvaluationError(f"{name}() expected to make at most {MAX_TEXT} characters, not more")


def _join(separator: str, parts: list[str]) -> str:
    _bounded("join", sum(map(len, parts)) + len(separator) * (len(parts) - 1))
    return separator.join(parts)


def _nullable(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, null for a null text: a member that a record lacks is not an error."""

    def nullable(text: str | None, *rest: Any) -> Any:
        return None if text is None else call(text, *rest)

    return nullable


def _replace(text: str, old: str, new: str) -> str:
    if not old:
        raise EvaluationError("replace() expected a text to replace, not an empty one")
    _bounded("replace", len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def _split(text: str, separator: str) -> list[str]:
    if not separator:
        raise EvaluationError("split() expected a separator, not an empty one")
    return text.split(separator)


def _whole(value: float) -> int:
    if value != int(value):
        raise EvaluationError("substring() expected whole numbers, not fractions")
    return int(value)


def _substring(text: str, start: float, length: float | None = None) -> str:
    begin = _whole(start)
    begin = begin if begin >= 0 else max(len(text) + begin, 0)
    if length is None:
        return text[begin:]
    if length < 0:
        raise EvaluationError("substring() expected a length of zero or more, not a negative one")
    return text[begin : begin + _whole(length)]


def _finite(number: str) -> float:
    value = float(number)
    if not isfinite(value):
        raise ValueError
    return value


def _parse_json(text: str) -> Any:
    try:
        # Not orjson: it turns integers beyond 64 bits into floats. NaN and infinity are not JSON.
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except ValueError:
        pass
    raise EvaluationError("parse_json() expected JSON text, not something else")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _url_param(url: str, name: str) -> str | None:
    query = url.partition("#")[0].partition("?")[2]
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if unquote_plus(key) == name and pair:
            return unquote_plus(value)
    return None


def _coalesce_empty(*values: Any) -> Any:
    return next((value for value in values if value is not None and value != ""), None)


def _prepare_regex(known: Sequence[Any], position: int | None) -> Callable[..., Any]:
    pattern, group = known[1], known[2] if len(known) > 2 else None
    if not isinstance(pattern, str):
        # Whoever writes records must not choose what the processor is busy with.
        raise ExpressionError(
            "regex_extract() expected a literal pattern as argument 2",
            position,
            code="bad_argument",
            hint="write the pattern between single quotes",
        )
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        message = f"regex_extract() expected a regular expression as argument 2: {error}"
        raise ExpressionError(message, position, code="bad_argument") from error
    if group is None:
        group = min(compiled.groups, 1)
    if not (
        group in compiled.groupindex if isinstance(group, str) else type(group) is int and 0 <= group <= compiled.groups
    ):
        message = "regex_extract() expected the literal number or name of a group of the pattern as argument 3"
        raise ExpressionError(message, position, code="bad_argument")
    return _nullable(partial(_extract, compiled, group, _searchable(pattern, position)))


def _searchable(pattern: str, position: int | None) -> int:
    """How many characters may be searched, so that no text takes more than ``MAX_STEPS``.

    The pattern is the operator's and the text a stranger's, who could stall the process with it: not by one search
    alone, but by one for each element of a record.
    """
    try:
        degree, ways = growth(pattern)
    except TooComplex as error:
        raise _too_slow(f"a pattern of which can be said how long it takes: {error}", None, position) from None
    if degree is None:
        hint = "say what is allowed, as in [^/]* for .*, or let go of nothing, as in (?:a++)+ for (a+)+"
        raise _too_slow(
            "a pattern whose repeats read a text in one way only, or a short one takes years", hint, position
        )
    if degree > 1:
        hint = "begin it with ^, say what is allowed, as in [^/]* for .*, or let go of nothing, as in [^/]*+"
        raise _too_slow(
            "a pattern with fewer repeats that can read the same text: a long one takes hours", hint, position
        )
    if ways > MAX_WAYS:
        raise _too_slow("a pattern with fewer parts that may be left out", None, position)
    # From each place to the end of the text is half of its square.
    return min(MAX_SEARCHED, MAX_STEPS // ways if degree == 0 else isqrt(2 * MAX_STEPS // ways))


def _too_slow(expected: str, hint: str | None, position: int | None) -> ExpressionError:
    return ExpressionError(f"regex_extract() expected {expected}", position, code="bad_argument", hint=hint)


def _extract(pattern: re.Pattern[str], group: int | str, most: int, text: str, *_: Any) -> str | None:
    if len(text) > most:
        raise EvaluationError(f"regex_extract() expected at most {most} characters for its pattern, not more")
    found = pattern.search(text)
    return None if found is None else found.group(group)


def _regex_extract(*arguments: Any) -> Any:
    return _prepare_regex(arguments, None)(*arguments)


_TEXT, _MAYBE_TEXT, _NUMBER, _ANY = (
    _parameter("string"),
    _parameter("string", "null"),
    _parameter("number"),
    _parameter(),
)

# fmt: off
EXTRA_FUNCTIONS: tuple[Function, ...] = (
    Function("lower", _nullable(str.lower), (_MAYBE_TEXT,), 1,
             signature="lower(text)", example="lower('VIEW')", result="view"),
    Function("upper", _nullable(str.upper), (_MAYBE_TEXT,), 1,
             signature="upper(text)", example="upper('eur')", result="EUR"),
    Function("trim", _nullable(str.strip), (_MAYBE_TEXT,), 1,
             signature="trim(text)", example="trim('  sku-1 ')", result="sku-1"),
    Function("replace", _nullable(_replace), (_MAYBE_TEXT, _TEXT, _TEXT), 3,
             signature="replace(text, old, new)", example="replace('a-b-c', '-', '_')", result="a_b_c"),
    Function("split", _nullable(_split), (_MAYBE_TEXT, _TEXT), 2,
             signature="split(text, separator)", example="split('a/b', '/')", result=["a", "b"]),
    Function("substring", _nullable(_substring), (_MAYBE_TEXT, _NUMBER, _NUMBER), 2,
             signature="substring(text, start[, length])", example="substring('sku-123', `4`)", result="123"),
    Function("regex_extract", _regex_extract, (_MAYBE_TEXT, _TEXT, _parameter("number", "string")), 2,
             prepare=_prepare_regex, signature="regex_extract(text, pattern[, group])",
             example=r"regex_extract('/product/77?x=1', '/product/(\d+)')", result="77"),
    Function("parse_json", _nullable(_parse_json), (_MAYBE_TEXT,), 1,
             signature="parse_json(text)", example="""parse_json('{"sku": "s1"}').sku""", result="s1"),
    Function("sha256", _nullable(_sha256), (_MAYBE_TEXT,), 1,
             signature="sha256(text)", example="sha256('a') | substring(@, `0`, `8`)", result="ca978112"),
    Function("url_param", _nullable(_url_param), (_MAYBE_TEXT, _TEXT), 2,
             signature="url_param(url, name)", example="url_param('https://a.test/?id=7', 'id')", result="7"),
    Function("coalesce_empty", _coalesce_empty, (_ANY,), 1, variadic=True,
             signature="coalesce_empty(value, ...)", example="coalesce_empty('', `null`, 'x')", result="x"),
)
# fmt: on


def _library_functions() -> list[Function]:
    library, functions = Functions(), []
    for name, row in Functions.FUNCTION_TABLE.items():
        parameters = tuple(_parameter(*argument["types"]) for argument in row["signature"])
        variadic = bool(row["signature"][-1].get("variadic"))
        call = _join if name == "join" else partial(row["function"], library)
        functions.append(Function(name, call, parameters, len(parameters), variadic))
    return functions


FUNCTIONS: Mapping[str, Function] = {row.name: row for row in (*_library_functions(), *EXTRA_FUNCTIONS)}
