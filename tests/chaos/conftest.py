"""Three brokers for the whole suite, mended after every test; a seed a test; and the figures at the end."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.sizes import SEED, SIZE
from tests.chaos.world import World
from tests.support.forked.starting import SWITCH
from tests.support.kafka.admin import Kafka
from tests.support.kafka.broker import KafkaCluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_FIGURES = "chaos"


@pytest.fixture(autouse=True)
def _processes_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here they start as they do anywhere else: none is forked from one that has started before."""
    monkeypatch.setenv(SWITCH, "0")


@pytest.fixture(scope="session")
def _cluster(kafka_jars: Path) -> Iterator[KafkaCluster]:
    del kafka_jars  # that they are there is enough
    properties = {"group.min.session.timeout.ms": "1000", "offsets.topic.num.partitions": "1"}
    with KafkaCluster(3, properties=properties) as cluster:
        yield cluster


@pytest.fixture
def brokers(_cluster: KafkaCluster) -> Iterator[KafkaCluster]:
    """Three nodes that run; whatever is done to them, the next test finds all three."""
    yield _cluster
    for node in _cluster.nodes:
        node.start()
    _cluster.wait_until_ready()


@pytest.fixture
def chance() -> random.Random:
    """The scenario's own chance, from the seed of the run."""
    print(f"CHAOS_SEED={SEED} CHAOS_SIZE={SIZE:g}")  # noqa: T201  pytest shows it where a test fails
    return random.Random(SEED)


@pytest.fixture
def make_world(brokers: KafkaCluster, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """A function that makes a `World` with its keyword arguments, for this test alone."""
    with ExitStack() as worlds:
        kafka = Kafka(brokers.bootstrap_servers, brokers.admin_servers)

        def make(**options: Any) -> World:
            return worlds.enter_context(World(kafka, tmp_path, SEED, **options))

        yield make


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[..., None]:
    """A function that notes figures for the summary."""

    def note(**figures: Any) -> None:
        text = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
        request.node.user_properties.append((_FIGURES, text))

    return note


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = [
        f"{report.nodeid.rpartition('::')[2]}: {text}"
        for report in terminalreporter.getreports("passed")
        if report.when == "call"
        for name, text in report.user_properties
        if name == _FIGURES
    ]
    if lines:
        terminalreporter.section(f"chaos: CHAOS_SEED={SEED} CHAOS_SIZE={SIZE:g}")
        for line in lines:
            terminalreporter.line(line)
