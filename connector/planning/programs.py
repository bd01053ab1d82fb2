"""The report as JSON, for programs. Members are only ever added."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.core.operations import PUT_EVENTS
from connector.planning.consequences import Plan, newly_over, over_quota, unseen
from connector.planning.findings import Findings, Group, Place, Seen
from connector.planning.masks import Masks
from connector.planning.sections import per_call
from connector.planning.sides import Kinds, Side
from connector.planning.wording import alarms

Json = dict[str, Any]


def as_json(plan: Plan, masks: Masks, failed: Sequence[str]) -> Json:
    """Everything that the text says, and each version's file by its hash."""
    old, new, found = plan.comparison.old, plan.comparison.new, plan.comparison.found
    return {
        "old": _side(old),
        "new": _side(new),
        "alarms": list(alarms(plan)),
        "failed_on": list(failed),
        "records": {"compared": found.records, "changed": found.changed, "unread": found.unread},
        "event_ids": {"changed": found.changed_ids, "compared": found.compared_events},
        "events": {"changed": found.changed_events, "added": found.added, "removed": found.removed},
        "members": _members(found, masks),
        "newly": {kind: [_group(*each) for each in groups.items()] for kind, groups in found.newly.items()},
        "other_reasons": [_group(*each) for each in found.reasons.items()],
        "rules": [
            {
                "old": {"pipeline": moved.old[0], "rule": moved.old[1]},
                "new": {"pipeline": moved.new[0], "rule": moved.new[1]},
                "records": seen.count,
                "first": _place(seen.place),
            }
            for moved, seen in found.rules.items()
        ],
        "seconds": found.seconds,
        "newly_over_quota": len(newly_over(plan)),
        "unseen_rules": unseen(plan),
        "settings": [each._asdict() for each in plan.settings],
    }


def _side(side: Side) -> Json:
    return {
        "name": side.name,
        "config_hash": side.loaded.hash,
        "outcomes": dict(sorted(side.outcomes.items())),
        "events": side.calls.events,
        "calls": side.calls.calls,
        "events_per_call": round(per_call(side), 3),
        "repeated_event_ids": side.repeated,
        "others": [
            {"operation": operation.name, "entries": count.events, "calls": count.calls}
            for operation, count in side.by_operation.items()
            if operation is not PUT_EVENTS
        ],
        "trackers": [_kinds(kinds) for kinds in side.kinds.values()],
    }


def _kinds(kinds: Kinds) -> Json:
    """Counts only: the names may come out of records."""
    columns = len(kinds.columns) + 1
    counts = {"event_types": len(kinds.types), "columns": columns, "together": kinds.together}
    return {**counts, "over_quota": over_quota(kinds)}


def _members(found: Findings, masks: Masks) -> list[Json]:
    return [
        {
            "member": masks.name(name),
            "events": each.count,
            "example": {
                "old": masks.value(each.example.old),
                "new": masks.value(each.example.new),
                "rule": each.rule,
                **_place(each.place),
            },
        }
        for name, each in found.members.items()
    ]


def _group(group: Group, seen: Seen) -> Mapping[str, Any]:
    return {**group._asdict(), "records": seen.count, "first": _place(seen.place)}


def _place(place: Place) -> Json:
    if place.line is not None:
        return {"line": place.line}
    return {"topic": place.topic, "partition": place.partition, "offset": place.offset}
