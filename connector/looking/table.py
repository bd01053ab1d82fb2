"""The counts of all records that were read: as text, and as JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from connector.config import Loaded
from connector.config.problems import width
from connector.config.quota import CUSTOM, TOGETHER, event_types
from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import MAX_EVENTS_PER_CALL
from connector.core.sending.needed import Calls
from connector.given_records import Json
from connector.looking.columns import padded
from connector.looking.counting import Counts, Rule
from connector.looking.masking import is_name
from connector.styles import BOLD, RED, YELLOW, Style

MOST_ROWS = 25  # of a part of the table
SHORTEST = 1.0  # seconds of records: a rate needs at least as many
UNNAMED = "not named in the file"


class Limits(NamedTuple):
    """What the calls are compared with: ``delivery.linger``, and how many a second may be made of each operation."""

    linger: float
    rates: Mapping[Operation, float]


def named_types(loaded: Loaded) -> frozenset[str]:
    """The event types that the file names: those may be shown."""
    puts = [rule.put for pipeline in loaded.config.pipelines for rule in pipeline.rules]
    return frozenset(name for put in puts for name in event_types(getattr(put, "eventType", None)))


class Table:
    """Shows counts.

    Args:
        counts: what was counted.
        types: event types that are shown, None for all.
        window: between which times (Unix seconds) the calls are counted, None where that is not known.
        limits: what they are compared with.
    """

    def __init__(
        self, counts: Counts, types: frozenset[str] | None, window: tuple[float, float] | None, limits: Limits
    ) -> None:
        self._counts = counts
        self._types = types
        self._limits = limits
        self._calls = {} if window is None else counts.needed.calls(*window)

    # -- as text ----------------------------------------------------------------------------------------------

    def text(self, style: Style) -> str:
        """All parts that have a row."""
        counts = self._counts
        parts = [
            _part(style, "rules", ("records", "share"), self._rules(), len(counts.rules)),
            _part(style, "conditions that could not be evaluated, and count as false", ("records",), self._failed()),
            _part(style, "members", ("value", "null", "invalid", "null share"), self._members()),
            _part(style, "dead letters by reason", ("records",), self._invalid()),
            _part(style, "skipped by reason", ("records",), self._skipped()),
            *(
                _part(style, _of_columns(operation), (_head(operation),), self._named(operation))
                for operation in counts.named
            ),
        ]
        outcomes = ", ".join(f"{_outcome(name, count)}" for name, count in counts.outcomes.most_common())
        head = f"{counts.records:,} record{'' if counts.records == 1 else 's'} read" + (
            f": {outcomes}" * bool(outcomes)
        )
        return "\n".join([style(BOLD, head), *(part for part in parts if part), *self._needed(style)]) + "\n"

    def _rules(self) -> Iterator[tuple[str, ...]]:
        for rule, count in self._counts.rules.items():
            yield _rule(rule), f"{count:,}", _share(count, self._counts.records)

    def _failed(self) -> Iterator[tuple[str, ...]]:
        for rule, count in self._counts.failed.most_common():
            yield _rule(rule), f"{count:,}"

    def _members(self) -> Iterator[tuple[str, ...]]:
        """In the order of the rules; where there are too many to show, those that are null or invalid most often."""
        found = [(rule, *member) for rule, members in self._counts.members.items() for member in members.items()]
        if len(found) > MOST_ROWS:
            found.sort(key=lambda row: row[2].value / sum(row[2]))
        for rule, name, made in found:
            share = _share(made.null, sum(made))
            yield f"{_rule(rule)}: {name}", f"{made.value:,}", f"{made.null:,}", f"{made.invalid:,}", share

    def _invalid(self) -> Iterator[tuple[str, ...]]:
        for (reason, pipeline, rule, member), count in self._counts.invalid.most_common():
            yield f"{reason}  {_rule((pipeline, rule))}{f': {member}' if member else ''}", f"{count:,}"

    def _skipped(self) -> Iterator[tuple[str, ...]]:
        for (reason, pipeline, rule), count in self._counts.skipped.most_common():
            yield f"{reason}  {_rule((pipeline, rule))}", f"{count:,}"

    def _named(self, operation: Operation) -> Iterator[tuple[str, ...]]:
        for name, count in self._shown_types(operation).items():
            yield f"type {name}", f"{count:,}"
        for name, count in self._shown_columns(operation).items():
            yield f"column {name}", f"{count:,}"

    def _needed(self, style: Style) -> Iterator[str]:
        types, columns = len(self._counts.types), len(self._counts.columns)
        if types:
            own = len([name for name in self._counts.columns if name != "EVENT_VALUE"])
            over = types + columns + 1 > TOGETHER or own > CUSTOM
            kinds = f"{_counted(types, 'event type')}, EVENT_TYPE and {_counted(columns, 'other column')}"
            quota = f"{types + columns + 1} of {TOGETHER}; {own} of {CUSTOM} columns of your own"
            more = "; training fails beyond the quota of a dataset group" if over else ""
            yield "\n" + style(YELLOW if over else "", f"{kinds}: {quota}{more}")
        if self._counts.named:
            yield from self._call_lines(style)

    def _call_lines(self, style: Style) -> Iterator[str]:
        if not self._calls:
            yield "\ncalls a second: not known: the partitions that were read have no time in common"
            yield "  read a range of time for it, as with -o @-1h:end"
        for number, ((operation, _), calls) in enumerate(self._calls.items(), 1):
            yield from self._calls_of(style, operation, number, calls)

    def _calls_of(self, style: Style, operation: Operation, number: int, calls: Calls) -> Iterator[str]:
        limit, nouns = self._limits.rates[operation], operation.nouns
        over = calls.a_second > limit
        head = style(BOLD, self._which(operation, number))
        yield f"\n{head} within {calls.seconds:,.0f} s, with a linger of {self._limits.linger:g} s"
        lane = "session" if operation.identity is None else operation.noun
        lanes, each = _counted(calls.sessions, lane), calls.events / max(1, calls.sessions)
        what = nouns if operation.identity is None else "versions"
        fill = calls.events / max(1, calls.calls)
        yield f"  {lanes}, {each:.1f} {what} each; {fill:.1f} {what} a call, of {MAX_EVENTS_PER_CALL}"
        if calls.seconds < SHORTEST:
            yield f"  calls a second: not known: the records are of less than {SHORTEST:g} s; read a longer time"
            return
        line = f"  {calls.a_second:,.2f} calls a second needed, of {limit:,g} ({calls.a_second / limit:.1%})"
        yield style(RED if over else "", line + (f"; {_remedy(operation)}" if over else ""))

    def _which(self, operation: Operation, number: int) -> str:
        """Whose calls they are: of several tracking ids and datasets, which as they came."""
        of = "" if operation is PUT_EVENTS else f" of {operation.name}"
        target = "tracking id" if operation.target == "trackingId" else "dataset"
        same = [each for each, _ in self._calls if each is operation]
        return f"calls{of}" + (f" of {target} {number}" if len(same) > 1 else "")

    # -- what may be shown ------------------------------------------------------------------------------------

    def _shown_types(self, operation: Operation = PUT_EVENTS) -> dict[str, int]:
        """Event types with their counts; those that come out of records are counted together, unless asked for."""
        types = self._counts.of(operation).types
        found = {name: count for name, count in types.most_common() if self._may_show_type(name)}
        hidden = [count for name, count in types.items() if name not in found]
        return found | ({f"({len(hidden)} {UNNAMED})": sum(hidden)} if hidden else {})

    def _may_show_type(self, name: str) -> bool:
        return self._types is None or name in self._types

    def _shown_columns(self, operation: Operation = PUT_EVENTS) -> dict[str, int]:
        columns = self._counts.of(operation).columns.most_common()
        found = {name: count for name, count in columns if self._types is None or is_name(name)}
        hidden = [count for name, count in columns if name not in found]
        return found | ({f"({len(hidden)} that look like data)": sum(hidden)} if hidden else {})

    # -- as JSON ----------------------------------------------------------------------------------------------

    def json(self) -> Json:
        """The same numbers."""
        counts = self._counts
        return {
            "records": counts.records,
            "outcomes": dict(counts.outcomes),
            "rules": [{**_named_rule(rule), "records": count} for rule, count in counts.rules.items()],
            "failed_conditions": [{**_named_rule(rule), "records": count} for rule, count in counts.failed.items()],
            "members": [
                {**_named_rule(rule), "member": name, **found._asdict()}
                for rule, members in counts.members.items()
                for name, found in members.items()
            ],
            "invalid": [
                {"reason": reason, **_named_rule((pipeline, rule)), "member": member or None, "records": count}
                for (reason, pipeline, rule, member), count in counts.invalid.most_common()
            ],
            "skipped": [
                {"reason": reason, **_named_rule((pipeline, rule)), "records": count}
                for (reason, pipeline, rule), count in counts.skipped.most_common()
            ],
            "event_types": self._shown_types(),
            "columns": self._shown_columns(),
            "others": [self._others(each) for each in counts.named if each is not PUT_EVENTS],
            "calls": [self._json_of(operation, calls) for (operation, _), calls in self._calls.items()],
        }

    def _others(self, operation: Operation) -> Json:
        types, columns = self._shown_types(operation), self._shown_columns(operation)
        named: Json = {"event_types": types} if types else {}
        return {"operation": operation.name, "entries": self._counts.of(operation).entries, **named, "columns": columns}

    def _json_of(self, operation: Operation, calls: Calls) -> Json:
        return {
            "operation": operation.name,
            **calls._asdict(),
            "calls_per_second": calls.a_second,
            "linger": self._limits.linger,
            "requests_per_second": self._limits.rates[operation],
        }


def _of_columns(operation: Operation) -> str:
    types = operation.identity is None
    of = "" if operation is PUT_EVENTS else f" of {operation.nouns}"
    return f"event types and columns{of}" if types else f"columns{of}"


def _head(operation: Operation) -> str:
    return "entries" if " " in operation.nouns else operation.nouns


def _remedy(operation: Operation) -> str:
    """What to do about more calls than are allowed."""
    if operation.identity is None:
        return "raise delivery.linger, or have the quota raised"
    return "lag does not grow for ever, since older versions are left out"


def _outcome(name: str, count: int) -> str:
    letters = "dead letter" if count == 1 else "dead letters"
    return f"{count:,} {letters if name == 'dead_letter' else name}"


def _rule(rule: Rule) -> str:
    pipeline, name = rule
    return f"{pipeline} / {name}" if name else pipeline


def _named_rule(rule: Rule) -> Json:
    return {"pipeline": rule[0], "rule": rule[1] or None}


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _part(
    style: Style, title: str, heads: Sequence[str], rows: Iterable[tuple[str, ...]], most: int = MOST_ROWS
) -> str:
    """A title with its columns, and at most so many rows; "" where there are none."""
    found = list(rows)
    if not found:
        return ""
    shown = found[:most]
    left = max(width(title), *(width(row[0]) + 2 for row in shown))
    lines = ["", style(BOLD, padded(title, left)) + "".join(f"{head:>12}" for head in heads)]
    lines += [padded(f"  {row[0]}", left) + "".join(f"{cell:>12}" for cell in row[1:]) for row in shown]
    return "\n".join([*lines, *([f"  … {len(found) - most} more"] if len(found) > most else [])])
