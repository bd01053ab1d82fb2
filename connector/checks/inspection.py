"""The categories in their order. A failed one skips what needs it: nobody has to read ten consequences of one cause."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import SimpleQueue
from typing import Generic, NamedTuple, TypeVar

from connector.checks.finding import Finding, Mark, failed, skipped
from connector.exits import Exit

World = TypeVar("World")


class Category(NamedTuple, Generic[World]):
    """A group of findings.

    ``needs`` names categories before it, of the same lane, without which nothing can be said. Those of a ``lane`` with
    a name are looked at while the others are: what does not answer is waited for together, not one after another.
    """

    name: str
    check: Callable[[World], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    lane: str = ""


class Section(NamedTuple):
    """What was found in one category."""

    name: str
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether something in it keeps a run from starting."""
        return any(finding.mark is Mark.FAILED for finding in self.findings)


def inspected(
    categories: Sequence[Category[World]], world: World, begins: Callable[[str], None] = lambda _: None
) -> Iterator[Section]:
    """Each category in its order, as soon as it was looked at. ``begins`` is given the name of each before that."""
    lanes = {each.lane for each in categories if each.lane}
    meanwhile = {name: _meanwhile([each for each in categories if each.lane == name], world) for name in lanes}
    others = _in_order([each for each in categories if not each.lane], world)
    for category in categories:
        begins(category.name)
        yield meanwhile[category.lane].get() if category.lane else next(others)


def _meanwhile(categories: Sequence[Category[World]], world: World) -> "SimpleQueue[Section]":
    """Look at these in a thread, which keeps no process from ending."""
    found: SimpleQueue[Section] = SimpleQueue()

    def look() -> None:
        for section in _in_order(categories, world):
            found.put(section)

    threading.Thread(target=look, name=f"check {categories[0].lane}", daemon=True).start()
    return found


def _in_order(categories: Sequence[Category[World]], world: World) -> Iterator[Section]:
    causes: dict[str, str] = {}  # of categories that say nothing: the one that failed
    for category in categories:
        cause = next((causes[name] for name in category.needs if name in causes), None)
        if cause is None:
            section = Section(category.name, tuple(_found(category, world)))
        else:
            section = needing(category.name, cause)
        if cause is not None or section.failed:
            causes[category.name] = cause or category.name
        yield section


def needing(name: str, cause: str) -> Section:
    """A category that was not looked at, because another one failed."""
    return Section(name, (skipped(f"skipped: needs {cause}"),))


def _found(category: Category[World], world: World) -> Iterator[Finding]:
    try:
        yield from category.check(world)
    except Exception as error:  # noqa: BLE001  the other categories are worth looking at all the same
        yield failed(
            "check-broken",
            f"the check itself failed ({type(error).__name__}): a bug of the connector",
            "report it; what a run needs here is not known",
            Exit.BUG,
        )


def exit_of(sections: Iterable[Section]) -> Exit:
    """The exit code: 78 before 77 before 70 before 69, since what only passes by itself matters least."""
    return max((finding.exit for section in sections for finding in section.findings), default=Exit.OK)
