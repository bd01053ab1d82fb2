"""The dead-letter topic: it exists, takes writes, and keeps what is written. Nothing is written to find that out."""

from collections.abc import Iterator, Mapping

from confluent_kafka import KafkaError

from connector.checks.finding import Finding, Mark, failed, ok, skipped, warning
from connector.checks.of_topics import Topic, judged_topic, topic_of
from connector.checks.world import World
from connector.core.mapping.durations import format_duration
from connector.kafka.asking import Rights

LEAST = 3 * 86_400.0  # seconds that letters are kept; a weekend passes before anybody looks
_SIZE, _KEPT = "max.message.bytes", "retention.ms"

Settings = Mapping[str, str]


def dead_letters(world: World) -> Iterator[Finding]:
    """The topic, and its settings beside those of the topics that are read."""
    name = world.loaded.config.dead_letter.topic
    found = topic_of(world, name)
    rights = {} if isinstance(found, KafkaError) else world.asker.rights([name])
    finding = judged_topic(world, name, found, rights.get(name, Rights()), "write")
    yield finding
    if finding.mark is Mark.FAILED or isinstance(found, KafkaError):
        return
    own = world.asker.settings([name])[name]
    if isinstance(own, KafkaError):
        yield skipped(f"how long and what {name} keeps is not known: its settings cannot be read ({own.name()})")
        return
    settings = world.asker.settings(world.partitions)
    yield from of_settings(name, found, own, settings)


def of_settings(
    name: str, found: Topic, own: Settings, sources: Mapping[str, Settings | KafkaError]
) -> Iterator[Finding]:
    """What the settings of the topic mean for letters."""
    needed = int(own.get("min.insync.replicas", 1))
    if found.in_sync < needed:
        yield failed(
            "too-few-replicas",
            f"{name} has partitions with {found.in_sync} in-sync replicas and wants {needed}: it takes no letters",
            "bring the brokers back, or lower min.insync.replicas of the topic",
        )
    yield _cleanup(name, own)
    yield from _kept(name, own)
    yield from _sizes(name, own, sources)


def _cleanup(name: str, own: Settings) -> Finding:
    policy = own.get("cleanup.policy", "delete")
    if "compact" not in policy:
        return ok(f"{name} keeps every letter (cleanup.policy {policy})")
    return warning(
        "compacted-dead-letters",
        f"{name} is compacted: it refuses letters without a key, and of those with the same key keeps the last",
        "set cleanup.policy=delete on the topic",
    )


def _kept(name: str, own: Settings) -> Iterator[Finding]:
    kept = int(own.get(_KEPT, -1))
    if kept < 0:
        yield ok(f"{name} keeps letters for ever (retention.ms)")
    elif kept / 1000 < LEAST:
        yield warning(
            "short-retention",
            f"{name} keeps letters for {format_duration(kept / 1000)} (retention.ms)",
            "set retention.ms of the topic to the time that you need to mend a mapping and to replay, such as 14 days",
        )
    else:
        yield ok(f"{name} keeps letters for {format_duration(kept / 1000)} (retention.ms)")


def _sizes(name: str, own: Settings, sources: Mapping[str, Settings | KafkaError]) -> Iterator[Finding]:
    limit = int(own.get(_SIZE, 0))
    known = {topic: int(each[_SIZE]) for topic, each in sources.items() if not isinstance(each, KafkaError)}
    larger = sorted(topic for topic, size in known.items() if size > limit)
    if not known:
        yield skipped("whether the largest records fit into letters is not known: the topics' settings cannot be read")
    elif larger:
        yield warning(
            "small-dead-letters",
            f"{name} takes messages of {limit:,} bytes, and {larger[0]} has up to {known[larger[0]]:,}",
            "set max.message.bytes of the topic to more than that: of a larger record the letter says only where it is",
        )
    else:
        yield ok(f"{name} takes messages as large as those of the topics that are read")
