"""`putevents check` on real Apache Kafka with an authorizer: what is so is found, and nothing is left behind."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from confluent_kafka import Consumer

from tests.support import forked
from tests.support.config_files import VIEW
from tests.support.kafka.certificates import Authority
from tests.support.kafka.guarded import PASSWORD, USER, Guarded, guarded_broker
from tests.support.pages import ROOT
from tests.support.processes import Endpoint, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.timeout(500)]

FAILS_AFTER = 200.0  # seconds; a look takes two, or twenty where nobody answers


class World(NamedTuple):
    """A broker with an authorizer, the endpoint, and topics that the user may read and write."""

    guarded: Guarded
    endpoint: Endpoint
    folder: Path
    topic: str
    dead: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, kafka_jars: Path) -> Iterator[World]:
    del kafka_jars  # that they are there is enough
    folder = tmp_path_factory.mktemp("check")
    with guarded_broker(folder) as guarded, Endpoint(folder, "--ledger") as endpoint:
        topic, dead = guarded.kafka.create_topic("clicks-web", 3), guarded.kafka.create_topic("dead-web")
        yield World(guarded, endpoint, folder, topic, dead)


def configuration(world: World, **kafka: Any) -> dict[str, Any]:
    """What is good, as the user who logs in with a password, with other members of ``kafka`` where given."""
    auth = {"type": "plain", "username": USER, "password": PASSWORD}
    servers = world.guarded.cluster.address("LOGIN")
    section = {"bootstrap_servers": servers, "group_id": "group-web", "auth": auth, "tls": {"enabled": False}}
    return {
        "kafka": section | kafka,
        "personalize": {"tracking_id": "tracker-1", "endpoint_url": world.endpoint.url},
        "dead_letter": {"topic": world.dead},
        "pipelines": [{"name": "web", "topics": [world.topic], "rules": [VIEW]}],
    }


PAGE = ROOT / "docs" / "check.md"


def shown_on_page(number: int) -> str:
    """What the page says that a command prints, without blanks: a page breaks long lines."""
    blocks = re.findall(r"^```console\n\$ [^\n]*\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return re.sub(r"\s", "", blocks[number])


def printed(world: World, config: dict[str, Any], *more: str) -> str:
    """What the command prints, with the addresses of the page in the place of those of the test."""
    path = world.folder / "clicks.yaml"
    path.write_text(yaml.safe_dump(config))
    ran = forked.run([*forked.CONNECTOR, "check", str(path), *more], env=environment(), timeout=FAILS_AFTER)
    server = world.guarded.cluster.address("LOGIN")
    text = ran.stdout.replace(server, "kafka.shop.example:9092").replace(world.endpoint.url, "http://localhost:8081")
    return re.sub(r"\s", "", text.replace("127.0.0.1", "kafka.shop.example"))


class Checked(NamedTuple):
    """What the command said: its exit code, and category, mark and code of each finding."""

    exit: int
    found: list[tuple[str, str, str | None]]
    text: str

    def codes(self) -> set[str | None]:
        return {code for _, mark, code in self.found if mark == "failed"}

    def marks(self, category: str) -> set[str]:
        return {mark for name, mark, _ in self.found if name == category}


def check(world: World, config: dict[str, Any], *more: str) -> Checked:
    path = world.folder / "checked.yaml"
    path.write_text(yaml.safe_dump(config))
    command = [*forked.CONNECTOR, "check", str(path), "--output", "json", *more]
    ran = forked.run(command, env=environment(), timeout=FAILS_AFTER)
    assert ran.stderr == ""
    assert PASSWORD not in ran.stdout
    report = json.loads(ran.stdout)
    assert report["exit"] == ran.returncode
    found = [(each["category"], each["mark"], each["code"]) for each in report["checks"]]
    return Checked(ran.returncode, found, "\n".join(each["found"] for each in report["checks"]))


def test_all_that_a_run_needs_is_there_and_the_check_leaves_nothing_behind(world: World) -> None:
    checked = check(world, configuration(world))
    assert (checked.exit, checked.codes()) == (0, set()), checked.text
    assert f"{world.topic} has 3 partitions; may be read" in checked.text
    assert f"{world.dead} has 1 partition; may be written" in checked.text
    assert "group group-web does not exist yet" in checked.text
    assert set(world.guarded.kafka.end_offsets(world.dead).values()) == {0}
    assert world.guarded.kafka.committed_offsets("group-web", world.topic) == {}
    assert world.endpoint.accepted() == []


def test_the_page_shows_what_is_printed(world: World) -> None:
    config = configuration(world)
    assert printed(world, config) == shown_on_page(0)
    config["dead_letter"]["topic"] = "dead-missing"
    assert printed(world, config, "--output", "short") == shown_on_page(1)


def test_members_with_another_protocol_keep_the_connector_out(world: World) -> None:
    plain = {"bootstrap.servers": world.guarded.kafka.bootstrap_servers, "log_level": 0}
    other = Consumer({**plain, "group.id": "group-range", "client.id": "reports"})
    assigned = threading.Event()
    other.subscribe([world.topic], on_assign=lambda *_: assigned.set())
    try:
        until = time.monotonic() + FAILS_AFTER
        while not assigned.is_set():
            assert time.monotonic() < until
            other.poll(0.5)
        checked = check(world, configuration(world, group_id="group-range"))
    finally:
        other.close()
    assert (checked.exit, checked.codes()) == (69, {"group-protocol"}), checked.text


def test_who_may_read_settings_learns_what_becomes_of_letters(world: World) -> None:
    kafka = world.guarded.kafka
    config = configuration(world, bootstrap_servers=kafka.bootstrap_servers, auth={"type": "none"})
    settings = {"retention.ms": "3600000", "cleanup.policy": "compact", "max.message.bytes": "1000"}
    config["dead_letter"]["topic"] = kafka.create_topic("dead-small", 1, -1, **settings)
    checked = check(world, config)
    warned = {code for _, mark, code in checked.found if mark == "warning"}
    assert (checked.exit, warned) == (0, {"short-retention", "compacted-dead-letters", "small-dead-letters"})


def wrong_password(config: dict[str, Any], _: World) -> None:
    config["kafka"]["auth"]["password"] = "planted-wrong"


def missing_topic(config: dict[str, Any], _: World) -> None:
    config["pipelines"][0]["topics"] = ["clicks-missing"]


def missing_dead_letters(config: dict[str, Any], _: World) -> None:
    config["dead_letter"]["topic"] = "dead-missing"


def topic_not_to_be_read(config: dict[str, Any], world: World) -> None:
    config["pipelines"][0]["topics"] = [world.guarded.kafka.create_topic("others")]


def dead_letters_not_to_be_written(config: dict[str, Any], world: World) -> None:
    config["dead_letter"]["topic"] = world.guarded.kafka.create_topic("clicks-only-read")


def group_of_others(config: dict[str, Any], _: World) -> None:
    config["kafka"]["group_id"] = "others"


def untrusted(config: dict[str, Any], world: World) -> None:
    (world.folder / "stranger.pem").write_bytes(Authority("a stranger").certificate)
    config["kafka"]["bootstrap_servers"] = world.guarded.cluster.address("SECRET")
    config["kafka"]["tls"] = {"ca_file": str(world.folder / "stranger.pem")}


def tls_where_there_is_none(config: dict[str, Any], world: World) -> None:
    config["kafka"]["tls"] = {"ca_file": world.guarded.ca_file}


def no_tls_where_it_is_spoken(config: dict[str, Any], world: World) -> None:
    config["kafka"]["bootstrap_servers"] = world.guarded.cluster.address("SECRET")


def nothing_listens(config: dict[str, Any], _: World) -> None:
    config["kafka"]["bootstrap_servers"] = "127.0.0.1:1"


WAYS = {
    wrong_password: (77, "authentication", "login-refused"),
    missing_topic: (69, "topics", "missing-topic"),
    missing_dead_letters: (69, "dead-letter topic", "missing-topic"),
    topic_not_to_be_read: (77, "topics", "topic-denied"),
    dead_letters_not_to_be_written: (77, "dead-letter topic", "topic-denied"),
    group_of_others: (77, "consumer group", "group-denied"),
    untrusted: (77, "TLS", "untrusted-certificate"),
    tls_where_there_is_none: (77, "TLS", "no-tls"),
    no_tls_where_it_is_spoken: (77, "authentication", "tls-expected"),
    nothing_listens: (69, "brokers", "unreachable-broker"),
}


@pytest.mark.parametrize("spoil", WAYS, ids=lambda spoil: spoil.__name__)
def test_what_is_wrong_is_found_in_its_category_with_its_exit_code(world: World, spoil: Any) -> None:
    config = configuration(world)
    spoil(config, world)
    checked = check(world, config)
    code, category, finding = WAYS[spoil]
    assert (checked.exit, checked.codes()) == (code, {finding}), checked.text
    assert (category, "failed", finding) in checked.found
    assert checked.marks("Amazon Personalize") == {"ok"}  # what does not depend on Kafka is looked at all the same


def test_by_tls_the_certificate_is_checked_and_its_end_told(world: World) -> None:
    checked = check(
        world,
        configuration(
            world, bootstrap_servers=world.guarded.cluster.address("SECRET"), tls={"ca_file": world.guarded.ca_file}
        ),
    )
    assert checked.exit == 0
    assert ("TLS", "warning", "certificate-expires") in checked.found  # it was made for an hour
