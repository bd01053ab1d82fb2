"""What became of a record on one side, in a form that can be compared."""

from typing import Any, NamedTuple, assert_never

import orjson

from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import Entry, Fate, Filtered, Place, Rejection, Skipped, Transformed

Members = dict[str, Any]
PROPERTIES = "properties."
UNREAD = "unread"  # the topic of the record is none that this version reads


class Event(NamedTuple):
    """One event that would be sent: its members by name, each property as one of its own; its place in the record.

    ``digest`` is that of all that would be sent: equal events have an equal one. It may be a user, an item, an action
    or an action interaction as well, by its ``operation``.
    """

    members: Members
    element: Place | None = None
    digest: int = 0
    operation: Operation = PUT_EVENTS

    @property
    def id(self) -> Any:
        """Its event id; None for what has none."""
        return self.members.get("eventId")

    @property
    def key(self) -> Any:
        """By what it is known among those of its record: the event id, or that of the user, item or action."""
        return self.members.get(self.operation.identity or "eventId")


class Outcome(NamedTuple):
    """Events, or why there are none; both for a record of which some events are invalid.

    ``kind`` is what became of the record as a whole: delivered, dead_letter, skipped, filtered, unread.
    """

    kind: str
    events: tuple[Event, ...] = ()
    pipeline: str | None = None
    rule: str | None = None
    reason: str | None = None
    member: str | None = None


def outcome_of(fate: Fate | None) -> Outcome:
    """The fate; None stands for a record whose topic is not read."""
    match fate:
        case None:
            return Outcome(UNREAD)
        case Transformed(pipeline, rule, entries, rejection):
            events = tuple(map(_event, entries))
            if rejection is None:
                return Outcome("delivered", events, pipeline, rule)
            return Outcome("dead_letter", events, pipeline, rule, str(rejection.reason), rejection.field)
        case Skipped(reason, rule, pipeline):
            return Outcome("skipped", (), pipeline, rule, str(reason))
        case Filtered():
            return Outcome("filtered")
        case Rejection():
            return Outcome("dead_letter", (), fate.pipeline, fate.rule, str(fate.reason), fate.field)
        case _:
            assert_never(fate)


def _event(entry: Entry) -> Event:
    """The members by the names that a mapping gives them."""
    body = orjson.loads(entry.body)
    properties = orjson.loads(body.pop("properties", "{}"))
    body |= body.pop("metricAttribution", {})
    shared: Members = {entry.operation.target: entry.target}
    if entry.operation is PUT_EVENTS:
        shared |= {"sessionId": entry.lane, "userId": entry.user_id}
    members = {name: value for name, value in {**shared, **body}.items() if value is not None}
    members |= {f"{PROPERTIES}{name}": value for name, value in properties.items()}
    return Event(members, entry.element, hash(entry[:4]), entry.operation)
