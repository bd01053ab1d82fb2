"""Leaves the consumer group in polls, before the client is closed.

An assignment that arrives within the client's own close() makes it hang for ever while it holds the interpreter's lock.
So every callback that is due is called here, before that.
"""

import contextlib

from confluent_kafka import Consumer, KafkaException

POLL_WAITS = 0.05  # seconds
QUIET_POLLS = 2  # polls in a row that bring nothing: no callback is due any more
MOST_POLLS = 100  # then the client is closed, whatever is still due


def leave(consumer: Consumer) -> None:
    """Unsubscribe, and poll until nothing calls back any more."""
    with contextlib.suppress(KafkaException, SystemError):
        consumer.unsubscribe()
        quiet = 0
        for _ in range(MOST_POLLS):
            quiet = quiet + 1 if consumer.poll(POLL_WAITS) is None and not consumer.assignment() else 0
            if quiet == QUIET_POLLS:
                break
