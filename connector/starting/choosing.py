"""Members that the user names, as in ``--member itemId=value.art``, and hints where none is found."""

from collections.abc import Iterator, Mapping, Sequence

import orjson

from connector.starting.fields import EACH, Field, Fields, Path, expression
from connector.starting.roles import fits
from connector.starting.samples import NoSamplesError

ROLES: Mapping[str, str] = {
    "sessionId": "session",
    "userId": "user",
    "eventType": "event",
    "itemId": "item",
    "eventValue": "value",
    "sentAt": "time",
    "eventId": "id",
}
_NEEDS: Mapping[str, str] = {
    "event": "text",
    "value": "numbers",
    "time": "times in a form that is known",
    "id": "another text or number in each record",
}
_MOST = 12


def chosen(fields: Fields, given: Sequence[str]) -> dict[str, Path]:
    """The path of each role that is named, as ``itemId=value.art``.

    Raises:
        NoSamplesError: no such member of an event, or none of the records, or values that do not fit.
    """
    found: dict[str, Path] = {}
    paths = {expression(path): path for path in fields}
    for each in given:
        name, _, text = each.partition("=")
        role, path = ROLES.get(name.strip()), paths.get(text.strip())
        if role is None:
            raise NoSamplesError(f"expected --member NAME=EXPRESSION with a NAME of {', '.join(ROLES)}")
        if path is None:
            raise NoSamplesError(f"expected a member of the records for {name.strip()}; there are {names_of(fields)}")
        if not fits(role, fields[path]):
            needs = _NEEDS.get(role, "text or whole numbers")
            raise NoSamplesError(f"expected {needs} in {expression(path)}, which --member names for {name.strip()}")
        found[role] = path
    return found


def names_of(fields: Fields) -> str:
    """Members that hold a value, as expressions."""
    found = [expression(path) for path, each in fields.items() if each.is_scalar]
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return (", ".join(found[:_MOST]) or "none that holds a value") + more


def hints(fields: Fields) -> Iterator[str]:
    """What may hide the members that were looked for."""
    for path, each in fields.items():
        if EACH not in path and each.lists:
            yield (
                f". The elements of {expression(path)} may be events, or hold lists of them: see "
                "docs/mapping-by-example.md, lists within lists"
            )
        elif len(path) == 2 and _is_json(each):
            yield (
                f". {expression(path)} is text that holds JSON: propose from that alone, and write "
                f"parse_json({expression(path)}) in place of value"
            )


def _is_json(field: Field) -> bool:
    texts = [value for value in field.values[:20] if isinstance(value, str) and value.lstrip().startswith("{")]
    try:
        return bool(texts) and len(texts) == len(field.values[:20]) and all(orjson.loads(text) for text in texts)
    except orjson.JSONDecodeError:
        return False
