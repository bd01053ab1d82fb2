"""Checks before the first record is read: a broker answers, and every topic exists.

A missing topic that is reported at the start costs a minute; found later, it costs records.
"""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import ClusterMetadata  # type: ignore[attr-defined]  # public, but not marked as exported

from connector.kafka.advertised import advertised, unresolvable
from connector.ports import Unavailable

log = structlog.get_logger()

FIRST_ANSWER = 15.0  # seconds to wait for a broker at the start
ASK_AGAIN = 1.0  # seconds between two looks at whether to go on waiting
_NAMED = 3  # partitions in a message

Topics = Mapping[str, Any]  # names to what the client knows of each; ``error`` is None where all is well


def known_cluster(
    consumer: Consumer, servers: str, timeout: float, *, stopping: Callable[[], bool], heard: Callable[[], str]
) -> ClusterMetadata | None:
    """Ask for brokers and topics until a broker answers.

    Args:
        consumer: to ask; its callbacks are called.
        servers: where it looks for brokers, for the message.
        timeout: seconds to wait for a broker.
        stopping: whether the wait is to be given up; then the answer is None.
        heard: the last error that the client reported, "" for none; raises what ends the wait.

    Raises:
        Unavailable: no broker answers.
    """
    log.info("connecting to Kafka", servers=servers)
    deadline = time.monotonic() + timeout
    while not stopping():
        left = deadline - time.monotonic()
        try:
            cluster: ClusterMetadata = consumer.list_topics(timeout=max(0.05, min(ASK_AGAIN, left)))
        except KafkaException as error:
            failed = error
        else:
            return cluster
        consumer.poll(0)  # serves the callbacks: only they learn why the brokers hang up
        why = heard() or failed.args[0].str()
        if left <= ASK_AGAIN:
            raise Unavailable(
                f"no broker at {servers} answers within {timeout:g} s ({why}): "
                "check kafka.bootstrap_servers, the network between here and there, and kafka.tls and kafka.auth"
            )
    return None


def require_names(hosts: Collection[str]) -> None:
    """Make sure that the host names that brokers advertise resolve here.

    Raises:
        Unavailable: not one can.
    """
    unknown = unresolvable(set(hosts))
    if unknown and len(unknown) == len(set(hosts)):
        raise Unavailable(advertised(unknown))
    if unknown:
        log.warning("some brokers cannot be found", what_to_do=advertised(unknown))


def require_topics(known: Topics, topics: Collection[str], dead_letter: str, servers: str) -> None:
    """Make sure that the topics are there, and the one of the dead letters.

    Args:
        known: what the brokers have.
        topics: names.
        dead_letter: the topic of the dead letters.
        servers: where they were looked for, for the message.

    Raises:
        Unavailable: a topic is missing.
    """
    for topic, setting in {**dict.fromkeys(topics, "pipelines[].topics"), dead_letter: "dead_letter.topic"}.items():
        if topic not in known or known[topic].error is not None:
            raise Unavailable(
                f"topic {topic} does not exist at {servers}, or this principal may not describe it: "
                f"create it, correct {setting}, or allow Describe on it"
            )


def leaders(consumer: Consumer, topics: Collection[str], timeout: float) -> dict[tuple[str, int], int]:
    """The broker that leads each partition, -1 for none."""
    listed = {name: consumer.list_topics(name, timeout=timeout).topics[name] for name in topics}
    return {(name, each.id): each.leader for name, of in listed.items() for each in of.partitions.values()}


def require_leaders(led: Mapping[tuple[str, int], int]) -> None:
    """Say which partitions no broker leads: a question about one of them has no answer.

    Raises:
        Unavailable: there are such partitions.
    """
    without = [f"{topic}-{number}" for (topic, number), leader in led.items() if leader < 0]
    if without:
        more = f" and {len(without) - _NAMED} more" if len(without) > _NAMED else ""
        raise Unavailable(
            f"no broker leads {', '.join(without[:_NAMED])}{more}: the brokers with the replicas are down; start them"
        )
