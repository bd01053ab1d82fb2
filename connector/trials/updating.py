"""Writes what was found in the place of what was expected, and changes nothing else in the file or page.

The new text is read again before it is written: outside of the expectations the data must be the same, and inside it
must be what was found.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from connector.config.markdown import Block
from connector.config.yaml_tree import Path as Path_
from connector.config.yaml_tree import lines_of, parse
from connector.replacing import replace
from connector.trials.comparing import same
from connector.trials.layout import LINE, CannotUpdate, Layout
from connector.trials.running import Ran, Result
from connector.trials.values import as_output

_MORE = "the file is written in a way that would change more than the expectation"
BOM = b"\xef\xbb\xbf"


class Updated(NamedTuple):
    """A file with new expectations; ``refused`` are the tests that cannot be updated, each with the reason.

    ``uncommented`` are those of the updated whose expectation had comments inside, which are gone.

    ``block`` is the part of a page in Markdown that the text is for. Blocks of a page are written from the last to the
    first, because a new text may have more lines.
    """

    path: Path
    text: str
    updated: Sequence[Result]
    refused: Sequence[tuple[Result, str]]
    block: Block | None = None
    uncommented: Sequence[Result] = ()

    def write(self) -> None:
        """Replace the file's text, or the block's; a byte order mark stays.

        Raises:
            OSError: it cannot be written.
        """
        before = self.path.read_bytes()
        mark = BOM if before.startswith(BOM) else b""
        text = self.text if self.block is None else _spliced(before.decode("utf-8-sig"), self.block, self.text)
        replace(self.path, mark + text.encode())


def _spliced(page: str, block: Block, text: str) -> str:
    """The page with a new text for the block, which has the lines before it as empty ones."""
    breaks = list(LINE.finditer(page))
    start = [0, *(each.end() for each in breaks)][block.first]
    end = [*(each.start() for each in breaks), len(page)][block.end - 1]
    newline = "\r\n" if "\r\n" in page else "\n"
    return page[:start] + newline.join(lines_of(text)[block.first : -1]) + page[end:]


def updates(ran: Ran) -> list[Updated]:
    """The files in which tests failed, with what was found in place of what was expected."""
    by_file: dict[Path, list[Result]] = {}
    for result in ran.results:
        if not result.passed:
            by_file.setdefault(result.case.source.path, []).append(result)
    defaults = ran.suite.loaded.default_targets
    return [_updated(path, results, defaults) for path, results in by_file.items()]


class _Change(NamedTuple):
    """A new text for an expectation, in characters of the file as it was; ``output`` is what it says, at ``path``."""

    result: Result
    start: int
    end: int
    text: str
    path: Path_
    output: Any
    commented: bool


def _updated(path: Path, results: Sequence[Result], defaults: Collection[str]) -> Updated:
    source = results[0].case.source
    layout = Layout(source.text, source.located.tree)
    changes, refused = list[_Change](), list[tuple[Result, str]]()
    for result in results:
        try:
            changes.append(_change(source.text, layout, result, defaults))
        except CannotUpdate as error:
            refused.append((result, str(error)))
    text, wrong = _applied(source.text, changes)
    left = {result.case.number for result, _ in wrong}
    made = [each for each in changes if each.result.case.number not in left]
    refused = sorted(refused + wrong, key=lambda each: each[0].case.number)
    uncommented = [each.result for each in made if each.commented]
    return Updated(path, text, [each.result for each in made], refused, source.block, uncommented)


def _applied(text: str, changes: Sequence[_Change]) -> tuple[str, list[tuple[Result, str]]]:
    """The text with the changes, and those that cannot be made: all at once, or where that fails one after another."""
    try:
        return _judged(text, changes), []
    except CannotUpdate as error:
        if len(changes) == 1:
            return text, [(changes[0].result, str(error))]
    good: list[_Change] = []
    wrong: list[tuple[Result, str]] = []
    for change in changes:
        try:
            _judged(text, [*good, change])
            good.append(change)
        except CannotUpdate as error:
            wrong.append((change.result, str(error)))
    return _judged(text, good), wrong


def _change(text: str, layout: Layout, result: Result, defaults: Collection[str]) -> _Change:
    test = result.case.test
    if test.rule is not None and any(outcome.rule != test.rule for outcome in result.outcomes):
        raise CannotUpdate("another rule decided than the test names")
    pairs = zip(result.outcomes, _expected(result), strict=True)
    found = [as_output(outcome, defaults, wanted) for outcome, wanted in pairs]
    key, output = ("output", found[0]) if test.outputs is None else ("outputs", found)
    path = ("tests", result.case.number, key)
    region = layout.region(path)
    new = layout.written(region, output)
    start = len(text[: region.start].rstrip(" \t")) if new[:1] in ("\r", "\n") else region.start
    return _Change(result, start, region.end, new, path, output, layout.has_comments(region))


def _expected(result: Result) -> list[Any]:
    expected = result.case.test.expected
    return [*expected, *([None] * len(result.outcomes))][: len(result.outcomes)]


def _judged(before: str, changes: Iterable[_Change]) -> str:
    """The text with the changes, which is read again; from the last to the first, so that places stay right."""
    after = before
    for change in sorted(changes, key=lambda each: each.start, reverse=True):
        after = after[: change.start] + change.text + after[change.end :]
    old, new = parse(before), parse(after)
    if new.faults:
        raise CannotUpdate("YAML cannot hold what was found")
    found = [(change.output, _taken(new.data, change.path), _taken(old.data, change.path)) for change in changes]
    if old.data != new.data or not all(same(wanted, written) for wanted, written, _ in found):
        raise CannotUpdate(_MORE)
    return after


def _taken(data: Any, path: Path_) -> Any:
    """The value at a path, which is taken out of the data."""
    try:
        for part in path[:-1]:
            data = data[part]
        return data.pop(path[-1])
    except (KeyError, IndexError, TypeError):
        raise CannotUpdate(_MORE) from None
