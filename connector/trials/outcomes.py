"""What became of a record, in the form that a file says it in."""

from typing import Any, NamedTuple, assert_never

import orjson

from connector.core.operations import OPERATIONS, PUT_EVENTS, Operation
from connector.core.records import Entry, Failed, Fate, Filtered, Rejection, Skipped, Transformed

Event = dict[str, Any]  # or a user, an item, an action, an action interaction
TARGETS = frozenset(operation.target for operation in OPERATIONS)


class Outcome(NamedTuple):
    """The fate of a record: its events, and why it was skipped, filtered or rejected, if it was.

    ``operation`` is what sends them. ``failed`` are the conditions that could not be evaluated.
    """

    events: tuple[Event, ...] = ()
    skipped: str | None = None
    filtered: bool = False
    rejection: Rejection | None = None
    rule: str | None = None
    failed: Failed = ()
    operation: Operation = PUT_EVENTS

    @property
    def kind(self) -> str:
        """What a file calls it."""
        if self.rejection is not None:
            return "rejected"
        return "filtered" if self.filtered else "events" if self.skipped is None else "skipped"


def outcome_of(fate: Fate) -> Outcome:
    """The fate in the words of a file."""
    match fate:
        case Transformed(_, rule, entries, rejection, failed):
            operation = next((entry.operation for entry in entries), PUT_EVENTS)
            events = tuple(map(_event, entries))
            return Outcome(events, rejection=rejection, rule=rule, failed=failed, operation=operation)
        case Skipped(reason, rule, _, failed):
            return Outcome(skipped=str(reason), rule=rule, failed=failed)
        case Filtered(failed):
            return Outcome(filtered=True, failed=failed)
        case Rejection():
            return Outcome(rejection=fate, rule=fate.rule, failed=fate.failed)
        case _:
            assert_never(fate)


def _event(entry: Entry) -> Event:
    """The members by the names that a mapping gives them, in the order of a mapping."""
    event = orjson.loads(entry.body)
    if "properties" in event:
        event["properties"] = orjson.loads(event["properties"])
    event |= event.pop("metricAttribution", {})
    shared: Event = {entry.operation.target: entry.target}
    if entry.operation is PUT_EVENTS:
        shared |= {"sessionId": entry.lane, "userId": entry.user_id}
    return {name: value for name, value in {**shared, **event}.items() if value is not None}


def id_of(event: Event) -> Any:
    """By what an event is known among those of a record: its id, or that of the user, item or action that it is."""
    if "eventType" in event:
        return event.get("eventId")
    return next((event[each.identity] for each in OPERATIONS if each.identity in event), event.get("eventId"))
