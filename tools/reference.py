"""Writes the pages of docs/reference/ from the code: ``python -m tools.reference``, or ``make docs``."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import Metric

from connector.config import json_schema
from connector.core.expressions.functions import EXTRA_FUNCTIONS
from connector.core.records import SKIPS
from connector.core.sending.outcomes import Status
from connector.counters import CounterFamily, HistogramFamily
from connector.explained.shown import markdown
from connector.metrics import STAGES, Metrics
from connector.registry.answers import Request
from tools import ROOT

FOLDER = ROOT / "docs" / "reference"
HEAD = "<!-- Written by `make docs` from the code; edit it there. -->"
FIELD_SPECS = frozenset({"Const", "Template", "Case", "From", "Arm", "Else"})
Json = dict[str, Any]


REFERENCES = (
    "The same descriptions come up in an editor that has the output of `putevents schema`. Scalars of the sections "
    "kafka, personalize, delivery, dead_letter, server and log may also be `{env: NAME}`, with an optional `default`, "
    "or `{file: /path}`."
)


def settings() -> str:
    """Every setting with its default and description, a table a section, in the order of the file."""
    schema = json_schema()
    parts = [
        "# Settings",
        HEAD,
        REFERENCES,
    ]
    for path, section in _sections(schema, schema, "", set()):
        parts.append(f"## {path}" if path else "## the file")
        if path and section.get("description"):
            parts.append(section["description"])
        parts.append(_table(("key", "default", "what it is"), _rows(section, schema)))
    return "\n\n".join(parts) + "\n"


def _sections(section: Json, schema: Json, path: str, seen: set[str]) -> Iterator[tuple[str, Json]]:
    yield path, section
    for name, setting in section.get("properties", {}).items():
        for inner in _references(setting):
            model = schema["$defs"][inner]
            if inner in seen or inner in {"Env", "File"} or "properties" not in model:
                continue
            seen.add(inner)
            yield from _sections(model, schema, _title(path, name, setting, inner, model), seen)


def _title(path: str, name: str, setting: Json, inner: str, model: Json) -> str:
    first = next(iter(model["properties"]))
    if inner in FIELD_SPECS:
        # These stand wherever an expression may stand, and have no path of their own.
        return (
            f"a field spec with {first}" if inner in {"Const", "Template", "Case", "From"} else f"a {first} of a case"
        )
    here = f"{path}.{name}".lstrip(".") + ("" if inner in _references(setting, lists=False) else "[]")
    kind = model["properties"].get("type", {}).get("const")
    if inner.endswith("Output"):
        return f"tests[].output {{{first}: ...}}"
    return f"{here} {{type: {kind}}}" if kind else here


def _references(setting: Any, *, lists: bool = True) -> Iterator[str]:
    """The models that a setting may be; with ``lists``, also those that it may be a list of."""
    if isinstance(setting, dict):
        for key, value in setting.items():
            if key == "$ref":
                yield value.rpartition("/")[2]
            elif key != "discriminator" and (lists or key != "items"):
                yield from _references(value, lists=lists)
    elif isinstance(setting, list):
        for value in setting:
            yield from _references(value, lists=lists)


def _rows(section: Json, schema: Json) -> Iterator[tuple[str, str, str]]:
    required = section.get("required", [])
    for name, setting in section["properties"].items():
        resolved = schema["$defs"].get(next(_references({"$ref": setting.get("$ref", "/")}), ""), {})
        description = setting.get("description") or resolved.get("description", "")
        default = "required" if name in required else _default(setting.get("default"))
        yield f"`{name}`", default, description


def _default(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else f"`{json.dumps(value)}`"


SUMS = (
    "At rest, `records_consumed_total` is the sum of `records_total` over its outcomes and `records_abandoned_total`. "
    "No label ever carries a user, an item, a session or an event."
)


def metrics() -> str:
    """Every metric of the registry."""
    found = sorted(Metrics().registry.collect(), key=lambda metric: metric.name)
    rows = [(f"`{_exposed(metric)}`", metric.type, _labels(metric), metric.documentation) for metric in found]
    parts = [
        "# Metrics",
        HEAD,
        SUMS,
        _table(("metric", "type", "labels", "what it says"), rows),
        "`status` is one of " + ", ".join(f"`{status}`" for status in Status) + ".",
        "`outcome` of `putevents_schema_registry_requests_total` is one of "
        + ", ".join(f"`{outcome}`" for outcome in Request)
        + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _exposed(metric: Metric) -> str:
    return metric.name + {"counter": "_total", "info": "_info"}.get(metric.type, "")


def _labels(metric: Metric) -> str:
    attributes = vars(Metrics()).values()
    named = next((each for each in attributes if getattr(each, "_name", None) == metric.name), None)
    names = (
        named.label_names if isinstance(named, CounterFamily | HistogramFamily) else getattr(named, "_labelnames", ())
    )
    return ", ".join(names)


BESIDE = (
    "Beside all of [JMESPath's own](https://jmespath.org/specification.html#built-in-functions). There is no "
    "`now()`: a record that is read again must make the same event."
)


def functions() -> str:
    """The functions that expressions have beyond JMESPath's own."""
    rows = [(f"`{each.signature}`", f"`{each.example}`", f"`{each.result}`") for each in EXTRA_FUNCTIONS]
    parts = [
        "# Functions",
        HEAD,
        BESIDE,
        _table(("function", "example", "result"), rows),
    ]
    return "\n\n".join(parts) + "\n"


def reasons() -> str:
    """Why records go to the dead letters, and why they are skipped."""
    rows = [(f"`{reason}`", stage.value) for reason, stage in STAGES.items()]
    skips = [(f"`{reason}`", text) for reason, text in SKIPS.items()]
    parts = [
        "# Reasons of dead letters",
        HEAD,
        _table(("reason", "mostly found at stage"), rows),
        "## Reasons of skipped records",
        "Beside these, the texts that rules give with `skip`. They are labels of `putevents_skipped_records_total`.",
        _table(("reason", "when"), skips),
    ]
    return "\n\n".join(parts) + "\n"


EXPLAIN = (
    "What a code of `putevents validate` or `putevents check` means, a reason of dead letters or skipped records, or "
    "an exit code: `putevents explain CODE` prints the same. Each example is tested: the first gives the code, the "
    "other is valid."
)


def errors() -> str:
    """A section for each code that a user may see."""
    return "\n\n".join(["# Codes", HEAD, EXPLAIN, *markdown()]) + "\n"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings,
    "metrics.md": metrics,
    "functions.md": functions,
    "reasons.md": reasons,
    "errors.md": errors,
}


def main() -> int:
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
        sys.stderr.write(f"docs/reference/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
