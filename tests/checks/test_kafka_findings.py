"""What the checks make of names, connections, topics, groups and settings, on fakes and on sockets of their own."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from confluent_kafka import KafkaError

from connector.checks.finding import Finding, Mark
from connector.checks.of_dead_letters import of_settings
from connector.checks.of_group import group
from connector.checks.of_login import advertised_names, login
from connector.checks.of_network import connections, encryption, names
from connector.checks.of_quota import arithmetic
from connector.checks.of_topics import Topic, topics
from connector.checks.world import World
from connector.core.operations import PUT_ACTIONS, PUT_EVENTS, PUT_ITEMS
from connector.exits import Exit
from connector.kafka.asking import Group, Rights
from connector.kafka.dialing import DEFAULT_PORT, address_of, dial
from connector.ports import Environment, Refused, Unavailable
from tests.support.config_files import build, loaded
from tests.support.kafka.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_such_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that end in .x have no address, whatever the machine's resolver makes of them."""
    real = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **more: Any) -> Any:
        if host.endswith(".x"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def world(kafka: str = "bootstrap_servers: 'b:9092', group_id: g", **sections: str) -> World:
    file = loaded(build(kafka=f"kafka: {{{kafka}}}", **sections))
    return World(file, Environment(time.monotonic, time.time, lambda: 0.0))


def codes(found: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(each.mark.value, each.code) for each in found]


@contextmanager
def listening(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port that accepts connections, and makes handshakes where there is a ``tls``."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        if tls is None:
                            connection.recv(5)
                            connection.sendall(b"\0\0\0\0\0\0")  # no TLS
                        else:
                            with tls.wrap_socket(connection, server_side=True) as secured:
                                secured.recv(1)
                    except OSError:
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(30)


# -- the network


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("broker:9093", ("broker", 9093)),
        ("broker", ("broker", DEFAULT_PORT)),
        ("SSL://broker:9093", ("broker", 9093)),
        ("[::1]:9093", ("::1", 9093)),
        ("[::1]", ("::1", DEFAULT_PORT)),
        (" 10.0.0.1:1 ", ("10.0.0.1", 1)),
    ],
)
def test_an_address_has_a_host_and_a_port(server: str, expected: tuple[str, int]) -> None:
    assert address_of(server) == expected


def test_one_name_of_two_without_an_address_is_a_warning_and_both_are_a_failure() -> None:
    one = world("bootstrap_servers: ['127.0.0.1:1', 'kafka.x:1'], group_id: g")
    assert codes(names(one)) == [("ok", ""), ("warning", "unresolved-name")]
    both = list(names(world("bootstrap_servers: ['a.x:1', 'kafka.x:1'], group_id: g")))
    assert {(each.mark, each.code, each.exit) for each in both} == {(Mark.FAILED, "unresolved-name", Exit.UNAVAILABLE)}
    assert "hostAliases" in both[0].do


def test_one_server_of_two_that_accepts_connections_is_enough() -> None:
    with listening() as port:
        found = list(connections(world(f"bootstrap_servers: ['127.0.0.1:{port}', '127.0.0.1:1'], group_id: g")))
    assert [(each.mark.value, each.code) for each in found] == [("ok", ""), ("warning", "unreachable-broker")]
    assert found[1].what == "refused: 127.0.0.1:1 takes no connections"


def test_a_name_that_no_resolver_accepts_is_an_answer_too() -> None:
    trouble = dial(f"{'a' * 70}.example", 1).trouble
    assert trouble is not None
    assert trouble.detail.startswith("dns: ")


def test_without_tls_nothing_is_tried() -> None:
    assert codes(encryption(world())) == [("ok", "")]


class Served(NamedTuple):
    authority: Authority
    context: ssl.SSLContext
    ca_file: str


