"""A user, an item, an action or an action interaction that passes here is within every limit of the service.

As events.py, for the other four operations; limits are those of the service model (``personalize-events``, 2018-03-22).
``targets.py`` judges where they go.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import orjson
from pydantic import Field, StringConstraints, ValidationError
from pydantic import field_validator as check

from connector.core.mapping.events import (
    ONE_MORE,
    Event,
    Invalid,
    check_event,
    first_problem,
)
from connector.core.mapping.limits import (
    MAX_PROPERTIES,
    RESERVED_PROPERTIES,
    Strict,
    Text,
    is_in_window,
    properties_are_an_object,
    refuse_text_by_accident,
)
from connector.core.operations import (
    PUT_ACTION_INTERACTIONS,
    PUT_ACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)
from connector.core.records import Reason

MAX_USER_PROPERTIES = 24_000  # characters
MAX_ITEM_PROPERTIES = 32_000

Check = Callable[[dict[str, Any], float], "bytes | Invalid"]


def _largest(characters: int) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=characters)


class User(Strict):
    """One user of a PutUsers call: it replaces all that the dataset had of this user."""

    userId: Text  # noqa: N815  the names are the service's, here and below
    properties: Annotated[str, _largest(MAX_USER_PROPERTIES)] | None = None

    _meant = check("userId")(refuse_text_by_accident)
    _object = check("properties")(properties_are_an_object("userid"))


class Item(Strict):
    """One item of a PutItems call: it replaces all that the dataset had of this item."""

    itemId: Text  # noqa: N815
    properties: Annotated[str, _largest(MAX_ITEM_PROPERTIES)] | None = None

    _meant = check("itemId")(refuse_text_by_accident)
    _object = check("properties")(properties_are_an_object("itemid"))


class Action(Strict):
    """One action of a PutActions call: it replaces all that the dataset had of this action."""

    actionId: Text  # noqa: N815
    properties: Annotated[str, _largest(MAX_ITEM_PROPERTIES)] | None = None

    _meant = check("actionId")(refuse_text_by_accident)
    _object = check("properties")(properties_are_an_object("actionid"))


class ActionInteraction(Strict):
    """One entry of a PutActionInteractions call; validate with ``context={"now": unix_seconds}``."""

    actionId: Text  # noqa: N815
    sessionId: Text  # noqa: N815
    eventType: Text  # noqa: N815
    timestamp: int  # whole Unix seconds
    userId: Text | None = None  # noqa: N815
    eventId: Text | None = None  # noqa: N815
    recommendationId: Annotated[str, _largest(40)] | None = None  # noqa: N815
    impression: Annotated[list[Text], Field(min_length=1, max_length=25)] | None = None
    properties: Annotated[str, _largest(MAX_PROPERTIES)] | None = None

    _meant = check("actionId", "sessionId", "eventType", "userId", "eventId", "recommendationId")(
        refuse_text_by_accident
    )
    _in_window = check("timestamp")(is_in_window)
    _object = check("properties")(properties_are_an_object(*RESERVED_PROPERTIES))

    @check("impression")
    @classmethod
    def _items_are_meant(cls, items: list[str] | None) -> list[str] | None:
        for item in items or ():
            refuse_text_by_accident(item)
        return items


class Kind(NamedTuple):
    """What entries of an operation are: the model, the largest properties, and the member that is their time."""

    model: type[Strict]
    properties: int
    time: str | None
    lane: str


KINDS: Mapping[Operation, Kind] = {
    PUT_EVENTS: Kind(Event, MAX_PROPERTIES, "sentAt", "sessionId"),
    PUT_USERS: Kind(User, MAX_USER_PROPERTIES, None, "userId"),
    PUT_ITEMS: Kind(Item, MAX_ITEM_PROPERTIES, None, "itemId"),
    PUT_ACTIONS: Kind(Action, MAX_ITEM_PROPERTIES, None, "actionId"),
    PUT_ACTION_INTERACTIONS: Kind(ActionInteraction, MAX_PROPERTIES, "timestamp", "sessionId"),
}


def _checked_by(operation: Operation, model: type[Strict]) -> Check:
    validate = model.__pydantic_validator__.validate_python

    def checked(entry: dict[str, Any], now: float) -> bytes | Invalid:
        try:
            validate(entry, context={"now": now})
            return orjson.dumps(entry, None, ONE_MORE)[:-1]  # a copy, see check_event
        except ValidationError as error:
            return first_problem(error, entry, operation.noun)
        except orjson.JSONEncodeError:
            # As in check_event: what is left is an integer, and only a time is one.
            return Invalid(Reason.INVALID_VALUE, "timestamp: expected an integer that 64 bits hold", "timestamp")

    return checked


# The entry's JSON, ready to be sent, or the first limit that it is beyond: as ``check_event``.
CHECKS: Mapping[Operation, Check] = {
    operation: check_event if operation is PUT_EVENTS else _checked_by(operation, kind.model)
    for operation, kind in KINDS.items()
}
