"""Every way to log in, on real Apache Kafka: what should get in delivers, what should not is told what to do."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from confluent_kafka import Producer

from tests.support.kafka.certificates import Authority
from tests.support.kafka.guarded import PASSWORD, ROTATING, SECRET, USER, Guarded, guarded_broker
from tests.support.processes import Connector, Endpoint, wait_until
from tests.support.traffic import SENT_AT, configuration, dead_letters_in

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(500)]

FAILS_AFTER = 150.0  # a machine that is busy with other things starts a dozen processes slowly
FIRST, NEXT = "planted-password-of-today", "planted-password-of-tomorrow"
SECRETS = (PASSWORD, SECRET, FIRST, NEXT, "planted-wrong")


class Run(NamedTuple):
    """A connector with topics of its own, both on the way since the module began."""

    connector: Connector
    topic: str
    dead: str


class World:
    """The broker, the endpoint, and all connectors, started at once so that they do not wait for each other."""

    def __init__(self, guarded: Guarded, endpoint: Endpoint, folder: Path, stack: ExitStack) -> None:
        self.guarded = guarded
        self.endpoint = endpoint
        self.folder = folder
        self._stack = stack
        self._producer = Producer({"bootstrap.servers": guarded.kafka.bootstrap_servers})
        self.runs: dict[str, Run] = {}
        self.renewed = guarded.authority.issue(USER)

    def start(self, name: str, listener: str, auth: dict[str, Any], tls: dict[str, Any], **env: str) -> Run:
        kafka = self.guarded.kafka
        topic, dead = (kafka.create_topic(kafka.unique_name(hint)) for hint in ("clicks", "dead"))
        self.send(topic, f"{name}-1")
        self._producer.produce(topic, b"no event")
        self._producer.flush()
        config = configuration(kafka, topic, dead, self.endpoint.url, linger="50ms")
        config["kafka"] |= {
            "bootstrap_servers": [self.guarded.cluster.address(listener)],
            "auth": auth,
            "tls": tls,
            "librdkafka": {"reconnect.backoff.max.ms": 500},
        }
        connector = self._stack.enter_context(Connector(self.folder, config, name, **env))
        self.runs[name] = Run(connector, topic, dead)
        return self.runs[name]

    def send(self, topic: str, event_id: str) -> None:
        """A good record."""
        value = {"id": event_id, "session": event_id, "item": "i", "at": SENT_AT}
        self._producer.produce(topic, json.dumps(value).encode())
        self._producer.flush()

    def wait_for(self, run: Run, event_id: str, seconds: float = FAILS_AFTER) -> None:
        """The event was accepted."""
        wait_until(
            lambda: any(row["eventId"] == event_id for row in self.endpoint.accepted()),
            seconds,
            event_id,
            run.connector.running,
        )

    def client(self, name: str, *, authority: Authority | None = None, **how: Any) -> dict[str, Any]:
        """``tls`` with a new certificate."""
        pair = (authority or self.guarded.authority).issue(USER, **how)
        certificate, key = pair.write(self.folder, name)
        return {"ca_file": self.guarded.ca_file, "cert_file": certificate, "key_file": key}


def password(kind: str, text: str = PASSWORD, **more: str) -> dict[str, Any]:
    return {"type": kind, "username": USER, "password": text, **more}


def oidc(world: World, secret: str = SECRET) -> dict[str, Any]:
    url = f"{world.guarded.provider.url}/token"
    return {"type": "oidc", "token_endpoint_url": url, "client_id": USER, "client_secret": secret}


def start_the_good(world: World) -> None:
    tls = {"ca_file": world.guarded.ca_file}
    key_password = world.folder / "key-password"
    key_password.write_text("of the key\n")
    locked = {**world.client("locked", password="of the key"), "key_password": {"file": str(key_password)}}
    world.start("plain", "LOGIN", password("plain"), {"enabled": False})
    world.start("plain-tls", "SECRET", password("plain"), tls)
    world.start("scram-256", "SECRET", password("scram", mechanism="SCRAM-SHA-256"), tls)
    world.start("scram-512", "SECRET", password("scram"), tls)
    world.start("tls", "TLS", {"type": "none"}, tls)
    world.start("mutual", "MUTUAL", {"type": "none"}, locked)
    world.start("oidc", "TOKEN", oidc(world), tls)


def start_the_bad(world: World) -> None:
    tls = {"ca_file": world.guarded.ca_file}
    stranger = Authority("a stranger")
    (world.folder / "stranger.pem").write_bytes(stranger.certificate)
    wrong = "planted-wrong"
    world.start("wrong-plain", "LOGIN", password("plain", wrong), {"enabled": False})
    world.start("wrong-kind", "TOKEN", password("plain"), tls)
    world.start("untrusted", "TLS", {"type": "none"}, {"ca_file": str(world.folder / "stranger.pem")})
    world.start("expired", "MUTUAL", {"type": "none"}, world.client("expired", expires=timedelta(hours=-1)))
    world.start("no-certificate", "MUTUAL", {"type": "none"}, tls)
    world.start("no-tls", "LOGIN", password("plain"), tls)
    world.start("wrong-secret", "TOKEN", oidc(world, wrong), tls)


def start_the_changing(world: World) -> None:
    file = world.folder / "password"
    file.write_text(FIRST)
    world.guarded.set_password(ROTATING, FIRST)
    auth = {"type": "scram", "username": ROTATING, "password": {"file": str(file)}}
    world.start("new-password", "LOGIN", auth, {"enabled": False})
    world.start("new-certificate", "MUTUAL", {"type": "none"}, world.client("renewed", expires=timedelta(seconds=150)))
    world.start("away", "TOKEN", oidc(world), {"ca_file": world.guarded.ca_file})


def change(world: World) -> None:
    """What takes its time to be noticed happens while the others run."""
    run = world.runs["new-password"]
    world.wait_for(run, "new-password-1")
    world.guarded.set_password(ROTATING, NEXT)  # the broker asks again every two seconds, and the file is old
    wait_until(lambda: "_AUTHENTICATION" in run.connector.logged(), FAILS_AFTER, "a refusal", run.connector.running)
    (world.folder / "password").write_text(NEXT)
    world.wait_for(world.runs["new-certificate"], "new-certificate-1")
    (world.folder / "renewed.key").write_bytes(world.renewed.key)  # whose certificate comes later


@pytest.fixture(scope="module")
def world(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    del kafka_jars  # that they are there is enough
    folder = tmp_path_factory.mktemp("auth")
    with ExitStack() as stack:
        guarded = stack.enter_context(guarded_broker(folder))
        endpoint = stack.enter_context(Endpoint(folder, "--ledger"))
        world = World(guarded, endpoint, folder, stack)
        start_the_changing(world)
        start_the_good(world)
        start_the_bad(world)
        change(world)
        yield world


@pytest.mark.parametrize("name", ["plain", "plain-tls", "scram-256", "scram-512", "tls", "mutual", "oidc"])
def test_records_go_to_the_endpoint_and_bad_ones_to_the_dead_letters(world: World, name: str) -> None:
    run = world.runs[name]
    world.wait_for(run, f"{name}-1")
    wait_until(
        lambda: run.connector.metric("putevents_dead_letter_records_total", topic=run.topic) == 1,
        FAILS_AFTER,
        "the dead letter",
        run.connector.running,
    )
    [(headers, message)] = dead_letters_in(world.guarded.kafka, run.dead)
    assert (headers["putevents.error.reason"], message.value()) == ("not_json", b"no event")
    assert run.connector.stop(20) == 0
    said = run.connector.logged()
    assert not [secret for secret in SECRETS if secret in said]


ADVICE = {
    "wrong-plain": "check kafka.auth: the broker does not know this user or password",
    "wrong-kind": "has no such mechanism at this listener",
    "untrusted": "set kafka.tls.ca_file to the certificate of the authority",
    "expired": "set kafka.tls.cert_file and key_file to one that has not expired",
    "no-certificate": "set kafka.tls.cert_file and key_file",
    "no-tls": "this listener does not speak TLS",
    "wrong-secret": "check token_endpoint_url, client_id, client_secret and scope of kafka.auth",
}


@pytest.mark.parametrize(("name", "advice"), ADVICE.items())
def test_who_is_refused_is_told_what_to_do_and_not_the_secret(world: World, name: str, advice: str) -> None:
    connector = world.runs[name].connector
    assert connector.exit_code(FAILS_AFTER) == 77
    said = connector.logged()
    assert advice in json.loads(said.splitlines()[-1])["what_to_do"]
    assert not [secret for secret in SECRETS if secret in said]


def test_a_new_password_in_the_file_is_taken_up_without_a_restart(world: World) -> None:
    run = world.runs["new-password"]
    wait_until(lambda: "the password in the file has changed" in run.connector.logged(), FAILS_AFTER, "noticed")
    world.send(run.topic, "new-password-2")
    world.wait_for(run, "new-password-2")
    assert run.connector.stop(20) == 0
    said = run.connector.logged()
    assert "_AUTHENTICATION" in said, "the broker was to ask again before the file had the new password"
    assert said.count('"started"') == 1
    assert not [secret for secret in SECRETS if secret in said]


def test_new_certificates_are_taken_up_by_a_restart_once_they_are_whole(world: World) -> None:
    run = world.runs["new-certificate"]
    wait_until(lambda: "do not fit together" in run.connector.logged(), FAILS_AFTER, "noticed", run.connector.running)
    (world.folder / "renewed.crt").write_bytes(world.renewed.certificate)
    wait_until(lambda: run.connector.logged().count('"started"') == 2, FAILS_AFTER, "restarted", run.connector.running)
    world.send(run.topic, "new-certificate-2")
    world.wait_for(run, "new-certificate-2")
    assert run.connector.stop(20) == 0
    assert [row["eventId"] for row in world.endpoint.accepted()].count("new-certificate-1") == 1


def test_a_provider_that_gives_no_token_for_longer_than_one_lives_stops_nothing(world: World) -> None:
    run, provider = world.runs["away"], world.guarded.provider
    world.wait_for(run, "away-1")
    provider.refusing = True
    wait_until(lambda: "gives no token" in run.connector.logged(), FAILS_AFTER, "the outage", run.connector.running)
    provider.refusing = False
    given = provider.given
    wait_until(lambda: provider.given > given, FAILS_AFTER, "a new token", run.connector.running)
    world.send(run.topic, "away-2")
    world.wait_for(run, "away-2")
    assert run.connector.stop(20) == 0
