"""What the image does without a network, without rights, and on a file system that cannot be written.

These tests skip where no container engine answers, in CI as well: no machine can be expected to have one, and .ci/run
builds no image. The message of the skip has the commands that would make them run.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from connector import __version__
from connector.exits import Exit
from tests.image.engine import ALONE, CONFIG, ROOT, docker, mounted, run, running
from tests.support.processes import CREDENTIALS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)  # the first of them builds the image
SEGMENT = ROOT / "examples" / "segment.yaml"


def test_version_is_that_of_the_package(image: str) -> None:
    answer = run(image, "version")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith(f"putevents-connector {__version__}\n")


def test_the_example_is_valid(image: str) -> None:
    answer = run(image, "validate", CONFIG, options=mounted(SEGMENT))
    assert answer.returncode == 0, answer.stderr


def test_the_demo_runs_to_its_end(image: str) -> None:
    # It keeps its logs while it runs, so it alone is given a folder to write to.
    answer = run(image, "demo", "--records", "3000", options=("--tmpfs", "/tmp"), seconds=110)  # noqa: S108
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Nothing was lost, nothing is out of order." in answer.stdout


def test_a_bad_file_ends_it_with_78_and_words(image: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\nkafka: {}\n")
    answer = run(image, options=mounted(bad))
    assert answer.returncode == Exit.BAD_FILE
    assert "bootstrap_servers" in answer.stderr


def test_a_file_that_is_not_mounted_ends_it_with_78(image: str) -> None:
    assert run(image).returncode == Exit.BAD_FILE


def address_of(container: str, member: str) -> str:
    """The address that a container of ours prints once it listens."""
    wait_until(lambda: member in docker("logs", container).stdout, 20, f"{member} of {container}")
    return str(json.loads(docker("logs", container).stdout.splitlines()[0])[member])


PRODUCE = """
import sys, time
from confluent_kafka import Producer
from connector.local.demo.clickstream import clickstream
clicks = [click for click in clickstream(2000, 1, time.time() - 3600) if click.fate.outcome != "dead_lettered"]
producer = Producer({"bootstrap.servers": sys.argv[1]})
for click in clicks:
    producer.produce("segment.track", click.value, click.key)
assert producer.flush(20) == 0
print(len({event for click in clicks for event in click.fate.event_ids}))
"""


def quick(folder: Path) -> Path:
    """The example's file, with what the embedded broker needs for quick rebalances."""
    document = yaml.safe_load(SEGMENT.read_text())
    document["kafka"]["librdkafka"] |= {"session.timeout.ms": 3000, "heartbeat.interval.ms": 300}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


CONSUME = """
import sys
from confluent_kafka import Consumer
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "test", "auto.offset.reset": "earliest"})
consumer.subscribe(["segment.track"])
print(len(consumer.consume(100, 30)))
"""


class Neighbours(NamedTuple):
    """A broker and an endpoint in one network namespace, and the options for a connector in it."""

    broker: str
    servers: str
    endpoint: str
    options: tuple[str, ...]

    def produce(self) -> int:
        """Records into Kafka; returns how many events they are."""
        return int(docker("exec", self.broker, "python", "-c", PRODUCE, self.servers).stdout)

    def stats(self) -> dict[str, Any]:
        """The endpoint's counters."""
        code = (
            f"from urllib.request import urlopen; print(urlopen({self.endpoint + '/_local/stats'!r}).read().decode())"
        )
        return dict(json.loads(docker("exec", self.broker, "python", "-c", code).stdout))


@contextmanager
def neighbours(image: str, config: Path) -> Iterator[Neighbours]:
    topics = ("--topic", "segment.track:4", "--topic", "clicks.dead-letter:1")
    broker_options = (*ALONE, "--entrypoint", "python")
    with running(image, "-m", "connector.local.broker", *topics, options=broker_options) as broker:
        beside = ("--network", f"container:{broker}")
        with running(image, "endpoint", "--latency", "50ms", "--ids", options=beside) as endpoint:
            servers, url = address_of(broker, "bootstrap_servers"), address_of(endpoint, "url")
            settings = {
                **CREDENTIALS,
                "KAFKA_BOOTSTRAP_SERVERS": servers,
                "PERSONALIZE_ENDPOINT_URL": url,
                "PERSONALIZE_TRACKING_ID": "tracker",
                "SERVER_HOST": "127.0.0.1",
            }
            environment = tuple(part for name, value in settings.items() for part in ("--env", f"{name}={value}"))
            yield Neighbours(broker, servers, url, (*beside, *environment, *mounted(config)))


def stopped(container: str) -> int:
    """The exit code after SIGTERM; SIGKILL after 40 s would make it 137."""
    docker("stop", "--time", "40", container)
    [state] = json.loads(docker("inspect", container).stdout)
    return int(state["State"]["ExitCode"])


def test_sigterm_drains_commits_and_ends_with_0(image: str, tmp_path: Path) -> None:
    with neighbours(image, quick(tmp_path)) as near:
        with running(image, options=near.options) as connector:
            expected = near.produce()
            wait_until(lambda: near.stats()["events"] > 0, 30, "events at the endpoint")
            assert stopped(connector) == Exit.OK, docker("logs", connector).stdout
        with running(image, options=near.options) as connector:
            more = near.produce()  # the same again: other times, so other events of the same ids
            wait_until(lambda: near.stats()["events"] >= expected + more, 40, "the rest, after a restart")
            assert stopped(connector) == Exit.OK, docker("logs", connector).stdout
        # What the first had delivered it had committed: the second began behind it.
        assert near.stats()["events"] == expected + more
        assert near.stats()["distinct_ids"] == expected


# -- the files of deploy/compose, with the embedded broker in place of Apache Kafka ------------------------------


def test_compose_s_clickstream_produces_until_sigterm_and_ends_with_0(image: str) -> None:
    script = ROOT / "deploy/compose/clickstream.py"
    service = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())["services"]["clickstream"]
    broker_options = (*ALONE, "--entrypoint", "python")
    with running(image, "-m", "connector.local.broker", "--topic", "segment.track:6", options=broker_options) as broker:
        servers = address_of(broker, "bootstrap_servers")
        program, path = service["entrypoint"]
        options = ("--network", f"container:{broker}", "--volume", f"{script}:{path}:ro", "--entrypoint", program)
        with running(image, path, options=(*options, "--env", f"KAFKA_BOOTSTRAP_SERVERS={servers}")) as clickstream:
            assert docker("exec", broker, "python", "-c", CONSUME, servers).stdout == "100\n"
            assert stopped(clickstream) == 0, docker("logs", clickstream).stderr


@pytest.mark.parametrize("service", ["endpoint", "connector"])
def test_compose_s_health_checks_need_nothing_that_the_image_lacks(image: str, service: str) -> None:
    services = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())["services"]
    kind, *command = services[service]["healthcheck"]["test"]
    assert kind == "CMD"
    with running(image, *services["endpoint"]["command"], options=ALONE) as endpoint:
        # The connector's check asks another port and path; here nobody listens on it, so it must fail.
        if service == "endpoint":
            wait_until(
                lambda: docker("exec", endpoint, *command, check=False).returncode == 0, 20, "the endpoint's check"
            )
        else:
            assert docker("exec", endpoint, *command, check=False).returncode == 1
