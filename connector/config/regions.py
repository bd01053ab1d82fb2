"""AWS regions, as the AWS SDK in this environment knows them: no network, and no import of the SDK.

A region that is misspelt looks like an outage that never ends. What cannot be a region is an error. A region that
the SDK does not know, or does not list for Personalize, may be newer than the SDK: that is a warning.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import orjson

from connector.core.words import suggest

_SHAPE = re.compile(r"[a-z]{2,8}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")


class RegionProblem(NamedTuple):
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


def region_problem(region: str, *, personalize: bool) -> RegionProblem | None:
    """None where the region is fine; ``personalize``: whether it has to offer Personalize, too."""
    known = _known()
    if region not in known.regions:
        hint = suggest(region.strip().lower(), sorted(known.regions))
        if not _SHAPE.fullmatch(region):
            return RegionProblem("expected the name of an AWS region, such as eu-west-1", hint, sure=True)
        if known.regions:
            return RegionProblem("expected a region that the installed AWS SDK knows", hint, sure=False)
    if personalize and known.personalize and region in known.regions - known.personalize:
        listed = "check the list of regions in the documentation of Amazon Personalize"
        return RegionProblem(
            "expected a region where, by the installed AWS SDK, Amazon Personalize is offered", listed, sure=False
        )
    return None