def served(folder: Path, name: str = "broker", **how: Any) -> Served:
    authority = Authority()
    certificate, key = authority.issue(name, **how).write(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    (folder / "ca.pem").write_bytes(authority.certificate)
    return Served(authority, context, str(folder / "ca.pem"))


@pytest.mark.parametrize(
    ("days_ago", "hours", "expected"),
    [
        (30, 1, ("ok", "")),  # looked at a month ago, it had a month
        (0, 1, ("warning", "certificate-expires")),
        (0, -1, ("failed", "untrusted-certificate")),
    ],
)
def test_the_end_of_a_certificate_is_told(tmp_path: Path, days_ago: int, hours: int, expected: tuple[str, str]) -> None:
    side = served(tmp_path, expires=timedelta(hours=hours))
    with listening(side.context) as port:
        kafka = f"bootstrap_servers: '127.0.0.1:{port}', group_id: g, tls: {{ca_file: {side.ca_file}}}"
        here = world(kafka)
        here.environment = here.environment._replace(wall=lambda: time.time() - days_ago * 86_400)
        assert codes(encryption(here)) == [expected]


def test_an_unknown_authority_and_a_port_without_tls_end_with_77(tmp_path: Path) -> None:
    side = served(tmp_path)
    (tmp_path / "other.pem").write_bytes(Authority("a stranger").certificate)
    with listening(side.context) as port:
        kafka = f"bootstrap_servers: '127.0.0.1:{port}', group_id: g, tls: {{ca_file: {tmp_path / 'other.pem'}}}"
        [untrusted] = encryption(world(kafka))
    with listening() as port:
        kafka = f"bootstrap_servers: '127.0.0.1:{port}', group_id: g, tls: {{ca_file: {side.ca_file}}}"
        [plain] = encryption(world(kafka))
    assert (untrusted.code, untrusted.exit) == ("untrusted-certificate", Exit.REFUSED)
    assert (plain.code, plain.exit) == ("no-tls", Exit.REFUSED)


def test_a_broker_that_takes_connections_and_says_nothing_is_not_taken_for_one_without_tls(tmp_path: Path) -> None:
    side = served(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        kafka = f"bootstrap_servers: '127.0.0.1:{port}', group_id: g, tls: {{ca_file: {side.ca_file}}}"
        [found] = encryption(world(kafka))
    assert (found.code, found.exit) == ("no-answer", Exit.UNAVAILABLE)
    assert f"127.0.0.1:{port} takes connections, and answers no TLS handshake" in found.what


class Silent:
    def cluster(self, _: float) -> None:
        raise Unavailable("no broker answered")


def without_answer(port: int) -> Finding:
    here = world(f"bootstrap_servers: '127.0.0.1:{port}', group_id: g")
    here._reader = Silent()  # type: ignore[assignment]
    [found] = login(here)
    return found


@pytest.mark.parametrize("asks_for_ours", [False, True])
def test_a_listener_for_tls_that_answers_no_client_without_it_is_named(tmp_path: Path, *, asks_for_ours: bool) -> None:
    context = served(tmp_path).context
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # the last one whose handshake fails without our certificate
    if asks_for_ours:
        context.verify_mode = ssl.CERT_REQUIRED
    with listening(context) as port:
        found = without_answer(port)
    assert (found.code, found.exit) == ("tls-expected", Exit.REFUSED)
    assert f"127.0.0.1:{port} expects TLS" in found.what
    assert "kafka.tls.enabled: true" in found.do


def test_a_silent_listener_without_tls_is_not_taken_for_one_with_it() -> None:
    with listening() as port:
        found = without_answer(port)
    assert (found.code, found.exit, found.what) == ("no-answer", Exit.UNAVAILABLE, "no broker answered")


def test_the_clients_own_certificate_may_have_expired(tmp_path: Path) -> None:
    side = served(tmp_path)
    certificate, key = side.authority.issue("client", expires=timedelta(hours=-1)).write(tmp_path, "client")
    files = f"ca_file: {side.ca_file}, cert_file: {certificate}, key_file: {key}"
    with listening(side.context) as port:
        found = encryption(world(f"bootstrap_servers: '127.0.0.1:{port}', group_id: g, tls: {{{files}}}"))
        assert codes(found)[-1] == ("failed", "expired-certificate")


def test_an_advertised_name_that_does_not_resolve_names_the_setting() -> None:
    here = world()
    here.advertised = ("kafka-0.x:9092",)
    [found] = advertised_names(here)
    assert (found.mark, found.code, found.exit) == (Mark.FAILED, "unresolved-advertised-name", Exit.UNAVAILABLE)
    assert "kafka-0.x" in found.what
    assert "advertised.listeners" in found.what
    assert "hostAliases" in found.what
    assert "kafka.bootstrap_servers" in found.do


def test_one_advertised_address_without_a_way_is_a_warning() -> None:
    with listening() as port:
        here = world()
        here.advertised = (f"127.0.0.1:{port}", "127.0.0.1:1", "kafka-2.x:9092")
        found = codes(advertised_names(here))
    assert found == [
        ("warning", "unresolved-advertised-name"), ("ok", ""), ("warning", "unreachable-advertised-address"),
    ]  # fmt: skip


# -- topics


class Cluster:
    """Topics by name: a number of partitions, or an error. In the place of the reader and of the asker."""

    servers = "b:9092"

    def __init__(self, rights: dict[str, Rights] | None = None, **topics: int) -> None:
        self.consumer = self
        self._topics = topics
        self._rights = rights or {}
        self.errors: dict[str, int] = {}
        self.leaderless: set[str] = set()

    def list_topics(self, name: str, timeout: float) -> Any:
        assert timeout > 0
        error = self.errors.get(name, KafkaError.UNKNOWN_TOPIC_OR_PART if name not in self._topics else 0)
        leader = -1 if name in self.leaderless else 1
        parts = {number: SimpleNamespace(leader=leader, isrs=[1]) for number in range(self._topics.get(name, 0))}
        topic = SimpleNamespace(error=KafkaError(error) if error else None, partitions=parts)
        return SimpleNamespace(topics={name: topic})

    def rights(self, names: Any) -> dict[str, Rights]:
        return {name: self._rights[name] for name in names if name in self._rights}


def reading(cluster: Cluster, listed: str = "[clicks]", known: tuple[str, ...] = ()) -> World:
    rules = "rules: [{name: all, skip: all}]"
    here = world(pipelines=f"pipelines: [{{name: web, topics: {listed}, {rules}}}]")
    here.known = frozenset(known)
    here._reader = here._asker = cluster  # type: ignore[assignment]
    return here


def test_a_topic_that_may_be_read_is_ok_and_its_partitions_are_counted() -> None:
    here = reading(Cluster({"clicks": Rights(read=True)}, clicks=3))
    [found] = topics(here)
    assert (found.mark, found.what) == (Mark.OK, "clicks has 3 partitions; may be read")
    assert here.partitions == {"clicks": 3}


def test_where_brokers_do_not_tell_rights_that_is_said_and_no_failure() -> None:
    [found] = topics(reading(Cluster(clicks=1)))
    assert (found.mark, found.what) == (
        Mark.OK,
        "clicks has 1 partition; the brokers do not say whether it may be read",
    )


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "missing-topic", Exit.UNAVAILABLE),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "topic-denied", Exit.REFUSED),
        (KafkaError.LEADER_NOT_AVAILABLE, "no-answer", Exit.UNAVAILABLE),
    ],
)
def test_a_topic_that_cannot_be_described_says_why(error: int, code: str, exit_code: Exit) -> None:
    cluster = Cluster(clicks=1)
    cluster.errors["clicks"] = error
    [found] = topics(reading(cluster))
    assert (found.mark, found.code, found.exit) == (Mark.FAILED, code, exit_code)


