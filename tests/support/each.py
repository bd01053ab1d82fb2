"""Tests of many values that have one outcome each, told of all together."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def for_each(
    values: Iterable[T], name: Callable[[T], str] = str
) -> Callable[[Callable[[T], None]], Callable[[], None]]:
    """Make a test of a function that judges one value: it fails with all for which that fails, by their names.

    For what takes a fraction of a millisecond: a test of its own takes five, to be collected, handed out and told.
    """
    given = list(values)
    if not given:
        raise ValueError("no value to judge: a test that judges nothing claims nothing")

    def test_of(judge: Callable[[T], None]) -> Callable[[], None]:
        def test() -> None:
            failures = []
            for value in given:
                try:
                    judge(value)
                except Exception as error:  # noqa: BLE001  it is raised below, with the others
                    error.add_note(f"of {name(value)}")
                    failures.append(error)
            if failures:
                raise ExceptionGroup(f"it fails for {len(failures)} of {len(given)}", failures)

        test.__name__, test.__qualname__, test.__doc__ = judge.__name__, judge.__qualname__, judge.__doc__
        return test

    return test_of
