"""A member of an event as cells: what the file says, what it read, what it gave, and the limit that it meets."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from connector.config.problems import printable
from connector.showing.columns import Cell, Row, shown
from connector.showing.limits import Use
from connector.styles import DIM, GREEN, RED, YELLOW

Json = dict[str, Any]
HEADS = ("member", "expression", "read", "result", "note")
_BY_ITSELF = {
    "eventId": "the record's place and time",
    "sentAt": "the record's time",
    "timestamp": "the record's time",
}
_FORMS = ("template", "lookup", "case")
_TEXT = 200  # characters of an expression


def rows_of(name: str, member: Json, *, refused: bool) -> Iterator[Row]:
    """The rows of a member: one for each expression that was evaluated, its result beside the first of them.

    Args:
        name: of the member.
        member: what ``putevents map --explain`` says of it.
        refused: whether the record is a dead letter because of it.
    """
    read = list(_read(member)) or [(Cell(_by_constant(name, member), DIM), Cell(""))]
    head = Cell(f"! {name}" if refused else f"  {name}", RED if refused else "")
    for number, (expression, found) in enumerate(read):
        if number == 0:
            yield head, expression, found, *_result(name, member, refused=refused)
        else:
            yield Cell(""), expression, found, Cell(""), Cell("")
    for each in member["evaluated"]:
        for hint in each.get("hints", ()):
            yield Cell(""), Cell(f"hint: {printable(hint, _TEXT)}", YELLOW), Cell(""), Cell(""), Cell("")


def found_in(evaluated: Json) -> Cell:
    """What an expression gave, or why it gave nothing."""
    if "failed" in evaluated:
        return Cell(f"cannot be evaluated: {printable(evaluated['failed'], _TEXT)}", RED)
    return Cell(shown(evaluated["found"]), YELLOW if evaluated["found"] is None else "")


def _read(member: Json) -> Iterator[tuple[Cell, Cell]]:
    form = next((form for form in _FORMS if isinstance(member.get("spec"), dict) and form in member["spec"]), None)
    for each in member["evaluated"]:
        text = printable(each["expression"], _TEXT)
        yield Cell(f"{text} ({form})" if form else text), found_in(each)


def _by_constant(name: str, member: Json) -> str:
    """What gives a member that reads nothing."""
    spec = member.get("spec")
    if spec is None:
        return _BY_ITSELF.get(name, "")
    if isinstance(spec, dict):
        kind = next((key for key in ("const", "template") if set(spec) >= {key}), None)
        return {"const": "constant", "template": "template without {{ }}"}.get(kind or "", "constants")
    return printable(str(spec), _TEXT)


def _result(name: str, member: Json, *, refused: bool) -> tuple[Cell, Cell]:
    if "failed" in member:
        return Cell("none", RED), Cell(printable(member["failed"], _TEXT), RED)
    value = member["value"]
    if value is None:
        return Cell("none", RED if refused else DIM), Cell("" if refused else "left out", DIM)
    use = Use(**member["limit"]) if "limit" in member else None
    notes = [note for note in (_conversion(name, member), str(use) if use else None) if note]
    bad = refused or (use is not None and not use.fits)
    return Cell(shown(value), RED if bad else GREEN), Cell("; ".join(notes), RED if bad else DIM)


def _conversion(name: str, member: Json) -> str | None:
    """What was done to the value that was read, where that changed it."""
    value, evaluated = member["value"], member["evaluated"]
    if name in {"sentAt", "timestamp"} and isinstance(value, int):
        return _moment(value)
    if name == "properties":
        return "object to JSON text" if isinstance(value, str) else None
    if len(evaluated) != 1 or evaluated[0].get("found") is None or isinstance(member.get("spec"), dict):
        return None
    before, after = _kind(evaluated[0]["found"]), _kind(value)
    return None if before == after else f"{before} to {after}"


def _moment(seconds: int) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return "beyond the years that a calendar has"


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "object"
