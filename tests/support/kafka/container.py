"""Apache Kafka's own image under a container engine, by testcontainers.

The image is told to run the same properties as a broker without a container: what a test sees does not depend on
where the broker came from. The engine must be on this machine: the port is published on 127.0.0.1 alone.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from typing import TYPE_CHECKING

import docker.errors  # type: ignore[import-untyped]  # the package has no types
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import get_docker_host

from tests.support.kafka.jars import MissingError, kafka_version
from tests.support.kafka.settings import Ports, server_properties, write_properties

if TYPE_CHECKING:
    from collections.abc import Iterator

_PING_SECONDS = 3
_START_SECONDS = 60.0
_PORTS = Ports(client=9092, internal=9093, controller=9094)
_SCRIPT = (
    'printf "%s" "$SERVER_PROPERTIES" > /tmp/server.properties'
    " && /opt/kafka/bin/kafka-storage.sh format --standalone -c /tmp/server.properties"
    ' -t "$(/opt/kafka/bin/kafka-storage.sh random-uuid)"'
    " && exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties"
)


class KafkaContainer:
    """One broker in a container, from construction to `stop`.

    Raises:
        MissingError: no engine answers, the image cannot be had, or the broker did not start.
    """

    def __init__(self) -> None:
        with _translated():
            _ping()
            port = _free_port()
            self.bootstrap_servers = f"127.0.0.1:{port}"
            self._container = DockerContainer(f"apache/kafka:{kafka_version()}")
            self._container.ports[f"{_PORTS.client}/tcp"] = ("127.0.0.1", port)  # type: ignore[assignment]  # docker takes an address, too; its wrapper's type forgot
            self._container.with_env("SERVER_PROPERTIES", _properties(self.bootstrap_servers))
            self._container.with_env("KAFKA_HEAP_OPTS", "-Xmx512m")
            self._container.with_command(["sh", "-c", _SCRIPT])
            try:
                self._container.start()
                self._wait()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Remove the container and what it held."""
        self._container.stop()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        admin = AdminClient(
            {"bootstrap.servers": self.bootstrap_servers, "reconnect.backoff.max.ms": 200, "log_level": 0}
        )
        while True:
            with contextlib.suppress(KafkaException):
                admin.list_topics(timeout=1)
                return
            if time.monotonic() > deadline:
                output = b"".join(self._container.get_logs())
                raise MissingError(f"the broker did not answer:\n{output.decode(errors='replace')[-2000:]}")


def _properties(advertised: str) -> str:
    settings = server_properties(
        node_id=1,
        ports=[_PORTS],
        data="/tmp/kafka-data",  # noqa: S108  # inside the container
        address="0.0.0.0",  # noqa: S104  # as above; outside, the port is published on 127.0.0.1
        advertised=advertised,
    )
    return write_properties(settings)


def _ping() -> None:
    # By hand, since the engine's own client leaves a socket open when nobody answers.
    host = get_docker_host() or "unix:///var/run/docker.sock"
    if not host.startswith("unix://"):
        raise MissingError("no broker in a container: expected a container engine on this machine's unix socket")
    with socket.socket(socket.AF_UNIX) as engine:
        engine.settimeout(_PING_SECONDS)
        try:
            engine.connect(host.removeprefix("unix://"))
        except OSError:
            raise MissingError(f"no broker in a container: no container engine answers at {host}") from None
        engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
        if b" 200 " not in engine.recv(64):
            raise MissingError("no broker in a container: the container engine is not well")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    # Whatever is wrong with a container engine, there is another way to a broker.
    logging.getLogger("testcontainers").setLevel(logging.WARNING)
    try:
        yield
    except (docker.errors.DockerException, OSError) as error:
        raise MissingError(f"no broker in a container: {type(error).__name__}: {str(error)[:500]}") from error


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        port: int = candidate.getsockname()[1]
        return port
