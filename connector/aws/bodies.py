"""The body of a call, joined from the JSON that its entries hold already."""

import orjson

from connector.core.operations import OPERATIONS, PUT_EVENTS
from connector.core.sending.lanes import Batch

_MEMBERS = {each: (each.target.encode(), each.entries.encode()) for each in OPERATIONS}


def body(batch: Batch) -> bytes:
    """The request's JSON.

    User and session belong to a whole call of PutEvents; every other operation has them, if at all, in each entry.
    """
    entries = b",".join([item.entry.body for item in batch.items])
    if batch.operation is not PUT_EVENTS:
        target, list_of = _MEMBERS[batch.operation]
        return b'{"%b":%b,"%b":[%b]}' % (target, orjson.dumps(batch.target), list_of, entries)
    user = b"" if batch.user_id is None else b'"userId":%b,' % orjson.dumps(batch.user_id)
    return b'{"trackingId":%b,%b"sessionId":%b,"eventList":[%b]}' % (
        orjson.dumps(batch.target),
        user,
        orjson.dumps(batch.lane),
        entries,
    )
