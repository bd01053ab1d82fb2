"""Where the real broker comes from: the first of three ways that works, always in this order.

1. ``KAFKA_BOOTSTRAP_SERVERS``: one that is there already.
2. testcontainers, when a container engine answers on this machine.
3. Apache Kafka's own jars, from Maven Central, on this machine's JDK.

A way that does not work says why and the next one is tried: only all three together are a reason to skip.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.kafka.broker import KafkaCluster
from tests.support.kafka.jars import INSTALL_HINT, MissingError
from tests.support.kafka.rehearsal import rehearse

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Broker:
    """A broker that runs.

    Attributes:
        bootstrap_servers: for tests.
        admin_servers: for fixtures; never secured.
        origin: where it came from, for people.
        stop: ends it, if it is ours.
    """

    bootstrap_servers: str
    admin_servers: str
    origin: str
    stop: Callable[[], None]


def find_broker() -> Broker:
    """Start or find a broker of one node.

    Raises:
        MissingError: there is no way to one here; the message has the reason of each way.
    """
    reasons = []
    for way in _WAYS:
        try:
            broker = way()
        except MissingError as missing:
            _LOG.info("no broker: %s", missing)
            reasons.append(f"- {missing}")
        else:
            _LOG.info("broker: %s at %s", broker.origin, broker.bootstrap_servers)
            return broker
    raise MissingError(f"no Apache Kafka to test with ({INSTALL_HINT})\n" + "\n".join(reasons))


def _from_environment() -> Broker:
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
    if not servers:
        raise MissingError("KAFKA_BOOTSTRAP_SERVERS is not set")
    return Broker(servers, servers, "KAFKA_BOOTSTRAP_SERVERS", lambda: None)


def _from_container() -> Broker:
    try:
        from tests.support.kafka.container import KafkaContainer  # noqa: PLC0415  # slow to import, and optional
    except ImportError as missing:
        raise MissingError(f"no broker in a container: testcontainers is not installed: {missing}") from None
    container = KafkaContainer()
    servers = container.bootstrap_servers
    return Broker(servers, servers, "a container", container.stop)


def _from_jars() -> Broker:
    rehearse()
    cluster = KafkaCluster()
    cluster.start()
    return Broker(cluster.bootstrap_servers, cluster.admin_servers, "Apache Kafka's jars", cluster.stop)


_WAYS: tuple[Callable[[], Broker], ...] = (_from_environment, _from_container, _from_jars)
