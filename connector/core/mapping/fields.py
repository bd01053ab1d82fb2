"""A field spec is compiled once into a closure that gives a member's final value, or None where it is null.

Everything that can be known before the first record is done here: expressions are parsed, constants, defaults
and the values of lookups are converted to the member's type. A record only walks the closures.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

from connector.core.expressions.calling import Spend
from connector.core.expressions.work import LONG
from connector.core.mapping.constants import Limit
from connector.core.mapping.scope import (
    ALWAYS,
    Condition,
    Fetch,
    Root,
    Scope,
    check_shape,
    compile_condition,
    compile_value,
    constant,
    convert_now,
    guard,
    parse,
)
from connector.core.mapping.specs import Case, Const, Else, FieldSpec, From, Template
from connector.core.mapping.templates import UnbalancedError, split_template
from connector.core.mapping.times import TimeSpecError, time_parser, time_zone
from connector.core.mapping.values import CONVERSIONS, Convert, render
from connector.core.records import DataError, Reason, Skip


class Dropped(Exception):
    """A field says ``otherwise: skip`` for what it found, and why: the event is not made."""

    def __init__(self, reason: Skip) -> None:
        super().__init__()  # no message: the explanation has its own
        self.reason = reason


class Target(NamedTuple):
    """What a field becomes: ``convert`` gives the member's type; ``format`` takes its place for times.

    ``limit`` judges the constants that it may become. ``keeps_empty``: an empty text is a value, where else it counts
    as null. ``whole``: a template with an empty part is null.
    """

    convert: Convert
    is_time: bool = False
    limit: Limit | None = None
    keeps_empty: bool = False
    whole: bool = False


def compile_field(scope: Scope, spec: FieldSpec, target: Target) -> Fetch:
    """A function from the root to the final value of a field, None where it is null.

    The function raises Dropped, and DataError with a message that names the member and the expression.
    """
    fetch = _fetch(scope, spec, target)
    return fetch if scope.trace is None else scope.trace.gives(scope.path, fetch)


def _fetch(scope: Scope, spec: FieldSpec, target: Target) -> Fetch:
    if isinstance(spec, str):
        return compile_value(scope, spec, target.convert, limit=target.limit, keeps_empty=target.keeps_empty)
    if isinstance(spec, Const):
        return constant(convert_now(scope.at("const"), spec.const, target.convert, target.limit))
    if isinstance(spec, Template):
        return _template(scope.at("template"), spec.template, target)
    if isinstance(spec, Case):
        return _case(scope.at("case"), spec, target)
    return _from(scope, spec, target)


def describe(spec: FieldSpec) -> str:
    """A field in a message: by its expression, where it has one."""
    if isinstance(spec, str):
        return spec
    if isinstance(spec, Template):
        return spec.template
    if isinstance(spec, From):
        return spec.source if spec.lookup is None else f"the lookup of {spec.source}"
    return "its const" if isinstance(spec, Const) else "its case"


def may_skip(spec: FieldSpec) -> bool:
    """Whether the field can drop the event."""
    if isinstance(spec, Case):
        return any(may_skip(arm.else_ if isinstance(arm, Else) else arm.then) for arm in spec.case)
    return isinstance(spec, From) and spec.otherwise == "skip"


def _template(scope: Scope, text: str, target: Target) -> Fetch:
    try:
        pieces = split_template(text)
    except UnbalancedError as error:
        scope.fail("unbalanced_braces", str(error), error.position)
        return constant(None)
    if not any(piece.is_expression for piece in pieces):
        return constant(convert_now(scope, text, target.convert, target.limit))
    parts: list[Fetch] = []
    for piece in pieces:
        expression = parse(scope, piece.text, piece.position) if piece.is_expression else None
        if expression is not None:
            check_shape(scope, expression, render)
        parts.append(expression.evaluate if expression else constant(piece.text))
    join = _join(parts, scope.work.spend, whole=target.whole)
    return guard(scope, text, join, target.convert, keeps_empty=target.keeps_empty)


def _join(parts: list[Fetch], spend: Spend, *, whole: bool) -> Fetch:
    def join(root: Root) -> str | None:
        texts = []
        for part in parts:
            value = part(root)
            if value is None:
                return None
            texts.append(render(value))
        if whole and "" in texts:
            return None
        text = "".join(texts)
        if len(text) > LONG:
            spend(len(text) // 16)
        return text

    return join


def _case(scope: Scope, spec: Case, target: Target) -> Fetch:
    arms: list[tuple[Condition, Fetch]] = []
    for number, arm in enumerate(spec.case):
        here = scope.at(number)
        if isinstance(arm, Else):
            if number != len(spec.case) - 1:
                here.fail("else_not_last", "expected else as the last arm: what follows it is never reached")
            arms.append((ALWAYS, compile_field(here.at("else"), arm.else_, target)))
        else:
            condition = compile_condition(here.at("when"), arm.when)
            arms.append((condition, compile_field(here.at("then"), arm.then, target)))
    if scope.trace is not None:
        paths = [scope.at(number).path for number in range(len(arms))]
        arms = [(arm[0], scope.trace.reach(path, arm[1])) for path, arm in zip(paths, arms, strict=True)]
    return _first([(condition.holds, then) for condition, then in arms])


def _first(arms: list[tuple[Callable[[Root], bool], Fetch]]) -> Fetch:
    def fetch(root: Root) -> Any:
        for holds, then in arms:
            if holds(root):
                return then(root)
        return None

    return fetch


def _from(scope: Scope, spec: From, target: Target) -> Fetch:
    convert = _conversion(scope, spec, target)
    default = convert_now(scope.at("default"), spec.default, convert, target.limit)
    if spec.lookup is not None:
        return _lookup(scope, spec, target._replace(convert=convert), default)
    instead = default if scope.trace is None else None
    found = compile_value(
        scope.at("from"), spec.source, convert, instead, limit=target.limit, keeps_empty=target.keeps_empty
    )
    if scope.trace is not None and default is not None:
        found = scope.trace.default(scope.at("default").path, found, default)
    return found if spec.otherwise is None else _or_else(scope, spec, found, target._replace(convert=convert))


def _or_else(scope: Scope, spec: From, found: Fetch, target: Target) -> Fetch:
    if spec.default is not None:
        message = "expected no default beside otherwise: null becomes the default, and otherwise never decides"
        scope.at("otherwise").fail("otherwise_beside_default", message, hint="remove one of them, or add a lookup")
    otherwise = _otherwise(scope, spec, target, None, _NULL)

    def fetch(root: Root) -> Any:
        value = found(root)
        return otherwise(root) if value is None else value

    return fetch


def _conversion(scope: Scope, spec: From, target: Target) -> Convert:
    """Format, then as, then the member's own type: what ``from`` does to a value that is not null."""
    steps: list[Convert] = []
    if spec.format is not None or spec.timezone is not None or target.is_time:
        steps.append(_time(scope, spec))
    if spec.as_ is not None:
        if target.is_time and spec.as_ != "int":
            scope.at("as").fail("wrong_type", "expected int, or no as: the member is a time in whole seconds")
        steps.append(CONVERSIONS[spec.as_])
    if not target.is_time:
        steps.append(target.convert)
    return reduce(_then, steps)


