"""What is said about one code."""

import re
from typing import Literal, NamedTuple

Kind = Literal["error", "warning", "note", "reason", "skip", "exit", "check"]


class Page(NamedTuple):
    """One code of one kind: of ``validate`` or ``check``, a reason of dead letters or skipped records, an exit code.

    ``means``: what is so when it shows; its first sentence stands alone in lists. ``do``: what mends it. ``wrong`` is
    part of a file that causes it and ``right`` the same part mended: a section, a list of rules, or members of
    ``put_events``. ``see`` is a section of docs/reference/settings.md, or a page of docs/ with its heading.
    """

    code: str
    kind: Kind
    means: str
    do: str = ""
    wrong: str = ""
    right: str = ""
    see: str = ""

    @property
    def summary(self) -> str:
        """What it means in one sentence."""
        return re.split(r"(?<=[.])\s", self.means, maxsplit=1)[0]

    @property
    def link(self) -> str:
        """Where to read on, relative to docs/; empty where there is nothing more."""
        if not self.see or ".md" in self.see:
            return self.see
        return f"reference/settings.md#{anchor(self.see)}"


def anchor(heading: str) -> str:
    """The fragment that a heading has on GitHub."""
    return re.sub(r"[^\w\s-]", "", heading.lower()).replace(" ", "-")
