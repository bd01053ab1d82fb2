"""Members and names become rules."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from connector.starting import kinds
from connector.starting.choosing import chosen, hints, names_of
from connector.starting.envelopes import envelope_of, taken_off
from connector.starting.fields import EACH, Fields, Path, expression, value_at
from connector.starting.members import members_of
from connector.starting.plans import Plan, Rule, find, note_others, records_of
from connector.starting.roles import VAGUE, candidates, columns, named_events, plain
from connector.starting.samples import NoSamplesError, Samples
from connector.starting.writing import quoted

QUOTA = 10  # event types and columns of a training, EVENT_TYPE and EVENT_VALUE among them
_COLUMNS = 3


def plan(samples: Samples, members: Sequence[str] = ()) -> Plan:
    """A mapping for records like these; ``members`` are those that the user names, as ``itemId=value.art``.

    Raises:
        NoSamplesError: there is no session, visitor or user in them, or a member that is named is not.
    """
    values = [sample.value for sample in samples.records]
    envelope = envelope_of(values)
    documents = []
    for sample in samples.records:
        seen = taken_off(sample.value, envelope)
        documents.append({**seen, "key": sample.key, "headers": sample.headers})
    made = Plan(samples, documents, Fields(documents), envelope)
    made.fields.chosen = chosen(made.fields, members)
    made.inside = _list_of_events(made)
    _event(made)
    _session(made)
    if made.event is None and not find(made, "item"):
        raise NoSamplesError(
            "expected the name of an event or an item in the records; found no member with such a name or such values "
            f"among {_missing(made, 'itemId')}"
        )
    made.rules = [*_skips(made), *_makes(made)]
    return made


def _list_of_events(made: Plan) -> Path | None:
    """The list whose elements are events: the value itself, or one beside which the record is no event."""
    whole = made.fields.get(("value",))
    if whole is not None and whole.lists:
        return whole.path
    if candidates(made.fields, "item").best is not None:
        return None
    for each in made.fields.values():
        inner = (candidates(made.fields, role, each.path).best for role in ("event", "item"))
        if each.lists and all(inner):
            return each.path
    return None


def _event(made: Plan) -> None:
    """The member that names the event: whose values are known names in most records."""
    found = find(made, "event")
    if "event" in made.fields.chosen:
        made.event = found[0] if found else None
        return
    others = [*named_events(made.fields, made.inside)] if made.inside else []
    others += named_events(made.fields, None)
    known = {each.path: sum(kinds.known(value) is not None for value in each.values) for each in (*found, *others)}
    found = [each for each in found if plain(each.name) not in VAGUE or 4 * known[each.path] >= each.present]
    found += [each for each in others if each not in found and 2 * known[each.path] >= each.present]
    ranked = sorted(found, key=lambda each: -known[each.path])
    made.event = ranked[0] if ranked else None
    note_others(made, "the name of the event", ranked)


def _session(made: Plan) -> None:
    """The session, then what can stand for one where it is absent."""
    sessions, visitors, users = (find(made, role) for role in ("session", "visitor", "user"))
    if "session" in made.fields.chosen:
        visitors = []
    made.session = [*sessions[:1], *visitors[:1]] or users[:1]
    key = made.fields.get(("key",))
    if not made.session and key is not None and key.is_scalar:
        made.session = [key]
        made.notes.append("no member looks like a session: the record's key stands for it")
    if not made.session:
        raise NoSamplesError(
            "expected a session, a visitor or a user in the records, since PutEvents requires a sessionId; found no "
            f"member with such a name among {_missing(made, 'sessionId')}"
        )
    if not sessions and key not in made.session:
        what = "visitor" if visitors else "user"
        made.notes.append(f"no member looks like a session: the {what} stands for it, so that a session never ends")
    note_others(made, "sessionId", sessions)


def _missing(made: Plan, name: str) -> str:
    """The members that there are, and how to say which one it is; a missing item is asked for at the same time."""
    item = name == "sessionId" and made.event is None and not made.inside and not find(made, "item")
    also = ", and which the item: --member itemId=EXPRESSION" if item else ""
    return f"{names_of(made.fields)}. Say which it is: --member {name}=EXPRESSION{also}{next(hints(made.fields), '')}"


# -- rules ------------------------------------------------------------------------------------------------------


def _skips(made: Plan) -> Iterator[Rule]:
    """Crawlers and people who did not consent, where the records tell."""
    agent = candidates(made.fields, "agent").best
    if agent is not None:
        made.agents.add(agent.path)
        text = f"regex_extract(lower({expression(agent.path)} || ''), '(bot|crawler|spider)')"
        yield Rule("bots", made.evidence(agent), when=text, skip="bot")
    consent = candidates(made.fields, "consent").best
    if consent is not None:
        made.things.add(consent.path)
        yield Rule("without-consent", made.evidence(consent), f"{expression(consent.path)} == `false`", "no consent")


def _makes(made: Plan) -> Iterator[Rule]:
    lists = None if made.inside else _products(made)
    names = _typed(made, lists)
    listed = {name for name in names if lists is not None and _holds_list(made, name, lists)}
    shown = {name for name in listed if made.lookup[name] == "ListView"}
    budget = max(0, QUOTA - 2 - len(set(made.lookup.values()) or {"View"}))
    found = [*columns(made.fields, made.inside or lists), *columns(made.fields)]
    made.columns = list(dict.fromkeys(name for name, _ in found))[: min(_COLUMNS, budget)]
    if shown and lists is not None:
        yield _rule(made, "list-shown", shown, shown=lists)
    if listed - shown and lists is not None:
        yield _rule(made, "products", listed - shown, each=lists)
    rest = set(names) - listed
    if rest or not listed:
        yield _rule(made, "events", rest, each=made.inside)


def _products(made: Plan) -> Path | None:
    """A list of objects that have an item."""
    found = [each for each in made.fields.values() if each.lists and candidates(made.fields, "item", each.path).best]
    return max(found, key=lambda each: each.lists).path if found else None


def _typed(made: Plan, lists: Path | None) -> list[str]:
    """The names that become events, into ``lookup``: known ones, and others whose records have an item."""
    # A name with a control character cannot stand in a file as the key of a lookup.
    counts = Counter(name for name in made.event.values if name.isprintable()) if made.event else Counter()
    if not counts:
        made.event = None
        made.notes.append("no member names the event: each record with an item becomes a View")
        return []
    types: dict[str, str] = {}
    for name, _ in counts.most_common():
        kind = kinds.known(name) or (kinds.own(name) if not kinds.is_not_interest(name) else None)
        if kind and _has_item(made, name, lists) and len({*types.values(), kind}) <= QUOTA - 2:
            types[name] = kind
    if not types:
        [(name, _)] = counts.most_common(1)
        types[name] = kinds.known(name) or kinds.own(name)
        made.notes.append(f"no event has an item: only {quoted(name)} is mapped, since it is the most frequent")
    made.lookup = types
    left = [f"{quoted(name)} ({count:,})" for name, count in counts.most_common(12) if name not in types]
    if left:
        made.notes.append(f"skipped, since they are no interest in an item: {', '.join(left)}")
    return list(types)


def _has_item(made: Plan, name: str, lists: Path | None) -> bool:
    """Whether at least half of the events of this name have an item. Of events within a list all are taken to."""
    if made.inside:
        return True
    item = candidates(made.fields, "item").best
    with_item = [
        document for document in records_of(made, name) if item and value_at(document, item.path) not in {None, ""}
    ]
    return 2 * len(with_item) >= len(records_of(made, name)) or (lists is not None and _holds_list(made, name, lists))


def _holds_list(made: Plan, name: str, lists: Path) -> bool:
    """Whether at least half of the records of this name have the list, and no item beside it."""
    of_name = records_of(made, name)
    item = candidates(made.fields, "item").best
    alone = [
        document
        for document in of_name
        if value_at(document, lists) and not (item and value_at(document, item.path) is not None)
    ]
    return 2 * len(alone) >= len(of_name)


def _rule(made: Plan, name: str, names: set[str], *, each: Path | None = None, shown: Path | None = None) -> Rule:
    rule = Rule(name, _share(made, names), for_each=expression(each) if each else None)
    if made.event is not None and EACH not in made.event.path:
        rule.names = frozenset(names)
    if made.event is not None and EACH not in made.event.path:
        found = expression(made.event.path)
        if name == "events":
            rule.when = found if made.fields.share(made.event.path) < 1 else None
        else:
            rule.when = f"contains({_literal(sorted(names))}, {found})"
        made.things.add(made.event.path)
    rule.members = list(members_of(made, rule, names, each, shown))
    return rule


def _literal(names: list[str]) -> str:
    """A list in JMESPath."""
    text = json.dumps(names, ensure_ascii=False).replace("`", "\\`")
    return f"`{text}`"


def _share(made: Plan, names: set[str]) -> str:
    if made.event is None:
        return f"all of {made.fields.records:,} records"
    count = sum(value in names for value in made.event.values)
    return f"{count:,} of {made.fields.total(made.event.path):,}"
