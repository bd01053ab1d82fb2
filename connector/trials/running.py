"""Runs tests: each record goes through the pipeline that ``run`` would use, and its result is compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from connector.config.problems import Problem
from connector.core.mapping.explain import Trace
from connector.core.mapping.rules import CompiledRules, compile_pipeline
from connector.core.mapping.transform import Pipeline
from connector.core.records import Pending, Record
from connector.trials.cases import Case, Suite
from connector.trials.clocks import spec_at
from connector.trials.comparing import Block, Row, differences
from connector.trials.outcomes import Outcome, outcome_of


class Result(NamedTuple):
    """How a test ended: of each record what became of it, and what differs from what was expected.

    ``missing``: how many more outputs than records there are; below 0 where there are fewer.
    """

    case: Case
    outcomes: Sequence[Outcome]
    blocks: Sequence[Sequence[Block]]
    missing: int = 0

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.missing and not any(self.blocks)


@dataclass(frozen=True)
class Ran:
    """A suite that has run. ``traces`` are those of its pipelines, in their order, where coverage was asked for."""

    suite: Suite
    results: Sequence[Result]
    problems: Sequence[Problem] = ()
    traces: Sequence[Trace] = field(default=())


def run(suite: Suite, *, pattern: str = "", traced: bool = False) -> Ran:
    """Run the tests whose name contains ``pattern``; ``traced`` for coverage."""
    specs = suite.loaded.config.pipelines
    traces = [Trace() for _ in specs] if traced else []
    compiled = [compile_pipeline(spec, trace) for spec, trace in zip(specs, traces, strict=True)] if traced else []
    mappings = [each for each in compiled if isinstance(each, CompiledRules)] or list(suite.loaded.mappings)
    results: list[Result] = []
    problems: list[Problem] = []
    for case in suite.cases:
        if pattern not in case.test.name:
            continue
        ended = _run(suite, case, mappings[case.pipeline])
        if isinstance(ended, Problem):
            problems.append(ended)
            continue
        results.append(ended)
    return Ran(suite, results, problems, traces)


def _run(suite: Suite, case: Case, mapping: CompiledRules) -> Result | Problem:
    spec = spec_at(suite.loaded.config.pipelines[case.pipeline], case.now)
    pipeline = suite.loaded.pipeline(spec, mapping, case.formats)
    outcomes = []
    for record in case.records:
        outcome = _outcome(case, pipeline, record)
        if isinstance(outcome, Problem):
            return outcome
        outcomes.append(outcome)
    expected = case.test.expected
    blocks = [_compare(case, wanted, found) for wanted, found in zip(expected, outcomes, strict=False)]
    return Result(case, outcomes, blocks, len(expected) - len(outcomes))


def _outcome(case: Case, pipeline: Pipeline, record: Record) -> Outcome | Problem:
    fate = pipeline(record, case.now)
    if not isinstance(fate, Pending):
        return outcome_of(fate)
    message = f"expected schema_file beside the value: a test asks no schema registry for {fate.schema}"
    hint = "name a file with the schema: schema_file, or key_schema_file for the key"
    key = next((key for key in ("value_base64", "key_base64") if key in case.test.input.model_fields_set), "")
    return case.problem(key, "missing-schema", message, hint)


def _compare(case: Case, expected: object, found: Outcome) -> list[Block]:
    blocks = differences(expected, found)
    if case.test.rule is not None and case.test.rule != found.rule:
        blocks.insert(0, Block("rule", [Row("rule", case.test.rule, found.rule)]))
    return blocks
