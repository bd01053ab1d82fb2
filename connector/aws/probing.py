"""Asks an operation whether it would take calls, with a signed call of no entry, so that nothing can be recorded.

The service refuses a call without entries as invalid. It refuses unknown credentials before that, as every call's, so
"invalid" is the good answer: the way there, TLS and the signature are right.
"""

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

import orjson

from connector.aws.calls import EventsClient
from connector.aws.connection import Response
from connector.aws.credentials import (
    CONNECT_TIMEOUT,
    Account,
    client_config,
    find_credentials,
    new_session,
    session_of,
)
from connector.core.operations import Operation
from connector.core.records import Entry
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.outcomes import Outcome

SESSION: Final = "putevents-check"  # of what is sent here, so that whoever finds it knows where it comes from


class Probed(NamedTuple):
    """How a call ended. ``skew``: seconds by which this machine is ahead of the service, None where that is unknown."""

    outcome: Outcome
    skew: float | None = None


class Probe(EventsClient):
    """A client for single calls; as ``EventsClient``.

    ``found_by`` is how boto3's chain found the credentials, in its own word.
    """

    def __init__(self, account: Account, timeout: float) -> None:
        super().__init__(account, timeout)
        self._date: str | None = None
        session = new_session(account.region, self._config)
        self.found_by = str(getattr(find_credentials(session, None), "method", "") or "")

    def empty(self, operation: Operation, target: str) -> Probed:
        """Send a call without entries."""
        return self._once(Batch(target, SESSION, None, (), operation=operation))

    def event(self, tracking_id: str, event_type: str) -> Probed:
        """Send one event of this type, without a user and without an item."""
        now = time.time()
        event = {"eventType": event_type, "eventId": f"{SESSION}-{int(now * 1000)}", "sentAt": int(now)}
        entry = Entry(tracking_id, SESSION, None, orjson.dumps(event))
        opened: Any = None  # no record is behind it
        return self._once(Batch(tracking_id, SESSION, None, (Item(entry, opened, 0.0),)))

    def _once(self, batch: Batch) -> Probed:
        self._date = None
        before = time.time()

        async def call() -> Outcome:
            try:
                return await self.send(batch)
            finally:
                self.close()

        outcome = asyncio.run(call())
        return Probed(outcome, skew(self._date, before, time.time()))

    def _meaning(self, response: Response, operation: Operation) -> Outcome:
        self._date = response.headers.get("date")
        return super()._meaning(response, operation)


def skew(date: str | None, before: float, after: float) -> float | None:
    """Seconds by which this machine is ahead of whoever wrote a Date header between two moments; 0 if it may be right.

    The header has whole seconds.
    """
    try:
        there = parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return None
    stamp = there.timestamp()
    return min(0.0, after - stamp) + max(0.0, before - stamp - 1)


def identity(account: Account) -> str:
    """Who the calls are made as, according to AWS (STS); "" where it does not say.

    No right is needed to ask, but a way to STS, which a process that only sends entries need not have.
    """
    config = client_config(CONNECT_TIMEOUT)
    try:
        session = session_of(account, config)
        client: Any = session.create_client("sts", config=config)
        answer = client.get_caller_identity()
    except Exception:  # noqa: BLE001  whatever it is, the empty call decides
        return ""
    return str(answer.get("Arn", ""))
