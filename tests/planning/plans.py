"""Plans of two texts and some records, without files."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson

from connector.config import Loaded
from connector.core.records import Record
from connector.planning.consequences import Plan
from connector.planning.findings import Comparison
from connector.planning.masks import Masks, texts_of
from connector.planning.settings import settings
from connector.planning.shown import text
from connector.planning.sides import Side
from tests.support.config_files import loaded

NOW = 1_795_509_100.0
HEAD = """\
kafka: {bootstrap_servers: "b:9092", group_id: g}
personalize: {tracking_id: t1}
dead_letter: {topic: d}
pipelines:
  - name: web
    topics: [clicks]
    rules:
"""
VIEW = """\
      - name: view
        when: value.kind == 'view'
        put_events:
          sessionId: value.session
          eventType: {const: View}
          eventId: value.id
          itemId: value.item
          sentAt: {const: 1795509011}
"""
ORDER = """\
      - name: order
        when: value.kind == 'order'
        for_each: value.lines
        put_events:
          sessionId: value.session
          eventType: {const: Purchase}
          eventId: {template: "{{ value.id }}-{{ item.sku }}"}
          itemId: item.sku
          sentAt: {const: 1795509011}
"""
FILE = HEAD + VIEW + ORDER


def view(number: int = 1, **members: Any) -> dict[str, Any]:
    """A record of the first rule."""
    return {"kind": "view", "session": "sess1", "id": f"view{number}", "item": "shoe", **members}


def order(*skus: str, **members: Any) -> dict[str, Any]:
    """A record of the second."""
    return {"kind": "order", "session": "sess1", "id": "ord", "lines": [{"sku": sku} for sku in skus], **members}


def changed(old: str, new: str, file: str = FILE) -> str:
    """The file with another text in the place of one that it has."""
    assert old in file
    return file.replace(old, new)


@lru_cache
def _loaded(text: str) -> Loaded:
    return loaded(text)


def plan(old: str, new: str, values: Sequence[Any], *, topic: str = "clicks", **sides: Any) -> Plan:
    """Both versions over these values; ``sides`` are arguments of both sides."""
    files = [_loaded(text) for text in (old, new)]
    comparison = Comparison(Side("old.yaml", files[0], **sides), Side("new.yaml", files[1], **sides), NOW)
    for number, value in enumerate(values):
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        comparison.add(Record(topic, 0, number, 1_795_509_000_000 + number, None, body), number + 1)
    return Plan(comparison, settings(files[0].config, files[1].config))


def masks(found: Plan, *, values: bool = False) -> Masks:
    old, new = found.comparison.old.loaded, found.comparison.new.loaded
    return Masks(texts_of(old) | texts_of(new), values=values)


def shown(found: Plan, *, values: bool = False) -> str:
    """The plan as text."""
    return text(found, masks(found, values=values), [], colour=False)
