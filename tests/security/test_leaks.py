"""Ids, properties and secrets are seen in calls and in dead letters, and nowhere else, whatever happens.

The real process reads the records of ``planted``, good and bad, while the endpoint rejects, throttles, fails and at
last denies; then everything that it has said is searched.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from confluent_kafka import Producer

from connector.local.broker import EmbeddedBroker
from tests.support import forked
from tests.support.mock_cluster import read_all
from tests.support.planted import (
    AWS_SECRET,
    AWS_TOKEN,
    BAD,
    GOOD,
    HEADER,
    KEY,
    MARK,
    PASSWORD,
    RULE,
    SESSION,
    told,
)
from tests.support.processes import Connector, Endpoint, environment, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from confluent_kafka import Message

POISON = orjson.dumps({**GOOD, "item": f"poison-{MARK}"})


FAULTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"quota": 1}, "throttled"),
    ({"outage": "unavailable"}, "server_error"),
    ({"outage": "close"}, "connection"),
)


class Watched(Connector):
    """The connector, whose port can be read from a log of either format."""

    @property
    def port(self) -> int:
        found = re.search(r'"?port"?[=:] ?(\d+)', re.sub(r"\x1b\[[0-9;]*m", "", self.logged()))
        return int(found[1]) if found else 0


@pytest.fixture
def broker() -> Iterator[str]:
    with EmbeddedBroker({"clicks": 1, "clicks.dead": 1}) as broker:
        yield broker.bootstrap_servers


def configuration(broker: str, url: str, log_format: str) -> dict[str, Any]:
    return {
        "kafka": {"bootstrap_servers": broker, "group_id": "leaks", "librdkafka": {"debug": "all"}},
        "personalize": {"tracking_id": "tracker", "endpoint_url": url},
        "delivery": {"linger": "50ms", "retry": {"initial": "50ms", "maximum": "500ms"}, "stop_after_rejections": 1000},
        "dead_letter": {"topic": "clicks.dead", "connect_headers": True},
        "log": {"level": "debug", "format": log_format},
        "pipelines": [{"name": "web", "topics": ["clicks"], "rules": [RULE]}],
    }


def produce(broker: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": broker, "log_level": 0})
    for value in values:
        producer.produce("clicks", value, KEY.encode(), headers=[("tenant", HEADER.encode())])
    assert producer.flush(15) == 0


def requested(connector: Connector, status: str) -> bool:
    return connector.metric("putevents_requests_total", status=status) > 0


def headers_of(letter: Message) -> str:
    """Ours; the record's own go with it."""
    found = dict(letter.headers() or ())
    assert found.pop("tenant") == HEADER.encode()
    return "\n".join(f"{name}: {value!r}" for name, value in found.items())


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_log_metric_or_header_tells_what_is_in_a_record(broker: str, log_format: str, tmp_path: Path) -> None:
    good = orjson.dumps(GOOD)
    # A session has one call under way at a time; only several can be too many for a quota.
    sessions = [orjson.dumps({**GOOD, "session": f"{SESSION}-{number}"}) for number in range(8)]
    secrets = {"AWS_SECRET_ACCESS_KEY": AWS_SECRET, "AWS_SESSION_TOKEN": AWS_TOKEN}
    with (
        Endpoint(tmp_path, "--ledger", "--poison-prefix", "poison-") as endpoint,
        Watched(tmp_path, configuration(broker, endpoint.url, log_format), **secrets) as connector,
    ):
        connector.wait_until_ready()
        produce(broker, good, *BAD, POISON, good)
        letters = len(BAD) + 1
        wait_until(
            lambda: connector.metric("putevents_records_total", outcome="dead_lettered") == letters,
            30, "all bad records dead-lettered", connector.running,
        )  # fmt: skip
        for order, status in FAULTS:
            endpoint.control(**order)
            produce(broker, *sessions)
            wait_until(partial(requested, connector, status), 30, status, connector.running)
            endpoint.control(**dict.fromkeys(order))
        wait_until(lambda: endpoint.stats()["events"] >= 26, 30, "the outages end", connector.running)
        pages = "".join(connector.get(path)[1] for path in ("/metrics", "/livez", "/readyz", "/", "/?format=json"))
        endpoint.control(denied=True)
        produce(broker, good)
        assert connector.exit_code(30) == 77
        assert connector.popen.stdout is not None
        said = connector.logged() + connector.popen.stdout.read().decode()
        accepted = str(endpoint.accepted())
    assert MARK in accepted, "the planted values never were on their way"
    assert "a record goes to the dead letters" in said
    assert "debug" in said
    assert told(said) == []
    assert told(pages) == []
    written = read_all(broker, "clicks.dead", letters)
    assert told("\n".join(map(headers_of, written))) == []
    assert sorted(letter.value() or b"" for letter in written) == sorted([*BAD, POISON])


