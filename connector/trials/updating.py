"""Writes what was found in the place of what was expected, and changes nothing else in the file.

The new text is read again before it is written: outside of the expectations the data must be the same, and inside it
must be what was found.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from connector.config.yaml_tree import parse
from connector.trials.comparing import same
from connector.trials.layout import CannotUpdate, Layout
from connector.trials.running import Ran, Result
from connector.trials.values import as_output

BOM = b"\xef\xbb\xbf"


class Updated(NamedTuple):
    """A file with new expectations; ``refused`` are the tests that cannot be updated, each with the reason."""

    path: Path
    text: str
    updated: Sequence[Result]
    refused: Sequence[tuple[Result, str]]

    def write(self) -> None:
        """Replace the file's text; its byte order mark stays.

        Raises:
            OSError: it cannot be written.
        """
        mark = BOM if self.path.read_bytes().startswith(BOM) else b""
        self.path.write_bytes(mark + self.text.encode())


def updates(ran: Ran) -> list[Updated]:
    """The files in which tests failed, with what was found in place of what was expected."""
    by_file: dict[Path, list[Result]] = {}
    for result in ran.results:
        if not result.passed:
            by_file.setdefault(result.case.source.path, []).append(result)
    default = ran.suite.loaded.config.personalize.tracking_id
    return [_updated(path, results, default) for path, results in by_file.items()]


def _updated(path: Path, results: Iterable[Result], default: str | None) -> Updated:
    """From the last test to the first, so that the places of those before stay right."""
    source = next(iter(results)).case.source
    text, done, refused = source.text, list[Result](), list[tuple[Result, str]]()
    for result in sorted(results, key=lambda each: each.case.number, reverse=True):
        try:
            text = _replaced(text, source.text, result, default)
            done.append(result)
        except CannotUpdate as error:
            refused.append((result, str(error)))
    return Updated(path, text, done[::-1], refused[::-1])


def _replaced(text: str, before: str, result: Result, default: str | None) -> str:
    test = result.case.test
    if test.rule is not None and any(outcome.rule != test.rule for outcome in result.outcomes):
        raise CannotUpdate("another rule decided than the test names")
    found = [
        as_output(outcome, default, wanted) for outcome, wanted in zip(result.outcomes, _expected(result), strict=True)
    ]
    output = found if test.outputs is not None else found[0]
    key = "output" if test.outputs is None else "outputs"
    path = ("tests", result.case.number, key)
    # The places are those of the file as it was: what was replaced so far lies behind them.
    layout = Layout(before, parse(before))
    region = layout.region(path)
    new = layout.written(region, output)
    start = len(before[: region.start].rstrip(" \t")) if new[:1] in ("\r", "\n") else region.start
    changed = text[:start] + new + text[region.end :]
    _judge(text, changed, path, output)
    return changed


def _expected(result: Result) -> list[Any]:
    expected = result.case.test.expected
    return [*expected, *([None] * len(result.outcomes))][: len(result.outcomes)]


def _judge(before: str, after: str, path: tuple[str | int, ...], output: Any) -> None:
    old, new = parse(before), parse(after)
    *parents, key = path
    if new.faults:
        raise CannotUpdate("YAML cannot hold what was found")
    found = _taken(new.data, parents, key)
    _taken(old.data, parents, key)
    if not same(found, output) or old.data != new.data:
        raise CannotUpdate("the file is written in a way that would change more than the expectation")


def _taken(data: Any, parents: Sequence[str | int], key: str | int) -> Any:
    """The value at a path, which is taken out of the data."""
    try:
        for part in parents:
            data = data[part]
        return data.pop(key)
    except (KeyError, IndexError, TypeError):
        raise CannotUpdate("the file is written in a way that would change more than the expectation") from None
