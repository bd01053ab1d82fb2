"""The consumer group: it may be joined, and nobody in it keeps this connector out. It is described, never joined."""

from collections import Counter
from collections.abc import Iterator

from confluent_kafka import KafkaError

from connector.checks.finding import Finding, failed, ok, skipped, warning
from connector.checks.world import World
from connector.config.client_properties import CONSUMER_DEFAULTS
from connector.core.records import TopicPartition
from connector.exits import Exit
from connector.kafka.asking import Group
from connector.ports import Refused, Unavailable

OURS = "cooperative-sticky"
# Of a group that does not exist newer brokers say so, older ones that it is dead.
_ABSENT = frozenset({KafkaError.GROUP_ID_NOT_FOUND})


def group(world: World) -> Iterator[Finding]:
    """Rights, members, their protocol, static members, and where reading begins."""
    name = world.loaded.config.kafka.group_id
    found = world.asker.group(name)
    if isinstance(found, KafkaError):
        if found.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            yield _denied(name, found.name())
            return
        yield _undescribed(name, found)
    elif found.rights.read is False:
        yield _denied(name, "it has no right to Read")
        return
    else:
        yield from _members(world, name, found)
    yield from _begins(world, name)


def _undescribed(name: str, error: KafkaError) -> Finding:
    if error.code() in _ABSENT:
        return ok(f"group {name} does not exist yet: the first member makes it")
    return skipped(f"the members of group {name} are not known: the brokers do not describe groups ({error.name()})")


def _denied(name: str, why: str) -> Finding:
    advice = f"allow Read on group {name} to this principal (kafka-acls --add --operation Read --group {name})"
    return failed("group-denied", f"this principal may not join group {name} ({why})", advice, Exit.REFUSED)


def _members(world: World, name: str, found: Group) -> Iterator[Finding]:
    properties = world.loaded.config.kafka.librdkafka
    own = str(properties.get("client.id", CONSUMER_DEFAULTS["client.id"]))
    world.members = sum(client == own for client in found.clients)
    if not found.clients:
        told = "does not exist yet: the first member makes it" if found.state == "dead" else "has no members now"
        yield ok(f"group {name} {told}")
        return
    if found.assignor and found.assignor != OURS and properties.get("group.protocol") != "consumer":
        yield failed(
            "group-protocol",
            f"the members of group {name} share partitions by {found.assignor}, this connector by {OURS}: "
            "it cannot join them",
            "stop the other consumers first, or set another kafka.group_id",
        )
        return
    others = Counter(client for client in found.clients if client != own)
    if others:
        listed = ", ".join(f"{count} of {client}" for client, count in sorted(others.items()))
        yield warning(
            "other-members",
            f"group {name} has members that are not this connector: {listed}",
            "they would take some of the partitions: give the connector a group of its own in kafka.group_id",
        )
    else:
        yield ok(f"group {name} is {found.state}: {len(found.clients)} of this connector run")
    static = properties.get("group.instance.id")
    if static in found.static:
        yield warning(
            "static-member",
            f"a member of group {name} has the group.instance.id that this file sets",
            "give each process its own: one of two with the same is stopped for good",
        )


def _begins(world: World, name: str) -> Iterator[Finding]:
    places = [TopicPartition(topic, number) for topic, count in world.partitions.items() for number in range(count)]
    if not places:
        yield skipped("where reading begins: needs topics")
        return
    try:
        without = len(places) - len(world.reader.committed(places))
    except Refused as error:
        yield _denied(name, error.code)
        return
    except Unavailable as error:
        yield failed("no-answer", str(error), "the coordinator of the group is a broker: check its advertised address")
        return
    reset = world.loaded.config.kafka.auto_offset_reset
    if not without:
        yield ok("reading begins at committed offsets")
    elif reset == "error":
        yield failed(
            "no-offset",
            f"{without} of {len(places)} partitions have no committed offset, and kafka.auto_offset_reset is error",
            "set earliest or latest, or the group's offsets with kafka-consumer-groups",
            Exit.REFUSED,
        )
    else:
        which = "no partition has" if without == len(places) else f"{without} of {len(places)} partitions do not have"
        yield ok(f"{which} a committed offset: there reading begins at the {reset} record")
