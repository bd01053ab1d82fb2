"""The report for people: a line and the differences for each test that fails, then one line for all."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from connector.config.problems import printable, width
from connector.styles import BOLD, GREEN, PLAIN, RED, Style
from connector.trials.comparing import ABSENT, Block, Row
from connector.trials.coverage import Coverage
from connector.trials.outcomes import Outcome
from connector.trials.running import Result

WIDEST = 44  # columns of a value beside another; longer ones stand one below the other


class Report:
    """Text of results; ``colour`` for terminals."""

    def __init__(self, *, colour: bool) -> None:
        self._in = Style(coloured=colour)

    def failed(self, result: Result) -> str:
        """A test that failed, with what differs."""
        case = result.case
        place = f"{case.source.path}:{case.line}"
        lines = [f"{self._in(RED, 'FAIL')}  {place}: {printable(case.test.name, 200)}"]
        if result.missing:
            lines.append(f"      expected {len(case.test.expected)} outputs, found {len(result.outcomes)} records")
        several = case.test.outputs is not None
        for number, (blocks, outcome) in enumerate(zip(result.blocks, result.outcomes, strict=False), 1):
            if blocks:
                lines += [f"      record {number}"] if several else []
                lines += self._record(blocks, outcome)
        return "\n".join(lines)

    def conditions(self, results: Iterable[Result]) -> str:
        """A note for each rule whose condition could not be evaluated, which counts as false."""
        first: dict[tuple[str, str], Result] = {}
        for result in results:
            for outcome in result.outcomes:
                for failed in outcome.failed:
                    first.setdefault(failed, result)
        return "".join(
            f"note: pipeline {pipeline}, rule {rule}: its condition could not be evaluated in the test "
            f"{printable(result.case.test.name, 200)} ({result.case.source.path}:{result.case.line}), "
            "and counted as false\n"
            for (pipeline, rule), result in first.items()
        )

    def coverage(self, coverage: Coverage) -> str:
        """What no test used, and how much that leaves."""
        lines = [
            f"{each.file}:{each.line}: not covered: pipeline {each.pipeline}, rule {each.rule}: {printable(each.what)}"
            for each in coverage.missed
        ]
        return "\n".join([*lines, f"coverage: {coverage.percent:g} % ({coverage.used} of {coverage.all} parts)"])

    def summary(self, passed: int, failed: int) -> str:
        """One line for all tests."""
        total = passed + failed
        counted = f"{total} test{'' if total == 1 else 's'}"
        if not failed:
            return self._in(GREEN, f"{counted} passed")
        return self._in(RED, f"{counted}: {passed} passed, {failed} failed")

    def _record(self, blocks: Sequence[Block], outcome: Outcome) -> Iterator[str]:
        name = max(width(row.name) for block in blocks for row in block.rows) if blocks else 0
        cells = [shown(row.expected) for block in blocks for row in block.rows]
        value = min(max([width("expected"), *(width(cell) for cell in cells if width(cell) <= WIDEST)]), WIDEST)
        for block in blocks:
            heads = f"{_padded(block.title, name + 2)}  {_padded('expected', value)}  found"
            yield f"      {self._in(BOLD, heads)}"
            for row in block.rows:
                yield from self._row(row, name, value)
        if outcome.rejection is not None:
            yield f"      because {outcome.rejection.message}"

    def _row(self, row: Row, name: int, value: int) -> Iterator[str]:
        left, right = shown(row.expected), shown(row.found)
        mark, wrong = ("  ", False) if row.same else ("! ", True)
        expected, found = self._in(GREEN if wrong else PLAIN, left), self._in(RED if wrong else PLAIN, right)
        head = f"      {self._in(RED if wrong else PLAIN, mark)}{_padded(row.name, name)}  "
        if max(width(left), width(right)) <= WIDEST:
            yield f"{head}{expected}{' ' * (value - width(left))}  {found}"
        elif not wrong:
            yield f"{head}{left}"
        else:
            yield f"{head}expected  {expected}"
            yield f"        {' ' * name}  found     {found}"


def shown(value: Any) -> str:
    """A value on one line, as it may be written in the file; nothing in it moves a terminal's cursor."""
    if value is ABSENT:
        return str(ABSENT.value)
    text = value if isinstance(value, str) and value.isprintable() and value.strip() == value != "" else None
    if text is not None and not _looks_like_other(text):
        return text
    written = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in written)


def _looks_like_other(text: str) -> bool:
    """Whether a text without quotes could be taken for a number, a list or nothing."""
    try:
        json.loads(text)
    except ValueError:
        return text == str(ABSENT.value)
    return True


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))
