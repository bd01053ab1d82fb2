"""The first rule that matches a record decides alone.

Rules are compiled once; a record then costs a few microseconds. Nothing that a record contains raises out of
CompiledRules: a failure is a Rejection that names pipeline, rule, member and expression, and never a value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from connector.core.expressions.expression import ELEMENT_NAMES
from connector.core.expressions.work import EVENT, Exhausted, Work
from connector.core.mapping.elements import MAX_ELEMENTS, compile_elements
from connector.core.mapping.explain import Trace
from connector.core.mapping.fields import Dropped
from connector.core.mapping.lists import compile_lists
from connector.core.mapping.made import (
    Action,
    Build,
    Made,
    Mapped,
    MappedEvent,
    Members,
    Result,
    each_of,
    nested,
    one,
)
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
from connector.core.mapping.specs import PUT_SPECS, PipelineSpec, PutSpec, Rule
from connector.core.operations import Operation
from connector.core.records import (
    DataError,
    Failed,
    Filtered,
    Place,
    Reason,
    Rejection,
    Skipped,
    Stage,
)
from connector.core.rejections import rejection_of

__all__ = ["MAX_ELEMENTS", "CompiledRules", "Mapped", "MappedEvent", "Members", "SpecError", "compile_pipeline"]

_List = TypeVar("_List", bound="list[Any] | None")


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A compiled pipeline: a callable from a root to what becomes of the record.

    The root holds every name of an expression but ``item`` and ``index``; ``timestamp`` is in milliseconds. One
    thread at a time: the work of a record is counted.
    ``roots`` are the names that some expression reads: what is not among them may be None. ``operations`` are those of
    the rules that make entries.
    """

    name: str
    roots: frozenset[str]
    rules: tuple[str, ...]
    operations: Mapping[str, Operation]
    _steps: tuple[tuple[str, Callable[[Root], bool], Action], ...]
    _unmatched: Filtered | Rejection
    _work: Work

    def begin(self) -> None:
        """A batch begins: its documents share the work of one record."""
        self._work.begin()

    def __call__(self, root: dict[str, Any], place: int | None = None) -> Result | Filtered:
        """What the first rule that matches makes of a record, or of the document at this place of a batch.

        Of the root only an UnreadKey is changed, to the key.

        A condition that cannot be evaluated is false, and named in ``failed``; one that takes too long rejects the
        record.
        """
        self._work.begin(place)
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
                result = rejection_of(error, None, self.name, rule)
            except Exhausted as exhausted:
                result = Rejection(Stage.MAP, Reason.TOO_COMPLEX, str(exhausted), exhausted.member, self.name, rule)
            return result._replace(failed=failed) if failed else result
        return self._unmatched._replace(failed=failed) if failed else self._unmatched


def compile_pipeline(spec: PipelineSpec, trace: Trace | None = None) -> CompiledRules | list[SpecError]:
    """The rules as a callable, or everything that is wrong with them; ``trace`` records every step."""
    names = RECORD_NAMES - {"envelope"} if spec.value.envelope == "none" else RECORD_NAMES
    scope = Scope((), f"pipeline {spec.name}", names, [], set(), Work(), trace, spec.value.envelope == "cloudevents")
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
            (rule, trace.condition(rule, when, holds, first=number == 0), trace.reach(("rules", number), act))
            for number, (when, (rule, holds, act)) in enumerate(zip(whens, steps, strict=True))
        ]
    rules = tuple(rule.name for rule in spec.rules)
    operations = {rule.name: rule.operation for rule in spec.rules if rule.operation is not None}
    roots = frozenset(scope.roots)
    return CompiledRules(spec.name, roots, rules, operations, tuple(steps), _unmatched(spec), scope.work)


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


def _action(scope: Scope, pipeline: str, rule: Rule) -> Action:
    if rule.put is None:
        if not rule.skip:
            scope.at("skip").fail("empty_reason", "expected a reason, which the skipped records are counted under")
        skipped = Skipped(rule.skip or "", rule.name)
        return lambda _: skipped
    if rule.for_each is None:
        return one(rule.name, _builder(scope, pipeline, rule.name, rule.put))
    if isinstance(rule.for_each, list) and len(rule.for_each) > 1:
        find, before = compile_lists(scope, rule.for_each, pipeline, rule.name), scope.work.planned
        build = _builder(replace(scope, names=scope.names | ELEMENT_NAMES), pipeline, rule.name, rule.put)
        return nested(
            rule.name, _counted(scope, find, EVENT + scope.work.planned - before), build, scope.work.next_parent
        )
    here, spec = scope.at("for_each").named(" for_each"), rule.for_each
    if isinstance(spec, list):
        here, spec = here.at(0), spec[0]
    elements, before = compile_elements(here, spec), scope.work.planned
    build = _builder(replace(scope, names=scope.names | ELEMENT_NAMES - {"parent"}), pipeline, rule.name, rule.put)
    counted = _counted(scope, elements.find, EVENT + scope.work.planned - before)
    return each_of(rule.name, elements._replace(find=counted), build)


def _counted(scope: Scope, find: Callable[[Root], _List], steps: int) -> Callable[[Root], _List]:
    """The same elements, of which each will take some steps before any data is looked at."""
    label, work = f"{scope.label} for_each", scope.work

    def counted(root: Root) -> _List:
        found = find(root)
        count = 0 if found is None else len(found)
        work.keeps = count > 1
        try:
            work.spend(count * steps)
        except Exhausted as error:
            raise Exhausted(f"{label}: {error}") from None
        return found

    return counted


def _failed_member(
    error: DataError | Exhausted, member: str, pipeline: str, rule: str, indexes: tuple[Place, ...]
) -> Rejection:
    if isinstance(error, Exhausted):  # it rejects the whole record, not this element alone
        raise Exhausted(str(error), member) from None
    return rejection_of(error, member, pipeline, rule, indexes)


def _builder(scope: Scope, pipeline: str, rule: str, spec: PutSpec) -> Build:
    """A function that makes one entry: its members, or why it is invalid, or why it is dropped."""
    action = next(operation.action for operation, model in PUT_SPECS.items() if type(spec) is model)
    # A plain tuple unpacks in half the time of a named one.
    members = [(name, fetch, missing) for name, fetch, missing in compile_members(scope.at(action), spec)]
    trace = scope.trace
    if trace is not None:
        members = [(name, trace.member(name, fetch), missing) for name, fetch, missing in members]

    def build(root: Root, indexes: tuple[Place, ...]) -> Made:
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
