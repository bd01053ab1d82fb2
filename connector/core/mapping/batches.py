"""A batch makes one fate of its documents: all their events in order, and one Rejection for what is invalid.

Each document is mapped as if it were a record of its own, by the first rule that matches it. Bounds are those of the
record: its events, and the work of mapping it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from connector.core.mapping.elements import MAX_ELEMENTS
from connector.core.records import (
    Entry,
    Failed,
    Fate,
    Filtered,
    Place,
    Reason,
    Rejection,
    Skip,
    Skipped,
    Stage,
    Transformed,
)
from connector.core.rejections import merge


class Checked(NamedTuple):
    """What a rule made of one document: checked events, and what is wrong with each of the others."""

    rule: str
    entries: list[Entry]
    invalid: list[Rejection]
    failed: Failed


def fate(pipeline: str, checked: Checked) -> Transformed | Rejection:
    """What becomes of a record of which this was made."""
    rule, entries, invalid, failed = checked
    rejection = merge(invalid) if invalid else None
    if rejection is not None and not entries:
        return rejection._replace(failed=failed)
    return Transformed(pipeline, rule, tuple(entries), rejection, failed)


def together(pipeline: str, documents: Iterable[Checked | Skipped | Filtered | Rejection]) -> Fate:
    """What becomes of a batch; ``documents`` are mapped one by one, until a bound of the record is reached.

    The rule is that of the first document that makes anything. A batch is skipped where none does: for the first reason
    that is given, else because no rule matches.
    """
    whole = Checked("", [], [], ())
    skipped: Skipped | Filtered | None = None
    for place, made in enumerate(documents):
        whole = whole._replace(failed=(*whole.failed, *(each for each in made.failed if each not in whole.failed)))
        if isinstance(made, Skipped | Filtered):
            skipped = made if skipped is None or isinstance(skipped, Filtered) else skipped
            continue
        part = Checked(made.rule or "", [], [made], ()) if isinstance(made, Rejection) else made
        over = _over(pipeline, part, len(whole.entries) + len(whole.invalid))
        if over is not None:
            return over._replace(failed=whole.failed)
        whole.entries.extend(entry._replace(element=_inside(place, entry.element)) for entry in part.entries)
        whole.invalid.extend(_placed(place, each) for each in part.invalid)
        whole = whole._replace(rule=whole.rule or part.rule)
    if whole.entries or whole.invalid:
        return fate(pipeline, whole)
    # A batch of no events has no elements, as an empty list of for_each.
    return (skipped or Skipped(Skip.NO_ELEMENTS, pipeline=pipeline))._replace(failed=whole.failed)


def _over(pipeline: str, part: Checked, before: int) -> Rejection | None:
    """The Rejection of the whole record, where this document takes it beyond a bound."""
    exhausted = next((each for each in part.invalid if each.reason is Reason.TOO_COMPLEX), None)
    if exhausted is not None:
        return exhausted
    count = before + len(part.entries) + len(part.invalid)
    if count <= MAX_ELEMENTS:
        return None
    message = f"pipeline {pipeline}: expected at most {MAX_ELEMENTS} events of one batch, found more"
    return Rejection(Stage.MAP, Reason.TOO_LONG, message, pipeline=pipeline)


def _placed(place: int, rejection: Rejection) -> Rejection:
    places = tuple(_inside(place, inner) for inner in rejection.indexes or (None,))
    return rejection._replace(indexes=places)


def _inside(place: int, inner: Place | None) -> Place:
    """The place of a document, or of an element of its own list."""
    if inner is None:
        return place
    return (place, inner) if isinstance(inner, int) else (place, *inner)
