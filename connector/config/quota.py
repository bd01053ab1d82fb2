"""Warns of more event types and columns than the service's quota allows: PutEvents takes such events, training fails.

Only what the file names is counted, which may be less than what it makes. Each tracking id may stand for a dataset
group of its own. Of users, items and actions the columns of each dataset are counted; for action interactions no quota
is published.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connector.config.located import Located
from connector.config.models import PersonalizeConfig
from connector.config.problems import Problem
from connector.core.mapping.specs import (
    Case,
    Const,
    Else,
    From,
    PipelineSpec,
    PutActionsSpec,
    PutEventsSpec,
    PutItemsSpec,
    PutUsersSpec,
)
from connector.core.operations import PUT_ACTIONS, PUT_ITEMS, PUT_USERS, Operation

TOGETHER = 10  # distinct event types, and optional columns of the interactions schema
CUSTOM = 5  # columns that are not the service's own
COLUMNS: Mapping[Operation, int] = {PUT_USERS: 25, PUT_ITEMS: 100, PUT_ACTIONS: 10}  # beside the id

_TEXT = re.compile(r"\s*'([^'\\]*)'\s*")
_LEAVE_OUT = "a dataset has no more columns: leave properties out"
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
    """One warning for each tracking id and each dataset, at the rule that goes beyond a quota."""
    yield from _of_datasets(pipelines, located)
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


def _of_datasets(pipelines: Mapping[int, PipelineSpec], located: Located) -> Iterator[Problem]:
    counts: dict[tuple[Operation, str | None], set[str]] = {}
    for index, pipeline in pipelines.items():
        for number, rule in enumerate(pipeline.rules):
            operation, put = rule.operation, rule.put
            if operation is None or not isinstance(put, PutUsersSpec | PutItemsSpec | PutActionsSpec):
                continue
            if not isinstance(put.datasetArn, Const | None):
                continue
            dataset = None if put.datasetArn is None else str(put.datasetArn.const)
            counted, most = counts.setdefault((operation, dataset), set()), COLUMNS[operation]
            before = len(counted)
            counted.update(put.properties if isinstance(put.properties, dict) else ())
            if before <= most < len(counted):
                path = ("pipelines", index, "rules", number, operation.action, "properties")
                message = f"expected at most {most} properties of {operation.nouns} in all rules, not {len(counted)}"
                yield located.at_key(path, "over-quota", message, _LEAVE_OUT)._replace(severity="warning")


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
