import ctypes
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, cimpl

from connector.config import base_properties
from connector.config.client_checks import KNOWN, refused
from connector.config.client_properties import (
    CONSUMER_DEFAULTS,
    CONSUMER_FIXED,
    CONSUMERS,
    DEFAULTS,
    PRODUCER_DEFAULTS,
    PRODUCER_FIXED,
    PRODUCERS,
    SUBSCRIPTION,
    consumer_properties,
    for_consumer,
    for_producer,
    owned,
    seconds_of,
)
from tests.support.config_files import build, loaded, only, problems


def kafka(text: str) -> str:
    return build(kafka=f"kafka:\n  bootstrap_servers: [a:1, b:2]\n  group_id: g\n  {text}")


def properties(text: str) -> dict[str, Any]:
    return base_properties(loaded(kafka(text), {}).config.kafka)


PLAIN = "type: plain, username: u, password: p"
USER = {"sasl.username": "u", "sasl.password": "p"}
OIDC = "type: oidc, token_endpoint_url: 'https://i/t', client_id: c, client_secret: s"
CLIENTS = {
    "nothing": ("auth: {type: none}", {"security.protocol": "PLAINTEXT"}),
    "no tls keys": ("tls: {}", {"security.protocol": "PLAINTEXT"}),
    "tls alone": ("tls: {enabled: true}", {"security.protocol": "SSL"}),
    "plain": (
        f"auth: {{{PLAIN}}}",
        {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", **USER},
    ),
    "plain in clear": (
        f"auth: {{{PLAIN}}}\n  tls: {{enabled: false}}",
        {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", **USER},
    ),
    "scram": (
        "auth: {type: scram, username: u, password: p}",
        {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", **USER},
    ),
    "scram 256": (
        "auth: {type: scram, mechanism: SCRAM-SHA-256, username: u, password: p}",
        {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-256", **USER},
    ),
    "msk": (
        "auth: {type: msk_iam, region: eu-west-1}",
        {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"},
    ),
    "oidc": (
        f"auth: {{{OIDC}, scope: x, extensions: {{logicalCluster: lkc, identityPoolId: pool}}}}",
        {
            "security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": "https://i/t", "sasl.oauthbearer.client.id": "c",
            "sasl.oauthbearer.client.secret": "s", "sasl.oauthbearer.scope": "x",
            "sasl.oauthbearer.extensions": "logicalCluster=lkc,identityPoolId=pool",
        },
    ),
    "the user's own": (
        "librdkafka: {client.rack: z, session.timeout.ms: 9000, socket.keepalive.enable: true}",
        {"security.protocol": "PLAINTEXT", "client.rack": "z", "session.timeout.ms": 9000,
         "socket.keepalive.enable": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CLIENTS.values(), ids=CLIENTS.keys())
def test_settings_become_properties(text: str, expected: dict[str, Any]) -> None:
    assert properties(text) == {"bootstrap.servers": "a:1,b:2"} | expected


@pytest.mark.parametrize("text", [text for text, _ in CLIENTS.values()], ids=CLIENTS.keys())
def test_the_library_takes_what_settings_become(text: str) -> None:
    silent = logging.getLogger("tests.silent")
    silent.disabled = True
    given = {**properties(text), "group.id": "g", "bootstrap.servers": ""}
    Consumer(given, logger=silent).close()


def test_tls_files_are_passed_on(tmp_path: Path) -> None:
    ca = Path("/etc/ssl/certs/ca-certificates.crt")
    if not ca.exists():
        pytest.skip("needs the system's CA bundle: apt-get install ca-certificates")
    found = properties(f"tls: {{ca_file: {ca}, key_password: p}}")
    assert found["security.protocol"] == "SSL"
    assert found["ssl.ca.location"] == str(ca)
    assert found["ssl.key.password"] == "p"
    key = tmp_path / "key.pem"
    key.write_text("no key")
    problem = only(kafka(f"tls: {{cert_file: {ca}, key_file: {key}, key_password: p}}"), {})
    assert (problem.code, problem.hint) == ("bad-tls", "is key_password right?")


@pytest.mark.parametrize(
    "line",
    ["tls: {enabled: false, ca_file: /etc/hostname}", "tls: {enabled: false, key_file: /nope, cert_file: /nope}"],
)
def test_tls_that_is_off_and_has_files_is_a_contradiction(line: str) -> None:
    assert problems(kafka(line), {})[0].code == "inconsistent"


OURS = {
    "enable.auto.commit": "after delivery", "enable.auto.offset.store": "after delivery",
    "auto.commit.interval.ms": "after delivery", "bootstrap.servers": "kafka.bootstrap_servers",
    "metadata.broker.list": "kafka.bootstrap_servers", "group.id": "kafka.group_id",
    "auto.offset.reset": "kafka.auto_offset_reset", "partition.assignment.strategy": "cooperative-sticky",
    "enable.partition.eof": "end of a partition", "security.protocol": "kafka.auth and kafka.tls",
    "sasl.mechanism": "kafka.auth", "sasl.mechanisms": "kafka.auth", "sasl.password": "kafka.auth",
    "sasl.oauthbearer.method": "kafka.auth", "ssl.ca.location": "kafka.tls", "ssl.key.pem": "kafka.tls",
    "enable.ssl.certificate.verification": "always verified",
    "ssl.endpoint.identification.algorithm": "always verified",
    "ssl.engine.location": "code is not loaded", "plugin.library.paths": "code is not loaded",
    "test.mock.num.brokers": "tests of librdkafka", "error_cb": "callbacks", "on_commit": "callbacks",
    "logger": "callbacks", "default.topic.config": "callbacks", "acks": "in-sync", "enable.idempotence": "in-sync",
    "transactional.id": "transactions", "topic.blacklist": "set exclude in the pipeline",
}  # fmt: skip


@pytest.mark.parametrize(("name", "reason"), OURS.items())
def test_our_properties_are_refused_with_the_reason(name: str, reason: str) -> None:
    found = only(kafka(f"librdkafka: {{{name}: x}}"), {})
    assert found.code == "owned-property"
    assert reason in found.message
    assert (found.line, found.column, found.length) == (4, 16, len(name))


FREE = [
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "group.instance.id",
    "group.protocol",
    "client.id",
    "queued.min.messages",
    "fetch.queue.backoff.ms",
    "ssl.cipher.suites",
    "compression.type",
    "linger.ms",
    "debug",
]


def test_the_rest_is_the_user_s() -> None:
    assert list(owned(dict.fromkeys(FREE, 1))) == []


@pytest.mark.parametrize("name", ["session.timeout.ms", "heartbeat.interval.ms"])
def test_what_brokers_decide_under_kip_848_is_refused_with_it_only(name: str) -> None:
    value = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 600}[name]
    loaded(kafka(f"librdkafka: {{{name}: {value}}}"), {})
    found = only(kafka(f"librdkafka: {{group.protocol: consumer, {name}: 6000}}"), {})
    assert (found.code, found.message) == (
        "owned-property", f"expected no {name} with group.protocol consumer: the brokers set it",
    )  # fmt: skip


REFUSED = {
    "unknown": ("sesion.timeout.ms: 1", "unknown-property", 16, "did you mean session.timeout.ms?"),
    "nothing like it": ("foo: 1", "unknown-property", 16, None),
    "no number": ("session.timeout.ms: soon", "bad-property", 36, None),
    "range": ("session.timeout.ms: 0", "bad-property", 36, None),
    "no choice": ("group.protocol: new", "bad-property", 32, None),
    "null": ("client.id: null", "property-type", 27, None),
    "list": ("client.id: [a]", "property-type", 27, None),
    "do not fit": ("client.id: x, session.timeout.ms: 9000, max.poll.interval.ms: 8000", "bad-property", 50, None),
    "does not fit a default": ("max.poll.interval.ms: 8000", "bad-property", 38, None),
    "null byte": ('"a\\0b": 1', "bad-key", 16, None),
}


@pytest.mark.parametrize(("text", "code", "column", "hint"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_library_refuses_is_found_without_a_network(
    text: str, code: str, column: int, hint: str | None
) -> None:
    found = only(kafka(f"librdkafka: {{{text}}}"), {})
    assert (found.code, found.line, found.column, found.hint) == (code, 4, column, hint)


RANGES = {
    "of the property": ("session.timeout.ms: 0", "expected a value from 1 to 3600000 for session.timeout.ms"),
    "checked with a client": ("fetch.min.bytes: 0", "expected a value from 1 to 100000000 for fetch.min.bytes"),
    "beside others": ("client.id: x, fetch.min.bytes: 0", "expected a value from 1 to 100000000 for fetch.min.bytes"),
}


@pytest.mark.parametrize(("text", "message"), RANGES.values(), ids=RANGES.keys())
def test_a_range_is_named_in_the_message(text: str, message: str) -> None:
    assert only(kafka(f"librdkafka: {{{text}}}"), {}).message == message


def test_a_time_is_the_file_s_else_the_given_default_else_the_client_s() -> None:
    name = "max.poll.interval.ms"
    assert (seconds_of({name: 8000}, name), seconds_of({}, name), seconds_of({}, name, 5)) == (8.0, 300.0, 0.005)


def test_the_client_s_defaults_are_those_of_its_own_list() -> None:
    """The library refuses a pair that does not fit a default, which shows what the default is."""
    poll = DEFAULTS["max.poll.interval.ms"]
    loaded(kafka(f"librdkafka: {{session.timeout.ms: {poll}}}"), {})
    assert only(kafka(f"librdkafka: {{session.timeout.ms: {poll + 1}}}"), {}).code == "bad-property"


def test_properties_that_fit_only_together_are_taken() -> None:
    loaded(kafka("librdkafka: {max.poll.interval.ms: 8000, session.timeout.ms: 7000}"), {})


CLASHES = {
    "in flight": ("max.in.flight: 6", "max.in.flight must be set <= 5"),
    "its other name": ("max.in.flight.requests.per.connection: 6", "max.in.flight must be set <= 5"),
    "no repeats": ("retries: 0", "retries must be set >= 1"),
    "out of order": ("queuing.strategy: lifo", "queuing.strategy must be set to fifo"),
    "times": ("linger.ms: 2000, message.timeout.ms: 1000", "message.timeout.ms must be greater than linger.ms"),
    "a default": ("queue.buffering.max.ms: 40000", "message.timeout.ms must be greater than linger.ms"),
    "another default": ("delivery.timeout.ms: 4", "message.timeout.ms must be greater than linger.ms"),
}


@pytest.mark.parametrize(("text", "reason"), CLASHES.values(), ids=CLASHES.keys())
def test_what_no_producer_of_dead_letters_is_made_of_is_found_without_a_network(text: str, reason: str) -> None:
    found = only(kafka(f"librdkafka: {{{text}}}"), {})
    assert found.code == "bad-property"
    assert reason in found.message


@pytest.mark.parametrize("fixed", [CONSUMER_FIXED, PRODUCER_FIXED], ids=["consumer", "producer"])
def test_what_is_fixed_is_refused_in_the_file(fixed: Mapping[str, Any]) -> None:
    assert {refusal.name for refusal in owned(fixed)} == fixed.keys()


def test_defaults_are_the_user_s_to_change_and_each_is_for_its_own_client() -> None:
    assert list(owned({**CONSUMER_DEFAULTS, **PRODUCER_DEFAULTS})) == []
    assert for_consumer(dict(CONSUMER_DEFAULTS)) == CONSUMER_DEFAULTS
    assert for_producer(dict(PRODUCER_DEFAULTS)) == PRODUCER_DEFAULTS


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("linger.ms: 5", 2 * 1024 * 1024),
        ("message.max.bytes: 5000000", None),
        ("fetch.max.bytes: 9000000, message.max.bytes: 5000000", 9_000_000),
        ("queued.max.messages.kbytes: 1024", 2 * 1024 * 1024),
    ],
)
def test_an_answer_is_small_unless_messages_are_larger_or_the_user_says_otherwise(
    text: str, answer: int | None
) -> None:
    made = consumer_properties(for_consumer(properties(f"librdkafka: {{{text}}}")))
    assert made.get("fetch.max.bytes") == answer
    Consumer({**made, "group.id": "g", "bootstrap.servers": "127.0.0.1:1", "log_level": 0}).close()  # it takes them


def test_our_properties_are_seen_beside_invalid_ones() -> None:
    found = problems(kafka("librdkafka: {group.id: g, client.id: null}"), {})
    assert [problem.code for problem in found] == ["owned-property", "property-type"]


def test_the_library_says_nothing_while_it_is_asked(capfd: pytest.CaptureFixture[str]) -> None:
    loaded(kafka("librdkafka: {debug: all, linger.ms: 5}"), {})
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("value", ["\ud800", [1], {}, None, object()])
def test_values_that_no_client_takes_are_refused_or_taken_but_never_raise(value: object) -> None:
    assert {refusal.name for refusal in refused({"client.id": value})} <= {"client.id"}


def test_every_suggested_name_is_one_of_the_library_and_the_user_s_to_set() -> None:
    assert list(owned(dict.fromkeys(KNOWN, 1))) == []
    refusals = refused(dict.fromkeys(KNOWN, "not a value"))
    assert [refusal.name for refusal in refusals if refusal.code == "unknown-property"] == []


def library_s_own_table() -> dict[str, str]:
    """Each property of the library that is in use, and whose it is: C, P, or * for everybody's."""
    library, libc = ctypes.CDLL(cimpl.__file__), ctypes.CDLL(None)
    text, size = ctypes.c_char_p(), ctypes.c_size_t()
    libc.open_memstream.restype = ctypes.c_void_p
    libc.fclose.argtypes = library.rd_kafka_conf_properties_show.argtypes = [ctypes.c_void_p]
    stream = libc.open_memstream(ctypes.byref(text), ctypes.byref(size))
    library.rd_kafka_conf_properties_show(stream)
    libc.fclose(stream)
    rows = [[cell.strip() for cell in line.split("|")] for line in (text.value or b"").decode().splitlines()]
    return {row[0]: row[1] for row in rows if len(row) > 2 and row[1] in {"C", "P", "*"}}


def test_the_table_of_whose_a_property_is_is_the_library_s() -> None:
    table = library_s_own_table()
    assert len(table) > 100
    for letter, ours in {"C": CONSUMERS, "P": PRODUCERS}.items():
        theirs = {name for name, whose in table.items() if whose == letter}
        assert theirs - SUBSCRIPTION <= ours
        assert {name for name in ours if table.get(name, letter) != letter} == set()


def test_no_client_gets_what_is_for_the_other_and_the_dead_letters_get_nothing_of_the_subscription() -> None:
    everything: dict[str, Any] = dict.fromkeys([*library_s_own_table(), *SUBSCRIPTION], "x")
    assert not for_consumer(everything).keys() & PRODUCERS
    assert not for_producer(everything).keys() & (CONSUMERS | SUBSCRIPTION)
    assert for_consumer(everything).keys() | for_producer(everything).keys() == everything.keys()
    assert "topic.metadata.refresh.interval.ms" in for_consumer(everything).keys() & for_producer(everything).keys()
