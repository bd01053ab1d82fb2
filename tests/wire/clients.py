"""Clients whose calls a test makes one by one."""

import asyncio
import socket

from connector.aws.calls import EventsClient
from connector.aws.credentials import Account, Role
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Outcome, Retryable

ROLE = Role("arn:aws:iam::123456789012:role/events", "external-1", "me-1")


class InOneLoop:
    """A client whose calls are made one after the other, or some at once, in a loop of its own."""

    def __init__(self, client: EventsClient) -> None:
        self.client = client
        self._runner = asyncio.Runner()

    def send(self, batch: Batch) -> Outcome:
        return self.send_all([batch])[0]

    def send_all(self, batches: list[Batch]) -> list[Outcome]:
        async def all_at_once() -> list[Outcome]:
            return await asyncio.gather(*map(self.client.send, batches))

        return self._runner.run(all_at_once())

    def close(self) -> None:
        self.client.close()
        self._runner.run(asyncio.sleep(0))  # what is aborted is closed in the next turn
        self._runner.close()


OPENED: list[InOneLoop] = []  # closed after each test, see conftest.py


def new_client(url: str | None, *, timeout: float = 5.0, role: Role | None = None) -> InOneLoop:
    OPENED.append(InOneLoop(EventsClient(Account(None, url, role), timeout)))
    return OPENED[-1]


def bare(outcome: Outcome) -> Outcome:
    """Without the detail, which names a port."""
    return outcome._replace(detail="") if isinstance(outcome, Retryable) else outcome


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
