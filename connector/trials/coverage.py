"""The parts of a mapping that tests can use, and those that they did not.

A part is a rule, its rejection of a record, a member with a value, an arm of a case, a row of a lookup, a default, an
otherwise. A trace of the compiled pipeline knows which were used.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connector.config.yaml_tree import Path
from connector.core.mapping.entries import KINDS
from connector.core.mapping.specs import Case, Const, Else, FieldSpec, ForEach, From, PipelineSpec, Rule
from connector.core.records import Skip
from connector.trials.cases import line_of
from connector.trials.outcomes import Outcome
from connector.trials.running import Ran

REJECTED = "rejected"


class Part(NamedTuple):
    """A part of a pipeline; ``path`` is relative to it, ``what`` is for people."""

    path: Path
    what: str


class Uncovered(NamedTuple):
    """A part that no test uses."""

    file: str
    line: int
    pipeline: str
    rule: str
    what: str


class Coverage(NamedTuple):
    """How many parts tests used, of all; and what they did not use, in the order of the file.

    ``missed`` lists a rule that no test reaches, and not its parts, which count all the same.
    """

    used: int
    all: int
    missed: tuple[Uncovered, ...] = ()

    @property
    def percent(self) -> float:
        """Of 100, rounded down to one digit, so that 100 is all."""
        return 100.0 if self.used == self.all else (1000 * self.used // self.all) / 10


def coverage_of(ran: Ran) -> Coverage:
    """What the tests of a suite used; it must have run with traces."""
    used = total = 0
    missed: list[Uncovered] = []
    for number, spec in enumerate(ran.suite.loaded.config.pipelines):
        used_parts = reached(ran, number)
        for index, rule in enumerate(spec.rules):
            parts = list(rule_parts(("rules", index), rule))
            left = [part for part in parts if part.path not in used_parts]
            used, total = used + len(parts) - len(left), total + len(parts)
            whole = parts[0] in left
            missed += [_uncovered(ran, number, spec, rule, part) for part in (left[:1] if whole else left)]
    return Coverage(used, total, tuple(missed))


def together(each: Sequence[Coverage]) -> Coverage:
    """The coverage of several suites."""
    missed = tuple(uncovered for coverage in each for uncovered in coverage.missed)
    return Coverage(sum(coverage.used for coverage in each), sum(coverage.all for coverage in each), missed)


def _uncovered(ran: Ran, number: int, spec: PipelineSpec, rule: Rule, part: Part) -> Uncovered:
    source = ran.suite.source
    line = line_of(source, ("pipelines", number, *part.path))
    return Uncovered(str(source.path), line, spec.name, rule.name, part.what)


def reached(ran: Ran, number: int) -> set[Path]:
    """The paths of the parts that tests used of a pipeline; the suite must have run with traces.

    Some show in the outcomes alone: events are checked, and lists are missed, outside of the members.
    """
    numbers = {rule.name: index for index, rule in enumerate(ran.suite.loaded.config.pipelines[number].rules)}
    found: set[Path] = set(ran.traces[number].reached)
    for result in ran.results:
        if result.case.pipeline == number:
            for outcome in result.outcomes:
                found |= set(of_outcome(outcome, numbers))
    return found


def of_outcome(outcome: Outcome, numbers: Mapping[str, int]) -> Iterator[Path]:
    """The parts that show in what became of a record; ``numbers`` are those of the rules by their names."""
    rejecting = numbers.get((outcome.rejection and outcome.rejection.rule) or "")
    if rejecting is not None:
        yield ("rules", rejecting, REJECTED)
    skipping = numbers.get(outcome.rule or "")
    if outcome.skipped == Skip.MISSING_LIST and skipping is not None:
        yield ("rules", skipping, "for_each", "otherwise")


def rule_parts(path: Path, rule: Rule) -> Iterator[Part]:
    """The parts of the rule at this path, itself first."""
    yield Part(path, "no test reaches it")
    if isinstance(rule.for_each, ForEach) and rule.for_each.otherwise == "skip":
        yield Part((*path, "for_each", "otherwise"), "otherwise of for_each")
    put, operation = rule.put, rule.operation
    if put is None or operation is None:
        return
    given = {name: spec for name, spec in put if spec is not None}
    time = KINDS[operation].time
    # A rule of constants alone rejects nothing, unless it takes a list or the record's own time.
    if (
        rule.for_each is not None
        or (time is not None and time not in given)
        or not all(isinstance(each, Const) for each in given.values())
    ):
        yield Part((*path, REJECTED), "no test in which it rejects a record")
    for name, spec in given.items():
        yield from _member((*path, operation.action, name), name, spec)


def _member(path: Path, name: str, spec: Any) -> Iterator[Part]:
    if isinstance(spec, dict):
        for inner, part in spec.items():
            yield from _field((*path, inner), f"{name}.{inner}", part)
    elif isinstance(spec, list):
        for number, part in enumerate(spec):
            yield from _field((*path, number), f"{name}[{number}]", part)
    else:
        yield from _field(path, name, spec)


def _field(path: Path, name: str, spec: FieldSpec) -> Iterator[Part]:
    if not (isinstance(spec, Const) and spec.const is None):
        yield Part(path, f"{name} with a value")
    yield from _inside(path, name, spec)


def _inside(path: Path, name: str, spec: FieldSpec) -> Iterator[Part]:
    if isinstance(spec, Case):
        for number, arm in enumerate(spec.case):
            here: Path = (*path, "case", number)
            yield Part(here, f"{name}: {'else' if isinstance(arm, Else) else f'arm {number + 1}'} of its case")
            key, inner = ("else", arm.else_) if isinstance(arm, Else) else ("then", arm.then)
            yield from _inside((*here, key), name, inner)
    if isinstance(spec, From):
        for row in spec.lookup or ():
            yield Part((*path, "lookup", row), f"{name}: row {row} of its lookup")
        key = "default" if spec.otherwise is None else "otherwise"
        if spec.default is not None or spec.otherwise is not None:
            yield Part((*path, key), f"{name}: its {key}")
