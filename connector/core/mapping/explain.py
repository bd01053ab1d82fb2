"""What is explained is what runs: the same compiled pipeline, with a note of every step.

A pipeline is compiled a second time with a Trace, which puts itself around conditions, members and expressions. The
pipeline that runs without a Trace pays nothing for it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from connector.core.expressions.hints import misnamed
from connector.core.records import Place

Root = Mapping[str, Any]
_Result = TypeVar("_Result")
_Build = Callable[[Root, tuple[Place, ...]], _Result]

DROPPED = "the event is dropped on purpose"


class Evaluated(NamedTuple):
    """An expression that was evaluated: what it gave, or why it failed; ``hints`` where it gave null or failed."""

    expression: str
    found: Any = None
    failed: str | None = None
    hints: tuple[str, ...] = ()


class TriedRule(NamedTuple):
    """A rule that was looked at; ``when`` is None where it takes every record."""

    rule: str
    when: str | None
    matched: bool
    evaluated: tuple[Evaluated, ...] = ()
    failed: str | None = None


class TracedMember(NamedTuple):
    """A member of an event: what its expressions gave, and its value after conversion, or why it has none."""

    name: str
    evaluated: tuple[Evaluated, ...]
    value: Any = None
    failed: str | None = None


class TracedEvent(NamedTuple):
    """An event under construction; ``index`` is its element under ``for_each``."""

    index: Place | None  # type: ignore[assignment]  # hides tuple.index, which no caller needs
    members: list[TracedMember]


class Traced(NamedTuple):
    """What happened to one document: the rules that were looked at, what ``for_each`` gave, the events."""

    rules: list[TriedRule]
    elements: tuple[Evaluated, ...]
    events: list[TracedEvent]


class Trace:
    """What happened to one record at a time, from ``begin`` on; ``documents`` are those that were mapped of a batch."""

    def __init__(self) -> None:
        # Of all records since the trace was made: the paths of the parts of the mapping that were used.
        self.reached: set[tuple[str | int, ...]] = set()
        self.begin()

    def begin(self) -> None:
        """Forget the record before."""
        self.documents: list[Traced] = []
        self._forget()

    def _forget(self) -> None:
        self.rules: list[TriedRule] = []
        self.events: list[TracedEvent] = []
        self.elements: tuple[Evaluated, ...] = ()  # what the expression of for_each gave
        self._pending: list[Evaluated] = []  # evaluated since the last step
        self._before: dict[str, tuple[Evaluated, ...]] = {}  # member to what it evaluated for an earlier element

    def expression(self, text: str, evaluate: Callable[[Root], Any]) -> Callable[[Root], Any]:
        """An expression that notes what it gives."""

        def traced(root: Root) -> Any:
            try:
                found = evaluate(root)
            except Exception as error:
                self._pending.append(Evaluated(text, failed=str(error), hints=misnamed(text, root)))
                raise
            # A condition may be false, and a list empty, for the same reason.
            hints = () if found else misnamed(text, root)
            self._pending.append(Evaluated(text, found, hints=hints))
            return found

        return traced

    def condition(
        self, rule: str, when: str | None, holds: Callable[[Root], bool], *, first: bool = False
    ) -> Callable[[Root], bool]:
        """A rule's condition that notes its verdict; that of the ``first`` rule is where a document begins."""

        def traced(root: Root) -> bool:
            if first and self.rules:
                self._close()
            self._pending = []
            try:
                matched = holds(root)
            except Exception as error:
                self.rules.append(TriedRule(rule, when, matched=False, evaluated=self._take(), failed=str(error)))
                raise
            self.rules.append(TriedRule(rule, when, matched, self._take()))
            return matched

        return traced

    def event(self, build: _Build[_Result]) -> _Build[_Result]:
        """The making of an event, which notes where it begins."""

        def traced(root: Root, indexes: tuple[Place, ...]) -> _Result:
            if not self.events:
                self.elements = self._take()
            self.events.append(TracedEvent(indexes[0] if indexes else None, []))
            return build(root, indexes)

        return traced

    def member(self, name: str, fetch: Callable[[Root], Any]) -> Callable[[Root], Any]:
        """A member that notes its value."""

        def traced(root: Root) -> Any:
            self._pending = []
            try:
                value = fetch(root)
            except Exception as error:
                self._note(TracedMember(name, self._take(), failed=str(error) or DROPPED))
                raise
            self._note(TracedMember(name, self._take(), value))
            return value

        return traced

    def reach(self, path: tuple[str | int, ...], act: Callable[[Root], _Result]) -> Callable[[Root], _Result]:
        """A part of the mapping that is marked as used when it is asked."""

        def traced(root: Root) -> _Result:
            self.reached.add(path)
            return act(root)

        return traced

    def gives(self, path: tuple[str | int, ...], fetch: Callable[[Root], Any]) -> Callable[[Root], Any]:
        """A field that is marked as used when it gives a value."""

        def traced(root: Root) -> Any:
            value = fetch(root)
            if value is not None:
                self.reached.add(path)
            return value

        return traced

    def row(self, path: tuple[str | int, ...], key_of: Callable[[Root], Any]) -> Callable[[Root], Any]:
        """The key of a lookup, whose row is marked as used; a key without a row marks nothing that is asked about."""

        def traced(root: Root) -> Any:
            key = key_of(root)
            self.reached.add((*path, key))
            return key

        return traced

    def default(self, path: tuple[str | int, ...], fetch: Callable[[Root], Any], default: Any) -> Callable[[Root], Any]:
        """A field with a default, which is marked as used when it takes the place of null."""

        def traced(root: Root) -> Any:
            value = fetch(root)
            if value is not None:
                return value
            self.reached.add(path)
            return default

        return traced

    def end(self) -> None:
        """The record is done: where it made no event, what is pending is the list that had no elements."""
        self._close()
        self.rules, self.elements, self.events = self.documents[-1]

    def _close(self) -> None:
        if not self.events:
            self.elements = self._take()
        self.documents.append(Traced(self.rules, self.elements, self.events))
        self._forget()

    def _note(self, member: TracedMember) -> None:
        # What is the same for all elements may be evaluated for the first of them alone.
        evaluated = member.evaluated or self._before.get(member.name, ())
        self._before[member.name] = evaluated
        self.events[-1].members.append(member._replace(evaluated=evaluated))

    def _take(self) -> tuple[Evaluated, ...]:
        taken, self._pending = tuple(self._pending), []
        return taken
