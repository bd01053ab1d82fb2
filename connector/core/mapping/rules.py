"""The first rule that matches a record decides alone.

Rules are compiled once; a record then costs a few microseconds. Nothing that a record contains raises out of
CompiledRules: a failure is a Rejection that names pipeline, rule, member and expression, and never a value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from connector.core.expressions.expression import ROOTS
from connector.core.expressions.work import EVENT, Exhausted, Work
from connector.core.mapping.elements import MAX_ELEMENTS, Elements, compile_elements
from connector.core.mapping.explain import Trace
from connector.core.mapping.fields import Dropped
from connector.core.mapping.members import compile_members
from connector.core.mapping.scope import (
    ALWAYS,
    RECORD_NAMES,
    Condition,
    Root,
    Scope,
    SpecError,
    compile_condition,
)
from connector.core.mapping.specs import PipelineSpec, PutEventsSpec, Rule
from connector.core.records import (
    DataError,
    Failed,
    Filtered,
    Reason,
    Rejection,
    Skip,
    Skipped,
    Stage,
    fast_constructor,
)

__all__ = ["MAX_ELEMENTS", "CompiledRules", "Mapped", "MappedEvent", "Members", "SpecError", "compile_pipeline"]

# PutEvents' member names to values of their final types; a null member is absent. ``sentAt`` is an int in
# seconds, ``eventValue`` a float, ``impression`` a list of str, ``properties`` JSON text, all others a str.
Members = dict[str, Any]


class MappedEvent(NamedTuple):
    """One event; ``index`` is its element's place in the record's list under ``for_each``, None without."""

    index: int | None  # type: ignore[assignment]  # hides tuple.index, which no caller needs
    members: Members


class Mapped(NamedTuple):
    """What a rule made of a record.

    ``invalid`` are elements of a ``for_each``, each with its index (a record that makes one event is a plain
    Rejection instead); ``skipped`` counts the elements that an ``otherwise: skip`` dropped.
    """

    rule: str
    events: tuple[MappedEvent, ...]
    invalid: tuple[Rejection, ...] = ()
    skipped: int = 0
    failed: Failed = ()


_mapped, _mapped_event = fast_constructor(Mapped), fast_constructor(MappedEvent)

Result = Mapped | Skipped | Rejection
_Action = Callable[[Root], Result]
_Build = Callable[[Root, tuple[int, ...]], Members | Rejection | Skip]


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A compiled pipeline: a callable from a root to what becomes of the record.

    The root holds every name of an expression but ``item`` and ``index``; ``timestamp`` is in milliseconds. One
    thread at a time: the work of a record is counted.
    ``roots`` are the names that some expression reads: what is not among them may be None.
    """

    name: str
    roots: frozenset[str]
    rules: tuple[str, ...]
    _steps: tuple[tuple[str, Callable[[Root], bool], _Action], ...]
    _unmatched: Filtered | Rejection
    _work: Work

    def __call__(self, root: dict[str, Any]) -> Result | Filtered:
        """What the first rule that matches makes of a record; the root is not changed.

        A condition that cannot be evaluated is false, and named in ``failed``; one that takes too long rejects the
        record.
        """
        self._work.begin()
        failed: Failed = ()
        for rule, holds, act in self._steps:
            result: Result
            try:
                try:
                    if not holds(root):
                        continue
                except DataError:
                    failed = (*failed, (self.name, rule))
                    continue
                result = act(root)
            except DataError as error:
                result = _rejection(error, None, self.name, rule, ())
            except Exhausted as error:
                result = Rejection(Stage.MAP, Reason.TOO_COMPLEX, str(error), error.member, self.name, rule)
            return result._replace(failed=failed) if failed else result
        return self._unmatched._replace(failed=failed) if failed else self._unmatched


def compile_pipeline(spec: PipelineSpec, trace: Trace | None = None) -> CompiledRules | list[SpecError]:
    """The rules as a callable, or everything that is wrong with them; ``trace`` records every step."""
    scope = Scope((), f"pipeline {spec.name}", RECORD_NAMES, [], set(), Work(), trace)
    conditions, steps = [], []
    for number, rule in enumerate(spec.rules):
        here = replace(scope.at("rules", number), label=f"pipeline {spec.name}, rule {rule.name}:")
        conditions.append(ALWAYS if rule.when is None else compile_condition(here.at("when"), rule.when))
        steps.append((rule.name, conditions[-1].holds, _action(here, spec.name, rule)))
    _check_names(scope, spec.rules)
    _check_reach(scope, spec.rules, conditions)
    if scope.errors:
        return scope.errors
    if trace is not None:
        whens = [rule.when for rule in spec.rules]
        steps = [
            (rule, trace.condition(rule, when, holds), act)
            for when, (rule, holds, act) in zip(whens, steps, strict=True)
        ]
    rules = tuple(rule.name for rule in spec.rules)
    return CompiledRules(spec.name, frozenset(scope.roots), rules, tuple(steps), _unmatched(spec), scope.work)


def _unmatched(spec: PipelineSpec) -> Filtered | Rejection:
    if spec.unmatched == "skip":
        return Filtered()
    return Rejection(Stage.MAP, Reason.UNMATCHED, f"pipeline {spec.name}: no rule matches", pipeline=spec.name)


def _check_names(scope: Scope, rules: Sequence[Rule]) -> None:
    seen: set[str] = set()
    for number, rule in enumerate(rules):
        if rule.name in seen:
            scope.at("rules", number, "name").fail("duplicate_rule", f"expected one rule called {rule.name}, not two")
        seen.add(rule.name)


