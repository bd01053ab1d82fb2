"""What a rule made of a record: one event, or those of the elements of its lists, or why there is none."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from connector.core.mapping.elements import Elements
from connector.core.mapping.lists import Element, Found
from connector.core.mapping.scope import Root
from connector.core.records import Failed, Place, Rejection, Skip, Skipped, fast_constructor

# PutEvents' member names to values of their final types; a null member is absent. ``sentAt`` is an int in
# seconds, ``eventValue`` a float, ``impression`` a list of str, ``properties`` JSON text, all others a str.
Members = dict[str, Any]


class MappedEvent(NamedTuple):
    """One event; ``index`` is its element's place in the record's list under ``for_each``, None without."""

    index: Place | None  # type: ignore[assignment]  # hides tuple.index, which no caller needs
    members: Members


class Mapped(NamedTuple):
    """What a rule made of a record.

    ``invalid`` are elements of a ``for_each``, each with its place (a record that makes one event is a plain
    Rejection instead); ``skipped`` counts the elements that make none on purpose.
    """

    rule: str
    events: tuple[MappedEvent, ...]
    invalid: tuple[Rejection, ...] = ()
    skipped: int = 0
    failed: Failed = ()


_mapped, _mapped_event = fast_constructor(Mapped), fast_constructor(MappedEvent)

Result = Mapped | Skipped | Rejection
Action = Callable[[Root], Result]
Made = Members | Rejection | Skip
Build = Callable[[Root, tuple[Place, ...]], Made]


def one(rule: str, build: Build) -> Action:
    """One event for the record."""

    def act(root: Root) -> Result:
        event = build(root, ())
        if isinstance(event, dict):
            return _mapped((rule, (_mapped_event((None, event)),), (), 0, ()))
        return Skipped(event, rule) if isinstance(event, Skip) else event

    return act


def each_of(rule: str, elements: Elements, build: Build) -> Action:
    """One event for each element of a list."""

    def act(root: Root) -> Result:
        found = elements.find(root)
        if not found:
            return _nothing(rule, elements, root, found)
        places = elements.places(root, found) or range(len(found))
        results = [
            build({**root, "item": item, "index": index}, (place,))
            for index, item, place in zip(range(len(found)), found, places, strict=True)
        ]
        return _together(rule, places, results)

    return act


def nested(rule: str, find: Callable[[Root], list[Found]], build: Build, next_parent: Callable[[], None]) -> Action:
    """One event for each element of the innermost lists; ``next_parent`` is called where their parent is another."""

    def act(root: Root) -> Result:
        places: list[Place | None] = []
        results: list[Made] = []
        index, before = 0, None
        for each in find(root):
            if isinstance(each, Element):
                place, item, parent = each
                if parent is not before:
                    next_parent()
                    before = parent
                made = build({**root, "item": item, "parent": parent, "index": index}, (place,))
                index += 1
            else:
                place, made = None, each
            places.append(place)
            results.append(made)
        return _together(rule, places, results)

    return act


def _together(rule: str, places: Sequence[Place | None], results: Sequence[Made]) -> Result:
    events = tuple(
        _mapped_event((place, event)) for place, event in zip(places, results, strict=True) if type(event) is dict
    )
    invalid = tuple(event for event in results if isinstance(event, Rejection))
    if not events and not invalid:
        return Skipped(next(reason for reason in results if isinstance(reason, Skip)), rule)
    return Mapped(rule, events, invalid, len(results) - len(events) - len(invalid))


def _nothing(rule: str, elements: Elements, root: Root, found: list[Any] | None) -> Skipped:
    if found is not None:
        return Skipped(Skip.NO_ELEMENTS, rule)
    if elements.missing is not None:
        raise elements.missing(root)
    return Skipped(Skip.MISSING_LIST, rule)
