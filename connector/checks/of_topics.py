"""The topics that pipelines read: they exist, this principal may read them, and patterns match something."""

import re
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException

from connector.checks.finding import Finding, failed, ok, warning
from connector.checks.world import World
from connector.exits import Exit
from connector.kafka.asking import Rights
from connector.kafka.errors import ABSENT
from connector.kafka.reading import ANSWERED_WITHIN

SHOWN = 5  # names in one line
_DENIED = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED})


class Topic(NamedTuple):
    """A topic as the brokers describe it: ``in_sync`` replicas of the partition that has the fewest."""

    name: str
    partitions: int
    leaderless: int
    in_sync: int


def topics(world: World) -> Iterator[Finding]:
    """Each topic by name, each pattern, and whether the partitions have leaders."""
    wanted = world.topics
    by_pattern = sorted(wanted.among(world.known) - set(wanted.names))
    found = {name: topic_of(world, name) for name in (*wanted.names, *by_pattern)}
    known = {name: each for name, each in found.items() if isinstance(each, Topic)}
    world.partitions = {name: each.partitions for name, each in known.items()}
    rights = world.asker.rights(known)
    for name in wanted.names:
        yield judged_topic(world, name, found[name], rights.get(name, Rights()), "read")
    unmatched = wanted.unmatched(world.known)
    for pattern in wanted.patterns:
        yield _of_pattern(pattern, by_pattern, unmatched)
    for name in by_pattern:
        finding = judged_topic(world, name, found[name], rights.get(name, Rights()), "read")
        if finding.code:
            yield finding


def topic_of(world: World, name: str) -> Topic | KafkaError:
    """The topic, or why it cannot be described. Asked for by name: of a list the brokers leave out what is denied."""
    try:
        topic = world.reader.consumer.list_topics(name, timeout=ANSWERED_WITHIN).topics[name]
    except KafkaException as error:
        why: KafkaError = error.args[0]
        return why
    if topic.error is not None:
        denied: KafkaError = topic.error
        return denied
    parts = topic.partitions.values()
    return Topic(
        name,
        len(parts),
        sum(part.leader < 0 for part in parts),
        min((len(part.isrs) for part in parts), default=0),
    )


def judged_topic(
    world: World, name: str, found: Topic | KafkaError, rights: Rights, may: Literal["read", "write"]
) -> Finding:
    """One topic that must exist, and that this principal must be allowed to read or to write."""
    setting = "pipelines[].topics" if may == "read" else "dead_letter.topic"
    if isinstance(found, KafkaError):
        return _undescribed(name, found, setting, world.reader.servers)
    allowed = rights.read if may == "read" else rights.write
    if allowed is False:
        return _denied(name, may.capitalize())
    if found.leaderless:
        return failed(
            "no-leader",
            f"{found.leaderless} of {_some(found.partitions)} of {name} have no leader",
            "look at the brokers: the replicas of these partitions are down",
        )
    done = "read" if may == "read" else "written"
    told = f"may be {done}" if allowed else f"the brokers do not say whether it may be {done}"
    return ok(f"{name} has {_some(found.partitions)}; {told}")


def _undescribed(name: str, error: KafkaError, setting: str, servers: str) -> Finding:
    if error.code() in _DENIED:
        return _denied(name, "Describe")
    if error.code() in ABSENT:
        return failed(
            "missing-topic", f"topic {name} does not exist at {servers}", f"create it, or correct the name in {setting}"
        )
    advice = "look at the brokers: the topic may be being created, or its leaders are away"
    return failed("no-answer", f"topic {name} cannot be described ({error.name()})", advice)


def _denied(name: str, right: str) -> Finding:
    advice = f"allow it: kafka-acls --add --allow-principal User:NAME --operation {right} --topic {name}"
    return failed("topic-denied", f"this principal has no right to {right} on topic {name}", advice, Exit.REFUSED)


def _of_pattern(pattern: str, by_pattern: Collection[str], unmatched: dict[str, str | None]) -> Finding:
    if pattern not in unmatched:
        return ok(f"{pattern} matches {_listed([name for name in by_pattern if re.fullmatch(pattern, name)])}")
    near = unmatched[pattern]
    hint = f"; {near} only begins with what it matches" if near else ""
    return warning(
        "pattern-without-topic",
        f"{pattern} matches no topic",
        f"a pattern must match the whole name of a topic that this principal may describe{hint}",
    )


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(sorted(names)[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown


def _some(count: int) -> str:
    return f"{count} partition{'' if count == 1 else 's'}"
