"""Compares what was delivered with what was expected. Pure, and independent of the connector's mapping code.

An event may come twice, because delivery is at least once and its id makes the repeat harmless; only the first one
counts. Nothing may be missing, out of order, in another session or of another user.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connector.local.demo.catalogue import ITEMS, USERS
from connector.local.demo.clickstream import Click
from connector.local.demo.traffic import Accepted, Kept, Letter, Place, Sent

SHOWN = 3  # examples shown of what is wrong
OUTCOMES = ("delivered", "filtered", "skipped", "dead_lettered")


class Check(NamedTuple):
    """One check: how many are right, how many there must be, and examples of what is wrong."""

    what: str
    found: int
    expected: int
    wrong: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the check passes."""
        return self.found == self.expected and not self.wrong


class Seen(NamedTuple):
    """What was observed at the end; ``exit_code`` is None for a process that did not end.

    ``kept`` is by topic; ``row_counts`` are the connector's counters of the topics of products and profiles.
    """

    accepted: Sequence[Accepted]
    letters: Sequence[Letter]
    committed: Mapping[int, int]
    counts: Mapping[str, int]
    exit_code: int | None
    kept: Mapping[str, Kept]
    row_counts: Mapping[str, int]
    committed_rows: Mapping[tuple[str, int], int]


def judge(sent: Sent, seen: Seen) -> list[Check]:
    """Every check, in the order in which a reader would ask."""
    return [
        _delivered(sent.clicks, seen.accepted),
        _in_order(sent.clicks, seen.accepted),
        _dead_lettered(sent, seen.letters),
        _newest(sent, seen, ITEMS, "item"),
        _newest(sent, seen, USERS, "user"),
        _counted(sent.clicks, seen.counts),
        _rows_counted(sent, seen.row_counts),
        _committed(sent, seen),
        _stopped(seen.exit_code),
    ]


def first_times(accepted: Iterable[Accepted]) -> dict[str, Accepted]:
    """Each event as it was first accepted, in the order of acceptance."""
    first: dict[str, Accepted] = {}
    for event in accepted:
        first.setdefault(event.event_id, event)
    return first


def latencies(sent: Sent, accepted: Iterable[Accepted]) -> list[float]:
    """Seconds from a record's Kafka timestamp to the acceptance of each of its events, in order of size."""
    written = {
        event_id: time / 1000
        for click, time in zip(sent.clicks, sent.times, strict=True)
        for event_id in click.fate.event_ids
    }
    events = first_times(accepted)
    return sorted(event.time - written[event_id] for event_id, event in events.items() if event_id in written)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share of them do not exceed."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _delivered(clicks: Iterable[Click], accepted: Iterable[Accepted]) -> Check:
    expected = {
        event_id: (click.fate.session, click.fate.user) for click in clicks for event_id in click.fate.event_ids
    }
    first = first_times(accepted)
    right = sum(expected.get(event_id) == (event.session, event.user) for event_id, event in first.items())
    wrong = [
        *(f"{event_id} was never accepted" for event_id in expected if event_id not in first),
        *(f"{event_id} was not expected" for event_id in first if event_id not in expected),
        *(
            f"{event_id} came in another session, or as another user"
            for event_id, event in first.items()
            if event_id in expected and expected[event_id] != (event.session, event.user)
        ),
    ]
    return Check("every event accepted, right session and user", right, len(expected), _few(wrong))


def _in_order(clicks: Iterable[Click], accepted: Iterable[Accepted]) -> Check:
    expected: dict[str, list[str]] = {}
    for click in clicks:
        if click.fate.event_ids:
            expected.setdefault(click.fate.session, []).extend(click.fate.event_ids)
    came: dict[str, list[str]] = {}
    for event_id, event in first_times(accepted).items():
        came.setdefault(event.session, []).append(event_id)
    wrong = [f"session {session}" for session, ids in expected.items() if came.get(session) != ids]
    found = len(expected) - len(wrong)
    return Check("each session complete and in order", found, len(expected), _few(wrong))