AUTH = {"type": "plain", "username": "reader", "password": {"env": "KAFKA_PASSWORD"}}


def putevents(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = environment(KAFKA_PASSWORD=PASSWORD, AWS_SECRET_ACCESS_KEY=AWS_SECRET)
    return forked.run([*forked.CONNECTOR, *arguments], env=env)


def write(folder: Path, **changes: Any) -> str:
    config = configuration("127.0.0.1:1", "http://127.0.0.1:1", "json")
    config["kafka"] |= {"auth": AUTH, "tls": {"enabled": False}}
    path = folder / "file.yaml"
    path.write_text(yaml.safe_dump({**config, **changes}))
    return str(path)


def test_no_command_tells_a_password(tmp_path: Path) -> None:
    good = write(tmp_path)
    for command, code in ((["validate", good], 0), (["print-config", good], 0), (["map", good], 0)):
        done = putevents(*command)
        assert done.returncode == code, done.stderr
        assert told(done.stdout + done.stderr) == []


@pytest.mark.parametrize(
    "command",
    ["validate --format text", "validate --format json", "validate --format github", "run", "map", "print-config"],
)
def test_no_message_about_a_wrong_file_tells_a_password(tmp_path: Path, command: str) -> None:
    auth = {"type": "plain", "username": ["reader"], "password": PASSWORD, "pasword": PASSWORD}
    properties = {"sasl.password": PASSWORD, "ssl.key.password": PASSWORD, "nope.password": PASSWORD}
    kafka = {
        "bootstrap_servers": "b:1",
        "group_id": "g",
        "auth": auth,
        "librdkafka": properties,
        "tls": {"key_password": 1},
    }
    wrong = write(tmp_path, kafka=kafka)
    done = putevents(*command.split(), wrong)
    assert done.returncode == 78
    assert told(done.stdout + done.stderr) == []


def test_a_dry_run_tells_values_on_stdout_only(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(b"\n".join([orjson.dumps(GOOD), *(value for value in BAD if value), POISON]) + b"\n")
    done = putevents("map", write(tmp_path), "--explain", "--input", str(lines))
    assert MARK in done.stdout
    assert told(done.stderr) == []
    results = [orjson.loads(line) for line in done.stdout.splitlines()]
    rejections = [result["rejection"] for result in results if "rejection" in result]
    assert len(rejections) >= len(BAD) - 1
    assert told(str(rejections)) == []


def test_a_connector_that_cannot_log_in_does_not_tell_its_password(broker: str, tmp_path: Path) -> None:
    config = configuration(broker, "http://127.0.0.1:1", "json")
    config["kafka"] |= {"auth": AUTH, "tls": {"enabled": False}}
    env = {"KAFKA_PASSWORD": PASSWORD, "AWS_SECRET_ACCESS_KEY": AWS_SECRET}
    with Watched(tmp_path, config, **env) as connector:
        assert connector.exit_code(60) in {69, 77}
        assert "librdkafka" in connector.logged() or "cannot start" in connector.logged()
        assert told(connector.logged()) == []


BUG = """
import sys
import structlog
from connector import logs
logs.configure("debug", sys.argv[1])
try:
    try:
        {}[sys.argv[2]]
    except KeyError as error:
        raise RuntimeError(sys.argv[2]) from error
except RuntimeError:
    structlog.get_logger().exception("a bug of the connector")
"""


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_bug_is_logged_with_its_place_and_without_the_words_of_its_exception(log_format: str) -> None:
    done = subprocess.run([sys.executable, "-c", BUG, log_format, SESSION], capture_output=True, text=True, check=True)
    assert "RuntimeError" in done.stderr
    assert "KeyError" in done.stderr
    assert "line 8" in done.stderr
    assert told(done.stderr) == []
