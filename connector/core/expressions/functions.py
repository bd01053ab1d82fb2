"""Every function is pure, and the size of the record bounds its cost.

A record must map to the same event whenever it is replayed, and no record may stall the process. Here are JMESPath's
own functions and the few that click data needs besides. Errors name functions and types, never a value.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Any
from urllib.parse import unquote_plus

from jmespath.functions import Functions

from connector.core.expressions.arithmetic import add, base64_decode, decimal, divide, multiply, round_half_up, subtract
from connector.core.expressions.calling import EvaluationError, Function, Rate, Spend, free, nullable, parameter
from connector.core.expressions.searching import prepare_regex, regex_extract
from connector.core.expressions.work import CONTAINERS, LONG, weight

__all__ = ["EXTRA_FUNCTIONS", "FUNCTIONS", "MAX_TEXT"]

MAX_TEXT = 1 << 20  # characters that join and replace may make: a record must not multiply itself


def _bounded(name: str, size: int) -> None:
    if size > MAX_TEXT:
        raise EvaluationError(f"{name}() expected to make at most {MAX_TEXT} characters, not more")


def _join(separator: str, parts: list[str], spend: Spend = free) -> str:
    size = sum(map(len, parts)) + len(separator) * (len(parts) - 1)
    _bounded("join", size)
    if size > LONG:
        spend(size // 16)
    return separator.join(parts)


def _replace(text: str, old: str, new: str, spend: Spend = free) -> str:
    if not old:
        raise EvaluationError("replace() expected a text to replace, not an empty one")
    found = text.count(old)
    size = len(text) + found * (len(new) - len(old))
    _bounded("replace", size)
    if size > LONG:
        spend(found + size // 16)
    return text.replace(old, new)


def _split(text: str, separator: str, spend: Spend = free) -> list[str]:
    if not separator:
        raise EvaluationError("split() expected a separator, not an empty one")
    parts = text.split(separator)
    if len(parts) > LONG:
        spend(len(parts))
    return parts


def _counting(call: Callable[..., Any], around: Callable[..., Any] | None = None) -> Callable[..., Callable[..., Any]]:
    """What prepares a function that counts more than its rate can say."""

    def prepare(_known: Sequence[Any], _position: int | None, spend: Spend) -> Callable[..., Any]:
        counting = partial(call, spend=spend)
        return around(counting) if around else counting

    return prepare


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
    raise EvaluationError("parse_json() expected JSON text, found text that is not JSON")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _url_param(url: str, name: str, spend: Spend = free) -> str | None:
    query = url.partition("#")[0].partition("?")[2]
    if len(query) > LONG:
        spend(8 * (query.count("&") + query.count("%")))
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if pair and (key == name or (("%" in key or "+" in key) and unquote_plus(key) == name)):
            return unquote_plus(value)
    return None


def _coalesce_empty(*values: Any) -> Any:
    return next((value for value in values if value is not None and value != ""), None)


def _contains(subject: Any, search: Any, spend: Spend = free) -> bool:
    if type(search) in CONTAINERS:
        # Each of the elements may be as large, and differ at its end.
        spend(len(subject) * weight(search))
    return search in subject


def _to_string(value: Any, spend: Spend = free) -> str:
    if isinstance(value, str):
        return value
    # As the library's, which has a default for what is not JSON, too.
    text = json.dumps(value, separators=(",", ":"), default=str)
    if len(text) > LONG:
        spend(len(text))
    return text


_TEXT, _MAYBE_TEXT, _NUMBER, _MAYBE_NUMBER, _ANY = (
    parameter("string"),
    parameter("string", "null"),
    parameter("number"),
    parameter("number", "null"),
    parameter(),
)

# fmt: off
EXTRA_FUNCTIONS: tuple[Function, ...] = (
    Function("lower", nullable(str.lower), (_MAYBE_TEXT,), 1,
             signature="lower(text)", example="lower('VIEW')", result="view"),
    Function("upper", nullable(str.upper), (_MAYBE_TEXT,), 1,
             signature="upper(text)", example="upper('eur')", result="EUR"),
    Function("trim", nullable(str.strip), (_MAYBE_TEXT,), 1,
             signature="trim(text)", example="trim('  sku-1 ')", result="sku-1"),
    Function("replace", nullable(_replace), (_MAYBE_TEXT, _TEXT, _TEXT), 3, prepare=_counting(_replace, nullable),
             signature="replace(text, old, new)", example="replace('a-b-c', '-', '_')", result="a_b_c"),
    Function("split", nullable(_split), (_MAYBE_TEXT, _TEXT), 2, prepare=_counting(_split, nullable),
             signature="split(text, separator)", example="split('a/b', '/')", result=["a", "b"]),
    Function("substring", nullable(_substring), (_MAYBE_TEXT, _NUMBER, _NUMBER), 2,
             signature="substring(text, start[, length])", example="substring('sku-123', `4`)", result="123"),
    Function("regex_extract", regex_extract, (_MAYBE_TEXT, _TEXT, parameter("number", "string")), 2,
             prepare=prepare_regex, signature="regex_extract(text, pattern[, group])",
             example=r"regex_extract('/product/77?x=1', '/product/(\d+)')", result="77"),
    Function("parse_json", nullable(_parse_json), (_MAYBE_TEXT,), 1, rate=Rate(0, 3 / 4),
             signature="parse_json(text)", example="""parse_json('{"sku": "s1"}').sku""", result="s1"),
    Function("sha256", nullable(_sha256), (_MAYBE_TEXT,), 1,
             signature="sha256(text)", example="sha256('a') | substring(@, `0`, `8`)", result="ca978112"),
    Function("url_param", nullable(_url_param), (_MAYBE_TEXT, _TEXT), 2, prepare=_counting(_url_param, nullable),
             signature="url_param(url, name)", example="url_param('https://a.test/?id=7', 'id')", result="7"),
    Function("coalesce_empty", _coalesce_empty, (_ANY,), 1, variadic=True,
             signature="coalesce_empty(value, ...)", example="coalesce_empty('', `null`, 'x')", result="x"),
    Function("add", add, (_MAYBE_NUMBER, _MAYBE_NUMBER), 2,
             signature="add(number, number)", example="add(`0.1`, `0.2`)", result=0.3),
    Function("subtract", subtract, (_MAYBE_NUMBER, _MAYBE_NUMBER), 2,
             signature="subtract(number, number)", example="subtract(`20`, `0.5`)", result=19.5),
    Function("multiply", multiply, (_MAYBE_NUMBER, _MAYBE_NUMBER), 2,
             signature="multiply(number, number)", example="multiply(`21.25`, `2`)", result=42.5),
    Function("divide", divide, (_MAYBE_NUMBER, _MAYBE_NUMBER), 2,
             signature="divide(number, number)", example="divide(`2125`, `100`)", result=21.25),
    Function("round", round_half_up, (_MAYBE_NUMBER, _NUMBER), 1,
             signature="round(number[, digits])", example="round(`2.675`, `2`)", result=2.68),
    Function("base64_decode", nullable(base64_decode), (_MAYBE_TEXT,), 1, rate=Rate(0, 1 / 4),
             signature="base64_decode(text)", example="base64_decode('c2t1LTE=')", result="sku-1"),
    Function("decimal", nullable(decimal), (_MAYBE_TEXT, _MAYBE_NUMBER), 2, rate=Rate(0, 1 / 4),
             signature="decimal(base64, scale)", example="decimal('BAg=', `2`)", result=10.32),
)
# fmt: on


_AT_ONCE = Rate(0, 0)  # its time does not depend on how long its arguments are
_BY_KEY = Rate(10)  # one call of Python's own for each element, beside that of the reference
# What is not here takes ``Rate()``. Sorting compares each element several times.
_RATES: Mapping[str, Rate] = {
    **dict.fromkeys(("length", "type", "not_null", "to_array", "to_string", "starts_with", "ends_with"), _AT_ONCE),
    **dict.fromkeys(("sort_by", "min_by", "max_by"), _BY_KEY),
    "map": Rate(2),
    "sort": Rate(4),
    "contains": Rate(1 / 4, 1 / 64),
    "to_number": Rate(0, 1 / 4),
}


_COUNTED: Mapping[str, Callable[..., Any]] = {"contains": _contains, "join": _join, "to_string": _to_string}


def _library_functions() -> list[Function]:
    library, functions = Functions(), []
    for name, row in Functions.FUNCTION_TABLE.items():
        parameters = tuple(parameter(*argument["types"]) for argument in row["signature"])
        variadic = bool(row["signature"][-1].get("variadic"))
        own = _COUNTED.get(name)
        call = own or partial(row["function"], library)
        prepare = _counting(own) if own else None
        rate = _RATES.get(name, Rate())
        functions.append(Function(name, call, parameters, len(parameters), variadic, prepare=prepare, rate=rate))
    return functions


FUNCTIONS: Mapping[str, Function] = {row.name: row for row in (*_library_functions(), *EXTRA_FUNCTIONS)}
