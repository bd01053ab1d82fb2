"""What is in a record is not on the page, whatever becomes of the record."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from confluent_kafka import Producer

from connector.config import Loaded, load_text
from connector.core.mapping.transform import Router
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Delivered, Outcome, Rejected, Retryable, Status, Throttled
from connector.local.broker import EmbeddedBroker
from connector.server import Asked
from connector.status import Answers
from tests.support.fakes import P0, QUICK
from tests.support.planted import BAD, GOOD, MARK, RULE, told
from tests.support.processes import Connector, Endpoint, wait_until
from tests.support.views import Looked

if TYPE_CHECKING:
    from pathlib import Path

    from connector.core.records import Transform

OUTCOMES: dict[str, Outcome] = {
    "delivered": Delivered(),
    "rejected": Rejected("InvalidInputException"),
    "throttled": Throttled("ThrottlingException"),
    "an outage": Retryable("ConnectError", Status.CONNECTION),
}


def configuration(broker: str = "127.0.0.1:1", url: str = "http://127.0.0.1:1") -> dict[str, Any]:
    """A tracking id of the file's, and one that comes out of the record."""
    other = {
        "name": "tracked",
        "when": "value.tracker",
        "put_events": RULE["put_events"] | {"trackingId": "value.tracker"},
    }
    return {
        "kafka": {"bootstrap_servers": broker, "group_id": "leaks"},
        "personalize": {"tracking_id": "tracker", "endpoint_url": url},
        "delivery": {"linger": "20ms"},
        "dead_letter": {"topic": "clicks.dead"},
        "pipelines": [{"name": "web", "topics": ["clicks"], "rules": [other, RULE]}],
    }


def values(now: float) -> list[bytes]:
    """Records of this moment, on the clock of whoever maps them: an event from the future is refused."""
    at = {"at": int(now)}
    good = [orjson.dumps({**GOOD, **at, "id": f"event-{MARK}-{number}"}) for number in range(5)]
    tracked = [orjson.dumps({**GOOD, **at, "tracker": f"tracker-{MARK}-{number}"}) for number in range(3)]
    return [*good, *tracked, *BAD]


def router() -> Transform:
    loaded = load_text(yaml.safe_dump(configuration()), "leaks.yaml", {})
    assert isinstance(loaded, Loaded), loaded
    return Router(loaded.pipelines())


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_form_of_the_page_tells_what_is_in_a_record(outcome: str) -> None:
    harness = Looked(QUICK._replace(configured=frozenset({"tracker"})), transform=router())

    def answer(batch: Batch) -> Outcome:
        assert MARK.encode() in batch.items[0].entry.body
        return OUTCOMES[outcome]

    harness.sender.outcome = answer
    harness.assign(P0)
    for number, value in enumerate(values(harness.environment.wall())):
        harness.source.produce(P0, session=f"{number}-{MARK}")
        harness.source.logs[P0][-1] = harness.source.logs[P0][-1]._replace(value=value)
    view = harness.pass_time(30)
    assert len(view.letters) == 20
    assert len(harness.sender.calls) > 3
    answers = Answers(harness.board.view)
    for query in ("format=html", "format=json"):
        page = answers(Asked(query, "")).body.decode()
        assert "taken from records" in page
        assert told(page) == []


def test_the_page_of_a_real_process_has_its_numbers_and_nobodys_id(tmp_path: Path) -> None:
    with (
        EmbeddedBroker({"clicks": 2, "clicks.dead": 1}) as broker,
        Endpoint(tmp_path) as endpoint,
        Connector(tmp_path, configuration(broker.bootstrap_servers, endpoint.url)) as connector,
    ):
        connector.wait_until_ready()
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        sent = values(time.time())
        for value in sent:
            producer.produce("clicks", value, key=f"key-{MARK}")
        assert producer.flush(20) == 0
        said = partial(asked, connector)
        wait_until(lambda: done(said()) == len(sent), 30, "all records are done with", connector.running)
        found = said()
        assert found["totals"]["records"]["dead_lettered"] == len(BAD)
        assert found["totals"]["events_delivered"] == len(sent) - len(BAD)
        assert found["state"]["kind"] == "delivering"
        assert found["lag"]["partitions"] == 2
        assert len(found["dead_letters"]) == 20
        assert {each["name"] for each in found["pace"]} == {"tracker", "(taken from records)"}
        pages = connector.get("/")[1] + str(found)
        assert connector.stop(30) == 0
    assert "<h1>PutEvents connector</h1>" in pages
    assert told(pages) == []


def asked(connector: Connector) -> dict[str, Any]:
    status, body = connector.get("/?format=json")
    assert status == 200
    found: dict[str, Any] = orjson.loads(body)
    return found


def done(found: dict[str, Any]) -> int:
    return sum(found["totals"]["records"].values())
