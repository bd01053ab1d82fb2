"""Generates a shop's clickstream in the format of Segment: the same arguments give the same records, to the byte.

Each record comes with the outcome that it must have. So the demo checks the connector without using the connector's
code.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson

from connector.local.demo.breakages import ADDED, CLICKED, LISTED, ORDERED, VIEWED, Document, choose

SECONDS = 3_600.0  # the time that a clickstream spans
TOMBSTONES = 0.003  # of all records
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
_CRAWLER = "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://www.example.com/bot.html)"
_CATEGORIES = ("bags", "boots", "coats", "hats", "lamps", "mugs", "rugs", "tents")
_IN_A_CATEGORY = 40


class Fate(NamedTuple):
    """The outcome that a record must have. ``why`` is the reason of a skip or of a dead letter.

    ``event_ids`` must be delivered, in order, in ``session`` and as ``user``. A dead-lettered record has some if only a
    part of it is broken.
    """

    outcome: Literal["delivered", "filtered", "skipped", "dead_lettered"]
    why: str = ""
    session: str = ""
    user: str | None = None
    event_ids: tuple[str, ...] = ()


class Click(NamedTuple):
    """One record: ``at`` in seconds from the first; ``piece`` is the broken part, if any."""

    at: float
    key: bytes
    value: bytes | None
    fate: Fate
    piece: str = ""


class _Shopper(NamedTuple):
    anonymous_id: str
    session_id: str | None
    user_id: str
    logs_in: float  # the probability to log in after each category
    crawler: bool
    employee: bool

    @property
    def session(self) -> str:
        return self.session_id or self.anonymous_id


class _Step(NamedTuple):
    at: float
    shopper: _Shopper
    user: str | None
    kind: Literal["track", "page", "identify"]
    name: str
    properties: Document


_Action = tuple[Literal["track", "page", "identify"], str, Document]


def clickstream(records: int, seed: int, opening: float) -> list[Click]:
    """An hour of a shop: this many records in the order of their time, the first at ``opening`` (Unix seconds)."""
    chance = random.Random(seed)  # noqa: S311  invented data that can be repeated
    steps: list[_Step] = []
    while len(steps) < records:
        steps += _visit(chance)
    steps.sort(key=lambda step: step.at)
    steps = steps[:records]
    first, last = steps[0].at, steps[-1].at
    stretch = SECONDS / max(last - first, 1.0)
    return [_click(chance, step, (step.at - first) * stretch, opening) for step in steps]


# -- a visit ----------------------------------------------------------------------------------------------------


def _visit(chance: random.Random) -> Iterator[_Step]:
    shopper, at, user = _shopper(chance), chance.uniform(0.0, SECONDS), None
    for kind, name, properties in _actions(chance, shopper):
        user = shopper.user_id if kind == "identify" else user
        yield _Step(at, shopper, user, kind, name, properties)
        at += 1.0 + chance.expovariate(1 / 25)


def _shopper(chance: random.Random) -> _Shopper:
    anonymous_id = str(UUID(int=chance.getrandbits(128), version=4))
    session_id = f"s-{chance.getrandbits(48):012x}" if chance.random() < 0.7 else None
    kind = chance.random()
    crawler, employee = kind < 0.015, 0.015 <= kind < 0.03
    logs_in = 0.0 if crawler else chance.choice((0.0, 0.0, 0.4))
    return _Shopper(anonymous_id, session_id, f"u{chance.randrange(10**6):06d}", logs_in, crawler, employee)


def _actions(chance: random.Random, shopper: _Shopper) -> Iterator[_Action]:
    """A shopper looks at categories, may log in, and may order."""
    known = False
    basket: list[Document] = []
    yield "page", "Home", {"path": "/"}
    for _ in range(chance.choice((1, 1, 2, 2, 3, 4))):
        yield from _shelf(chance, basket)
        if not known and chance.random() < shopper.logs_in:
            known = True
            yield "identify", "", {}
    if not basket or shopper.crawler or chance.random() < 0.4:
        return
    if not known:
        yield "page", "Sign in", {"path": "/sign-in"}
        yield "identify", "", {}
    products = [{**product, "quantity": chance.choice((1, 1, 1, 2, 3))} for product in basket]
    total = f"{sum(float(product['price']) * product['quantity'] for product in products):.2f}"
    order_id = f"o{chance.randrange(10**8):08d}"
    yield "track", ORDERED, {"order_id": order_id, "currency": "EUR", "total": total, "products": products}


def _shelf(chance: random.Random, basket: list[Document]) -> Iterator[_Action]:
    category = chance.choice(_CATEGORIES)
    yield "page", category.title(), {"path": f"/{category}"}
    shown = [_product(category, number) for number in chance.sample(range(_IN_A_CATEGORY), chance.randint(6, 20))]
    ids = [product["product_id"] for product in shown]
    recommendation = {"recommendation_id": f"RID-{chance.getrandbits(64):016x}"}
    products = [{"product_id": item, "position": position} for position, item in enumerate(ids, 1)]
    yield "track", LISTED, {"list_id": category, "category": category, **recommendation, "products": products}
    for product in chance.sample(shown, chance.choice((0, 1, 1, 2, 3))):
        yield "track", CLICKED, {**product, **recommendation, "shown_products": ids}
        yield "track", VIEWED, dict(product)
        if chance.random() < 0.35:
            basket.append(product)
            yield "track", ADDED, {**product, "quantity": 1}


def _product(category: str, number: int) -> Document:
    index = _CATEGORIES.index(category) * _IN_A_CATEGORY + number
    return {"product_id": f"p{index:04d}", "category": category, "price": f"{5 + (index * 37) % 95}.90"}


# -- a record ---------------------------------------------------------------------------------------------------


def _click(chance: random.Random, step: _Step, at: float, opening: float) -> Click:
    shopper = step.shopper
    key = shopper.anonymous_id.encode()
    if chance.random() < TOMBSTONES:
        return Click(at, key, None, Fate("skipped", "tombstone"))
    message_id = f"ajs-{chance.getrandbits(64):016x}"
    document = _document(step, message_id, datetime.fromtimestamp(opening + at, UTC))
    if shopper.crawler or shopper.employee:
        why = "bot" if shopper.crawler else "internal traffic"
        return Click(at, key, orjson.dumps(document), Fate("skipped", why))
    if step.kind != "track":
        return Click(at, key, orjson.dumps(document), Fate("filtered"))
    event_ids: tuple[str, ...] = (message_id,)
    if step.name == ORDERED:
        event_ids = tuple(f"{message_id}:{index}" for index in range(len(step.properties["products"])))
    fate = Fate("delivered", "", shopper.session, step.user, event_ids)
    breakage = choose(chance, step.name)
    if breakage is None:
        return Click(at, key, orjson.dumps(document), fate)
    spoilt = breakage.spoil(chance, document)
    whole = [] if spoilt.product is None else [*event_ids[: spoilt.product], *event_ids[spoilt.product + 1 :]]
    fate = fate._replace(outcome="dead_lettered", why=breakage.reason, event_ids=tuple(whole))
    return Click(at, key, spoilt.value, fate, spoilt.piece)


def _document(step: _Step, message_id: str, time: datetime) -> Document:
    shopper = step.shopper
    context: dict[str, Any] = {"userAgent": _CRAWLER if shopper.crawler else _BROWSER, "locale": "en-GB"}
    if shopper.session_id:
        context["sessionId"] = shopper.session_id
    if shopper.employee:
        context["traits"] = {"is_employee": True}
    document: Document = {
        "type": step.kind,
        "messageId": message_id,
        "anonymousId": shopper.anonymous_id,
        "userId": step.user,
        "timestamp": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "context": context,
    }
    if step.kind == "identify":
        return {**document, "traits": {"newsletter": True}}
    name = "event" if step.kind == "track" else "name"
    return {**document, name: step.name, "properties": step.properties}