def test_a_topic_that_may_be_described_and_not_read_is_denied() -> None:
    [found] = topics(reading(Cluster({"clicks": Rights(read=False)}, clicks=1)))
    assert (found.code, found.exit) == ("topic-denied", Exit.REFUSED)
    assert "--operation Read --topic clicks" in found.do


def test_partitions_without_a_leader_are_a_failure() -> None:
    cluster = Cluster(clicks=2)
    cluster.leaderless.add("clicks")
    assert codes(topics(reading(cluster))) == [("failed", "no-leader")]


def test_a_pattern_names_what_it_matches_or_what_it_nearly_does() -> None:
    cluster = Cluster({}, **{"web.a": 1, "web.b": 2})
    found = list(topics(reading(cluster, "['^web[.].*', '^we']", ("web.a", "web.b", "shop"))))
    assert found[0].what == "^web[.].* matches web.a, web.b"
    assert found[1].code == "pattern-without-topic"
    unmatched = list(topics(reading(cluster, "['^sho']", ("shop",))))
    assert "shop only begins with what it matches" in unmatched[0].do


def test_a_topic_that_only_a_pattern_names_is_looked_at_too() -> None:
    cluster = Cluster({"web.a": Rights(read=False)}, **{"web.a": 1})
    assert codes(topics(reading(cluster, "['^web[.].*']", ("web.a",)))) == [("ok", ""), ("failed", "topic-denied")]


