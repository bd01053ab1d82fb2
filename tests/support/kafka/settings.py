"""The server properties of a test broker, the same in a container and out of it.

Three listeners a node: CLIENT is what a test talks to and may be given SASL or TLS; INTERNAL, for the brokers
among themselves and for the fixtures, and CONTROLLER stay plain, so that whatever is tried on CLIENT the cluster
starts and can be looked at. A test that needs several ways in names more listeners, each with its protocol.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Times that a production cluster would not want, and a test does not want to wait for.
_QUICK = {
    "group.initial.rebalance.delay.ms": "0",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "1",
    "log.cleaner.backoff.ms": "500",
    "log.retention.check.interval.ms": "1000",
    "log.initial.task.delay.ms": "1000",
    "auto.create.topics.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "1",
    # 128 MiB of buffer by default, which a heap of 512 MiB has better uses for.
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.cleaner.io.buffer.size": "131072",
}


@dataclass(frozen=True)
class Ports:
    """Where one node listens."""

    client: int
    internal: int
    controller: int
    more: Mapping[str, int] = field(default_factory=dict)  # by the listener's name


def server_properties(
    *,
    node_id: int,
    ports: Sequence[Ports],
    data: str,
    address: str = "127.0.0.1",
    advertised: str | None = None,
    client_protocol: str = "PLAINTEXT",
    more: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The properties of one node, which is broker and controller both.

    Args:
        node_id: counts from 1.
        ports: of every node of the cluster, in the order of their ids.
        data: the folder for its logs.
        address: what the listeners bind.
        advertised: ``host:port`` that clients are told, if not the CLIENT listener's own.
        client_protocol: PLAINTEXT, SASL_PLAINTEXT, SSL or SASL_SSL, for the CLIENT listener.
        more: the protocols of more listeners, by their names; their ports are in ``ports``.
        extra: what else to set; wins over everything here.
    """
    own = ports[node_id - 1]
    copies = str(min(len(ports), 3))
    places = "".join(f",{name}://{address}:{port}" for name, port in own.more.items())
    protocols = "".join(f",{name}:{each}" for name, each in {"CLIENT": client_protocol, **(more or {})}.items())
    return {
        "process.roles": "broker,controller",
        "node.id": str(node_id),
        "log.dirs": data,
        "listeners": f"CLIENT://{address}:{own.client},INTERNAL://127.0.0.1:{own.internal},"
        f"CONTROLLER://127.0.0.1:{own.controller}{places}",
        "advertised.listeners": f"CLIENT://{advertised or f'127.0.0.1:{own.client}'},"
        f"INTERNAL://127.0.0.1:{own.internal},CONTROLLER://127.0.0.1:{own.controller}{places}",
        "listener.security.protocol.map": f"INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}",
        "inter.broker.listener.name": "INTERNAL",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": ",".join(f"127.0.0.1:{each.controller}" for each in ports),
        "default.replication.factor": copies,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": "1",
        **_QUICK,
        **(extra or {}),
    }


def write_properties(properties: Mapping[str, str]) -> str:
    """The text of a Java properties file. Backslashes and line ends in values are escaped."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in properties.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
