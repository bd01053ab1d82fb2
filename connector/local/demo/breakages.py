"""The ways in which records are broken, one row each; each has a dead-letter reason of its own.

All were seen in real click data. Reasons are written here as text, not imported, so that the demo checks the
connector's reasons independently.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

VIEWED = "Product Viewed"
CLICKED = "Product Clicked"
LISTED = "Product List Viewed"
ADDED = "Product Added"
ORDERED = "Order Completed"
ONE_PRODUCT = frozenset({CLICKED, VIEWED, ADDED})
PRICED = frozenset({VIEWED, ADDED})
ANY = ONE_PRODUCT | {LISTED}

POISON = "poison-"  # the local endpoint refuses items with this prefix, as the service refuses some events
SHARE = 0.04  # of the records of an event; gives 3 % of all records
SHARE_OF_ORDERS = 0.15  # orders are rare, and every kind of breakage should occur

Document = dict[str, Any]


class Spoilt(NamedTuple):
    """A broken record: its bytes, the broken part, and the number of the broken product (None: the whole record)."""

    value: bytes
    piece: str
    product: int | None = None


class Breakage(NamedTuple):
    """A way to break a record: the expected reason, the events that it applies to, and the function that does it."""

    reason: str
    events: frozenset[str]
    spoil: Callable[[random.Random, Document], Spoilt]


def _cut_short(chance: random.Random, document: Document) -> Spoilt:
    text = orjson.dumps(document).decode()
    text = text[: chance.randrange(len(text) // 2, len(text) - 1)]
    return Spoilt(text.encode(), f"...{text[-30:]}")


def _empty(_: random.Random, __: Document) -> Spoilt:
    return Spoilt(b"", "(0 bytes)")


def _latin_1(_: random.Random, document: Document) -> Spoilt:
    document["context"]["page"] = {"title": "Crème brûlée set"}
    return Spoilt(orjson.dumps(document).decode().encode("latin-1"), r'"title":"Cr\xe8me br\xfbl\xe9e set"')


def _no_session(_: random.Random, document: Document) -> Spoilt:
    document["anonymousId"] = None
    document["context"].pop("sessionId", None)
    return Spoilt(orjson.dumps(document), '"anonymousId":null')


def _day_first(_: random.Random, document: Document) -> Spoilt:
    year, month, day = document["timestamp"][:10].split("-")
    return _with(document, document, "timestamp", f"{day}/{month}/{year}")


def _wrong_unit(_: random.Random, document: Document) -> Spoilt:
    # Seconds, divided by a thousand once too often: a day in January 1970.
    return _with(document, document, "timestamp", 1_700_000 + int(document["timestamp"][14:16]))


def _no_price(_: random.Random, document: Document) -> Spoilt:
    return _with(document, document["properties"], "price", "n/a")


def _undefined(_: random.Random, document: Document) -> Spoilt:
    return _with(document, document["properties"], "product_id", "undefined")


def _endless(_: random.Random, document: Document) -> Spoilt:
    category = (document["properties"]["category"] + " > ") * 2_000
    return _with(document, document["properties"], "category", category[:2_000])


def _poison(_: random.Random, document: Document) -> Spoilt:
    return _with(document, document["properties"], "product_id", POISON + document["properties"]["product_id"])


def _object_for_id(chance: random.Random, document: Document) -> Spoilt:
    products = document["properties"]["products"]
    number = chance.randrange(len(products))
    return _with(document, products[number], "product_id", {"id": products[number]["product_id"]}, number)


def _with(document: Document, part: Document, name: str, value: Any, product: int | None = None) -> Spoilt:
    part[name] = value
    return Spoilt(orjson.dumps(document), orjson.dumps({name: value}).decode()[1:-1], product)


BREAKAGES = (
    Breakage("not_json", ANY, _cut_short),
    Breakage("empty_value", ANY, _empty),
    Breakage("not_utf8", ANY, _latin_1),
    Breakage("missing_member", ANY, _no_session),
    Breakage("invalid_time", ANY, _day_first),
    Breakage("time_out_of_window", ANY, _wrong_unit),
    Breakage("invalid_value", PRICED, _no_price),
    Breakage("ignored_literal", ONE_PRODUCT, _undefined),
    Breakage("too_long", PRICED, _endless),
    Breakage("rejected_by_service", ONE_PRODUCT, _poison),
    Breakage("wrong_type", frozenset({ORDERED}), _object_for_id),
)
BY_EVENT: Mapping[str, tuple[Breakage, ...]] = {
    event: tuple(breakage for breakage in BREAKAGES if event in breakage.events) for event in (*ANY, ORDERED)
}


def choose(chance: random.Random, event: str) -> Breakage | None:
    """How this record breaks; None for most records."""
    if chance.random() >= (SHARE_OF_ORDERS if event == ORDERED else SHARE):
        return None
    return chance.choice(BY_EVENT[event])
