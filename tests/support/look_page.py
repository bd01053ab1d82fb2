"""docs/look.md: its file, its records, and what it shows of a command."""

import re
from typing import Any

from tests.support.pages import ROOT

PAGE = ROOT / "docs" / "look.md"
TIMESTAMP = 1_795_509_011_000 - 365 * 86_400_000  # of the first record, in ms; the others are a second apart
RECORDS: list[dict[str, Any]] = [
    {"event": "view", "session": "s-81f2", "user": "u-1007", "item": {"id": "sku-4711", "price": 12.5}},
    {"event": "view", "session": "s-81f2", "user": None, "item": {"id": "sku-4712", "price": 8}},
    {"event": "view", "user": "u-2040", "item": {"id": "sku-4711", "price": 12.5}},
    {"bot": True, "event": "view"},
]


def config(servers: str) -> str:
    """The file of the page, for these brokers."""
    found = re.search(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1].replace("localhost:9092", servers)


def output_of(command: str) -> str:
    """What the page shows that a command prints."""
    found = re.search(rf"^```\n\$ putevents {command} [^\n]*\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]
