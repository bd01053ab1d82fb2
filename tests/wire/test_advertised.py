"""Brokers that advertise a name which does not resolve here."""

import selectors
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError

from connector.checks.finding import Mark
from connector.checks.of_login import advertised_names, login
from connector.checks.world import World
from connector.kafka import advertised as addresses
from connector.kafka.advertised import advice_on, unresolvable
from connector.kafka.startup import require_names
from connector.local.mock_cluster import MockCluster
from connector.ports import Environment, Unavailable
from tests.support.config_files import build, loaded
from tests.support.mock_cluster import Member, until

NAME = "kafka-0.x"  # as long as 127.0.0.1, so that it can take its place in an answer


@pytest.fixture(autouse=True)
def no_such_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's resolver makes of such names."""
    real = socket.getaddrinfo

    def resolve(host: str, *rest: Any) -> object:
        if host.endswith(".x"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


class Proxy(socketserver.ThreadingTCPServer):
    """Stands before a broker and rewrites the name that it gives itself, as happens behind Docker or a tunnel."""

    block_on_close = True
    allow_reuse_address = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Between)
        host, port = target.rsplit(":", 1)
        self.target = host, int(port)
        self._address = f"127.0.0.1:{self.server_address[1]}"

    @property
    def bootstrap_servers(self) -> str:
        return self._address


class Between(socketserver.BaseRequestHandler):
    """One connection, until either side ends it."""

    server: Proxy

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as broker, selectors.DefaultSelector() as ready:
            sides = {self.request: broker, broker: self.request}
            for side in sides:
                ready.register(side, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    answer = data.replace(b"127.0.0.1", NAME.encode()) if key.fileobj is broker else data
                    sides[key.fileobj].sendall(answer)


@pytest.fixture
def renamed() -> Iterator[Proxy]:
    with MockCluster() as cluster:
        for topic in ("clicks", "dead"):
            cluster.create_topic(topic, 1)
        with Proxy(cluster.bootstrap_servers) as proxy:
            thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
            thread.start()
            yield proxy
            cluster.broker_down()  # ends the connections
            proxy.shutdown()
            thread.join()


def test_a_name_that_does_not_resolve_is_found_at_the_start(renamed: Proxy) -> None:
    member = Member(renamed)
    with pytest.raises(Unavailable, match=rf"the brokers advertise {NAME}.*advertised\.listeners of the brokers"):
        member.source.require("dead", 10.0)
    member.source.close()


def test_check_finds_it_after_the_login_and_names_the_setting(renamed: Proxy) -> None:
    kafka = f"kafka: {{bootstrap_servers: '{renamed.bootstrap_servers}', group_id: g}}"
    world = World(loaded(build(kafka=kafka)), Environment(time.monotonic, time.time, lambda: 0.0))
    [entered] = login(world)
    [found] = advertised_names(world)
    world.close()
    assert entered.mark is Mark.OK
    assert (found.mark, found.code) == (Mark.FAILED, "unresolved-advertised-name")
    assert found.what.startswith(f"the brokers advertise {NAME}, which does not resolve here: correct advertised.list")
    assert "hostAliases" in found.what


def test_a_name_that_does_not_resolve_is_told_while_joining(renamed: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    member = Member(renamed)
    until(lambda: "advertised.listeners" in member.source.reach().trouble, member)
    assert f"_RESOLVE: the brokers advertise {NAME}" in member.source.reach().trouble
    assert "advertised.listeners" in capsys.readouterr().out
    member.source.close()


def test_a_cluster_of_which_some_brokers_cannot_be_found_is_only_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    require_names({"127.0.0.1", NAME})
    assert f"the brokers advertise {NAME}," in capsys.readouterr().out
    require_names({"127.0.0.1", "localhost"})
    assert capsys.readouterr().out == ""


def test_a_resolver_that_does_not_answer_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: released.wait(60))
    began = time.monotonic()
    assert unresolvable({"slow.example"}, 0.1) == []
    assert time.monotonic() - began < 30
    released.set()


def _unresolved(address: str) -> KafkaError:
    return KafkaError(KafkaError._RESOLVE, f"{address}/1: Failed to resolve '{address}': Name or service not known")


def test_whose_name_it_is_decides_the_advice() -> None:
    servers = "first:9092, SSL://second:9093"
    assert "kafka.bootstrap_servers" in (advice_on(_unresolved("first:9092"), servers) or "")
    assert "kafka.bootstrap_servers" in (advice_on(_unresolved("second:9093"), servers) or "")
    assert advice_on(_unresolved("b-1.internal:9092"), servers) == addresses.advertised(["b-1.internal"])
    assert advice_on(KafkaError(KafkaError._TRANSPORT), servers) is None
