"""Apache Kafka by hand, from its jars: ``python -m tests.support.kafka --nodes 3``. Ctrl-C or SIGTERM ends it."""

from __future__ import annotations

import argparse
import signal
import sys

from tests.support.kafka.broker import KafkaCluster
from tests.support.kafka.jars import MissingError, fetch_jars
from tests.support.kafka.rehearsal import rehearse


def main() -> int:
    """Run until told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.kafka", description="Apache Kafka on 127.0.0.1")
    parser.add_argument("--nodes", type=int, default=1, help="how many brokers (default 1)")
    parser.add_argument("--fetch", action="store_true", help="only fetch the jars and archive their classes")
    options = parser.parse_args()
    try:
        if options.fetch:
            sys.stdout.write(f"{fetch_jars()}\n")
            rehearse()
            return 0
        # Every way to stop it is an exception, so that the cluster's own cleaning up runs.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        with KafkaCluster(options.nodes) as cluster:
            sys.stdout.write(f"bootstrap.servers={cluster.bootstrap_servers}\n")
            for node in cluster.nodes:
                sys.stdout.write(f"node {node.node_id}: pid {node.pid}, log {node.log_file}\n")
            sys.stdout.flush()
            signal.pause()
    except MissingError as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
