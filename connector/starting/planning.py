"""Members and names become rules, each with the evidence that speaks for it."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from connector.starting import kinds
from connector.starting.envelopes import Envelope, envelope_of, taken_off
from connector.starting.fields import EACH, Field, Fields, Path, expression, value_at
from connector.starting.roles import VAGUE, candidates, columns, named_events, plain, time_of
from connector.starting.samples import NoSamplesError, Samples
from connector.starting.writing import flow, quoted, spelled

QUOTA = 10  # event types and columns of a training, EVENT_TYPE and EVENT_VALUE among them
_COLUMNS = 3


class Member(NamedTuple):
    """A member of an event: its field spec as YAML, and the evidence."""

    name: str
    spec: str
    why: str = ""


@dataclass
class Rule:
    """A rule of the proposal."""

    name: str
    why: str
    when: str | None = None
    skip: str | None = None
    for_each: str | None = None
    members: list[Member] = field(default_factory=list)
    names: frozenset[str] = frozenset()
    """Names of the events that it is for; none where records have no names."""


@dataclass
class Plan:
    """What to write."""

    samples: Samples
    documents: list[dict[str, Any]]
    fields: Fields
    envelope: Envelope
    inside: Path | None = None
    """The list whose elements are the events; none where a record is an event."""
    event: Field | None = None
    session: list[Field] = field(default_factory=list)
    lookup: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    """Names of the columns that fit into the quota."""
    notes: list[str] = field(default_factory=list)
    people: set[Path] = field(default_factory=set)
    """Members that the rules read and that are of people."""
    agents: set[Path] = field(default_factory=set)
    """Members that the rules read and that name a browser."""
    things: set[Path] = field(default_factory=set)
    """Members that the rules read and that are not."""

    time: Field | None = None
    """The member that is the event's time."""

    @property
    def topic(self) -> str:
        """The topic that most records say they are of."""
        names = Counter(sample.topic for sample in self.samples.records if sample.topic)
        name = names.most_common(1)[0][0] if names else "events"
        return name if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}", name) else "events"

    def evidence(self, found: Field) -> str:
        """How often a member is there, and how many values it has."""
        total = self.fields.total(found.path)
        of = " elements of lists" if EACH in found.path else ""
        share = 100 * found.present // total
        return f"{expression(found.path)}: {share} % present, {found.distinct:,} distinct in {total:,}{of}"


