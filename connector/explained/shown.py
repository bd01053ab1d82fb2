"""Pages as text for a terminal, and as Markdown for the reference."""

import textwrap
from collections.abc import Iterator

from connector.explained.book import GROUPS, PAGES
from connector.explained.page import Page, anchor
from connector.styles import BOLD, GREEN, RED, Style

WIDTH = 100
_KINDS = {
    "error": "an error in a file",
    "warning": "a warning about a file",
    "note": "a note about a file",
    "reason": "a reason of dead letters",
    "skip": "a reason of skipped records",
    "exit": "an exit code",
    "check": "a finding of putevents check",
}


def text(page: Page, *, coloured: bool = False) -> str:
    """One page, with a final newline."""
    style = Style(coloured=coloured)
    parts = [f"{style(BOLD, page.code)}: {_KINDS[page.kind]}", _filled(page.means)]
    if page.do:
        parts.append(_filled(page.do))
    if page.wrong:
        parts.append(f"Gives this {page.kind}:\n\n{_excerpt(page.wrong, style, RED)}")
    if page.right:
        parts.append(f"Mended:\n\n{_excerpt(page.right, style, GREEN)}")
    if page.link:
        parts.append(f"Read on: docs/{page.link}")
    return "\n\n".join(parts) + "\n"


def contents(*, coloured: bool = False) -> str:
    """All codes with one line each, by group, with a final newline."""
    style = Style(coloured=coloured)
    width = max(len(page.code) for page in PAGES) + 2
    groups = []
    for group, pages in GROUPS.items():
        rows = "\n".join(f"  {page.code:{width}}{page.summary}" for page in pages)
        groups.append(f"{style(BOLD, group)}\n{rows}")
    return "\n\n".join(groups) + "\n"


def markdown() -> Iterator[str]:
    """The groups as sections, their pages as sections below them."""
    for group, pages in GROUPS.items():
        yield f"## {group}"
        for page in pages:
            yield from _section(page)


def _section(page: Page) -> Iterator[str]:
    yield f"### `{page.code}`" if not _shared(page) else f"### `{page.code}`, {_KINDS[page.kind]}"
    yield f"{page.means} {page.do}".strip()
    if page.wrong:
        yield f"Gives it:\n\n```\n{_short(page.wrong)}\n```"
    if page.right:
        yield f"Mended:\n\n```\n{_short(page.right)}\n```"
    if page.link:
        yield f"Read on: {_linked(page)}"


def _shared(page: Page) -> bool:
    """Whether another page would have the same heading."""
    return sum(anchor(other.code) == anchor(page.code) for other in PAGES) > 1


def _linked(page: Page) -> str:
    # The page stands in docs/reference/.
    link = page.link.removeprefix("reference/") if page.link.startswith("reference/") else f"../{page.link}"
    return f"[{page.see.partition('#')[0].rpartition('/')[2]}]({link})"


def _filled(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


def _excerpt(excerpt: str, style: Style, colour: str) -> str:
    return "\n".join(f"    {style(colour, line)}" for line in _short(excerpt).splitlines())


def _short(excerpt: str) -> str:
    """Without the length that makes some examples wrong."""
    return "\n".join(line if len(line) <= 2 * WIDTH else f"{line[: WIDTH - 1]}…" for line in excerpt.splitlines())
