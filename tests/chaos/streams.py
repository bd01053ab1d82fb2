"""More traffic with a known end, where the shape of the traffic is the fault. See `tests.support.traffic`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import orjson

from tests.support.traffic import SENT_AT, Expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = tuple[bytes, bytes, Expected]


def good(number: int, session: str, key: str | None = None, **more: Any) -> Row:
    """One valid record; its event id is ``e`` and the number."""
    value = {"id": f"e{number}", "session": session, "item": f"item-{number % 997}", "at": SENT_AT, **more}
    event = {"eventType": "View", "eventId": value["id"], "itemId": value["item"], "sentAt": SENT_AT}
    return (key or session).encode(), orjson.dumps(value), Expected(session, {"user": None, "event": event}, None)


def hot_session(count: int, seed: int) -> Iterator[Row]:
    """Half of the records belong to one session, the rest to a thousand."""
    chance = random.Random(seed)
    for number in range(count):
        yield good(number, "hot" if number % 2 else f"session-{chance.randrange(1_000)}")


def one_event_sessions(count: int) -> Iterator[Row]:
    """No session comes twice."""
    return (good(number, f"session-{number}") for number in range(count))


def two_trackers(count: int, seed: int) -> Iterator[Row]:
    """Sessions of two tracking ids by turns: ``tracker-…`` and ``slow-…``."""
    chance = random.Random(seed)
    for number in range(count):
        tracker = "slow" if number % 2 else "tracker"
        yield good(number, f"{tracker}-{chance.randrange(100)}", tracker=tracker)


def padded(rows: Iterable[Row], size: int) -> Iterator[Row]:
    """The same records, each with so many bytes more that no rule looks at; what is not an object stays as it is."""
    for key, value, expected in rows:
        if value.endswith(b"}") and expected.event is not None:
            yield key, value[:-1] + b',"padding":"' + b"x" * size + b'"}', expected
        else:
            yield key, value, expected
