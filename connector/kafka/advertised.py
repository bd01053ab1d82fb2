"""Explains brokers that advertise a host name which does not resolve here.

Then the first connection, to ``kafka.bootstrap_servers``, succeeds and every other fails: the most frequent mistake
behind Docker, Kubernetes or a tunnel. The client reports only that a name does not resolve, not where it comes from.
"""

import re
import socket
import time
from collections.abc import Collection

from confluent_kafka import KafkaError

from connector.kafka.aside import Aside

RESOLVED_WITHIN = 3.0  # seconds for all names together
MOST = 50  # brokers asked about
_UNRESOLVED = re.compile(r"Failed to resolve '([^']+)'")


def unresolvable(hosts: Collection[str], seconds: float = RESOLVED_WITHIN) -> list[str]:
    """The hosts that do not resolve here. A host that is still being looked up after ``seconds`` is not among them."""
    deadline = time.monotonic() + seconds
    asked: dict[str, Aside[bool]] = {host: Aside() for host in sorted(hosts)[:MOST]}
    for host, aside in asked.items():
        aside.ask(lambda host=host: _resolves(host))  # type: ignore[misc]
    return [host for host, aside in asked.items() if aside.wait(deadline - time.monotonic()) and aside.found is False]


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return True


def advertised(hosts: Collection[str]) -> str:
    """The message about hosts that do not resolve: the cause, and what to do."""
    names = ", ".join(hosts)
    return (
        f"the brokers advertise {names}, which does not resolve here: correct advertised.listeners of the brokers, "
        "or make the name known where the connector runs (DNS, /etc/hosts, hostAliases of the pod)"
    )


def advice_on(error: KafkaError, servers: str) -> str | None:
    """What to do about a name that does not resolve; None where the error is about something else."""
    found = _UNRESOLVED.search(error.str()) if error.code() == KafkaError._RESOLVE else None  # noqa: SLF001
    if found is None:
        return None
    host = _host(found[1])
    if host in map(_host, servers.split(",")):
        return (
            f"{host} of kafka.bootstrap_servers does not resolve here: correct it, or make the name known (DNS, "
            "/etc/hosts, hostAliases of the pod)"
        )
    return advertised([host])


def _host(address: str) -> str:
    return re.sub(r"^.*://|:\d+$", "", address.strip()).strip("[]")
