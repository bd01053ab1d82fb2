"""Files that are no configuration at all: sample records, the values of the chart, a ConfigMap.

Each of their keys would be a problem with its line, and lines of records hold what identifies people. So there is one
problem, and it shows no line.
"""

import re
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import orjson

from connector.config.models import Config
from connector.config.problems import Problem

_KEYS = tuple(Config.model_fields)
_ALIKE = 0.75  # as a slip of the pen is to the key that it means
_RECORDS = re.compile(r'\s*\[?\s*\{\s*"')  # JSON of whatever length


def stranger(text: str, data: Any, name: str) -> Problem | None:
    """The problem of a file that has no key of a configuration, nor one that comes close."""
    keys = _keys(text, data)
    if any(get_close_matches(key, _KEYS, 1, _ALIKE) for key in keys):
        return None
    hint = _hint(text, keys)
    if hint is None:
        return None
    message = "expected a configuration, with the keys kafka, personalize, dead_letter and pipelines: none is here"
    return Problem("missing-key", message, name, 1, 1, hint=hint)


def _keys(text: str, data: Any) -> list[str]:
    """Those of the file, or of the first record of a list or of lines, which YAML cannot read."""
    if data is None:
        with suppress(ValueError):
            data = orjson.loads(text.lstrip().partition("\n")[0])
    first = data[0] if isinstance(data, list) and data else data
    return [str(key) for key in first] if isinstance(first, dict) else []


def _hint(text: str, keys: list[str]) -> str | None:
    if {"apiVersion", "kind"} <= set(keys):
        return "a manifest of Kubernetes holds the file as text: give that text alone"
    if keys == ["config"]:
        return "of the chart's values it is what stands under config"
    if keys and _RECORDS.match(text):
        return "a file of records stands after --input or --sample"
    return None
