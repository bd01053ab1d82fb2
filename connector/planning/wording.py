"""The sentences of the report: what a reviewer must not miss, first."""

from collections.abc import Iterator, Sequence

from connector.planning.consequences import Plan, newly_over, unseen
from connector.planning.settings import is_dataset, is_tracking_id

_LISTED = 5  # rules that a sentence names


def alarms(plan: Plan) -> Iterator[str]:
    """What can do harm, the worst first."""
    found, old, new = plan.comparison.found, plan.comparison.old, plan.comparison.new
    if found.changed_ids:
        yield (
            f"the event ids of {_of(found.changed_ids, found.compared_events, 'event')} change: "
            "events that were sent before and are sent again count twice in training"
        )
    if new.repeated > old.repeated:
        yield (
            f"{_some(new.repeated - old.repeated, 'event')} more {_have(new.repeated - old.repeated)} the id of "
            "another event: Personalize keeps one of each"
        )
    dead = found.total("dead_letter")
    if dead:
        yield f"{_some(dead, 'record')} {_are(dead)} newly dead-lettered"
    gone = sum(found.total(kind) for kind in ("skipped", "filtered", "unread"))
    if gone:
        yield f"{_some(gone, 'record')} {_are(gone)} newly skipped, filtered or not read"
    if found.removed:
        yield f"{_some(found.removed, 'event')} of records that still make others {_are(found.removed)} made no more"
    yield from _of_settings(plan)
    rules = unseen(plan)
    if rules:
        more = f" and {len(rules) - _LISTED} more" if len(rules) > _LISTED else ""
        yield f"no record is taken by what changes in {', '.join(rules[:_LISTED])}{more}: add records that are"
    for _ in newly_over(plan):
        yield "event types and columns go beyond the service's quota: a training fails"


def _of_settings(plan: Plan) -> Iterator[str]:
    if "trackingId" in plan.comparison.found.members or any(is_tracking_id(each.path) for each in plan.settings):
        yield "events go to another event tracker"
    if "datasetArn" in plan.comparison.found.members or any(is_dataset(each.path) for each in plan.settings):
        yield "users, items or actions go to another dataset"
    for each in plan.settings:
        if each.path == "kafka.group_id":
            yield f"the consumer group changes: {each.follows}"


def result(plan: Plan) -> str:
    """One sentence on all records."""
    found = plan.comparison.found
    unread = f"; {_some(found.unread, 'record')} of topics that neither version reads" if found.unread else ""
    if not found.changed:
        what = "no record changes" if plan.settings else "nothing changes"
        made = sum(count.events for count in plan.comparison.new.by_operation.values())
        events = "the same events" if made else "none of which makes an event in either version"
        differ = "; settings differ" if plan.settings else ""
        return f"{what}: {_some(found.records, 'record')}, {events}{differ}{unread}"
    return f"{_of(found.changed, found.records, 'record')} {'changes' if found.changed == 1 else 'change'}{unread}"


def verdict(names: Sequence[str]) -> str:
    """Why the command ends with 1."""
    return f"fails on {', '.join(names)}"


def _some(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _of(count: int, total: int, noun: str) -> str:
    return f"{count:,} of {_some(total, noun)}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
