"""The replay: the loop of ``run``, its lanes, its rate limit and its commits, over letters in place of records."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from typing import Literal, NamedTuple

from connector.assembly import account_of, dead_letter_producer, loop_settings, schema_registry
from connector.aws.calls import EventsClient
from connector.aws.sender import SenderThread
from connector.config import Config, Loaded
from connector.config.client_properties import base_properties, for_producer
from connector.core.mapping.topics import Topics
from connector.core.mapping.transform import Router
from connector.core.operations import OPERATIONS, Operation
from connector.core.records import Fate, Pending, Reason, Record, Rejection, Skipped, Stage
from connector.dlq.guarding import SUPERSEDED, Guard
from connector.dlq.letters import Letter, Place, letter_of, replayed
from connector.dlq.reading import Topic, Wanted, environment, replay_properties
from connector.dlq.returning import NoCalls, Returned
from connector.dlq.source import Pace, ReplaySource
from connector.dlq.trying import TOPIC_GONE, fate_of, why_left
from connector.ending import Refusal, in_time, refusal_of
from connector.exits import Exit
from connector.kafka.clients import ClientFactory
from connector.kafka.dead_letters import KafkaDeadLetters
from connector.kafka.source import KafkaSource
from connector.loop import Loop
from connector.metrics import Metrics
from connector.watch import Watch

ALONE = 5.0  # seconds until it is said that another member of the group has all partitions
CLOSING = 10.0  # seconds for leaving the group and closing
_NOT_WANTED = "not_selected"
_LEFT = "left"

To = Literal["putevents", "topic"]


class How(NamedTuple):
    """Where to, how fast (letters a second), and how often a letter may be replayed in all.

    ``partitions`` is how many each topic has that a letter can return to; ``guard`` says what would be older.
    """

    to: To
    rate: float
    max_replays: int
    partitions: Mapping[str, int] = {}
    guard: Guard = Guard()

    def why_left(self, letter: Letter) -> str | None:
        """Why a letter is not replayed; None where it is."""
        gone = self.to == "topic" and letter.topic not in self.partitions
        why = why_left(letter, self.max_replays) or (TOPIC_GONE if gone else None)
        return why or self.guard.left.get(letter.place)


@dataclass
class Replay:
    """What a replay has done so far. ``refused`` is why it had to stop."""

    taken: int = 0
    delivered: int = 0
    made: Counter[Operation] = field(default_factory=Counter)
    again: int = 0
    superseded: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    left: dict[str, list[Letter]] = field(default_factory=dict)
    stopped: bool = False
    complete: bool = True
    refused: Refusal | None = None


class Transforming:
    """From a letter to what becomes of its record; counts each letter once.

    Args:
        router: the pipelines of the file.
        source: knows which letters are meant.
        how: see there.
        replay: where letters that are left are noted.
    """

    def __init__(self, router: Router, source: ReplaySource, how: How, replay: Replay) -> None:
        self._router = router
        self._source = source
        self._how = how
        self._replay = replay
        self._looked_at: set[Place] = set()

    def __call__(self, message: Record, now: float) -> Fate | Pending:
        """The fate of the letter that this message is."""
        letter = letter_of(message)
        if not self._source.wants(letter):
            return Skipped(_NOT_WANTED)
        why = self._how.why_left(letter)
        first = letter.place not in self._looked_at
        if why is not None:
            if first:
                self._looked_at.add(letter.place)
                self._replay.left.setdefault(why, []).append(letter)
            return Skipped(_LEFT)
        fate = self._fate(letter, now)
        if first and not isinstance(fate, Pending):
            self._looked_at.add(letter.place)
            self._replay.taken += 1
            self._source.took()
            if fate is SUPERSEDED:
                self._replay.superseded += 1
            elif isinstance(fate, Skipped):
                self._replay.skipped[str(fate.reason)] += 1
        return fate

    def _fate(self, letter: Letter, now: float) -> Fate | Pending:
        guard = self._how.guard
        if self._how.to == "topic":
            return SUPERSEDED if letter.place in guard.superseded else _RETURNS
        fate = fate_of(self._router, letter, now)
        return fate if isinstance(fate, Pending) else guard.sent(letter, fate)


_RETURNS = Rejection(Stage.MAP, Reason.UNMATCHED, "replayed to its topic")


def as_source(message: Record) -> Record:
    """The record of a letter that is written again."""
    return replayed(letter_of(message)) or message


class Parts(NamedTuple):
    """What lives, and is closed when the replay ends."""

    source: ReplaySource
    member: KafkaSource
    loop: Loop
    dead_letters: KafkaDeadLetters
    sender: SenderThread | None
    metrics: Metrics


def replay(
    loaded: Loaded,
    topic: Topic,
    wanted: Wanted,
    how: How,
    clients: ClientFactory,
    *,
    stopping: Callable[[], bool],
    show: Callable[[int], None],
    waits: Callable[[], None],
    stops: Callable[[], None],
) -> Replay:
    """Replay the wanted letters, until all are done or a signal comes.

    Args:
        loaded: the file, whose mapping is the one that counts.
        topic: the dead-letter topic, with its ends at the start.
        wanted: which letters.
        how: where to, and how fast.
        clients: makes clients of Kafka.
        stopping: whether to stop, as soon as what is in flight is done.
        show: is given how many offsets were read.
        waits: is called once if the group gives this member no partition for some seconds.
        stops: is called once when it stops and waits for what is in flight.

    Raises:
        NotConfigured: there is no AWS region, or there are no credentials.
        Refused: Kafka refuses this client.
        Unavailable: something that is needed is not there.
    """
    done = Replay()
    with _parts(loaded, topic, wanted, how, clients, done) as parts:
        loop, source = parts.loop, parts.source
        source.subscribe(loop)
        world, alone_until = environment(), environment().clock() + ALONE
        watch = Watch(loop, source, parts.metrics, world)  # says why nothing goes on, as in `run`
        while not stopping() and loop.fatal is None:
            loop.step()
            watch.look()
            show(source.seen)
            if source.finished({each.topic_partition: each.committable for each in loop.offsets}):
                break
            if not source.owned and world.clock() > alone_until:
                alone_until = inf
                waits()
        done.stopped, done.refused = stopping(), refusal_of(loop)
        if done.stopped:
            stops()
        if loop.fatal is None:
            done.complete = loop.drain(loaded.config.delivery.shutdown_timeout) and not source.commit_trouble
        if loop.fatal is not None:
            loop.give_up()
        _count(done, parts.metrics, topic.name, how)
    return done


def _count(done: Replay, metrics: Metrics, topic: str, how: How) -> None:
    again = int(metrics.records.labels(topic, "dead_lettered").value)
    done.delivered = int(metrics.records.labels(topic, "delivered").value)
    if how.to == "topic":
        done.delivered, again = again, 0
    done.again = again
    for each in OPERATIONS:
        done.made[each] = int(metrics.events.labels(each.action, "delivered").value)
    done.skipped["filtered"] = int(metrics.records.labels(topic, "filtered").value)


@contextmanager
def _parts(
    loaded: Loaded,
    topic: Topic,
    wanted: Wanted,
    how: How,
    clients: ClientFactory,
    done: Replay,
) -> Iterator[Parts]:
    config, metrics, world = loaded.config, Metrics(), environment()
    sender = _sender(config) if how.to == "putevents" else None
    member = _member(config, metrics, clients)
    source = ReplaySource(member, topic, wanted, Pace(how.rate, world.clock), how.guard)
    registry = schema_registry(config, metrics, world)
    router = Router(loaded.pipelines(registry), config.dead_letter.topic)
    dead_letters = _dead_letters(config, metrics, clients, how)
    transform = Transforming(router, source, how, done)
    loop = Loop(source, sender or NoCalls(), dead_letters, transform, loop_settings(loaded), metrics, world, registry)
    if registry is not None:
        registry.start()
    parts = Parts(source, member, loop, dead_letters, sender, metrics)
    try:
        yield parts
    except BaseException:
        loop.give_up()
        raise
    finally:
        with in_time(CLOSING, lambda: Exit.NOT_OK, loop):
            _close(parts)
            if registry is not None:
                registry.close(0)


def _sender(config: Config) -> SenderThread:
    return SenderThread(EventsClient(account_of(config), config.delivery.request_timeout))


def _member(config: Config, metrics: Metrics, clients: ClientFactory) -> KafkaSource:
    """A member of the group of replays, which reads the dead-letter topic."""
    name = config.dead_letter.topic
    spec = config.pipelines[0].model_copy(update={"topics": [name], "exclude": []})
    return KafkaSource(
        replay_properties(config),
        Topics([spec]),
        metrics,
        make_consumer=clients.consumer,
        make_asker=clients.asker,
        token_outage=clients.token_outage,
    )


def _dead_letters(config: Config, metrics: Metrics, clients: ClientFactory, how: How) -> KafkaDeadLetters:
    if how.to == "putevents":
        return dead_letter_producer(config, metrics, clients, as_source)
    returned = Returned(
        for_producer(base_properties(config.kafka)),
        config.dead_letter.topic,
        connect_headers=False,
        group_id=config.kafka.group_id,
        metrics=metrics,
        make_producer=clients.producer,
        as_source=as_source,
    )
    returned.partitions = how.partitions
    return returned


def _close(parts: Parts) -> None:
    with suppress(Exception):
        parts.member.close()
    parts.dead_letters.close(1.0)
    if parts.sender is not None:
        parts.sender.close()
