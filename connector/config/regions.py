"""AWS regions, as the AWS SDK in this environment knows them: no network, and no import of the SDK.

A region that is misspelt looks like an outage that never ends. What cannot be a region is a mistake; one that the SDK
does not know, or not for Personalize, may be newer than the SDK, and is only worth a warning.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import orjson

from connector.core.words import suggest

_SHAPE = re.compile(r"[a-z]{2,8}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")


class Doubt(NamedTuple):
    """What is wrong with a region; ``sure`` where it cannot be right."""

    message: str
    hint: str | None
    sure: bool


class _Known(NamedTuple):
    regions: frozenset[str] = frozenset()
    personalize: frozenset[str] = frozenset()


@cache
def _known() -> _Known:
    """From the SDK's own list; nothing where there is none."""
    spec = find_spec("botocore")
    folders = spec.submodule_search_locations if spec else None
    try:
        content = orjson.loads(Path(*(folders or ()), "data", "endpoints.json").read_bytes())
        regions, personalize = set[str](), set[str]()
        for partition in content["partitions"]:
            regions.update(partition["regions"])
            personalize.update(partition["services"].get("personalize", {}).get("endpoints", {}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # another SDK than the one that we know
        return _Known()
    return _Known(frozenset(regions), frozenset(personalize))


def doubt_about(region: str, *, personalize: bool) -> Doubt | None:
    """None where the region is fine; ``personalize``: whether it has to offer Personalize, too."""
    known = _known()
    if region not in known.regions:
        hint = suggest(region.strip().lower(), sorted(known.regions))
        if not _SHAPE.fullmatch(region):
            return Doubt("expected the name of an AWS region, such as eu-west-1", hint, sure=True)
        if known.regions:
            return Doubt("expected an AWS region that the AWS SDK knows", hint, sure=False)
    if personalize and known.personalize and region in known.regions - known.personalize:
        listed = "see where Personalize is offered in the AWS documentation"
        return Doubt("expected a region that the AWS SDK lists for Amazon Personalize", listed, sure=False)
    return None