def plan(samples: Samples) -> Plan:
    """A mapping for records like these.

    Raises:
        NoSamplesError: there is no session, visitor or user in them.
    """
    values = [sample.value for sample in samples.records]
    envelope = envelope_of(values)
    documents = []
    for sample in samples.records:
        seen = taken_off(sample.value, envelope)
        documents.append({**seen, "key": sample.key, "headers": sample.headers})
    made = Plan(samples, documents, Fields(documents), envelope)
    made.inside = _list_of_events(made)
    _event(made)
    _session(made)
    if made.event is None and not _find(made, "item"):
        raise NoSamplesError(
            "expected the name of an event or an item in the records; found no member with such a name or such values "
            f"among {_names(made)}. Start from a preset, and name the member there: putevents init --from flat"
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


def _find(made: Plan, role: str) -> list[Field]:
    """Candidates: of the elements, where these are the events, then of the record."""
    found = candidates(made.fields, role, made.inside).fields if made.inside else []
    return [*found, *candidates(made.fields, role).fields]


def _event(made: Plan) -> None:
    """The member that names the event: whose values are known names in most records."""
    found = _find(made, "event")
    others = [*named_events(made.fields, made.inside)] if made.inside else []
    others += named_events(made.fields, None)
    known = {each.path: sum(kinds.known(value) is not None for value in each.values) for each in (*found, *others)}
    found = [each for each in found if plain(each.name) not in VAGUE or 4 * known[each.path] >= each.present]
    found += [each for each in others if each not in found and 2 * known[each.path] >= each.present]
    ranked = sorted(found, key=lambda each: -known[each.path])
    made.event = ranked[0] if ranked else None
    _others(made, "the name of the event", ranked)


def _others(made: Plan, what: str, ranked: Sequence[Field]) -> None:
    for other in ranked[1:4]:
        made.notes.append(f"{what} could also be {made.evidence(other)}")


def _session(made: Plan) -> None:
    """The session, then what can stand for one where it is absent."""
    sessions, visitors, users = (_find(made, role) for role in ("session", "visitor", "user"))
    made.session = [*sessions[:1], *visitors[:1]] or users[:1]
    key = made.fields.get(("key",))
    if not made.session and key is not None and key.is_scalar:
        made.session = [key]
        made.notes.append("no member looks like a session: the record's key stands for it")
    if not made.session:
        raise NoSamplesError(
            "expected a session, a visitor or a user in the records, since PutEvents requires a sessionId; found no "
            f"member with such a name among {_names(made)}. Start from a preset, and name the member there: "
            "putevents init --from flat"
        )
    if not sessions and key not in made.session:
        what = "visitor" if visitors else "user"
        made.notes.append(f"no member looks like a session: the {what} stands for it, so that a session never ends")
    _others(made, "sessionId", sessions)


def _names(made: Plan) -> str:
    names = [expression(path) for path, each in made.fields.items() if each.is_scalar and EACH not in path]
    return ", ".join(names[:12]) or "its members"


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
    if made.event is None:
        made.notes.append("no member names the event: each record with an item becomes a View")
        return []
    counts = Counter(made.event.values)
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


def _of(made: Plan, name: str) -> list[dict[str, Any]]:
    path = () if made.event is None else made.event.path
    return [document for document in made.documents if EACH in path or value_at(document, path) == name]


def _has_item(made: Plan, name: str, lists: Path | None) -> bool:
    """Whether at least half of the events of this name have an item. Of events within a list all are taken to."""
    if made.inside:
        return True
    item = candidates(made.fields, "item").best
    with_item = [document for document in _of(made, name) if item and value_at(document, item.path) not in {None, ""}]
    return 2 * len(with_item) >= len(_of(made, name)) or (lists is not None and _holds_list(made, name, lists))


def _holds_list(made: Plan, name: str, lists: Path) -> bool:
    """Whether at least half of the records of this name have the list, and no item beside it."""
    of_name = _of(made, name)
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
    rule.members = list(_members(made, rule, names, each, shown))
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


def _members(made: Plan, rule: Rule, names: set[str], each: Path | None, shown: Path | None) -> Iterator[Member]:
    yield _session_member(made)
    user = next((one for one in _find(made, "user") if one not in made.session and _has(made, names, one)), None)
    if user is not None:
        made.people.add(user.path)
        yield Member("userId", spelled(expression(user.path)), f"{made.evidence(user)}; null before the login")
    yield _type_member(made, names, chosen=rule.name != "events")
    yield from _id_member(made, names, each)
    if shown is None:
        yield from _item_members(made, names, each)
    yield from _shown_member(made, each, shown)
    yield from _time_member(made)
    if shown is None:
        yield from _properties(made, names, each)


def _session_member(made: Plan) -> Member:
    made.people |= {one.path for one in made.session}
    first, *others = (expression(one.path) for one in made.session)
    why = "; ".join(made.evidence(one) for one in made.session)
    if others and -1 in made.session[0].values:
        text = flow({"case": [{"when": f"{first} == `-1`", "then": others[0]}, {"else": first}]}, 21)
        return Member("sessionId", text, f"{why}; -1 is outside of a session")
    if others and made.fields.share(made.session[0].path) < 1:
        return Member("sessionId", spelled(f"coalesce_empty({first}, {others[0]})"), why)
    return Member("sessionId", spelled(first), made.evidence(made.session[0]))


def _type_member(made: Plan, names: set[str], *, chosen: bool) -> Member:
    if made.event is None:
        return Member("eventType", "{const: View}")
    made.things.add(made.event.path)
    lookup = {name: made.lookup[name] for name in made.lookup if name in names}
    spec: dict[str, Any] = {"from": expression(made.event.path), "lookup": lookup, "otherwise": "skip"}
    if chosen:  # by the rule's condition
        del spec["otherwise"]
        spec = {"const": next(iter(lookup.values()))} if len(lookup) == 1 else spec
    text = flow(spec, 21)
    return Member("eventType", text, made.evidence(made.event))


def _has(made: Plan, names: set[str], found: Field) -> bool:
    """Whether a record of these names has the member; of lists and of records without names all are taken to."""
    if made.event is None or EACH in (*made.event.path, *found.path):
        return True
    return any(value_at(document, found.path) is not None for name in names for document in _of(made, name))


def _id_member(made: Plan, names: set[str], each: Path | None) -> Iterator[Member]:
    taken = {one.path for one in made.session}
    found = next((one for one in _find(made, "id") if one.path not in taken and _has(made, names, one)), None)
    if found is None:
        return
    made.people.add(found.path)
    name = expression(found.path)
    spec = flow({"template": f"{{{{ {name} }}}}:{{{{ index }}}}"}, 19) if each else spelled(name)
    yield Member("eventId", spec, f"{made.evidence(found)}; the same id counts once in training")


def _item_members(made: Plan, names: set[str], each: Path | None) -> Iterator[Member]:
    for name, role in (("itemId", "item"), ("eventValue", "value")):
        found = [] if each is None else candidates(made.fields, role, each).fields
        found += [] if found else [one for one in candidates(made.fields, role).fields if _has(made, names, one)]
        if not found and role == "item":
            made.notes.append("no member looks like an item: of events without items a model learns little")
        if found:
            made.things.add(found[0].path)
            text = expression(found[0].path)
            if role == "value" and "cent" in found[0].name.lower():
                text = f"divide(to_number({text}), `100`)"
            only = role == "item" and made.event is None  # nothing else says that a record is an event
            spec = flow({"from": text, "otherwise": "skip"}, 18) if only else spelled(text)
            yield Member(name, spec, made.evidence(found[0]))
            _others(made, name, found)


def _shown_member(made: Plan, each: Path | None, shown: Path | None) -> Iterator[Member]:
    if shown is not None:
        [item, *_] = candidates(made.fields, "item", shown).fields
        made.things.add(item.path)
        inner = expression(item.path).removeprefix("item.")
        yield Member("impression", spelled(f"{expression(shown)}[:25].{inner}"), made.evidence(item))
        return
    found = candidates(made.fields, "impression", made.inside if each else None).best
    if found is not None:
        made.things.add(found.path)
        yield Member("impression", spelled(f"{expression(found.path)}[:25]"), made.evidence(found))


def _time_member(made: Plan) -> Iterator[Member]:
    found = _find(made, "time")
    time = time_of(found[0]) if found else None
    if time is None:
        made.notes.append("no member is a time that can be read in one way only: the record's own timestamp counts")
        return
    made.things.add(found[0].path)
    made.time = found[0]
    text = expression(found[0].path)
    if time.format is not None:
        yield Member("sentAt", flow({"from": text, "format": time.format}, 18), time.words)
    elif made.fields.share(found[0].path) < 1:
        yield Member("sentAt", spelled(f"not_null({text}, timestamp)"), f"{time.words}; else the record's own")
    else:
        yield Member("sentAt", spelled(text), f"{time.words}; {made.evidence(found[0])}")
    _others(made, "sentAt", found)


def _properties(made: Plan, names: set[str], each: Path | None) -> Iterator[Member]:
    found = [(name, one) for name, one in columns(made.fields, each) if name in made.columns and _has(made, names, one)]
    if found:
        made.things |= {one.path for _, one in found}
        spec = flow({name: expression(one.path) for name, one in found}, 22)
        yield Member("properties", spec, "columns of your interactions schema; remove those that it does not have")