def _then(first: Convert, second: Convert) -> Convert:
    return lambda value: second(first(value))


def _time(scope: Scope, spec: From) -> Convert:
    try:
        return time_parser(spec.format or "auto", time_zone(spec.timezone or "UTC"))
    except TimeSpecError as error:
        scope.at(error.key).fail(f"unknown_{error.key}", str(error), hint=error.hint)
        return time_parser()


def _lookup(scope: Scope, spec: From, target: Target, default: Any) -> Fetch:
    key_of = compile_value(scope.at("from"), spec.source, render, keeps_empty=True)
    if scope.trace is not None:
        key_of = scope.trace.row(scope.at("lookup").path, key_of)
    table = {
        key: default if value is None else convert_now(scope.at("lookup", key), value, target.convert, target.limit)
        for key, value in (spec.lookup or {}).items()
    }
    otherwise = _otherwise(scope, spec, target, default, _NOT_IN_TABLE)

    def fetch(root: Root) -> Any:
        key = key_of(root)
        # A null key is not in the table either.
        return table[key] if key in table else otherwise(root)

    return fetch


class _Missing(NamedTuple):
    """What to call it when there is nothing."""

    skip: Skip
    reason: Reason
    expected: str


_NOT_IN_TABLE = _Missing(Skip.LOOKUP, Reason.LOOKUP_FAILED, "expected one of the keys of its lookup")
_NULL = _Missing(Skip.MISSING_MEMBER, Reason.MISSING_MEMBER, "expected a value, found null or an empty text")


def _otherwise(scope: Scope, spec: From, target: Target, default: Any, missing: _Missing) -> Fetch:
    fetch = _instead(scope, spec, target, default, missing)
    if scope.trace is None:
        return fetch
    return scope.trace.reach(scope.at("default" if spec.otherwise is None else "otherwise").path, fetch)


def _instead(scope: Scope, spec: From, target: Target, default: Any, missing: _Missing) -> Fetch:
    message = f"{scope.label} from {spec.source}: {missing.expected}"

    def skip(_: Root) -> Any:
        raise Dropped(missing.skip)

    def dead_letter(_: Root) -> Any:
        raise DataError(missing.reason, message)

    match spec.otherwise:
        case "skip":
            return skip
        case "dead_letter":
            return dead_letter
        case Const(const=value) if value is not None:
            fixed = convert_now(scope.at("otherwise", "const"), value, target.convert, target.limit)
            return constant(fixed)
        case _:
            return constant(default)
