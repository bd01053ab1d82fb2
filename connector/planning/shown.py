"""The report for people: aligned text for a terminal, Markdown for a pull request."""

import re
from collections.abc import Iterator, Sequence

from connector.config.problems import printable, width
from connector.planning.consequences import Plan
from connector.planning.masks import Masks
from connector.planning.sections import Section, sections
from connector.planning.wording import alarms, result, verdict
from connector.styles import BOLD, GREEN, RED, Style

LONGEST = 200  # characters of a cell
_MORE = "and {:,} more: --output json has them"
_MARKED = re.compile(r"[\\`*\[\]<>|#~&]")


def text(plan: Plan, masks: Masks, failed: Sequence[str], *, colour: bool) -> str:
    """The report as text; ``colour`` for terminals."""
    styled = Style(coloured=colour)
    old, new = plan.comparison.old, plan.comparison.new
    blocks = [[f"old  {printable(old.name, LONGEST)}", f"new  {printable(new.name, LONGEST)}"]]
    blocks.append([styled(RED, f"! {each}") for each in alarms(plan)])
    for section in sections(plan, masks):
        head = [styled(BOLD, section.title)] if section.title else []
        more = [f"  {_MORE.format(section.more)}"] if section.more else []
        blocks.append([*head, *_aligned(section), *more, *([styled(RED, section.note)] if section.note else [])])
    calm = not plan.comparison.found.changed and not plan.settings and not any(alarms(plan))
    blocks.append([styled(GREEN, result(plan)) if calm else result(plan)])
    blocks[-1] += [styled(RED, verdict(failed))] if failed else []
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _aligned(section: Section) -> Iterator[str]:
    heads = [name.removeprefix("#") for name in section.columns]
    rows = [[printable(cell, LONGEST) for cell in row] for row in section.rows]
    widths = [max(map(width, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = [
            f"{' ' * (room - width(cell))}{cell}" if name.startswith("#") else f"{cell}{' ' * (room - width(cell))}"
            for name, cell, room in zip(section.columns, row, widths, strict=True)
        ]
        yield f"  {'  '.join(cells)}".rstrip()


def markdown(plan: Plan, masks: Masks, failed: Sequence[str]) -> str:
    """The report as Markdown, as GitHub and GitLab show it."""
    old, new = plan.comparison.old, plan.comparison.new
    lines = [f"### `putevents plan`: {_cell(old.name)} → {_cell(new.name)}", ""]
    lines += [f"- ⚠️ **{_cell(each)}**" for each in alarms(plan)]
    lines += [f"- {_cell(result(plan))}", *([f"- ❌ **{_cell(verdict(failed))}**"] if failed else [])]
    for section in sections(plan, masks):
        lines += ["", *([f"**{_cell(section.title)}**", ""] if section.title else []), *_table(section)]
        lines += ["", _cell(_MORE.format(section.more))] if section.more else []
        lines += ["", f"⚠️ **{_cell(section.note)}**"] if section.note else []
    return "\n".join(lines) + "\n"


def _table(section: Section) -> Iterator[str]:
    yield _row([name.removeprefix("#") for name in section.columns])
    yield "|" + "|".join("---:" if name.startswith("#") else "---" for name in section.columns) + "|"
    for row in section.rows:
        yield _row(row)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(cell: str) -> str:
    """Text that stays text: no mark-up, no mention of a person, no end of a cell."""
    return _MARKED.sub(r"\\\g<0>", printable(cell, LONGEST)).replace("@", "&#64;")
