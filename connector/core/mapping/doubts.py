"""What is valid in a pipeline and most likely a mistake: rules and arms that no record can reach.

They are warnings, because a file that ran yesterday must start today.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from connector.core.expressions.implied import Condition
from connector.core.mapping.scope import Path, SpecError
from connector.core.mapping.specs import Arm, Case, FieldSpec, PipelineSpec, PutEventsSpec

MOST = 100  # conditions that each later one is compared with: a file of thousands of rules must not take minutes
_FIRST = "put the narrower one first, or remove this one"


def doubts(spec: PipelineSpec) -> Iterator[SpecError]:
    """The doubts about a pipeline that compiles."""
    whens = [(rule.name, rule.when, ("rules", number, "when")) for number, rule in enumerate(spec.rules)]
    yield from _unreached(whens, "unreachable_rule")
    for number, rule in enumerate(spec.rules):
        if rule.put_events is not None:
            for path, case in _cases(rule.put_events, ("rules", number, "put_events")):
                yield from _of_case(path, case)


def _of_case(path: Path, case: Case) -> Iterator[SpecError]:
    arms = [
        (f"arm {number + 1}", arm.when, (*path, "case", number, "when"))
        for number, arm in enumerate(case.case)
        if isinstance(arm, Arm)
    ]
    yield from _unreached(arms, "unreachable_arm")


def _unreached(whens: Sequence[tuple[str, str | None, Path]], code: str) -> Iterator[SpecError]:
    """Each is a name, a condition, and the condition's path; the first that is true decides."""
    before: list[tuple[str, Condition]] = []
    for name, when, path in whens:
        if when is None:
            continue
        condition = Condition(when)
        if condition.is_contradictory:
            message = f"{name} is never reached: its condition contradicts itself"
            yield SpecError(path, "never_true", message, hint="one value cannot be two texts: did you mean ||?")
            continue
        taken_by = next((other for other, earlier in before if condition.implies(earlier)), None)
        if taken_by is not None:
            message = f"{name} is never reached: {taken_by} comes first and is true wherever this is true"
            yield SpecError(path, code, message, hint=_FIRST)
        if len(before) < MOST:
            before.append((name, condition))


def _cases(part: Any, path: Path) -> Iterator[tuple[Path, Case]]:
    """Every case in the members of an event, also within arms, with its path."""
    if isinstance(part, PutEventsSpec):
        part = {name: getattr(part, name) for name in PutEventsSpec.model_fields}
    if isinstance(part, Case):
        yield path, part
        for number, arm in enumerate(part.case):
            inner: FieldSpec = arm.then if isinstance(arm, Arm) else arm.else_
            yield from _cases(inner, (*path, "case", number, "then" if isinstance(arm, Arm) else "else"))
    elif isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _cases(value, (*path, key))
