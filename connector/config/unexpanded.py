"""Text such as ``${NAME}``, which other tools replace by a variable and this file takes as it stands."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from connector.config.located import Located
from connector.config.problems import Problem
from connector.config.yaml_slips import REFER, UNEXPANDED
from connector.config.yaml_tree import Path

_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*[^}]*\}|%[A-Z_]{2,}%|\$\([A-Z_]+\)|\A\$[A-Z][A-Z0-9_]+\Z")


def check_unexpanded(data: Any, located: Located) -> Iterator[Problem]:
    """A warning for each in the settings and in names of topics; a password may have such text by chance."""
    for section, value in data.items():
        if section == "pipelines":
            for number, pipeline in enumerate(value if isinstance(value, list) else ()):
                topics = pipeline.get("topics") if isinstance(pipeline, dict) else None
                yield from _inside((section, number, "topics"), topics, located)
        elif section != "tests":
            yield from _inside((section,), value, located)


def explained(problems: Sequence[Problem]) -> list[Problem]:
    """An error about such text says how variables are written."""
    places = {(problem.line, problem.column) for problem in problems if problem.code == "unexpanded-variable"}
    return [
        problem._replace(hint=REFER)
        if (problem.line, problem.column) in places and problem.severity == "error"
        else problem
        for problem in problems
    ]


def _inside(path: Path, value: Any, located: Located) -> Iterator[Problem]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _inside((*path, key), inner, located)
    elif isinstance(value, str) and _VARIABLE.search(value):
        yield located.at_value(path, "unexpanded-variable", UNEXPANDED, REFER)._replace(severity="warning")
