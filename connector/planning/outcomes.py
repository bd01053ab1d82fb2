"""What became of a record on one side, in a form that can be compared."""

from typing import Any, NamedTuple, assert_never

import orjson

from connector.core.records import Entry, Fate, Filtered, Place, Rejection, Skipped, Transformed

Members = dict[str, Any]
PROPERTIES = "properties."
UNREAD = "unread"  # the topic of the record is none that this version reads


class Event(NamedTuple):
    """One event that would be sent: its members by name, each property as one of its own; its place in the record.

    ``digest`` is that of all that would be sent: equal events have an equal one.
    """

    members: Members
    element: Place | None = None
    digest: int = 0

    @property
    def id(self) -> Any:
        """Its event id."""
        return self.members.get("eventId")


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
    shared = {"trackingId": entry.target, "sessionId": entry.lane, "userId": entry.user_id}
    members = {name: value for name, value in {**shared, **body}.items() if value is not None}
    members |= {f"{PROPERTIES}{name}": value for name, value in properties.items()}
    return Event(members, entry.element, hash(entry[:4]))
