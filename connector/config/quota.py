"""Warns of more event types and columns than the service's quota allows: PutEvents takes such events, training fails.

Only what the file names is counted, which may be less than what it makes. Each tracking id may stand for a dataset
group of its own.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connector.config.located import Located
from connector.config.models import PersonalizeConfig
from connector.config.problems import Problem
from connector.core.mapping.specs import Case, Const, Else, From, PipelineSpec, PutEventsSpec

TOGETHER = 10  # distinct event types, and optional columns of the interactions schema
CUSTOM = 5  # columns that are not the service's own

_TEXT = re.compile(r"\s*'([^'\\]*)'\s*")
_HINT = "training fails beyond the quota: map several kinds onto one type, or leave properties out"


class _Counted(NamedTuple):
    types: set[str]
    values: set[str]  # EVENT_VALUE, where a rule maps it
    properties: set[str]

    @property
    def together(self) -> int:
        return len(self.types) + len(self.values) + len(self.properties) + 1  # EVENT_TYPE


def check_quota(
    pipelines: Mapping[int, PipelineSpec], personalize: PersonalizeConfig | None, located: Located
) -> Iterator[Problem]:
    """One warning for each tracking id, at the rule that goes beyond a quota."""
    default = personalize.tracking_id if personalize is not None else None
    counts: dict[str | None, _Counted] = {}
    exceeded: set[str | None] = set()
    for index, pipeline in pipelines.items():
        for number, rule in enumerate(pipeline.rules):
            put = rule.put_events
            if put is None or not isinstance(put.trackingId, Const | None):
                continue
            tracker = default if put.trackingId is None else str(put.trackingId.const)
            counted = counts.setdefault(tracker, _Counted(set(), set(), set()))
            found = None if tracker in exceeded else _add(counted, put)
            if found is not None:
                exceeded.add(tracker)
                member, message = found
                path = ("pipelines", index, "rules", number, "put_events", member)
                yield located.at_key(path, "over-quota", message, _HINT)._replace(severity="warning")


def _add(counted: _Counted, put: PutEventsSpec) -> tuple[str, str] | None:
    """Count a rule's names; the member and the message where that goes beyond a quota."""
    counted.types.update(event_types(put.eventType))
    counted.values.update(["EVENT_VALUE"] if put.eventValue is not None else [])
    member = "eventType" if counted.together > TOGETHER else "properties"
    counted.properties.update(put.properties if isinstance(put.properties, dict) else ())
    if counted.together > TOGETHER:
        parts = [_some(len(counted.types), "event type"), "EVENT_TYPE", *counted.values]
        parts += [_some(len(counted.properties), "property")] if counted.properties else []
        listed = f"{', '.join(parts[:-1])} and {parts[-1]}"
        return member, f"expected at most {TOGETHER} event types and columns together, not {counted.together}: {listed}"
    if len(counted.properties) > CUSTOM:
        return (
            "properties",
            f"expected at most {CUSTOM} properties in all rules together, not {len(counted.properties)}",
        )
    return None


def _some(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 else noun.replace('property', 'propertie') + 's'}"


def event_types(spec: Any) -> Iterator[str]:
    """The event types that a field spec names."""
    match spec:
        case str() if text := _TEXT.fullmatch(spec):
            yield text[1]
        case Const(const=value) if value is not None:
            yield str(value)
        case Case(case=arms):
            for arm in arms:
                yield from event_types(arm.else_ if isinstance(arm, Else) else arm.then)
        case From():
            fixed = [*(spec.lookup or {}).values(), spec.default]
            fixed += [spec.otherwise.const] if isinstance(spec.otherwise, Const) else []
            yield from (str(value) for value in fixed if value is not None)
        case _:
            pass
