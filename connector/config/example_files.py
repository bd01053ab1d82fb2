"""Files of tests beside a configuration: ``clicks_test.yaml`` beside ``clicks.yaml``, with nothing but ``tests``."""

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import NamedTuple

from pydantic import ValidationError

from connector.config.example_checks import check_tests
from connector.config.examples import Example, ExampleFile
from connector.config.loading import Loaded, load, read_text
from connector.config.located import Located
from connector.config.problems import Problem
from connector.config.wording import problems_of
from connector.config.yaml_tree import parse
from connector.core.mapping.specs import PipelineSpec

ENDINGS = ("_test.yaml", "_test.yml")


class FoundTests(NamedTuple):
    """Tests and their problems, of which none is an error."""

    tests: Sequence[Example]
    warnings: tuple[Problem, ...]


def is_test_file(path: FilePath) -> bool:
    """Whether a file holds tests of another: by its name, unless it is a configuration itself, say of a test stage."""
    if not path.name.endswith(ENDINGS):
        return False
    text = read_text(path)
    data = parse(text).data if isinstance(text, str) else None
    return not (isinstance(data, dict) and data.keys() >= {"kafka", "pipelines"})


def files_beside(config: FilePath) -> list[FilePath]:
    """The files of tests in the folder of a configuration, but for those that begin with another's name.

    Of ``a.yaml``, ``b.yaml``, ``a_test.yaml`` and ``orders_test.yaml``, the third is for ``a.yaml`` alone, and the last
    for both.
    """
    folder = config.absolute().parent
    found = sorted(path for ending in ENDINGS for path in folder.glob(f"*{ending}") if is_test_file(path))
    own = config.absolute().stem
    return [config.parent / path.name for path in found if (owner := owner_of(path)) is None or owner.stem == own]


def owner_of(tests: FilePath) -> FilePath | None:
    """The configuration whose name a file of tests begins with, the longest; None where there is none."""
    folder = tests.parent
    others = [path for kind in ("*.yaml", "*.yml") for path in folder.glob(kind) if not is_test_file(path)]
    named = [path for path in others if tests.name.startswith(f"{path.stem}_")]
    return max(named, key=lambda path: len(path.stem), default=None)


def load_test_file(path: FilePath, env: Mapping[str, str]) -> FoundTests | list[Problem]:
    """The tests of a file, or all of its problems; what they name is looked for in the configuration that it is of."""
    text, owner = read_text(path), owner_of(path)
    if isinstance(text, Problem):
        return [text]
    loaded = None if owner is None else load(owner, env)
    return load_tests(text, str(path), loaded.config.pipelines if isinstance(loaded, Loaded) else None)


def load_tests(text: str, name: str, pipelines: Sequence[PipelineSpec] | None) -> FoundTests | list[Problem]:
    """The same for a text, which problems call by ``name``, and for these pipelines.

    With None nothing is said of what tests name, since it may be there.
    """
    tree = parse(text)
    located = Located(name, text, tree)
    problems = [located.fault(fault) for fault in tree.faults]
    if not tree.places:
        return problems
    tests: Sequence[Example] = ()
    try:
        tests = ExampleFile.model_validate(tree.data, by_name=False).tests
    except ValidationError as error:
        faulty = {fault.path for fault in tree.faults if fault.code != "duplicate-key"}
        problems += problems_of(error, ExampleFile, located, faulty)
    if pipelines is not None:
        by_name = {spec.name: spec for spec in pipelines}
        problems += check_tests(tree.data, list(by_name), by_name, located)
    problems = sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column))
    errors = [problem for problem in problems if problem.severity == "error"]
    return errors or FoundTests(tests, tuple(problems))
