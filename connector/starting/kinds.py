"""Names of events become event types: known ones those that Personalize's recipes expect, others in their own words."""

import re
from collections.abc import Mapping

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Not interest in an item, or the opposite of it. Personalize takes every event for interest.
_NOT_INTEREST = (
    "remove removed delete deleted refund refunded cancel cancelled canceled return returned unlike dislike checkout "
    "login logout signin signup identify error heartbeat ping scroll session down downvote pause paused stop stopped"
)
_LISTS = frozenset({"list", "impression", "impressions", "collection", "category", "search", "results", "shown"})
_WORDS: Mapping[str, str] = {
    "Purchase": "purchase purchased buy bought order ordered transaction sale sold paid payment",
    "AddToCart": "cart basket addtocart bag added",
    "Click": "click clicked select selected tap tapped clickthrough",
    "Watch": "watch watched play played stream streamed listen listened",
    "View": "view viewed pageview detail details seen visit visited open opened read",
}


def words_of(name: str) -> list[str]:
    """The words of a name, however they are joined."""
    return [word.lower() for word in _WORD.findall(name)]


def known(name: str) -> str | None:
    """The event type of a name that is known; None of all others, and of those that are no interest."""
    words = set(words_of(name))
    if not words or is_not_interest(name):
        return None
    if words & _LISTS and words & {"view", "viewed", "impression", "impressions", "shown", "results", "seen", "search"}:
        return "ListView"
    return next((kind for kind, of_kind in _WORDS.items() if words & set(of_kind.split())), None)


def is_not_interest(name: str) -> bool:
    """Whether an event of this name says nothing good about an item."""
    return not set(_NOT_INTEREST.split()).isdisjoint(words_of(name))


def own(name: str) -> str:
    """A type for a name that is not known: its words, joined."""
    joined = "".join(word.capitalize() for word in words_of(name))[:60]
    return "Other" if joined.lower() in {"", "null", "undefined", "nan", "none"} else joined
