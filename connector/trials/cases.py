"""The tests of a configuration and of the files beside it, each with its records, ready to run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from connector.config.example_checks import IMPOSSIBLE
from connector.config.example_files import FoundTests, files_beside, is_test_file, load_tests, owner_of
from connector.config.examples import Example
from connector.config.loading import Loaded, load_text, read_text
from connector.config.located import Located
from connector.config.markdown import Block, is_markdown, whole_files
from connector.config.problems import Problem
from connector.config.yaml_tree import parse
from connector.core.mapping.reading import Formats
from connector.core.records import Record
from connector.trials.clocks import clock_of
from connector.trials.inputs import UnusableInput, formats_of, records_of


class Source(NamedTuple):
    """A file as it was read; ``located`` knows where its paths stand.

    ``block`` is the part of a page in Markdown that the text is; None for a whole file.
    """

    path: Path
    text: str
    located: Located
    block: Block | None = None


class Case(NamedTuple):
    """A test with all that it needs; ``number`` is its place in ``tests``, ``pipeline`` that of its pipeline."""

    source: Source
    number: int
    test: Example
    pipeline: int
    records: Sequence[Record]
    formats: Formats
    now: float

    @property
    def line(self) -> int:
        """The line where the test begins, from 1."""
        return line_of(self.source, ("tests", self.number))

    def problem(self, key: str, code: str, message: str, hint: str | None = None) -> Problem:
        """A mistake at a key of the test's input."""
        return self.source.located.at_value(("tests", self.number, "input", key), code, message, hint)


@dataclass(frozen=True)
class Suite:
    """A configuration and its tests."""

    source: Source
    loaded: Loaded
    cases: Sequence[Case]


def line_of(source: Source, path: tuple[str | int, ...]) -> int:
    """The line of a path, or of the part of it that is in the file, from 1."""
    places = source.located.tree.places
    while path not in places:
        path = path[:-1]
    place = places[path]
    return (place.key or place.value).line + 1


def configurations(paths: Sequence[str]) -> list[Path]:
    """The configurations of the paths, each once: in place of a file of tests, the file that it is of."""
    found = (path if not is_test_file(path) else owner_of(path) or path for path in map(Path, paths))
    return list(dict.fromkeys(found))


def suites(path: Path, env: Mapping[str, str]) -> list[Suite | list[Problem]]:
    """What ``collect`` gives of a file, or of each block of a page in Markdown that is one."""
    if not is_markdown(str(path)):
        return [collect(path, env)]
    text = read_text(path)
    if isinstance(text, Problem):
        return [[text]]
    return [_of_block(path, block, env) for block in whole_files(text)]


def _of_block(path: Path, block: Block, env: Mapping[str, str]) -> Suite | list[Problem]:
    """The tests of a block. Files of tests beside the page are not of it: they name no block."""
    source = _source(path, block.text)._replace(block=block)
    loaded = load_text(block.text, str(path), env)
    if not isinstance(loaded, Loaded):
        return loaded
    cases, faults = _cases(source, loaded.config.tests, loaded)
    return [*_strict(loaded.warnings), *faults] or Suite(source, loaded, cases)


def collect(path: Path, env: Mapping[str, str]) -> Suite | list[Problem]:
    """The tests of a configuration, or all problems of its file, of the files of tests beside it and of the inputs."""
    if is_test_file(path) and path.exists():
        message = "expected a configuration, not tests alone, which run with the configurations in their folder"
        return [Problem("tests-alone", message, str(path), 1, 1, hint="name the file that has the pipelines")]
    text = read_text(path)
    if isinstance(text, Problem):
        return [text]
    loaded = load_text(text, str(path), env)
    return suite_of(text, path, loaded) if isinstance(loaded, Loaded) else loaded


def suite_of(text: str, path: Path, loaded: Loaded) -> Suite | list[Problem]:
    """The tests of a text that has been loaded, which need not be saved yet, and those beside its path."""
    source = _source(path, text)
    problems = _strict(loaded.warnings)
    cases, faults = _cases(source, loaded.config.tests, loaded)
    for beside in files_beside(path):
        found, others = _beside(beside, loaded)
        cases, faults = cases + found, faults + others
    problems += faults
    return problems or Suite(source, loaded, cases)


def _read(path: Path) -> tuple[Source | None, list[Problem]]:
    text = read_text(path)
    if isinstance(text, Problem):
        return None, [text]
    return _source(path, text), []


def _source(path: Path, text: str) -> Source:
    return Source(path, text, Located(str(path), text, parse(text)))


def _beside(path: Path, loaded: Loaded) -> tuple[list[Case], list[Problem]]:
    source, problems = _read(path)
    if source is None:
        return [], problems
    tests = load_tests(source.text, str(path), loaded.config.pipelines)
    if not isinstance(tests, FoundTests):
        return [], tests
    cases, faults = _cases(source, tests.tests, loaded)
    return cases, _strict(tests.warnings) + faults


def _strict(warnings: Sequence[Problem]) -> list[Problem]:
    return [each._replace(severity="error") for each in warnings if each.code == IMPOSSIBLE]


def _cases(source: Source, tests: Sequence[Example], loaded: Loaded) -> tuple[list[Case], list[Problem]]:
    found = list(_each(source, tests, loaded))
    return [each for each in found if isinstance(each, Case)], [each for each in found if isinstance(each, Problem)]


def _each(source: Source, tests: Sequence[Example], loaded: Loaded) -> Iterator[Case | Problem]:
    names = [spec.name for spec in loaded.config.pipelines]
    registry = loaded.config.schema_registry
    glue = registry is not None and registry.type == "glue"
    for number, test in enumerate(tests):
        pipeline = names.index(test.pipeline)
        spec, folder = loaded.config.pipelines[pipeline], source.path.parent
        case = Case(source, number, test, pipeline, (), loaded.formats[pipeline], 0.0)
        try:
            records = records_of(test, spec, folder)
            formats = formats_of(test, spec, case.formats, folder, glue=glue)
        except UnusableInput as error:
            yield case.problem(error.key, "unusable-input", str(error))
            continue
        yield case._replace(records=records, formats=formats, now=clock_of(test, records))
