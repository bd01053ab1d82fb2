"""Apache Kafka in KRaft mode on this machine's JDK: one node or several, each to be stopped, killed and started.

No node outlives the process that started it, however that ends: a guard beside each one waits for our end of a
pipe to close and then kills it. A test runner that is killed, or that leaves by ``os._exit`` after a time-out,
tears nothing down.
"""

from __future__ import annotations

import base64
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support.kafka.jars import class_archive, fetch_jars, find_java
from tests.support.kafka.settings import Ports, server_properties, write_properties

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_STOP_SECONDS = 20.0
_JAVA_OPTIONS = (
    # Start-up counts for more than speed: one compiler, one collector thread, no agents.
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.awt.headless=true"),
    *("-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"),
)
# $0 is the node's process id, $1 its folder. A line on standard input says that the node ended in an orderly
# way; the input's end without one, that its owner is gone. The pause lets the kernel finish with the node.
GUARD = 'read -r _ && exit; kill -9 "$0"; sleep 1; rm -rf "$1"; rmdir "${1%/*}"'


class KafkaNode:
    """One node, broker and controller both. Its data stays between `stop` or `kill` and the next `start`.

    Made by `KafkaCluster`. ``node_id`` counts from 1; ``log_file`` has what the process writes.
    """

    def __init__(self, node_id: int, folder: Path, ports: Ports, command: Sequence[str]) -> None:
        self.node_id = node_id
        self.ports = ports
        self.log_file = folder / "server.log"
        self._folder = folder
        self._command = [*command, "kafka.Kafka", str(folder / "server.properties")]
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self.is_running() and self._process else None

    def is_running(self) -> bool:
        """Whether the process is there; it may not answer yet."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and return at once: `KafkaCluster.wait_until_ready` waits for answers."""
        if self.is_running():
            return
        self._dismiss_guard()
        with self.log_file.open("ab") as log:
            # A session of its own: Ctrl-C is for the tests, which then stop the broker.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, str(self._process.pid), str(self._folder)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> int | None:
        """End it as an operator would (SIGTERM): it hands its leaderships over first. Returns its exit code."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._dismiss_guard()
        return None if self._process is None else self._process.returncode

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL): the others notice after ``broker.session.timeout.ms``."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._dismiss_guard()

    def _dismiss_guard(self) -> None:
        # Before anything else may get the process id that it would kill.
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.communicate(b"done\n")


class KafkaCluster:
    """A cluster of Apache Kafka nodes on 127.0.0.1, from ``__enter__`` (or `start`) to ``__exit__`` (or `stop`).

    Args:
        nodes: how many; internal topics get as many copies, up to three.
        properties: server properties for every node, over those of `tests.support.kafka.settings`.
        client_protocol: of the listener that clients use: PLAINTEXT, SASL_PLAINTEXT, SSL or SASL_SSL; what it
            needs besides goes into ``properties``, e.g. ``listener.name.client.sasl.enabled.mechanisms``.
        listeners: more ways in, the protocol of each by its name in capitals; see `address`.
        java_options: for the JVM of each node, e.g. ``("-Dname=value",)``.
        format_arguments: for the storage tool, e.g. ``("--add-scram", "SCRAM-SHA-256=[name=…,password=…]")``.
        heap: of each node, as ``-Xmx`` takes it.
        timeout: seconds until all nodes must answer.

    Attributes:
        nodes: the `KafkaNode`s, in the order of their ids.
        bootstrap_servers: the CLIENT listeners, for tests.
        admin_servers: the INTERNAL listeners, never secured, for fixtures.

    Raises:
        MissingError: on making one: no Java, or no jars and no Maven.
        RuntimeError: on starting: a node ended or the cluster did not answer; with the end of the node's log.
    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        properties: Mapping[str, str] | None = None,
        client_protocol: str = "PLAINTEXT",
        listeners: Mapping[str, str] | None = None,
        java_options: Sequence[str] = (),
        format_arguments: Sequence[str] = (),
        heap: str = "512m",
        timeout: float = 60.0,
    ) -> None:
        java, libs = find_java(), fetch_jars()
        archive = class_archive(java, libs)
        shared = [f"-XX:SharedArchiveFile={archive}"] if archive.is_file() else []
        self._java = [java, f"-Xmx{heap}", *_JAVA_OPTIONS, *shared, *java_options, "-cp", f"{libs}/*"]
        self._folder = Path(tempfile.mkdtemp(prefix="putevents-kafka-"))
        self._timeout = timeout
        ports = _free_ports(nodes, tuple(listeners or ()))
        for node_id in range(1, nodes + 1):
            folder = self._node_folder(node_id)
            folder.mkdir()
            settings = server_properties(
                node_id=node_id,
                ports=ports,
                data=str(folder / "data"),
                client_protocol=client_protocol,
                more=listeners,
                extra=properties,
            )
            (folder / "server.properties").write_text(write_properties(settings))
        self.nodes = tuple(
            KafkaNode(number, self._node_folder(number), own, self._java) for number, own in enumerate(ports, start=1)
        )
        self.bootstrap_servers = ",".join(f"127.0.0.1:{own.client}" for own in ports)
        self.admin_servers = ",".join(f"127.0.0.1:{own.internal}" for own in ports)
        self._format_arguments = tuple(format_arguments)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def address(self, listener: str) -> str:
        """The bootstrap servers of one of the further ``listeners``."""
        return ",".join(f"127.0.0.1:{node.ports.more[listener]}" for node in self.nodes)

    def start(self) -> Self:
        """Format the storage, start every node, and return when all of them answer."""
        try:
            self._format()
            for node in self.nodes:
                node.start()
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Kill every node and remove its data: nobody reads it again, so nothing is handed over."""
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def wait_until_ready(self) -> None:
        """Return when every node that runs is in the cluster's metadata and a controller is elected."""
        deadline = time.monotonic() + self._timeout
        admin = AdminClient({"bootstrap.servers": self.admin_servers, "reconnect.backoff.max.ms": 200, "log_level": 0})
        while not self._answers(admin):
            if time.monotonic() > deadline:
                raise RuntimeError(f"expected the cluster to answer within {self._timeout:g} s\n{self.log()}")

    def log(self) -> str:
        """The last lines of every node's log."""
        return "\n".join(
            f"--- node {node.node_id}\n{node.log_file.read_text(errors='replace')[-3000:]}"
            for node in self.nodes
            if node.log_file.exists()
        )

    def _answers(self, admin: AdminClient) -> bool:
        running = {node.node_id for node in self.nodes if node.is_running()}
        if not running:
            raise RuntimeError(f"expected a running node, but all have ended\n{self.log()}")
        try:
            metadata = admin.list_topics(timeout=1)
        except KafkaException:
            return False
        return metadata.controller_id in running and running <= set(metadata.brokers)

    def _format(self) -> None:
        cluster_id = _kafka_uuid()
        voters = ",".join(f"{node.node_id}@127.0.0.1:{node.ports.controller}:{_kafka_uuid()}" for node in self.nodes)
        arguments = ("-t", cluster_id, "--initial-controllers", voters, *self._format_arguments)
        # All at once: most of it is the start of a JVM.
        tools = [self._start_format(node, arguments) for node in self.nodes]
        results = [(tool.communicate()[0], tool.returncode) for tool in tools]
        for output, code in results:
            if code != 0:
                raise RuntimeError(f"expected the storage tool to format the nodes: {output[-2000:]}")

    def _start_format(self, node: KafkaNode, arguments: Sequence[str]) -> subprocess.Popen[str]:
        settings = self._node_folder(node.node_id) / "server.properties"
        tool = ["kafka.tools.StorageTool", "format", "-c", str(settings), *arguments]
        return subprocess.Popen(
            [*self._java, *tool],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _node_folder(self, node_id: int) -> Path:
        return self._folder / f"node-{node_id}"


def _kafka_uuid() -> str:
    # Kafka's own text form of a UUID, which may not begin with a dash on a command line.
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def _free_ports(nodes: int, names: Sequence[str] = ()) -> list[Ports]:
    """Ports that nobody holds now, from below the range that outgoing connections take theirs from.

    So a node that is stopped for a while finds its own free when it comes back.
    """
    each_node = 3 + len(names)
    held: list[socket.socket] = []
    try:
        while len(held) < each_node * nodes:
            candidate = socket.socket()
            held.append(candidate)
            try:
                candidate.bind(("127.0.0.1", 15_000 + secrets.randbelow(15_000)))
            except OSError:
                held.pop().close()
        numbers = [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()
    own = [numbers[start : start + each_node] for start in range(0, len(numbers), each_node)]
    return [
        Ports(client, internal, controller, dict(zip(names, more, strict=True)))
        for client, internal, controller, *more in own
    ]
