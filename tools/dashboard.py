"""Writes deploy/grafana/dashboard.json from the table in panels.yaml: ``python -m tools.dashboard``, or ``make docs``.

Grafana's own export is too long to review. The file is for Grafana 10 and newer. Import it, or mount it for
provisioning; the data source is a variable.
"""

import json
import sys
from typing import Any

import yaml

from tools import ROOT

Json = dict[str, Any]

TABLE = ROOT / "deploy" / "grafana" / "panels.yaml"
TARGET = TABLE.with_name("dashboard.json")
SCHEMA = 38  # that of Grafana 10
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS, WIDTH = 24, 8  # of Grafana's grid; of a panel
HEIGHTS = {"stat": 4, "table": 5}  # in Grafana's units of 30 pixels
SELECT = 'namespace=~"$namespace",job=~"$job"'
TYPES = {"stat": "stat", "table": "table", "lines": "timeseries", "stacked": "timeseries"}


def dashboard() -> Json:
    """The whole file."""
    return {
        "uid": "putevents-connector",
        "title": "Kafka to Amazon Personalize",
        "description": "The PutEvents connector: from Kafka's records to Amazon Personalize's events.",
        "tags": ["kafka", "personalize", "putevents"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,  # one crosshair for all panels
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "",
        "templating": {"list": variables()},
        "annotations": {"list": []},
        "links": [],
        "panels": panels(),
    }


def variables() -> list[Json]:
    """Data source, and what to select by; all of it at first."""
    scope = 'namespace=~"$namespace"'
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1},
        _variable("namespace", "Namespace", "label_values(putevents_build_info, namespace)"),
        _variable("job", "Job", f"label_values(putevents_build_info{{{scope}}}, job)"),
        _variable("topic", "Topic", f"label_values(putevents_records_consumed_total{{{SELECT}}}, topic)"),
    ]


def _variable(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,  # when the time range changes
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",  # matches, unlike a list of values, also where the label is missing
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def panels() -> list[Json]:
    """Rows and their panels, from the left to the right and from the top down."""
    made: list[Json] = []
    top = 0
    for title, members in yaml.safe_load(TABLE.read_text()).items():
        made.append(_row(len(made) + 1, title, top))
        top, left, tallest = top + 1, 0, 0
        for panel in members:
            panel["kind"] = panel.get("kind", "lines")
            width, height = panel.get("width", WIDTH), HEIGHTS.get(panel["kind"], 8)
            if left + width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            place = {"x": left, "y": top, "w": width, "h": height}
            made.append(_panel(len(made) + 1, panel, place))
            left, tallest = left + width, max(tallest, height)
        top += tallest
    return made


def _row(number: int, title: str, top: int) -> Json:
    place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(number: int, panel: Json, place: Json) -> Json:
    return {
        "id": number,
        "type": TYPES[panel["kind"]],
        "title": panel["title"],
        "description": panel["tells"],
        "datasource": SOURCE,
        "gridPos": place,
        "targets": _targets(panel),
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _targets(panel: Json) -> list[Json]:
    once = {"instant": True, "format": "table"} if panel["kind"] == "table" else {"range": True}
    return [
        {
            "refId": chr(ord("A") + index),
            "datasource": SOURCE,
            "expr": _selected(query),
            "legendFormat": legend,
            **once,
        }
        for index, (legend, query) in enumerate(panel["queries"].items())
    ]


def _selected(query: str) -> str:
    by_topic = query.replace("@t", f'{SELECT},topic=~"$topic"')
    return by_topic.replace("@", SELECT).replace("[R]", "[$__rate_interval]")


def _defaults(panel: Json) -> Json:
    steps = [
        {"color": colour, "value": None if index == 0 else value}
        for index, (value, colour) in enumerate(panel.get("steps", {0: "green"}).items())
    ]
    defaults: Json = {
        "unit": panel["unit"],
        "min": 0,
        "color": {"mode": "thresholds" if panel["kind"] == "stat" else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if TYPES[panel["kind"]] == "timeseries":
        stacked = panel["kind"] == "stacked"
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 40 if stacked else 8,
            "showPoints": "never",
            "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        }
    return defaults


def _options(panel: Json) -> Json:
    if panel["kind"] == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "area",
            "textMode": "value",
        }
    if panel["kind"] == "table":
        return {"showHeader": True}
    return {
        "legend": {
            "displayMode": "list",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["lastNotNull", "max"],  # Grafana requires the member, and these are what is asked for
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def text() -> str:
    """What the file holds."""
    return json.dumps(dashboard(), indent=2) + "\n"


def main() -> int:
    """Write the file."""
    TARGET.write_text(text())
    sys.stderr.write(f"{TARGET.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
