"""Findings for people and for programs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connector.checks.finding import Finding, Mark
from connector.checks.inspection import Section, exit_of
from connector.styles import BOLD, GREEN, PLAIN, RED, YELLOW, Style

_COLOURS: Mapping[Mark, str] = {Mark.OK: GREEN, Mark.WARNING: YELLOW, Mark.FAILED: RED, Mark.SKIPPED: PLAIN}
_SIGNS: Mapping[Mark, str] = {Mark.OK: "√", Mark.WARNING: "‼", Mark.FAILED: "\u00d7", Mark.SKIPPED: "-"}
_PLAIN: Mapping[Mark, str] = {Mark.OK: "+", Mark.WARNING: "!", Mark.FAILED: "x", Mark.SKIPPED: "-"}
_TROUBLE = (Mark.WARNING, Mark.FAILED)


class Look(NamedTuple):
    """How text looks: ``signs`` that the encoding of the output may not have, and colours for a terminal."""

    signs: bool = True
    coloured: bool = False


def look_for(encoding: str | None, *, coloured: bool) -> Look:
    """The look for an output of this encoding."""
    try:
        "".join(_SIGNS.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Look(signs=False, coloured=coloured)
    return Look(coloured=coloured)


def text(section: Section, look: Look) -> str:
    """One category with all that was found, with a blank line at its end."""
    lines = [Style(coloured=look.coloured)(BOLD, section.name)]
    for finding in section.findings:
        lines += _lines(finding, look)
    return "\n".join(lines) + "\n\n"


def short(sections: Sequence[Section], look: Look) -> str:
    """Only what is not as it should be, a line for each and the remedy below it; empty where all is well."""
    return "".join(
        "\n".join(_lines(finding, look, f"{section.name}: ")) + "\n"
        for section in sections
        for finding in section.findings
        if finding.mark in _TROUBLE
    )


def _lines(finding: Finding, look: Look, before: str = "") -> Iterator[str]:
    sign = (_SIGNS if look.signs else _PLAIN)[finding.mark]
    code = f" [{finding.code}]" if finding.code else ""
    marked = Style(coloured=look.coloured)(_COLOURS[finding.mark], sign)
    yield f"{marked} {before}{finding.what}{code}"
    if finding.do:
        yield f"    {finding.do}"


def summary(sections: Sequence[Section]) -> str:
    """The last line: how many of each."""
    counts = {mark: sum(each.mark is mark for part in sections for each in part.findings) for mark in Mark}
    parts = [f"{counts[Mark.OK]} ok"]
    parts += [f"{counts[Mark.FAILED]} failed"] if counts[Mark.FAILED] else []
    parts += [_some(counts[Mark.WARNING], "warning")] if counts[Mark.WARNING] else []
    parts += [f"{counts[Mark.SKIPPED]} not known"] if counts[Mark.SKIPPED] else []
    can = "a run can start" if not counts[Mark.FAILED] else "a run cannot start; for more: putevents explain CODE"
    return f"{', '.join(parts)}: {can}\n"


def _some(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def as_json(path: str, sections: Sequence[Section]) -> dict[str, Any]:
    """The report for programs; what its members mean is in docs/check.md, and is a contract."""
    checks = [
        {
            "category": section.name,
            "mark": finding.mark.value,
            "found": finding.what,
            "code": finding.code or None,
            "what_to_do": finding.do or None,
        }
        for section in sections
        for finding in section.findings
    ]
    return {"config": path, "exit": int(exit_of(sections)), "checks": checks}


def changes(before: Sequence[Section], now: Sequence[Section]) -> list[Section]:
    """What was not found at the last look, in the categories where something is new."""
    known = {(section.name, finding) for section in before for finding in section.findings}
    fresh = [
        Section(each.name, tuple(finding for finding in each.findings if (each.name, finding) not in known))
        for each in now
    ]
    return [section for section in fresh if section.findings]
