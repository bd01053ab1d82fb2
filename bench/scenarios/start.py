"""From the start of the process to the first event at the endpoint, with a backlog waiting, and what of it is Kafka's.

The connector's log says when it had read its file and looked at Kafka (``started``) and when it got partitions; what
lies between those two is joining the group, which any consumer has to do.
"""

import json
import time
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import orjson

from bench import system
from bench.figures import median
from bench.runs import INTERVAL, START_SECONDS, Watch, start_connector, tell
from bench.sizes import Sizes
from bench.stage import Stage
from tests.support.processes import Endpoint

PARTS = ("to_started", "joining", "to_first_event", "total", "without_joining")


def start_up(stage: Stage, topic: str, sizes: Sizes) -> list[dict[str, Any]]:
    """One row: the median of each part, in seconds. ``topic`` is a filled one."""
    load = system.load_average()
    starts = [_one(stage, topic, number) for number in range(sizes.starts)]
    row = {name: median([each[name] for each in starts]) for name in PARTS}
    spread = {"least": min(each["total"] for each in starts), "most": max(each["total"] for each in starts)}
    found = {"contender": "putevents", **row, **spread, "repeats": len(starts), "load_average": load}
    tell(found)
    return [found]


def _one(stage: Stage, topic: str, number: int) -> dict[str, float]:
    ledger = stage.folder / f"start-{number}.jsonl"
    with ExitStack() as processes:
        endpoint = processes.enter_context(Endpoint(stage.folder, "--log", str(ledger)))
        began = time.time()
        member = processes.enter_context(start_connector(stage, topic, endpoint.url, {}))
        Watch(stage, endpoint, member).until(lambda sample: sample.events > 0, START_SECONDS, INTERVAL)
        member.kill()
        endpoint.stop(10)
        with ledger.open("rb") as rows:
            first = orjson.loads(next(rows))["time"]
        started, assigned = (_logged_at(member.logged(), message) for message in ("started", "partitions assigned"))
    joining = assigned - started
    return {
        "to_started": started - began,
        "joining": joining,
        "to_first_event": first - assigned,
        "total": first - began,
        "without_joining": first - began - joining,
    }


def _logged_at(log: str, message: str) -> float:
    """Unix seconds of the first line with this message. StopIteration where there is none."""
    entries = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    text: str = next(entry["time"] for entry in entries if entry["message"] == message)
    return datetime.fromisoformat(text).timestamp()
