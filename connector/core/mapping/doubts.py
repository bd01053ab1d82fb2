"""What is valid in a pipeline and most likely a mistake: what no record can reach, and text taken as it stands.

They are warnings, because a file that ran yesterday must start today.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from connector.core.expressions.implied import Condition
from connector.core.mapping.scope import Path, SpecError
from connector.core.mapping.specs import Arm, Case, FieldSpec, From, PipelineSpec, Template

MOST = 100  # conditions that each later one is compared with: a file of thousands of rules must not take minutes
_BRACED = re.compile(r"[$#%]?\{\s*([A-Za-z_][^{}]*?)\s*\}")  # as other tools write an expression in text
_FALLBACKS = frozenset({"default", "else", "otherwise", "*", "_"})  # what other tools call the row for the rest
_FIRST = "put the narrower one first, or remove this one"


def doubts(spec: PipelineSpec) -> Iterator[SpecError]:
    """The doubts about a pipeline that compiles."""
    whens = [(rule.name, rule.when, ("rules", number, "when")) for number, rule in enumerate(spec.rules)]
    yield from _unreached(whens, "unreachable_rule")
    for number, rule in enumerate(spec.rules):
        if rule.operation is not None:
            for path, part in _parts(dict(rule.put or ()), ("rules", number, rule.operation.action)):
                yield from _of_part(path, part)


def _of_part(path: Path, part: FieldSpec) -> Iterator[SpecError]:
    match part:
        case Case():
            yield from _of_case(path, part)
        case Template(template=text) if "{{" not in text:
            message = "expected an expression between {{ and }}: this template is the same text for each record"
            yield SpecError((*path, "template"), "constant_template", message, hint=_as_template(text))
        case From(lookup=dict() as rows, default=None, otherwise=None):
            for key in sorted(_FALLBACKS.intersection(rows)):
                message = f"this row is for the text {key} and for no other: a fallback stands beside lookup"
                hint = "write it after the lookup, as in {from: ..., lookup: {...}, default: ...}"
                yield SpecError((*path, "lookup", key), "fallback_in_lookup", message, hint=hint)
        case _:
            pass


def _as_template(text: str) -> str:
    written = _BRACED.sub(r"{{ \1 }}", text)
    return "for a fixed value write {const: ...}" if written == text else f"did you mean {written}?"


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


def _parts(part: Any, path: Path) -> Iterator[tuple[Path, FieldSpec]]:
    """Every case, template and lookup in the members of an event, also within arms, with its path."""
    if isinstance(part, Case | Template | From):
        yield path, part
    if isinstance(part, Case):
        for number, arm in enumerate(part.case):
            inner: FieldSpec = arm.then if isinstance(arm, Arm) else arm.else_
            yield from _parts(inner, (*path, "case", number, "then" if isinstance(arm, Arm) else "else"))
    elif isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _parts(value, (*path, key))
