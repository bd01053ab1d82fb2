"""What must hold whatever happened. Pure: it is given what was written, accepted, dead-lettered and observed.

`tests.support.traffic` judges the ends of records; here is what only a run with faults can break: commits that came
too early or went back, repeats that differ, order across processes, memory, and standing still.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.chaos.sizes import SIZE
from tests.support.traffic import judge_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.chaos.watcher import Observation
    from tests.support.traffic import Expected

    Place = tuple[int, int]  # partition, offset

# The short suite is for machines that are busy otherwise, where a process may take that long to start.
IDLE_SECONDS = 30.0 if SIZE else 60.0
LOOK_SECONDS = 5.0  # between two looks, on average: with a broker away there are none for a while


class Letter(NamedTuple):
    """A dead letter: where its record lies, and the reason."""

    place: Place
    reason: str


class Evidence(NamedTuple):
    """All that there is to judge.

    ``placed`` says what must come of the record at each (partition, offset). ``rows`` are the endpoint's, in the order
    of acceptance; ``letters`` those of the dead-letter topic, in its order. ``standstills`` are spans of the monotonic
    clock in which nothing was to move.
    """

    placed: Mapping[Place, Expected]
    rows: Sequence[Mapping[str, Any]]
    letters: Sequence[Letter]
    observations: Sequence[Observation]
    standstills: Sequence[tuple[float, float]] = ()


class Figures(NamedTuple):
    """What there is to report of a run that passed."""

    records: int
    events: int
    repeats: int  # acceptances beyond the first
    letters: int
    letter_repeats: int
    observations: int
    peak_memory: int  # bytes, of the largest member


def judge(evidence: Evidence, memory: int) -> Figures:
    """All of it; AssertionError says what does not hold. ``memory``: bytes that no member may exceed."""
    judge_watch(evidence.observations)
    first = judge_repeats(evidence.rows)
    judge_events(dict(evidence.placed), {event_id: dict(row) for event_id, row in first.items()})
    judge_order(evidence.placed, first)
    judge_letters(evidence.placed, evidence.letters)
    judge_commits(evidence)
    judge_progress(evidence.observations, evidence.standstills)
    peak = judge_memory(evidence.observations, memory)
    distinct = len({letter.place for letter in evidence.letters})
    return Figures(
        records=len(evidence.placed),
        events=len(first),
        repeats=len(evidence.rows) - len(first),
        letters=distinct,
        letter_repeats=len(evidence.letters) - distinct,
        observations=len(evidence.observations),
        peak_memory=peak,
    )


def judge_watch(observations: Sequence[Observation]) -> None:
    """There was somebody to see what went wrong, until all was done: who saw nothing has nothing to say."""
    assert observations, "nobody looked"
    span = observations[-1].at - observations[0].at
    assert span <= LOOK_SECONDS * len(observations), f"only {len(observations)} looks in {span:.0f} s"
    assert observations[-1].lag == 0, f"{observations[-1].lag} records were not done in the end"


def judge_repeats(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Whatever is accepted again is the same event of the same session and user; returns each event's first row."""
    first: dict[str, Mapping[str, Any]] = {}
    members = ("trackingId", "sessionId", "userId", "sha256")
    for row in rows:
        known = first.setdefault(row["eventId"], row)
        differing = [member for member in members if row[member] != known[member]]
        assert not differing, f"a repeat differs from the first in {differing}"
    return first


def judge_order(placed: Mapping[Place, Expected], first: Mapping[str, Mapping[str, Any]]) -> None:
    """The first acceptances of a session's events are in the order of its partition."""
    position = {event_id: number for number, event_id in enumerate(first)}
    last: dict[tuple[int, str], int] = {}
    disordered: Counter[tuple[int, str]] = Counter()
    for (partition, _), expected in sorted(placed.items(), key=lambda each: each[0]):
        if expected.event is None:
            continue
        lane = partition, expected.session
        now = position[expected.event["event"]["eventId"]]
        disordered[lane] += now < last.get(lane, -1)
        last[lane] = now
    wrong = +disordered
    assert not wrong, f"{len(wrong)} sessions are out of order"


def judge_letters(placed: Mapping[Place, Expected], letters: Iterable[Letter]) -> None:
    """The dead letters are the bad records, all of them and no others, each with its reason every time."""
    wanted = {place: expected.reason for place, expected in placed.items() if expected.reason is not None}
    written: dict[Place, set[str]] = {}
    for letter in letters:
        written.setdefault(letter.place, set()).add(letter.reason)
    good = [place for place in written if place not in wanted]
    assert not good, f"{len(good)} good records were dead-lettered"
    missing = [place for place in wanted if place not in written]
    assert not missing, f"{len(missing)} bad records were not dead-lettered"
    for place, reasons in written.items():
        assert reasons == {wanted[place]}, f"expected the reason {wanted[place]}, not {reasons}"


def judge_commits(evidence: Evidence) -> None:
    """At no look was anything committed that was not done by then, and no committed offset ever went back."""
    accepted_at, buried_at = _first_at(evidence)
    offsets: dict[int, list[int]] = {}
    for partition, offset in sorted(evidence.placed):
        offsets.setdefault(partition, []).append(offset)
    last: dict[int, int] = {}
    for seen in evidence.observations:
        for partition, before in last.items():
            now = seen.committed.get(partition)
            assert now is not None, f"the committed offset of partition {partition} is gone"
            assert now >= before, f"the committed offset of partition {partition} went back from {before} to {now}"
        for partition, committed in seen.committed.items():
            known = offsets.get(partition, [])
            start = bisect_left(known, last.get(partition, 0))
            for offset in known[start : bisect_left(known, committed)]:
                expected = evidence.placed[partition, offset]
                if expected.event is not None:
                    done_at = accepted_at.get(expected.event["event"]["eventId"])
                    done = done_at is not None and done_at < seen.accepted
                else:
                    done_at = buried_at.get((partition, offset))
                    done = done_at is not None and done_at < seen.buried
                assert done, f"{committed} was committed in partition {partition} while {offset} was open"
        last.update(seen.committed)


def _first_at(evidence: Evidence) -> tuple[dict[str, int], dict[Place, int]]:
    """At which position of its ledger each event was first accepted, each record first dead-lettered."""
    accepted_at: dict[str, int] = {}
    for number, row in enumerate(evidence.rows):
        accepted_at.setdefault(row["eventId"], number)
    buried_at: dict[Place, int] = {}
    for number, letter in enumerate(evidence.letters):
        buried_at.setdefault(letter.place, number)
    return accepted_at, buried_at


def judge_progress(observations: Iterable[Observation], standstills: Iterable[tuple[float, float]]) -> None:
    """While there is something to do and somebody to do it, ``IDLE_SECONDS`` do not pass with nothing done."""
    moved_at: float | None = None
    before: tuple[Mapping[int, int], int, int] | None = None
    spans = list(standstills)
    for seen in observations:
        state = seen.committed, seen.accepted, seen.buried
        excused = not seen.lag or not seen.running or any(start <= seen.at <= end for start, end in spans)
        if moved_at is None or state != before or excused:
            moved_at, before = seen.at, state
        idle = seen.at - moved_at
        assert idle < IDLE_SECONDS, f"{seen.running} members did nothing for {idle:.0f} s with a lag of {seen.lag}"


def judge_memory(observations: Iterable[Observation], most: int) -> int:
    """No member ever held more than so many bytes; returns what the largest held."""
    peak = max((size for seen in observations for size in seen.memory.values()), default=0)
    assert peak <= most, f"a member held {peak / 2**20:.0f} MiB, expected at most {most / 2**20:.0f}"
    return peak
