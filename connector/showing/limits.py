"""How much of the service's limits a member, an entry and a call use."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from connector.core.mapping.entries import KINDS
from connector.core.mapping.limits import MAX_EVENT_BYTES, MAX_JOINED_IMPRESSION, MAX_TEXT
from connector.core.mapping.targets import MAX_ARN
from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import MAX_EVENTS_PER_CALL


class Use(NamedTuple):
    """So many of at most so many; the unit is said where it is no character."""

    used: int
    most: int
    unit: str

    @property
    def fits(self) -> bool:
        """Whether the service takes it."""
        return self.used <= self.most

    def __str__(self) -> str:
        return f"{self.used:,} of {self.most:,}" + ("" if self.unit == "characters" else f" {self.unit}")


MAX_ITEMS = 25
_CHARACTERS: Mapping[str, int] = {
    **dict.fromkeys(("sessionId", "userId", "trackingId", "eventType", "eventId", "itemId", "actionId"), MAX_TEXT),
    "datasetArn": MAX_ARN,
    "recommendationId": 40,
    "eventAttributionSource": 1_024,
}


def use_of(member: str, value: Any, operation: Operation = PUT_EVENTS) -> Use | None:
    """What a member's value uses of its limit; None where it has no limit of length."""
    if member == "impression" and isinstance(value, list):
        items = Use(len(value), MAX_ITEMS, "items")
        if operation is not PUT_EVENTS:
            return items
        joined = Use(
            sum(len(str(item)) for item in value) + max(len(value) - 1, 0), MAX_JOINED_IMPRESSION, "characters"
        )
        return max(items, joined, key=lambda use: use.used / use.most)
    most = KINDS[operation].properties if member == "properties" else _CHARACTERS.get(member)
    return None if most is None or not isinstance(value, str) else Use(len(value), most, "characters")


def use_of_event(event: Mapping[str, Any]) -> Use:
    """What an event of a call uses of the bytes that an event may have."""
    return Use(len(orjson.dumps(event)), MAX_EVENT_BYTES, "bytes")


def use_of_call(entries: int, operation: Operation = PUT_EVENTS) -> Use:
    """What a call uses of the entries that it may hold."""
    return Use(entries, MAX_EVENTS_PER_CALL, operation.nouns)