def _dead_lettered(sent: Sent, letters: Iterable[Letter]) -> Check:
    clicks = {place: sent.clicks[number] for place, number in sent.places.items()}
    expected = {place: click for place, click in clicks.items() if click.fate.outcome == "dead_lettered"}
    wrong = {place: f"{_at(place)} is missing: {click.fate.why}" for place, click in expected.items()}
    for letter in letters:
        wrong.pop(letter.place, None)
        problem = _wrong_letter(letter, expected.get(letter.place))
        if problem:
            wrong[letter.place] = f"{_at(letter.place)} {problem}"
    right = len(expected.keys() - wrong.keys())
    what = "dead letters: every one, unchanged, right reason"
    return Check(what, right, len(expected), _few(list(wrong.values())))


def _wrong_letter(letter: Letter, click: Click | None) -> str | None:
    if click is None:
        return f"is valid, but has a dead letter: {letter.reason}"
    if letter.reason != click.fate.why:
        return f"has the reason {letter.reason}, expected {click.fate.why}"
    return None if (letter.key, letter.value) == (click.key, click.value) else "has another key or value"


def _at(place: Place) -> str:
    return f"the record at partition {place[0]}, offset {place[1]}"


def _counted(clicks: Sequence[Click], counts: Mapping[str, int]) -> Check:
    consumed = counts.get("consumed", 0)
    wrong = []
    for outcome in OUTCOMES:
        expected = sum(click.fate.outcome == outcome for click in clicks)
        if counts.get(outcome, 0) != expected:
            wrong.append(f"{outcome}: {counts.get(outcome, 0):,}, expected {expected:,}")
    if consumed != len(clicks):
        wrong.append(f"consumed: {consumed:,}, expected {len(clicks):,}")
    done = sum(counts.get(outcome, 0) for outcome in OUTCOMES)
    return Check("its metrics count all records, each in one outcome", done, len(clicks), _few(wrong))


def _newest(sent: Sent, seen: Seen, topic: str, noun: str) -> Check:
    expected = sent.rows.newest[topic]
    found = seen.kept[topic].state if topic in seen.kept else {}
    wrong = [
        *(f"{noun} {name} is not its newest version" for name, entry in expected.items() if found.get(name) != entry),
        *(f"{noun} {name} was not expected" for name in found if name not in expected),
    ]
    right = sum(found.get(name) == entry for name, entry in expected.items())
    return Check(f"the newest version of every {noun}", right, len(expected), _few(wrong))


def _rows_counted(sent: Sent, counts: Mapping[str, int]) -> Check:
    changes, skipped = len(sent.rows.changes), sent.rows.skipped
    told = {"delivered or superseded": changes - skipped, "skipped": skipped, "dead_lettered": 0, "consumed": changes}
    given = {**counts, "delivered or superseded": counts.get("delivered", 0) + counts.get("superseded", 0)}
    wrong = [
        f"{what}: {given.get(what, 0):,}, expected {expected:,}"
        for what, expected in told.items()
        if given.get(what, 0) != expected
    ]
    done = given["delivered or superseded"] + counts.get("skipped", 0)
    return Check("the same of products and profiles", done, changes, _few(wrong))


def _committed(sent: Sent, seen: Seen) -> Check:
    ends, committed = sent.ends(), seen.committed
    wrong = [
        f"partition {partition}: {committed.get(partition, 0):,}, expected {end:,}"
        for partition, end in sorted(ends.items())
        if committed.get(partition, 0) != end
    ]
    wrong += [
        f"{topic}, partition {partition}: {seen.committed_rows.get((topic, partition), 0):,}, expected {end:,}"
        for (topic, partition), end in sorted(sent.row_ends.items())
        if seen.committed_rows.get((topic, partition), 0) != end
    ]
    found = sum(committed.get(partition, 0) for partition in ends)
    found += sum(seen.committed_rows.get(place, 0) for place in sent.row_ends)
    expected = sum(ends.values()) + sum(sent.row_ends.values())
    return Check("offsets committed to the end of each partition", found, expected, _few(wrong))


def _stopped(exit_code: int | None) -> Check:
    what = "stopped by SIGTERM with exit code 0"
    if exit_code is None:
        return Check(what, 0, 1, ("it did not end in time",))
    return Check(what, int(exit_code == 0), 1, (f"exit code {exit_code}",) if exit_code else ())


def _few(wrong: Sequence[str]) -> tuple[str, ...]:
    if len(wrong) <= SHOWN:
        return tuple(wrong)
    return (*wrong[:SHOWN], f"and {len(wrong) - SHOWN:,} more")
