"""The clickstreams of the benchmark, and the fewest calls that could carry them: pure, and the same for a seed.

A stream is made of slots. Each slot holds one session at a time, and a record is the next one of a slot drawn at
random, so the number of slots is how many sessions are interleaved. A third of the sessions log in half-way: their
records have no user before and one after, which cuts a call there.
"""

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

MAX_EVENTS_PER_CALL = 10  # the service's; stated here again, because the benchmark judges the connector
SEED = 20_251_124
OPENING = 1_763_973_011  # Unix seconds of the first record: a past that no check of times minds
LOGINS = 1 / 3  # of the sessions
CLICK_SECONDS = 0.01  # between two records of a stream

_EVENTS = ("Product Viewed", "Product Viewed", "Product Viewed", "Product Clicked", "Product Added")
_CATEGORIES = ("bags", "boots", "coats", "hats", "lamps", "mugs", "rugs", "tents")
_RECORD = (
    b'{"type":"track","event":"%s","messageId":"ajs-%016x","anonymousId":"%s","userId":%s,'
    b'"timestamp":"%s.%03dZ","properties":{"product_id":"p%04d","category":"%s","price":"%d.90","position":%d},'
    b'"context":{"locale":"en-GB","page":{"path":"/%s/p%04d"},"library":{"name":"analytics.js","version":"2.1.0"}}}'
)


class Click(NamedTuple):
    """One record: the session is its key, so that a session lies in one partition; ``user`` is None before a login."""

    session: str
    user: str | None
    value: bytes


class Shape(NamedTuple):
    """What a stream is like: sessions at any time, and how many records they have on average (geometric)."""

    name: str
    sessions: int
    length: int


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "short": Shape("short", 1_000, 12),
        "long": Shape("long", 200, 100),
    }
)


class _Session:
    """One session on its way: how many records are left of it, and when it logs in."""

    __slots__ = ("left", "login", "name", "user")

    def __init__(self, chance: random.Random, length: int, number: int) -> None:
        # Drawn once, by inversion, instead of tossing a coin for each record.
        self.left = 1 + int(chance.expovariate(-math.log1p(-1 / length)))
        logs_in = chance.random() < LOGINS and self.left > 1
        self.login = chance.randrange(1, self.left) if logs_in else 0  # how many records are left when it happens
        self.name = f"s-{number:08d}-{chance.getrandbits(32):08x}"
        self.user: str | None = None


def clicks(shape: Shape, seed: int = SEED, records: int | None = None) -> Iterator[Click]:
    """The stream: as many records as asked for, or without end."""
    chance = random.Random(f"{seed}/{shape.name}")  # noqa: S311  invented data that can be repeated
    slots = [_Session(chance, shape.length, number) for number in range(shape.sessions)]
    born = len(slots)
    number = 0
    while records is None or number < records:
        slot = int(chance.random() * len(slots))
        session = slots[slot]
        if session.left == session.login:
            session.user = f"u-{session.name[2:10]}"
        yield Click(session.name, session.user, _value(chance, session, number))
        session.left -= 1
        number += 1
        if not session.left:
            slots[slot] = _Session(chance, shape.length, born)
            born += 1


def _value(chance: random.Random, session: _Session, number: int) -> bytes:
    bits = chance.getrandbits(32)
    product, category = bits % 9973, _CATEGORIES[bits >> 29].encode()
    user = b"null" if session.user is None else b'"%s"' % session.user.encode()
    milliseconds = int(number * CLICK_SECONDS * 1000)
    return _RECORD % (
        _EVENTS[bits % len(_EVENTS)].encode(),
        number,
        session.name.encode(),
        user,
        _clock(milliseconds // 1000),
        milliseconds % 1000,
        product,
        category,
        5 + bits % 95,
        bits % 20,
        category,
        product,
    )


def _clock(seconds: int) -> bytes:
    """An ISO 8601 time without a zone: strftime costs more than the rest of the record."""
    day, rest = divmod(OPENING % 86_400 + seconds, 86_400)
    # A month of days is enough for any run: 2.6 million seconds are 260 million records.
    return b"2025-11-%02dT%02d:%02d:%02d" % (24 + day % 6, rest // 3600, rest // 60 % 60, rest % 60)


class Fewest:
    """Counts the fewest calls that could carry a stream: each session in order, cut at users and then at tens.

    No order of sending does better, since a call carries one session and one user, and keeps the order.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.events = 0
        self._open: dict[str, tuple[str | None, int]] = {}  # session → user and size of its last call

    def add(self, session: str, user: str | None) -> None:
        """Count the next event of a session."""
        self.events += 1
        last_user, size = self._open.get(session, (None, 0))
        if size in (0, MAX_EVENTS_PER_CALL) or user != last_user:
            self.calls += 1
            size = 0
        self._open[session] = (user, size + 1)


def fewest_calls(events: Iterable[tuple[str, str | None]]) -> int:
    """The fewest calls for these (session, user) in the order of their partition."""
    fewest = Fewest()
    for session, user in events:
        fewest.add(session, user)
    return fewest.calls
