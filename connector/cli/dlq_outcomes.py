"""What a replay would do, or did, in words and as JSON; nothing of a record."""

import shlex
from collections import Counter
from collections.abc import Sequence

from connector.cli.dlq_text import as_json, count
from connector.core.operations import PUT_EVENTS, Operation
from connector.dlq.guarding import MIXED, UNKNOWN, Guard
from connector.dlq.letters import Letter, Place
from connector.dlq.newer import Newer
from connector.dlq.replaying import Replay
from connector.dlq.trying import FOREIGN, REPLAYED_OFTEN, STUB, TOPIC_GONE, Tried
from connector.showing.calls import some

Stubs = Sequence[tuple[Letter, bool | None]]
_EXAMPLES = 3  # places of letters in a line
_NO_GUARD = Guard()


def tried_text(
    tried: Tried, newer: Newer | None, stubs: Stubs, to: str, max_replays: int, guard: Guard = _NO_GUARD
) -> str:
    """What a replay would do, the largest part first."""
    lines = [f"dry run: {count(tried.letters, 'letter')}"]
    if tried.replayed:
        lines[0] += f", {tried.replayed:,} more were replayed already"
    if to == "topic":
        lines.append("  would go back to their topics; of this file's mapping there would be:")
    lines.append(f"  {tried.deliver:,} delivered ({_made(tried.made)})")
    lines += [f"  {number:,} skipped: {why}" for why, number in tried.skipped.most_common()]
    for again, number in tried.again.most_common():
        lines.append(f"  {number:,} fail again: {again.message} (letter {tried.examples[again]})")
    lines += [f"  {line}" for line in _left(tried.left, max_replays)]
    lines += [f"    {line}" for line in _stub_lines(stubs)]
    lines += _guard_lines(guard, newer)
    lines += _newer_lines(newer, tried)
    return "\n".join(lines) + "\n"


def _made(made: Counter[Operation]) -> str:
    return ", ".join(some(number, each) for each, number in made.items() if number) or some(0, PUT_EVENTS)


def _left(left: dict[str, list[Letter]], max_replays: int) -> list[str]:
    words = {
        STUB: "left: the letter has not the record, which was too large",
        REPLAYED_OFTEN: f"left: replayed {count(max_replays, 'time')} already (--max-replays)",
        TOPIC_GONE: "left: the topic of the record does not exist any more, or may not be described",
        FOREIGN: "left: no headers of this connector, so the source is not known",
    }
    places = {why: [letter.place for letter in found] for why, found in left.items()}
    return [f"{len(found):,} {(words | _VERSIONS)[why]} ({_places(found)})" for why, found in sorted(places.items())]


_VERSIONS = {
    UNKNOWN: "left: not known whether newer versions of its users, items or actions were delivered",
    MIXED: "left: some of its users, items or actions have newer versions; --to putevents sends the others",
}


def _guard_lines(guard: Guard, newer: Newer | None) -> list[str]:
    """Of the letters that would be delivered, those that are not."""
    lines = [f"  of these {guard.done:,} superseded: {_SUPERSEDED}"] if guard.done else []
    for why, number in sorted(Counter(guard.left.values()).items()):
        places = [place for place, each in guard.left.items() if each == why]
        lines.append(f"  of these {number:,} {_VERSIONS[why]} ({_places(places)})")
    return lines + (_unknown(newer) if UNKNOWN in guard.left.values() else [])


_SUPERSEDED = "newer versions of the same users, items or actions were delivered already"


def _unknown(newer: Newer | None) -> list[str]:
    """Why it is not known, and what to do."""
    if newer is None:
        why = "nobody looked: give --look"
    elif newer.trouble:
        why = newer.trouble
    elif newer.not_looked_at:
        why = f"{count(newer.not_looked_at, 'record')} of the source not looked at: raise --look"
    else:
        why = "records of that time are deleted, the topic is gone, or nothing is committed there"
    return [f"    {why}; --allow-older sends them all the same"]


def _places(found: Sequence[Place]) -> str:
    places = ", ".join(str(place) for place in found[:_EXAMPLES])
    return places if len(found) <= _EXAMPLES else f"{places}, …"


