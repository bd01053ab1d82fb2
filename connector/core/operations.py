"""The operations of Amazon Personalize's Events service, one row each.

Names are those of the service model (``personalize-events``, 2018-03-22); rates are the published quotas of a dataset
group. Those of the two action operations are not published, so they are taken to be like those of users and items.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """One operation. Rows are compared by identity, which is what a key of every entry has to be quick at.

    Attributes:
        name: as AWS calls it, ``PutUsers``.
        action: as rules call it, and metrics: ``put_users``.
        target: the member of a call that says where its entries go: ``trackingId`` or ``datasetArn``.
        setting: the setting under ``personalize`` that gives it where a rule does not.
        entries: the member of a call that has the list of one to ten entries.
        noun, nouns: what an entry is, in messages.
        identity: the member by which an entry replaces an earlier one, None where entries add up.
        rate: calls a second.
    """

    name: str
    action: str
    target: str
    setting: str
    entries: str
    noun: str
    nouns: str
    identity: str | None
    rate: float


PUT_EVENTS = Operation(
    "PutEvents", "put_events", "trackingId", "tracking_id", "eventList", "event", "events", None, 1000.0
)
PUT_USERS = Operation(
    "PutUsers", "put_users", "datasetArn", "users_dataset_arn", "users", "user", "users", "userId", 10.0
)
PUT_ITEMS = Operation(
    "PutItems", "put_items", "datasetArn", "items_dataset_arn", "items", "item", "items", "itemId", 10.0
)
PUT_ACTIONS = Operation(
    "PutActions", "put_actions", "datasetArn", "actions_dataset_arn", "actions", "action", "actions", "actionId", 10.0
)
PUT_ACTION_INTERACTIONS = Operation(
    "PutActionInteractions",
    "put_action_interactions",
    "trackingId",
    "tracking_id",
    "actionInteractions",
    "action interaction",
    "action interactions",
    None,
    10.0,
)

OPERATIONS = (PUT_EVENTS, PUT_USERS, PUT_ITEMS, PUT_ACTIONS, PUT_ACTION_INTERACTIONS)
BY_ACTION: Mapping[str, Operation] = {each.action: each for each in OPERATIONS}
BY_NAME: Mapping[str, Operation] = {each.name: each for each in OPERATIONS}


def short_name(target: str) -> str:
    """What a target is called for people: ``shop/ITEMS`` for a dataset's ARN, without region and account."""
    _, arn, name = target.partition(":dataset/")
    return name if arn else target
