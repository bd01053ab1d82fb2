"""Another user of the same quota: calls at a fixed rate with a stock client, which ours must live beside.

A process of its own, until killed. It holds no count: the endpoint knows how many of its calls were accepted, by
its tracking id, an event a call.
"""

import argparse
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

TRACKING_ID = "stranger"
THREADS = 16
EVENT = {"eventType": "View", "itemId": "item", "sentAt": 1_763_973_011}


def main() -> None:
    """Call until killed; a throttled call is not made again."""
    parser = argparse.ArgumentParser(prog="python -m bench.stranger")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--rate", type=float, required=True, help="calls a second")
    options = parser.parse_args()
    settings = Config(max_pool_connections=THREADS, retries={"total_max_attempts": 1})
    client = boto3.client("personalize-events", "eu-west-1", endpoint_url=options.endpoint, config=settings)

    def call() -> None:
        with contextlib.suppress(ClientError):
            client.put_events(trackingId=TRACKING_ID, sessionId="stranger", eventList=[EVENT])  # type: ignore[list-item]  # a plain dict

    with ThreadPoolExecutor(THREADS) as pool:
        began, made = time.monotonic(), 0
        while True:
            while made < (time.monotonic() - began) * options.rate:
                pool.submit(call)
                made += 1
            time.sleep(0.5 / options.rate)


if __name__ == "__main__":
    main()