# -- the group


class Coordinator:
    """Describes one group and its committed offsets."""

    def __init__(self, found: Group | KafkaError, committed: Any = 0) -> None:
        self._found = found
        self._committed = committed

    def group(self, _: str) -> Group | KafkaError:
        return self._found

    def committed(self, places: Any) -> Any:
        if isinstance(self._committed, Exception):
            raise self._committed
        return dict.fromkeys(places[: self._committed], 1)


def described(*clients: str, assignor: str = "cooperative-sticky", static: tuple[str, ...] = ()) -> Group:
    return Group("stable" if clients else "empty", assignor if clients else "", clients, static, Rights(read=True))


def joining(found: Group | KafkaError, committed: Any = 2, more: str = "") -> World:
    here = world(f"bootstrap_servers: 'b:9092', group_id: g{more}")
    here._reader = here._asker = Coordinator(found, committed)  # type: ignore[assignment]
    here.partitions = {"clicks": 2}
    return here


def test_a_group_of_our_own_members_is_counted() -> None:
    here = joining(described("putevents", "putevents"))
    assert codes(group(here)) == [("ok", ""), ("ok", "")]
    assert here.members == 2


@pytest.mark.parametrize("found", [described(), KafkaError(KafkaError.GROUP_ID_NOT_FOUND)])
def test_an_empty_group_and_one_that_does_not_exist_are_fine(found: Any) -> None:
    assert codes(group(joining(found))) == [("ok", ""), ("ok", "")]


def test_brokers_that_do_not_describe_groups_are_no_failure() -> None:
    found = KafkaError(KafkaError._UNSUPPORTED_FEATURE)
    assert codes(group(joining(found))) == [("skipped", ""), ("ok", "")]


@pytest.mark.parametrize(
    "found",
    [KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED), described()._replace(rights=Rights(read=False))],
)
def test_without_read_on_the_group_it_ends_with_77(found: Any) -> None:
    [only] = group(joining(found))
    assert (only.code, only.exit) == ("group-denied", Exit.REFUSED)
    assert "--group g" in only.do


def test_members_with_another_protocol_keep_the_connector_out() -> None:
    assert codes(group(joining(described("app", assignor="range"))))[0] == ("failed", "group-protocol")


def test_members_that_are_not_this_connector_are_a_warning_without_their_ids() -> None:
    found = list(group(joining(described("putevents", "reports", "reports"))))
    assert (found[0].code, found[0].mark) == ("other-members", Mark.WARNING)
    assert "2 of reports" in found[0].what


def test_a_static_member_of_the_same_name_is_a_warning() -> None:
    here = joining(described("putevents", static=("pod-0",)), more=", librdkafka: {group.instance.id: pod-0}")
    assert ("warning", "static-member") in codes(group(here))


