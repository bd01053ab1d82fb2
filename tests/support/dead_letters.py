"""Dead letters on a real topic, and ``putevents dlq`` as its users call it."""

from __future__ import annotations

import json
import os
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import orjson
import yaml
from confluent_kafka import Producer

from connector.cli import main
from connector.core.records import Reason, Record, Rejection, Stage
from connector.kafka.letter import headers, stub_of
from tests.support import forked
from tests.support.processes import environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.support.kafka.admin import Kafka

TIMESTAMP = 1_795_509_011_000


class Shop(NamedTuple):
    """The topics and the file of one test."""

    kafka: Kafka
    folder: Path
    topic: str
    dead: str
    url: str

    @property
    def path(self) -> Path:
        return self.folder / "clicks.yaml"

    @property
    def group(self) -> str:
        return f"group-{self.topic}"

    def write(self, session: str = "value.session", **more: Any) -> None:
        """The file, whose rule finds the session at an expression."""
        rule = {
            "name": "view",
            "put_events": {
                "sessionId": session,
                "eventType": {"const": "View"},
                "itemId": "value.item",
                "sentAt": "value.at",
            },
        }
        config = {
            "kafka": {"bootstrap_servers": [self.kafka.bootstrap_servers], "group_id": self.group},
            "personalize": {"tracking_id": "tracker", "endpoint_url": self.url},
            "delivery": {"linger": "50ms", "max_in_flight": 4},
            "dead_letter": {"topic": self.dead},
            "pipelines": [{"name": "clicks", "topics": [self.topic], "rules": [rule]}],
            **more,
        }
        self.path.write_text(yaml.safe_dump(config, sort_keys=False))

    def dlq(self, action: str, *options: str) -> Ended:
        """Run it to its end. What delivers may end its process, so it has one of its own; to load it takes a while."""
        if "--execute" in options:
            done = forked.run(self.command(action, *options), env=environment(), timeout=180)
            return Ended(done.returncode, done.stdout, done.stderr)
        written, said = BytesIO(), BytesIO()
        out, err = (TextIOWrapper(each, encoding="utf-8", write_through=True) for each in (written, said))
        with patch.dict(os.environ, environment(), clear=True), redirect_stdout(out), redirect_stderr(err):
            code = main(["dlq", action, str(self.path), *options])
        return Ended(code, written.getvalue().decode(), said.getvalue().decode())

    def command(self, action: str, *options: str) -> list[str]:
        return [*forked.CONNECTOR, "dlq", action, str(self.path), *options]

    def bury(self, records: Iterable[Record], rejection: Rejection | None = None, *, stub: bool = False) -> None:
        """Write dead letters as the connector writes them."""
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap_servers, "linger.ms": 20})
        wrong = rejection or missing("sessionId")
        for record in records:
            producer.produce(
                self.dead,
                key=record.key,
                value=stub_of(record) if stub else record.value,
                headers=headers(record, wrong, None, stub=stub),
                timestamp=record.timestamp or 0,
            )
            producer.poll(0)
        assert not producer.flush(60)

    def records(self, count: int, first: int = 0, **change: Any) -> list[Record]:
        """Records with a session under another name than the file expects."""
        return [
            Record(
                self.topic,
                0,
                number,
                TIMESTAMP + number,
                f"key-{number}".encode(),
                orjson.dumps({"sessionID": f"s-{number % 7}", "item": f"item-{number}", "at": 1_795_509_011, **change}),
            )
            for number in range(first, first + count)
        ]


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out, self.err
        return json.loads(self.out)

    @property
    def lines(self) -> Sequence[str]:
        return self.out.splitlines()


def missing(member: str, rule: str = "view") -> Rejection:
    """What the connector says of a record without a required member."""
    message = f"pipeline clicks, rule {rule}: expected {member}"
    return Rejection(Stage.MAP, Reason.MISSING_MEMBER, message, member, "clicks", rule)
