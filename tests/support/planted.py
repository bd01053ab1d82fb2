"""Values that must be seen nowhere but in calls and in dead letters: one for every place of a record and of a file."""

from __future__ import annotations

from typing import Any

import orjson

MARK = "Zq8vX"
USER, SESSION, ITEM, VALUE, NAME, KEY, HEADER, TEXT = (
    f"{what}-{MARK}-{number}"
    for number, what in enumerate(("user", "session", "item", "value", "name", "key", "header", "text"))
)
PASSWORD, AWS_SECRET, AWS_TOKEN = f"password-{MARK}", f"secret-{MARK}", f"token-{MARK}"
# Long past: one that is later than the clock that judges it would be refused.
SENT_AT = 1_700_000_000
GOOD: dict[str, Any] = {
    "id": f"event-{MARK}", "session": SESSION, "user": USER, "item": ITEM, "at": SENT_AT, "price": 1,
    "properties": {NAME: VALUE}, "text": TEXT, "source": f"source-{MARK}", "items": [ITEM],
}  # fmt: skip
BAD: tuple[bytes, ...] = (
    b"",
    f'{{"session": "{SESSION}'.encode(),
    f'"{SESSION}"'.encode(),
    f'{{"session": "{SESSION}", "item": 1{"0" * 40}}}'.encode(),
    USER.encode() + b"\xff",
    *(
        orjson.dumps({**GOOD, **change})
        for change in (
            {"session": None},
            {"session": {NAME: SESSION}},
            {"session": SESSION * 30},
            {"user": USER * 30},
            {"user": [USER]},
            {"item": ITEM * 30},
            {"item": {"id": ITEM}},
            {"item": "undefined"},
            {"price": VALUE},
            {"price": {NAME: VALUE}},
            {"at": TEXT},
            {"at": {"$date": TEXT}},
            {"at": 7},
            {"properties": VALUE},
            {"properties": {NAME: VALUE * 200}},
            {"properties": {"userId": USER}},
            {"source": f"é{MARK}"},
            {"items": ITEM},
            {"items": [ITEM] * 26},
            {"items": [ITEM * 22]},
            {"items": [{"id": ITEM}]},
            {"text": [TEXT]},
        )
    ),
)
RULE: dict[str, Any] = {
    "name": "view",
    "put_events": {
        "sessionId": "value.session",
        "userId": "value.user",
        "eventType": {"const": "View"},
        "eventId": {"template": "{{ value.id }}-{{ partition }}-{{ offset }}"},
        "itemId": "value.item",
        "eventValue": "value.price",
        "impression": "value.items",
        "properties": "value.properties",
        "recommendationId": "lower(value.text)",
        "eventAttributionSource": "value.source",
        "sentAt": "value.at",
    },
}


def told(text: str) -> list[str]:
    """The lines that tell something, to be shown by the test that fails."""
    return [line[:500] for line in text.splitlines() if MARK.lower() in line.lower()]
