"""docs/mending.md, word for word: its files, its commands and their output, on real Kafka and the local endpoint."""

from __future__ import annotations

import re
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from confluent_kafka import Producer

from tests.support import forked
from tests.support.pages import ROOT
from tests.support.processes import Connector, Endpoint, environment, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.kafka.admin import Kafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PAGE = ROOT / "docs" / "mending.md"
TOPIC, DEAD = "shop.clicks", "shop.dead-letter"
AT = 1_795_509_011
RECORDS, EACH = 2_000, 20  # one in so many is of the new app


def record(number: int) -> dict[str, Any]:
    session = f"8f14e45f-ceea-467f-9575-{number % 300:012x}"
    value = {"event": "Product Viewed", "user": f"jane-{number % 300}", "product": {"id": f"sku-{number % 97}"}}
    where = {"context": {"session": session, "app": "2.0"}} if number % EACH == 7 else {"session": session}
    return {**value, **where, "at": AT + number}


def produce(kafka: Kafka) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 20})
    for number in range(RECORDS):
        producer.produce(
            TOPIC, key=f"jane-{number % 300}", value=orjson.dumps(record(number)), timestamp=(AT + number) * 1000
        )
        producer.poll(0)
    assert not producer.flush(60)


def commands() -> list[tuple[str, str]]:
    """What is typed, and what the page shows."""
    typed = []
    for text in re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE):
        for command in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, _, shown = command.partition("\n")
            typed.append((line, shown))
    return typed


def printed(typed: str, folder: Path) -> str:
    """Both streams, as a terminal shows them."""
    ran = subprocess.run(
        ["bash", "-c", typed],
        cwd=folder,
        env=environment(**forked.for_scripts()),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return ran.stdout.decode()


def test_the_page_leads_from_the_alert_to_an_empty_dead_letter_topic(kafka: Kafka, tmp_path: Path) -> None:
    for topic in (TOPIC, DEAD):
        kafka.create_topic(topic)
    produce(kafka)
    with Endpoint(tmp_path, "--ledger") as endpoint:
        found = re.search(r"^```yaml clicks.yaml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
        assert found is not None
        text = (
            found[1].replace("localhost:9092", kafka.bootstrap_servers).replace("http://localhost:4566", endpoint.url)
        )
        (tmp_path / "clicks.yaml").write_text(text)
        run_to_the_end(tmp_path, yaml.safe_load(text))
        for typed, shown in commands():
            assert printed(typed, tmp_path) == shown, typed
        rows = endpoint.accepted()
    sent = [(row["sessionId"], row["event"]["sentAt"]) for row in rows]
    assert len(sent) == len(set(sent)) == RECORDS, "every record was delivered, once"


def run_to_the_end(folder: Path, config: dict[str, Any]) -> None:
    with Connector(folder, config, "run") as connector:
        connector.wait_until_ready()
        for outcome, count in {"delivered": RECORDS - RECORDS // EACH, "dead_lettered": RECORDS // EACH}.items():
            wait_until(partial(has_ended, connector, outcome, count), 90, outcome, connector.running)
        assert connector.stop(25) == 0


def has_ended(connector: Connector, outcome: str, count: int) -> bool:
    return connector.metric("putevents_records_total", topic=TOPIC, outcome=outcome) == count
