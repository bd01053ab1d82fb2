"""What a check says."""

from enum import StrEnum
from typing import NamedTuple

from connector.exits import Exit


class Mark(StrEnum):
    """How it is. Values are a contract: they stand in the JSON."""

    OK = "ok"
    WARNING = "warning"  # a run would start, and probably not do what is meant
    FAILED = "failed"  # a run would not start, or wait
    SKIPPED = "skipped"  # not known, and why


class Finding(NamedTuple):
    """One thing that was looked at.

    ``what``: what was found, in words without values of records. ``code`` is stable, and has a page for `putevents
    explain`; "" where nothing is wrong. ``do``: the remedy. ``exit``: how a process ends for which nothing worse is so.
    """

    mark: Mark
    what: str
    code: str = ""
    do: str = ""
    exit: Exit = Exit.OK


def ok(what: str) -> Finding:
    """It is as it should be."""
    return Finding(Mark.OK, what)


def skipped(why: str) -> Finding:
    """It was not looked at, or cannot be known."""
    return Finding(Mark.SKIPPED, why)


def warning(code: str, what: str, do: str) -> Finding:
    """A run would start, but this is probably not meant."""
    return Finding(Mark.WARNING, what, code, do)


def failed(code: str, what: str, do: str, exit_code: Exit = Exit.UNAVAILABLE) -> Finding:
    """A run would end here, or wait for somebody to mend it."""
    return Finding(Mark.FAILED, what, code, do, exit_code)
