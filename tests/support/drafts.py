"""Records, and the file that `putevents init --sample` proposes for them."""

import json
from collections.abc import Iterable
from typing import Any

import yaml

from connector.config import Loaded, load_text
from connector.starting.drafting import draft
from connector.starting.samples import read

VIEW = {"session": "s-81", "user": "anna@shop.example", "action": "view", "item": "A1", "time": 1795509011}


def drafted(records: Iterable[Any], *members: str) -> str:
    lines = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in records)
    return draft(read(lines), "a.jsonl", members)


def loaded(text: str) -> Loaded:
    found = load_text(text, "drafted.yaml", {})
    assert isinstance(found, Loaded), (found, text)
    return found


def members(text: str, rule: str = "events") -> dict[str, Any]:
    [pipeline] = yaml.safe_load(text)["pipelines"]
    [found] = [each for each in pipeline["rules"] if each["name"] == rule]
    made: dict[str, Any] = found["put_events"]
    return made
