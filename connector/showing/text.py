"""A record for people: its fate, the rules that were tried, each member, and the calls. JSON says the same."""

from collections.abc import Iterator, Sequence
from typing import Any

from connector.config.problems import printable
from connector.core.operations import BY_NAME, PUT_EVENTS
from connector.showing.calls import around, entries_of, made_by, operation_of
from connector.showing.columns import Cell, Row, painted, shown, table
from connector.showing.limits import use_of_call, use_of_event
from connector.showing.members import HEADS, found_in, rows_of
from connector.styles import BOLD, DIM, GREEN, RED, YELLOW

Json = dict[str, Any]
LEAST = 40  # columns; fewer hold no table
_COLOURS = {"mapped": GREEN, "dead_letter": RED, "skipped": YELLOW, "filtered": YELLOW}
_TEXT = 200


class RecordText:
    """Text of what ``putevents map`` found of a record.

    Args:
        room: columns of the terminal.
        colour: whether it shows colours.
    """

    def __init__(self, *, room: int, colour: bool) -> None:
        self._room = max(room, LEAST)
        self._colour = colour

    def __call__(self, result: Json) -> str:
        """The lines of one record."""
        lines = [self._in(f"line {result['line']}: {printable(_fate(result), _TEXT)}", _COLOURS[result["outcome"]])]
        if "rejection" in result:
            lines += self._rejection(result["rejection"])
        if "explain" in result:
            documents = result["explain"].get("documents", [result["explain"]])
            for number, document in enumerate(documents, 1):
                lines += [self._in(f"  document {number} of {len(documents)}", BOLD)] if len(documents) > 1 else []
                lines += self._document(
                    document, result.get("rejection", {}), number - 1 if len(documents) > 1 else None
                )
        for number, call in enumerate(result.get("calls", ()), 1):
            lines += self._call(number, call)
        return "\n".join(lines) + "\n"

    def _rejection(self, rejection: Json) -> Iterator[str]:
        yield f"  {printable(rejection['message'], 2_000)}"
        yield self._in(f"  for more: putevents explain {rejection['reason']}", DIM)

    def _document(self, document: Json, rejection: Json, place: int | None) -> Iterator[str]:
        yield from self._tried(document)
        for each in document.get("for_each", ()):
            found = each.get("found")
            count = f"{len(found)} element{'' if len(found) == 1 else 's'}" if isinstance(found, list) else None
            yield f"  for_each  {printable(each['expression'], _TEXT)}: {count or self._paint(found_in(each))}"
        noun = BY_NAME[document.get("operation", PUT_EVENTS.name)].noun
        for number, event in enumerate(document["events"], 1):
            element = "" if event["index"] is None else f", element {shown(event['index'])}"
            yield self._in(f"  {noun} {number} of {len(document['events'])}{element}", BOLD)
            refused = _is_refused(rejection, place, event["index"])
            yield from self._members(event["members"], rejection.get("field") if refused else None)

    def _tried(self, document: Json) -> Iterator[str]:
        if not document["rules"]:
            yield "  no rule was tried"
            return
        rows: list[Row] = [row for each in document["rules"] for row in _rule(each)]
        later = Cell("not tried", DIM), Cell("an earlier rule took the record", DIM)
        rows += [(Cell(printable(name)), *later) for name in document.get("not_tried", ())]
        yield from self._table(("rule", "verdict", "condition, and what it gave"), rows, 2)

    def _members(self, members: Json, field: str | None) -> Iterator[str]:
        rows = [row for name, each in members.items() for row in rows_of(name, each, refused=name == field)]
        yield from self._table((f"  {HEADS[0]}", *HEADS[1:]), rows, 2)

    def _call(self, number: int, call: Json) -> Iterator[str]:
        entries, operation = entries_of(call), operation_of(call)
        of = "" if operation is PUT_EVENTS else f" of {operation.name}"
        yield self._in(f"  call {number}{of}: {use_of_call(len(entries), operation)}", BOLD)
        yield "    " + ", ".join(f"{name} {shown(value)}" for name, value in around(call).items())
        for entry in entries:
            yield f"    {shown(entry)}"
            if operation is PUT_EVENTS:
                yield self._in(f"      {use_of_event(entry)}", DIM)

    def _table(self, heads: Sequence[str], rows: Sequence[Row], indent: int) -> Iterator[str]:
        for line in table(heads, rows, room=self._room - indent, colour=self._colour):
            yield " " * indent + line

    def _in(self, text: str, style: str) -> str:
        return self._paint(Cell(text, style))

    def _paint(self, cell: Cell) -> str:
        return painted(cell, colour=self._colour)


def _is_refused(rejection: Json, document: int | None, element: Any) -> bool:
    """Whether the event of this element of this document is one that the rejection names; without places it is any."""
    if "indexes" not in rejection:
        return True
    place = [] if document is None else [document]
    place += [] if element is None else element if isinstance(element, list | tuple) else [element]
    named = [each if isinstance(each, list | tuple) else [each] for each in rejection["indexes"]]
    return any(list(each) == place[: len(each)] for each in named)


def _fate(result: Json) -> str:
    calls = result.get("calls", ())
    made = made_by(calls)
    by = f", pipeline {result['pipeline']}" if result.get("pipeline") else ""
    by += f", rule {result['rule']}" if result.get("rule") else ""
    match result["outcome"]:
        case "mapped":
            return f"mapped to {made}{by}"
        case "skipped":
            return f"skipped: {result['reason']}{by}"
        case "dead_letter":
            field = f" of {result['rejection']['field']}" if "field" in result["rejection"] else ""
            beside = f"; {made} all the same" if calls else ""
            return f"dead letter: {result['rejection']['reason']}{field}{by}{beside}"
        case _:
            return "filtered: no rule matched"


def _rule(tried: Json) -> Iterator[Row]:
    name, when = Cell(printable(tried["rule"])), tried["when"]
    if "failed" in tried:
        yield name, Cell("no: failed", RED), Cell(f"{printable(when, _TEXT)}", RED)
        why = tried["failed"].partition(f"when {when}: ")[2] or tried["failed"]
        yield Cell(""), Cell(""), Cell(printable(why, 2 * _TEXT), RED)
    elif when is None:
        yield name, Cell("matched", GREEN), Cell("no condition: takes every record", DIM)
    else:
        gave = f"  gave {shown(tried['found'])}" if "found" in tried else ""
        verdict = Cell("matched", GREEN) if tried["matched"] else Cell("no", YELLOW)
        yield name, verdict, Cell(f"{printable(when, _TEXT)}{gave}")
    for hint in tried.get("hints", ()):
        yield Cell(""), Cell(""), Cell(f"hint: {printable(hint, _TEXT)}", YELLOW)