def _stub_lines(stubs: Stubs) -> list[str]:
    lines = []
    for letter, there in stubs[:_EXAMPLES]:
        record = letter.record
        if record is None:
            continue
        where = f"{record.topic}-{record.partition}@{record.offset}"
        read = f"kcat -C -t {shlex.quote(record.topic)} -p {record.partition} -o {record.offset} -c 1"
        lines.append(f"its record is still at {where}: {read}" if there else f"its record is not at {where} any more")
    return lines


def _newer_lines(newer: Newer | None, tried: Tried) -> list[str]:
    if not tried.events:
        return []
    if newer is None:
        return ["newer events of the same sessions that were delivered already: not looked for (--look)"]
    if newer.trouble:
        return [f"newer events of the same sessions that were delivered already: unknown: {newer.trouble}"]
    least = "at least " if newer.not_looked_at else ""
    lines = [
        (
            f"newer events of the same sessions that were delivered already: {least}{newer.events:,}, "
            f"in {count(newer.sessions, 'session')}"
        ),
        (
            f"  looked at {count(newer.looked_at, 'record')} from the letters on to the committed offsets, "
            "in the same partitions"
        ),
    ]
    if newer.versions:
        lines.insert(
            0,
            f"newer versions of the same users, items or actions that were delivered already: {least}"
            f"{newer.versions:,}, of {count(newer.ids, 'id')}",
        )
    if newer.not_looked_at:
        lines.append(f"  {count(newer.not_looked_at, 'record')} not looked at: unknown (raise --look)")
    if newer.deleted:
        lines.append("  some records of that time are deleted, or nothing is committed there: unknown")
    return lines


def next_step(group: str) -> str:
    """How to do it."""
    return f"nothing was sent; the same command with --execute does it, as a member of the group {group}\n"


def tried_json(tried: Tried, newer: Newer | None, stubs: Stubs, guard: Guard = _NO_GUARD) -> str:
    """The dry run as JSON."""
    again = [
        {**kind._asdict(), "message": message, "letters": number, "example": str(tried.examples[found])}
        for found, number in tried.again.most_common()
        for kind, message in [found]
    ]
    return as_json(
        {
            "letters": tried.letters,
            "delivered": tried.deliver,
            "events": tried.events,
            "skipped": dict(tried.skipped),
            "fail_again": again,
            "superseded": guard.done,
            "left": {
                **{why: [str(letter.place) for letter in found] for why, found in tried.left.items()},
                **{
                    why: [str(place) for place, each in guard.left.items() if each == why]
                    for why in sorted(set(guard.left.values()))
                },
            },
            "stubs": [{"letter": str(letter.place), "source_is_there": there} for letter, there in stubs],
            "replayed": tried.replayed,
            "newer_events": None if newer is None or newer.trouble else newer.events,
            "newer_versions": None if newer is None or newer.trouble else newer.versions,
            "newer_events_complete": newer is not None and not (newer.trouble or newer.not_looked_at or newer.deleted),
        }
    )


def replayed_text(ended: Replay, to: str, max_replays: int, newer: Newer | None = None) -> str:
    """What a replay did."""
    if to == "topic":
        lines = [f"{count(ended.delivered, 'letter')} written back to their topics"]
    else:
        lines = [
            f"{count(ended.taken, 'letter')} {'replayed' if ended.complete and ended.refused is None else 'taken'}",
            f"  {ended.delivered:,} delivered ({_made(ended.made)})",
        ]
        lines += [f"  {number:,} skipped: {why}" for why, number in sorted(ended.skipped.items()) if number]
        lines += (
            [f"  {ended.again:,} failed again: they are dead letters again, counted once more"] if ended.again else []
        )
    if ended.superseded:
        lines.append(f"  {ended.superseded:,} superseded, not sent: {_SUPERSEDED}")
    lines += [f"  {line}" for line in _left(ended.left, max_replays)]
    lines += _unknown(newer) if UNKNOWN in ended.left else []
    if not ended.complete and ended.refused is None:
        lines.append("  not everything was done or committed in time: the same command goes on there")
    return "\n".join(lines) + "\n"


def replayed_json(ended: Replay) -> str:
    """The same as JSON."""
    return as_json(
        {
            "letters": ended.taken,
            "delivered": ended.delivered,
            "events": ended.made.total(),
            "skipped": {why: number for why, number in ended.skipped.items() if number},
            "superseded": ended.superseded,
            "failed_again": ended.again,
            "left": {why: [str(letter.place) for letter in found] for why, found in ended.left.items()},
            "complete": ended.complete and not ended.stopped and ended.refused is None,
        }
    )
