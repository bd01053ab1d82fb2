"""Where a group stands: as a table, as a line, and as JSON."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from connector.core.records import TopicPartition
from connector.core.sending.lag import SEVERITY, Look, Rates, Reset, State, catches_up_in, rates, state, worst
from connector.given_records import Json
from connector.looking.columns import padded
from connector.looking.holds import Held
from connector.styles import BOLD, GREEN, RED, YELLOW, Style

MOST_NAMES = 3  # of partitions that a note is about
_COLOURS = {
    State.OK: GREEN,
    State.CATCHING_UP: YELLOW,
    State.FALLING_BEHIND: RED,
    State.STALLED: RED,
    State.STOPPED: RED,
}
_HEADS = ("records", "behind", "read/s", "written/s", "caught up in")
_RESETS: Mapping[Reset, str] = {
    "earliest": "reading starts at the oldest record that is left (kafka.auto_offset_reset: earliest)",
    "latest": "reading starts at the end, and what is there now is never read (kafka.auto_offset_reset: latest)",
    "error": "the connector stops there with exit code 77 (kafka.auto_offset_reset: error)",
}


class Row(NamedTuple):
    """A partition: how far the group is behind, and how that changes. Seconds are None where they are not known."""

    name: str
    state: State
    look: Look
    lag: int
    seconds: float | None
    rates: Rates | None

    @property
    def caught_up_in(self) -> float | None:
        """Seconds, or None for never."""
        return catches_up_in(self.lag, self.rates)


class Group(NamedTuple):
    """The group, and its partitions, the worst first. ``notes`` are about the group, ``held`` about its pipelines."""

    name: str
    reset: Reset
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()

    @property
    def state(self) -> State:
        """That of the worst partition."""
        return worst([row.state for row in self.rows])

    @property
    def lag(self) -> int:
        """Records of all partitions."""
        return sum(row.lag for row in self.rows)

    @property
    def seconds(self) -> float | None:
        """Of the partition that is furthest behind."""
        return max((row.seconds for row in self.rows if row.seconds is not None), default=None)

    @property
    def rates(self) -> Rates | None:
        """Of all partitions together."""
        known = [row.rates for row in self.rows if row.rates is not None]
        return Rates(sum(each.read for each in known), sum(each.written for each in known)) if known else None

    @property
    def caught_up_in(self) -> float | None:
        """Until the last partition is; None for never."""
        each = [row.caught_up_in for row in self.rows]
        return None if None in each else max((found for found in each if found is not None), default=0.0)


def group_of(
    name: str,
    reset: Reset,
    looks: Mapping[TopicPartition, Sequence[Look]],
    oldest: Mapping[TopicPartition, int | None],
    *,
    members: bool,
    notes: tuple[str, ...] = (),
    held: tuple[Held, ...] = (),
) -> Group:
    """The group from its looks, in the order of time; ``oldest`` is as of the last ones, in ms."""
    rows = [
        _row(place, each, reset, place in oldest, oldest.get(place), members=members) for place, each in looks.items()
    ]
    rows.sort(key=lambda row: (SEVERITY.index(row.state), -row.lag, row.name))
    return Group(name, reset, tuple(rows), notes, held)


def _row(
    place: TopicPartition, looks: Sequence[Look], reset: Reset, unread: object, oldest: int | None, *, members: bool
) -> Row:
    last = looks[-1]
    lag = last.lag(reset)
    age = max(0.0, last.at - oldest / 1000) if unread and oldest is not None else None
    seconds = 0.0 if lag == 0 else age
    return Row(
        f"{place.topic}-{place.partition}", state(looks, reset, members=members), last, lag, seconds, rates(looks)
    )


# -- as text --------------------------------------------------------------------------------------------------


def table(group: Group, style: Style, columns: int, most: int | None = None) -> str:
    """The group in a line, its partitions in a table, and what there is to say about them.

    ``columns`` is how wide a sentence may be, and ``most`` how many lines there is room for.
    """
    notes = [line for note in _said(group) for line in textwrap.wrap(note, columns - 1)]
    room = len(group.rows) if most is None else max(1, most - 5 - len(notes))
    rows = group.rows[:room]
    left_out = len(group.rows) - len(rows)
    names = max(len("partition"), *(len(row.name) for row in rows)) if rows else len("partition")
    states = max(map(len, State))
    head = f"{padded('partition', names)}  {padded('state', states)}" + "".join(f"{each:>13}" for each in _HEADS)
    lines = [_summary(group, style), "", style(BOLD, head)]
    lines += [_line(row, names, states, style) for row in rows]
    lines += [f"… {left_out} more partitions, none of them worse"] if left_out else []
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def summary(group: Group) -> str:
    """The group in a line."""
    held = [f"; pipeline {each.pipeline} is held" for each in group.held]
    return "".join([_summary(group, Style(coloured=False)), *held])


def _summary(group: Group, style: Style) -> str:
    behind = f", {duration(group.seconds)} behind" if group.lag else ""
    end = _end(group) if group.lag and group.rates is not None else ""
    records = f"{group.lag:,} record{'' if group.lag == 1 else 's'} to read"
    return f"group {group.name}: {style(_COLOURS[group.state], group.state)}, {records}{behind}{end}"


def _end(group: Group) -> str:
    seconds = group.caught_up_in
    return ", never caught up at this rate" if seconds is None else f", caught up in {duration(seconds)}"


def _line(row: Row, names: int, states: int, style: Style) -> str:
    read, written = ("-", "-") if row.rates is None else (_rate(row.rates.read), _rate(row.rates.written))
    caught_up = "-" if row.rates is None else duration(row.caught_up_in, "never")
    cells = (f"{row.lag:,}", duration(row.seconds), read, written, caught_up)
    name = f"{padded(row.name, names)}  {style(_COLOURS[row.state], padded(row.state, states))}"
    return name + "".join(f"{each:>13}" for each in cells)


def notes_on(look: Look, reset: Reset) -> Iterator[str]:
    """What a number does not say of a partition."""
    if look.committed is None:
        if look.end > look.begin:
            yield f"no offset is committed: {_RESETS[reset]}"
    elif look.deleted():
        yield f"{look.deleted():,} offsets were deleted before they were read, by retention: {_RESETS[reset]}"
    elif look.beyond():
        yield (
            f"the committed offset is {look.committed - look.end:,} beyond the end: was the topic deleted and created "
            f"again? {_RESETS[reset]}"
        )
    elif look.empty:
        yield f"the last {look.end - look.committed:,} offsets hold no record: markers of transactions, or compacted"


def _said(group: Group) -> Iterator[str]:
    yield from map(str, group.held)
    yield from group.notes
    yield from _notes(group)


def _notes(group: Group) -> Iterator[str]:
    """What there is to say of partitions; what is the same of several is said once."""
    of: dict[str, list[str]] = {}
    for row in sorted(group.rows, key=lambda row: (row.name.rpartition("-")[0], int(row.name.rpartition("-")[2]))):
        for said in notes_on(row.look, group.reset):
            of.setdefault(said, []).append(row.name)
    for said, names in of.items():
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield f"{', '.join(names[:MOST_NAMES])}{more}: {said}"


def _rate(rate: float) -> str:
    return f"{rate:,.1f}" if rate < 100 else f"{rate:,.0f}"


def duration(seconds: float | None, unknown: str = "unknown") -> str:
    """Seconds in the two largest units."""
    if seconds is None:
        return unknown
    if seconds < 60:
        return f"{seconds:.1f} s" if 0 < seconds < 10 else f"{seconds:.0f} s"
    whole = int(seconds + 0.5)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole // 60 % 60} min"
    return f"{whole // 86_400} d {whole // 3600 % 24} h"


# -- as JSON --------------------------------------------------------------------------------------------------


def as_json(group: Group) -> Json:
    """The same; times are in seconds, and null where they are not known or never come."""
    return {
        "group": group.name,
        **_numbers(group.state, group.lag, group.seconds, group.rates, group.caught_up_in),
        "held_pipelines": [each.as_json() for each in group.held],
        "notes": list(group.notes),
        "partitions": [_row_json(row, group.reset) for row in group.rows],
    }


def _row_json(row: Row, reset: Reset) -> Json:
    topic, _, partition = row.name.rpartition("-")
    return {
        "topic": topic,
        "partition": int(partition),
        "committed": row.look.committed,
        "begin": row.look.begin,
        "end": row.look.end,
        "deleted": row.look.deleted(),
        **_numbers(row.state, row.lag, row.seconds, row.rates, row.caught_up_in),
        "notes": list(notes_on(row.look, reset)),
    }


def _numbers(told: State, lag: int, seconds: float | None, found: Rates | None, end: float | None) -> Json:
    return {
        "state": told.value,
        "lag_records": lag,
        "lag_seconds": seconds,
        "read_per_second": None if found is None else found.read,
        "written_per_second": None if found is None else found.written,
        "caught_up_in_seconds": end,
    }
