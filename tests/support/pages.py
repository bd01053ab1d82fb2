"""The pages of the documentation, and where their links lead."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(page for folder in ("docs", "deploy") for page in (ROOT / folder).rglob("*.md")),
]


def targets(text: str) -> list[tuple[str, str]]:
    """File and section of each link within the repository, be it Markdown's, ``href="…"`` or ``src="…"``."""
    found = re.findall(r"""(?:\]\(|\b(?:href|src)=["'])([^)"'#:\s]*)(?:#([^)"'\s]*))?[)"']""", text)
    return [(target, anchor) for target, anchor in found if target or anchor]
