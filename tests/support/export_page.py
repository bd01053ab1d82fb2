"""docs/export.md: its file, its records, and what it shows of a command."""

import re
from typing import Any

from tests.support.pages import ROOT

PAGE = ROOT / "docs" / "export.md"
TIMESTAMP = 1_764_000_000_000  # of the first record, in ms; the others are a second apart


def _value(session: str, user: str | None, item: str, category: str, seen: int) -> dict[str, Any]:
    return {"session": session, "user": user, "item": {"id": item, "category": category}, "seen": seen}


RECORDS: list[dict[str, Any]] = [
    _value("s-81f2", None, "sku-4711", "shoes", 3),
    _value("s-81f2", "u-1007", "sku-4712", "hats", 4),
    _value("s-2b9c", "u-2040", "sku-4711", "shoes", 1),
    _value("s-77d0", None, "sku-4713", "coats", 2),
    {"bot": True},
    {"session": None, "user": "u-1007"},
    {"session": "s-2b9c", "user": "u-2040"},
]


def config(servers: str) -> str:
    """The file of the page, for these brokers."""
    found = re.search(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1].replace("localhost:9092", servers)


def output_of(command: str) -> str:
    """What the page shows that a command prints, up to the next one."""
    found = re.search(rf"^\$ {re.escape(command)}\n(.*?)^(?:```$|\$ )", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]
