"""What a record costs in an export, beside the mapping alone: ``python -m bench.export_costs``.

Records are flat JSON in memory, so that neither Kafka nor the network is measured. CPU time counts: how busy the
machine is changes it less than it changes the time on the wall.
"""

import gc
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson

from connector.config import Loaded, load_text
from connector.core.records import Record, TopicPartition
from connector.exporting.datasets import INTERACTIONS
from connector.exporting.finishing import Finishing
from connector.exporting.noted import Noted, Partition, Same
from connector.exporting.parts import Parts
from connector.exporting.reading import Reading, own_ids, router_of
from connector.schema_wait import SchemaWait

RECORDS = 200_000
SESSIONS, USERS, ITEMS = 5_000, 2_000, 20_000
BEGUN = 1_764_000_000
_CONFIG = """
kafka: {bootstrap_servers: "localhost:9092", group_id: bench}
personalize: {tracking_id: bench}
dead_letter: {topic: clicks.dead}
pipelines:
  - name: web
    topics: [clicks]
    rules:
      - name: view
        when: value.event == 'view'
        put_events:
          sessionId: value.session
          userId: value.user
          eventType: {const: View}
          itemId: value.item
          eventValue: value.price
          sentAt: value.time
          properties: {category: value.category, quantity: value.quantity}
"""
_OWN_ID = "          eventId: value.id\n"


def records(anonymous: float) -> list[Record]:
    """Records of which this part is of nobody."""
    chance = random.Random(1)  # noqa: S311  for a measurement
    found = []
    for number in range(RECORDS):
        session = chance.randrange(SESSIONS)
        value = {
            "event": "view",
            "id": f"e-{number:08}",
            "session": f"session-{session:06}",
            "user": None if chance.random() < anonymous else f"user-{session % USERS:05}",
            "item": f"sku-{chance.randrange(ITEMS):05}",
            "price": round(chance.random() * 100, 2),
            "category": chance.choice(["shoes", "hats", "coats"]),
            "quantity": chance.randrange(5),
            "time": BEGUN + number // 100,
        }
        found.append(Record("clicks", 0, number, (BEGUN + number // 100) * 1000, None, orjson.dumps(value)))
    return found


def spent(work: Callable[[], object]) -> float:
    """Seconds of CPU."""
    before = time.process_time()
    work()
    return time.process_time() - before


def measure(loaded: Loaded, given: list[Record]) -> tuple[float, float, float]:
    """Records a second of CPU: the mapping alone, read to written, and with the finishing of files."""
    router, place = router_of(loaded, None), TopicPartition("clicks", 0)
    alone = spent(lambda: Counter(type(router(record, time.time())) for record in given))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noted = Noted(Same("interactions", "", "", "", None), {place: Partition(0, RECORDS, 0)})
        reading = Reading(folder, noted, INTERACTIONS, router, own_ids(loaded, INTERACTIONS), SchemaWait(None))
        read = spent(lambda: reading.all(iter(given), dict))
        parts = Parts(folder, "interactions", reading.columns.names)
        finishing = Finishing(folder, parts, reading.columns.width, reading.rows.widths, Counter())
        finished = spent(finishing.events) + spent(parts.close)
    return RECORDS / alone, RECORDS / read, RECORDS / (read + finished)


def main() -> None:
    """Print a table."""
    gc.set_threshold(50_000, 20, 20)
    out = sys.stdout.write
    out("| ids | events without a user | mapped alone, records/s | read to written | with finishing |\n")
    out("| --- | --: | --: | --: | --: |\n")
    for own in (False, True):
        for anonymous in (0.0, 0.5):
            loaded = load_text(_CONFIG + (_OWN_ID if own else ""), "bench.yaml", {})
            if not isinstance(loaded, Loaded):
                raise TypeError(loaded)
            rates = measure(loaded, records(anonymous))
            kind = "of the mapping" if own else "default"
            out(f"| {kind} | {anonymous:.0%} | {' | '.join(f'{rate:,.0f}' for rate in rates)} |\n")


if __name__ == "__main__":
    main()
