"""``putevents dlq replay``: what a replay would do, or the replay itself."""

import argparse
from collections.abc import Callable

from connector.cli import dlq_outcomes as text
from connector.cli.dlq_foreseeing import foreseen, replaces
from connector.cli.dlq_opening import opened, shown
from connector.cli.progress import Progress
from connector.config import Loaded
from connector.dlq.guarding import Guard
from connector.dlq.letters import Letter
from connector.dlq.reading import NoLetters, Topic, Wanted, group_of
from connector.dlq.replaying import How, Replay, replay
from connector.dlq.trying import STUB
from connector.exits import Exit
from connector.kafka.clients import ClientFactory
from connector.kafka.reading import TopicReader
from connector.signals import Signals
from connector.streams import say

WAITS = (
    "another replay has all partitions in the group {group}, or one that was killed a moment ago: "
    "waiting for it; Ctrl-C ends this one\n"
)
STOPS = "stopping: what is in flight has at most {seconds:g} s; another Ctrl-C ends at once, and nothing is lost\n"


def run(arguments: argparse.Namespace, loaded: Loaded, signals: Signals) -> int:
    """0; 1 where a letter failed again or is left."""
    if arguments.execute:
        return _execute(arguments, loaded, signals)
    with opened(arguments, loaded) as (clients, reader, topic, wanted):
        tried, newer, guard = foreseen(arguments, loaded, clients, reader, topic, wanted)
        stubs = _still_there(reader, tried.left.get(STUB, []))
    if arguments.output == "json":
        shown(text.tried_json(tried, newer, stubs, guard) + "\n")
    else:
        shown(text.tried_text(tried, newer, stubs, arguments.to, arguments.max_replays, guard))
        if tried.letters:
            say(text.next_step(group_of(loaded.config)))
    return Exit.OK


def _still_there(reader: TopicReader, stubs: list[Letter]) -> list[tuple[Letter, bool | None]]:
    """Whether the records of stubs are still in their topics; None where that cannot be known."""
    if not stubs:
        return []
    there = reader.topics()
    ends = reader.ends(sorted({letter.topic for letter in stubs} & there))
    found: list[tuple[Letter, bool | None]] = []
    for letter in stubs:
        record = letter.record
        if record is None:
            continue
        first, end = ends.get(record.topic_partition, (0, 0))
        found.append((letter, first <= record.offset < end))
    return found


def _execute(arguments: argparse.Namespace, loaded: Loaded, signals: Signals) -> int:
    with opened(arguments, loaded) as (clients, reader, topic, wanted):
        seen = foreseen(arguments, loaded, clients, reader, topic, wanted) if _asks(arguments, loaded, topic) else None
        guard = seen.guard if seen is not None else Guard()
        _require_room(topic, wanted, guard)
        partitions = _partitions(reader, loaded) if arguments.to == "topic" else {}
    how = How(arguments.to, arguments.rate, arguments.max_replays, partitions, guard)
    ended = _done(loaded, topic, wanted, how, clients, signals) if topic.total else Replay()
    if arguments.output == "json":
        shown(text.replayed_json(ended) + "\n")
    else:
        shown(text.replayed_text(ended, arguments.to, arguments.max_replays, None if seen is None else seen.newer))
    if ended.refused is not None:
        say(f"{ended.refused.reason}; the same command goes on where this one ended\n")
        return Exit.REFUSED
    if ended.stopped:
        say("stopped by a signal: the same command goes on where this one ended\n")
    return Exit.NOT_OK if ended.again or ended.left or ended.stopped or not ended.complete else Exit.OK


def _asks(arguments: argparse.Namespace, loaded: Loaded, topic: Topic) -> bool:
    """Whether to look first which letters are older than what was delivered."""
    return bool(topic.total) and replaces(loaded) and bool(arguments.look or not arguments.allow_older)


def _done(loaded: Loaded, topic: Topic, wanted: Wanted, how: How, clients: ClientFactory, signals: Signals) -> Replay:
    group = group_of(loaded.config)
    with Progress("replaying", "letters") as progress:
        return replay(
            loaded,
            topic,
            wanted,
            how,
            clients,
            stopping=signals.stopping,
            show=_showing(progress, topic.total),
            waits=lambda: say(WAITS.format(group=group)),
            stops=lambda: say(STOPS.format(seconds=loaded.config.delivery.shutdown_timeout)),
        )


def _showing(progress: Progress, total: int) -> Callable[[int], None]:
    return lambda seen: progress.show(seen, total)


def _require_room(topic: Topic, wanted: Wanted, guard: Guard) -> None:
    """Make sure that what is done can be noted; else a replay that is killed would start over."""
    for place, marks in topic.marks.items():
        bounds = topic.bounds[place]
        noted = guard.progress(marks, wanted.selection, place.partition, bounds.begin, bounds.end)
        if not noted.fits and guard.left:
            raise NoLetters(
                f"{len(guard.left):,} letters would be left, since it is not known whether newer versions were "
                "delivered, in too many places to note them beside the group's offset: raise --look, select others "
                "with --rule, or send them with --allow-older"
            )
        if not noted.fits:
            raise NoLetters(
                "too many different selections were replayed to note another beside the group's offset: "
                "replay what is left without a filter, or up to --until, and then select again"
            )


def _partitions(reader: TopicReader, loaded: Loaded) -> dict[str, int]:
    """How many partitions each topic has: letters name their sources, which need not be those of the file."""
    counts: dict[str, int] = {}
    known = reader.topics() - {loaded.config.dead_letter.topic}
    for place in reader.ends(sorted(name for name in known if not name.startswith("__"))):
        counts[place.topic] = counts.get(place.topic, 0) + 1
    return counts
