"""The report as tables, which text and Markdown write in their own ways."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from connector.config.quota import CUSTOM, TOGETHER
from connector.core.operations import PUT_EVENTS
from connector.core.sending.backlog import Count
from connector.planning.consequences import Plan, newly_over, over_quota
from connector.planning.findings import Comparison, Group, Seen
from connector.planning.masks import Masks
from connector.planning.outcomes import UNREAD
from connector.planning.settings import written
from connector.planning.sides import Kinds, Side

SHOWN = 20  # rows of a table; a comment on a pull request has an end
SERVICE_RATE = 1_000  # PutEvents calls a second that the service allows a dataset group, unless it was raised


class Section(NamedTuple):
    """A table. Columns whose name begins with ``#`` are numbers; an empty name is that of a column without a head."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    more: int = 0  # rows that are left out


OUTCOMES: Mapping[str, str] = {
    "delivered": "delivered",
    "dead_letter": "dead-lettered",
    "skipped": "skipped",
    "filtered": "filtered: no rule matches",
    UNREAD: "not read: no pipeline reads the topic",
}


def sections(plan: Plan, masks: Masks) -> list[Section]:
    """All tables that have a row."""
    found = plan.comparison.found
    tables = [
        Section("", ("", "#old", "#new"), list(_numbers(plan.comparison))),
        _members(plan.comparison, masks),
        *(
            _groups(f"newly {OUTCOMES[kind]}", found.newly[kind])
            for kind in ("dead_letter", "skipped", "filtered", UNREAD, "delivered")
        ),
        _groups("as before, for another reason", found.reasons),
        _rules(plan.comparison),
        _quota(plan, masks),
        _settings(plan),
    ]
    return [each._replace(rows=each.rows[:SHOWN], more=max(0, len(each.rows) - SHOWN)) for each in tables if each.rows]


