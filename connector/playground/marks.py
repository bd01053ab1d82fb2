"""Marks on the rules: how many samples each decided, and which parts neither samples nor tests use."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from connector.config import Loaded
from connector.config.located import Located
from connector.config.yaml_tree import Path, parse
from connector.core.mapping.explain import Trace
from connector.core.mapping.specs import PipelineSpec, Rule
from connector.core.records import Skip
from connector.trials.cases import Source, line_of
from connector.trials.coverage import REJECTED, reached, rule_parts
from connector.trials.running import Ran

Json = dict[str, Any]
Used = Sequence[set[Path]]  # of each pipeline, the paths of the parts that were used


class Marks:
    """What was used, of a text that is valid.

    Args:
        text, path: the text, and the file that it is of.
        loaded: the same, loaded.
        samples, tests: what either used; None for tests that did not run.
    """

    def __init__(self, text: str, path: FilePath, loaded: Loaded, samples: Used, tests: Used | None) -> None:
        self._source = Source(path, text, Located(str(path), text, parse(text)))
        self._loaded = loaded
        self._samples = samples
        self._tests = tests

    def rules(self, results: Iterable[Json]) -> list[Json]:
        """Each rule with its line, how many samples it decided, and its parts."""
        hits = Counter((each.get("pipeline"), each.get("rule")) for each in results)
        return [
            {
                "pipeline": spec.name,
                "rule": rule.name,
                "line": line_of(self._source, ("pipelines", number, "rules", index)),
                "hits": hits[spec.name, rule.name],
                "parts": list(self._parts(number, ("rules", index), rule)),
            }
            for number, spec in enumerate(self._loaded.config.pipelines)
            for index, rule in enumerate(spec.rules)
        ]

    def _parts(self, number: int, path: Path, rule: Rule) -> Iterator[Json]:
        for part in rule_parts(path, rule):
            yield {
                "line": line_of(self._source, ("pipelines", number, *part.path)),
                "what": _what(part.path, path, part.what),
                "samples": part.path in self._samples[number],
                "tests": self._tests is not None and part.path in self._tests[number],
            }


def _what(path: Path, rule: Path, what: str) -> str:
    return "the rule" if path == rule else "its rejection of a record" if path[-1] == REJECTED else what


def used_by_tests(ran: Ran) -> Used:
    """What tests used; they ran with traces."""
    return [reached(ran, number) for number, _ in enumerate(ran.suite.loaded.config.pipelines)]


def used_by_samples(loaded: Loaded, traces: Mapping[str, Trace], results: Sequence[Json]) -> Used:
    """What samples used, from the traces of the pipelines and from what became of the samples."""
    return [
        {*traces[spec.name].reached, *(path for each in results for path in _of_result(spec, each))}
        for spec in loaded.config.pipelines
    ]


def _of_result(spec: PipelineSpec, result: Json) -> Iterator[Path]:
    """What shows in the outcome alone, see ``trials.coverage``."""
    number = next((index for index, rule in enumerate(spec.rules) if rule.name == result.get("rule")), None)
    if number is None or result.get("pipeline") != spec.name:
        return
    if result["outcome"] == "dead_letter":
        yield ("rules", number, REJECTED)
    if result.get("reason") == Skip.MISSING_LIST:
        yield ("rules", number, "for_each", "otherwise")
