"""Changes of a shop's catalogue, as Debezium captures them, and of its customers' profiles.

The same arguments give the same records. With them comes what the service must have of each item and user in the end:
its newest version. The topics and the mapping are those of examples/shop.yaml.
"""

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from connector.local.demo.clickstream import SECONDS

ITEMS, USERS = "shop.public.products", "profiles"
PARTITIONS = 3
ITEMS_ARN = "arn:aws:personalize:eu-west-1:123456789012:dataset/demo/ITEMS"
USERS_ARN = "arn:aws:personalize:eu-west-1:123456789012:dataset/demo/USERS"
VERSIONS = 10  # of each id
DELETED = 0.01  # of the changes of products: a change event and a tombstone
_TIERS = ("gold", "silver", None)
_COUNTRIES = ("DE", "FR", "IE", "SE")
_TAGS = ("garden", "tools", "kitchen", "toys")
_CREATED = 1_795_500_000  # Unix seconds

State = Mapping[str, Mapping[str, Any]]  # id → the entry, properties as an object


class Change(NamedTuple):
    """One record: ``at`` in seconds from the first click."""

    at: float
    topic: str
    key: bytes
    value: bytes | None


class Rows(NamedTuple):
    """Changes in the order of their time, and what is to come of them, by topic."""

    changes: tuple[Change, ...]
    newest: Mapping[str, State]
    skipped: int  # deletes and tombstones

    def count(self, topic: str) -> int:
        """How many records a topic gets."""
        return sum(change.topic == topic for change in self.changes)


def rows(changes: int, seed: int) -> Rows:
    """So many changes of products, and half as many of profiles, spread over the hour of the clickstream."""
    chance = random.Random(seed)  # noqa: S311  the same each time, no secret
    ids = max(1, changes // VERSIONS)
    found: list[Change] = []
    newest: dict[str, dict[str, dict[str, Any]]] = {ITEMS: {}, USERS: {}}
    skipped = 0
    for number in range(changes):
        at = SECONDS * number / changes
        name = f"sku-{chance.randrange(ids):04d}"
        row, entry = _product(name, chance)
        newest[ITEMS][name] = entry
        found.append(_captured(at, name, "u", row))
        if chance.random() < DELETED:
            gone = f"gone-{number}"
            found += [_captured(at, gone, "d", None), Change(at, ITEMS, gone.encode(), None)]
            skipped += 2
        if number % 2:
            name = f"user-{chance.randrange(ids):04d}"
            profile, entry = _profile(name, chance)
            newest[USERS][name] = entry
            found.append(Change(at, USERS, name.encode(), orjson.dumps(profile)))
    return Rows(tuple(found), newest, skipped)


def _captured(at: float, name: str, operation: str, after: dict[str, Any] | None) -> Change:
    before = {"sku": name} if after is None else None
    value = {"before": before, "after": after, "source": {"connector": "postgresql", "table": "products"}}
    return Change(at, ITEMS, name.encode(), orjson.dumps({**value, "op": operation}))


def _product(name: str, chance: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    tags, cents, active = chance.sample(_TAGS, chance.randint(0, 2)), chance.randint(1, 90) * 100, chance.random() < 0.9
    row = {
        "sku": name,
        "categories": orjson.dumps(tags).decode(),
        "cents": cents,
        "active": active,
        "created_at": _CREATED * 1_000_000,
    }
    properties = {
        **({"categoryL1": "|".join(tags)} if tags else {}),
        "price": cents // 100,
        "available": "yes" if active else "no",
        "creationTimestamp": _CREATED,
    }
    return row, {"itemId": name, "properties": properties}


def _profile(name: str, chance: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    tier, country = chance.choice(_TIERS), chance.choice(_COUNTRIES)
    profile: dict[str, Any] = {"id": name, "tier": tier, "country": country, "interests": []}
    return profile, {"userId": name, "properties": {"membership": tier or "none", "country": country}}
