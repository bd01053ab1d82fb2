"""One real broker for all integration tests, and clusters of their own for those that break something.

Where there is none to be had, tests are skipped and say what is missing; under ``CI`` they fail, since a ring of
tests that quietly does not run is worse than none.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from tests.support.kafka.admin import Kafka
from tests.support.kafka.broker import KafkaCluster
from tests.support.kafka.find import find_broker
from tests.support.kafka.jars import MissingError, fetch_jars, find_java

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """The shared broker: make topics of your own, and leave the broker as it is."""
    try:
        broker = find_broker()
    except MissingError as missing:
        _do_without(missing)
    try:
        handle = Kafka(broker.bootstrap_servers, broker.admin_servers)
        yield handle
        handle.delete_topics()
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def kafka_jars() -> Path:
    """Where Apache Kafka's jars are, with a Java to run them: for tests that start brokers of their own."""
    try:
        find_java()
        return fetch_jars()
    except MissingError as missing:
        _do_without(missing)


@pytest.fixture
def start_cluster(kafka_jars: Path) -> Iterator[Callable[..., KafkaCluster]]:
    """A function that starts a `KafkaCluster` with its arguments, for this test alone."""
    del kafka_jars  # that they are there is enough
    with ExitStack() as clusters:

        def start(nodes: int = 1, **options: Any) -> KafkaCluster:
            return clusters.enter_context(KafkaCluster(nodes, **options))

        yield start


def _do_without(missing: MissingError) -> NoReturn:
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        pytest.fail(str(missing), pytrace=False)
    pytest.skip(str(missing))