@pytest.mark.parametrize(
    ("reset", "committed", "expected"),
    [
        ("earliest", 0, "no partition has a committed offset: there reading begins at the earliest record"),
        ("latest", 1, "1 of 2 partitions do not have a committed offset: there reading begins at the latest record"),
        ("error", 2, "reading begins at committed offsets"),
    ],
)
def test_where_reading_begins_is_told(reset: str, committed: int, expected: str) -> None:
    found = list(group(joining(described(), committed, f", auto_offset_reset: {reset}")))
    assert (found[-1].mark, found[-1].what) == (Mark.OK, expected)


def test_no_offset_and_no_place_to_begin_is_a_failure() -> None:
    found = list(group(joining(described(), 1, ", auto_offset_reset: error")))
    assert (found[-1].code, found[-1].exit) == ("no-offset", Exit.REFUSED)


@pytest.mark.parametrize(
    ("raised", "code", "exit_code"),
    [
        (Refused("GROUP_AUTHORIZATION_FAILED", "", ""), "group-denied", Exit.REFUSED),
        (Unavailable("no answer"), "no-answer", Exit.UNAVAILABLE),
    ],
)
def test_offsets_that_cannot_be_read_are_a_failure(raised: Exception, code: str, exit_code: Exit) -> None:
    found = list(group(joining(described(), raised)))
    assert (found[-1].code, found[-1].exit) == (code, exit_code)


# -- the dead-letter topic, and the quota

DEAD = Topic("dead", 1, 0, 1)
GOOD = {"cleanup.policy": "delete", "retention.ms": "604800000", "max.message.bytes": "1048588"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"retention.ms": "-1"}, None),
        ({"retention.ms": "86400000"}, ("warning", "short-retention")),
        ({"cleanup.policy": "compact,delete"}, ("warning", "compacted-dead-letters")),
        ({"min.insync.replicas": "2"}, ("failed", "too-few-replicas")),
        ({"max.message.bytes": "1000"}, ("warning", "small-dead-letters")),
    ],
)
def test_the_settings_of_the_dead_letter_topic_are_judged(
    change: dict[str, str], expected: tuple[str, str] | None
) -> None:
    found = codes(of_settings("dead", DEAD, GOOD | change, {"clicks": GOOD}))
    assert [each for each in found if each[1]] == ([expected] if expected else [])


def test_settings_of_sources_that_cannot_be_read_leave_the_size_unknown() -> None:
    denied = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert codes(of_settings("dead", DEAD, GOOD, {"clicks": denied}))[-1] == ("skipped", "")


def test_processes_times_their_rate_beyond_the_quota_are_a_warning_with_the_share() -> None:
    assert codes(arithmetic(12, 1, {PUT_EVENTS: 1000.0})) == [("ok", ""), ("ok", "")]
    found = list(arithmetic(12, 4, {PUT_EVENTS: 1000.0}))
    assert (found[1].mark, found[1].code) == (Mark.WARNING, "over-rate")
    assert "4 processes at 1,000 PutEvents calls a second make 4,000" in found[1].what
    assert "250 or less" in found[1].do
    assert codes(arithmetic(12, 4, {PUT_EVENTS: 250.0}))[1] == ("ok", "")


def test_without_members_the_rate_is_that_of_one_process() -> None:
    found = list(arithmetic(1, 0, {PUT_EVENTS: 500.0}))
    assert found[0].what == "1 partition keeps 1 process busy; 0 run now"
    assert "1 process at 500 PutEvents calls a second" in found[1].what


def test_the_quota_of_each_operation_is_its_own() -> None:
    found = list(arithmetic(12, 2, {PUT_EVENTS: 500.0, PUT_ITEMS: 10.0, PUT_ACTIONS: 10.0}))
    assert [(each.mark, each.code) for each in found[1:]] == [
        (Mark.OK, ""),
        (Mark.WARNING, "over-rate"),
        (Mark.OK, ""),
    ]
    assert "2 processes at 10 PutItems calls a second make 20, more than the default quota of 10" in found[2].what
    assert "delivery.rates.put_items to 5 or less" in found[2].do
    assert "AWS does not publish the quota" in found[3].what
