"""Batches to send, and the records they are made of."""

from connector.core.operations import (
    PUT_ACTION_INTERACTIONS,
    PUT_ACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)
from connector.core.records import Entry, Record, TopicPartition
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.offsets import OpenRecord, PartitionOffsets

BODY = b'{"eventType":"View","sentAt":1700000000,"itemId":"i-1"}'


def opened(record: Record | None = None) -> OpenRecord:
    record = record or Record("clicks", 0, 0, None, None, b"{}")
    fresh = PartitionOffsets(TopicPartition(record.topic, record.partition)).track(record)
    assert fresh is not None
    return fresh


def batch(
    *bodies: bytes, tracking_id: str = "tracker-1", session_id: str = "s-1", user_id: str | None = "u-1"
) -> Batch:
    items = tuple(Item(Entry(tracking_id, session_id, user_id, each), opened(), 0.0) for each in bodies or (BODY,))
    return Batch(tracking_id, session_id, user_id, items)


ARN = "arn:aws:personalize:eu-west-1:111122223333:dataset/shop/ITEMS"
BODIES = {
    PUT_EVENTS: BODY,
    PUT_USERS: b'{"userId":"u-1","properties":"{\\"tier\\":\\"gold\\"}"}',
    PUT_ITEMS: b'{"itemId":"i-1","properties":"{\\"price\\":9.5}"}',
    PUT_ACTIONS: b'{"actionId":"a-1"}',
    PUT_ACTION_INTERACTIONS: b'{"actionId":"a-1","sessionId":"s-1","timestamp":1700000000,"eventType":"Taken"}',
}


def batch_of(operation: Operation, *bodies: bytes, target: str | None = None) -> Batch:
    """A call of any operation; of PutEvents it is that of ``batch``."""
    if operation is PUT_EVENTS:
        return batch(*bodies, tracking_id=target or "tracker-1")
    target = target or (ARN if operation.target == "datasetArn" else "tracker-1")
    entries = [Entry(target, "i-1", None, each, operation=operation) for each in bodies or (BODIES[operation],)]
    return Batch(target, "", None, tuple(Item(each, opened(), 0.0) for each in entries), operation=operation)
