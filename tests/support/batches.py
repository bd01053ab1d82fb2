"""Batches to send, and the records they are made of."""

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
