"""A record meets the rules of its pipeline in order, and the first that matches decides alone.

Rules are compiled once; a record then costs a few microseconds. Nothing that a record contains raises out of
a Mapping: what fails is a Rejection that names pipeline, rule, member and expression, and never a value.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from connector.core.explain import Trace
from connector.core.expressions import ROOTS
from connector.core.fields import LookupSkip
from connector.core.members import compile_members
from connector.core.records import Filtered, Reason, Rejection, Skipped, Stage, quick
from connector.core.scope import (
    ALWAYS,
    RECORD_NAMES,
    Condition,
    Root,
    Scope,
    SpecError,
    compile_condition,
    compile_value,
)
from connector.core.specs import PipelineSpec, PutEventsSpec, Rule
from connector.core.values import DataError, wrong_type
from connector.core.work import EVENT, Exhausted, Work

__all__ = ["MAX_ELEMENTS", "Mapped", "MappedEvent", "Mapping", "Members", "SpecError", "compile_pipeline"]

# Events that one record may make. Each may repeat what is long elsewhere in the record, so that without a bound a
# record of one megabyte makes gigabytes; and each may search by regular expressions, which takes milliseconds.
MAX_ELEMENTS = 1_000

# PutEvents' member names to values of their final types; a null member is absent. ``sentAt`` is an int in
# seconds, ``eventValue`` a float, ``impression`` a list of str, ``properties`` JSON text, all others a str.
Members = dict[str, Any]


class MappedEvent(NamedTuple):
    """One event; ``index`` is its element under ``for_each``, None without."""

    index: int | None  # type: ignore[assignment]  # hides tuple.index, which nobody asks of an event
    members: Members


class Mapped(NamedTuple):
    """What a rule made of a record.

    ``invalid`` are elements of a ``for_each``, each with its index (a record that makes one event is a plain
    Rejection instead); ``skipped`` counts the elements that a lookup dropped.
    """

    rule: str
    events: tuple[MappedEvent, ...]
    invalid: tuple[Rejection, ...] = ()
    skipped: int = 0


_mapped, _mapped_event = quick(Mapped), quick(MappedEvent)

Result = Mapped | Skipped | Rejection
_Action = Callable[[Root], Result]
_Elements = Callable[[Root], list[Any] | None]
_Build = Callable[[Root, tuple[int, ...]], Members | Rejection | None]


@dataclass(frozen=True, slots=True)
class Mapping:
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
        """What the first rule that matches makes of a record; the root is not changed."""
        self._work.begin()
        for rule, holds, act in self._steps:
            try:
                if holds(root):
                    return act(root)
            except DataError as error:
                return Rejection(Stage.MAP, error.reason, str(error), pipeline=self.name, rule=rule)
            except Exhausted as error:
                return Rejection(Stage.MAP, Reason.TOO_COMPLEX, str(error), error.member, self.name, rule)
        return self._unmatched


def compile_pipeline(spec: PipelineSpec, trace: Trace | None = None) -> Mapping | list[SpecError]:
    """The pipeline as a callable, or everything that is wrong with it; ``trace`` is told of every step."""
    scope = Scope((), f"pipeline {spec.name}", RECORD_NAMES, [], set(), Work(), trace)
    _check_topics(scope.at("topics"), spec.topics)
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
    return Mapping(spec.name, frozenset(scope.roots), rules, tuple(steps), _unmatched(spec), scope.work)


def _unmatched(spec: PipelineSpec) -> Filtered | Rejection:
    if spec.unmatched == "skip":
        return Filtered()
    return Rejection(Stage.MAP, Reason.UNMATCHED, f"pipeline {spec.name}: no rule matches", pipeline=spec.name)


def _check_topics(scope: Scope, topics: Sequence[str]) -> None:
    for number, topic in enumerate(topics):
        if topic.startswith("^"):
            try:
                re.compile(topic)
            except re.error as error:
                scope.at(number).fail("invalid_regex", f"expected a regular expression: {error.msg}", error.pos)


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
    elements = compile_value(scope.at("for_each").named(" for_each"), rule.for_each, _to_list)
    before = scope.work.planned
    build = _builder(replace(scope, names=ROOTS), pipeline, rule.name, rule.put_events)
    return _each(rule.name, _counted(scope, elements, EVENT + scope.work.planned - before), build)


def _counted(scope: Scope, elements: _Elements, steps: int) -> _Elements:
    """The elements, of which each will take some steps before any data is looked at."""
    label, work = f"{scope.label} for_each", scope.work

    def counted(root: Root) -> list[Any] | None:
        found = elements(root)
        count = len(found or ())
        work.keeps = count > 1
        try:
            work.spend(count * steps)
        except Exhausted as error:
            raise Exhausted(f"{label}: {error}") from None
        return found

    return counted


def _to_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise wrong_type("a list", value)
    if len(value) > MAX_ELEMENTS:
        raise DataError(Reason.TOO_LONG, f"expected at most {MAX_ELEMENTS} elements, not {len(value)}")
    return value


def _builder(scope: Scope, pipeline: str, rule: str, spec: PutEventsSpec) -> _Build:
    """A function that makes one event: its members, or why it is invalid, or None where a lookup drops it."""
    # A plain tuple unpacks in half the time of a named one.
    members = [(name, fetch, missing) for name, fetch, missing in compile_members(scope.at("put_events"), spec)]
    trace = scope.trace
    if trace is not None:
        members = [(name, trace.member(name, fetch), missing) for name, fetch, missing in members]

    def build(root: Root, indexes: tuple[int, ...]) -> Members | Rejection | None:
        found: Members = {}
        name = ""
        try:
            for name, fetch, missing in members:
                value = fetch(root)
                if value is not None:
                    found[name] = value
                elif missing is not None:
                    return Rejection(Stage.MAP, Reason.MISSING_MEMBER, missing, name, pipeline, rule, indexes)
        except (DataError, Exhausted) as error:
            return _refused(error, name, pipeline, rule, indexes)
        except LookupSkip:
            return None
        return found

    return build if trace is None else trace.event(build)


def _refused(error: DataError | Exhausted, name: str, pipeline: str, rule: str, indexes: tuple[int, ...]) -> Rejection:
    if isinstance(error, Exhausted):  # which is the whole record's
        raise Exhausted(str(error), name) from None
    return Rejection(Stage.MAP, error.reason, str(error), name, pipeline, rule, indexes)


def _one(rule: str, build: _Build) -> _Action:
    dropped = Skipped("lookup", rule)

    def act(root: Root) -> Result:
        event = build(root, ())
        if event is None:
            return dropped
        return event if isinstance(event, Rejection) else _mapped((rule, (_mapped_event((None, event)),), (), 0))

    return act


def _each(rule: str, elements: _Elements, build: _Build) -> _Action:
    empty, dropped = Skipped("no_elements", rule), Skipped("lookup", rule)

    def act(root: Root) -> Result:
        results = [
            build({**root, "item": item, "index": index}, (index,)) for index, item in enumerate(elements(root) or ())
        ]
        if not results:
            return empty
        events = tuple(MappedEvent(index, event) for index, event in enumerate(results) if isinstance(event, dict))
        invalid = tuple(event for event in results if isinstance(event, Rejection))
        skipped = len(results) - len(events) - len(invalid)
        return dropped if skipped == len(results) else Mapped(rule, events, invalid, skipped)

    return act
