"""The backends of each contract, and the broker of those that need a real one."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.contract.fetchers import FakeSchemas, FetcherBackend, RealSchemas
from tests.contract.letters import FakeLetters, KafkaLetters, LettersBackend, MockLetters
from tests.contract.senders import EndpointSender, FakeBackend, SenderBackend
from tests.contract.sources import FakeGroup, KafkaGroup, MockGroup, SourceBackend

REAL = pytest.param("kafka", marks=pytest.mark.integration)


@pytest.fixture(params=["fake", "mock", REAL])
def group(request: pytest.FixtureRequest) -> Iterator[SourceBackend]:
    """A consumer group of a topic with two partitions."""
    with ExitStack() as closing:
        match request.param:
            case "fake":
                yield FakeGroup()
            case "mock":
                yield closing.enter_context(MockGroup())
            case _:
                yield closing.enter_context(KafkaGroup(request.getfixturevalue("kafka")))


@pytest.fixture(params=["fake", "mock", REAL])
def letters(request: pytest.FixtureRequest) -> Iterator[LettersBackend]:
    """A topic of dead letters that can be made to refuse them."""
    with ExitStack() as closing:
        match request.param:
            case "fake":
                yield FakeLetters()
            case "mock":
                yield closing.enter_context(MockLetters())
            case _:
                yield closing.enter_context(KafkaLetters(request.getfixturevalue("kafka")))


@pytest.fixture(params=["fake", "endpoint"])
def sender(request: pytest.FixtureRequest) -> Iterator[SenderBackend]:
    """What carries calls to a service that can be made to refuse them."""
    if request.param == "fake":
        yield FakeBackend()
        return
    request.getfixturevalue("aws")
    with EndpointSender() as backend:
        yield backend


@pytest.fixture(params=["fake", "registry"])
def registry(request: pytest.FixtureRequest) -> Iterator[FetcherBackend]:
    """Schemas that are fetched from a registry, which can go away or refuse."""
    if request.param == "fake":
        yield FakeSchemas()
        return
    with RealSchemas() as backend:
        yield backend
