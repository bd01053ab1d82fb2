"""The files of examples/, by the name of their source."""

from collections.abc import Mapping
from pathlib import Path

import connector

PRESETS: Mapping[str, str] = {
    "segment": "Segment: track calls of its e-commerce specification",
    "rudderstack": "RudderStack: the same events, sessions as numbers, bots, denied consent",
    "ga4": "Google Analytics 4: the BigQuery export, and bodies of the Measurement Protocol",
    "snowplow": "Snowplow: enriched events with the e-commerce plugin, 131 columns or JSON",
    "debezium": "Debezium: a table of product events, and orders whose items are a JSON column",
    "cloudevents": "CloudEvents: structured, binary and batch mode",
    "shop": "a whole shop: clicks, the catalogue by Debezium, profiles: events, items and users",
    "flat": "one flat JSON object a record: the smallest file that runs",
}


def preset(name: str) -> str:
    """The text of a preset: the checkout's, or the copy in the installed package."""
    package = Path(connector.__file__).resolve().parent
    folders = (package.parent / "examples", package / "examples")
    [path, *_] = [folder / f"{name}.yaml" for folder in folders if (folder / f"{name}.yaml").exists()]
    return path.read_text(encoding="utf-8")