def _check_reach(scope: Scope, rules: Sequence[Rule], conditions: Sequence[Condition]) -> None:
    takes_all: str | None = None
    by_condition: dict[str, str] = {}
    for number, (rule, condition) in enumerate(zip(rules, conditions, strict=True)):
        here = scope.at("rules", number)
        when = (rule.when or "").strip()
        if takes_all is not None:
            here.fail("unreachable_rule", f"{rule.name} is never reached: {takes_all} takes every record before it")
        elif when in by_condition:
            message = f"{rule.name} is never reached: {by_condition[when]} has the same condition and comes first"
            here.fail("unreachable_rule", message)
        elif condition.verdict is False:
            here.at("when").fail("never_true", f"{rule.name} is never reached: its condition is false for every record")
        elif condition.verdict:
            takes_all = rule.name
        by_condition.setdefault(when, rule.name)


def _action(scope: Scope, pipeline: str, rule: Rule) -> _Action:
    if rule.put_events is None:
        if not rule.skip:
            scope.at("skip").fail("empty_reason", "expected a reason, which the skipped records are counted under")
        skipped = Skipped(rule.skip or "", rule.name)
        return lambda _: skipped
    if rule.for_each is None:
        return _one(rule.name, _builder(scope, pipeline, rule.name, rule.put_events))
    elements, before = compile_elements(scope, rule.for_each), scope.work.planned
    build = _builder(replace(scope, names=ROOTS), pipeline, rule.name, rule.put_events)
    return _each(rule.name, _counted(scope, elements, EVENT + scope.work.planned - before), build)


def _counted(scope: Scope, elements: Elements, steps: int) -> Elements:
    """The elements, of which each will take some steps before any data is looked at."""
    label, work, find = f"{scope.label} for_each", scope.work, elements.find

    def counted(root: Root) -> list[Any] | None:
        found = find(root)
        count = len(found or ())
        work.keeps = count > 1
        try:
            work.spend(count * steps)
        except Exhausted as error:
            raise Exhausted(f"{label}: {error}") from None
        return found

    return elements._replace(find=counted)


def _rejection(error: DataError, member: str | None, pipeline: str, rule: str, indexes: tuple[int, ...]) -> Rejection:
    stage, field = (Stage.DECODE, "key") if error.of_key else (Stage.MAP, member)
    return Rejection(stage, error.reason, str(error), field, pipeline, rule, indexes)


def _failed_member(
    error: DataError | Exhausted, member: str, pipeline: str, rule: str, indexes: tuple[int, ...]
) -> Rejection:
    if isinstance(error, Exhausted):  # it rejects the whole record, not this element alone
        raise Exhausted(str(error), member) from None
    return _rejection(error, member, pipeline, rule, indexes)


def _builder(scope: Scope, pipeline: str, rule: str, spec: PutEventsSpec) -> _Build:
    """A function that makes one event: its members, or why it is invalid, or why it is dropped."""
    # A plain tuple unpacks in half the time of a named one.
    members = [(name, fetch, missing) for name, fetch, missing in compile_members(scope.at("put_events"), spec)]
    trace = scope.trace
    if trace is not None:
        members = [(name, trace.member(name, fetch), missing) for name, fetch, missing in members]

    def build(root: Root, indexes: tuple[int, ...]) -> Members | Rejection | Skip:
        found: Members = {}
        name = ""
        try:
            for name, fetch, missing in members:
                value = fetch(root)
                # An empty text is as good as null; 0 and false are values.
                if value or (value is not None and value != ""):
                    found[name] = value
                elif missing is not None:
                    return Rejection(Stage.MAP, Reason.MISSING_MEMBER, missing, name, pipeline, rule, indexes)
        except (DataError, Exhausted) as error:
            return _failed_member(error, name, pipeline, rule, indexes)
        except Dropped as dropped:
            return dropped.reason
        return found

    return build if trace is None else trace.event(build)


def _one(rule: str, build: _Build) -> _Action:
    def act(root: Root) -> Result:
        event = build(root, ())
        if isinstance(event, dict):
            return _mapped((rule, (_mapped_event((None, event)),), (), 0, ()))
        return Skipped(event, rule) if isinstance(event, Skip) else event

    return act


def _each(rule: str, elements: Elements, build: _Build) -> _Action:
    def act(root: Root) -> Result:
        found = elements.find(root)
        if not found:
            return _nothing(rule, elements, root, found)
        places = elements.places(root, found) or range(len(found))
        results = [
            build({**root, "item": item, "index": index}, (place,))
            for index, item, place in zip(range(len(found)), found, places, strict=True)
        ]
        events = tuple(
            _mapped_event((place, event)) for place, event in zip(places, results, strict=True) if type(event) is dict
        )
        invalid = tuple(event for event in results if isinstance(event, Rejection))
        if not events and not invalid:
            return Skipped(next(reason for reason in results if isinstance(reason, Skip)), rule)
        return Mapped(rule, events, invalid, len(results) - len(events) - len(invalid))

    return act


def _nothing(rule: str, elements: Elements, root: Root, found: list[Any] | None) -> Skipped:
    if found is not None:
        return Skipped(Skip.NO_ELEMENTS, rule)
    if elements.missing is not None:
        raise elements.missing(root)
    return Skipped(Skip.MISSING_LIST, rule)
