"""A shop that never closes: the demo's clickstream, into Kafka, at an even pace until SIGTERM.

A minute of it is made at once, out of an invented hour that ends now; so `sentAt` lies up to an hour back, while the
timestamps of Kafka, of which the connector's latency is measured, are those of the moment.
"""  # noqa: INP001  # a script, not a package

import os
import signal
import sys
import threading
import time
from itertools import count

from confluent_kafka import Producer

from connector.local.demo.clickstream import SECONDS, clickstream

TOPIC = "segment.track"
SLICE = 0.1  # seconds between two bursts: even enough to look at


def main() -> int:
    """Produce until told to stop; returns the exit code, 1 where records were not taken."""
    stopping = threading.Event()
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: stopping.set())
    pace = float(os.environ.get("RECORDS_PER_SECOND", "200"))
    producer = Producer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "linger.ms": 50})
    for seed in count(time.time_ns()):
        clicks = clickstream(max(1, round(pace * 60)), seed, time.time() - SECONDS)
        started = time.monotonic()
        for number, click in enumerate(clicks):
            ahead = number / pace - (time.monotonic() - started)
            if ahead > 0 and stopping.wait(max(ahead, SLICE)):
                return 1 if producer.flush(10) else 0
            producer.produce(TOPIC, click.value, click.key)
            producer.poll(0)
    raise AssertionError("expected to be stopped")


if __name__ == "__main__":
    sys.exit(main())
