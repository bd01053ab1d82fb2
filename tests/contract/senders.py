"""Senders to hold the contract of ``ports.Sender`` against: simulated, and the real client with the local endpoint."""

import time
from contextlib import ExitStack
from typing import Protocol, Self

from connector.aws.calls import EventsClient
from connector.aws.credentials import Account
from connector.aws.sender import SenderThread
from connector.core.sending.outcomes import Retryable, Status
from connector.local.endpoint.server import running_endpoint
from connector.ports import Sender
from tests.support.fakes import Clock, FakeSender

FULL_TIMEOUT = 60.0  # seconds that a call may take; none does


class SenderBackend(Protocol):
    @property
    def sender(self) -> Sender: ...

    def fail(self) -> None:
        """The service answers every call with an error of its own from now on."""

    def received(self) -> int:
        """Events that the service has accepted."""

    def now(self) -> float:
        """Seconds that never go back."""


class FakeBackend:
    def __init__(self) -> None:
        self._clock = Clock()
        self.sender = FakeSender(self._clock)

    def fail(self) -> None:
        self.sender.outcome = lambda _: Retryable("InternalFailure", Status.SERVER_ERROR)

    def received(self) -> int:
        return len(self.sender.delivered)

    def now(self) -> float:
        return self._clock.now


class EndpointSender(ExitStack):
    """The client that the connector runs with, and the local endpoint in its own thread."""

    def __enter__(self) -> Self:
        self._endpoint = self.enter_context(running_endpoint())
        self.sender = SenderThread(EventsClient(Account(None, self._endpoint.url), FULL_TIMEOUT))
        self.callback(self.sender.close)
        return self

    def fail(self) -> None:
        self._endpoint.control({"fail_rate": 1})

    def received(self) -> int:
        count: int = self._endpoint.stats()["events"]
        return count

    def now(self) -> float:
        return time.monotonic()