def _numbers(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    old, new, found = comparison.old, comparison.new, comparison.found
    yield "records", f"{found.records:,}", f"{found.records:,}"
    for kind, words in OUTCOMES.items():
        if old.outcomes[kind] or new.outcomes[kind]:
            yield words, f"{old.outcomes[kind]:,}", f"{new.outcomes[kind]:,}"
    others = [each for each in {**old.by_operation, **new.by_operation} if each is not PUT_EVENTS]
    for each in others:
        counts = [side.by_operation.get(each, Count()) for side in (old, new)]
        yield each.nouns, f"{counts[0].events:,}", f"{counts[1].events:,}"
        yield f"calls of {each.name}, sent as a backlog", f"{counts[0].calls:,}", f"{counts[1].calls:,}"
    if not others or old.calls.events or new.calls.events:
        yield from _of_events(comparison)


def _of_events(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    old, new, found = comparison.old, comparison.new, comparison.found
    yield "events", f"{old.calls.events:,}", f"{new.calls.events:,}"
    if old.repeated or new.repeated:
        yield "events with the id of another event", f"{old.repeated:,}", f"{new.repeated:,}"
    yield "calls, sent as a backlog", f"{old.calls.calls:,}", f"{new.calls.calls:,}"
    yield "events a call", f"{per_call(old):.2f}", f"{per_call(new):.2f}"
    yield "events/s at most, by delivery.requests_per_second", f"{ceiling(old):,.0f}", f"{ceiling(new):,.0f}"
    if found.seconds >= 1:
        was, is_now = (f"{side.calls.calls / found.seconds / SERVICE_RATE:.1%}" for side in (old, new))
        yield f"of the quota of {SERVICE_RATE:,} calls/s, on average", was, is_now


def per_call(side: Side) -> float:
    """Events of a call, on average; 0 without calls."""
    return side.calls.events / side.calls.calls if side.calls.calls else 0.0


def ceiling(side: Side) -> float:
    """Events a second that the rate of the file allows with calls as full as these, up to the service's own."""
    return min(side.loaded.config.delivery.requests_per_second, SERVICE_RATE) * per_call(side)


def _members(comparison: Comparison, masks: Masks) -> Section:
    found = comparison.found
    rows = [
        (masks.name(member), f"{each.count:,}", masks.change(each.example), each.rule or "", str(each.place))
        for member, each in sorted(found.members.items(), key=lambda pair: (pair[0] != "eventId", -pair[1].count))
    ]
    rows += [("an event more", f"{found.added:,}", "", "", "")] if found.added else []
    rows += [("an event less", f"{found.removed:,}", "", "", "")] if found.removed else []
    return Section("changed events, by member", ("member", "#events", "for example", "rule", "first"), rows)


def _groups(title: str, groups: Mapping[Group, Seen]) -> Section:
    """Groups of records, the largest first; a column that would be empty is left out."""
    ordered = sorted(groups.items(), key=lambda pair: -pair[1].count)
    rows = [
        (f"{seen.count:,}", group.reason or "", group.member or "", _rule(group.pipeline, group.rule), group.was)
        for group, seen in ordered
    ]
    firsts = [str(seen.place) for _, seen in ordered]
    columns = ("#records", "reason", "member", "rule", "before", "first")
    return _without_empty(title, columns, [(*row, first) for row, first in zip(rows, firsts, strict=True)])


def _without_empty(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Section:
    kept = [number for number in range(len(columns)) if any(row[number] for row in rows)]
    return Section(title, [columns[n] for n in kept], [[row[n] for n in kept] for row in rows])


def _rule(pipeline: str | None, rule: str | None) -> str:
    return " / ".join(filter(None, (pipeline, rule)))


def _rules(comparison: Comparison) -> Section:
    rows = [
        (f"{seen.count:,}", _rule(*moved.old), _rule(*moved.new), str(seen.place))
        for moved, seen in sorted(comparison.found.rules.items(), key=lambda pair: -pair[1].count)
    ]
    return Section("taken by another rule", ("#records", "old rule", "new rule", "first"), rows)


def _quota(plan: Plan, masks: Masks) -> Section:
    """Only where something of it changes, or exceeds what is allowed."""
    olds, news = plan.comparison.old.kinds, plan.comparison.new.kinds
    trackers = list(dict.fromkeys([*olds, *news]))
    rows = [
        (
            _tracker(tracker, masks),
            *_kinds(olds.get(tracker)),
            *_kinds(news.get(tracker)),
            _names(olds, news, tracker, masks),
        )
        for tracker in trackers
        if olds.get(tracker) != news.get(tracker) or over_quota(news[tracker])
    ]
    note = f"more than {TOGETHER} together, or than {CUSTOM} properties: training fails" if newly_over(plan) else ""
    columns = (
        "tracking id",
        "#old types",
        "#columns",
        "#together",
        "#new types",
        "#columns",
        "#together",
        "difference",
    )
    return Section(
        f"event types and columns of these records, of {TOGETHER} that are allowed together", columns, rows, note
    )


def _tracker(tracker: str, masks: Masks) -> str:
    return masks.value(tracker).strip('"')


def _kinds(kinds: Kinds | None) -> tuple[str, str, str]:
    """Types, columns with EVENT_TYPE, and both together."""
    if kinds is None:
        return "-", "-", "-"
    return str(len(kinds.types)), str(len(kinds.columns) + 1), str(kinds.together)


def _names(olds: Mapping[str, Kinds], news: Mapping[str, Kinds], tracker: str, masks: Masks) -> str:
    """What one side has and the other has not."""
    nothing = Kinds(set(), set())
    old, new = olds.get(tracker, nothing), news.get(tracker, nothing)
    more = [*_types(new.types - old.types, masks), *_columns(new.columns - old.columns, masks)]
    less = [*_types(old.types - new.types, masks), *_columns(old.columns - new.columns, masks)]
    return ", ".join([*(f"+{each}" for each in more[:10]), *(f"-{each}" for each in less[:10])])


def _columns(columns: Iterable[str], masks: Masks) -> list[str]:
    return sorted(map(masks.column, columns))


def _types(types: Iterable[str], masks: Masks) -> list[str]:
    return sorted(masks.value(each).strip('"') for each in types)


def _settings(plan: Plan) -> Section:
    rows = [(each.path, written(each.old), written(each.new), each.follows) for each in plan.settings]
    return _without_empty("settings", ("setting", "old", "new", "what follows"), rows)
