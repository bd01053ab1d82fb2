"""A text and sample records become what the page shows: problems, results, marks on the rules, and tests.

Work is bounded: of samples and of records in tests only so many are tried, each within the bounds of ``core``, and
no sample begins after ``SECONDS``.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from connector.config import Loaded, Problem, load_text
from connector.config.yaml_tree import parse
from connector.core.operations import OPERATIONS
from connector.dry_run import DryRun
from connector.given_records import UnreadableRecord
from connector.playground.marks import Marks, used_by_samples, used_by_tests
from connector.playground.samples import MOST
from connector.playground.showing import shown
from connector.schema_wait import NoSchema, SchemaWait
from connector.trials.cases import Suite, suite_of
from connector.trials.coverage import Coverage, coverage_of
from connector.trials.inputs import NoRegistry
from connector.trials.programs import as_json
from connector.trials.running import Ran, run
from connector.trials.text import Report

SECONDS = 5.0
MOST_TESTED = 1_000  # records of tests
NOT_RUN = "tests-not-run"  # a note for those who only validate: here the tests run
HIDDEN = "******** (from a variable or a file)"

Json = dict[str, Any]


class Registry(NamedTuple):
    """The schema registry of the file as it was when the command started, and how to wait for a schema of it.

    A text that is being typed may name any address: nobody is asked, and shown credentials, before the file is saved.
    """

    settings: Any
    schemas: Any  # the Schemas of core/formats, which this room does not know
    wait: SchemaWait


class Evaluation:
    """Evaluates texts for the file at ``path``; ``env`` is what ``{env: NAME}`` may name."""

    def __init__(
        self,
        path: Path,
        env: Mapping[str, str],
        registry: Registry | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._env = env
        self._registry = registry
        self._clock = clock

    def __call__(self, text: str, samples: Sequence[str]) -> Json:
        """All that the page shows of a text; of one that is not valid only its problems."""
        loaded = load_text(text, str(self._path), self._env)
        if not isinstance(loaded, Loaded):
            return {"valid": False, "problems": [_problem(each, self._path) for each in loaded]}
        results, dry_run = self._results(loaded, samples)
        ran, problems = self._tested(text, loaded)
        of_samples = used_by_samples(loaded, dry_run.traces, results)
        of_tests = None if ran is None else used_by_tests(ran)
        answer: Json = {
            "valid": True,
            "problems": [_problem(each, self._path) for each in (*loaded.warnings, *problems) if each.code != NOT_RUN],
            "records": [shown(each) if "outcome" in each else each for each in results],
            "summary": dry_run.summary(),
            "rules": Marks(text, self._path, loaded, of_samples, of_tests).rules(results),
            "tests": None if ran is None else _tests(ran),
        }
        for secret in _secrets(text, loaded):
            answer = _without(answer, secret)
        return answer

    def _results(self, loaded: Loaded, samples: Sequence[str]) -> tuple[list[Json], DryRun]:
        registry = self._registry
        same = registry is not None and registry.settings == loaded.config.schema_registry
        dry_run = DryRun(
            loaded,
            None,
            explain=True,
            schemas=registry.schemas if registry and same else NoRegistry(),
            wait=registry.wait if registry and same else None,
        )
        changed = loaded.config.schema_registry is not None and not same
        return list(self._each(dry_run, samples, changed=changed)), dry_run

    def _each(self, dry_run: DryRun, samples: Sequence[str], *, changed: bool) -> Iterator[Json]:
        until = self._clock() + SECONDS
        away: str | None = None
        for number, sample in enumerate(samples, 1):
            if number > MOST or self._clock() > until:
                why = f"it is after the first {MOST}" if number > MOST else f"those before took {SECONDS:g} s"
                yield {"error": f"not mapped: {why}; putevents map takes any number"}
            elif away is not None:
                yield {"error": away}
            else:
                result = _mapped(dry_run, sample, number, changed=changed)
                away = result.pop("away", None)
                yield {"error": away} if away is not None else result

    def _tested(self, text: str, loaded: Loaded) -> tuple[Ran | None, Sequence[Problem]]:
        suite = suite_of(text, self._path, loaded)
        if not isinstance(suite, Suite):
            return None, suite
        ran = run(_first(suite), traced=True)
        return (None, ran.problems) if ran.problems else (ran, ())


def _mapped(dry_run: DryRun, sample: str, number: int, *, changed: bool) -> Json:
    try:
        return dry_run.record(sample.encode(), number)
    except (UnreadableRecord, UnicodeEncodeError) as error:
        return {"error": str(error).removeprefix(f"line {number}: ")}
    except NoSchema as error:
        restart = "schema_registry is asked with the settings of the saved file: save, and start putevents play again"
        return {"away": restart if changed else str(error)}


def _first(suite: Suite) -> Suite:
    """The tests with the first records, as many as are bounded."""
    kept, records = [], 0
    for case in suite.cases:
        records += len(case.records)
        if records > MOST_TESTED:
            break
        kept.append(case)
    return replace(suite, cases=kept)


def _problem(problem: Problem, path: Path) -> Json:
    """Without its source line, which the page has; ``file`` is None for the file itself."""
    known = ("code", "message", "line", "column", "length", "hint", "severity")
    row: Json = {name: getattr(problem, name) for name in known}
    return {**row, "file": None if problem.file == str(path) else Path(problem.file).name}


def _tests(ran: Ran) -> Json:
    report, coverage = Report(colour=False), coverage_of(ran)
    path = str(ran.suite.source.path)
    tests = [
        {
            "name": test["name"],
            "line": test["line"],
            "file": None if test["file"] == path else Path(test["file"]).name,
            "passed": test["passed"],
            "text": "" if result.passed else report.failed(result).partition("\n")[2],
        }
        for test, result in zip(as_json(ran.results, None)["tests"], ran.results, strict=True)
    ]
    return {"tests": tests, "coverage": _coverage(coverage), "summary": _summary(report, ran)}


def _summary(report: Report, ran: Ran) -> str:
    passed = sum(result.passed for result in ran.results)
    return report.summary(passed, len(ran.results) - passed) if ran.results else "no tests"


def _coverage(coverage: Coverage) -> Json:
    return {"percent": coverage.percent, "used": coverage.used, "all": coverage.all}


def _secrets(text: str, loaded: Loaded) -> list[str]:
    """Where entries go, where that is not written in the file: the values from elsewhere that a result can hold."""
    data = parse(text).data
    personalize = data.get("personalize") if isinstance(data, dict) else None
    found = []
    for setting in {operation.setting: None for operation in OPERATIONS}:
        given = personalize.get(setting) if isinstance(personalize, dict) else None
        value = getattr(loaded.config.personalize, setting)
        if isinstance(given, dict) and value is not None and value != given.get("default"):
            found.append(value)
    return found


def _without(node: Any, secret: str) -> Any:
    """The same data, with something else in the place of the secret wherever it stands."""
    if isinstance(node, dict):
        return {name: _without(each, secret) for name, each in node.items()}
    if isinstance(node, list):
        return [_without(each, secret) for each in node]
    if not isinstance(node, str) or secret not in node:
        return node
    return re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", HIDDEN, node)
