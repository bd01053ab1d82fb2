"""The datasets that the service imports from files, one row each.

Names, required and reserved columns and limits are those of the developer guide ("Custom dataset and schema
requirements"). Columns that an entry's properties make are named as the service names them the other way round:
``properties`` has ``numRatings``, the dataset ``NUM_RATINGS``.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from connector.core.operations import (
    PUT_ACTION_INTERACTIONS,
    PUT_ACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)

AvroType = Literal["string", "long", "float", "double", "boolean"]


class Reserved(NamedTuple):
    """A column whose name and type the service gives."""

    column: str
    type: AvroType
    nullable: bool = True


class Dataset(NamedTuple):
    """One dataset.

    Attributes:
        name: as ``--dataset`` takes it, and as files begin.
        record: the name of the record in the schema.
        operation: whose entries are its rows.
        fixed: columns that each row has, each with the entry's member; the first is the id or the user.
        members: other members that are columns.
        reserved: columns of properties whose type the service gives.
        most_own: how many columns of properties a schema may have.
        job: the type of the dataset, in the words of the command line of AWS.
        floats: columns of properties whose numbers have to be float where the group has a domain.
    """

    name: str
    record: str
    operation: Operation
    fixed: tuple[tuple[str, Reserved], ...]
    members: Mapping[str, Reserved]
    reserved: Mapping[str, Reserved]
    most_own: int
    job: str
    floats: frozenset[str] = frozenset()

    @property
    def adds_up(self) -> bool:
        """Whether each entry is a row; else the newest version of an id is the only one."""
        return self.operation.identity is None

    @property
    def noun(self) -> str:
        """What a row's second column names: an item or an action."""
        return "item" if self.operation is PUT_EVENTS else "action"


def _text(column: str) -> Reserved:
    return Reserved(column, "string", nullable=False)


_SEEN = {"impression": Reserved("IMPRESSION", "string"), "recommendationId": Reserved("RECOMMENDATION_ID", "string")}
_TIME = Reserved("TIMESTAMP", "long", nullable=False)
_CREATED = {"CREATION_TIMESTAMP": Reserved("CREATION_TIMESTAMP", "long")}

INTERACTIONS = Dataset(
    "interactions",
    "Interactions",
    PUT_EVENTS,
    (
        ("userId", _text("USER_ID")),
        ("itemId", _text("ITEM_ID")),
        ("sentAt", _TIME),
        ("eventType", _text("EVENT_TYPE")),
    ),
    {
        "eventValue": Reserved("EVENT_VALUE", "float"),
        **_SEEN,
        "metricAttribution": Reserved("EVENT_ATTRIBUTION_SOURCE", "string"),
    },
    {},
    5,
    "Interactions",
)
USERS = Dataset("users", "Users", PUT_USERS, (("userId", _text("USER_ID")),), {}, {}, 25, "Users")
ITEMS = Dataset(
    "items",
    "Items",
    PUT_ITEMS,
    (("itemId", _text("ITEM_ID")),),
    {},
    _CREATED,
    100,
    "Items",
    frozenset({"PRICE"}),  # of the domain ECOMMERCE
)
ACTIONS = Dataset(
    "actions",
    "Actions",
    PUT_ACTIONS,
    (("actionId", _text("ACTION_ID")),),
    {},
    {
        **_CREATED,
        "VALUE": Reserved("VALUE", "long"),
        "ACTION_EXPIRATION_TIMESTAMP": Reserved("ACTION_EXPIRATION_TIMESTAMP", "long"),
        "REPEAT_FREQUENCY": Reserved("REPEAT_FREQUENCY", "long"),
    },
    10,
    "Actions",
)
ACTION_INTERACTIONS = Dataset(
    "action-interactions",
    "ActionInteractions",
    PUT_ACTION_INTERACTIONS,
    (
        ("userId", _text("USER_ID")),
        ("actionId", _text("ACTION_ID")),
        ("timestamp", _TIME),
        ("eventType", _text("EVENT_TYPE")),
    ),
    _SEEN,
    {},
    5,
    "Action_Interactions",
)

DATASETS: Mapping[str, Dataset] = {
    each.name: each for each in (INTERACTIONS, USERS, ITEMS, ACTIONS, ACTION_INTERACTIONS)
}
