"""Writes what is in deploy/ twice, or in docs/ and deploy/: ``python -m tools.copies``, or ``make deploy``.

helm packs no file from outside the chart, and kustomize reads none from outside its folder, so both hold copies of the
alerts and of the dashboard.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import yaml

from tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

NAME = "putevents-connector"
CHART = ROOT / "deploy" / "helm" / NAME
KUSTOMIZE = ROOT / "deploy" / "kustomize"

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
PAGE = ROOT / "docs" / "kubernetes.md"
BEGIN, END = "<!-- values: written by `make deploy` -->", "<!-- end of values -->"

_RULE = f"""\
# The groups are those of ../../../prometheus/rules.yaml; `make deploy` copies them.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {NAME}
  labels:
    app.kubernetes.io/name: {NAME}
    app.kubernetes.io/instance: {NAME}
    app.kubernetes.io/version: 0.1.0
spec:
"""


def _prometheus_rule() -> str:
    return _RULE + textwrap.indent(RULES.read_text(), "  ")


def _page() -> str:
    text = PAGE.read_text()
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:start]}\n{values_table()}{text[end:]}"


COPIES: Mapping[Path, Callable[[], str]] = {
    CHART / "files" / "rules.yaml": RULES.read_text,
    CHART / "files" / "dashboard.json": DASHBOARD.read_text,
    KUSTOMIZE / "components" / "monitoring" / "dashboard.json": DASHBOARD.read_text,
    KUSTOMIZE / "components" / "monitoring" / "prometheusrule.yaml": _prometheus_rule,
    PAGE: _page,
}


def values_table() -> str:
    """Every value of the chart with its default and its meaning, as a table of Markdown."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    rows = [
        f"| `{path}` | {_shown(path, _at(defaults, path))} | {text} |"
        for path, text in described(json.loads((CHART / "values.schema.json").read_text()))
    ]
    return "\n".join(["| value | default | what it is |", "|---|---|---|", *rows]) + "\n"


def described(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Each value that the schema names and its description: those without members of their own."""
    for name, value in schema.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        if here == "global":
            continue
        if "properties" in value and here != "resources":
            yield from described(value, here)
        else:
            yield here, value["description"]


def _at(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values[name]
    return values


def _shown(path: str, value: Any) -> str:
    if path == "config":
        return "see values.yaml"
    text = json.dumps(value, ensure_ascii=False)
    return "" if value in ("", None) else f"`{re.sub(r'[|]', '/', text)}`"


def main() -> int:
    """Write every copy."""
    for path, content in COPIES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content())
        sys.stderr.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
